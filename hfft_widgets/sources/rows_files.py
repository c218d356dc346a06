"""Rows of local files, read as a training script will read them: through `datasets.load_dataset`."""

from __future__ import annotations

import glob
import json
import os
import re
from pathlib import Path
from typing import Any

from hfft_widgets.errors import DataError, DatasetNotFoundError, EmptyDatasetError, HfftError
from hfft_widgets.sources.rows_arrow import ArrowRows, DatasetRows
from hfft_widgets.sources.rows_errors import no_space, quiet, reason
from hfft_widgets.sources.rows_memory import chosen_config, chosen_split
from hfft_widgets.sources.rows_parquet import File, ParquetRows

# Suffix -> keyword arguments of load_dataset
FORMATS: dict[str, dict[str, str]] = {
    ".json": {"path": "json"},
    ".jsonl": {"path": "json"},
    ".ndjson": {"path": "json"},
    ".parquet": {"path": "parquet"},
    ".csv": {"path": "csv"},
    ".tsv": {"path": "csv", "sep": "\t"},
}
Opened = tuple[str, dict[str, Any], ArrowRows]  # name, reference, rows
_FORMAT_NAMES = ", ".join(FORMATS)
_HUB_ID = re.compile(r"[\w][\w.-]*(/[\w][\w.-]*)?")


def names_files(data: Any) -> bool:
    """Whether this names a file, several, or a folder, rather than a dataset on the Hub or in memory."""
    if isinstance(data, str):
        return _exists(data) or Path(data).suffix.lower() in FORMATS or not _HUB_ID.fullmatch(data)
    if isinstance(data, (list, tuple)):
        return bool(data) and all(isinstance(item, (str, os.PathLike)) and names_files(item) for item in data)
    return isinstance(data, os.PathLike)


def _exists(where: str) -> bool:
    # a folder that happens to be called like a Hub dataset must not hide it
    try:
        path = Path(where).expanduser()
        return path.is_file() or (path.is_dir() and (path.is_absolute() or where.startswith(".")))
    except (OSError, ValueError):
        return False


def reference(*paths: Path) -> dict[str, Any]:
    """Keyword arguments of `load_dataset` for files; characters it would take for a pattern are escaped."""
    names = [glob.escape(str(path)) for path in paths]
    return {
        **FORMATS[paths[0].suffix.lower()],
        "data_files": names[0] if len(names) == 1 else names,
        "split": "train",
    }


def opened(data: Any, config: str | None, split: str | None) -> Opened:
    """Name, reference and rows of a file, of several, or of a folder."""
    given = data if isinstance(data, (list, tuple)) else [data]
    if len(given) == 1 and (folder := _folder(os.fspath(given[0]))):
        return _opened_folder(folder, config, split)
    paths = [path for where in given for path in _matching(os.fspath(where))]
    name = paths[0].name if len(paths) == 1 else f"{len(paths):,} files in {paths[0].parent.name}"
    if len({path.suffix.lower() for path in paths}) > 1:
        raise DataError(f"{name} are of several kinds.", remedy="Read files of one kind together.")
    if config is not None:
        raise DataError(f"{name} is a file and has no configuration {config!r}.", remedy="Leave out config.")
    if split is not None and not re.fullmatch(r"train(\[.*\])?", split):
        raise DataError(f"{name} is a file and has no split {split!r}.", remedy="Its one split is 'train'.")
    arguments = reference(*paths) | ({"split": split} if split else {})
    return name, arguments, _rows(paths, arguments)


def splits(data: Any) -> list[str]:
    """The splits of a file, or of a folder."""
    given = data if isinstance(data, (list, tuple)) else [data]
    folder = _folder(os.fspath(given[0])) if len(given) == 1 else None
    return list(_builder(folder, None).config.data_files) if folder else ["train"]


def _folder(where: str) -> Path | None:
    path = _absolute(where)
    return path if path.is_dir() else None


def _absolute(where: str) -> Path:
    return Path(os.path.abspath(Path(where).expanduser()))  # noqa: PTH100 - absolute() keeps "..", resolve follows links


def _matching(where: str) -> list[Path]:
    """The file of this name, or the files that match it as a pattern, as `load_dataset` orders them."""
    path = _absolute(where)
    found = [] if path.exists() else sorted(Path(name) for name in glob.glob(str(path)))  # noqa: PTH207 - absolute
    return [_checked(one) for one in found or [path]]


def _rows(paths: list[Path], arguments: dict[str, Any]) -> ArrowRows:
    if arguments["path"] == "parquet" and arguments["split"] == "train":
        return ParquetRows([_file(path) for path in paths])
    return DatasetRows(_loaded(paths, arguments))


def _file(path: Path) -> File:
    return File(path.name, lambda: path)


def _opened_folder(folder: Path, config: str | None, split: str | None) -> Opened:
    """A folder as `load_dataset` finds files, configurations and splits in it."""
    builder = _builder(folder, config)
    files = builder.config.data_files or {}
    split = chosen_split([str(name) for name in files], split, folder.name)
    arguments = {"path": str(folder), "name": builder.config.name, "split": split}
    if type(builder).__name__ == "Parquet" and split in files:
        return folder.name, arguments, ParquetRows([_file(Path(name)) for name in files[split]])
    return folder.name, arguments, DatasetRows(_loaded([folder], arguments))


def _builder(folder: Path, config: str | None) -> Any:
    import datasets

    try:
        with quiet():
            names = datasets.get_dataset_config_names(str(folder))
            return datasets.load_dataset_builder(str(folder), chosen_config(names, config, folder.name))
    except HfftError:
        raise
    except Exception as error:  # whatever the library raises means: it finds no dataset there
        raise DataError(
            f"{folder} is a folder in which no dataset is found.",
            why=f"{reason(error).rstrip('.')}.",
            remedy=f"Name one file in it ({_FORMAT_NAMES}).",
        ) from error


def _checked(path: Path) -> Path:
    if path.is_dir():
        raise DataError(f"{path} is a folder.", remedy=f"Name it alone, or the files in it ({_FORMAT_NAMES}).")
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


def _loaded(paths: list[Path], arguments: dict[str, Any]) -> Any:
    from datasets import load_dataset

    try:
        with quiet():
            return load_dataset(**arguments)
    except Exception as error:  # whatever a parser raises means: this file cannot be read
        raise _unreadable(_broken(paths), error) from error


def _broken(paths: list[Path]) -> Path:
    """Which of several files to name: the library does not say."""
    broken = (
        path for path in paths if FORMATS.get(path.suffix.lower(), {}).get("path") == "json" and broken_json(path)
    )
    return next(broken, paths[0]) if len(paths) > 1 else paths[0]


def _unreadable(path: Path, error: Exception) -> DataError:
    if full := no_space(error):
        return full
    if "corresponds to no data" in reason(error):
        return EmptyDatasetError(f"{path.name} has no row.", remedy="Save it again with at least one row.")
    if isinstance(error, PermissionError):
        return DataError(f"{path} may not be read.", why=f"{error.strerror}.", remedy="Change its permissions.")
    broken = broken_json(path) if FORMATS.get(path.suffix.lower(), {}).get("path") == "json" else None
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
