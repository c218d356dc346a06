"""Rows of a dataset on the Hugging Face Hub: a sample at once, or all of them, streamed."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import PurePosixPath
from typing import Any, Protocol

from hfft_widgets.core.data.rows import PythonRows, Rows
from hfft_widgets.errors import DataError, DatasetNotFoundError, HfftError, HubError
from hfft_widgets.sources.rows_arrow import DatasetRows
from hfft_widgets.sources.rows_library import chain, load, no_space, quiet, reason
from hfft_widgets.sources.rows_memory import chosen_config, chosen_split
from hfft_widgets.sources.rows_parquet import File, ParquetRows, Progress

_PASTED = re.compile(
    r"\s*(?:https?://(?:www\.)?(?:huggingface\.co|hf\.co)/datasets/|hf://datasets/)([\w.-]+/[\w.-]+)[^\s]*\s*"
)
SAMPLE_ROWS = 100  # one page of the dataset viewer


class RowsPreview(Protocol):
    """What is asked of the Hub's dataset viewer; `hfft_widgets.hub.viewer.Viewer` answers."""

    def hub_answers(self) -> bool: ...  # noqa: D102
    def splits(self, dataset: str) -> Any: ...  # noqa: D102
    def rows(self, dataset: str, config: str, split: str) -> Any: ...  # noqa: D102
    def first_rows(self, dataset: str, config: str, split: str) -> Any: ...  # noqa: D102
    def size(self, dataset: str, config: str, split: str) -> Any: ...  # noqa: D102
    def parquet(self, dataset: str, config: str, split: str) -> Any: ...  # noqa: D102
    def open(self, url: str, size: int, cancelled: Callable[[], bool] | None) -> Any: ...  # noqa: D102


@dataclass(frozen=True)
class HubRows:
    """Rows of a Hub dataset.

    Attributes:
        reference: Keyword arguments of `load_dataset` for all of them.
        rows: Those that were opened.
        coverage: Which they are, in words.
        all_rows: How many the split has; None: not known.
    """

    reference: Mapping[str, Any]
    rows: Rows
    coverage: str
    all_rows: int | None


def named(where: str) -> str:
    """What a person pasted, as it is opened: of the address of a dataset's page on the Hub its id.

    >>> named("https://huggingface.co/datasets/owner/name/viewer/default/train"), named("data.csv")
    ('owner/name', 'data.csv')

    Raises:
        DataError: It names nothing, or an address elsewhere.
    """
    if not where.strip():
        raise DataError("No dataset is named.", remedy="Give a Hub id such as 'owner/name', or the path of a file.")
    if found := _PASTED.fullmatch(where):
        return found[1]
    if "://" in where:
        raise DataError(
            f"{where!r} is an address from which no dataset is read.",
            remedy="Give a Hub id such as 'owner/name', or download the file and give its path.",
        )
    return where


def choices(where: str, viewer: RowsPreview | None) -> dict[str, list[str]]:
    """Configuration -> its splits.

    Raises:
        DataError: There is no such dataset, or it cannot be asked for.
    """
    if viewer is not None:
        try:
            found = viewer.splits(where)
            if found.splits and not found.pending:
                return {config: list(splits) for config, splits in found.splits.items()}
        except HfftError:
            pass  # the viewer does not know every dataset that can be loaded
    import datasets

    with _told(where, viewer):
        return {
            config: [str(split) for split in datasets.get_dataset_split_names(where, config)]
            for config in datasets.get_dataset_config_names(where)
        }


def sample(where: str, config: str | None, split: str | None, viewer: RowsPreview | None) -> HubRows:
    """The first rows, without downloading the dataset.

    Raises:
        DataError: There is no such dataset, it cannot be read, or a configuration or split must be chosen.
    """
    refused: HfftError | None = None
    if viewer is not None:
        try:
            return _viewed(where, config, split, viewer)
        except (HubError, DatasetNotFoundError) as error:  # it does not show every dataset to who may read it
            refused = error
    try:
        return _first_streamed(where, config, split, viewer)
    except DataError as error:
        if not isinstance(refused, HubError):  # who may not see the dataset is told so by the library
            raise
        raise type(error)(error.what, why=f"{refused.what} {error.why}".strip(), remedy=error.remedy) from error


def _viewed(where: str, config: str | None, split: str | None, viewer: RowsPreview) -> HubRows:
    config, split = _viewed_split(where, config, split, viewer)
    try:
        page = viewer.rows(where, config, split)
    except HubError:  # no Parquet copy, or too large a page of it: the preview may be there
        page = viewer.first_rows(where, config, split)
    rows = _whole(page)
    if not rows:
        raise HubError(f"The dataset viewer shows no whole row of {where}.")
    known, estimated = _known(where, config, split, page, viewer)
    return HubRows(
        _reference(where, config, split),
        PythonRows(rows, tuple(page.features)),
        _coverage(len(rows), known, estimated=estimated, left_out=len(page.rows) - len(rows)),
        known,
    )


