"""What the page's part repeats of the package agrees with it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import hfft_widgets as hfft
import hfft_widgets.lab

FOLDER = Path(hfft_widgets.lab.__file__).parent / "labextension"


def test_the_page_has_the_packages_version():
    assert json.loads((FOLDER / "package.json").read_text("utf-8"))["version"] == hfft.__version__


def test_settings_begin_the_same_with_and_without_a_registry():
    schema = json.loads((FOLDER / "schemas/hfft-widgets/plugin.json").read_text("utf-8"))
    written = re.search(r"DEFAULTS = (\{.*\});", (FOLDER / "static/settings.js").read_text("utf-8"))[1]
    without = json.loads(re.sub(r"(\w+):", r'"\1":', written).replace("'", '"'))
    assert {name: value["default"] for name, value in schema["properties"].items()} == without


def test_every_module_that_is_imported_is_there():
    static = FOLDER / "static"
    named = {
        name for file in static.glob("*.js") for name in re.findall(r"['/}](\w+\.js)['`]", file.read_text("utf-8"))
    }
    assert named | {"remoteEntry.js"} == {file.name for file in static.glob("*.js")}


def test_its_style_reaches_no_widget():
    """Both stylesheets are on one page: a class that both name would look like either."""
    classes = re.compile(r"\.(hfft-[\w-]+)")
    ours = set(classes.findall((FOLDER / "static" / "style.css").read_text("utf-8")))
    assert ours
    assert not ours & set(classes.findall((FOLDER.parents[1] / "cards" / "style.css").read_text("utf-8")))
