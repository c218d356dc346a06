"""Reports against the trainers: how often a verdict, a mapping and a flagged row are right."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.core.data.oracle.asking import Question, quiet, raised, settled
from tests.core.data.oracle.case import Case
from tests.core.data.oracle.trainers import as_dataset, train

HARMFUL = {"crash", "dropped", "silent"}
Answers = dict[Question, list[dict[str, Any]]]


@dataclass
class Score:
    """Counts over many questions, and in words what went wrong.

    Attributes:
        verdicts: [right, all].
        usable: [found usable with what the trainer accepts, usable].
        found: Bad rows [flagged, all], a row counted once per method.
        flagged: Flagged rows [bad, all].
        false_ready: READY, and the trainer refuses.
        refused: Mappings that were offered and that the trainer refuses.
        wrong: Everything else that is not as it should be.
    """

    verdicts: list[int] = field(default_factory=lambda: [0, 0])
    usable: list[int] = field(default_factory=lambda: [0, 0])
    found: list[int] = field(default_factory=lambda: [0, 0])
    flagged: list[int] = field(default_factory=lambda: [0, 0])
    false_ready: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        parts = ("verdicts", "usable", "found", "flagged")
        numbers = [f"{name} {right}/{total} ({right / max(total, 1):.1%})" for name in parts
                   for right, total in [getattr(self, name)]]  # fmt: skip
        lists = [f"{len(getattr(self, name))} {name}" for name in ("false_ready", "refused")]
        return ", ".join([*numbers, *lists])


def share(counts: list[int]) -> float:
    return counts[0] / max(counts[1], 1)


def judge(case: Case, template: str, report: Any, answers: Answers, models: Path, score: Score) -> None:
    """Add one report, made of this case with this template, to the score; trains on every mapping it offers."""
    for question, told in answers.items():
        if (question.dataset, question.template, question.variant) != (case.name, template, "as is"):
            continue
        right = settled(case, question, told)
        _judge_verdict(question, report, right, raised(told), score)
        _judge_use(case, question, report, right, models, score)
        if not right & {"NEEDS MAPPING", "INCOMPATIBLE"}:
            _judge_rows(case, question, report, score)


def _where(question: Question) -> str:
    return f"{question.dataset} / {question.method} / {question.template}"


def _judge_verdict(question: Question, report: Any, right: frozenset[str], error: str | None, score: Score) -> None:
    status = str(report.verdicts[question.method].status)
    score.verdicts[0] += status in right
    score.verdicts[1] += 1
    if status not in right:
        score.wrong.append(f"{_where(question)}: {status}, should be {' or '.join(sorted(right))} ({error})")
    if status == "READY" and error:
        score.false_ready.append(f"{_where(question)}: {error}")


def _judge_use(case: Case, question: Question, report: Any, right: frozenset[str], models: Path, score: Score) -> None:
    """Whether what the trainer can use is found usable: READY, or with the offered mapping."""
    status = str(report.verdicts[question.method].status)
    counted = right <= {"READY", "NEEDS MAPPING"}
    score.usable[1] += counted
    if status == "READY":
        score.usable[0] += counted and "READY" in right
    elif status == "NEEDS MAPPING":
        error = refusal(case, question, report, models)
        score.usable[0] += counted and error is None
        if error:
            score.refused.append(f"{_where(question)}: {error}")


def refusal(case: Case, question: Question, report: Any, models: Path) -> str | None:
    """What the trainer raises on the rows that the report's mapping, and its fixes for rows that crash, give."""
    method = question.method
    report = report.with_mapping(method, report.verdicts[method].mapping)
    report = report.with_fixes(*(f.fix for f in report.findings if f.effects.get(method) == "crash"))
    scope = {"dataset": as_dataset(case.rows)}
    try:
        with quiet():
            exec(report.code(method), scope)
    except Exception as error:
        return f"its code raises {type(error).__name__}: {error}"
    with quiet():
        return train(method, scope["dataset"], question.template, models).raised


def flagged_rows(report: Any, method: str) -> set[int]:
    return {row for found in report.findings if found.effects.get(method) in HARMFUL for row in found.rows}


def _judge_rows(case: Case, question: Question, report: Any, score: Score) -> None:
    expected = case.by_template[question.template]
    bad = {row for row, told in expected.bad.items() if question.method in told}
    left_open = {row for row, methods in expected.open.items() if question.method in methods}
    flagged = flagged_rows(report, question.method) - left_open
    score.found[0] += len(bad & flagged)
    score.found[1] += len(bad)
    score.flagged[0] += len(bad & flagged)
    score.flagged[1] += len(flagged)
    score.wrong += [f"{_where(question)}: {text}" for text in _misses(expected.bad, question.method, bad, flagged)]


def _misses(told: Any, method: str, bad: set[int], flagged: set[int]) -> Iterator[str]:
    yield from (f"row {row} is not flagged ({told[row][method]})" for row in sorted(bad - flagged))
    yield from (f"row {row} is flagged, and is good" for row in sorted(flagged - bad))
