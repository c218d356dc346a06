"""Rows of Parquet files, streamed row group by row group: nothing is converted, nothing is kept."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from hfft_widgets.errors import DataError, HfftError
from hfft_widgets.sources.rows_arrow import ArrowRows, batch_rows, plain
from hfft_widgets.sources.rows_library import no_space, reason

if TYPE_CHECKING:
    import pyarrow as pa

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class File:
    """One Parquet file.

    Attributes:
        name: For people.
        open: Gives a path, or a new file object, each time it is called.
    """

    name: str
    open: Callable[[], Any]

    @cached_property
    def metadata(self) -> Any:
        """The file's footer; read once."""
        import pyarrow.parquet as pq

        return pq.ParquetFile(self.open()).metadata

    def reader(self) -> Any:
        """A new reader, so that two passes do not disturb each other."""
        import pyarrow.parquet as pq

        return pq.ParquetFile(self.open(), metadata=self.metadata)

    @cached_property
    def names(self) -> list[str]:
        """Its columns."""
        return list(self.metadata.schema.to_arrow_schema().names)

    @cached_property
    def group_rows(self) -> list[int]:
        """Rows of each row group."""
        return [self.metadata.row_group(number).num_rows for number in range(self.metadata.num_row_groups)]

    @cached_property
    def runs(self) -> list[list[int]]:
        """Row groups in order; small neighbours together, for a batch to span them."""
        runs: list[list[int]] = []
        rows = 0
        for group, here in enumerate(self.group_rows):
            if runs and rows + here <= self.batch_rows:
                runs[-1].append(group)
                rows += here
            else:
                runs.append([group])
                rows = here
        return runs

    @cached_property
    def batch_rows(self) -> int:
        """Rows of a batch, by the size of the largest row."""
        groups = [self.metadata.row_group(number) for number in range(self.metadata.num_row_groups)]
        return min((batch_rows(group.total_byte_size, group.num_rows) for group in groups), default=1)


