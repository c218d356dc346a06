"""Rows that are in memory already, as a `datasets.Dataset`, so that they have the types a trainer will see."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from hfft_widgets.core.data.rows import PythonRows
from hfft_widgets.errors import DataError, EmptyDatasetError
from hfft_widgets.sources.rows_arrow import DatasetRows
from hfft_widgets.sources.rows_library import no_space, reason

IN_MEMORY = "in-memory dataset"
_ACCEPTED = (
    "Give a Hub id, the path of a file, a datasets.Dataset, DatasetDict or IterableDataset, a pandas DataFrame, "
    "or a list of dicts."
)
_TOLD_EVERY = 1000
# what pyarrow and datasets raise for values that they cannot hold
_REFUSED = (ValueError, TypeError, OverflowError, ArithmeticError, NotImplementedError, OSError, RecursionError)

Held = DatasetRows | PythonRows


def opened(
    data: Any,
    split: str | None,
    progress: Callable[[int, int], None] | None,
    cancelled: Callable[[], bool] | None,
    limit: int | None,
) -> tuple[str, Held, bool]:
    """Name and rows of a dataset in memory, and whether these are all of them."""
    import datasets

    if isinstance(data, (datasets.DatasetDict, datasets.IterableDatasetDict)):
        data = data[chosen_split(list(data), split, IN_MEMORY)]
    if isinstance(data, datasets.Dataset):
        return _named(data), DatasetRows(data), True
    if isinstance(data, datasets.IterableDataset):
        rows, complete = _of_stream(data, progress, cancelled, limit)
        return _named(data), rows, complete
    if _is_frame(data):
        return IN_MEMORY, _of_frame(data), True
    if (table := _table(data)) is not None:
        return IN_MEMORY, DatasetRows(datasets.Dataset(table)), True
    if isinstance(data, Sequence) and not isinstance(data, (str, bytes, bytearray)):
        return IN_MEMORY, held(data), True
    raise DataError(f"{type(data).__name__} is no dataset.", remedy=_ACCEPTED)


def _table(data: Any) -> Any:
    """A table of pyarrow or polars, as pyarrow's; None: it is none. Who has one has imported its library."""
    for library in ("pyarrow", "polars"):
        module = sys.modules.get(library)
        kinds: list[Any] = [getattr(module, name) for name in ("Table", "DataFrame") if hasattr(module, name)]
        if any(isinstance(data, kind) for kind in kinds):
            table: Any = data.to_arrow() if library == "polars" else data
            if not table.num_rows:
                raise EmptyDatasetError("The table has no row.", remedy="Give one with at least one row.")
            return table
    return None


def splits(data: Any) -> list[str]:
    """The splits of a dataset in memory."""
    datasets = sys.modules.get("datasets")  # who has a DatasetDict has imported it
    several = datasets is not None and isinstance(data, (datasets.DatasetDict, datasets.IterableDatasetDict))
    return [str(name) for name in data] if several else ["train"]


def chosen_config(configs: Sequence[str], asked: str | None, name: str) -> str:
    """The configuration to read: the one asked for, "default", or the only one.

    Raises:
        DataError: One must be chosen, or the one asked for is not there.
    """
    if asked in configs:
        return str(asked)
    if asked is None and (len(configs) == 1 or "default" in configs):
        return "default" if "default" in configs else configs[0]
    what = f"{name} has no configuration {asked!r}." if asked else f"{name} has several configurations."
    raise DataError(what, remedy=f"Choose one: {', '.join(map(repr, configs)) or 'there is none'}.")


def chosen_split(splits: Sequence[str], asked: str | None, name: str) -> str:
    """The split to read: the one asked for, "train", or the only one.

    Raises:
        DataError: One must be chosen, or the one asked for is not there.
    """
    if asked is None and "train" in splits:
        return "train"
    if asked is None and len(splits) == 1:
        return splits[0]
    if asked is not None and asked.partition("[")[0] in splits:
        return asked
    there = ", ".join(map(repr, splits)) or "none"
    what = f"{name} has no split {asked!r}." if asked else f"{name} has several splits and none is called 'train'."
    raise DataError(what, remedy=f"Choose a split: {there}.")


def held(rows: Iterable[Any], features: Any = None) -> Held:
    """Dicts as a Dataset: every key of any row is a column, values of mixed types stay what they are.

    What a Dataset cannot hold (integers beyond 64 bits, broken text) stays as it is.

    Raises:
        EmptyDatasetError: There is no row.
        DataError: An item is no dict, or a key is no text.
    """
    listed = [_checked(number, row) for number, row in enumerate(rows)]
    if not listed:
        raise EmptyDatasetError("There is no row.", remedy="Give at least one.")
    names = list(dict.fromkeys(name for row in listed for name in row))
    try:
        return DatasetRows(_of_columns({name: [row.get(name) for row in listed] for name in names}, features))
    except _REFUSED as error:
        if full := no_space(error):
            raise full from error
        return PythonRows([_plain(row) for row in listed])


