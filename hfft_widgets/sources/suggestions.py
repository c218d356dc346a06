"""Names that could be meant by the beginning of one: what was checked lately, and what lies in the working folder."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Literal

from hfft_widgets import folders
from hfft_widgets.sources.rows_files import FORMATS, names_files

Kind = Literal["dataset", "model"]

_MOST, _MOST_SCANNED, _MOST_KEPT = 12, 2000, 8
_MODEL_FILES = ("config.json", "adapter_config.json")


def suggestions(kind: Kind, text: str, samples: tuple[str, ...] = ()) -> list[str]:
    """What could be meant: recent names, then files or model folders, then samples. No network is asked.

    Args:
        kind: What is looked for.
        text: What was typed so far; of a path the last part may stand anywhere in the name.
        samples: Names that are always there.
    """
    wanted = text.strip().lower()
    known = [name for name in recent(kind) if wanted in name.lower()]
    made = [name for name in samples if wanted in name.lower()]
    return list(islice(dict.fromkeys((*known, *_in_folder(kind, text.strip()), *made)), _MOST))


def remember(kind: Kind, name: str) -> None:
    """Keep a name that was of use, the newest first; where nothing can be kept, nothing is."""
    everything = {one: recent(one) for one in ("dataset", "model")}
    everything[kind] = [name, *(one for one in everything[kind] if one != name)][:_MOST_KEPT]
    path = _file()
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(f".{os.getpid()}.part")
        part.write_text(json.dumps(everything), "utf-8")
        part.replace(path)


def recent(kind: Kind) -> list[str]:
    """The names kept, without those of files that are gone."""
    try:
        names = json.loads(_file().read_text("utf-8"))[kind]
        return [name for name in names if isinstance(name, str) and not (names_files(name) and not _exists(name))]
    except (OSError, ValueError, KeyError, TypeError):
        return []


def _file() -> Path:
    return folders.data("recent.json")


def _exists(name: str) -> bool:
    with suppress(OSError, ValueError):
        return any(mark in name for mark in "*?[") or Path(name).expanduser().exists()
    return False


def _in_folder(kind: Kind, text: str) -> Iterator[str]:
    """Files or model folders beside what is typed, then folders to look into."""
    before, beginning = os.path.split(text)
    try:
        with os.scandir(Path(before or ".").expanduser()) as found:
            entries = sorted(islice(found, _MOST_SCANNED), key=lambda entry: entry.name.lower())
    except (OSError, ValueError):
        return
    near = [one for one in entries if beginning.lower() in one.name.lower() and not one.name.startswith((".", "_"))]
    typed = text.removesuffix(beginning)
    yield from (f"{typed}{one.name}" for one in near if _fits(kind, one))
    if text:
        yield from (f"{typed}{one.name}/" for one in near if _is_folder(one) and not _fits(kind, one))


def _fits(kind: Kind, entry: os.DirEntry[str]) -> bool:
    if kind == "dataset":
        return Path(entry.name).suffix.lower() in FORMATS and not _is_folder(entry)
    return _is_folder(entry) and any(Path(entry.path, name).is_file() for name in _MODEL_FILES)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False
