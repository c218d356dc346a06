"""Follows a run, and what runs there are, for whoever shows them."""

from __future__ import annotations

import logging
import os
import threading
import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING

from hfft_widgets import folders

if TYPE_CHECKING:
    from hfft_widgets.core.run.events import Event
    from hfft_widgets.jobs.run import Run

_LOOK_SECONDS = 1.0
_log = logging.getLogger(__name__)


class Follower:
    """Calls back about once a second while a run lives, and a last time at its end, from a thread of its own.

    Args:
        run: The run.
        update: Called in the follower's thread with the new events. It handles its own errors.
        period: Seconds between two looks.
    """

    def __init__(self, run: Run, update: Callable[[list[Event]], None], *, period: float = _LOOK_SECONDS) -> None:
        self.run = run
        self._update = update
        self._period = period
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._follow, name=f"hfft-follow-{run.id}", daemon=True)

    def start(self) -> Follower:
        """Begin, and return at once."""
        self._thread.start()
        return self

    def stop(self) -> None:
        """Look away: the run goes on."""
        self._stop.set()

    def join(self, timeout: float | None = None) -> None:
        """Wait for the thread to end."""
        self._thread.join(timeout)

    def _follow(self) -> None:
        while not self._stop.is_set():
            try:
                events = self.run.refresh()
                over = self.run.complete  # of a run far away the log may come later than the end
                self._update(events)
            except Exception:  # noqa: BLE001 -- one failed look, or drawing, does not end the watching
                _log.exception("A look at %s failed; the next one follows.", self.run.id)
                over = False
            if over:
                return
            self._stop.wait(self._period)


class IndexWatch:
    """Calls back when a run was started or deleted, or the ledger grew, whichever process did it.

    The disk says so: four times are read a second, nothing is listed while they stay the same. One thread does it for
    all who watch, and ends when none is left; who watches is not kept alive by it.
    """

    def __init__(self, period: float = _LOOK_SECONDS) -> None:
        self._period = period
        self._watching: list[weakref.WeakMethod[Callable[[], None]]] = []
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._over = threading.Event()

    def tell(self, changed: Callable[[], None]) -> None:
        """Call this method, from now on, in the watch's thread. It handles its own errors."""
        with self._lock:
            if changed not in [reference() for reference in self._watching]:
                self._watching.append(weakref.WeakMethod(changed))
            if self._thread is None:
                self._over.clear()
                self._thread = threading.Thread(target=self._watch, args=(_marks(),), name="hfft-watch", daemon=True)
                self._thread.start()

    def stop(self) -> None:
        """Call nobody any more, and wait for a call that is going on."""
        with self._lock:
            self._watching.clear()
            thread = self._thread
        self._over.set()
        if thread is not None:
            thread.join()

    def _watch(self, seen: _Marks) -> None:
        settled = True
        while listeners := self._listeners():
            del listeners  # a pause keeps nobody alive
            self._over.wait(self._period)
            found = _marks()
            if found != seen or not settled:  # once more after a change: a run that begins is not yet whole
                settled, seen = found == seen, found
                for call in self._listeners():
                    self._call(call)

    def _call(self, changed: Callable[[], None]) -> None:
        try:
            changed()
        except Exception:  # noqa: BLE001 -- one who cannot draw it keeps it from no other
            _log.exception("What changed could not be shown.")

    def _listeners(self) -> list[Callable[[], None]]:
        with self._lock:
            self._watching = [one for one in self._watching if one() is not None]
            if not self._watching:
                self._thread = None
            return [call for one in self._watching if (call := one()) is not None]


watch = IndexWatch()
"""This process' own."""

_Marks = tuple[tuple[int, int, int] | None, ...]
_PLACES = (("runs",), ("jobs", "launches"), ("jobs", "runs"), ("ledger", "ledger.jsonl"), ("names.json",))


def _marks() -> _Marks:
    """What differs once a run was started or deleted here, or money was counted."""
    return tuple(_mark(os.fspath(folders.data(*place))) for place in _PLACES)


def _mark(path: str) -> tuple[int, int, int] | None:
    try:
        found = os.stat(path)  # noqa: PTH116 -- each second
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_nlink