def _plain(cell: Any) -> Any:
    """The cell without arrays and numbers of numpy, which a Dataset would have made lists and numbers."""
    if isinstance(cell, Mapping):
        return {name: _plain(value) for name, value in cell.items()}
    if isinstance(cell, (list, tuple)):
        return [_plain(item) for item in cell]
    return cell.tolist() if type(cell).__module__ == "numpy" else cell


def _of_columns(columns: Mapping[str, list[Any]], features: Any = None) -> Any:
    from datasets import Dataset

    if features is not None:
        return Dataset.from_dict(dict(columns), features=features)
    made = Dataset.from_dict(dict(columns), on_mixed_types="use_json")
    made.data.table.validate(full=True)  # bytes beside texts become texts that nobody can read
    return made


def _checked(number: int, row: Any) -> Mapping[str, Any]:
    if not isinstance(row, Mapping):
        raise DataError(f"Item {number:,} of the list is {type(row).__name__}, not a dict.", remedy=_ACCEPTED)
    for name in row:
        if not isinstance(name, str):
            raise DataError(f"Item {number:,} has a column named {name!r}.", remedy="Column names must be text.")
    return row


def not_holdable(rows: PythonRows) -> DataError:
    """Names the column that a dataset, and so a file for a script, cannot hold."""
    for name in rows.columns:
        try:
            for batch in rows.batches([name]):
                _of_columns(batch)
        except _REFUSED as own:
            return DataError(
                f"Column {name!r} holds values that a dataset cannot hold.",
                why=reason(own).rstrip(".") + ".",
                remedy="Use text, numbers, lists and dicts.",
            )
    return DataError("These rows cannot become a dataset.", remedy=_ACCEPTED)


def _named(data: Any) -> str:
    return str(getattr(data.info, "dataset_name", None) or IN_MEMORY)


def _of_stream(
    stream: Any,
    progress: Callable[[int, int], None] | None,
    cancelled: Callable[[], bool] | None,
    limit: int | None,
) -> tuple[Held, bool]:
    """The rows of a stream to its end or the limit, and whether it ended.

    They become Arrow a thousand at a time, which takes a fraction of the memory of as many dicts.
    """
    from datasets import concatenate_datasets

    features = stream.features
    if features is not None:
        stream = stream.with_format(None).decode(False)  # else every picture is decoded
    source = _readable(stream)
    rows = islice(_told(source, progress, cancelled), limit)
    parts: list[Held] = []
    while block := list(islice(rows, _TOLD_EVERY)):
        parts.append(held(block, features))
    complete = next(source, None) is None
    if not parts:
        raise EmptyDatasetError("There is no row.", remedy="Give a stream with at least one.")
    try:
        return DatasetRows(concatenate_datasets([part.dataset for part in parts])), complete  # type: ignore[union-attr]
    except (ValueError, TypeError, AttributeError):  # parts of different types, or that a dataset cannot hold
        return held(row for part in parts for row in part), complete


def _readable(stream: Iterable[Any]) -> Iterator[Any]:
    number = 0
    try:
        for number, row in enumerate(stream, 1):  # noqa: B007 - the error names it
            yield row
    except Exception as error:  # whatever the stream's own code raises
        raise DataError(
            f"The stream broke after row {number:,}.",
            why=f"{type(error).__name__}: {reason(error).rstrip('.')}.",
            remedy="Correct what it is made of, or set a limit before that row.",
        ) from error


def _told(
    rows: Iterable[Any], progress: Callable[[int, int], None] | None, cancelled: Callable[[], bool] | None
) -> Iterator[Any]:
    for number, row in enumerate(rows, 1):
        if cancelled and cancelled():
            raise DataError(f"Reading was stopped at row {number:,}.", remedy="Start again to check all rows.")
        yield row
        if progress and number % _TOLD_EVERY == 0:
            progress(number, 0)


def _is_frame(data: Any) -> bool:
    pandas = sys.modules.get("pandas")  # who has a DataFrame has imported pandas
    return pandas is not None and isinstance(data, pandas.DataFrame)


def _of_frame(frame: Any) -> Held:
    from datasets import Dataset

    if not len(frame):
        raise EmptyDatasetError("The DataFrame has no row.", remedy="Give one with at least one row.")
    frame = frame.rename(columns=str)
    if frame.columns.has_duplicates:
        twice = sorted(set(frame.columns[frame.columns.duplicated()]))
        raise DataError(
            f"The DataFrame has several columns named {', '.join(map(repr, twice))}.", remedy="Rename them."
        )
    try:
        return DatasetRows(Dataset.from_pandas(frame, preserve_index=False))
    except _REFUSED:  # columns of mixed types: row by row, missing values as None
        return held(frame.astype(object).where(frame.notna(), None).to_dict("records"))
