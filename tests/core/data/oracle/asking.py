"""Ask the trainers about the corpus, and compare their answers with what was expected."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.core.data.oracle.case import Case
from tests.core.data.oracle.tiny import VISION
from tests.core.data.oracle.trainers import METHODS, Outcome, train

SEEDS = (0, 7, 33, 10, 5, 1)  # together they give every order in which a set of the trainers' columns is popped
CHAT = ("prompt", "chosen", "rejected", "completion", "messages")
AS_IS, CLEANED = "as is", "without the rows that crash"


@dataclass(frozen=True)
class Question:
    """One training: a dataset, a method, a chat template.

    Attributes:
        dataset: The case's name.
        method: One of METHODS.
        template: Its chat template.
        variant: AS_IS, CLEANED, or "row 3 alone": that row among the good ones.
    """

    dataset: str
    method: str
    template: str
    variant: str = AS_IS


def questions(case: Case) -> Iterator[Question]:
    """Everything to ask about a case: as it is, cleaned, and with each of several crashing rows alone."""
    for template, expected in case.by_template.items():
        for method in METHODS[:3] if template == VISION else METHODS:
            yield Question(case.name, method, template)
            if crashing := [row for row, told in expected.bad.items() if told.get(method) == "crash"]:
                yield Question(case.name, method, template, CLEANED)
            if len(crashing) > 1:
                yield from (Question(case.name, method, template, f"row {row} alone") for row in crashing)


def rows_of(case: Case, question: Question) -> list[dict[str, Any]]:
    if question.variant == AS_IS:
        return case.rows
    told = case.by_template[question.template].bad
    crashing = {row for row, effects in told.items() if effects.get(question.method) == "crash"}
    if question.variant != CLEANED:
        crashing -= {int(question.variant.split()[1])}
    return [row for number, row in enumerate(case.rows) if number not in crashing]


def depends_on_hash(case: Case) -> bool:
    """Whether the columns of some row disagree on being a conversation, so that the order of a set decides."""
    return case.hashed or any(len({_form(row[name]) for name in CHAT if name in row}) > 1 for row in case.rows)


def _form(cell: Any) -> str:
    if not isinstance(cell, list):
        return "text"
    if not cell:
        return "empty"
    return "turns" if isinstance(cell[0], dict) and "role" in cell[0] else "text"


def answer(case: Case, question: Question, models: Path) -> Outcome:
    """Train, quietly."""
    with quiet():
        return train(question.method, rows_of(case, question), question.template, models)


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    import datasets
    import transformers

    datasets.disable_progress_bars()
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    logging.disable(logging.WARNING)
    with (
        Path(os.devnull).open("w", encoding="utf-8") as nowhere,
        contextlib.redirect_stdout(nowhere),
        warnings.catch_warnings(action="ignore"),
    ):
        try:
            yield
        finally:
            logging.disable(logging.NOTSET)


def line(question: Question, seed: int, outcome: Outcome) -> dict[str, Any]:
    """A JSON line."""
    trained = [{key: _short(value) for key, value in row.items()} for row in outcome.trained]
    told = outcome.to_dict() | {"trained": trained, "raised": _short(outcome.raised)}
    return {**vars(question), "seed": seed, **told}


def _short(value: Any) -> Any:
    return value[:300] if isinstance(value, str) else value


def read(file: Path) -> dict[Question, list[dict[str, Any]]]:
    """Lines of a file by question, one per seed."""
    found: dict[Question, list[dict[str, Any]]] = {}
    for text in file.read_text(encoding="utf-8").splitlines():
        told = json.loads(text)
        question = Question(told["dataset"], told["method"], told["template"], told["variant"])
        found.setdefault(question, []).append(told)
    return found


def raised(answers: Iterable[dict[str, Any]]) -> str | None:
    """What the trainer raised under any of the seeds."""
    return next((told["raised"] for told in answers if told["raised"]), None)


def settled(case: Case, question: Question, answers: list[dict[str, Any]]) -> frozenset[str]:
    """The expected statuses less those that the trainer has refuted; empty: the expectation was wrong."""
    refuted = "READY" if raised(answers) else "BLOCKED BY ROWS"
    return case.by_template[question.template].verdicts[question.method] - {refuted}


def disagreements(case: Case, answers: dict[Question, list[dict[str, Any]]]) -> Iterator[str]:
    """Where the corpus says something that the trainers refute."""
    for question in questions(case):
        if not (told := answers.get(question)):
            continue
        where = f"{case.name} / {question.method} / {question.template} / {question.variant}"
        error = raised(told)
        if question.variant == AS_IS:
            if not settled(case, question, told):
                yield f"{where}: {error or 'accepted'}"
            if not error:
                yield from (f"{where}: {text}" for text in _wrong_effects(case, question, told[0]))
        elif (question.variant == CLEANED) is bool(error):
            yield f"{where}: {error or 'accepted'}"


def _wrong_effects(case: Case, question: Question, told: dict[str, Any]) -> Iterator[str]:
    if told["kept"] is None:
        return
    expected = case.by_template[question.template]
    if expected.verdicts[question.method] <= {"NEEDS MAPPING", "INCOMPATIBLE"}:
        return
    for row in range(len(case.rows)):
        effect = expected.bad.get(row, {}).get(question.method)
        kept = row in told["kept"]
        if kept is (effect == "dropped") and question.method not in expected.open.get(row, ()):
            yield f"row {row} is {'kept' if kept else 'dropped'}, expected {effect}"