def _known(where: str, config: str, split: str, page: Any, viewer: RowsPreview) -> tuple[int | None, bool]:
    """The number of rows in the split, and whether that is an estimate."""
    if page.total is not None and not page.partial:
        return page.total, False
    try:
        size = viewer.size(where, config, split)
    except HfftError:
        return None, False
    return (size.estimated_rows, True) if size.partial else (size.rows, False)


def _coverage(rows: int, known: int | None, *, estimated: bool = False, left_out: int = 0) -> str:
    """Which rows these are.

    >>> _coverage(98, 12345, left_out=2)
    'a sample: the first 98 rows of 12,345 (2 with shortened cells left out)'
    >>> _coverage(2, 2)
    'all rows'
    """
    if rows == known and not estimated and not left_out:
        return "all rows"
    of = "" if known is None else f" of {'about ' if estimated else ''}{known:,}"
    without = f" ({left_out:,} with shortened cells left out)" if left_out else ""
    return f"a sample: the first {rows:,} row{'s' if rows != 1 else ''}{of}{without}"


def _whole(page: Any) -> list[dict[str, Any]]:
    """The rows as a training script would see them.

    A cut cell that was text is still text. One that was not has become the text of half a value, which would say
    something false about its column, so that row is left out.
    """
    text = {name for name, kind in page.features.items() if _is_text(kind)}
    return [
        {name: _undecoded(cell, page.features.get(name)) for name, cell in row.items()}
        for row, cut in zip(page.rows, page.cut, strict=True)
        if cut <= text
    ]


def _is_text(kind: Any) -> bool:
    return isinstance(kind, dict) and kind.get("_type") == "Value" and kind.get("dtype") in {"string", "large_string"}


def _undecoded(cell: Any, kind: Any) -> Any:
    """A picture as the record `datasets` keeps of it; the address' query is left out, for it holds a signature."""
    if isinstance(kind, list):  # an old way to write a list's type
        kind = {"_type": "List", "feature": kind[0]}
    if cell is None or not isinstance(kind, dict):
        return cell
    name = kind.get("_type")
    if isinstance(name, str) and name in {"Image", "Video", "Pdf"}:
        address = cell.get("src") if isinstance(cell, dict) else cell
        return {"bytes": None, "path": str(address).partition("?")[0]}
    if isinstance(cell, list):
        return [_undecoded(item, kind.get("feature")) for item in cell]
    if isinstance(cell, dict) and not isinstance(name, str):  # a record's type is a dict of its fields'
        return {key: _undecoded(value, kind.get(key)) for key, value in cell.items()}
    return cell


def _first_streamed(where: str, config: str | None, split: str | None, viewer: RowsPreview | None) -> HubRows:
    """The first rows through the library, for datasets the viewer does not show."""
    from datasets import load_dataset

    with _told(where, viewer):
        config, split = _choices(where, config, split)
        stream = load_dataset(where, config, split=split, streaming=True).decode(False)
        rows = list(islice(stream, SAMPLE_ROWS + 1))
    complete = len(rows) <= SAMPLE_ROWS
    rows = rows[:SAMPLE_ROWS]
    known = len(rows) if complete else None
    return HubRows(_reference(where, config, split), PythonRows(rows), _coverage(len(rows), known), known)


