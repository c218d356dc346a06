"""Rows of local files, read as a training script will read them: through `datasets.load_dataset`."""

from __future__ import annotations

import glob
import json
import os
import re
from pathlib import Path
from typing import Any

from hfft_widgets.errors import DataError, DatasetNotFoundError, EmptyDatasetError
from hfft_widgets.sources.rows_errors import no_space, quiet, reason
from hfft_widgets.sources.rows_memory import Opened

# Suffix -> keyword arguments of load_dataset
FORMATS: dict[str, dict[str, str]] = {
    ".json": {"path": "json"},
    ".jsonl": {"path": "json"},
    ".ndjson": {"path": "json"},
    ".parquet": {"path": "parquet"},
    ".csv": {"path": "csv"},
    ".tsv": {"path": "csv", "sep": "\t"},
}
_FORMAT_NAMES = ", ".join(FORMATS)
_HUB_ID = re.compile(r"[\w][\w.-]*(/[\w][\w.-]*)?")


def is_file_name(where: str, *, sure: bool = False) -> bool:
    """Whether this names a file rather than a dataset on the Hub."""
    return sure or _exists(where) or Path(where).suffix.lower() in FORMATS or not _HUB_ID.fullmatch(where)


def _exists(where: str) -> bool:
    # a folder that happens to be called like a Hub dataset must not hide it
    try:
        path = Path(where).expanduser()
        return path.is_file() or (path.is_dir() and (path.is_absolute() or where.startswith(".")))
    except (OSError, ValueError):
        return False


def reference(path: Path) -> dict[str, str]:
    """Keyword arguments of `load_dataset` for a file; characters it would take for a pattern are escaped."""
    return {**FORMATS[path.suffix.lower()], "data_files": glob.escape(str(path)), "split": "train"}


def opened(where: str, config: str | None, split: str | None) -> Opened:
    """Name, reference and rows of a file."""
    path = _checked(where)
    if config is not None:
        raise DataError(f"{path.name} is a file and has no configuration {config!r}.", remedy="Leave out config.")
    if split is not None and not re.fullmatch(r"train(\[.*\])?", split):
        raise DataError(f"{path.name} is a file and has no split {split!r}.", remedy="Its one split is 'train'.")
    arguments = reference(path) | ({"split": split} if split else {})
    return path.name, arguments, _loaded(path, arguments)


def _checked(where: str) -> Path:
    path = Path(where).expanduser()
    path = Path(os.path.abspath(path))  # noqa: PTH100 - Path.absolute keeps "..", and resolve follows links
    if path.is_dir():
        raise DataError(f"{path} is a folder.", remedy=f"Name one file in it ({_FORMAT_NAMES}).")
    if not path.is_file():
        raise DatasetNotFoundError(
            f"There is no file {path}.", remedy="Check the path; a dataset on the Hub is named 'owner/name'."
        )
    if path.suffix.lower() not in FORMATS:
        raise DataError(
            f"{path.name} is of a kind that cannot be read here ({path.suffix or 'no suffix'}).",
            remedy=f"Save it as one of {_FORMAT_NAMES}.",
        )
    if "::" in str(path):
        raise DataError(
            f"The path {path} holds '::', which the datasets library takes for a chain of addresses.",
            remedy="Rename the file or folder.",
        )
    if _blank(path):
        raise EmptyDatasetError(f"{path.name} is empty.", remedy="Save it again with at least one row.")
    return path


def _blank(path: Path) -> bool:
    try:
        with path.open("rb") as stream:
            return not stream.read(4096).strip(b"\xef\xbb\xbf \t\r\n")
    except OSError as error:
        raise _unreadable(path, error) from error


def _loaded(path: Path, arguments: dict[str, str]) -> Any:
    from datasets import load_dataset

    try:
        with quiet():
            return load_dataset(**arguments)
    except Exception as error:  # whatever a parser raises means: this file cannot be read
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: Exception) -> DataError:
    if full := no_space(error):
        return full
    if "corresponds to no data" in reason(error):
        return EmptyDatasetError(f"{path.name} has no row.", remedy="Save it again with at least one row.")
    if isinstance(error, PermissionError):
        return DataError(f"{path} may not be read.", why=f"{error.strerror}.", remedy="Change its permissions.")
    broken = broken_json(path) if FORMATS[path.suffix.lower()]["path"] == "json" else None
    return DataError(
        f"{path.name} cannot be read{f': line {broken[0]:,} is not JSON' if broken else ''}.",
        why=(broken[1] if broken else reason(error)).rstrip(".") + ".",
        remedy="Correct that line, or leave it out." if broken else "Repair the file, or save it again.",
    )


def broken_json(path: Path) -> tuple[int, str] | None:
    """The first line that is not JSON, and why; None if all of it is."""
    text = path.read_text("utf-8-sig", errors="replace")
    try:
        json.loads(text)
        return None
    except (json.JSONDecodeError, RecursionError) as error:
        whole = error
    lines = _broken_line(text)
    if lines is None or lines[0] > 1:  # the first line stands for itself: one value per line
        return lines
    return (whole.lineno, _said(whole)) if isinstance(whole, json.JSONDecodeError) else (1, "it is nested too deeply")


def _broken_line(text: str) -> tuple[int, str] | None:
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            try:
                json.loads(line)
            except (json.JSONDecodeError, RecursionError) as error:
                return number, _said(error) if isinstance(error, json.JSONDecodeError) else "it is nested too deeply"
    return None


def _said(error: json.JSONDecodeError) -> str:
    return f"{error.msg} at column {error.colno}"
