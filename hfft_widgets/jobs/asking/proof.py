"""Proving a report: a child process trains two steps with the installed TRL, on rows that stand for all the others."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hfft_widgets.child_process import ask_child
from hfft_widgets.core.data.proof import Proof, Trial
from hfft_widgets.core.method import METHODS
from hfft_widgets.errors import DataError, MissingExtraError
from hfft_widgets.jobs.local.preflight import check_modules

if TYPE_CHECKING:
    from hfft_widgets.core.data.emulators import Reading
    from hfft_widgets.core.data.report import ValidationReport

Progress = Callable[[int, int], None]

_MODULES = {"torch": "train", "trl": "train", "accelerate": "train"}
_LEAST_ROWS, _MOST_ROWS, _MOST_REFUSED = 4, 16, 3
_TOKENS = 1024  # TRL's default limit: where a person chose none, both sides cut there
_HIDDEN = ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HF_TOKEN_PATH", "WANDB_API_KEY")


def prove(
    report: ValidationReport, folder: Path, methods: Sequence[str] | None = None, progress: Progress | None = None
) -> Proof:
    """Train two steps with the installed trainers on rows of each kind, and compare that with the report.

    Args:
        report: The report to prove.
        folder: With the model's tokenizer.
        methods: Of which methods; all that can be trained, if not given.
        progress: Called with (trials done, all trials); what it raises ends the child process.

    Raises:
        DataError: There is no such method.
    """
    if unknown := [name for name in methods or () if name not in report.verdicts]:
        raise DataError(f"There is no method {unknown[0]!r}.", remedy=f"Choose one of {', '.join(report.verdicts)}.")
    try:
        check_modules(_MODULES, "A proof")
    except MissingExtraError as error:
        return Proof(report.name, report.model, not_tried=f"Not tried. {error}")
    chosen = methods or [name for name, verdict in report.verdicts.items() if verdict.status != "INCOMPATIBLE"]
    asked = [pair for method in chosen for pair in _questions(report, method)]
    answers = iter(_answered(folder, [question for _, question in asked if question], progress or (lambda *_: None)))
    trials = tuple(_trial(trial, next(answers) if question else None) for trial, question in asked)
    versions = {name: metadata.version(name) for name in ("trl", "transformers", "torch")}
    return Proof(report.name, report.model, trials, versions)


def _trial(asked: Trial, answer: Mapping[str, Any] | None) -> Trial:
    if answer is None:
        return asked
    differing = tuple(asked.rows[place] for place in answer["differing"])
    return Trial(asked.method, asked.rows, asked.refuses, answer["raised"], differing, answer.get("not_tried", ""))


# ---- what is asked ---------------------------------------------------------------------------


def _questions(report: ValidationReport, method: str) -> Iterator[tuple[Trial, dict[str, Any] | None]]:
    """The rows that should train together, and each that should stop a training among them."""
    if report.verdicts[method].status == "INCOMPATIBLE":
        yield Trial(method, not_tried="its trainer cannot read these columns."), None
        return
    fine: dict[int, tuple[dict[str, Any], Reading]] = {}
    refused: dict[int, tuple[dict[str, Any], Reading]] = {}
    for number in _representatives(report):
        try:
            row, reading = report.prepared_row(method, number), report.reading(method, number)
        except DataError:  # a fix or the mapping leaves it out
            continue
        if not reading.dropped:
            (refused if reading.refusal else fine)[number] = (row, reading)
    fine = dict(list(fine.items())[:_MOST_ROWS])
    if not _is_json([row for row, _ in (*fine.values(), *refused.values())]):
        yield Trial(method, not_tried="rows with pictures or sounds need the model's own weights."), None
        return
    if fine:
        yield Trial(method, tuple(fine)), _question(report, method, fine)
    for number, pair in list(refused.items())[:_MOST_REFUSED]:
        rows = {**dict(list(fine.items())[:2]), number: pair}
        yield Trial(method, tuple(rows), number), _question(report, method, rows)


def _representatives(report: ValidationReport) -> list[int]:
    """The first row of each group, those of the largest groups first."""
    if report.grouping is None:
        return list(range(min(_MOST_ROWS, report.total)))
    _, first, counts = np.unique(report.grouping.of, return_index=True, return_counts=True)
    largest = np.argsort(-counts, kind="stable")[: 4 * _MOST_ROWS]
    few = range(min(_LEAST_ROWS, report.total))
    return list(dict.fromkeys([*(int(number) for number in first[largest]), *few]))


def _is_json(rows: Sequence[Mapping[str, Any]]) -> bool:
    try:
        json.dumps(rows)
    except (TypeError, ValueError):
        return False
    return True


def _question(
    report: ValidationReport, method: str, rows: Mapping[int, tuple[dict[str, Any], Reading]]
) -> dict[str, Any]:
    way, known = report.learns(method), METHODS[method]
    given = [row for row, _ in rows.values()]
    if way == "last":
        given = [_last_apart(row) for row in given]
    cuts = {"max_length": report.max_length or _TOKENS} if known.cuts_rows or known.drops_long_rows else {}
    marked = {"assistant_only_loss": True} if way == "marked" else {}
    words = [_words(reading) for _, reading in rows.values()]
    return {
        "method": method,
        "online": known.generates,
        "rows": given,
        "arguments": cuts | marked,
        "words": words,
    }


def _last_apart(row: Mapping[str, Any]) -> dict[str, Any]:
    """As the training script takes a conversation apart."""
    kept = {name: cell for name, cell in row.items() if name != "messages"}
    return {**kept, "prompt": row["messages"][:-1], "completion": row["messages"][-1:]}


def _words(reading: Reading) -> dict[str, list[str]]:
    """The row's own words that are learned, and those that are only read; what a template writes is left aside."""
    pieces = [piece for passage in reading.passages[:1] for piece in passage.pieces if piece.author != "template"]
    learned = [piece.text.strip() for piece in pieces if piece.learned and piece.text.strip()]
    heard = [piece.text.strip() for piece in pieces if not piece.learned and piece.text.strip()]
    return {"learned": learned, "read": [one for one in heard if not any(one in other for other in learned)]}


# ---- the child -------------------------------------------------------------------------------


def _answered(folder: Path, questions: Sequence[Mapping[str, Any]], progress: Progress) -> list[dict[str, Any]]:
    """What the child answered; of questions that it did not come to, why."""
    if not questions:
        return []
    found, last, _ = ask_child(
        [sys.executable, "-m", "hfft_widgets.scripts.proving"],
        {"tokenizer": str(folder), "questions": questions},
        environment=_environment(),
        progress=lambda done: progress(done, len(questions)),
    )
    why = f"the process ended before it came to this: {last[:300] or 'no word of it'}."
    return [*found, *({"raised": "", "differing": [], "not_tried": why} for _ in questions[len(found) :])]


def _environment() -> dict[str, str]:
    """Offline, on the processor, and without anybody's token."""
    kept = {name: value for name, value in os.environ.items() if name not in _HIDDEN}
    return {**kept, "HF_HUB_OFFLINE": "1", "CUDA_VISIBLE_DEVICES": "", "TOKENIZERS_PARALLELISM": "false"}
