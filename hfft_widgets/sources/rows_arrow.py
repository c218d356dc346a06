"""Rows that are Arrow tables underneath: read in batches of bounded size, taken as plain Python values."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa

_BATCH_ROWS = 20_000
_BATCH_BYTES = 64 << 20


def batch_rows(total_bytes: int, rows: int) -> int:
    """Rows of a batch, so that a batch of pictures is not gigabytes.

    >>> batch_rows(800_000_000, 1_000_000), batch_rows(1 << 30, 1024)
    (20000, 64)
    """
    return max(1, min(_BATCH_ROWS, _BATCH_BYTES * max(rows, 1) // max(total_bytes, 1)))


class ArrowRows(Sequence[dict[str, Any]]):
    """What all rows in Arrow share: they are also a sequence of dicts.

    Attributes:
        columns: In order.
        total: Number of rows.
    """

    columns: tuple[str, ...]
    total: int

    @abstractmethod
    def batches(self, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch | pa.Table]:
        """All rows in order, in batches of bounded size."""

    @abstractmethod
    def take(self, numbers: Sequence[int]) -> list[dict[str, Any]]:
        """Rows by number, in the order asked for."""

    def __len__(self) -> int:
        return self.total

    def __iter__(self) -> Iterator[dict[str, Any]]:
        for batch in self.batches():
            yield from plain(batch)

    def __getitem__(self, number: Any) -> Any:
        if isinstance(number, slice):
            return self.take(range(*number.indices(self.total)))
        if not -self.total <= number < self.total:
            raise IndexError(number)
        return self.take([number % self.total])[0]


class DatasetRows(ArrowRows):
    """The rows of a `datasets.Dataset`, whatever format it is set to."""

    def __init__(self, dataset: Any) -> None:
        self.dataset = dataset
        self.columns = tuple(dataset.column_names)
        self.total = len(dataset)
        self._arrow = dataset.with_format("arrow")  # no formatter decodes a picture then

    def batches(self, columns: Sequence[str] | None = None) -> Iterator[pa.Table]:
        """All rows in order; slices of what is in memory or mapped into it."""
        table = self.dataset.data
        rows = self._arrow if columns is None else self._arrow.select_columns(list(columns or self.columns[:1]))
        return iter(rows.iter(batch_rows(table.nbytes, table.num_rows)))

    def take(self, numbers: Sequence[int]) -> list[dict[str, Any]]:
        """Rows by number."""
        return plain(self._arrow[list(numbers)]) if len(numbers) else []


def plain(batch: pa.RecordBatch | pa.Table) -> list[dict[str, Any]]:
    """Rows as Python values; what `datasets` keeps as JSON text is read, as it does."""
    from hfft_widgets.core.data.arrow import listed, plain_column

    names = batch.schema.names
    columns = [listed(plain_column(batch, name)) for name in names]
    return [dict(zip(names, cells, strict=True)) for cells in zip(*columns, strict=True)]
