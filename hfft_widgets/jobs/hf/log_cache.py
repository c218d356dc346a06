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

from hfft_widgets.hub.streams.events import Cursor
from hfft_widgets.jobs.local.supervisor import read_json, write_json
from hfft_widgets.jobs.lock import hold

READ_BYTES = 4 * 2**20
_KEEP_SECONDS = 1.0


class LogCache:
    """The bytes of one log, and the cursor behind them.

    Where the disk takes no more, what comes is kept in memory, and written as soon as there is room.

    One process writes a log's file; another one that follows the same run at the same time keeps a copy of its own
    for as long as it runs.

    Args:
        folder: The run's folder, made if need be.
        resumes: Whether a log that was cut short can be gone on with; else it starts anew.

    Attributes:
        cursor: Behind the last event taken.
        size: Bytes taken.
        complete: Whether that is all there is.
        trouble: Why a part of it is in memory alone, or "".
    """

    def __init__(self, folder: Path, *, resumes: bool = True) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folder = folder
        self._lock = threading.Lock()
        self._handle = hold(folder / ".lock")
        self._kept = 0.0
        self.cursor = Cursor()
        self.size = 0
        self.trouble = ""
        self._unwritten = b""  # the end of what was taken
        kept = read_json(folder / "mark.json") or {}
        self.complete = bool(kept.get("complete")) and (folder / "log").is_file()
        resumed = self.complete or (resumes and self._handle is not None)
        if resumed and kept:
            self._resume(kept)
        self._file = self._open()
        self._closing = weakref.finalize(self, _close, self._file, self._handle)

    def _resume(self, kept: dict[str, object]) -> None:
        """Go on where the cursor stands: what was written behind it is not known to be whole."""
        try:
            size = int(str(kept["bytes"]))
            cursor = Cursor(**{field.name: kept[field.name] for field in dataclasses.fields(Cursor)})  # type: ignore[arg-type]
            if (self._folder / "log").stat().st_size >= size:
                self.size, self.cursor = size, cursor
        except (KeyError, ValueError, TypeError, OSError):
            self.complete = False

    def _open(self) -> IO[bytes]:
        if self.complete:
            return (self._folder / "log").open("rb")
        if self._handle is None:
            return tempfile.TemporaryFile("w+b", buffering=0)
        handle = os.open(self._folder / "log", os.O_RDWR | os.O_CREAT, 0o600)
        os.ftruncate(handle, self.size)
        return os.fdopen(handle, "r+b", buffering=0)

    def append(self, data: bytes, cursor: Cursor) -> None:
        """Take the next bytes and the cursor behind them."""
        with self._lock:
            self._unwritten += data
            self.size += len(data)
            self.cursor = cursor
            self._write()
            if time.monotonic() - self._kept > _KEEP_SECONDS:
                self._keep_cursor()

    def _write(self) -> None:
        """Write what is in memory; what the disk refuses stays there."""
        if not self._unwritten:
            return
        try:
            self._file.seek(self.size - len(self._unwritten))
            written = self._file.write(self._unwritten)
        except OSError as error:
            self.trouble = f"The log cannot be written here ({error.strerror or error}): its end is in memory alone."
            return
        self._unwritten = self._unwritten[written:]
        self.trouble = ""

    def read(self, position: int) -> bytes:
        """The bytes from `position` on, at most 4 MiB."""
        with self._lock:
            if self._file.closed or position >= self.size:
                return b""
            on_disk = self.size - len(self._unwritten)
            if position >= on_disk:
                return self._unwritten[position - on_disk :][:READ_BYTES]
            self._file.seek(position)
            return self._file.read(min(READ_BYTES, on_disk - position))

    def finish(self) -> None:
        """Note that the log is all there is."""
        with self._lock:
            self.complete = True
            self._keep_cursor()

    def close(self) -> None:
        """Keep what there is, and let others write."""
        with self._lock:
            if self._closing.alive:
                self._keep_cursor()
                self._closing()

    def _keep_cursor(self) -> None:
        if self._handle is None or not self._file.writable():
            return
        self._kept = time.monotonic()
        self._write()
        if self._unwritten:
            return  # the cursor stands behind what the disk does not hold
        values = {**dataclasses.asdict(self.cursor), "bytes": self.size, "complete": self.complete}
        with contextlib.suppress(OSError):  # without a cursor the log is read from the Hub again
            write_json(self._folder / "mark.json", values)


def _close(file: IO[bytes], handle: int | None) -> None:
    file.close()
    if handle is not None:
        os.close(handle)
