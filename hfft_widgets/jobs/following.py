"""Following a run: one daemon thread that refreshes it until it ends."""

from __future__ import annotations

import threading
from collections.abc import Callable

from hfft_widgets.core.run.events import Event
from hfft_widgets.jobs.run import Run

PERIOD_SECONDS = 1.0


class Follower:
    """Calls back about once a second while a run lives, and a last time at its end.

    Args:
        run: The run.
        update: Called in the follower's thread with the new events. It handles its own errors.
        period: Seconds between two looks.
    """

    def __init__(self, run: Run, update: Callable[[list[Event]], None], *, period: float = PERIOD_SECONDS) -> None:
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
            events = self.run.refresh()
            over = self.run.complete  # of a run far away the log may come later than the end
            self._update(events)
            if over:
                return
            self._stop.wait(self._period)
