"""What was started, refused and paid on this machine: one line each in a file that is only ever added to.

A launch that can cost is written down before it is made. What became of it follows in further lines: the run that it
made, the reason why it was not made, what it cost. A launch without such a line may have happened, and counts.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from hfft_widgets import folders
from hfft_widgets.errors import LaunchError
from hfft_widgets.jobs.local import preflight
from hfft_widgets.jobs.lock import one_at_a_time

STARTING, STARTED, REFUSED = "starting", "started", "refused"
_TEXT = 300  # characters of a title or a reason that are kept


@dataclass(frozen=True)
class Entry:
    """A launch, or what was refused.

    Attributes:
        id: Its own name.
        time: Unix time.
        title: What was to run.
        fingerprint: What was to be trained or exported.
        attempt: Which launch of the fingerprint; None: not known.
        flavor: Where.
        ceiling_usd: The most it can cost; 0 where nothing is paid.
        allowed_by: Who allowed that: "free", "person" (in Python, by a button, or asked), "limit" (given before).
        state: "starting" (nobody knows yet whether it was made), "started" or "refused".
        run: The run's id, or "".
        why: Why it was refused, or "".
        cost_usd: What it cost in the end; None: not known yet.
        stall_seconds: After so long without progress it is stopped; None: only at its ceiling, if it has one.
    """

    id: str
    time: float
    title: str = ""
    fingerprint: str = ""
    attempt: int | None = None
    flavor: str = ""
    ceiling_usd: float = 0.0
    allowed_by: str = ""
    state: str = STARTING
    run: str = ""
    why: str = ""
    cost_usd: float | None = None
    stall_seconds: float | None = None

    @property
    def counted_usd(self) -> float:
        """What a budget counts: what it cost where that is known, the most it can cost until then."""
        if self.state == REFUSED:
            return 0.0
        return self.ceiling_usd if self.cost_usd is None else self.cost_usd

    def to_dict(self) -> dict[str, Any]:
        """JSON values."""
        return {**asdict(self), "counted_usd": self.counted_usd}


def folder() -> Path:
    """Where the ledger is kept, and the locks of launches."""
    return folders.data("ledger")


@contextlib.contextmanager
def one_launch(host: str) -> Iterator[None]:
    """One launch at a time on a host: two see each other's run, and what the other one spends. Raises LaunchError."""
    with contextlib.ExitStack() as held:
        try:
            folder().mkdir(mode=0o700, parents=True, exist_ok=True)
            held.enter_context(one_at_a_time(folder() / f".{host}.lock"))
        except OSError as error:
            raise preflight.refused(error, folder()) from error
        yield


# ---- writing ----


def begin(
    *, title: str, fingerprint: str, flavor: str, ceiling_usd: float = 0.0, allowed_by: str = "",
    stall_seconds: float | None = None,
) -> Entry:  # fmt: skip
    """Write down a launch that is about to be made. Raises LaunchError: then it must not be made."""
    known = Entry(secrets.token_hex(8), time.time(), title[:_TEXT], fingerprint, None, flavor, ceiling_usd, allowed_by)
    entry = replace(known, stall_seconds=stall_seconds)
    try:
        _add({name: value for name, value in asdict(entry).items() if value not in {"", None}})
    except OSError as error:
        raise preflight.refused(error, folder()) from error
    return entry


def started(entry: Entry, run: str, attempt: int) -> None:
    """Note the run that a launch made. Where that fails, the launch stays one that may have been made."""
    _note({"id": entry.id, "state": STARTED, "run": run, "attempt": attempt})


def refused(entry: Entry, why: str) -> None:
    """Note that a launch was not made."""
    _note({"id": entry.id, "state": REFUSED, "why": why[:_TEXT]})


def cost(fingerprint: str, attempt: int, usd: float) -> None:
    """Note what a launch cost in the end, once."""
    for entry in entries():
        if (entry.fingerprint, entry.attempt) == (fingerprint, attempt) and entry.cost_usd != usd:
            _note({"id": entry.id, "cost_usd": usd})


def _note(values: dict[str, Any]) -> None:
    with contextlib.suppress(OSError, LaunchError):
        _add(values)


def _add(values: dict[str, Any]) -> None:
    """One write of one line, after a line's end: what a crash cut off spoils no other line."""
    folder().mkdir(mode=0o700, parents=True, exist_ok=True)
    with one_at_a_time(folder() / ".lock"):
        handle = os.open(_file(), os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(handle, (_missing_end(handle) + json.dumps(values) + "\n").encode())
            os.fsync(handle)
        finally:
            os.close(handle)


def _missing_end(handle: int) -> str:
    size = os.lseek(handle, 0, os.SEEK_END)
    if not size:
        return ""
    os.lseek(handle, size - 1, os.SEEK_SET)
    return "" if os.read(handle, 1) == b"\n" else "\n"


def _file() -> Path:
    return folder() / "ledger.jsonl"


# ---- reading ----


def entries() -> list[Entry]:
    """All that is written down, the newest first; a line that a crash cut off is left out."""
    found: dict[str, Entry] = {}
    for values in _lines():
        known = {name: value for name, value in values.items() if name in Entry.__dataclass_fields__}
        name = known.get("id")
        if name in found:
            found[name] = replace(found[name], **known)
        elif isinstance(name, str) and "time" in known:
            found[name] = Entry(**known)
    return sorted(found.values(), key=lambda entry: entry.time, reverse=True)


def counted_usd(since: float, allowed_by: str | None = None) -> float:
    """Dollars that a budget counts of the launches since a Unix time: failed and cancelled ones too.

    Args:
        since: Unix time.
        allowed_by: Only launches that were allowed so; None: all.
    """
    found = (entry for entry in entries() if entry.time >= since)
    return sum(entry.counted_usd for entry in found if allowed_by in {None, entry.allowed_by})


def _lines() -> Iterator[dict[str, Any]]:
    try:
        text = _file().read_text("utf-8", "replace")
    except FileNotFoundError:
        return
    for line in text.split("\n"):
        try:
            values = json.loads(line)
        except ValueError:
            continue
        if isinstance(values, dict):
            yield values
