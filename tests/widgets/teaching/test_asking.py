"""A question's card: a button for each answer, one line for what is said to it, help only when it is asked for."""

from __future__ import annotations

from hfft_widgets.teaching.progress import Answered
from hfft_widgets.teaching.source import lesson
from hfft_widgets.widgets.form import Form
from hfft_widgets.widgets.teaching.asking import ask_card, closing_card

FORM = Form("q.", {})
DATA = lesson("data")
QUESTION = DATA.questions[0]


def test_each_answer_is_a_button_and_nothing_is_told_at_first():
    made = ask_card(FORM, QUESTION, None, "", "")
    assert made.count('data-do="q.answer"') == len(QUESTION.answers)
    assert made.count('aria-pressed="false"') == len(QUESTION.answers)
    assert "Not answered yet" in made
    assert 'data-do="q.hint"' in made
    assert QUESTION.because not in made


def test_a_question_that_is_not_judged_has_no_help():
    made = ask_card(FORM, QUESTION, None, "", "", judged=False)
    assert "q.hint" not in made
    assert "q.solution" not in made


def test_the_end_counts_this_lesson_alone():
    state = Answered({"data-1": ("c",), "plan-1": ("a",)}, frozenset({"data-ex1", "plan-ex1"}))
    made = closing_card(DATA, state, "1A2B3-C4D5E", FORM.button("Free", "free"))
    assert f"1 of {len(DATA.questions)} questions answered, 1 of 1 exercise done" in made
    assert "<code>1A2B3-C4D5E</code>" in made
