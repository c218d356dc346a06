"""A browser for rows: as they are, and as the model sees them."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from hfft_widgets.cards.report.rows import row_table, seen
from hfft_widgets.cards.report.words import shown
from hfft_widgets.core.html import Markup, el, join
from hfft_widgets.core.units import plural
from hfft_widgets.errors import DataError
from hfft_widgets.widgets.form import Form, actions, fields

if TYPE_CHECKING:
    from hfft_widgets.core.data.report import ValidationReport
    from hfft_widgets.widgets.panel import Panel

_ALL = ""


class RowsPart:
    """Choose a finding, walk through its rows.

    Args:
        panel: Whose fields these are.
        show_row: Shows a row by its number.
    """

    def __init__(self, panel: Panel, show_row: Callable[[int], Any]) -> None:
        self._panel, self._values = panel, panel.values
        self._show_row = show_row
        self._report: ValidationReport | None = None
        self._row: dict[str, Any] | None = None
        self.number = 0
        panel.has("finding", _ALL, lambda _: self._show_row(self.numbers[0]) if self.numbers else None)
        panel.has("row", "0", self._typed)

    @property
    def numbers(self) -> Sequence[int]:
        """The rows to walk through."""
        if self._report is None:
            return ()
        chosen = self._values["finding"]
        return range(self._report.total) if chosen == _ALL else self._report.findings[int(chosen)].rows

    def show(self, report: ValidationReport) -> None:
        """The findings to choose from; rows are read for who looks at them."""
        self._report, self._row = report, None
        self._values["finding"] = "0" if report.findings else _ALL
        self.number = self.numbers[0]
        self._values["row"] = str(self.number)

    def read(self, method: str, number: int) -> None:
        """Read a row, as this method's model sees it.

        Raises:
            DataError: There is no such row.
        """
        assert self._report is not None
        if not 0 <= number < self._report.total:
            raise DataError(f"There is no row {number:,}.", remedy=f"Rows go from 0 to {self._report.total - 1:,}.")
        self.number, self._values["row"] = number, str(number)
        self._panel.errors.pop("row", None)
        self._row = self._report.look(method, number)

    def after(self, step: int) -> int:
        """The number of the next row (1) or of the one before (-1); this one at the ends."""
        numbers, here = self.numbers, self.number
        place = bisect_right(numbers, here) if step > 0 else bisect_left(numbers, here) - 1
        return numbers[place] if 0 <= place < len(numbers) else here

    def view(self, form: Form) -> Markup:
        """The list of findings, the way through their rows, and the row."""
        assert self._report is not None
        found = [
            (f"{plural(f.count, 'row')}: {shown(f.message, 90)}", str(n)) for n, f in enumerate(self._report.findings)
        ]
        numbers = self.numbers
        place = f"{numbers.index(self.number) + 1:,} of {len(numbers):,}" if self.number in numbers else ""
        walk = actions(
            form.button("Previous", "previous", off=self.after(-1) == self.number, always=True),
            form.button("Next", "next", off=self.after(1) == self.number, always=True),
            el("span", place, class_="note"),
        )
        row = self._row and join([seen(self._row), row_table(self._row["number"], self._row["cells"])])
        which = form.choice("finding", "Rows", [*found, ("all rows", _ALL)], half=True) if found else None
        return join([fields(which, form.text("row", "Row number", number=True), walk), row])

    def _typed(self, text: str) -> None:
        digits, last = text.replace(",", "").strip(), self._report.total - 1 if self._report else 0
        if digits.isdigit() and int(digits) <= last:
            self._show_row(int(digits))
        else:
            self._panel.errors["row"] = f"Rows go from 0 to {last:,}."
