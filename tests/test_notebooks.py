"""Notebooks run from the first to the last cell, and README's Python does what it says."""

from __future__ import annotations

import re
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

import hfft_widgets as hfft
from hfft_widgets.teaching.source import lessons

ROOT = Path(__file__).parent.parent
WITH_A_HUB = ("5_hf_jobs",)  # runs in test_jobs_loop.py, against the stand-in Hub
WITHOUT_A_KERNEL = ("lite_data_and_plan",)  # runs in pyodide/test_lite.py, with what a browser has
SOLVED = tuple(lesson.stem for lesson in lessons().values())  # run, with their claims, in teaching/test_notebooks.py
ELSEWHERE = (*WITH_A_HUB, *WITHOUT_A_KERNEL, *SOLVED)
NOTEBOOKS = sorted(path for path in (ROOT / "notebooks").glob("*.ipynb") if path.stem not in ELSEWHERE)


@pytest.mark.ci
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs(path, sample_folders):
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(path.parent)}}).execute()
    kinds = {kind for cell in notebook.cells for output in cell.get("outputs", []) for kind in output.get("data", {})}
    assert "application/vnd.jupyter.widget-view+json" in kinds or path.stem == "teacher"


def python_of(path: Path) -> list[str]:
    if path.suffix == ".ipynb":
        notebook = nbformat.read(path, as_version=4)
        return [_whole(cell.source) for cell in notebook.cells if cell.cell_type == "code"]
    return re.findall(r"```python\n(.*?)```", path.read_text("utf-8"), re.DOTALL)


def _whole(source: str) -> str:
    """A cell with what a click, or a minute of patience, would add."""
    return source.replace("RUN = False", "RUN = True").replace("LONG = False", "LONG = True")


@pytest.mark.full
@pytest.mark.timeout(1500)
@pytest.mark.parametrize("name", ["README.md", "notebooks/0_quickstart.ipynb"])
def test_the_lines_of_python_do_the_loop(name, sample_folders, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    space: dict[str, object] = {}
    for block in python_of(ROOT / name):
        exec(compile(block, name, "exec"), space)
    last = space["gguf"]
    assert last.stage == "COMPLETED"
    assert last.journal.data("verified")["verified"] is True


GOALS = {"messages": "instruction following", "preference": "preferences", "verifiable": "verifiable reasoning"}


@pytest.mark.full
@pytest.mark.timeout(1500)
def test_every_method_of_the_samples_trains(sample_folders):
    methods = set()
    for kind, goal in GOALS.items():
        report = hfft.validate(f"sample:{kind}", model="sample:model")
        plan = hfft.plan_training("sample:model", report, goal=goal)
        run = hfft.launch(plan.within(seconds=60)).wait()
        assert run.stage == "COMPLETED", run.log
        assert len(run.history["loss"]) > 1
        methods.add(plan.method)
    assert methods == {"SFT", "DPO", "GRPO"}
