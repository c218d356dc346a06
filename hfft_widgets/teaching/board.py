"""The teacher's board: which belief is in the room, from class codes alone, with no network."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from hfft_widgets.core.html import Markup
from hfft_widgets.errors import LessonError
from hfft_widgets.teaching import views
from hfft_widgets.teaching.codes import Given, read
from hfft_widgets.teaching.questions import Question

_NOTHING = "No wrong answer was given."


@dataclass(frozen=True)
class Board:
    """What a room of learners answered.

    Attributes:
        lessons: For each lesson of which there are codes: JSON values with its title, beliefs and questions.
        unread: Codes that could not be read, with why.
    """

    lessons: tuple[dict[str, Any], ...]
    unread: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """JSON values."""
        return {"lessons": list(self.lessons), "unread": list(self.unread)}

    def __str__(self) -> str:
        lines = []
        for one in self.lessons:
            lines.append(f"{one['title']}: {one['codes']} codes")
            lines += [f"  {b['count']} of {b['of']}  {b['thinks']}  ({b['question']})" for b in one["beliefs"]]
            lines += [] if one["beliefs"] else [f"  {one['nothing']}"]
        return "\n".join([*lines, *self.unread])

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        unread: list[Markup] = [views.line("wrong", one) for one in self.unread]
        return str(views.page(*[views.board(one) for one in self.lessons], *unread))


def board(codes: Iterable[str]) -> Board:
    """The board of these class codes: first answers count, since they show what was believed.

    Args:
        codes: One per learner and lesson, in any order; a code that cannot be read is named, the others count.
    """
    given: dict[str, list[Given]] = {}
    unread = []
    for code in codes:
        try:
            one = read(code)
            given.setdefault(one.asked.name, []).append(one)
        except LessonError as error:
            unread.append(str(error))
    ordered = sorted(given.values(), key=lambda found: found[0].asked.number)
    return Board(tuple(_lesson(found) for found in ordered), tuple(unread))


def _lesson(given: Sequence[Given]) -> dict[str, Any]:
    asked = given[0].asked
    questions = [_question(one, [both.answers[one.name] for both in given]) for one in asked.questions]
    beliefs = [
        {**answer, "question": question["name"], "of": question["answered"]}
        for question in questions
        for answer in question["answers"]
        if answer["count"] and not answer["right"]
    ]
    return {
        "title": asked.title,
        "codes": len(given),
        "questions": questions,
        "beliefs": sorted(beliefs, key=lambda one: (-one["count"], one["question"])),
        "done": {name: sum(name in one.done for one in given) for name in asked.exercises},
        "nothing": _NOTHING,
    }


def _question(question: Question, answers: Sequence[tuple[str, str]]) -> dict[str, Any]:
    first = Counter(one for one, _ in answers if one)
    return {
        "name": question.name,
        "ask": question.ask,
        "answered": sum(first.values()),
        "ended_right": sum(last == question.right for _, last in answers),
        "answers": [
            {
                "letter": one.letter,
                "says": one.says,
                "thinks": one.thinks,
                "right": one.letter == question.right,
                "count": first[one.letter],
            }
            for one in question.answers
        ],
    }
