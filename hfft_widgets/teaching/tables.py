"""Tables that were measured once, for lessons that need no model: what four real files of one model answered."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any


@dataclass(frozen=True)
class AnsweredFile:
    """One file of the model, and what it answered.

    Attributes:
        quantization: E.g. "Q4_K_M".
        size_bytes: Its size.
        answers: To each question, in order.
        right: How many are right.
        changed: How many are not what the file with 16 bits answers.
    """

    quantization: str
    size_bytes: int
    answers: tuple[str, ...] = field(repr=False)
    right: int
    changed: int


@dataclass(frozen=True)
class AskedForm:
    """The same file, asked in one form of text.

    Attributes:
        name: E.g. "no template".
        template: The text, with {question} in it.
        right: How many answers are right.
        ended: How many come to their own end.
        answers: The first few.
    """

    name: str
    template: str
    right: int
    ended: int
    answers: tuple[str, ...]


@dataclass(frozen=True)
class QuantizationTable:
    """What a real export gave.

    Attributes:
        about: How and when it was measured.
        questions: The held-out questions.
        expected: Their right answers.
        files: The files, the largest first.
        forms: The file with 16 bits, asked in three forms, by their names.
    """

    about: str
    questions: tuple[str, ...] = field(repr=False)
    expected: tuple[str, ...] = field(repr=False)
    files: tuple[AnsweredFile, ...]
    forms: dict[str, AskedForm]


@cache
def quantizations() -> QuantizationTable:
    """Four files of one model, asked the same held-out questions, and one of them asked in three forms of text."""
    kept = _kept()
    first = kept["files"][0]["answers"]
    return QuantizationTable(
        about=kept["about"],
        questions=tuple(kept["questions"]),
        expected=tuple(kept["expected"]),
        files=tuple(_file(one, kept["expected"], first) for one in kept["files"]),
        forms={
            name: AskedForm(name, **{**one, "answers": tuple(one["answers"])}) for name, one in kept["forms"].items()
        },
    )


def other_questions() -> list[dict[str, str]]:
    """Twenty questions of another kind than the training's, with the model's answers before and after it."""
    return [dict(one) for one in _kept()["others"]]


def _kept() -> Any:
    return json.loads((files("hfft_widgets.teaching") / "recordings" / "quantizations.json").read_text("utf-8"))


def _file(kept: dict[str, Any], expected: list[str], first: list[str]) -> AnsweredFile:
    answers = kept["answers"]
    right = sum(answer.strip() == wanted for answer, wanted in zip(answers, expected, strict=True))
    changed = sum(answer != before for answer, before in zip(answers, first, strict=True))
    return AnsweredFile(kept["quantization"], int(kept["bytes"]), tuple(answers), right, changed)
