"""Importing does nothing: no heavy library, no folder, no network, no widget."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

HEAVY = ["plotly.graph_objs._figurewidget", "pandas", "datasets", "transformers", "trl", "peft", "torch"]


def loaded_by(code: str, names: list[str]) -> list[str]:
    script = f"{code}\nimport sys, json; print(json.dumps([n for n in {names!r} if n in sys.modules]))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize(
    "code",
    [
        "import hfft_widgets",
        "import hfft_widgets.core",
        "import hfft_widgets.core.plan.choose",
        "import hfft_widgets.core.data.report",
    ],
)
def test_the_core_loads_nothing_heavy(code):
    assert loaded_by(code, [*HEAVY, "ipywidgets", "plotly", "IPython", "huggingface_hub", "anywidget"]) == []


def test_the_studio_loads_nothing_heavy():
    assert loaded_by("import hfft_widgets as hfft; hfft.FineTuner()", [*HEAVY, "huggingface_hub", "plotly"]) == []


def test_importing_creates_no_folder(home):
    code = "import hfft_widgets as hfft; hfft.FineTuner; hfft.validate; hfft.samples; hfft.errors"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)
    assert list(home.iterdir()) == []


def test_every_public_name_loads_and_the_typed_twin_agrees():
    import ast
    from pathlib import Path

    import hfft_widgets as hfft

    for name in hfft.__all__:
        assert getattr(hfft, name) is not None
    tree = ast.parse(Path(hfft.__file__).read_text("utf-8"))
    block = next(node for node in tree.body if isinstance(node, ast.If))
    typed = {alias.asname for node in block.body if isinstance(node, ast.ImportFrom) for alias in node.names}
    assert typed == set(hfft.__all__)


def test_an_unknown_name_is_an_attribute_error():
    import hfft_widgets as hfft

    with pytest.raises(AttributeError, match="has no attribute 'Finetuner'"):
        _ = hfft.Finetuner
