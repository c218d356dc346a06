"""What the data room reads: rows in batches, several times, and single rows by number."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

if TYPE_CHECKING:
    import pyarrow as pa

    Batch: TypeAlias = pa.RecordBatch | pa.Table | dict[str, list[Any]]

_BATCH_ROWS = 10_000


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
