"""Opening a dataset, wherever it is, as rows and as the reference by which a training script loads the same rows."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from hfft_widgets import folders
from hfft_widgets.core.data.rows import PythonRows, Rows
from hfft_widgets.errors import DataError, EmptyDatasetError
from hfft_widgets.sources import rows_files, rows_hub, rows_memory
from hfft_widgets.sources.rows_arrow import DatasetRows
from hfft_widgets.sources.rows_library import can_be_stopped, load, no_space, quiet, reason

Progress = Callable[[int, int], None]
Cancelled = Callable[[], bool]

ALL_ROWS = "all rows"
_BLOCK_BYTES = 1 << 20


@dataclass(frozen=True)
class Source:
    """An opened dataset.

    Attributes:
        name: For people: a Hub id, a file name, the name a dataset gives itself.
        reference: Keyword arguments of `datasets.load_dataset` that load all rows; None for rows in memory.
        rows: Its rows: read in batches, or by number.
        columns: Its columns.
        total: Number of `rows`.
        coverage: Which rows these are: "all rows", or a sample and of how many.
        all_rows: Number of rows in the whole dataset; None: not known.
        notes: How they were read, where that is not the usual way.
    """

    name: str
    reference: Mapping[str, Any] | None
    rows: Rows = field(repr=False, compare=False)
    columns: tuple[str, ...] = ()
    total: int = 0
    coverage: str = ALL_ROWS
    all_rows: int | None = None
    notes: tuple[str, ...] = ()
    _whole: Callable[[Progress | None, Cancelled | None], Source] | None = field(
        default=None, repr=False, compare=False
    )

    @property
    def sampled(self) -> bool:
        """Whether there are rows that `rows` does not have."""
        return self.coverage != ALL_ROWS

    @property
    def holdable(self) -> bool:
        """Whether a file can hold its rows."""
        return not isinstance(self.rows, PythonRows)

    def full(self, progress: Progress | None = None, cancelled: Cancelled | None = None) -> Source:
        """All rows of what this is a sample of; itself if it is none.

        They are fetched while they are read: each pass over them calls back.

        Args:
            progress: Called with (rows read, all rows).
            cancelled: Asked now and then; when true, the pass ends with a DataError or HubError.

        Raises:
            DataError: It cannot be read.
        """
        with can_be_stopped():
            return self if self._whole is None else self._whole(progress, cancelled)

    def materialize(self) -> Source:
        """This source with a reference: rows in memory are written to a parquet file named by its content.

        Raises:
            DataError: The file cannot be written, or cannot hold these rows.
        """
        if self.reference is not None:
            return self
        if isinstance(self.rows, PythonRows):
            raise rows_memory.not_holdable(self.rows)
        folder = folders.data("datasets")
        try:
            folder.mkdir(parents=True, exist_ok=True)
            path = _written(self.rows, folder)
        except OSError as error:
            raise _unwritable(folder, error) from error
        except (ValueError, TypeError, NotImplementedError) as error:  # pyarrow's, for what a file cannot hold
            raise DataError(
                f"The rows of {self.name} cannot be written to a parquet file.",
                why=f"{reason(error).rstrip('.')}.",
                remedy="Leave out that column: records need at least one field.",
            ) from error
        return replace(self, reference=rows_files.reference(path))


def open_rows(
    data: Any,
    *,
    config: str | None = None,
    split: str | None = None,
    progress: Progress | None = None,
    cancelled: Cancelled | None = None,
    sample: bool = False,
    limit: int | None = None,
    viewer: rows_hub.RowsPreview | None = None,
) -> Source:
    """Open a dataset.

    Args:
        data: A Hub id, a path to a JSON, JSON Lines, CSV, TSV or Parquet file, a list of such paths, a pattern such as
            "data/*.parquet", a folder as `load_dataset` reads it, a `datasets.Dataset`, `DatasetDict` or
            `IterableDataset` (which is read to its end), a pandas DataFrame, or a list of dicts.
        config: A Hub dataset's configuration, where it has several.
        split: The split; without it "train" if there is one, or the only one. Slices such as "train[:1000]" are
            allowed for files and the Hub.
        progress: Called with (rows read, all rows; 0 if not known).
        cancelled: Asked now and then; when true, reading ends with an error.
        sample: Of a Hub dataset only the first rows, at once; `Source.full` gives the rest.
        limit: The most rows that are read of an `IterableDataset`; None: to its end.
        viewer: Answers for the Hub's dataset viewer; None: Hub datasets are downloaded.

    Raises:
        DatasetNotFoundError: There is no such file or Hub dataset.
        EmptyDatasetError: There is no row.
        DataError: It cannot be read, or a configuration or split must be chosen.
    """
    data = rows_hub.named(data) if isinstance(data, str) else data
    with can_be_stopped():
        if rows_files.names_files(data):
            reading = partial(load, progress=progress, cancelled=cancelled)
            source = _source(*rows_files.opened(data, config, split, reading))
        elif isinstance(data, str):
            source = _hub_source(data, config, split, viewer, progress, cancelled, sample=sample)
        else:
            source = _memory_source(data, split, progress, cancelled, limit)
    if not source.total:
        raise EmptyDatasetError(
            f"{source.name} has no row.", remedy="Choose a dataset, split or file with at least one row."
        )
    return source


def choices(where: Any, viewer: rows_hub.RowsPreview | None = None) -> dict[str, list[str]]:
    """What `open_rows` can be asked for: configuration -> its splits.

    Args:
        where: What `open_rows` takes.
        viewer: Answers for the Hub's dataset viewer.

    Raises:
        DataError: There is no such dataset.
    """
    where = rows_hub.named(where) if isinstance(where, str) else where
    if rows_files.names_files(where):
        return {"default": rows_files.splits(where)}
    if isinstance(where, str):
        return rows_hub.choices(where, viewer)
    return {"default": rows_memory.splits(where)}


def copy_to_parquet(reference: Mapping[str, Any], path: Path) -> None:
    """Write the rows that `load_dataset` gives for a reference to a Parquet file, pictures and sounds in it.

    Raises:
        DataError: They cannot be read any more, or not written.
    """
    from datasets import load_dataset
    from datasets.features.features import require_storage_embed
    from datasets.table import embed_table_storage

    try:
        with quiet():
            dataset = load_dataset(**reference)
            if require_storage_embed(dict(dataset.features)):
                dataset = dataset.with_format("arrow").map(embed_table_storage, batched=True).with_format(None)
            dataset.to_parquet(path)
    except Exception as error:  # whatever the library raises means: there is no copy
        raise no_space(error) or DataError(
            "The dataset cannot be copied.", why=f"{reason(error).rstrip('.')}.", remedy="Check it again."
        ) from error


def _source(name: str, reference: Mapping[str, Any] | None, rows: Any, notes: tuple[str, ...] = ()) -> Source:
    return Source(name, reference, rows, rows.columns, rows.total, all_rows=rows.total, notes=notes)


def _memory_source(
    data: Any, split: str | None, progress: Progress | None, cancelled: Cancelled | None, limit: int | None
) -> Source:
    name, rows, complete = rows_memory.opened(data, split, progress, cancelled, limit)
    if progress:
        progress(rows.total, rows.total)
    source = _source(name, None, rows)
    if complete:
        return source
    return replace(source, coverage=f"a sample: the first {rows.total:,} rows", all_rows=None)


def _hub_source(
    where: str,
    config: str | None,
    split: str | None,
    viewer: rows_hub.RowsPreview | None,
    progress: Progress | None,
    cancelled: Cancelled | None,
    *,
    sample: bool,
) -> Source:
    def downloaded(progress: Progress | None, cancelled: Cancelled | None) -> Source:
        reading = partial(load, progress=progress, cancelled=cancelled)
        return _of_hub(where, rows_hub.loaded(where, config, split, viewer, reading), downloaded)

    def streamed(progress: Progress | None, cancelled: Cancelled | None) -> Source:
        opened = rows_hub.full(where, config, split, viewer, progress=progress, cancelled=cancelled)
        return _of_hub(where, opened, downloaded)  # the viewer's copy of a large dataset is only its first part

    if sample:
        return _of_hub(where, rows_hub.sample(where, config, split, viewer), streamed)
    return streamed(progress, cancelled)


def _of_hub(
    where: str, opened: rows_hub.HubRows, whole: Callable[[Progress | None, Cancelled | None], Source]
) -> Source:
    rows = opened.rows
    return Source(
        where, opened.reference, rows, rows.columns, rows.total or 0, opened.coverage, opened.all_rows, (),
        None if opened.coverage == ALL_ROWS else whole,
    )  # fmt: skip


def _written(rows: Rows, folder: Path) -> Path:
    """The rows' parquet file; writing it next to its place first, so that a half-written one never has the name."""
    assert isinstance(rows, DatasetRows), "only rows in memory have no reference"
    handle, name = tempfile.mkstemp(suffix=".part", dir=folder)
    os.close(handle)
    part = Path(name)
    try:
        with quiet():
            rows.dataset.with_format(None).to_parquet(part)
        path = folder / f"{_digest(part)}.parquet"
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    return path


def _digest(path: Path) -> str:
    sha = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(_BLOCK_BYTES):
            sha.update(block)
    return sha.hexdigest()[:16]


def _unwritable(folder: Path, error: OSError) -> DataError:
    if full := no_space(error):
        return full
    return DataError(
        f"The rows cannot be written below {folder}.",
        why=f"{error.strerror or error}.",
        remedy="Set HFFT_HOME to a folder you may write to.",
    )
