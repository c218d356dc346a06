"""The notebook for JupyterLite, with no other package than what Pyodide has; JupyterLite itself was not run.

Pyodide's own builds of numpy and pyarrow come from a network that is not asked here; the planner runs in the real one,
see `test_planner.py`.
"""

from __future__ import annotations

import re
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOK = Path(__file__).parents[2] / "notebooks" / "lite_data_and_plan.ipynb"
# what Pyodide has no build of, or cannot do; and what the notebook does not install
ABSENT = """
import sys

class Absent:
    names = {"torch", "tokenizers", "transformers", "datasets", "trl", "peft", "safetensors", "hf_xet", "psutil",
             "huggingface_hub", "ipywidgets", "anywidget", "plotly", "pandas", "PIL", "httpx", "charset_normalizer"}

    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in self.names:
            raise ModuleNotFoundError(f"No module named {name!r}, as in Pyodide", name=name)

sys.meta_path.insert(0, Absent())
"""


@pytest.mark.ci
def test_the_notebook_runs_with_what_a_browser_has(home):
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    nbformat.validate(notebook)
    notebook.cells.insert(0, nbformat.v4.new_code_cell(ABSENT))
    notebook.metadata.kernelspec.name = "python3"  # the name of the browser's own kernel is another
    NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(NOTEBOOK.parent)}}).execute()
    shown = [
        output.data["text/html"] for cell in notebook.cells for output in cell.get("outputs", []) if "data" in output
    ]
    assert len(shown) == 2
    assert "What is 1 + 6?" in shown[0]
    assert re.search("bytes divided by four", shown[1])


def test_it_installs_what_it_imports():
    """Five packages beside this one: of the wheel's dependencies it takes none."""
    text = NOTEBOOK.read_text("utf-8")
    asked = re.findall(r"micropip\.install\((\[.*?\])\)", text.replace('\\"', '"'))
    assert asked == ['["numpy", "pyarrow", "xxhash", "jinja2", "platformdirs"]']
