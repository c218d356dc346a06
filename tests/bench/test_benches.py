"""Every bench starts and comes to its last line, at a small size; what it measures is read by a person."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent
SMALL = {
    "bench_diagnosis": ("--small", "wrong"),
    "bench_export": ("--small", "(at most 25%)"),
    "bench_follow": ("20000", "peak memory"),
    "bench_groups": ("--small", "times the fewest"),
    "bench_import": ("--small", "hfft.FineTuner()"),
    "bench_leakage": ("--small", "bare reads of"),
    "bench_live_plot": ("2", "ratio"),
    "bench_page": ("1", "missed"),
    "bench_plan": ("--small", "hfft.estimate"),
    "bench_rows": ("2000", "ratio"),
    "bench_shared_server": ("--small", "MB in all"),
    "bench_soup": ("--small", "hfft.validate"),
    "bench_validate": ("--small", "x the read"),
    "estimator": ("--help", "--points"),
}
SLOW = {"bench_page", "bench_export"}  # a browser, or a compiler, each more than a minute


def test_every_bench_is_known():
    assert {path.stem for path in (*FOLDER.glob("bench_*.py"), FOLDER / "estimator.py")} == set(SMALL)


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.full if name in SLOW else pytest.mark.ci) for name in SMALL]
)
def test_a_bench_starts(name):
    size, last = SMALL[name]
    command = [sys.executable, "-m", f"tests.bench.{name}", size]
    environment = os.environ | {"HFFT_BENCH_SIZE": size}
    done = subprocess.run(command, cwd=FOLDER.parents[1], env=environment, capture_output=True, text=True, timeout=300)
    assert last in done.stdout, done.stdout + done.stderr  # at this size a bound may be missed, which is exit code 1
