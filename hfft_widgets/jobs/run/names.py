"""What people call their runs: one small file for all of them, in any process."""

from __future__ import annotations

import os

from hfft_widgets import folders
from hfft_widgets.errors import RunError
from hfft_widgets.jobs.local.supervisor import read_json, write_json
from hfft_widgets.jobs.lock import one_at_a_time

FILE = "names.json"
_CHARACTERS = 80

_Stamp = tuple[int, int] | None
_read: tuple[_Stamp, dict[str, str]] = (None, {})


def stamp() -> _Stamp:
    """Differs once a name was given or taken away."""
    try:
        found = os.stat(folders.data(FILE))  # noqa: PTH116 -- at each look
    except OSError:
        return None
    return found.st_mtime_ns, found.st_ino


def of(run_id: str) -> str:
    """What a person called a run, or ""."""
    global _read  # noqa: PLW0603 -- of the file, as long as it stays the same
    now = stamp()
    if now != _read[0]:
        _read = now, _names()
    return _read[1].get(run_id, "")


def give(run_id: str, name: str) -> None:
    """Call a run so; "" takes its name away.

    Raises:
        RunError: The name is too long, or cannot be kept.
    """
    words = " ".join(str(name).split())
    if len(words) > _CHARACTERS:
        raise RunError(f"The name has {len(words)} characters.", remedy=f"Give one of at most {_CHARACTERS}.")
    try:
        folders.data(FILE).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with one_at_a_time(folders.data(f".{FILE}.lock")):
            known = {one: called for one, called in _names().items() if one != run_id}
            write_json(folders.data(FILE), {**known, run_id: words} if words else known)
    except OSError as error:
        raise RunError("The name cannot be kept.", why=f"The system said: {error.strerror or error}.") from error


def _names() -> dict[str, str]:
    try:
        found = read_json(folders.data(FILE)) or {}
    except OSError:
        return {}
    return {run_id: name for run_id, name in found.items() if isinstance(name, str)}
