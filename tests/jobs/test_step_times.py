"""Step times of finished runs correct the next estimate for that card and shape."""

from __future__ import annotations

import dataclasses
import json

import pytest

from hfft_widgets.core.estimate.estimate import estimate_work
from hfft_widgets.core.estimate.pace import finished_run
from hfft_widgets.core.plan.hardware import FLAVORS, local_flavor
from hfft_widgets.core.run.journal import Journal
from hfft_widgets.jobs import step_times
from tests.core.plan.reports import plan as planned


def told(steps: int, seconds: float) -> Journal:
    events = [
        {"n": 0, "t": 100.0, "event": "start", "step": 0, "total_steps": steps},
        {"n": 1, "t": 100 + seconds, "event": "summary", "step": steps, "total_steps": steps, "metrics": {}},
    ]
    journal = Journal()
    journal.feed("".join(f"@hfft {json.dumps(event)}\n" for event in events).encode())
    return journal


@pytest.fixture
def made():
    return planned(flavor="a10g-small", count=200)


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("HFFT_HOME", str(tmp_path))


def took(made, factor: float) -> float:
    e = made.estimate
    return factor * (e.steps * e.step_seconds + e.check_seconds)


def test_the_next_estimate_is_what_the_last_one_took(made):
    step_times.keep("jobs:me/1", made.to_dict(), told(made.estimate.steps, took(made, 1.5)))
    machines = step_times.finished_on(made.machines)
    after = dataclasses.replace(made, machines=machines).estimate
    assert after.step_seconds == pytest.approx(1.5 * made.estimate.step_seconds)
    assert after.correction == pytest.approx(1.5)
    assert after.seconds.high / after.seconds.low < made.estimate.seconds.high / made.estimate.seconds.low
    same_card = next(flavor for flavor in machines if flavor.name == "a10g-large")
    assert estimate_work(made.facts, made.work, same_card).correction == pytest.approx(1.5)
    other = next(flavor for flavor in machines if flavor.name == "l4x1")
    assert estimate_work(made.facts, made.work, other).correction == 1


def test_a_corrected_estimate_is_not_corrected_twice(made):
    step_times.keep("jobs:me/1", made.to_dict(), told(made.estimate.steps, took(made, 1.5)))
    second = dataclasses.replace(made, machines=step_times.finished_on(made.machines))
    step_times.keep("jobs:me/2", second.to_dict(), told(made.estimate.steps, took(made, 1.5)))
    third = dataclasses.replace(made, machines=step_times.finished_on(made.machines)).estimate
    assert third.correction == pytest.approx(1.5)


def test_another_shape_is_not_corrected(made):
    step_times.keep("jobs:me/1", made.to_dict(), told(made.estimate.steps, took(made, 1.5)))
    machines = step_times.finished_on(made.machines)
    larger = planned("Llama-3.2-3B", flavor="a10g-small", machines=machines)
    assert larger.estimate.correction == 1


def test_one_run_counts_once_and_stays_as_it_was(made):
    for seconds in (1.5, 3.0):
        step_times.keep("local:1", made.to_dict(), told(made.estimate.steps, took(made, seconds)))
    (ratio,) = {run.ratio for flavor in step_times.finished_on(FLAVORS) for run in flavor.finished}
    assert ratio == pytest.approx(1.5)


@pytest.mark.parametrize(
    "change", [{"method": None}, {"estimate": {}}, {"facts": {}}, {"edited": True}, {"estimate": {"step_seconds": "x"}}]
)
def test_a_plan_that_says_too_little_teaches_nothing(made, change):
    assert finished_run({**made.to_dict(), **change}, 50, 60.0) is None


def test_what_cannot_be_is_not_believed(made):
    assert finished_run(made.to_dict(), 50, 1e9) is None
    assert finished_run(made.to_dict(), 2, 60.0) is None


def test_a_damaged_file_is_left_out(tmp_path):
    folder = tmp_path / "data" / "v1" / "step_times"
    folder.mkdir(parents=True)
    (folder / "a.json").write_text("{")
    (folder / "b.json").write_text('{"flavor": "local", "unknown": 1}')
    assert step_times.finished_on((local_flavor(2**30, 0.1),))[0].finished == ()


def test_of_a_pilot_the_steps_count_and_not_its_start(made):
    pilot = made.pilot_plan
    each = 3 * pilot.estimate.step_seconds
    journal = Journal()
    parts = pilot.estimate.parts
    held = 1.3 * 1.05 * (sum(parts.values()) - parts["runtime"])
    events = [
        {"n": step, "t": 500 * (step > 0) + each * step, "event": "log", "step": step,
         "metrics": {"loss": 1.0, "gpu_memory_bytes": held * min(1, 0.5 + step / 10)}}
        for step in range(1, 11)
    ]  # fmt: skip
    start = {"n": 0, "t": 0.0, "event": "start", "step": 0, "total_steps": 10}
    end = {"n": 11, "t": 900.0, "event": "summary", "step": 10, "metrics": {}}
    journal.feed("".join(f"@hfft {json.dumps(event)}\n" for event in (start, *events, end)).encode())
    step_times.keep("jobs:me/1", pilot.to_dict(), journal)
    after = dataclasses.replace(made, machines=step_times.finished_on(made.machines)).estimate
    assert after.step_seconds == pytest.approx(3 * made.estimate.step_seconds, rel=0.02)
    assert after.correction == pytest.approx(3)
    assert after.memory_bytes.mid == pytest.approx(1.3 * made.estimate.memory_bytes.mid)
