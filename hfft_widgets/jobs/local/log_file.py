"""The log of a run on this machine: what is secret in it is overwritten, and what is too long is cut out of its middle.

With the standard library alone, like the supervisor, which loads it by path.
"""

from __future__ import annotations

import contextlib
import ctypes
import importlib.util
import os
import sys
from pathlib import Path

LOG = "log"
SWEPT = "swept"
HEAD_BYTES = 2**24  # how it began is kept,
TAIL_BYTES = 2**26  # and what it printed last; of what is between only the event lines are
CUT_BYTES = 2**24  # at a time
_EVENT = b"@hfft"
_LEFT_OUT = b"\n---- %d MB left out here: the log was too long ----\n"
_KEEP_SIZE, _PUNCH_HOLE = 1, 2  # fallocate(2)


def hide_secrets(folder: Path) -> None:
    """Overwrite what is secret in a log that is kept: not everything that wrote to it masks itself."""
    path = Path(__file__).parents[2] / "scripts" / "masking.py"
    spec = importlib.util.spec_from_file_location("hfft_masking", path)
    if spec is None or spec.loader is None:
        return
    masking = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(masking)
    with contextlib.suppress(OSError):
        masking.sweep_file(folder / LOG, masking.Mask(masking.known_secrets()))
        (folder / SWEPT).touch()


class Cutter:
    """Gives the disk back that the middle of a long log takes; its length, and the place of all else, stay as they are.

    Where the system cannot make holes in a file, nothing is cut.
    """

    def __init__(self, log: Path) -> None:
        self.log = log
        self.done = HEAD_BYTES

    def step(self) -> None:
        """Cut what has become too long."""
        with contextlib.suppress(OSError):
            while self.log.stat().st_size - self.done > TAIL_BYTES + CUT_BYTES:
                self._cut(self.done, CUT_BYTES)
                self.done += CUT_BYTES

    def _cut(self, start: int, length: int) -> None:
        """Leave of a part its event lines, at its beginning; the rest of it becomes a hole. Raises OSError."""
        with self.log.open("r+b") as file:
            file.seek(start)
            part = file.read(length)
            first, last = part.find(b"\n") + 1, part.rfind(b"\n") + 1
            if not 0 < first < last:
                return  # one line without end
            told = b"".join(line + b"\n" for line in part[first:last].split(b"\n") if line.startswith(_EVENT))
            kept = (_LEFT_OUT % (length // 2**20)) + told
            hole = start + first + len(kept), last - first - len(kept) - 1
            if hole[1] < CUT_BYTES // 4:
                return  # hardly anything but events
            punch(file.fileno(), *hole)  # first: what cannot be cut stays as it was
            file.seek(start + first)
            file.write(kept)
            file.seek(start + last - 1)
            file.write(b"\n")


def punch(file: int, start: int, length: int) -> None:
    """Make a hole in a file: it reads as zeros and takes no disk. Raises OSError."""
    if not sys.platform.startswith("linux"):
        raise OSError("no holes here")
    libc = ctypes.CDLL(None, use_errno=True)
    at, size = ctypes.c_int64(start), ctypes.c_int64(length)
    call = getattr(libc, "fallocate64", libc.fallocate)
    if call(file, _KEEP_SIZE | _PUNCH_HOLE, at, size):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
