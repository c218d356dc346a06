"""Nothing is lost, doubled, started twice or called ended too early, whatever fails meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import pytest

import hfft_widgets as hfft
from tests.jobs.schedules.far import far_schedule
from tests.jobs.schedules.here import here_schedule
from tests.jobs.schedules.real import real_schedule
from tests.jobs.schedules.weights import weights_schedule

MOST = 1440  # of each kind: 2,880 in all


def all_good(schedule: Callable[[int], Any], seeds: Iterable[int]) -> None:
    found = [schedule(seed) for seed in seeds]
    bad = [result for result in found if not result.good]
    faults = sum(result.faults for result in found)
    print(f"\n{len(found)} schedules, {faults} faults, {len(bad)} bad")
    assert not bad, bad[:3]
    assert faults >= len(found)


@pytest.mark.parametrize("schedule", [far_schedule, here_schedule])
def test_a_few_on_a_simulated_clock(schedule):
    all_good(schedule, range(15))


@pytest.mark.full
@pytest.mark.parametrize("schedule", [far_schedule, here_schedule])
def test_all_on_a_simulated_clock(schedule):
    all_good(schedule, range(1000, 1000 + MOST))


@pytest.mark.ci
def test_some_with_real_processes(tmp_path, monkeypatch):
    for seed in range(3):
        monkeypatch.setenv("HFFT_HOME", str(tmp_path / str(seed)))
        all_good(real_schedule, [seed])


@pytest.mark.full
def test_a_hundred_with_real_processes(tmp_path, monkeypatch):
    for seed in range(100, 200):
        monkeypatch.setenv("HFFT_HOME", str(tmp_path / str(seed)))
        all_good(real_schedule, [seed])


@pytest.mark.full
def test_twenty_whose_resumed_weights_are_those_of_the_undisturbed_run(sample_folders, tmp_path):
    model = hfft.samples.model()
    assert [seed for seed in range(20) if not weights_schedule(seed, model, tmp_path)] == []