def full(
    where: str,
    config: str | None,
    split: str | None,
    viewer: RowsPreview | None,
    *,
    progress: Progress | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> HubRows:
    """All rows: of the viewer's Parquet copy as they are read, or else downloaded through the library.

    Raises:
        DataError: There is no such dataset, it cannot be read, or a configuration or split must be chosen.
    """
    if viewer is not None:
        try:
            return _copied(where, config, split, viewer, progress, cancelled)
        except (HubError, DatasetNotFoundError):
            pass  # no copy, or none for this account
    reading = partial(load, progress=progress, cancelled=cancelled)
    return loaded(where, config, split, viewer, reading)


def _copied(
    where: str,
    config: str | None,
    split: str | None,
    viewer: RowsPreview,
    progress: Progress | None,
    cancelled: Callable[[], bool] | None,
) -> HubRows:
    config, split = _viewed_split(where, config, split, viewer)
    copy = viewer.parquet(where, config, split)
    if not copy.files:
        raise HubError(f"The dataset viewer has no Parquet copy of {where}.")
    files = [_file(where, url, size, viewer, cancelled) for url, size in copy.files]
    size = viewer.size(where, config, split)
    rows = ParquetRows(files, total=size.rows, progress=progress, cancelled=cancelled)
    if not copy.partial and not size.partial:
        return HubRows(_reference(where, config, split), rows, "all rows", size.rows)
    coverage = _coverage(size.rows, size.estimated_rows, estimated=True)
    return HubRows(_reference(where, config, split), rows, coverage, size.estimated_rows)


def _file(where: str, url: str, size: int, viewer: RowsPreview, cancelled: Callable[[], bool] | None) -> File:
    remote = viewer.open(url, size, cancelled)
    return File(f"{where}'s {PurePosixPath(url).name}", remote.open)


def loaded(
    where: str,
    config: str | None,
    split: str | None,
    viewer: RowsPreview | None,
    load: Callable[[Mapping[str, Any]], Any] = load,
) -> HubRows:
    """All rows, through the library; what is downloaded stays in its cache.

    Raises:
        DataError: There is no such dataset, it cannot be read, or a configuration or split must be chosen.
    """
    with _told(where, viewer):
        config, split = _choices(where, config, split)
        reference = _reference(where, config, split)
        rows = DatasetRows(load(reference))
    return HubRows(reference, rows, "all rows", rows.total)


def _reference(where: str, config: str | None, split: str) -> dict[str, Any]:
    return {"path": where, "name": config, "split": split}


def _choices(where: str, config: str | None, split: str | None) -> tuple[str | None, str]:
    """The configuration and split to read; an error that lists them where one must be chosen."""
    import datasets

    if datasets.config.HF_HUB_OFFLINE:  # nothing can be asked; the cache may hold the dataset
        return config, split or "train"
    config = chosen_config(datasets.get_dataset_config_names(where), config, where)
    return config, chosen_split(datasets.get_dataset_split_names(where, config), split, where)


def _viewed_split(where: str, config: str | None, split: str | None, viewer: RowsPreview) -> tuple[str, str]:
    """The configuration and split to show.

    Raises:
        DataError: One must be chosen, or the one asked for is not there.
        HubError: The viewer does not know it, or knows no slices of it.
    """
    found = viewer.splits(where)
    if (found.pending or found.failed) and (config is None or config not in found.splits):
        why = found.failed.get(config) or next(iter(found.failed.values()), "It is still reading some configurations.")
        raise HubError(f"The dataset viewer cannot show all of {where}.", why=why, remedy="Read the whole dataset.")
    config = chosen_config(list(found.splits), config, where)
    split = chosen_split(found.splits[config], split, where)
    if split not in found.splits[config]:
        raise HubError(f"The dataset viewer knows no slices such as {split!r}.", remedy="Read the whole dataset.")
    return config, split


@contextmanager
def _told(where: str, viewer: RowsPreview | None) -> Iterator[None]:
    """What the library raises, as errors of this package.

    Where the Hub does not answer, the library is told so: by itself it asks for half a minute before it looks into
    its cache.
    """
    try:
        with quiet(), nullcontext() if viewer is None or viewer.hub_answers() else _OFFLINE:
            yield
    except HfftError:
        raise
    except Exception as error:  # whatever the library raises means: this dataset cannot be read
        raise _failed(where, error) from error


class _Offline:
    """The library's own offline mode, for as long as anybody in this process is in here."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._users = 0
        self._before = False

    def __enter__(self) -> None:
        import datasets

        with self._lock:
            if not self._users:
                self._before = datasets.config.HF_HUB_OFFLINE
                datasets.config.HF_HUB_OFFLINE = True
            self._users += 1

    def __exit__(self, *_: object) -> None:
        import datasets

        with self._lock:
            self._users -= 1
            if not self._users:
                datasets.config.HF_HUB_OFFLINE = self._before


_OFFLINE = _Offline()


def _failed(where: str, error: Exception) -> DataError:
    if full_disk := no_space(error):
        return full_disk
    names = {type(link).__name__ for link in chain(error)}
    said = reason(error)
    if any("gated" in str(link) for link in chain(error)):
        return DataError(
            f"{where} is gated.",
            why="Its owner wants to know who uses it.",
            remedy=f"Accept its conditions at https://huggingface.co/datasets/{where} and sign in.",
            page=f"https://huggingface.co/datasets/{where}",
            signs_in=True,
        )
    if names & {"ConnectionError", "OfflineModeIsEnabled", "ConnectTimeout", "ReadTimeout", "ConnectError"}:
        return DataError(
            f"There is no file or folder {where} here, and the Hugging Face Hub could not be reached to look for a "
            "dataset of that name.",
            remedy="Check the path, or the connection (and HF_HUB_OFFLINE).",
        )
    if "DatasetNotFoundError" in names:
        return DatasetNotFoundError(
            f"There is no dataset {where} on the Hugging Face Hub, or it is private.",
            remedy="Check the name ('owner/name'); for a private one, sign in.",
            signs_in=True,
        )
    return DataError(f"{where} cannot be read.", why=f"{said.rstrip('.')}.", remedy="Look at its page on the Hub.")
