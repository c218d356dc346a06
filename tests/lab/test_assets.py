"""What the page's part repeats of the package agrees with it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import hfft_widgets as hfft
import hfft_widgets.lab
from hfft_widgets.cards import parts
from hfft_widgets.lab import lessons

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


def test_each_state_looks_as_it_does_on_the_cards():
    written = (FOLDER / "static/icons.js").read_text("utf-8")
    circle = re.search(r"CIRCLE = '(.*)';", written)[1]
    states = re.findall(r"  (\w+): \[(.*)\],", written.partition("STATES = {")[2].partition("};")[0])
    drawn = {name: re.findall(r"'([^']+)'", paths.replace("CIRCLE", f"'{circle}'")) for name, paths in states}
    assert drawn == {name: paths for name, (_, paths) in parts._ICONS.items()}


def test_each_lesson_has_a_picture_of_its_own():
    written = (FOLDER / "static/icons.js").read_text("utf-8").partition("LESSONS = {")[2].partition("};")[0]
    pictures = dict(re.findall(r"  '?(\w+)'?: (.+),", written))
    assert set(pictures) == {lesson["name"] for lesson in lessons.lessons()}
    assert len(set(pictures.values())) == len(pictures)
