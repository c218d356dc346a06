"""The eleven concepts of the course: where each is met, asked and checked. It is read from the lessons."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from hfft_widgets.teaching import views
from hfft_widgets.teaching.before_after import questions_of
from hfft_widgets.teaching.notebooks import linked_words
from hfft_widgets.teaching.source import lessons

CONCEPTS: Mapping[str, str] = MappingProxyType({
    "template": "chat template",
    "loss mask": "loss mask",
    "LoRA rank": "rank",
    "effective batch": "effective batch",
    "learning rate": "learning rate",
    "evaluation": "held-out",
    "overfitting": "overfitting",
    "DPO/SFT/GRPO": "DPO",
    "KL": "KL",
    "quantization": "quantization",
    "cost": "ceiling",
})  # fmt: skip
"""Concept -> the word of the glossary that stands for it."""


@dataclass(frozen=True)
class Concept:
    """One concept and its places.

    Attributes:
        name: E.g. "loss mask".
        met: The lessons whose text leads to its word, by their titles.
        asked: The questions about it, e.g. "data-2".
        checked: The exercises that check it, e.g. "data-ex1".
        around: Its questions before and after the course.
    """

    name: str
    met: tuple[str, ...]
    asked: tuple[str, ...]
    checked: tuple[str, ...]
    around: tuple[str, ...]

    @property
    def missing(self) -> tuple[str, ...]:
        """What the course does not do with it yet: "met", "asked", "checked"."""
        return tuple(name for name in ("met", "asked", "checked") if not getattr(self, name))


@dataclass(frozen=True)
class ConceptTable:
    """All of them, to look at."""

    concepts: tuple[Concept, ...]

    def rows(self) -> list[tuple[str, ...]]:
        """Concept, met, asked, checked, before and after: in words."""
        return [
            (one.name, *(", ".join(where) or "not yet" for where in (one.met, one.asked, one.checked, one.around)))
            for one in self.concepts
        ]

    def to_markdown(self) -> str:
        """As a table, for a page."""
        lines = ["| " + " | ".join(_HEAD) + " |", "|" + "---|" * len(_HEAD)]
        return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in self.rows())])

    def __str__(self) -> str:
        return "\n".join(f"{row[0]:16} met: {row[1]}; asked: {row[2]}; checked: {row[3]}" for row in self.rows())

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        return str(views.page(views.grid("The eleven concepts", _HEAD, self.rows())))


_HEAD = ("Concept", "Met in", "Asked", "Checked", "Before and after")


def concepts() -> ConceptTable:
    """Where the course meets, asks and checks each concept."""
    return ConceptTable(tuple(_found(name, word) for name, word in CONCEPTS.items()))


def _found(name: str, word: str) -> Concept:
    every = lessons().values()
    return Concept(
        name=name,
        met=tuple(one.stem for one in every if word in linked_words(one)),
        asked=tuple(part.name for one in every for part in one.questions if name in part.concepts),
        checked=tuple(part.name for one in every for part in one.exercises if name in part.concepts),
        around=tuple(one.name.removeprefix("before-") for one in questions_of("before") if name in one.concepts),
    )
