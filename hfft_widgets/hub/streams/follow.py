"""Following a job's log without losing or repeating a line, whatever the connection does.

The stage is read before each pass over the log: a pass that ends by itself, began after the job's end and leads up to
the very last event has seen everything. Nothing else ends the following, except being stopped.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto

from hfft_widgets.errors import HubError
from hfft_widgets.hub.outcomes import HubRefusedError, HubUnsureError
from hfft_widgets.hub.streams.events import (
    Cursor,
    LogLine,
    Replay,
    digest,
    instant,
    last_copies,
    log_events,
    payloads,
    text_bytes,
)
from hfft_widgets.hub.wire import Interrupt, Wire

TAIL_EVENTS = 1000
_TAIL_QUIET_SECONDS = 0.5  # a running job's tail is followed by silence, not by an end
_SILENT_SECONDS = 20.0  # the server says each 30 s that it lives: of a job that is over, nothing comes after that
_FOREVER_REFUSED = frozenset({400, 401, 403, 407, 410})  # not 404: it is said for a moment by mistake, too


class Outcome(Enum):
    """How the following ended."""

    COMPLETE = auto()  # the job is over and everything was read
    STOPPED = auto()
    INCOMPLETE = auto()  # the job is over, and its log could not be confirmed to be whole


@dataclass(frozen=True)
class Rhythm:
    """Times of a follower, in seconds.

    Attributes:
        read_seconds: Silence after which a connection counts as dead: the server sends a keep-alive each 30 s.
        first_wait: Before the second try; doubled for each further one.
        longest_wait: Between two tries, unless the server asks for more.
        tries: In a row without a new line, after the job's end, before the log is taken as it is.
    """

    read_seconds: float = 75.0
    first_wait: float = 0.5
    longest_wait: float = 30.0
    tries: int = 12


@dataclass(frozen=True)
class Tail:
    """The end of a log.

    Attributes:
        text: Its lines.
        last: The last event, or None of an empty log.
    """

    text: bytes
    last: LogLine | None


class LogFollower:
    """Delivers a job's log, each line once and in order.

    Args:
        wire: Carries the requests.
        namespace: Whose job it is.
        job_id: The job.
        deliver: Takes the next lines and the cursor behind them; called in the thread of `run`.
        ended: Whether the job is over; it may be late, not early.
        cursor: Where to go on.
        rhythm: Times.
        render: Bytes of events.
    """

    def __init__(
        self,
        wire: Wire,
        namespace: str,
        job_id: str,
        *,
        deliver: Callable[[bytes, Cursor], None],
        ended: Callable[[], bool],
        cursor: Cursor | None = None,
        rhythm: Rhythm | None = None,
        render: Callable[[list[LogLine]], bytes] = text_bytes,
    ) -> None:
        self.cursor = cursor or Cursor()
        self.caught_up = False
        self._path = f"/api/jobs/{namespace}/{job_id}/logs"
        self._wire = wire
        self._deliver = deliver
        self._ended = ended
        self._rhythm = rhythm or Rhythm()
        self._render = render
        self._interrupt = Interrupt()
        self._target: str | None = None

    def stop(self) -> None:
        """End `run` at once, from any thread."""
        self._interrupt.set()

    def tail(self) -> Tail:
        """The log's last lines, in a fraction of a second however long it is; `caught_up` then means up to there.

        Raises:
            HubError: It cannot be read.
        """
        events = self._tail_events(TAIL_EVENTS, quiet=_TAIL_QUIET_SECONDS)
        last = events[-1] if events else None
        self._target = instant(last[0]) if last else None
        return Tail(text_bytes(events), last)

    def run(self) -> Outcome:
        """Follow to the end of the job; returns how it ended.

        Raises:
            HubRefusedError: The Hub does not show this log to this account.
        """
        fruitless, wait = 0, self._rhythm.first_wait
        while not self._interrupt.is_set():
            before, pause, final = self.cursor, None, None
            try:
                final = self._ended()  # before reading: what a pass that ends by itself saw is then all there is
                if self._pass(final) and final and self._whole():
                    self.caught_up = True
                    return Outcome.COMPLETE
            except HubError as error:
                pause = self._patience(error)
            progress = self.cursor != before
            fruitless = 0 if progress or not final else fruitless + 1
            if fruitless >= self._rhythm.tries:
                return Outcome.INCOMPLETE
            wait = self._rhythm.first_wait if progress else min(self._rhythm.longest_wait, wait * 2)
            self._interrupt.wait(pause if pause is not None else wait * random.uniform(0.5, 1))  # noqa: S311
        return Outcome.STOPPED

    def _patience(self, error: HubError) -> float | None:
        if self._interrupt.is_set():
            return None
        if isinstance(error, HubRefusedError) and error.status in _FOREVER_REFUSED:
            raise error
        if isinstance(error, (HubRefusedError, HubUnsureError)) and error.wait_seconds is not None:
            return min(error.wait_seconds, 300.0)
        return None

    def _pass(self, final: bool) -> bool:
        """Read one replay; whether it ended by itself and reached what is known already."""
        replay, heard = Replay(self.cursor), time.monotonic()
        with self._wire.stream(
            self._path,
            action="read the job's log",
            interrupt=self._interrupt,
            read_seconds=self._rhythm.read_seconds,
        ) as chunks:
            for found in payloads(chunks):
                if found:
                    heard = time.monotonic()
                elif time.monotonic() - heard > _SILENT_SECONDS and (final or self._ended()):
                    break  # a stream that is kept open after the job's end
                fresh = replay.take(log_events(found))
                if self._interrupt.is_set():
                    return False
                if fresh:
                    self.cursor = replay.cursor
                    self.caught_up = self.caught_up or self._target is None or self._reached(self._target)
                    self._deliver(self._render(fresh), self.cursor)
        if replay.seen >= self.cursor.count:
            self.caught_up = True
        return replay.seen >= self.cursor.count and not self._interrupt.is_set()

    def _reached(self, target: str) -> bool:
        return instant(self.cursor.timestamp) >= target

    def _whole(self) -> bool:
        """Whether the last event taken is the log's last: a replay may end too early without a sign."""
        events = self._tail_events(min(self.cursor.copies + 1, TAIL_EVENTS), quiet=self._rhythm.read_seconds)
        if not events:
            return self.cursor.count == 0
        return digest(events[-1]) == self.cursor.last and last_copies(events) <= self.cursor.copies

    def _tail_events(self, count: int, *, quiet: float) -> list[LogLine]:
        events: list[LogLine] = []
        began = time.monotonic()
        try:
            with self._wire.stream(
                self._path,
                [("tail", str(count))],
                action="read the end of the job's log",
                interrupt=self._interrupt,
                read_seconds=quiet,
            ) as chunks:
                for found in payloads(chunks):
                    events = (events + log_events(found))[-TAIL_EVENTS:]
                    late = time.monotonic() - began > min(quiet, _SILENT_SECONDS)
                    if len(events) >= TAIL_EVENTS or (late and (len(events) >= count or not found)):
                        break
        except HubUnsureError:
            if not events:
                raise
        return events
