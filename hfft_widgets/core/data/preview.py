"""Single rows as JSON values for people: as they are, as the model sees them, before and after a mapping or a fix."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hfft_widgets.core.data.columns import Row
from hfft_widgets.core.data.findings import Finding
from hfft_widgets.core.data.fixes import Fix
from hfft_widgets.core.data.mapping.column_mapping import MAPPING_ERRORS, ColumnMapping
from hfft_widgets.core.data.rows import Rows, indented, prepared, shortened
from hfft_widgets.core.diff import changed_lines

_CONTEXT_LINES, _CHANGE_LINES = 2, 60
_AFFECTED_ROWS = 3
_PREVIEW_CHARACTERS = 240


def texts(row: Row) -> dict[str, str]:
    """A row's cells as texts."""
    return {name: indented(cell) for name, cell in row.items()}


# ---- before and after a fix ------------------------------------------------------------------


@dataclass(frozen=True)
class Change:
    """What a fix does to one row.

    Attributes:
        number: The row's number in the dataset as it was given.
        before: The row as the trainer would get it now.
        after: The same with the fix; None: it is left out.
    """

    number: int
    before: Row
    after: Row | None

    def to_dict(self) -> dict[str, Any]:
        """JSON values: what becomes of the row, and its lines with "-", "+" or " " before each."""
        if self.after is None or self.after == self.before:
            sign, becomes = ("-", "is left out") if self.after is None else (" ", "stays as it is")
            cells = ((shortened(name, 40), shortened(cell, _PREVIEW_CHARACTERS)) for name, cell in self.before.items())
            return {"number": self.number, "becomes": becomes, "lines": [[sign, f"{n}: {c}"] for n, c in cells]}
        before, after = (indented(dict(row)).split("\n") for row in (self.before, self.after))
        lines = [list(line) for line in changed_lines(before, after, _CONTEXT_LINES)]
        return {"number": self.number, "becomes": "is changed", "lines": lines[:_CHANGE_LINES]}


def changes(
    rows: Rows, finding: Finding, mappings: Mapping[str, ColumnMapping | None], fixes: Sequence[Fix]
) -> list[Change]:
    """What the finding's fix does to the first of its rows.

    Args:
        rows: The dataset as it was given.
        finding: The finding.
        mappings: Method -> its mapping, in use or proposed.
        fixes: Those in use.
    """
    fix = finding.fix
    if fix is None:
        return []
    method = next(m for m in finding.effects if fix.concerns(m))
    mapping = None if fix.first else mappings[method]
    fixes = [used for used in fixes if used.rule != "deduplicate" and used.first >= fix.first]
    numbers = finding.rows[:_AFFECTED_ROWS]
    made = []
    for number, row in zip(numbers, rows.take(numbers), strict=True):
        now = dict(_left([(number, row)], method, mapping, fixes))
        then = {} if fix.rule == "deduplicate" else dict(fix.numbered(now.items()))
        made += [Change(number, before, then.get(number)) for before in now.values()]
    return made


def _left(numbered: list[tuple[int, Any]], method: str, mapping: ColumnMapping | None, fixes: Any) -> Any:
    try:
        return list(prepared(numbered, method, mapping, fixes))
    except MAPPING_ERRORS:
        return numbered


# ---- before and after a mapping --------------------------------------------------------------


def mapped_rows(mapping: ColumnMapping, rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Rows before and after a mapping: the columns that it reads and those that it fills, as short texts."""
    return [_mapped(mapping, row) for row in rows]


def _mapped(mapping: ColumnMapping, row: Row) -> dict[str, Any]:
    before = _listed(row, mapping.sources)
    try:
        if not mapping.keeps(row):
            return {"before": before, "error": "No answer is the better one: the row is left out."}
        better = next(filter(None, (made.because(row) for made in mapping.targets.values())), "")
        why = {"why": shortened(f"better because of {better}", _PREVIEW_CHARACTERS)} if better else {}
        return {"before": before, "after": _listed(mapping.apply(row), tuple(mapping.targets)), **why}
    except MAPPING_ERRORS as error:
        return {"before": before, "error": repr(error)}


def _listed(row: Row, names: Sequence[str]) -> dict[str, str]:
    return {name: shortened(row.get(name), _PREVIEW_CHARACTERS) for name in names}
