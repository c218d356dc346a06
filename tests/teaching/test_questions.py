"""Each wrong answer names what it takes for granted; the right one is never told before it is asked for."""

from __future__ import annotations

import pytest

import hfft_widgets as hfft
from hfft_widgets.teaching.before_after import questions_of
from hfft_widgets.teaching.source import lessons

QUESTIONS = [one for lesson in lessons().values() for one in lesson.questions] + list(questions_of("before"))


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda one: one.name)
def test_every_answer_has_its_reply(question):
    states = {one.letter: question.answer(one.letter).state for one in question.answers}
    assert {letter for letter, state in states.items() if state == "right"} == {question.right}
    assert set(states.values()) == {"right", "wrong"}
    for one in question.answers:
        reply = question.answer(f" {one.letter.upper()} ")
        assert bool(reply) is (one.letter == question.right)
        assert (one.thinks in reply.words) is (one.letter != question.right) or not one.thinks
    assert question.answer().state == "not answered"


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda one: one.name)
def test_what_is_shown_before_an_answer_holds_no_answer(question):
    for shown in (str(question), question.to_html(), question.hint):
        assert question.because not in shown
        assert not any(one.thinks and one.thinks in shown for one in question.answers)
    assert question.right == question.solution()[0]


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda one: one.name)
def test_the_right_answer_is_not_the_longest_by_far(question):
    """Who chooses the longest answer has not understood the question."""
    lengths = {one.letter: len(one.says) for one in question.answers}
    others = [length for letter, length in lengths.items() if letter != question.right]
    assert lengths[question.right] <= 2.5 * max(others)


def test_the_right_letters_are_spread():
    """So that no letter is a good guess."""
    letters = [question.right for question in QUESTIONS]
    assert max(letters.count(letter) for letter in "abcd") <= 0.55 * len(letters)


def test_an_unknown_letter_is_answered_with_those_that_are_there():
    with pytest.raises(hfft.errors.LessonError, match="Answer a, b, c"):
        questions_of("before")[0].answer("z")


def test_a_reply_is_read_in_a_terminal_and_in_a_cell():
    reply = questions_of("before")[0].answer("a")
    assert str(reply).startswith("Not quite. This answer says: ")
    assert "Not quite" in reply._repr_html_()
