"""A run that hangs is called stalled; one that is slow, loads, evaluates or ends is not."""

import json

import pytest

from hfft_widgets.core.run.journal import Journal
from hfft_widgets.core.run.stage import Stage
from hfft_widgets.core.run.stall import Limits, stall


def told(*events):
    journal = Journal()
    for n, (seconds, kind, more) in enumerate(events):
        journal.feed(f"@hfft {json.dumps({'n': n, 't': seconds, 'event': kind, **more})}\n".encode())
    return journal


def points(gaps, total=1000):
    at, events = 100.0, []
    for step, gap in enumerate(gaps, 1):
        at += gap
        events.append((at, "log", {"step": step, "total_steps": total, "metrics": {"loss": 1.0}}))
    return told(*events)


def seen(journal, seconds, stage=Stage.RUNNING, waiting=60.0):
    return stall(journal, stage, silent_seconds=seconds, waiting_seconds=waiting)


@pytest.mark.parametrize(
    ("gaps", "usual", "stalls"),
    [
        ([0.1] * 20, 50, 70),  # however fast it is, a minute may pass
        ([5] * 20, 59, 61),
        ([5] * 19 + [90], 500, 550),  # it evaluates now and then
        ([120] * 20, 1400, 1500),
    ],
)
def test_it_is_called_after_many_times_the_usual(gaps, usual, stalls):
    journal = points(gaps)
    assert seen(journal, usual) is None
    found = seen(journal, stalls)
    assert found.words.startswith("No new point for ")
    assert "run.cancel()" in found.words
    assert found.usual_seconds == pytest.approx(sorted(gaps)[len(gaps) // 2])


def test_what_takes_its_time_is_no_stall():
    loading = told((100.0, "progress", {"message": "Loading data and model"}))
    assert seen(loading, 1700) is None
    assert seen(loading, 1900).words.startswith("Not a word for 32 min")
    saving = points([1] * 20)
    saving.feed(b'\n@hfft {"n": 99, "t": 200.0, "event": "progress", "message": "Saving the model"}\n')
    assert seen(saving, 600) is None
    assert seen(points([1] * 20, total=20), 600) is None  # the last step is done
    ended = points([1] * 20)
    ended.feed(b'@hfft {"n": 99, "t": 200.0, "event": "end"}\n')
    assert seen(ended, 10_000) is None
    assert seen(points([1, 1]), 600) is None  # too few to know what is usual


def test_a_run_that_ended_does_not_stall():
    for stage in (Stage.COMPLETED, Stage.ERROR, Stage.CANCELED, Stage.DELETED):
        assert seen(points([1] * 20), 10_000, stage, 10_000) is None


def test_hours_without_a_machine():
    assert seen(Journal(), 3000, Stage.SCHEDULING, 3000) is None
    found = seen(Journal(), 0, Stage.SCHEDULING, 4 * 3600)
    assert "4 h 0 min" in found.words or "for 4 h" in found.words
    assert "another flavor" in found.words


def test_a_clock_that_was_set_back_makes_no_gap():
    assert seen(points([1] * 10 + [-5000] + [1] * 10), 61).usual_seconds == 1


def test_it_says_what_ends_it_if_nobody_does():
    journal = points([1] * 20)

    def words(**limits):
        found = stall(
            journal, Stage.RUNNING, silent_seconds=100, waiting_seconds=200, limits=Limits(**limits)
        )  # fmt: skip
        return found.words.partition("run.resume(). ")[2]

    assert words() == "Left alone, it stays so: no limit was set (stall_minutes at its launch)."
    assert words(left_seconds=7200.0) == "Left alone, it is stopped at its time limit, in 2 h."
    assert words(stall_seconds=600.0) == "It is stopped at its limit without progress (10 min), in 8 min 20 s."
    assert words(stall_seconds=600.0, left_seconds=60.0).startswith("Left alone, it is stopped at its time limit")
    assert words(stall_seconds=90.0).endswith("(1 min 30 s), now.")
