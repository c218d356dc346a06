"""The dataset viewer's API, computed from the files in the repositories by the real `datasets` library.

Contract: docs/source/openapi.json of huggingface/dataset-viewer (Apache-2.0).
"""

from __future__ import annotations

import base64
import datetime as dt
import io
import json
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from starlette.responses import JSONResponse, Response

from . import filters
from .columns import column_statistics
from .repos import check_gate, readable
from .state import Ask, HubError
from .store import PARQUET, Blob, Repo, Store, safe_path

if TYPE_CHECKING:
    from datasets import Dataset

PAGE = 100
FIRST_ROWS_BYTES = 200_000
CELL_BYTES = 100


@dataclass
class Tables:
    """What one commit of a dataset holds."""

    splits: dict[str, dict[str, Dataset]] = field(default_factory=dict)
    """By configuration, then by split."""
    failed: list[dict[str, Any]] = field(default_factory=list)
    """Configurations that cannot be read."""

    def pairs(self, config: str | None) -> Iterator[tuple[str, str, Dataset]]:
        for name, splits in self.splits.items():
            if config in (None, name):
                for split, rows in splits.items():
                    yield name, split, rows


class Viewer:
    """Opens the datasets, once per commit."""

    def __init__(self, store: Store, cache: str) -> None:
        self._store = store
        self._cache = cache
        self._tables: dict[tuple[str, str], Tables] = {}
        self._lock = threading.Lock()

    def tables(self, repo: Repo) -> Tables:
        key = (repo.id, repo.at().id)
        with self._lock:
            if key not in self._tables:
                self._tables[key] = self._read(repo)
        return self._tables[key]

    def _read(self, repo: Repo) -> Tables:
        """Configurations and splits are found by the rules of the library, which are those of the Hub."""
        import datasets

        folder = str(self._store.view(repo))
        tables = Tables()
        for config in datasets.get_dataset_config_names(folder):
            try:
                tables.splits[config] = dict(datasets.load_dataset(folder, config, cache_dir=self._cache).items())
            except Exception as error:  # whatever the library raises is told as the viewer tells it
                tables.failed.append({"dataset": repo.id, "config": config, "error": _cause(error)})
        return tables

    def parquet_blob(self, repo: Repo, parts: Iterable[str]) -> Blob:
        """One file of the revision refs/convert/parquet: CONFIG/SPLIT/0000.parquet."""
        config, split, *_ = (*parts, "", "")
        rows = self.tables(repo).splits.get(config, {}).get(split)
        if rows is None:
            raise HubError(404, "Entry not found", "EntryNotFound")
        content = io.BytesIO()
        rows.to_parquet(content)
        return self._store.put("0000.parquet", content.getvalue())


def _cause(error: Exception) -> dict[str, Any]:
    first = error
    while first.__cause__ is not None:
        first = first.__cause__  # type: ignore[assignment]
    return {"error": str(first)[:500], "cause_exception": type(first).__name__}


@dataclass(frozen=True)
class Question:
    """A request about one dataset."""

    ask: Ask
    repo: Repo
    tables: Tables
    config: str | None
    split: str | None

    def answer(self, **value: Any) -> Response:
        return JSONResponse(_plain(value), headers={"X-Revision": self.repo.at().id})

    def items(self, indexes: Iterable[int]) -> list[dict[str, Any]]:
        """Rows as the viewer gives them; an image becomes an address."""
        rows = self.rows()
        images = [name for name, feature in rows.features.items() if type(feature).__name__ == "Image"]
        items = []
        for index in indexes:
            row = rows[index]
            told = row | {name: self._image(row[name]) for name in images if row[name] is not None}
            items.append({"row_idx": index, "row": told, "truncated_cells": []})
        return items

    def _image(self, image: Any) -> dict[str, Any]:
        content = io.BytesIO()
        image.save(content, "PNG")
        blob = self.ask.hub.store.put("image.png", content.getvalue())
        source = f"{self.ask.hub.endpoint}/datasets-server/assets/{blob.sha256}/image.png"
        return {"src": source, "height": image.height, "width": image.width}

    def rows(self) -> Dataset:
        """The split that is asked for."""
        if not (self.config and self.split):
            raise HubError(422, "Parameters 'dataset', 'config' and 'split' are required", "MissingRequiredParameter")
        splits = self.tables.splits.get(self.config)
        if splits is None:
            raise HubError(404, f"Config {self.config!r} does not exist", "ConfigNotFoundError")
        if self.split not in splits:
            raise HubError(404, f"Split {self.split!r} does not exist in {self.config!r}", "SplitNotFoundError")
        return splits[self.split]


