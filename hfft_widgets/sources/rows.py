"""Opening a dataset, wherever it is, as rows and as the reference by which a training script loads the same rows."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from hfft_widgets import folders
from hfft_widgets.errors import DataError, EmptyDatasetError
from hfft_widgets.sources import rows_files, rows_hub, rows_memory
from hfft_widgets.sources.rows_errors import no_space, quiet, reason

Progress = Callable[[int, int], None]

_BLOCK_BYTES = 1 << 20


@dataclass(frozen=True)
class Source:
    """An opened dataset.

    Attributes:
        name: For people: a Hub id, a file name, the name a dataset gives itself.
        reference: Keyword arguments of `datasets.load_dataset` that load the same rows; None for rows in memory.
        rows: A `datasets.Dataset`: indexable, iterable, each row a dict; pictures and sounds are not decoded.
        columns: Its columns.
        total: Number of rows.
    """

    name: str
    reference: Mapping[str, Any] | None
    rows: Any = field(repr=False, compare=False)
    columns: tuple[str, ...] = ()
    total: int = 0

    def materialize(self) -> Source:
        """This source with a reference: rows in memory are written to a parquet file named by its content.

        Raises:
            DataError: The file cannot be written.
        """
        if self.reference is not None:
            return self
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
    data: Any, *, config: str | None = None, split: str | None = None, progress: Progress | None = None
) -> Source:
    """Open a dataset.

    Args:
        data: A Hub id, a path to a JSON, JSON Lines, CSV, TSV or Parquet file, a `datasets.Dataset`, `DatasetDict` or
            `IterableDataset` (which is read to its end), a pandas DataFrame, or a list of dicts.
        config: A Hub dataset's configuration, where it has several.
        split: The split; without it "train" if there is one, or the only one. Slices such as "train[:1000]" are
            allowed for files and the Hub.
        progress: Called with (rows read, all rows; 0 if not known).

    Raises:
        DatasetNotFoundError: There is no such file or Hub dataset.
        EmptyDatasetError: There is no row.
        DataError: It cannot be read, or a configuration or split must be chosen.
    """
    name, reference, rows = _opened(data, config, split, progress)
    total = len(rows)
    if not total:
        raise EmptyDatasetError(f"{name} has no row.", remedy="Choose a dataset, split or file with at least one row.")
    if progress:
        progress(total, total)
    return Source(name, reference, _undecoded(rows), tuple(rows.column_names), total)


def _opened(data: Any, config: str | None, split: str | None, progress: Progress | None) -> rows_memory.Opened:
    if isinstance(data, (str, os.PathLike)):
        where = os.fspath(data)
        if rows_files.is_file_name(where, sure=not isinstance(data, str)):
            return rows_files.opened(where, config, split)
        return rows_hub.opened(where, config, split)
    return rows_memory.opened(data, split, progress)


def _undecoded(rows: Any) -> Any:
    """The rows as plain values; decoding every picture to look at its caption would take minutes."""
    rows = rows.with_format(None)
    for name, feature in rows.features.items():
        if type(feature).__name__ in {"Image", "Audio", "Video", "Pdf"} and feature.decode:
            rows = rows.cast_column(name, type(feature)(decode=False))
    return rows


def _written(rows: Any, folder: Path) -> Path:
    """The rows' parquet file; writing it next to its place first, so that a half-written one never has the name."""
    handle, name = tempfile.mkstemp(suffix=".part", dir=folder)
    os.close(handle)
    part = Path(name)
    try:
        with quiet():
            rows.to_parquet(part)
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
