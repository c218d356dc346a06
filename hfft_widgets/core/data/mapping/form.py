"""A mapping as a form: for each method the columns to fill, and for each column what can be chosen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hfft_widgets.core.data.columns import Schema
from hfft_widgets.core.data.mapping.column_mapping import ColumnMapping
from hfft_widgets.core.data.mapping.options import GUESS, Choice, choices, confidence
from hfft_widgets.core.data.mapping.suggest import in_the_way
from hfft_widgets.core.data.mapping.transforms import Transform
from hfft_widgets.core.method import METHODS

_SPOKEN = ("prompt", "completion", "chosen", "rejected", "answer")  # no two of these may say the same
_OPPOSITE = ("chosen", "rejected", "label")  # a wrong guess at these teaches the contrary


@dataclass(frozen=True)
class Field:
    """One column to fill.

    Attributes:
        target: The trainer's column.
        choices: What can fill it, what the report proposes first, then the surest; none: nothing can.
        proposed: Whether the first of them is the report's proposal.
    """

    target: str
    choices: tuple[Choice, ...]
    proposed: bool = False

    def candidates(self, *, guesses: bool) -> list[int]:
        """The choices, by place, that may be made for a person: what is likely, or, where it does no harm, a guess."""
        return [
            place
            for place, choice in enumerate(self.choices)
            if (choice.confidence == GUESS and not (self.proposed and place == 0)) == guesses
            and not (guesses and self.target in _OPPOSITE)
        ]


@dataclass(frozen=True)
class Layout:
    """One set of columns a method can be given.

    Attributes:
        method: The method.
        fields: Its columns.
    """

    method: str
    fields: tuple[Field, ...]

    @property
    def label(self) -> str:
        """For a list of layouts, e.g. "prompt + chosen + rejected"."""
        missing = ", ".join(field.target for field in self.fields if not field.choices)
        names = " + ".join(field.target for field in self.fields)
        return f"{names} (nothing for {missing})" if missing else names

    @property
    def usable(self) -> bool:
        """Whether each of its columns can be filled."""
        return all(field.choices for field in self.fields)

    def defaults(self) -> tuple[int | None, ...]:
        """Which choice of each field, by place, is made already; None: a person must choose.

        No two fields that say something get the same source, and what is only guessed comes last.
        """
        made: dict[str, int] = {}
        for guesses in (False, True):
            for field in self.fields:
                if field.target not in made:
                    fits = (n for n in field.candidates(guesses=guesses) if not self._taken(field, n, made))
                    place = next(fits, None)
                    if place is not None:
                        made[field.target] = place
        return tuple(made.get(field.target) for field in self.fields)

    def _taken(self, field: Field, place: int, made: Mapping[str, int]) -> bool:
        chosen = {one.target: one.choices[made[one.target]].transform for one in self.fields if one.target in made}
        return bool(conflict({**chosen, field.target: field.choices[place].transform}))

    def mapping(self, schema: Schema, transforms: Sequence[Transform]) -> ColumnMapping:
        """The mapping that fills the fields with these, in order, and takes away what would lead the trainer astray."""
        targets = {field.target: transform for field, transform in zip(self.fields, transforms, strict=True)}
        return ColumnMapping(targets, in_the_way(self.method, schema, targets))


def conflict(targets: Mapping[str, Transform | None]) -> tuple[str, str] | None:
    """Two columns that would say the same, so that nothing, or the wrong thing, is learned; None: there are none.

    Args:
        targets: What fills each column; None: nothing yet.
    """
    spoken = [(name, transform) for name in _SPOKEN if (transform := targets.get(name)) is not None]
    pairs = ((a, b) for place, a in enumerate(spoken) for b in spoken[place + 1 :])
    return next(((a, b) for (a, one), (b, other) in pairs if _same_source(one, other)), None)


def _same_source(one: Transform, other: Transform) -> bool:
    return bool(set(one.columns) & set(other.columns)) and _part(one) == _part(other)


def _part(transform: Transform) -> str:
    """Which part of its columns a transform reads: a conversation before its answer, the better of two, or all."""
    return transform.how if transform.how in {"turns_before_answer", "better", "worse", "best", "worst"} else ""


def layouts(method: str, schema: Schema, mapping: ColumnMapping | None) -> tuple[Layout, ...]:
    """The method's layouts: that of its mapping (in use or proposed) first, then those that can be filled."""
    proposed: Mapping[str, Transform] = mapping.targets if mapping and not mapping.asks else {}
    known = [tuple(proposed)] if proposed else []
    known += [names for names in METHODS[method].layouts if sorted(names) != sorted(proposed)]
    made = [Layout(method, tuple(_field(schema, name, proposed.get(name)) for name in names)) for names in known]
    return tuple(sorted(made, key=lambda layout: not layout.usable))


def _field(schema: Schema, target: str, proposed: Transform | None) -> Field:
    found = [choice for choice in choices(target, schema) if choice.transform != proposed]
    first = [Choice(proposed, confidence(target, proposed, schema))] if proposed else []
    return Field(target, (*first, *found), proposed=proposed is not None)
