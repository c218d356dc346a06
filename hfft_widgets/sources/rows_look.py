"""What a file looks like before it is read: its separator, its encoding, and what is no dataset at all."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

from hfft_widgets.errors import DataError

_LOOKED_AT = 1 << 18
_WESTERN = "cp1252"
_TRUSTED = (
    "cp12",
    "cp9",
    "utf",
    "gb",
    "big5",
    "shift",
    "euc",
    "iso2022",
    "koi8",
    "iso8859_2",
    "iso8859_5",
    "iso8859_7",
)
_NAMES = {"\t": "tabs", ";": "semicolons", "|": "bars"}
_MARKS = {b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16", b"\xff\xfe\x00\x00": "UTF-32"}


def refused(path: Path) -> DataError | None:
    """Why a file can be no dataset, whatever its name says; None: it may be one."""
    start = _start(path)
    if start.startswith(b"version https://git-lfs"):
        return DataError(
            f"{path.name} is a Git LFS pointer, not the file itself.", remedy="Run `git lfs pull` in its folder."
        )
    if path.suffix.lower() not in {".json", ".jsonl", ".ndjson"}:
        return None
    if name := next((name for mark, name in _MARKS.items() if start.startswith(mark)), None):
        return DataError(f"{path.name} is written in {name}; JSON is read as UTF-8.", remedy="Save it again as UTF-8.")
    if _only_nulls(path, start):
        return DataError(f"{path.name} holds nothing but null.", remedy="Save it again with an object on each line.")
    return None


def _start(path: Path) -> bytes:
    try:
        with path.open("rb") as stream:
            return stream.read(_LOOKED_AT)
    except OSError:
        return b""  # who reads it next says why


def _only_nulls(path: Path, start: bytes) -> bool:
    """Arrow's reader ends the whole process on such a file."""
    if any(line.strip() not in {b"", b"null"} for line in start.split(b"\n")[:-1] or [start]):
        return False
    with path.open("rb") as stream:
        return all(line.strip() in {b"", b"null"} for line in stream)


def csv_arguments(path: Path) -> tuple[dict[str, str], tuple[str, ...]]:
    """How `load_dataset` must read a CSV file that has other separators or another encoding, and that in words."""
    start = _start(path)
    encoding = _encoding(start)
    text = start.decode(encoding or "utf-8", errors="replace")
    separator = _separator(text)
    arguments = ({"sep": separator} if separator else {}) | ({"encoding": encoding} if encoding else {})
    words = [f"read with {_NAMES[separator]} as separator"] if separator else []
    return arguments, (*words, *([f"read as {encoding}"] if encoding else []))


def _encoding(start: bytes) -> str | None:
    """None: UTF-8."""
    if start.startswith(tuple(_MARKS)):
        return "utf-16"
    try:
        start[:-4].decode("utf-8")  # a letter may be cut at the end
        return None
    except UnicodeDecodeError as error:
        if error.start > len(start) - 8:
            return None
    from charset_normalizer import from_bytes

    best = from_bytes(start, preemptive_behaviour=False).best()
    found = str(best.encoding) if best else _WESTERN
    if found.startswith(_TRUSTED):
        return found
    try:  # of a few letters it guesses what hardly anybody uses
        start.decode(_WESTERN)
        return _WESTERN
    except UnicodeDecodeError:
        return found


def _separator(text: str) -> str | None:
    """The separator of a table whose first line has no comma that separates; None: a comma."""
    lines = text.splitlines()[:50]
    if not lines or len(next(csv.reader(lines[:1]), ())) > 1:
        return None
    try:
        found = str(csv.Sniffer().sniff("\n".join(lines), "\t;|").delimiter)
    except csv.Error:
        return None
    widths = {len(row) for row in csv.reader(io.StringIO("\n".join(lines[:-1] or lines)), delimiter=found) if row}
    return found if found in _NAMES and min(widths, default=0) > 1 else None


def field_of(rows: Any) -> str | None:
    """The field of a JSON file's one object that holds the rows, e.g. "data"; None: its rows are what was read."""
    if rows.total != 1:
        return None
    row = rows.take([0])[0]
    lists = [name for name, cell in row.items() if isinstance(cell, list) and cell and isinstance(cell[0], dict)]
    if len(lists) != 1 or any(key in row[lists[0]][0] for key in ("role", "from")):
        return None
    return str(lists[0])


def no_rows(rows: Any) -> tuple[str, ...]:
    """What a JSON file holds in place of rows, with what would mend it, in a few words; (): it holds rows."""
    first = rows.take([0])[0] if rows.total else {}
    if first and [*first] == [str(n) for n in range(len(first))]:
        return ('lists, not objects: write each as {"messages": [...]}',)
    if rows.total == 1 and len(first) > 1 and all(map(_is_column, first.values())):
        lengths = {len(cell) for cell in first.values()}
        if len(lengths) == 1 and lengths != {1}:
            return ("whole columns, no rows: pandas' to_json(orient='records', lines=True) writes rows",)
    return ()


def _is_column(cell: Any) -> bool:
    """A list of values, or what pandas writes by itself: the values by the number of their row. No conversation."""
    if isinstance(cell, dict):
        return bool(cell) and all(str(key).isdigit() for key in cell)
    return isinstance(cell, list) and not any(isinstance(one, dict) and {"role", "from"} & one.keys() for one in cell)


def column_names(path: Path) -> list[str]:
    """The columns of a table, or of the first row of JSON lines; [] where they cannot be told from the start."""
    text = _start(path).decode("utf-8", "replace")
    line = next((line for line in text.splitlines() if line.strip()), "")
    if path.suffix.lower() in {".csv", ".tsv"}:
        return next(csv.reader([line], delimiter="\t" if path.suffix.lower() == ".tsv" else ","), [])
    try:
        row = json.loads(line)
    except ValueError:
        return []
    return [*row] if isinstance(row, dict) else []


def every_line(path: Path) -> str:
    """What is wrong with every line of a file of JSON lines, in words; "": not every line has it."""
    start = _start(path)
    whole = start.decode("utf-8", "replace").splitlines()
    lines = [line.strip() for line in (whole if len(start) < _LOOKED_AT else whole[:-1]) if line.strip()]
    if len(lines) > 1 and all(line.endswith(",") and _is_json(line[:-1]) for line in lines):
        return "a comma stands behind every line"
    if len(lines) > 1 and all(line.startswith("{'") for line in lines):
        return "every line has single quotes, as Python prints them"
    return ""


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
        return True
    except ValueError:
        return False
