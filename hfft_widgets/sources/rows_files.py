"""Rows of local files, read as a training script will read them: through `datasets.load_dataset`."""

from __future__ import annotations

import glob
import json
import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from hfft_widgets.errors import DataError, DatasetNotFoundError, EmptyDatasetError, HfftError
from hfft_widgets.sources import rows_look
from hfft_widgets.sources.rows_arrow import ArrowRows, DatasetRows
from hfft_widgets.sources.rows_library import load, no_space, quiet, reason
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
PACKED = (".gz", ".zst", ".bz2", ".xz")  # behind one of these; `load_dataset` unpacks them
Load = Callable[[Mapping[str, Any]], Any]
Opened = tuple[str, dict[str, Any] | None, ArrowRows, tuple[str, ...]]  # name, reference, rows, how they were read
_FORMAT_NAMES = ", ".join(FORMATS)
_HUB_ID = re.compile(r"[\w][\w.-]*(/[\w][\w.-]*)?")


def names_files(data: Any) -> bool:
    """Whether this names a file, several, or a folder, rather than a dataset on the Hub or in memory."""
    if isinstance(data, str):
        return _exists(data) or suffix(Path(data)) in FORMATS or not _HUB_ID.fullmatch(data)
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


def suffix(path: Path) -> str:
    """The suffix that tells a file's format: of "a.jsonl.gz" it is ".jsonl"."""
    suffixes = [one.lower() for one in path.suffixes]
    packed = len(suffixes) > 1 and suffixes[-1] in PACKED
    return "".join(suffixes[-2:-1] if packed else suffixes[-1:])


def reference(*paths: Path) -> dict[str, Any]:
    """Keyword arguments of `load_dataset` for files; characters it would take for a pattern are escaped."""
    names = [glob.escape(str(path)) for path in paths]
    return {
        **FORMATS[suffix(paths[0])],
        "data_files": names[0] if len(names) == 1 else names,
        "split": "train",
    }


def opened(data: Any, config: str | None, split: str | None, load: Load = load) -> Opened:
    """Name, reference and rows of a file, of several, or of a folder.

    Args:
        data: Their names.
        config: The configuration of a folder, or None.
        split: The split, or None.
        load: Gives what `load_dataset` does for its keyword arguments.
    """
    given = data if isinstance(data, (list, tuple)) else [data]
    if len(given) == 1 and (folder := _folder(os.fspath(given[0]))):
        return _opened_folder(folder, config, split, load)
    paths = [path for where in given for path in _matching(os.fspath(where))]
    name = paths[0].name if len(paths) == 1 else f"{len(paths):,} files in {paths[0].parent.name}"
    if len({suffix(path) for path in paths}) > 1:
        raise DataError(f"{name} are of several kinds.", remedy="Read files of one kind together.")
    if config is not None:
        raise DataError(f"{name} is a file and has no configuration {config!r}.", remedy="Leave out config.")
    if split is not None and not re.fullmatch(r"train(\[.*\])?", split):
        raise DataError(f"{name} is a file and has no split {split!r}.", remedy="Its one split is 'train'.")
    more, words = rows_look.csv_arguments(paths[0]) if suffix(paths[0]) == ".csv" else ({}, ())
    arguments = reference(*paths) | more | ({"split": split} if split else {})
    rows = _rows(paths, arguments, load)
    if arguments["path"] == "json" and (field := rows_look.field_of(rows)):
        arguments, words = arguments | {"field": field}, (f"read from the field {field!r} of its one object",)
        rows = _rows(paths, arguments, load)
    if arguments["path"] == "json":
        words = (*words, *rows_look.no_rows(rows))
    return name, arguments, rows, words


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


def _rows(paths: list[Path], arguments: dict[str, Any], load: Load) -> ArrowRows:
    if arguments["path"] == "parquet" and arguments["split"] == "train":
        return ParquetRows([_file(path) for path in paths])
    return DatasetRows(_loaded(paths, arguments, load))


def _file(path: Path) -> File:
    return File(path.name, lambda: path)


def _opened_folder(folder: Path, config: str | None, split: str | None, load: Load) -> Opened:
    """A folder as `load_dataset` finds files, configurations and splits in it."""
    if (folder / "state.json").is_file() and (folder / "dataset_info.json").is_file():
        return _saved(folder)
    builder = _builder(folder, config)
    files = builder.config.data_files or {}
    split = chosen_split([str(name) for name in files], split, folder.name)
    arguments = {"path": str(folder), "name": builder.config.name, "split": split}
    if type(builder).__name__ == "Parquet" and split in files:
        return folder.name, arguments, ParquetRows([_file(Path(name)) for name in files[split]]), ()
    return folder.name, arguments, DatasetRows(_loaded([folder], arguments, load)), ()


