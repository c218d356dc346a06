"""Runs of one machine take turns: whoever starts one, and wherever that person keeps runs.

With the standard library alone, like the supervisor, which loads it by path.

Each run holds a ticket: a small file in one folder of the machine, `hfft-queue` in `/tmp` or what `HFFT_QUEUE` names
("off": no turns). A ticket says how many threads and how much memory a run takes, and its id, nothing else: all may
read it. It counts while its lock is held (flock(2)). The script inherits the open file from its supervisor, so the lock
ends with the last of the two, however they end: no stale ticket keeps anybody waiting. On Windows, where a lock is not
inherited, it ends with the supervisor.

The folder is like /tmp itself: everybody may write there, nobody may delete what is another's. Where it cannot be made
or trusted, there are no turns, and a run starts at once.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import stat
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

QUEUE = "HFFT_QUEUE"
OFF = "off"
_NAME = "hfft-queue"
_MODE = 0o1777  # as /tmp has it
_LOCK = "lock"
_PATIENCE_SECONDS = 5.0  # looks take milliseconds; whoever holds the lock longer keeps nobody from starting
_MOST_BYTES = 4096
_FAR = 2**30  # Windows locks bytes, and keeps others from reading them: one behind the end
# neither a link nor a pipe that somebody put there
_FLAGS = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)


@dataclass(frozen=True)
class Claim:
    """What a run takes, or waits to take, of its machine.

    Attributes:
        run: Its id there.
        threads: What it uses; while it waits, the least that it would begin with.
        memory_bytes: What it needs; 0: not known.
        order: Names that sort as the runs came.
        running: Whether its turn has come.
        own: Whether it is of the same person.
    """

    run: str
    threads: int
    memory_bytes: int
    order: str
    running: bool = False
    own: bool = True


@dataclass(frozen=True)
class Capacity:
    """What a machine has.

    Attributes:
        cores: All of its CPUs.
        allowed: Those that this person's processes may use together.
        memory_bytes: All memory that may be used; None: not known.
        free_bytes: What is free of it now; None: not known.
    """

    cores: int
    allowed: int
    memory_bytes: int | None = None
    free_bytes: int | None = None


def free_threads(room: Capacity, others: Sequence[Claim]) -> int:
    """CPUs that no running run has claimed; the machine's are everybody's, a person's share is that person's."""
    running = [one for one in others if one.running]
    own = sum(one.threads for one in running if one.own)
    return min(room.cores - sum(one.threads for one in running), room.allowed - own)


def reason(mine: Claim, others: Sequence[Claim], room: Capacity, named: Any) -> dict[str, str] | None:
    """Why a run waits; None: it is its turn. Where nothing runs, the first begins, whatever it takes.

    Args:
        mine: What it would take.
        others: Everybody else's.
        room: The machine.
        named: What to call another run, by its id.

    Returns:
        `for`: "cores", "memory" or "turn". `words`: the same in a sentence.
    """
    running = [one for one in others if one.running]
    ahead = [one for one in others if not one.running and one.order < mine.order]
    whom = named(running[0].run) if len(running) == 1 else f"{len(running)} other runs"
    if running and free_threads(room, others) < mine.threads:
        own = sum(one.threads for one in running if one.own)
        taken, of = sum(one.threads for one in running), room.cores
        if room.allowed - own <= room.cores - taken:
            taken, of = own, room.allowed
        words = f"It waits for {whom}: {min(taken, of)} of {of} cores are taken."
        return {"for": "cores", "words": f"{words}{_more(ahead)}"}
    free = _free_memory(room, running)
    if running and free is not None and mine.memory_bytes > free:
        needed, left = f"{mine.memory_bytes / 1e9:.1f} GB", f"{max(0, free) / 1e9:.1f} GB"
        words = f"It waits for {whom}: it needs {needed} of memory, and {left} are free."
        return {"for": "memory", "words": f"{words}{_more(ahead)}"}
    if ahead:
        return {"for": "turn", "words": f"It waits for its turn.{_more(ahead)}"}
    return None


def _more(ahead: Sequence[Claim]) -> str:
    if not ahead:
        return ""
    return " One other run waits before it." if len(ahead) == 1 else f" {len(ahead)} other runs wait before it."


def _free_memory(room: Capacity, running: Sequence[Claim]) -> int | None:
    """What is free now, or will be once those that have just begun hold what they need."""
    free = [] if room.free_bytes is None else [room.free_bytes]
    if room.memory_bytes is not None:
        free.append(room.memory_bytes - sum(one.memory_bytes for one in running))
    return min(free, default=None)


# ---- The folder --------------------------------------------------------------------------------


def place() -> Path | None:
    """The folder of the machine's tickets, made where it was missing; None: no turns are taken."""
    asked = os.environ.get(QUEUE, "").strip()
    if asked == OFF:
        return None
    shared = Path("/tmp")  # noqa: S108 -- unlike TMPDIR it is the same for all people of a machine; what is in it is not trusted
    beside = shared if sys.platform != "win32" and shared.is_dir() else Path(tempfile.gettempdir())
    folder = Path(asked) if asked else beside / _NAME
    try:
        with contextlib.suppress(FileExistsError):
            folder.mkdir()
            folder.chmod(_MODE)
        return folder if stat.S_ISDIR(folder.lstat().st_mode) else None
    except OSError:
        return None


