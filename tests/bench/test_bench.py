"""Every bench starts, says figures and ends, at a small size."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
BENCHES = [*sorted(path.stem for path in HERE.glob("bench_*.py")), "estimator"]

SMALL = {"bench_follow": "50000"}  # lines; what a bench is given to be done within seconds


@pytest.mark.full
@pytest.mark.parametrize("name", BENCHES)
def test_it_starts_and_ends(name, sample_folders):
    command = [sys.executable, "-m", f"tests.bench.{name}", SMALL.get(name, "--small")]
    done = subprocess.run(command, cwd=HERE.parents[1], capture_output=True, text=True, timeout=300)
    assert done.returncode in {0, 1}, done.stdout + done.stderr  # 1: out of its bounds, as a busy machine may be
    assert "Traceback" not in done.stderr, done.stderr
    assert len(re.findall(r"\d+\.\d+", done.stdout)) >= 3, done.stdout
