"""A run's output as it grows: bytes in, events, curves and a readable log out."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from hfft_widgets.core.run.events import PREFIX, Event, parse
from hfft_widgets.core.run.history import MetricHistory

LOG_LINES = 2000
# terminal colours and cursor moves mean nothing in a notebook
_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]")


@dataclass
class Journal:
    """What a run has told so far. Feed it the output's bytes in order, cut anywhere.

    Attributes:
        history: The metric curves.
        progress: The newest event that places the run (step, total steps), or None.
        said: The newest event of each kind.
        position: Bytes taken so far: where the next read goes on.
    """

    history: MetricHistory = field(default_factory=MetricHistory)
    progress: Event | None = None
    said: dict[str, Event] = field(default_factory=dict)
    first_log: Event | None = None
    position: int = 0
    _rest: bytes = b""
    _lines: deque[str] = field(default_factory=lambda: deque(maxlen=LOG_LINES))

    def feed(self, chunk: bytes) -> list[Event]:
        r"""Take the next bytes; returns the events they completed. Lines end at \n alone (notes: U+2028 is text)."""
        self.position += len(chunk)
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        return [event for line in lines if (event := self._take(line))]

    def _take(self, raw: bytes) -> Event | None:
        line = _visible(raw)
        event = parse(line)
        if event is None:
            if line.strip() and PREFIX not in line:
                self._lines.append(line)
            return None
        self.said[event.kind] = event
        if event.step is not None:
            self.progress = event
            if event.kind == "log" and self.first_log is None:
                self.first_log = event
        self.history.add(event)
        return event

    @property
    def log(self) -> str:
        """The last lines that are not events, progress bars reduced to their last state."""
        rest = _visible(self._rest)
        tail = [rest] if rest.strip() and PREFIX not in rest else []
        return "\n".join([*self._lines, *tail])

    def data(self, kind: str) -> Mapping[str, Any]:
        """The data of the newest event of a kind; empty if there was none."""
        event = self.said.get(kind)
        return event.data if event else {}


def _visible(raw: bytes) -> str:
    r"""What a terminal would show of a line: the part after its last carriage return, without colours."""
    parts = [part for part in _ESCAPES.sub("", raw.decode("utf-8", "replace")).split("\r") if part.strip()]
    return parts[-1] if parts else ""
