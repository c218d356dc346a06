"""A remote run's log on this machine's disk: read once from the Hub, kept for every later look."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import tempfile
import threading
import time
import weakref
from pathlib import Path
from typing import IO

from hfft_widgets.hub.events import Mark
from hfft_widgets.jobs.lock import hold
from hfft_widgets.jobs.supervisor import read_json, write_json

READ_BYTES = 4 * 2**20
_MARK_SECONDS = 1.0


class Spool:
    """The bytes of one log, and the mark behind them.

    One process writes a log's file; another one that follows the same run at the same time keeps a copy of its own
    for as long as it runs.

    Args:
        folder: The run's folder, made if need be.
        resumes: Whether a log that was cut short can be gone on with; else it starts anew.
    """

    def __init__(self, folder: Path, *, resumes: bool = True) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folder = folder
        self._lock = threading.Lock()
        self._handle = hold(folder / ".lock")
        self._marked = 0.0
        self.mark = Mark()
        self.size = 0
        kept = read_json(folder / "mark.json") or {}
        self.complete = bool(kept.get("complete")) and (folder / "log").is_file()
        resumed = self.complete or (resumes and self._handle is not None)
        if resumed and kept:
            self._resume(kept)
        self._file = self._open()
        self._closing = weakref.finalize(self, _close, self._file, self._handle)

    def _resume(self, kept: dict[str, object]) -> None:
        """Go on where the mark stands: what was written behind it is not known to be whole."""
        try:
            size = int(str(kept["bytes"]))
            mark = Mark(**{field.name: kept[field.name] for field in dataclasses.fields(Mark)})  # type: ignore[arg-type]
            if (self._folder / "log").stat().st_size >= size:
                self.size, self.mark = size, mark
        except (KeyError, ValueError, TypeError, OSError):
            self.complete = False

    def _open(self) -> IO[bytes]:
        if self.complete:
            return (self._folder / "log").open("rb")
        if self._handle is None:
            return tempfile.TemporaryFile("w+b")
        handle = os.open(self._folder / "log", os.O_RDWR | os.O_CREAT, 0o600)
        os.ftruncate(handle, self.size)
        return os.fdopen(handle, "r+b")

    def append(self, data: bytes, mark: Mark) -> None:
        """Take the next bytes and the mark behind them."""
        with self._lock:
            self._file.seek(self.size)
            self._file.write(data)
            self.size += len(data)
            self.mark = mark
            if time.monotonic() - self._marked > _MARK_SECONDS:
                self._keep_mark()

    def read(self, position: int) -> bytes:
        """The bytes from `position` on, at most 4 MiB."""
        with self._lock:
            if self._file.closed or position >= self.size:
                return b""
            self._file.seek(position)
            return self._file.read(min(READ_BYTES, self.size - position))

    def finish(self) -> None:
        """Note that the log is all there is."""
        with self._lock:
            self.complete = True
            self._keep_mark()

    def close(self) -> None:
        """Keep what there is, and let others write."""
        with self._lock:
            if self._closing.alive:
                self._keep_mark()
                self._closing()

    def _keep_mark(self) -> None:
        if self._handle is None or not self._file.writable():
            return
        self._marked = time.monotonic()
        values = {**dataclasses.asdict(self.mark), "bytes": self.size, "complete": self.complete}
        with contextlib.suppress(OSError):  # without a mark the log is read from the Hub again
            self._file.flush()
            write_json(self._folder / "mark.json", values)


def _close(file: IO[bytes], handle: int | None) -> None:
    file.close()
    if handle is not None:
        os.close(handle)
