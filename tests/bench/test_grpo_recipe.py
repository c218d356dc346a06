"""The bench of GRPO: it runs, and its interval is that of the questions."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.bench.grpo_recipe import interval


def test_the_interval_is_of_the_questions_and_not_of_the_seeds():
    before = [False] * 100
    low, high = interval(before, [[True] * 50 + [False] * 50] * 3, draws=1000)
    assert 0.38 < low < 0.5 < high < 0.62
    assert interval(before, [before] * 3, draws=100) == (0, 0)


@pytest.mark.full
@pytest.mark.usefixtures("sample_folders")
def test_it_runs_at_a_small_size():
    command = [sys.executable, "-m", "tests.bench.grpo_recipe", "--small"]
    done = subprocess.run(command, cwd=Path(__file__).parents[2], capture_output=True, text=True, timeout=500)
    assert "CPU seconds a seed" in done.stdout, done.stdout + done.stderr
