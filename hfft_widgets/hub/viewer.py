"""The Hub's dataset viewer: rows, sizes and Parquet copies of a dataset, without downloading it.

Contract: docs/source/openapi.json of huggingface/dataset-viewer. `HFFT_DATASET_VIEWER` sets another address.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar

from hfft_widgets import folders
from hfft_widgets.errors import DataError, DatasetNotFoundError, HfftError, HubError
from hfft_widgets.hub.http import Answer, Http, hub_answers
from hfft_widgets.hub.remote import RemoteFile
from hfft_widgets.hub.session import endpoint, offline

DEFAULT = "https://datasets-server.huggingface.co"
PAGE = 100  # the most rows it gives at once
_PATIENCE_SECONDS = 20.0

_T = TypeVar("_T")


@dataclass(frozen=True)
class Splits:
    """What can be chosen.

    Attributes:
        splits: Configuration -> its splits.
        pending: Configurations whose splits the viewer does not know yet.
        failed: Configuration -> why the viewer cannot read it.
    """

    splits: Mapping[str, tuple[str, ...]]
    pending: tuple[str, ...] = ()
    failed: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Page:
    """Some rows in order.

    Attributes:
        rows: As JSON: dates are text, pictures are addresses.
        numbers: Their row numbers.
        cut: Per row the columns whose cells were cut. A cut cell is the start of its text, or of its JSON.
        features: Column -> its type as `datasets` writes it.
        total: Number of rows of the split as far as the viewer knows it; None: it did not say.
        partial: Whether the viewer knows only a part of the split.
    """

    rows: tuple[Mapping[str, Any], ...]
    numbers: tuple[int, ...]
    cut: tuple[frozenset[str], ...]
    features: Mapping[str, Any]
    total: int | None
    partial: bool


@dataclass(frozen=True)
class Size:
    """How large a split is.

    Attributes:
        rows: Number of rows that the viewer converted.
        estimated_rows: Of all rows, where it converted only a part.
        memory_bytes: In Arrow.
        parquet_bytes: As Parquet.
        partial: Whether these are of a part.
    """

    rows: int
    estimated_rows: int | None
    memory_bytes: int
    parquet_bytes: int
    partial: bool


@dataclass(frozen=True)
class Statistics:
    """What the viewer counted in a split: column -> its numbers, as the viewer names them."""

    rows: int
    columns: Mapping[str, Mapping[str, Any]]
    partial: bool


@dataclass(frozen=True)
class ParquetFiles:
    """The Parquet copy of a split.

    Attributes:
        files: Address and bytes of each file, in order.
        partial: Whether they hold only the first part of the split.
    """

    files: tuple[tuple[str, int], ...]
    partial: bool


class Viewer:
    """Asks the dataset viewer.

    Every method raises DatasetNotFoundError (no such dataset, or one that this account may not see), DataError (no
    such configuration or split) or HubError (the viewer does not show it, does not answer, or not in time).

    Args:
        patience: The most seconds one question waits for an answer that is not ready, or while the server asks to wait.
    """

    def __init__(self, *, patience: float = _PATIENCE_SECONDS) -> None:
        self._patience = patience
        self._base = (os.environ.get("HFFT_DATASET_VIEWER") or DEFAULT).rstrip("/")

    @cached_property
    def _http(self) -> Http:
        """Made when it is first needed: who reads a local file needs neither a network nor its libraries."""
        if offline():
            raise HubError(
                "The Hugging Face Hub is not asked in offline mode.", remedy="Unset HF_HUB_OFFLINE, or use local files."
            )
        return Http(self._base, endpoint(), patience=self._patience)

    def hub_answers(self) -> bool:
        """Whether the Hub itself can be reached: the viewer is another server."""
        return hub_answers()

    def splits(self, dataset: str) -> Splits:
        """Configurations and splits."""
        return self._ask("splits", _splits, dataset=dataset)

    def first_rows(self, dataset: str, config: str, split: str) -> Page:
        """Up to 100 first rows, long cells cut; there for datasets that have no Parquet copy, too."""
        return self._ask("first-rows", _page, dataset=dataset, config=config, split=split)

    def rows(self, dataset: str, config: str, split: str, offset: int = 0, length: int = PAGE) -> Page:
        """Rows from `offset`, at most 100."""
        return self._ask(
            "rows", _page, dataset=dataset, config=config, split=split, offset=offset, length=min(length, PAGE)
        )

    def size(self, dataset: str, config: str, split: str) -> Size:
        """How large a split is."""
        return self._ask("size", lambda value: _size(value, split), dataset=dataset, config=config)

    def statistics(self, dataset: str, config: str, split: str) -> Statistics:
        """What the viewer counted in each column."""
        return self._ask("statistics", _statistics, dataset=dataset, config=config, split=split)

    def parquet(self, dataset: str, config: str, split: str) -> ParquetFiles:
        """The Parquet copy; without a file where there is none."""
        return self._ask("parquet", lambda value: _parquet(value, split), dataset=dataset, config=config)

    def open(self, url: str, size: int, cancelled: Callable[[], bool] | None = None) -> RemoteFile:
        """A file of the Parquet copy, read as it is needed."""
        folder = folders.cache("rows")
        try:
            return RemoteFile(lambda start, stop: self._http.get_range(url, start, stop, cancelled), size, folder)
        except OSError as error:
            raise HubError(
                f"Nothing can be kept below {folder} while a dataset is read.",
                why=f"{error.strerror or error}.",
                remedy="Set HFFT_HOME to a folder you may write to.",
            ) from error

    def _ask(self, verb: str, read: Callable[[Any], _T], **params: str | int) -> _T:
        answer = self._http.get(f"{self._base}/{verb}", params)
        if answer.status != 200:
            raise _refused(verb, answer, params)
        try:
            return read(json.loads(answer.body))
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise HubError(
                f"The dataset viewer's answer about {params['dataset']} cannot be understood.",
                why=f"/{verb}: {type(error).__name__}: {str(error)[:100]}.",
                remedy="Try again later, or read the whole dataset.",
            ) from error


# ---- what it said ------------------------------------------------------------------------------


def _splits(value: Any) -> Splits:
    splits: dict[str, tuple[str, ...]] = {}
    for item in value["splits"]:
        splits[str(item["config"])] = (*splits.get(item["config"], ()), str(item["split"]))
    return Splits(
        splits,
        tuple(str(item["config"]) for item in value.get("pending") or ()),
        {str(item["config"]): _line(item["error"]) for item in value.get("failed") or ()},
    )


def _page(value: Any) -> Page:
    items = value["rows"]
    if not all(isinstance(item["row"], dict) for item in items):
        raise TypeError("a row is no object")
    return Page(
        tuple(item["row"] for item in items),
        tuple(int(item["row_idx"]) for item in items),
        tuple(frozenset(map(str, item.get("truncated_cells") or ())) for item in items),
        {str(item["name"]): item["type"] for item in value["features"]},
        value.get("num_rows_total"),
        bool(value.get("partial")),
    )


def _size(value: Any, split: str) -> Size:
    (found,) = [item for item in value["size"]["splits"] if item["split"] == split]
    estimated = found.get("estimated_num_rows")
    return Size(
        int(found["num_rows"]),
        None if estimated is None else int(estimated),
        int(found["num_bytes_memory"]),
        int(found["num_bytes_parquet_files"]),
        bool(value.get("partial")) or estimated is not None,
    )


def _statistics(value: Any) -> Statistics:
    columns = {
        str(item["column_name"]): {"type": item["column_type"], **item["column_statistics"]}
        for item in value["statistics"]
    }
    return Statistics(int(value["num_examples"]), columns, bool(value.get("partial")))


def _parquet(value: Any, split: str) -> ParquetFiles:
    files = sorted(
        (str(item["url"]), int(item["size"])) for item in value["parquet_files"] if item["split"] == split
    )  # 0000.parquet, 0001.parquet, ...
    return ParquetFiles(tuple(files), bool(value.get("partial")))


# ---- what it refused ---------------------------------------------------------------------------


def _refused(verb: str, answer: Answer, params: Mapping[str, Any]) -> HfftError:
    """The error for an answer that is not 200."""
    name = params["dataset"]
    if answer.passing:
        return _not_now(answer, name)
    if "gated" in answer.code.lower():
        return DataError(f"{name} is gated.", remedy=f"Sign in; {_accept(name)}.", page=_address(name), signs_in=True)
    if answer.code in {"ConfigNotFoundError", "SplitNotFoundError"}:
        return DataError(f"{name} has no split {params.get('split')!r} in {params.get('config')!r}.", why=_said(answer))
    if answer.status in {401, 403, 404}:
        return DatasetNotFoundError(
            f"The dataset viewer shows no dataset {name}: there is none, or it is private or gated.",
            remedy=f"Check the name ('owner/name'); for a private one sign in; {_accept(name)}.",
            signs_in=True,
        )
    return HubError(
        f"The dataset viewer cannot show {name}: it answered {answer.status} to /{verb}.",
        why=_said(answer),
        remedy="Read the whole dataset instead, or try again later.",
    )


def _not_now(answer: Answer, name: str) -> HubError:
    if answer.status == 429:  # the specification forgot it
        wait = f" in {answer.retry_after:.0f} seconds" if answer.retry_after else " later"
        return HubError("The dataset viewer gets too many requests from here.", remedy=f"Try again{wait}, or log in.")
    return HubError(
        f"The dataset viewer is not ready to show {name}.",
        why=_said(answer),
        remedy="Try again in a minute, or read the whole dataset.",
    )


def _accept(name: str) -> str:
    return f"if it is gated, accept its conditions at {_address(name)}"


def _address(name: str) -> str:
    return f"https://huggingface.co/datasets/{name}"


def _said(answer: Answer) -> str:
    """The server's own words, one bounded line."""
    try:
        return _line(json.loads(answer.body)["error"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return f"{answer.code}." if answer.code else ""


def _line(error: Any) -> str:
    text = error.get("error") if isinstance(error, dict) else error
    return f"{' '.join(str(text).split())[:300].rstrip('.')}."
