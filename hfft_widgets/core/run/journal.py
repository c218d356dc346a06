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
LINE_BYTES = 2**20  # of a longer line (a bar redrawn for hours, a binary file) the last bytes count
SHOWN_CHARACTERS = 4000  # of a line in the log
# terminal colours, cursor moves, window titles and links mean nothing in a notebook
_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)")
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_LAST_WORDS = frozenset({"end", "error", "stopped"})


@dataclass
class Journal:
    """What a run has told so far. Feed it the output's bytes in order, cut anywhere.

    One thread feeds; others may read meanwhile.

    Attributes:
        history: The metric curves.
        progress: The newest event that places the run (step, total steps), or None.
        said: The newest event of each kind.
        first_log: The first log event with a step, or None.
        total_steps: Optimizer steps planned, as told last, or None.
        position: Bytes taken so far: where the next read goes on.
    """

    history: MetricHistory = field(default_factory=MetricHistory)
    progress: Event | None = None
    said: dict[str, Event] = field(default_factory=dict)
    first_log: Event | None = None
    total_steps: int | None = None
    position: int = 0
    _rest: bytes = b""
    _lines: deque[str] = field(default_factory=lambda: deque(maxlen=LOG_LINES))

    def feed(self, chunk: bytes) -> list[Event]:
        r"""Take the next bytes; returns the events they completed. Lines end at \n alone: U+2028 and \r are text."""
        self.position += len(chunk)
        *lines, rest = (self._rest + chunk).split(b"\n")
        self._rest = rest[-LINE_BYTES:]
        return [event for line in lines if (event := self._take(line[-LINE_BYTES:]))]

    def _take(self, raw: bytes) -> Event | None:
        line = _visible(raw)
        event = parse(line)
        if event is None:
            if line.strip() and PREFIX not in line:
                self._lines.append(_shown(line))
            return None
        self.said[event.kind] = event
        if event.total_steps is not None:
            self.total_steps = event.total_steps
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
        told = PREFIX in rest or PREFIX.startswith(rest)  # an event whose end is still to come
        return "\n".join([*self._lines.copy(), *([] if told or not rest.strip() else [_shown(rest)])])

    def data(self, kind: str) -> Mapping[str, Any]:
        """The data of the newest event of a kind; empty if there was none."""
        event = self.said.get(kind)
        return event.data if event else {}


def last_word(output: bytes) -> str:
    r"""The last of "end", "error" and "stopped" that a script told; "" if it told none.

    >>> last_word(b'@hfft {"n": 8, "t": 1.0, "event": "end"}\nBye\n')
    'end'
    """
    for line in reversed(output.split(b"\n")):
        event = parse(_visible(line)) if PREFIX.encode() in line else None
        if event and event.kind in _LAST_WORDS:
            return event.kind
    return ""


def _visible(raw: bytes) -> str:
    r"""What a terminal would show of a line: the part after its last carriage return, without colours."""
    text = _CONTROLS.sub("", _ESCAPES.sub("", raw.decode("utf-8", "replace")))
    parts = [part for part in text.split("\r") if part.strip()]
    return parts[-1] if parts else ""


def _shown(line: str) -> str:
    return line if len(line) <= SHOWN_CHARACTERS else line[:SHOWN_CHARACTERS] + " ..."
