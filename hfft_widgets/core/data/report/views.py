"""The rows behind a report: as they are, as a trainer gets them, as a model reads them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from itertools import islice
from typing import Any

from hfft_widgets.core.data.columns import Schema
from hfft_widgets.core.data.emulators import Reading
from hfft_widgets.core.data.findings import Finding, Verdict
from hfft_widgets.core.data.fixes import Fix, script_lines
from hfft_widgets.core.data.mapping.column_mapping import MAPPING_ERRORS, ColumnMapping
from hfft_widgets.core.data.mapping.example import by_example, pointed_at
from hfft_widgets.core.data.mapping.form import Layout, layouts
from hfft_widgets.core.data.match import Model
from hfft_widgets.core.data.preview import Change, changes, mapped_rows, texts
from hfft_widgets.core.data.rows import Rows, numbered, prepared
from hfft_widgets.core.data.templates import ChatTemplate
from hfft_widgets.core.data.validate import sample_of
from hfft_widgets.core.script import with_functions
from hfft_widgets.errors import DataError

_FIRST_ROWS = 3


class RowViews:
    """What a report says of single rows; its attributes are the report's."""

    total: int
    columns: Mapping[str, str]
    verdicts: Mapping[str, Verdict]
    fixes: tuple[Fix, ...]
    model: str | None
    template: str | None
    training_template: str | None
    tokens: Mapping[str, str]
    vision: bool | None
    learned: Any
    gathered_by: str | None
    rows: Rows
    schema: Schema

    @property
    def _for_data(self) -> Model:
        """What of the model decides about the rows."""
        template = ChatTemplate(self.template or None, self.tokens, training=self.training_template)
        return Model(template, self.model, self.template != "", self.vision, self.learned)

    def rows_for(self, method: str, limit: int | None = None) -> list[dict[str, Any]]:
        """The rows this method would train on, after its mapping (agreed to or proposed) and fixes.

        Args:
            method: One of METHODS.
            limit: At most so many; None: all.

        Raises:
            DataError: The mapping cannot be applied to a row.
        """
        found, mapping = list[dict[str, Any]](), self._verdict(method).mapping
        try:
            found += (row for _, row in islice(prepared(numbered(self.rows), method, mapping, self.fixes), limit))
        except MAPPING_ERRORS as error:
            raise _unmapped(method, f"the row behind the {len(found):,} before it", error) from error
        return found

    def reading(self, method: str, number: int) -> Reading:
        """What the method's trainer makes of one row: the texts the model gets, and what of them is learned.

        Args:
            method: One of METHODS.
            number: The row's number in the dataset as it was given.

        Raises:
            DataError: There is no such row, a fix leaves it out, or the mapping cannot be applied to it.
        """
        row = self.prepared_row(method, number)
        return self._for_data.emulator(method, row).read(row)

    def prepared_row(self, method: str, number: int) -> dict[str, Any]:
        """One row as the method's trainer gets it, after mapping and fixes; raises DataError as `reading` does."""
        mapping, given = self._verdict(method).mapping, self._row(number)
        alone = [fix for fix in self.fixes if fix.rule != "deduplicate"]
        try:
            ready = list(prepared([(number, given)], method, mapping, alone))
        except MAPPING_ERRORS as error:
            raise _unmapped(method, f"row {number:,}", error) from error
        if not ready:
            raise DataError(f"Row {number:,} is left out by a fix.", remedy="Choose another row, or undo the fix.")
        return ready[0][1]

    def code(self, method: str) -> str:
        """Lines that give `dataset` the same mapping and fixes, with the functions they call; "" if there are none."""
        return with_functions(self.lines(method), "rows")

    def lines(self, method: str) -> str:
        """The same without the functions, which are those of `scripts.rows`: a training script holds them all."""
        return script_lines(method, self._verdict(method).mapping, self.fixes, self.columns, self.gathered_by)

    def _row(self, number: int) -> dict[str, Any]:
        if not 0 <= number < self.total:
            raise DataError(f"There is no row {number:,}.", remedy=f"Rows go from 0 to {self.total - 1:,}.")
        return self.rows.take([number])[0]

    def _verdict(self, method: str) -> Verdict:
        try:
            return self.verdicts[method]
        except KeyError:
            raise DataError(
                f"There is no method {method!r}.", remedy=f"Choose one of {', '.join(self.verdicts)}."
            ) from None

    def layouts(self, method: str) -> tuple[Layout, ...]:
        """The sets of columns that a method can be given, each with what can fill it; its mapping's first."""
        return layouts(method, self.schema, self._verdict(method).mapping)

    def changes(self, finding: Finding) -> list[Change]:
        """What the finding's fix does to the first of its rows; nothing where it has none."""
        mappings = {method: verdict.mapping for method, verdict in self.verdicts.items()}
        return changes(self.rows, finding, mappings, self.fixes)

    def look(self, method: str, number: int) -> dict[str, Any]:
        """One row for people, as JSON values: its cells as texts, and what the method's trainer makes of it."""
        try:
            reading = self.reading(method, number).to_dict()
        except DataError as error:
            reading = {"error": f"{error.what} {error.remedy}"}
        cells, about = texts(self.rows.take([number])[0]), {"model": self.model, "template": bool(self.template)}
        return {"number": number, "cells": cells, "method": method, **about, "reading": reading}

    def by_example(self, method: str, number: int, **texts: str) -> ColumnMapping:
        """The mapping that takes these texts from a row, and the same places of all others.

        Args:
            method: One of METHODS.
            number: The row's number in the dataset as it was given.
            **texts: The trainer's columns and the texts for them, as they stand in the row: prompt="Why?", ...

        Raises:
            DataError: A text is not in the row, or the method does not take what is made so.
        """
        self._verdict(method)
        return by_example(method, self.schema, sample_of(self.rows), self._for_data, self._row(number), texts)

    def pointable(self, number: int) -> list[tuple[str, str]]:
        """(place, text) of what in a row `by_example` and `by_places` can be given."""
        return [(one.words, one.text) for one in pointed_at(self.schema, self._row(number))]

    def by_places(self, method: str, number: int, places: Mapping[str, int]) -> ColumnMapping:
        """The mapping that takes the texts at these places of a row, and the same places of all others.

        Args:
            method: One of METHODS.
            number: The row's number in the dataset as it was given.
            places: The trainer's column -> the place's number in `pointable(number)`: {"prompt": 0, "completion": 2}.

        Raises:
            DataError: There is no such place, or the method does not take what is made so.
        """
        self._verdict(method)
        row = self._row(number)
        known = pointed_at(self.schema, row)
        if missing := [place for place in places.values() if not 0 <= place < len(known)]:
            raise DataError(f"There is no place {missing[0]!r}.", remedy=f"They go from 0 to {len(known) - 1}.")
        meant = {target: known[place] for target, place in places.items()}
        texts = {target: one.text for target, one in meant.items()}
        return by_example(method, self.schema, sample_of(self.rows), self._for_data, row, texts, meant)

    def preview(self, mapping: ColumnMapping) -> list[dict[str, Any]]:
        """The first rows before and after a mapping, as JSON values."""
        return mapped_rows(mapping, self.first_rows)

    @cached_property
    def first_rows(self) -> list[dict[str, Any]]:
        """The first rows, at most three."""
        return self.rows.take(range(min(_FIRST_ROWS, self.total)))


def _unmapped(method: str, where: str, error: Exception) -> DataError:
    remedy = "Leave out such rows, or choose another mapping."
    return DataError(f"The column mapping for {method} cannot be applied to {where}.", why=f"{error!r}.", remedy=remedy)
