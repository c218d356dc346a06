"""A check says what is still wrong with a result, not with the code that made it."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

import hfft_widgets as hfft
from hfft_widgets.teaching import checks
from hfft_widgets.teaching.progress import kept
from hfft_widgets.teaching.source import lessons


def test_nothing_yet_is_no_fault():
    outcome = hfft.check("data-ex1")
    assert (outcome.state, outcome.passed, outcome.problems) == ("not answered", False, ())
    assert "Not answered yet" in str(outcome)
    assert outcome.solution() not in str(outcome) + outcome._repr_html_()
    assert outcome.hint()


def test_a_result_of_another_kind_is_named():
    outcome = hfft.check("data-ex1", [{"messages": []}])
    assert not outcome
    assert outcome.problems == ("This is a list. Give a ValidationReport: hfft.validate(log, model=MODEL) makes one.",)
    assert outcome.problems[0] in str(outcome)
    assert "This is a list" in outcome._repr_html_()


def test_a_panel_is_judged_by_what_it_holds(monkeypatch):
    monkeypatch.setattr(checks, "judges", lambda name: {"data-ex1": lambda result: [] if result == 7 else ["no"]})
    assert hfft.check("data-ex1", SimpleNamespace(result=7, busy=False))
    assert kept().done == {"data-ex1"}
    assert hfft.check("data-ex1", SimpleNamespace(result=None, busy=False)).state == "not answered"


def test_an_unknown_exercise_is_answered_with_those_that_are_there():
    with pytest.raises(hfft.errors.LessonError, match="data-ex1"):
        hfft.check("data-ex9")


@pytest.mark.parametrize("lesson", lessons().values(), ids=lambda one: one.name)
def test_every_exercise_has_a_judge_and_every_judge_an_exercise(lesson):
    names = {one.name for one in lesson.exercises}
    table = set(checks.judges(lesson.name))
    assert names <= table
    assert {name.removesuffix(checks.OWN) for name in table} == names
