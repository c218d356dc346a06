"""What the data room reads: rows in batches, several times, single rows by number, and as a trainer gets them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from hfft_widgets.core.data.columns import turn_keys
from hfft_widgets.core.units import short
from hfft_widgets.errors import DataError
from hfft_widgets.scripts.rows import gathered

if TYPE_CHECKING:
    import pyarrow as pa

    from hfft_widgets.core.data.fixes import Fix, Numbered
    from hfft_widgets.core.data.mapping.column_mapping import ColumnMapping

    Batch: TypeAlias = pa.RecordBatch | pa.Table | dict[str, list[Any]]

_BATCH_ROWS = 10_000
_EXAMPLE_CHARACTERS = 400


class Rows(Protocol):
    """A dataset that can be read several times.

    Attributes:
        columns: Its columns, in order.
        total: Number of rows; None: not known before the end.
    """

    @property
    def columns(self) -> tuple[str, ...]: ...  # noqa: D102 - said above
    @property
    def total(self) -> int | None: ...  # noqa: D102 - said above

    def batches(self, columns: Sequence[str] | None = None) -> Iterator[Batch]:
        """All rows in order, some ten thousand at a time and never more than memory holds.

        Arrow's, or for rows that Arrow cannot hold a dict of equally long lists. Columns of mixed types are Arrow's
        `arrow.json`, nested too; pictures are struct<bytes, path>.

        Args:
            columns: Those to read; None: all. Without any the first is read, for a batch tells how many rows it has.
        """
        ...

    def take(self, numbers: Sequence[int]) -> list[dict[str, Any]]:
        """Rows by number, in the order asked for, as plain Python values; pictures are not decoded."""
        ...


class PythonRows(Sequence[dict[str, Any]]):
    """Dicts as they are, for values that Arrow cannot hold. Every key of any row is a column; what a row lacks is None.

    >>> rows = PythonRows([{"a": 2**70}, {"b": "x"}])
    >>> rows.columns, rows.total, next(rows.batches())
    (('a', 'b'), 2, {'a': [1180591620717411303424, None], 'b': [None, 'x']})
    """

    def __init__(self, rows: Sequence[Mapping[str, Any]], columns: Sequence[str] | None = None) -> None:
        self._rows = rows
        named = dict.fromkeys(name for row in rows for name in row) if columns is None else columns
        self.columns = tuple(named)
        self.total = len(rows)

    def batches(self, columns: Sequence[str] | None = None) -> Iterator[dict[str, list[Any]]]:
        """All rows in order, as columns."""
        names = self.columns if columns is None else tuple(columns) or self.columns[:1]
        for start in range(0, self.total, _BATCH_ROWS):
            chunk = self._rows[start : start + _BATCH_ROWS]
            yield {name: [row.get(name) for row in chunk] for name in names}

    def take(self, numbers: Sequence[int]) -> list[dict[str, Any]]:
        """Rows by number."""
        return [{name: self._rows[number].get(name) for name in self.columns} for number in numbers]

    def __len__(self) -> int:
        return self.total

    def __getitem__(self, number: Any) -> Any:
        if isinstance(number, slice):
            return self.take(range(*number.indices(self.total)))
        return self.take([range(self.total)[number]])[0]


def numbered(rows: Rows) -> Iterator[Numbered]:
    """All rows with their numbers."""
    from hfft_widgets.core.data.arrow import batch_size, listed, plain_column

    start = 0
    for batch in rows.batches():
        columns = {name: listed(plain_column(batch, name)) for name in rows.columns}
        for place in range(batch_size(batch)):
            yield start + place, {name: cells[place] for name, cells in columns.items()}
        start += batch_size(batch)


def prepared(
    rows: Iterable[Numbered], method: str, mapping: ColumnMapping | None, fixes: Iterable[Fix]
) -> Iterator[Numbered]:
    """The rows as this method's trainer would get them: after its mapping and the fixes that are for it, in order."""
    concerned = [fix for fix in fixes if fix.concerns(method)]
    for fix in concerned:
        rows = fix.numbered(rows) if fix.first else rows
    if mapping:
        rows = ((number, mapping.apply(row)) for number, row in rows if mapping.keeps(row))
    for fix in concerned:
        rows = rows if fix.first else fix.numbered(rows)
    yield from rows


def gathered_rows(rows: Rows, by: str) -> PythonRows:
    """Rows that are one turn each as conversations, a row for each value of this column.

    Raises:
        DataError: Its values are no names.
    """
    from hfft_widgets.core.data.fixes import GATHERED

    try:
        return PythonRows(gathered((row for _, row in numbered(rows)), by, GATHERED))
    except TypeError as error:
        raise DataError(f"Turns cannot be gathered by {by!r}: {error}.", remedy="Choose a number or text.") from error


# ---- one cell, for people ----------------------------------------------------------------------


def shortened(cell: Any, characters: int = _EXAMPLE_CHARACTERS) -> str:
    """A cell as text of bounded length, whatever it holds."""
    text = cell if isinstance(cell, str) else _written(cell)
    return short(text, characters)


def indented(cell: Any) -> str:
    """A whole cell for people: text as it is, everything else as JSON on several lines."""
    if isinstance(cell, str):
        return cell
    try:
        return json.dumps(cell, ensure_ascii=False, indent=1, default=shortened)
    except (TypeError, ValueError, RecursionError):
        return repr(cell)


def _written(cell: Any) -> str:
    """Conversations as their turns, anything else as JSON."""
    keys = turn_keys(cell)
    if keys:
        return " ⏎ ".join(_spoken(turn, *keys) for turn in cell)
    try:
        return json.dumps(cell, ensure_ascii=False, default=_unwritten)
    except (TypeError, ValueError, RecursionError):
        return repr(cell)


def _unwritten(value: Any) -> str:
    return f"<{len(value):,} bytes>" if isinstance(value, bytes) else str(value)


def _spoken(turn: Any, role: str, content: str) -> str:
    return f"{turn.get(role)}: {turn.get(content or 'content')}" if isinstance(turn, dict) else repr(turn)
