"""The grid for a GPU at a toy's size: every cell runs, and what cannot be said without a card stays open."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from hfft_widgets.core.plan.hardware import gpu_machine
from tests.bench.gpu.__main__ import line
from tests.bench.gpu.measure import Measured
from tests.bench.gpu.setups import Setup, lengths, ours, planned, rivals, shapes

SIDES = {"ours", "plain TRL", "plain TRL, adapters", "llm-trainer skill", "trl-jobs"}


def test_every_side_is_measured_and_ours_is_what_the_plan_says():
    rows, card = lengths(400), gpu_machine("NVIDIA H200")
    assert {setup.name for setup in rivals("Qwen3-0.6B", card, rows)} == SIDES
    own = ours("Qwen3-0.6B", card, rows)
    assert own.arguments["bf16"] is True
    wanted = planned("Qwen3-0.6B", card, rows).settings
    assert own.arguments["per_device_train_batch_size"] == wanted.batch_size
    assert own.arguments["max_length"] == wanted.max_length
    assert own.expected is not None


def test_lengths_are_those_of_chats():
    rows = sorted(lengths(5000))
    mean = sum(rows) / len(rows)
    assert 300 < mean < 340
    assert 4 < rows[4950] / mean < 6


def test_a_line_gives_dollars_where_there_is_a_price_and_says_what_did_not_run():
    found = Measured(tokens_per_second=50_000, step_seconds=0.5, peak_bytes=2**34, loss=11.9)
    assert "36.0 M" in line(Setup("ours", expected=(0.25, 2**33)), found, 5.0)
    assert line(Setup("ours", expected=(0.25, 2**33)), found, 5.0).split()[-2:] == ["0.50", "0.50"]
    assert "open" in line(Setup("ours"), found, 0.0)
    assert line(Setup("plain TRL"), "out of memory", 5.0).endswith("out of memory")


@pytest.mark.full
@pytest.mark.usefixtures("sample_folders")
def test_the_toy_runs_on_a_processor():
    command = [sys.executable, "-m", "tests.bench.gpu", "--toy"]
    done = subprocess.run(command, cwd=Path(__file__).parents[2], capture_output=True, text=True, timeout=300)
    assert "stay open until it runs on one" in done.stdout, done.stdout + done.stderr
    rows = [row for row in done.stdout.splitlines() if row.startswith(("ours", "plain TRL", "llm-trainer", "trl-jobs"))]
    losses = [float(row[34:].split()[3]) for row in rows]  # a cell that failed says so in words, and ends the test
    assert len(rows) >= len(SIDES)
    assert max(losses) - min(losses) < 0.1, done.stdout
    assert "toy" in shapes()
