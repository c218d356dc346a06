"""A job's log as server-sent events: recorded from a process, or given by a test without one."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import datetime, timedelta
from json.encoder import encode_basestring
from typing import TYPE_CHECKING, Protocol

from .faults import Effects
from .state import Cut, iso, now

if TYPE_CHECKING:
    from .jobs import Job

BATCH = 1000


class Signal:
    """Wakes the streams that wait in the server's event loop; `notify` may be called from any thread."""

    def __init__(self) -> None:
        self._waiting: set[asyncio.Future[None]] = set()
        self._loop: asyncio.AbstractEventLoop | None = None

    async def wait(self, seconds: float) -> bool:
        """False after so many seconds without a word."""
        self._loop = asyncio.get_running_loop()
        future = self._loop.create_future()
        self._waiting.add(future)
        try:
            await asyncio.wait_for(future, seconds)
        except TimeoutError:
            return False
        finally:
            self._waiting.discard(future)
        return True

    def notify(self) -> None:
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._wake)

    def _wake(self) -> None:
        for future in self._waiting:
            if not future.done():
                future.set_result(None)


class Log(Protocol):
    """Events by index: `count` are there; those before `first` were thrown away."""

    first: int

    @property
    def count(self) -> int: ...

    def events(self, start: int, stop: int) -> list[bytes]:
        """JSON objects, one per line of the log."""
        ...


def event(text: str, timestamp: str) -> bytes:
    """As JSON.stringify writes it: characters beyond ASCII in clear, also those that look like line breaks."""
    return f'{{"data": {encode_basestring(text)}, "timestamp": "{timestamp}"}}'.encode("utf-8", "replace")


def header(at: datetime) -> str:
    """The first line of every job's log."""
    return f"===== Job started at {at:%Y-%m-%d %H:%M:%S} ====="


class RecordedLog:
    """What a process wrote."""

    def __init__(self) -> None:
        self.first = 0
        self._events: list[bytes] = []

    @property
    def count(self) -> int:
        return len(self._events)

    def write(self, text: str) -> None:
        self._events.append(event(text, str(iso(now()))))

    def events(self, start: int, stop: int) -> list[bytes]:
        return self._events[start:stop]


class GivenLog:
    """Lines made when they are asked for, so that a million cost nothing before; the first event is the header.

    Timestamps are one millisecond apart; `at_once` lines share one, for a script that prints fast.
    """

    def __init__(self, line: Callable[[int], str] | Sequence[str], total: int) -> None:
        self.first = 0
        self.total = total
        self.at_once = 1
        self._shown = total + 1
        self._line = line if callable(line) else line.__getitem__
        self._base = now() - timedelta(milliseconds=total + 1)

    @property
    def count(self) -> int:
        return self._shown

    def show(self, lines: int) -> None:
        """Let only so many lines be there yet, not counting the header."""
        self._shown = min(lines, self.total) + 1

    def events(self, start: int, stop: int) -> list[bytes]:
        return [self._event(index) for index in range(start, min(stop, self._shown))]

    def _event(self, index: int) -> bytes:
        second, milliseconds = divmod(index // self.at_once, 1000)
        text = self._line(index - 1) if index else header(self._base)
        return event(text, self._stamp(second) + f"{milliseconds:03d}Z")

    def _stamp(self, second: int) -> str:
        if getattr(self, "_last", (None, ""))[0] != second:
            self._last = (second, f"{self._base + timedelta(seconds=second):%Y-%m-%dT%H:%M:%S.}")
        return self._last[1]


async def stream(
    job: Job, tail: int | None, effects: Effects, keep_alive: float, closing: threading.Event
) -> AsyncIterator[bytes]:
    """Server-sent events from the start (or the last `tail` ones) until the job is over.

    A silent log sends a comment every `keep_alive` seconds.
    """
    at = job.log.first if tail is None else max(job.log.first, job.log.count - tail)
    start, ends = (
        at,
        [end for end in (effects.drop_after, effects.short_replay, effects.stall_after) if end is not None],
    )
    limit = start + min(ends, default=1 << 62)
    while not closing.is_set():
        over = job.over  # before reading: what is written after it is asked for at the next turn
        while at < min(job.log.count, limit):
            stop = min(at + BATCH, job.log.count, limit)
            yield b"".join(_framed(job.log.events(at, stop), at, effects))
            at = stop
        if at >= limit:
            await _finish(effects, closing)
            return
        if over and not effects.stays_open:
            return
        if (effects.stays_open or not job.over) and job.log.count <= at and not await job.signal.wait(keep_alive):
            yield b": keep-alive\n\n"


def _framed(events: list[bytes], at: int, effects: Effects) -> list[bytes]:
    if effects.separators is not None:
        extra = f', "source": {encode_basestring(effects.separators)}}}'.encode()
        events = [one[:-1] + extra for one in events]
    framed = [b"data: " + one + b"\n\n" for one in events]
    if effects.duplicate:
        framed = [one * 2 if (at + index + 1) % effects.duplicate == 0 else one for index, one in enumerate(framed)]
    return framed


async def _finish(effects: Effects, closing: threading.Event) -> None:
    """Cut, hang or end, as the rule asked."""
    if effects.drop_after is not None:
        raise Cut
    while effects.stall_after is not None and not closing.is_set():
        await asyncio.sleep(0.05)
