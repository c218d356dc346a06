"""Time left: from the last lines alone, and only while there is time left to tell."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hfft_widgets.core.run.journal import Journal
from hfft_widgets.core.run.pace import Pace, pace
from hfft_widgets.core.run.stage import Stage


def journal_of(rows, total=100, kind="log", name="loss"):
    journal = Journal()
    for n, (step, seconds) in enumerate(rows):
        event = {"n": n, "t": seconds, "event": kind, "step": step, "total_steps": total, "metrics": {name: 1.0}}
        journal.feed(b"@hfft " + json.dumps(event).encode() + b"\n")
    return journal


def steady(first, last, seconds_per_step=2.0, every=1, start=1000.0):
    return [(step, start + seconds_per_step * (step - first)) for step in range(first, last + 1, every)]


def test_a_steady_run():
    assert pace(journal_of(steady(1, 40)), Stage.RUNNING, 1078.0) == Pace(40, 100, 0.4, pytest.approx(120.0))


def test_a_run_that_starts_in_the_middle():
    found = pace(journal_of(steady(901, 910), total=1000), Stage.RUNNING, 1018.0)
    assert (found.step, found.fraction) == (910, 0.91)
    assert found.seconds_left == pytest.approx(180.0)


def test_a_run_that_was_stopped_for_a_night_and_repeats_some_steps():
    rows = steady(1, 50) + steady(41, 90, start=90_000.0)
    last = rows[-1][1]
    assert pace(journal_of(rows), Stage.RUNNING, last).seconds_left == pytest.approx(20.0)


def test_it_counts_down_between_lines_but_never_further_than_one():
    journal = journal_of(steady(10, 40, every=10))
    last = 1060.0
    assert pace(journal, Stage.RUNNING, last).seconds_left == pytest.approx(120.0)
    assert pace(journal, Stage.RUNNING, last + 5).seconds_left == pytest.approx(115.0)
    assert pace(journal, Stage.RUNNING, last + 5000).seconds_left == pytest.approx(100.0)
    assert pace(journal, Stage.RUNNING, last - 5000).seconds_left == pytest.approx(120.0)  # another machine's clock


@pytest.mark.parametrize("stage", [stage for stage in Stage if stage is not Stage.RUNNING])
def test_no_time_is_left_unless_it_runs(stage):
    found = pace(journal_of(steady(1, 40)), stage, 1078.0)
    assert (found.fraction, found.seconds_left) == (0.4, None)


@pytest.mark.parametrize(
    ("rows", "total", "expected"),
    [
        ([], 100, Pace()),
        (steady(1, 1), 100, Pace(1, 100, 0.01)),
        (steady(1, 10), None, Pace(10, None)),
        (steady(1, 10), 0, Pace(10, 0)),
        (steady(91, 100), 100, Pace(100, 100, 1.0)),
        (steady(96, 105), 100, Pace(105, 100, 1.0)),
    ],
)
def test_what_cannot_be_told_is_none(rows, total, expected):
    assert pace(journal_of(rows, total), Stage.RUNNING, 2000.0) == expected


def test_evaluations_alone_tell_no_pace():
    assert pace(journal_of(steady(1, 9), kind="eval", name="eval_loss"), Stage.RUNNING, 2000.0).seconds_left is None


def test_a_total_told_at_the_start_is_remembered():
    journal = Journal()
    journal.feed(b'@hfft {"n": 0, "t": 1, "event": "start", "step": 0, "total_steps": 8}\n')
    journal.feed(b'@hfft {"n": 1, "t": 2, "event": "save", "step": 4}\n')
    assert pace(journal, Stage.RUNNING, 3.0) == Pace(4, 8, 0.5)


def test_a_clock_that_was_set_back():
    rows = steady(1, 20) + steady(21, 30, start=500.0)
    assert pace(journal_of(rows), Stage.RUNNING, 518.0).seconds_left == pytest.approx(140.0)


@given(st.lists(st.tuples(st.integers(0, 200), st.floats(0, 1e9))), st.none() | st.integers(-5, 200), st.floats(0, 2e9))
def test_no_telling_is_too_odd(rows, total, now):
    found = pace(journal_of(rows, total), Stage.RUNNING, now)
    assert found.seconds_left is None or found.seconds_left >= 0
    assert found.fraction is None or 0 <= found.fraction <= 1


def test_the_range_of_the_time_left_and_tokens_per_second():
    rows = steady(1, 11) + [(step, 1020.0 + 4.0 * (step - 11)) for step in range(12, 32)]
    found = pace(journal_of(rows), Stage.RUNNING, rows[-1][1])
    low, high = found.left_range
    assert low < found.seconds_left < high
    assert (low, high) == (pytest.approx(69 * 2.0, rel=0.15), pytest.approx(69 * 4.0, rel=0.15))
    assert found.last_point == rows[-1][1]
    tokens = journal_of(steady(1, 3))
    for step, count in ((1, 100), (3, 500)):
        event = {"n": 9, "t": 1000.0 + step, "event": "log", "step": step, "metrics": {"num_tokens": count}}
        tokens.feed(b"@hfft " + json.dumps(event).encode() + b"\n")
    assert pace(tokens, Stage.RUNNING, 1003.0).tokens_per_second == 200.0
    assert pace(journal_of(steady(1, 3)), Stage.RUNNING, 1003.0).left_range is None