def answer(ask: Ask, verb: str) -> Response:
    """GET /VERB of the dataset viewer."""
    handler = _VERBS.get(verb)
    if handler is None:
        raise HubError(404, "Not found", "ResponseNotFound")
    name = ask.query.get("dataset")
    if not name:
        raise HubError(422, "Parameter 'dataset' is required", "MissingRequiredParameter")
    repo = _visible(ask, name)
    try:
        tables = ask.hub.viewer.tables(repo)
    except Exception as error:
        if verb != "is-valid":
            raise HubError(500, f"Cannot load the dataset: {error}"[:500], "ConfigNamesError") from error
        tables = Tables()
    return handler(Question(ask, repo, tables, ask.query.get("config"), ask.query.get("split")))


def asset(ask: Ask, sha256: str) -> Response:
    """An image of a row."""
    content = ask.hub.store.content(safe_path(sha256))
    if not content.exists():
        raise HubError(404, "Not found", "ResponseNotFound")
    return Response(content.read_bytes(), media_type="image/png")


def _visible(ask: Ask, name: str) -> Repo:
    """Gated, private and missing look alike."""
    try:
        account = ask.account()
        repo = readable(ask.hub, account, "datasets", name)
        check_gate(repo, account)
    except HubError as error:
        has_token = "authorization" in ask.headers and error.status != 401
        code = "ExternalAuthenticatedError" if has_token else "ExternalUnauthenticatedError"
        retry = "with these credentials" if has_token else "without authentication"
        message = f"The dataset does not exist, or is not accessible {retry} (private or gated)."
        raise HubError(404 if has_token else 401, message, code) from error
    return repo


def _is_valid(question: Question) -> Response:
    valid = any(question.tables.pairs(question.config))
    return question.answer(preview=valid, viewer=valid, search=valid, filter=valid, statistics=valid)


def _lists(question: Question) -> dict[str, Any]:
    return {"pending": [], "failed": question.tables.failed}


def _splits(question: Question) -> Response:
    found = [
        {"dataset": question.repo.id, "config": config, "split": split}
        for config, split, _ in question.tables.pairs(question.config)
    ]
    return question.answer(splits=found, **_lists(question))


def _size(question: Question) -> Response:
    name = question.repo.id
    splits = [_split_size(name, config, split, rows) for config, split, rows in question.tables.pairs(question.config)]
    configs = [_config_size(name, config, splits) for config in dict.fromkeys(one["config"] for one in splits)]
    size: dict[str, Any]
    if question.config:
        if not configs:
            raise HubError(404, f"Config {question.config!r} does not exist", "ConfigNotFoundError")
        size = {"config": configs[0], "splits": splits}
    else:
        size = {"dataset": {"dataset": name, **_summed(configs)}, "configs": configs, "splits": splits}
    return question.answer(size=size, **_lists(question), partial=False)


def _split_size(name: str, config: str, split: str, rows: Dataset) -> dict[str, Any]:
    return {
        "dataset": name,
        "config": config,
        "split": split,
        "num_bytes_parquet_files": rows.data.nbytes,
        "num_bytes_memory": rows.data.nbytes,
        "num_rows": len(rows),
        "num_columns": len(rows.column_names),
        "estimated_num_rows": None,
    }


def _config_size(name: str, config: str, splits: list[dict[str, Any]]) -> dict[str, Any]:
    own = [one for one in splits if one["config"] == config]
    summed = _summed([{**one, "num_bytes_original_files": one["num_bytes_memory"]} for one in own])
    return {"dataset": name, "config": config, **summed, "num_columns": own[0]["num_columns"]}


def _summed(parts: list[dict[str, Any]]) -> dict[str, Any]:
    counted = ("num_bytes_original_files", "num_bytes_parquet_files", "num_bytes_memory", "num_rows")
    return {"estimated_num_rows": None, **{name: sum(part[name] for part in parts) for name in counted}}


def _info(question: Question) -> Response:
    told = {
        config: _config_info(question.repo, config, splits)
        for config, splits in question.tables.splits.items()
        if question.config in (None, config)
    }
    if question.config and not told:
        raise HubError(404, f"Config {question.config!r} does not exist", "ConfigNotFoundError")
    return question.answer(
        dataset_info=told[question.config] if question.config else told, **_lists(question), partial=False
    )


def _config_info(repo: Repo, config: str, splits: dict[str, Dataset]) -> dict[str, Any]:
    short = repo.id.split("/")[-1]
    return {
        "features": next(iter(splits.values())).features.to_dict(),
        "builder_name": "parquet",
        "dataset_name": short,
        "config_name": config,
        "version": {"version_str": "0.0.0", "major": 0, "minor": 0, "patch": 0},
        "splits": {
            name: {"name": name, "num_bytes": rows.data.nbytes, "num_examples": len(rows), "dataset_name": short}
            for name, rows in splits.items()
        },
        "download_size": 0,
        "dataset_size": sum(rows.data.nbytes for rows in splits.values()),
    }


