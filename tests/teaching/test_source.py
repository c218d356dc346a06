"""A lesson's text becomes its parts, and what is wrong in it is named."""

from __future__ import annotations

import pytest

from hfft_widgets.errors import LessonError
from hfft_widgets.teaching.source import Code, Exercise, Text, lesson, lessons, parse

HEAD = """+++
title = "One"
verbs = ["see"]
talk = 1
do = 2
take_along = ["a", "b", "c"]
thought = "x"
true = "y"
+++
"""
QUIZ = """```quiz one-1
ask = "Why?"
right = "b"
because = "So."
hint = "Look."
answers.a = {says = "No", thinks = "It is no.", look = "Here."}
answers.b = {says = "Yes"}
answers.c = {says = "Never", thinks = "It is never.", look = "There."}
```
"""
EXERCISE = """```exercise one-ex1
task = "Do it."
click = "Click."
line = "Type."
own = "Yours."
start = "x = None"
solution = "x = 1"
result = "x"
hint = "One."
```
"""


def test_a_text_becomes_its_parts():
    body = (
        "Words.\n\n```text\nno code\n```\n\n```python\na = 1\n```\n```python claim\nassert a\n```\n\n"
        + QUIZ
        + EXERCISE
        + "The end."
    )
    made = parse("3_one", HEAD + body)
    assert (made.name, made.title) == ("one", "One")
    assert [type(part).__name__ for part in made.parts] == ["Text", "Code", "Code", "Question", "Exercise", "Text"]
    assert made.parts[0] == Text("Words.\n\n```text\nno code\n```")
    assert made.parts[1:3] == (Code("a = 1"), Code("assert a", "claim"))
    assert made.questions[0].right == "b"
    assert isinstance(made.exercises[0], Exercise)
    assert made.words.endswith("The end.")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("Words alone", "does not begin with"),
        (HEAD.replace('title = "One"\n', ""), "has no title"),
        (HEAD + "x\n```python\na = 1\n", "does not end"),
        (HEAD + "```python secret\na = 1\n```", "kind 'secret'"),
        (HEAD + "```quiz one-1\nask = \n```", "Not TOML in quiz one-1"),
        (HEAD + QUIZ.replace('because = "So."\n', ""), "is not whole"),
        (HEAD + QUIZ.replace('right = "b"', 'right = "d"'), "needs answers a to c or d"),
        (HEAD + QUIZ.replace(', look = "There."', ""), "the answers c do not say"),
        (HEAD + EXERCISE.replace('hint = "One."\n', ""), "is not whole"),
    ],
)
def test_what_is_wrong_is_named(text, says):
    with pytest.raises(LessonError, match=says):
        parse("3_one", text + "\nThe end.")


@pytest.mark.parametrize("name", ["data", "1_data", "1", "data-1", "data-ex1"])
def test_a_lesson_is_found_by_any_of_its_names(name):
    assert lesson(name).stem == "1_data"


def test_an_unknown_lesson_is_answered_with_those_that_are_there():
    with pytest.raises(LessonError, match=r"no lesson 'cooking'.*data"):
        lesson("cooking")


@pytest.mark.parametrize("one", lessons().values(), ids=lambda one: one.name)
def test_every_lesson_has_what_a_learner_needs(one):
    assert 2 <= len(one.front["verbs"]) <= 5
    assert len(one.front["take_along"]) == 3
    assert 15 <= one.front["talk"] + one.front["do"] <= 90
    assert 1 <= len(one.questions) <= 8
    assert one.exercises
    names = [part.name for part in (*one.questions, *one.exercises)]
    assert len(set(names)) == len(names)
    assert all(name == one.name or name.startswith(f"{one.name}-") for name in names)
