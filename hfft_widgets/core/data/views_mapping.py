"""A mapping as a form: for each method the columns to fill, and for each column what can be chosen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

# what proposes mappings is loaded with the first report: a notebook opens with the widgets
if TYPE_CHECKING:
    from hfft_widgets.core.data.choices import Choice
    from hfft_widgets.core.data.mapping import ColumnMapping
    from hfft_widgets.core.data.picks import Pick
    from hfft_widgets.core.data.report import ValidationReport


@dataclass(frozen=True)
class Field:
    """One column to fill.

    Attributes:
        target: The trainer's column.
        choices: What can fill it, what the report proposes first, then the surest; none: nothing can.
    """

    target: str
    choices: tuple[Choice, ...]


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

    def mapping(self, report: ValidationReport, picks: Sequence[Pick]) -> ColumnMapping:
        """The mapping that fills the fields with these, in order, and takes away what would lead the trainer astray."""
        from hfft_widgets.core.data.mapping import ColumnMapping
        from hfft_widgets.core.data.propose import in_the_way

        targets = {field.target: pick for field, pick in zip(self.fields, picks, strict=True)}
        return ColumnMapping(targets, in_the_way(self.method, report.schema, targets))


def layouts(report: ValidationReport, method: str) -> tuple[Layout, ...]:
    """The method's layouts: that of its mapping (agreed to or proposed) first, then those that can be filled."""
    from hfft_widgets.core.data.choices import LAYOUTS

    mapping = report.verdicts[method].mapping
    proposed: Mapping[str, Pick] = mapping.targets if mapping else {}
    known = [tuple(proposed)] if proposed else []
    known += [names for names in LAYOUTS[method] if sorted(names) != sorted(proposed)]
    made = [Layout(method, tuple(_field(report, name, proposed.get(name)) for name in names)) for names in known]
    return tuple(sorted(made, key=lambda layout: not layout.usable))


def _field(report: ValidationReport, target: str, proposed: Pick | None) -> Field:
    from hfft_widgets.core.data.choices import Choice, choices, confidence

    found = [choice for choice in choices(target, report.schema) if choice.pick != proposed]
    first = [Choice(proposed, confidence(target, proposed, report.schema))] if proposed else []
    return Field(target, (*first, *found))
