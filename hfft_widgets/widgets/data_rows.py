"""A browser for rows: as they are, and as the model sees them."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

import ipywidgets as W  # noqa: N812

from hfft_widgets.core.data.views_rows import row_table, seen
from hfft_widgets.core.data.views_words import shown
from hfft_widgets.core.units import plural
from hfft_widgets.errors import DataError
from hfft_widgets.widgets.data_parts import LABEL, Part, show_part, wide, wrapped

if TYPE_CHECKING:
    from hfft_widgets.widgets.data import DatasetValidator

_ALL = -1


class RowsPart(Part):
    """Pick a finding, walk through its rows."""

    def __init__(self, panel: DatasetValidator) -> None:
        super().__init__(panel)
        self.finding = W.Dropdown(description="Rows", layout=wide(), style=LABEL)
        self.finding.observe(lambda _: self._picked(), "value")
        self.previous_button = _step("Previous", "arrow-left", partial(panel.attempt, panel.previous_row))
        self.next_button = _step("Next", "arrow-right", partial(panel.attempt, panel.next_row))
        self.number = W.BoundedIntText(
            description="Row number", layout=W.Layout(width="220px"), style=LABEL, continuous_update=False
        )
        self.number.observe(lambda change: self._numbered(change.new), "value")
        self.open_tab = False
        self.place = W.Label()
        self.content = W.HTML()
        walk = wrapped(self.number, self.previous_button, self.next_button, self.place)
        self.children = (self.finding, walk, self.content)

    @property
    def numbers(self) -> Sequence[int]:
        """The rows to walk through."""
        if self.report is None:
            return ()
        chosen = self.finding.value
        return range(self.report.total) if chosen == _ALL else self.report.findings[chosen].rows

    def fill(self) -> None:
        """The findings to choose from, and their first row."""
        options = [(f"{plural(f.count, 'row')}: {shown(f.message, 90)}", n) for n, f in enumerate(self.report.findings)]
        self.finding.options = [*options, ("all rows", _ALL)]
        self.finding.value = self.finding.options[0][1]
        self.number.max = max(0, self.report.total - 1)
        self.number.value = self.numbers[0]

    def turn(self) -> None:
        """The row on show, as this method's model sees it; nobody waits for a row that is not looked at."""
        if self.open_tab or self.content.value:
            self.show_row(self.number.value)

    def settle(self) -> None:
        """At the ends there is no row before or behind."""
        numbers, here = self.numbers, self.number.value
        self.previous_button.disabled = self.after(-1) == here
        self.next_button.disabled = self.after(1) == here
        self.place.value = f"{numbers.index(here) + 1:,} of {len(numbers):,}" if here in numbers else ""

    def show_row(self, number: int) -> None:
        """Show this row."""
        if not 0 <= number < self.report.total:
            raise DataError(f"There is no row {number:,}.", remedy=f"Rows go from 0 to {self.report.total - 1:,}.")
        row = self.report.rows.take([number])[0]
        with self.filling():
            self.number.value = number
        show_part(self.content, row_table(number, row), seen(self.report, self.method, number))
        self.settle()

    def after(self, step: int) -> int:
        """The number of the next row (1) or of the one before (-1); this one at the ends."""
        numbers, here = self.numbers, self.number.value
        place = bisect_right(numbers, here) if step > 0 else bisect_left(numbers, here) - 1
        return numbers[place] if 0 <= place < len(numbers) else here

    def _numbered(self, number: int) -> None:
        if not self._filling:
            self.panel.attempt(partial(self.panel.show_row, number))

    def _picked(self) -> None:
        if not self._filling and self.numbers:
            self.panel.attempt(partial(self.panel.show_row, self.numbers[0]))


def _step(label: str, icon: str, method: Callable[[], object]) -> W.Button:
    """Not one of the panel's buttons: those are disabled while they work, and a key pressed twice would be lost."""
    made = W.Button(description=label, icon=icon, layout=W.Layout(width="auto", height="32px"))
    made.on_click(lambda _: method())
    return made