class ParquetRows(ArrowRows):
    """The rows of some Parquet files, one after the other, with the types `load_dataset` gives them.

    Args:
        files: In order.
        total: Number of rows, where it is known without opening every file.
        progress: Called with (rows read, all rows) after each batch of a pass.
        cancelled: Asked before each batch; a pass that is to stop raises DataError.

    Raises:
        DataError: The first file, or without `total` any file, cannot be read, or has other columns than the first.
    """

    def __init__(
        self,
        files: Sequence[File],
        *,
        total: int | None = None,
        progress: Progress | None = None,
        cancelled: Callable[[], bool] | None = None,
    ) -> None:
        self._files = tuple(files)
        self._progress, self._cancelled = progress, cancelled
        self._kept: tuple[tuple[int, int, int], Any] | None = None
        self._schema = _translated(self._files[0], lambda: _trained_schema(self._files[0]))
        self.columns = tuple(self._schema.names)
        self.total = sum(self._rows_of(number) for number in range(len(self._files))) if total is None else total

    def _rows_of(self, number: int) -> int:
        file = self._files[number]
        if unknown := set(_translated(file, lambda: file.names)) - set(self.columns):
            raise DataError(
                f"{file.name} has columns that {self._files[0].name} lacks: {', '.join(map(repr, sorted(unknown)))}.",
                remedy="Read files with the same columns together, the others apart.",
            )
        return int(file.metadata.num_rows)

    def batches(self, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch | pa.Table]:
        """All rows in order; only these columns are read from the files."""
        names = list(self.columns if columns is None else columns or self.columns[:1])
        done = 0
        for number, file in enumerate(self._files):
            self._rows_of(number)
            for batch in self._read(file, names):
                if self._cancelled and self._cancelled():
                    raise DataError("Reading was stopped before the last row.", remedy="Start again to check all rows.")
                done += len(batch)
                yield batch
                if self._progress:
                    self._progress(done, self.total)

    def _read(self, file: File, names: list[str], group: int | None = None) -> Iterator[Any]:
        """Batches of a file or of one of its row groups, cast where `load_dataset` would cast.

        One iterator over all row groups would keep what it read of the file until its end (563 MB of such a file
        against 54 MB), so each run of them gets its own.
        """
        there = [name for name in names if name in file.names]
        reader = _translated(file, file.reader)
        for groups in file.runs if group is None else [[group]]:
            batches = reader.iter_batches(file.batch_rows, row_groups=groups, columns=there)
            while (batch := _translated(file, partial(self._next, batches, names))) is not None:
                yield batch

    def _next(self, batches: Iterator[Any], names: list[str]) -> Any:
        batch = next(batches, None)
        return batch if batch is None else self._cast(batch, names)

    def _cast(self, batch: pa.RecordBatch, names: list[str]) -> pa.RecordBatch | pa.Table:
        import pyarrow as pa

        batch = _without_views(batch)
        wanted = self._schema if names == list(self.columns) else pa.schema([self._schema.field(n) for n in names])
        if batch.schema.names == names and batch.schema.types == wanted.types:
            return batch
        from datasets.table import table_cast

        return table_cast(pa.Table.from_batches([batch]), wanted)

    def take(self, numbers: Sequence[int]) -> list[dict[str, Any]]:
        """Rows by number. Only the row groups that hold them are read, each once and only so far."""
        found: dict[int, dict[str, Any]] = {}
        for (file, group, first), wanted in self._located(sorted(set(numbers))).items():
            offsets = [number - first for number in wanted]
            found.update(zip(wanted, self._taken(file, group, offsets), strict=True))
        return [dict(found[number]) for number in numbers]

    def _located(self, numbers: Sequence[int]) -> dict[tuple[int, int, int], list[int]]:
        """Row numbers by (file, row group, first row of that group)."""
        places: dict[tuple[int, int, int], list[int]] = {}
        file, start, end = -1, 0, 0
        ends: list[int] = []
        for number in numbers:
            while number >= end:
                file, start = file + 1, end
                end += self._rows_of(file)
                ends = list(accumulate(self._files[file].group_rows))
            group = bisect_right(ends, number - start)
            first = start + (ends[group - 1] if group else 0)
            places.setdefault((file, group, first), []).append(number)
        return places

    def _taken(self, file: int, group: int, offsets: Sequence[int]) -> list[dict[str, Any]]:
        """Rows of a row group; its last batch is kept, because who looks at a row looks at the next."""
        rows: list[dict[str, Any]] = []
        for start, batch in self._group(file, group, offsets[0], offsets[-1]):
            here = [offset - start for offset in offsets if start <= offset < start + len(batch)]
            rows += plain(batch.take(here)) if here else []
            self._kept = (file, group, start), batch
        return rows

    def _group(self, file: int, group: int, first: int, last: int) -> Iterator[tuple[int, Any]]:
        if self._kept is not None:
            (*place, start), batch = self._kept
            if place == [file, group] and start <= first and last < start + len(batch):
                yield start, batch
                return
        start = 0
        for batch in self._read(self._files[file], list(self.columns), group):
            yield start, batch
            start += len(batch)
            if start > last:
                return


def _plain(kind: pa.DataType) -> pa.DataType:
    """The type without views, of which Arrow can take no rows: newer writers keep texts so."""
    import pyarrow as pa

    if pa.types.is_string_view(kind):
        return pa.large_string()
    if pa.types.is_binary_view(kind):
        return pa.large_binary()
    if pa.types.is_struct(kind):
        return pa.struct([field.with_type(_plain(field.type)) for field in kind])
    for is_list, made in ((pa.types.is_list, pa.list_), (pa.types.is_large_list, pa.large_list)):
        if is_list(kind):
            return made(kind.value_field.with_type(_plain(kind.value_type)))
    return kind


def _without_views(batch: pa.RecordBatch) -> pa.RecordBatch:
    import pyarrow as pa

    schema = pa.schema([field.with_type(_plain(field.type)) for field in batch.schema])
    return batch if schema.types == batch.schema.types else batch.cast(schema)


def _trained_schema(file: File) -> Any:
    """The types `load_dataset` gives the file's columns: those of the file but for dictionaries and the like."""
    import pyarrow as pa
    from datasets import Features

    schema = file.metadata.schema.to_arrow_schema()
    trained = Features.from_arrow_schema(schema).arrow_schema
    return pa.schema([field.with_type(_plain(field.type)) for field in trained])


def _translated(file: File, read: Callable[[], Any]) -> Any:
    try:
        return read()
    except HfftError:
        raise
    except Exception as error:  # whatever a parser raises means: this file cannot be read
        if full := no_space(error):
            raise full from error
        raise DataError(
            f"{file.name} cannot be read.",
            why=f"{reason(error).rstrip('.')}.",
            remedy="Repair the file, or save it again.",
        ) from error
