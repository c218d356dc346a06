"""Rows that are in memory already, as a `datasets.Dataset`, so that they have the types a trainer will see."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from hfft_widgets.errors import DataError, EmptyDatasetError
from hfft_widgets.sources.rows_errors import no_space, reason

Opened = tuple[str, dict[str, Any] | None, Any]  # name, reference, rows

IN_MEMORY = "in-memory dataset"
_ACCEPTED = (
    "Give a Hub id, the path of a file, a datasets.Dataset, DatasetDict or IterableDataset, a pandas DataFrame, "
    "or a list of dicts."
)
_TOLD_EVERY = 1000


def opened(data: Any, split: str | None, progress: Callable[[int, int], None] | None) -> Opened:
    """Name, None and rows of a dataset in memory."""
    import datasets

    if isinstance(data, (datasets.DatasetDict, datasets.IterableDatasetDict)):
        data = data[chosen_split(list(data), split, IN_MEMORY)]
    if isinstance(data, datasets.Dataset):
        return _named(data), None, data
    if isinstance(data, datasets.IterableDataset):
        return _named(data), None, dataset_of(_told(data, progress), features=data.features)
    if _is_frame(data):
        return IN_MEMORY, None, _of_frame(data)
    if isinstance(data, Sequence) and not isinstance(data, (bytes, bytearray)):
        return IN_MEMORY, None, dataset_of(data)
    raise DataError(f"{type(data).__name__} is no dataset.", remedy=_ACCEPTED)


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


def dataset_of(rows: Iterable[Any], *, features: Any = None) -> Any:
    """A Dataset of these rows: every key of any row is a column, values of mixed types stay what they are.

    Raises:
        EmptyDatasetError: There is no row.
        DataError: An item is no dict, or a value is nothing a dataset can hold.
    """
    listed = [_checked(number, row) for number, row in enumerate(rows)]
    if not listed:
        raise EmptyDatasetError("There is no row.", remedy="Give at least one.")
    names = list(dict.fromkeys(name for row in listed for name in row))
    columns = {name: [row.get(name) for row in listed] for name in names}
    try:
        return _of_columns(columns, features)
    except (ValueError, TypeError, OverflowError, ArithmeticError, OSError) as error:
        raise no_space(error) or _not_holdable(columns, error) from error


def _of_columns(columns: Mapping[str, list[Any]], features: Any = None) -> Any:
    from datasets import Dataset

    if features is not None:
        return Dataset.from_dict(dict(columns), features=features)
    return Dataset.from_dict(dict(columns), on_mixed_types="use_json")


def _checked(number: int, row: Any) -> Mapping[str, Any]:
    if not isinstance(row, Mapping):
        raise DataError(f"Item {number:,} of the list is {type(row).__name__}, not a dict.", remedy=_ACCEPTED)
    for name in row:
        if not isinstance(name, str):
            raise DataError(f"Item {number:,} has a column named {name!r}.", remedy="Column names must be text.")
    return row


def _not_holdable(columns: Mapping[str, list[Any]], error: Exception) -> DataError:
    """Name the column that a dataset cannot hold."""
    for name, cells in columns.items():
        try:
            _of_columns({name: cells})
        except (ValueError, TypeError, OverflowError, ArithmeticError, OSError) as own:
            return DataError(
                f"Column {name!r} holds values that a dataset cannot hold.",
                why=reason(own).rstrip(".") + ".",
                remedy="Use text, numbers, lists and dicts.",
            )
    return DataError("These rows cannot become a dataset.", why=reason(error).rstrip(".") + ".", remedy=_ACCEPTED)


def _named(data: Any) -> str:
    return str(getattr(data.info, "dataset_name", None) or IN_MEMORY)


def _told(rows: Iterable[Any], progress: Callable[[int, int], None] | None) -> Iterator[Any]:
    for number, row in enumerate(rows, 1):
        yield row
        if progress and number % _TOLD_EVERY == 0:
            progress(number, 0)


def _is_frame(data: Any) -> bool:
    pandas = sys.modules.get("pandas")  # who has a DataFrame has imported pandas
    return pandas is not None and isinstance(data, pandas.DataFrame)


def _of_frame(frame: Any) -> Any:
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
        return Dataset.from_pandas(frame, preserve_index=False)
    except (ValueError, TypeError):  # columns of mixed types: row by row, missing values as None
        return dataset_of(frame.astype(object).where(frame.notna(), None).to_dict("records"))
