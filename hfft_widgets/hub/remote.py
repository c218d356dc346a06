"""A file on the Hub, read piece by piece as if it were here."""

from __future__ import annotations

import io
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

BLOCK_BYTES = 1 << 20


class RemoteFile:
    """Fetches what is read, once: the pieces stay in a temporary file, so that a second pass is not a second download.

    The temporary file has no name and is gone with this object, however the process ends.

    Args:
        fetch: Gives the bytes from a first to before a last.
        size: The file's, in bytes.
        folder: Where the temporary file is made; it takes as much disk as was read.
    """

    def __init__(self, fetch: Callable[[int, int], bytes], size: int, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.size = size
        self._fetch = fetch
        self._here = bytearray(-(-size // BLOCK_BYTES))  # per block: 1 once it was fetched
        self._lock = threading.Lock()
        self._file: Any = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - closed when this object goes

    def read(self, start: int, count: int) -> bytes:
        """Up to `count` bytes from `start`.

        Raises:
            HubError: They could not be fetched.
            OSError: They could not be kept: the disk is full.
        """
        stop = min(start + count, self.size)
        if start >= stop:
            return b""
        with self._lock:
            for first, last in self._missing(start // BLOCK_BYTES, -(-stop // BLOCK_BYTES)):
                body = self._fetch(first * BLOCK_BYTES, min(last * BLOCK_BYTES, self.size))
                self._file.seek(first * BLOCK_BYTES)
                self._file.write(body)
                self._here[first:last] = b"\1" * (last - first)
            self._file.seek(start)
            return bytes(self._file.read(stop - start))

    def _missing(self, first: int, last: int) -> list[tuple[int, int]]:
        """Runs of blocks between these that are not here yet: one request each."""
        runs: list[tuple[int, int]] = []
        for block in range(first, last):
            if self._here[block]:
                continue
            if runs and runs[-1][1] == block:
                runs[-1] = (runs[-1][0], block + 1)
            else:
                runs.append((block, block + 1))
        return runs

    def open(self) -> io.RawIOBase:
        """A reader with a position of its own."""
        return _Reader(self)


class _Reader(io.RawIOBase):
    def __init__(self, file: RemoteFile) -> None:
        super().__init__()
        self._file = file
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._file.size}[whence]
        self._at = start + offset
        return self._at

    def readinto(self, buffer: Any) -> int:
        body = self._file.read(self._at, len(buffer))
        buffer[: len(body)] = body
        self._at += len(body)
        return len(body)
