"""A class code holds the answers and nobody's name; a mistyped one is refused."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hfft_widgets.errors import LessonError
from hfft_widgets.teaching.before_after import WHEN, questions_of
from hfft_widgets.teaching.codes import MOST_QUESTIONS, class_code, read
from hfft_widgets.teaching.progress import Answered
from hfft_widgets.teaching.source import lessons

NAMES = [*lessons(), *WHEN]


def asked(name):
    return questions_of(name) if name in WHEN else lessons()[name].questions


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=15)
@given(data=st.data())
def test_what_was_answered_is_read_again(name, data):
    questions = asked(name)
    assert len(questions) <= MOST_QUESTIONS
    letters = {
        one.name: data.draw(st.lists(st.sampled_from([answer.letter for answer in one.answers]), max_size=3))
        for one in questions
    }
    exercises = [] if name in WHEN else [one.name for one in lessons()[name].exercises]
    done = frozenset(data.draw(st.sets(st.sampled_from(exercises)))) if exercises else frozenset()
    state = Answered({question: tuple(given) for question, given in letters.items() if given}, done)
    code = class_code(name, state)
    assert re.fullmatch("[0-9A-HJKMNP-TV-Z]{5}-[0-9A-HJKMNP-TV-Z]{5}", code)
    again = read(code.lower().replace("-", " "))
    assert again.asked.name == name
    assert again.done == done
    assert again.answers == {
        question: (given[0], given[-1]) if given else ("", "") for question, given in letters.items()
    }


def test_a_mistyped_code_is_mostly_refused():
    code = class_code("data", Answered({"data-1": ("b", "c"), "data-2": ("a",)}))
    wrong = [
        code[:at] + sign + code[at + 1 :] for at in range(11) for sign in "0123456789" if code[at] not in f"-{sign}"
    ]
    refused = 0
    for one in wrong:
        try:
            read(one)
        except LessonError:
            refused += 1
    assert refused >= 0.9 * len(wrong)


@pytest.mark.parametrize("code", ["", "short", "1A2B3-C4D5U", "1A2B3-C4D5E-F"])
def test_what_is_no_code_is_refused(code):
    with pytest.raises(LessonError, match="no class code"):
        read(code)
