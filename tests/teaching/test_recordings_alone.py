"""Four lessons and the last exercise need recordings alone: no torch, no model, and little memory."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from hfft_widgets.teaching.notebooks import notebook
from hfft_widgets.teaching.source import lesson

MEGABYTES = 300
RUN = """
import json, pathlib, sys
import hfft_widgets as hfft
space = {"display": lambda *shown: None}
for source in json.load(open(sys.argv[1], encoding="utf-8")):
    exec(compile(source, "lesson", "exec"), space)
heavy = {"torch", "transformers", "trl", "peft"} & set(sys.modules)
# the process's own: what getrusage says begins with its parent's (exec keeps it)
status = pathlib.Path("/proc/self/status").read_text()
print("SAID", json.dumps([sorted(heavy), int(status.partition("VmHWM:")[2].split()[0]) // 1000]))
"""


@pytest.mark.ci
@pytest.mark.parametrize("name", ["run", "export", "hf_jobs", "capstone"])
def test_a_solved_lesson_runs_with_little(name, tmp_path):
    cells = notebook(lesson(name), solved=True)["cells"]
    sources = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    file = tmp_path / "cells.json"
    file.write_text(json.dumps(sources), "utf-8")
    home = os.environ | {"HFFT_HOME": str(tmp_path / "home"), "HF_HUB_OFFLINE": "1"}
    done = subprocess.run(
        [sys.executable, "-c", RUN, str(file)], cwd=tmp_path, env=home, capture_output=True, text=True, timeout=300,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    heavy, megabytes = json.loads(done.stdout.rpartition("SAID ")[2])
    assert heavy == []
    assert megabytes < MEGABYTES
