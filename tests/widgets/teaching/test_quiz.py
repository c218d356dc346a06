"""A question is answered by a click or a call; before the course nothing is judged."""

from __future__ import annotations

import re

import pytest

import hfft_widgets as hfft
from hfft_widgets.teaching.progress import kept
from hfft_widgets.teaching.source import lesson


def click(panel, do: str, value: str | None = None) -> None:
    panel._act({"do": panel._prefix + do, **({} if value is None else {"value": value})})


def test_a_click_and_a_call_are_the_same():
    clicked, called = hfft.quiz("data-1"), hfft.quiz("data-1")
    click(clicked, "answer", "data-1 b")
    assert clicked.result == called.answer("b")
    assert str(called.answer("b")) in str(clicked.result)
    assert clicked.result.state == "wrong"
    assert "Not quite" in clicked.html()
    assert 'aria-pressed="true"' in clicked.html()
    click(clicked, "answer", "data-1 c")
    assert clicked.result.state == "right"
    assert kept().answers == {"data-1": ("b", "c")}


def test_hint_and_solution_come_when_they_are_asked_for():
    panel = hfft.quiz("data-2")
    (question,) = lesson("data").asked("data-2")
    assert question.hint not in panel.html()
    click(panel, "hint", "data-2")
    assert question.hint in panel.html()
    assert question.because not in panel.html()
    click(panel, "solution", "data-2")
    assert question.because in panel.html()
    assert panel.solution() == question.solution()
    assert panel.hint() == question.hint
    assert question.because not in panel.report()  # what a saved notebook keeps
    assert "Answer with" in repr(panel)


def test_before_the_course_nothing_is_judged_and_after_it_all():
    before, after = hfft.quiz("before"), hfft.quiz("after")
    assert len(before.questions) == len(after.questions) == 8
    reply = before.answer("b", "before-1")
    assert (reply.state, reply.letter) == ("noted", "b")
    assert "Noted" in before.html()
    assert "Show the solution" not in before.html()
    assert after.answer("b", "after-1").state == "right"
    assert kept().answers == {"before-1": ("b",), "after-1": ("b",)}


def test_a_lessons_name_asks_all_its_questions():
    assert list(hfft.quiz("data").questions) == [one.name for one in lesson("data").questions]


def test_an_unknown_question_is_answered_with_those_that_are_there():
    with pytest.raises(hfft.errors.LessonError, match=r"no question 'data-99'.*data-1, data-2"):
        hfft.quiz("data-99")


def test_the_end_of_a_lesson_shows_what_was_done_and_the_code():
    hfft.quiz("data-1").answer("c")
    end = hfft.lesson_end("data")
    assert end.code in end.html()
    assert re.search(r"1 of \d+ questions answered, 0 of \d+ exercises? done", end.html())
    assert end.code in repr(end)
    assert hfft.teaching.board([end.code]).lessons[0]["questions"][0]["answered"] == 1


def test_the_end_of_a_lesson_follows_what_is_answered_above_it():
    end, shown = hfft.lesson_end("data"), []
    end.refresh = lambda: shown.append(end.html())
    hfft.quiz("data-1").answer("c")
    assert re.search(r"1 of \d+ questions answered", shown[-1])


def test_where_no_kernel_runs_there_is_none_to_end():
    end = hfft.lesson_end("data")
    end.free()
    assert "Close this notebook" in end.html()