def held_bytes() -> int:
    """Memory that the running runs of this machine have claimed."""
    folder = place()
    with contextlib.suppress(OSError):
        if folder is not None:
            with _locked(folder):
                return sum(claim.memory_bytes for claim in _claims(folder) if claim.running)
    return 0


class Ticket:
    """A run's own, from its start to its end.

    Args:
        run: The run's id.
        threads: The least that it begins with.
        memory_bytes: What it needs; 0: not known.

    Attributes:
        handle: The open file, for the script to inherit; None: there are no turns here.
        claim: What others see.
    """

    def __init__(self, run: str, threads: int, memory_bytes: int) -> None:
        self.handle: int | None = None
        self.claim = Claim(run, threads, memory_bytes, f"{time.time_ns():020d}-{secrets.token_hex(4)}")
        self._folder = place()
        self._path = Path()
        if self._folder is not None:
            with contextlib.suppress(OSError):
                self._take(self._folder)

    def _take(self, folder: Path) -> None:
        path = folder / f"{self.claim.order}.json"
        with _locked(folder):
            handle = _made(path)
            if not _lock(handle):
                os.close(handle)
                return
            self.handle, self._path = handle, path
            self._write()

    def _write(self) -> None:
        assert self.handle is not None
        told = {name: getattr(self.claim, name) for name in ("run", "threads", "memory_bytes", "running")}
        os.lseek(self.handle, 0, os.SEEK_SET)
        os.ftruncate(self.handle, 0)
        os.write(self.handle, json.dumps(told).encode())

    def look(self, room: Capacity, named: Any, most: int, *, now: bool = False) -> dict[str, str] | None:
        """Take the turn if it has come.

        Args:
            room: The machine as it is now.
            named: What to call another run, by its id.
            most: Threads that it takes where they are free.
            now: Whether somebody said not to wait.

        Returns:
            Why it waits; None: it may start, with the threads of its claim.
        """
        if self.handle is None or self._folder is None:
            self._begin(most)
            return None
        try:
            with _locked(self._folder):
                others = [one for one in _claims(self._folder) if one.order != self.claim.order]
                why = None if now else reason(self.claim, others, room, named)
                if why is None:
                    self._begin(min(most, free_threads(room, others)))
                    self._write()
                return why
        except OSError:
            self._begin(most)
            return None

    def _begin(self, threads: int) -> None:
        mine = self.claim
        self.claim = Claim(mine.run, max(mine.threads, threads), mine.memory_bytes, mine.order, running=True)

    def give_back(self) -> None:
        """Its run has ended, or will not start."""
        if self.handle is not None:
            os.close(self.handle)
            self.handle = None
            with contextlib.suppress(OSError):
                self._path.unlink()


def _made(path: Path) -> int:
    """A new file that everybody may read, whatever the umask."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o644)
    if sys.platform != "win32":
        os.fchmod(handle, 0o644)
    return handle


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """One looks at a time; raises OSError where that cannot be, or another holds the lock for long."""
    path, deadline = folder / _LOCK, time.monotonic() + _PATIENCE_SECONDS
    while True:
        try:
            handle = os.open(path, os.O_RDONLY | _FLAGS)
            break
        except FileNotFoundError:
            with contextlib.suppress(FileExistsError):
                handle = _made(path)
                break
    try:
        while not _lock(handle):
            if time.monotonic() > deadline:
                raise TimeoutError(f"{path} is held by another process.")
            time.sleep(0.01)
        yield
    finally:
        os.close(handle)


def _claims(folder: Path) -> list[Claim]:
    """The tickets that are held; those whose holders are gone are removed, as far as this person may."""
    found = []
    for path in sorted(folder.glob("*.json")):
        claim = _claim(path)
        if claim is not None:
            found.append(claim)
    return found


def _claim(path: Path) -> Claim | None:
    try:
        handle = os.open(path, os.O_RDONLY | _FLAGS)
    except OSError:
        return None
    try:
        about = os.fstat(handle)
        if not stat.S_ISREG(about.st_mode):
            return None
        gone = _lock(handle)
        told = {} if gone else json.loads(os.read(handle, _MOST_BYTES))
        own = not hasattr(os, "getuid") or about.st_uid == os.getuid()
    except (OSError, ValueError):
        return None
    finally:
        os.close(handle)
    if gone:
        with contextlib.suppress(OSError):
            path.unlink()
        return None
    return _valid(told, path.stem, own)


def _valid(told: Any, order: str, own: bool) -> Claim | None:
    """What another process wrote, who may have written anything."""
    try:
        threads, memory = int(told["threads"]), int(told["memory_bytes"])
        return Claim(str(told["run"]), max(1, threads), max(0, memory), order, told["running"] is True, own)
    except (KeyError, TypeError, ValueError, OverflowError):
        return None


def _lock(handle: int) -> bool:
    """Take the lock of an open file; False: another process holds it. Raises OSError where files have none."""
    if sys.platform == "win32":
        import msvcrt

        os.lseek(handle, _FAR, os.SEEK_SET)
        try:
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        finally:
            os.lseek(handle, 0, os.SEEK_SET)
    else:
        import fcntl

        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True
