r"""Server-sent events of a job, and what of a replay is new.

Each connection replays a log from its start. Lines end at \n alone: U+2028, U+2029 and U+0085 may stand in an event's
JSON in clear, and readers that split there break.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from hashlib import blake2b
from itertools import takewhile
from operator import eq
from typing import Any

LINE_BYTES = 16 * 2**20  # of a longer line the first bytes count
HEADER = "===== Job started"
LogLine = tuple[str, str]  # timestamp, text: one event of the stream
_FIGURES = re.compile(r"@hfft[ :]|\{'")  # an event line, or a trainer's dict: a second one is no second measurement


@dataclass(frozen=True)
class Cursor:
    """How far a log was read: enough to go on in another replay, or another process.

    Attributes:
        count: Events of the replay that were taken; neighbours with the same time and text count as one.
        first: Digest of the replay's first event: another one means that the server dropped the log's beginning.
        timestamp: Of the last event taken.
        last: Digest of the last event taken.
        copies: How often it was taken: a script may well print the same line twice in a millisecond.
    """

    count: int = 0
    first: str = ""
    timestamp: str = ""
    last: str = ""
    copies: int = 1


def payloads(chunks: Iterable[bytes]) -> Iterator[list[bytes]]:
    r"""The `data:` payloads that each chunk completed, none if it was a sign of life.

    A last line without its \n is cut and does not count.
    """
    rest = b""
    for chunk in chunks:
        if b"\n" not in chunk:
            rest += chunk if len(rest) < LINE_BYTES else b""
            continue
        *lines, rest = (rest + chunk).split(b"\n")
        yield [line[5:] for line in lines if line[:5] == b"data:"]


def log_events(found: list[bytes]) -> list[LogLine]:
    """Timestamp and text of each payload; one that is no JSON object is kept as text.

    >>> log_events([b' {"data": "hello", "timestamp": "T1"}', b" broken"])
    [('T1', 'hello'), ('', 'broken')]
    """
    try:
        values = json.loads(b"[" + b",".join(found) + b"]")  # one call for all: 3 times as fast
    except ValueError:
        values = [_value(payload) for payload in found]
    try:
        events = [(value["timestamp"], value["data"]) for value in values]
        "".join(text for _, text in events)
        return events
    except (KeyError, TypeError):
        return [_event(value) for value in values]


def _value(payload: bytes) -> Any:
    try:
        return json.loads(payload)
    except (ValueError, RecursionError):
        return payload.strip().decode("utf-8", "replace")


def _event(value: Any) -> LogLine:
    if not isinstance(value, dict):
        return "", str(value)
    text = value.get("data", "")
    return str(value.get("timestamp") or ""), text if isinstance(text, str) else json.dumps(text)


def digest(event: LogLine) -> str:
    """A short name for an event."""
    return blake2b("\0".join(map(str, event)).encode("utf-8", "replace"), digest_size=8).hexdigest()


def instant(timestamp: str) -> str:
    """A timestamp that compares as text, whatever number of digits the server writes.

    >>> instant("2026-11-22T10:00:00.5Z") > instant("2026-11-22T10:00:00.123456Z") > instant("2026-11-22T10:00:00Z")
    True
    """
    whole, _, fraction = str(timestamp).removesuffix("Z").partition(".")
    return f"{whole}.{fraction.ljust(9, '0')}"


class Replay:
    """One connection's events against what was taken before: by index, or by time where the log's beginning is gone.

    A server may send an event twice in one replay and once in the next, and a script may print a line twice in a
    moment: the two look the same. So an index counts neighbours that are equal once, and of them as many are taken as
    any replay showed. Only of a line that tells figures is one enough.

    Args:
        cursor: What was taken before.
    """

    def __init__(self, cursor: Cursor) -> None:
        self.cursor = cursor
        self.seen = 0
        self._before = cursor
        self._first = ""
        self._previous: LogLine | None = None
        self._copies = 1  # of the previous one, in this replay
        self._by_index = True
        self._found = False
        self._doubtful: list[LogLine] = []

    def take(self, events: list[LogLine]) -> list[LogLine]:
        """Those of the next events that are new; the cursor moves past them."""
        before = [self._previous, *events[:-1]]
        if not any(map(eq, events, before)):
            return self._take(events)
        fresh: list[LogLine] = []
        start = 0
        for at, (event, previous) in enumerate(zip(events, before, strict=True)):
            if event == previous:
                fresh += self._take(events[start:at])
                start = at + 1
                fresh += self._again(event)
        return fresh + self._take(events[start:])

    def _take(self, events: list[LogLine]) -> list[LogLine]:
        """Of events that differ from their neighbours."""
        if not events:
            return []
        if self.seen == 0:
            self._first = digest(events[0])
            self._by_index = self._before.count == 0 or self._first == self._before.first
        start = self.seen
        self.seen += len(events)
        self._previous, self._copies = events[-1], 1
        fresh = events[max(0, self._before.count - start) :] if self._by_index else self._later(events)
        if fresh:
            self.cursor = Cursor(self.seen, self._first, fresh[-1][0], digest(fresh[-1]))
        return fresh

    def _again(self, event: LogLine) -> list[LogLine]:
        """Of the copy of an event: it is new if there was no such many of them before."""
        self._copies += 1
        last = digest(event) == self.cursor.last and (not self._by_index or self.seen == self.cursor.count)
        if not last or self._copies <= self.cursor.copies or _FIGURES.search(event[1]):
            return []
        self.cursor = replace(self.cursor, copies=self._copies)
        return [event]

    def _later(self, events: list[LogLine]) -> list[LogLine]:
        if self._found:
            return events
        last = instant(self._before.timestamp)
        for at, event in enumerate(events):
            moment = instant(event[0])
            if moment < last:
                continue
            self._found = moment > last or digest(event) == self._before.last
            if moment > last:
                return self._doubtful + events[at:]
            if self._found:
                return events[at + 1 :]
            self._doubtful.append(event)  # at the same moment: before the last one, unless that is gone
        return []


def last_copies(events: list[LogLine]) -> int:
    """How often the last event stands at the end, as `Replay` counts it."""
    last = events[-1]
    return 1 if _FIGURES.search(last[1]) else len(list(takewhile(last.__eq__, reversed(events))))


def text_bytes(events: list[LogLine]) -> bytes:
    """The lines of a log as the script wrote them, without the server's own first one."""
    lines = [line for _, line in events]
    text = "\n".join(lines)
    if HEADER in text:  # seldom: looking into each line would cost more than all the rest here
        lines = [line for line in lines if not line.startswith(HEADER)]
        text = "\n".join(lines)
    return (text + "\n").encode("utf-8", "replace") if lines else b""
