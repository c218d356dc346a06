"""Eight questions, asked before the course and again after it: what changed is what was learned."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from typing import Literal

from hfft_widgets.teaching.progress import Answered, kept
from hfft_widgets.teaching.questions import Question

When = Literal["before", "after"]
WHEN: tuple[When, ...] = ("before", "after")


@dataclass(frozen=True)
class Gain:
    """How many of the eight were right, before and after.

    Attributes:
        before: None where they were not all answered.
        after: None where they were not all answered.
    """

    before: int | None
    after: int | None

    def __str__(self) -> str:
        parts = [f"{right} of 8 right {when}" for when in WHEN if (right := getattr(self, when)) is not None]
        return ", ".join(parts) or "not answered yet"


@cache
def questions_of(when: str) -> tuple[Question, ...]:
    """The eight questions, named "before-1" to "before-8", or "after-1" to "after-8"."""
    values = tomllib.loads((files("hfft_widgets.teaching") / "lessons" / "before_after.toml").read_text("utf-8"))
    made = [Question.from_dict(name, one) for name, one in values.items()]
    return tuple(replace(one, name=f"{when}-{at}") for at, one in enumerate(made, 1))


def gain(state: Answered | None = None) -> Gain:
    """What changed, by the first answers of each time."""
    given = state or kept()
    return Gain(*(_right(when, given) for when in WHEN))


def _right(when: str, given: Answered) -> int | None:
    asked = questions_of(when)
    if any(one.name not in given.answers for one in asked):
        return None
    return sum(given.answers[one.name][0] == one.right for one in asked)
