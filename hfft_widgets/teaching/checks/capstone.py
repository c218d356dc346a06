"""What the folder of the last exercise must hold: twelve ticks, each a sentence where it is missing."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hfft_widgets.teaching.capstone import CARD, EXPORTS, OTHERS, REPORT, RUN
from hfft_widgets.teaching.checks import Judge
from hfft_widgets.teaching.checks.run import NEAR

ROWS, QUESTIONS, OTHER_QUESTIONS, REASONS, CARD_WORDS = 200, 40, 20, 3, 80
LOUD = {"crash", "dropped", "silent"}
SECTIONS = ("what it is for", "cost", "limits", "what went wrong")


@dataclass(frozen=True)
class Handed:
    """The files of a folder, as far as they can be read."""

    report: Mapping[str, Any]
    run: Mapping[str, Any]
    exports: list[dict[str, Any]]
    others: list[dict[str, Any]]
    card: str

    @property
    def plan(self) -> Mapping[str, Any]:
        """The plan of the run."""
        return self.run.get("plan") or {}

    @property
    def evaluations(self) -> list[tuple[int, float]]:
        """Step and loss of each evaluation on held-out rows."""
        return [(int(step), float(value)) for step, value in self.run.get("eval_loss") or ()]

    @property
    def files(self) -> list[dict[str, Any]]:
        """Every file that was exported and proven."""
        every = [file for one in self.exports for file in (one, *(one.get("others") or ()))]
        return [file for file in every if file.get("verified") is True]


def _rows(found: Handed) -> bool:
    return int(found.report.get("total") or 0) >= ROWS


def _no_fault(found: Handed) -> bool:
    method = found.plan.get("method")
    effects = [finding.get("effects") or {} for finding in found.report.get("findings") or ()]
    return bool(found.report) and not any(str(one.get(method)) in LOUD for one in effects)


def _same_data(found: Handed) -> bool:
    return (found.plan.get("data") or {}).get("name") == found.report.get("name") is not None


def _reasons(found: Handed) -> bool:
    return len(found.plan.get("reasons") or ()) >= REASONS


def _answers_learned(found: Handed) -> bool:
    settings = found.plan.get("settings") or {}
    chats = (found.plan.get("data") or {}).get("conversational") and found.plan.get("method") == "SFT"
    return bool(settings) and (not chats or bool(settings.get("assistant_only_loss") or settings.get("answers_only")))


def _completed(found: Handed) -> bool:
    return found.run.get("stage") == "COMPLETED"


def _evaluated(found: Handed) -> bool:
    return len(found.evaluations) >= 3


def _chosen(found: Handed) -> bool:
    losses = dict(found.evaluations)
    step = found.run.get("chosen_step")
    return step in losses and losses[step] <= NEAR * min(losses.values())


def _before_and_after(found: Handed) -> bool:
    answers = found.run.get("answers") or {}
    return int(answers.get("count") or 0) >= QUESTIONS and {"before", "after"} <= set(answers.get("score") or {})


def _others(found: Handed) -> bool:
    whole = [one for one in found.others if {"question", "before", "after"} <= set(one)]
    return len({one["question"] for one in whole}) >= OTHER_QUESTIONS


def _two_files(found: Handed) -> bool:
    asked = [file for file in found.files if (file.get("questions") or {}).get("count")]
    return len({str(file.get("file")) for file in asked}) >= 2


def _card(found: Handed) -> bool:
    lines = [line.lstrip("# ").casefold() for line in found.card.splitlines() if line.startswith("#")]
    named = all(any(line.startswith(section) for line in lines) for section in SECTIONS)
    return named and len(found.card.split()) >= CARD_WORDS


TICKS: tuple[tuple[str, Callable[[Handed], bool], str], ...] = (
    ("data", _rows, f"The report is of fewer than {ROWS} rows."),
    ("data", _no_fault, "A finding of the report still stops the training, drops rows, or is silent."),
    ("data", _same_data, "The run was not made from the rows of this report."),
    ("choice", _reasons, f"The plan says fewer than {REASONS} reasons. Take a plan of hfft.plan_training."),
    ("choice", _answers_learned, "The plan learns the questions too: set assistant_only_loss=True."),
    ("choice", _completed, "The run is not complete."),
    ("evidence", _evaluated, "The run has fewer than three evaluations on held-out rows: set a smaller eval_steps."),
    ("evidence", _chosen, "The held-out loss at the chosen step is far above the lowest one."),
    (
        "evidence",
        _before_and_after,
        f"Fewer than {QUESTIONS} held-out questions before and after: questions={QUESTIONS}.",
    ),
    ("evidence", _others, f"Fewer than {OTHER_QUESTIONS} questions of another kind, each before and after."),
    ("evidence", _two_files, "Fewer than two files were proven and asked the held-out questions."),
    ("honesty", _card, f"The card needs {CARD_WORDS} words, under the headings: {', '.join(SECTIONS)}."),
)
"""Part of the rubric, what is looked at, and what is said where it is missing."""


def folder(given: Any) -> list[str]:
    """What is missing in a folder, each in a sentence that begins with its part of the rubric."""
    where = Path(str(given)).expanduser()
    if not where.is_dir():
        return [f"There is no folder {where}. hfft.teaching.hand_in(...) makes it."]
    found, unread = _read(where)
    return unread or [f"{part}: {words}" for part, holds, words in TICKS if not _holds(holds, found)]


def _holds(tick: Callable[[Handed], bool], found: Handed) -> bool:
    try:
        return tick(found)
    except (TypeError, ValueError, AttributeError, KeyError):  # a file that somebody wrote by hand
        return False


def _read(where: Path) -> tuple[Handed, list[str]]:
    problems = list(_missing(where))
    if problems:
        return Handed({}, {}, [], [], ""), problems
    report, run, exports, others = (
        json.loads((where / name).read_text("utf-8")) for name in (REPORT, RUN, EXPORTS, OTHERS)
    )
    return Handed(report, run, exports, others, (where / CARD).read_text("utf-8")), []


def _missing(where: Path) -> Iterator[str]:
    kinds = {REPORT: dict, RUN: dict, EXPORTS: list, OTHERS: list}
    for name in (*kinds, CARD):
        try:
            text = (where / name).read_text("utf-8")
            if name in kinds and not isinstance(json.loads(text), kinds[name]):
                yield f"{name} is not what hfft.teaching.hand_in(...) writes."
        except (OSError, ValueError):
            yield f"{name} is missing or cannot be read. hfft.teaching.hand_in(...) writes it."


CHECKS: dict[str, Judge] = {"capstone": folder}
