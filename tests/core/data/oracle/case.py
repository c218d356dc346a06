"""A dataset and what should be said of it, in a short notation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.core.data.oracle.tiny import TEMPLATES, VISION
from tests.core.data.oracle.trainers import METHODS

Row = dict[str, Any]
STATUS = {"R": "READY", "M": "NEEDS MAPPING", "B": "BLOCKED BY ROWS", "X": "INCOMPATIBLE"}


@dataclass(frozen=True)
class Expected:
    """What should be said with one chat template.

    Attributes:
        verdicts: Method -> the statuses that are right; several where the conventions leave it open.
        bad: Row number -> method -> "crash", "dropped" or "silent".
        open: Row number -> methods; whether these rows are flagged is a matter of taste.
    """

    verdicts: Mapping[str, frozenset[str]]
    bad: Mapping[int, Mapping[str, str]] = field(default_factory=dict)
    open: Mapping[int, frozenset[str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Case:
    """A dataset of the corpus.

    Attributes:
        name: Its name.
        rows: Its rows.
        by_template: Chat template -> what should be said; `tiny.VISION` for the vision model.
        hashed: Whether the columns disagree, so that the trainers' answer depends on PYTHONHASHSEED.
    """

    name: str
    rows: list[Row]
    by_template: Mapping[str, Expected]
    hashed: bool = False


def case(
    name: str,
    rows: list[Row],
    verdicts: str,
    bad: Mapping[int, str] | None = None,
    *,
    templates: tuple[str, ...] = ("qwen3",),
    hashed: bool = False,
    **others: tuple[str, Mapping[int, str]],
) -> Case:
    """A case in short notation.

    Args:
        name: Its name.
        rows: Its rows.
        verdicts: Letters of STATUS for SFT, DPO, GRPO, KTO, Reward and RLOO (left out: as GRPO); "M/X" leaves it open.
        bad: Row number -> effects, such as "crash SFT DPO; silent KTO; open Reward". RLOO goes with GRPO.
        templates: Chat templates that this holds for.
        hashed: See Case.
        **others: Chat template -> (verdicts, bad) where they differ.
    """
    by_template = {template: _expected(verdicts, bad or {}) for template in templates}
    by_template |= {template: _expected(*told) for template, told in others.items()}
    assert set(by_template) <= {*TEMPLATES, VISION}
    return Case(name, rows, by_template, hashed)


def _expected(verdicts: str, bad: Mapping[int, str]) -> Expected:
    letters = verdicts.split()
    if len(letters) == len(METHODS) - 1:
        letters.append(letters[METHODS.index("GRPO")])
    statuses = {
        method: frozenset(STATUS[letter] for letter in told.split("/"))
        for method, told in zip(METHODS, letters, strict=True)
    }
    effects = {row: dict(_effects(told)) for row, told in bad.items()}
    return Expected(
        statuses,
        {row: {m: e for m, e in told.items() if e != "open"} for row, told in effects.items()},
        {row: frozenset(m for m, e in told.items() if e == "open") for row, told in effects.items()},
    )


def _effects(told: str) -> list[tuple[str, str]]:
    found = []
    for part in filter(None, told.split(";")):
        effect, *methods = part.split()
        assert effect in {"crash", "dropped", "silent", "open"}, effect
        assert set(methods) <= set(METHODS), methods
        found += [(method, effect) for method in methods]
        if "GRPO" in methods:
            found.append(("RLOO", effect))
    return found
