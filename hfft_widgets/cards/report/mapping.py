"""A few rows before and after a mapping."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hfft_widgets.cards.parts import table
from hfft_widgets.cards.report.rows import line
from hfft_widgets.cards.report.words import Values, safe, shown
from hfft_widgets.core.html import Markup, el, join

_CELL_CHARACTERS = 240


def html(rows: Sequence[Values]) -> Markup:
    """The rows side by side.

    Args:
        rows: What `report.preview(mapping)` gives.
    """
    cells = [(_listing(row["before"]), _after(row)) for row in rows]
    return table(["Before", "After"], cells, class_="words halves")


def _after(row: Values) -> Markup:
    if "error" in row:
        return line("bad", f"The mapping cannot be applied to this row: {shown(row['error'], 200)}")
    why = el("div", safe(row["why"], _CELL_CHARACTERS), class_="note") if "why" in row else None
    return join([_listing(row["after"]), why])


def _listing(cells: Mapping[str, str]) -> Markup:
    """Some columns of a row, one below the other."""
    return join(
        el("div", el("b", safe(name, 40)), " ", safe(cell, _CELL_CHARACTERS), class_="cell")
        for name, cell in cells.items()
    )
