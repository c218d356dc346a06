"""One start at a time, across threads and processes.

Not `filelock` (4.3): on a disk without locks (ENOLCK, EOPNOTSUPP: NFS or Lustre as clusters mount them) it raises, so
that nothing could be launched there, and on ENOSYS it writes a marker that may outlive its holder.
"""

from __future__ import annotations

import contextlib
import errno
import os
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from hfft_widgets.errors import LaunchError

WAIT_SECONDS = 120.0
_POLL_SECONDS = 0.05
_threads: defaultdict[Path, threading.Lock] = defaultdict(threading.Lock)
_UNSUPPORTED = {errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP}


@contextlib.contextmanager
def one_at_a_time(path: Path, wait_seconds: float = WAIT_SECONDS) -> Iterator[None]:
    """Hold the lock of a file; the system drops it when its holder dies, so no stale lock stays.

    Args:
        path: The lock file; made if it is not there.
        wait_seconds: How long to wait for another holder.

    Raises:
        LaunchError: Another start held the lock all that time.
        OSError: The file cannot be made.
    """
    deadline = time.monotonic() + wait_seconds
    # on some network disks a file lock belongs to the process, not to the handle: threads need one of their own
    threads = _threads[path]
    if not threads.acquire(timeout=wait_seconds):
        raise _busy(path, wait_seconds)
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            while not _taken(handle):
                if time.monotonic() >= deadline:
                    raise _busy(path, wait_seconds)
                time.sleep(_POLL_SECONDS)
            yield
        finally:
            _release(handle)
            os.close(handle)
    finally:
        threads.release()


def hold(path: Path) -> int | None:
    """Take the lock of a file for as long as this process wants it; None if another holder has it.

    Args:
        path: The lock file; made if it is not there.

    Returns:
        A handle; closing it, or the end of the process, gives the lock back.

    Raises:
        OSError: The file cannot be made.
    """
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    if _taken(handle):
        return handle
    os.close(handle)
    return None


def _busy(path: Path, seconds: float) -> LaunchError:
    return LaunchError(
        f"Another start has been under way for {seconds:.0f} s.",
        why=f"It holds {path}.",
        remedy="Wait for it, or end the notebook in which it hangs, and launch again.",
    )


def _taken(handle: int) -> bool:
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        # a disk without locks: the threads' lock still holds, two processes could start the same plan twice
        return error.errno in _UNSUPPORTED
    return True


def _release(handle: int) -> None:
    with contextlib.suppress(OSError):
        if sys.platform == "win32":
            import msvcrt

            os.lseek(handle, 0, os.SEEK_SET)
            msvcrt.locking(handle, msvcrt.LK_UNLCK, 1)
        else:
            import fcntl

            # said aloud, since a child process forked at this moment holds a copy of the handle
            fcntl.flock(handle, fcntl.LOCK_UN)