def _saved(folder: Path) -> Opened:
    """A folder that `Dataset.save_to_disk` wrote."""
    from datasets import load_from_disk

    try:
        with quiet():
            return folder.name, None, DatasetRows(load_from_disk(str(folder))), ("read as it was saved to disk",)
    except Exception as error:  # whatever the library raises means: it cannot be read
        raise _unreadable(folder, error) from error


def _builder(folder: Path, config: str | None) -> Any:
    import datasets

    try:
        with quiet():
            names = datasets.get_dataset_config_names(str(folder))
            return datasets.load_dataset_builder(str(folder), chosen_config(names, config, folder.name))
    except HfftError:
        raise
    except Exception as error:  # whatever the library raises means: it finds no dataset there
        if not any(path.is_file() for path in folder.rglob("*")):
            raise DataError(
                f"{folder} is an empty folder.", remedy=f"Name a folder or a file with data ({_FORMAT_NAMES})."
            ) from error
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
    if suffix(path) not in FORMATS:
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
    if error := rows_look.refused(path):
        raise error
    return path


def _blank(path: Path) -> bool:
    try:
        with path.open("rb") as stream:
            return not stream.read(4096).strip(b"\xef\xbb\xbf \t\r\n")
    except OSError as error:
        raise _unreadable(path, error) from error


def _loaded(paths: list[Path], arguments: dict[str, Any], load: Load) -> Any:
    try:
        with quiet():
            return load(arguments)
    except Exception as error:  # whatever a parser raises means: this file cannot be read
        raise (_unlike(paths, error) or _unreadable(_broken(paths), error)) from error


def _unlike(paths: list[Path], error: Exception) -> DataError | None:
    """The error where files that are read together have other columns."""
    if "column names don't match" not in reason(error):
        return None
    files = [one for path in paths for one in (sorted(path.rglob("*")) if path.is_dir() else [path])]
    sets = {tuple(rows_look.column_names(one)): one.name for one in files if suffix(one) in FORMATS}
    known = [f"{name} has {', '.join(map(repr, names[:6]))}" for names, name in sets.items() if names]
    return DataError(
        f"The files in {paths[0].name if len(paths) == 1 else paths[0].parent.name} do not have the same columns.",
        why=f"{'; '.join(known[:3])}." if known else "",
        remedy="Name the files of one kind alone.",
    )


def _broken(paths: list[Path]) -> Path:
    """Which of several files to name: the library does not say."""
    broken = (path for path in paths if FORMATS.get(suffix(path), {}).get("path") == "json" and broken_json(path))
    return next(broken, paths[0]) if len(paths) > 1 else paths[0]


def _unreadable(path: Path, error: Exception) -> DataError:
    if full := no_space(error):
        return full
    if "corresponds to no data" in reason(error):
        return EmptyDatasetError(f"{path.name} has no row.", remedy="Save it again with at least one row.")
    if isinstance(error, PermissionError):
        return DataError(f"{path} may not be read.", why=f"{error.strerror}.", remedy="Change its permissions.")
    if every := rows_look.every_line(path) if FORMATS.get(suffix(path), {}).get("path") == "json" else "":
        return DataError(f"{path.name} is not JSON lines: {every}.", remedy="Write each line with json.dumps.")
    if "EOF inside string" in reason(error):
        row = _open_quote(path)
        return DataError(
            f"A quote is opened in line {row:,} of {path.name} and never closed.", remedy='Close it, or write it as "".'
        )
    broken = broken_json(path) if FORMATS.get(suffix(path), {}).get("path") == "json" else None
    return DataError(
        f"{path.name} cannot be read{f': line {broken[0]:,} is not JSON' if broken else ''}.",
        why=(broken[1] if broken else reason(error)).rstrip(".") + ".",
        remedy="Correct that line, or leave it out." if broken else "Repair the file, or save it again.",
    )


def _open_quote(path: Path) -> int:
    """The line in which the last quote of a table is opened, from 1."""
    text = path.read_text("utf-8", errors="replace")
    return text.count("\n", 0, text.rfind('"')) + 1


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