def _parquet(question: Question) -> Response:
    start = f"{question.ask.hub.endpoint}/datasets/{question.repo.id}/resolve/{quote(PARQUET, safe='')}"
    files = [
        {
            "dataset": question.repo.id,
            "config": config,
            "split": split,
            "url": f"{start}/{quote(config, safe='')}/{quote(split, safe='')}/0000.parquet",
            "filename": "0000.parquet",
            "size": question.ask.hub.viewer.parquet_blob(question.repo, (config, split)).size,
        }
        for config, split, _ in question.tables.pairs(question.config)
    ]
    return question.answer(parquet_files=files, **_lists(question), partial=False)


def _first_rows(question: Question) -> Response:
    rows = question.rows()
    kept = _cut(question.items(range(min(PAGE, len(rows)))), FIRST_ROWS_BYTES)
    return question.answer(
        dataset=question.repo.id,
        config=question.config,
        split=question.split,
        features=_features(rows),
        rows=_shortened(kept, question.ask.effects.truncate_cells),
        truncated=len(kept) < len(rows),
    )


def _cut(items: list[dict[str, Any]], limit: int) -> list[dict[str, Any]]:
    """From the last row up, shorten cells, then drop rows, until all fit (dataset-viewer, truncate_rows.py)."""
    sizes = [_bytes(item) for item in items]
    for index in reversed(range(len(items))):
        if sum(sizes) <= limit:
            break
        items[index] = _shorten(items[index], CELL_BYTES)
        sizes[index] = _bytes(items[index])
    while items and sum(sizes) > limit:
        items, sizes = items[:-1], sizes[:-1]
    return items


def _bytes(value: Any) -> int:
    return len(json.dumps(_plain(value), ensure_ascii=False).encode("utf-8", "replace"))


def _shortened(items: list[dict[str, Any]], limit: int | None) -> list[dict[str, Any]]:
    return items if limit is None else [_shorten(item, limit) for item in items]


def _shorten(item: dict[str, Any], limit: int) -> dict[str, Any]:
    """A cell that is cut becomes text: the start of the value, or of its JSON."""
    row, cut = dict(item["row"]), []
    for name, value in row.items():
        text = value if isinstance(value, str) else json.dumps(_plain(value), ensure_ascii=False)
        if len(text.encode("utf-8", "replace")) > limit:
            row[name] = text.encode("utf-8", "replace")[:limit].decode("utf-8", "ignore")
            cut.append(name)
    return {**item, "row": row, "truncated_cells": cut}


def _features(rows: Dataset) -> list[dict[str, Any]]:
    described = rows.features.to_dict()
    return [{"feature_idx": index, "name": name, "type": kind} for index, (name, kind) in enumerate(described.items())]


def _page(question: Question, wanted: Callable[[dict[str, Any]], bool] | None = None) -> Response:
    """Rows by offset and length, of all or of those that are wanted."""
    rows = question.rows()
    offset, length = _number(question.ask, "offset", 0), _number(question.ask, "length", PAGE)
    if length > PAGE:
        raise HubError(422, f"Parameter 'length' must not be greater than {PAGE}", "InvalidParameter")
    indexes: Iterable[int] = range(len(rows))
    if wanted is not None:
        indexes = [index for index in indexes if wanted(rows[index])]
    chosen = list(indexes)
    return question.answer(
        features=_features(rows),
        rows=_shortened(question.items(chosen[offset : offset + length]), question.ask.effects.truncate_cells),
        num_rows_total=len(chosen),
        num_rows_per_page=PAGE,
        partial=False,
    )


def _number(ask: Ask, name: str, default: int) -> int:
    text = ask.query.get(name, str(default))
    if not text.isdigit():
        raise HubError(422, f"Parameter {name!r} must be a non-negative integer", "InvalidParameter")
    return int(text)


def _search(question: Question) -> Response:
    query = question.ask.query.get("query", "").lower()
    if not query:
        raise HubError(422, "Parameter 'query' is required", "MissingRequiredParameter")
    return _page(question, lambda row: query in json.dumps(_plain(row), ensure_ascii=False).lower())


def _filter(question: Question) -> Response:
    return _page(question, filters.condition(question.ask.query.get("where", ""), question.rows().column_names))


def _statistics(question: Question) -> Response:
    rows = question.rows()
    told = [column_statistics(name, rows.features[name], rows[name][:]) for name in rows.column_names]
    return question.answer(num_examples=len(rows), statistics=list(filter(None, told)), partial=False)


def _plain(value: Any) -> Any:
    """What JSON can hold."""
    if isinstance(value, dict):
        return {name: _plain(inner) for name, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(inner) for inner in value]
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, (dt.date, dt.time)):
        return value.isoformat()
    if isinstance(value, float) and (value != value or abs(value) == float("inf")):  # noqa: PLR0124 -- NaN
        return None
    return value


_VERBS: dict[str, Callable[[Question], Response]] = {
    "is-valid": _is_valid,
    "splits": _splits,
    "size": _size,
    "info": _info,
    "parquet": _parquet,
    "first-rows": _first_rows,
    "rows": _page,
    "search": _search,
    "filter": _filter,
    "statistics": _statistics,
}
