"""A run's output as it grows: bytes in, events, curves and a readable log out."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from hfft_widgets.core.run.events import PREFIX, Event, parse
from hfft_widgets.core.run.history import MetricHistory
from hfft_widgets.core.units import short
from hfft_widgets.scripts.masking import Mask

LOG_LINES = 2000
GOING_ON = "---- Going on from"
LINE_BYTES = 2**20  # of a longer line (a bar redrawn for hours, a binary file) the last bytes count
SHOWN_CHARACTERS = 4000  # of a line in the log
# terminal colours, cursor moves, window titles and links mean nothing in a notebook
_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)")
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_LAST_WORDS = frozenset({"end", "error", "stopped"})
_RESUMED = "resumed"  # the place says it between two starts of one script


@dataclass
class Journal:
    """What a run has told so far. Feed it the output's bytes in order, cut anywhere.

    One thread feeds; others may read meanwhile.

    Attributes:
        history: The metric curves.
        progress: The newest event that places the run (step, total steps), or None.
        said: The newest event of each kind.
        last: The kind of the newest event, or "".
        heard: Unix time of the newest event, by the script's clock; 0: none.
        first_log: The first log event with a step, or None.
        total_steps: Optimizer steps planned, as told last, or None.
        position: Bytes taken so far: where the next read goes on.
        word: The run's own, which its event lines carry once it was heard; "": none yet.
        samples: What it answered to its fixed prompts at each check, the newest 50.
        resumes: Where it went on after an end: the step of the checkpoint, and the Unix time.
        mask: Hides secrets in what is shown.
    """

    history: MetricHistory = field(default_factory=MetricHistory)
    progress: Event | None = None
    said: dict[str, Event] = field(default_factory=dict)
    last: str = ""
    heard: float = 0.0
    first_log: Event | None = None
    total_steps: int | None = None
    position: int = 0
    word: str = ""
    samples: deque[Event] = field(default_factory=lambda: deque(maxlen=50))
    resumes: list[tuple[int, float]] = field(default_factory=list)
    mask: Mask = field(default_factory=Mask)
    _rest: bytes = b""
    _hidden: tuple[str, str] = ("", "")  # the log as it was printed last, and without secrets
    _lines: deque[str] = field(default_factory=lambda: deque(maxlen=LOG_LINES))

    def feed(self, chunk: bytes) -> list[Event]:
        r"""Take the next bytes; returns the events they completed. Lines end at \n alone: U+2028 and \r are text."""
        self.position += len(chunk)
        *lines, rest = (self._rest + chunk).split(b"\n")
        self._rest = rest[-LINE_BYTES:]
        if len(lines) > LOG_LINES:  # of a script that prints without end nobody sees more than the last lines
            mark = PREFIX.encode()
            lines = [*(line for line in lines[:-LOG_LINES] if mark in line), *lines[-LOG_LINES:]]
        return [event for line in lines if (event := self._take(line[-LINE_BYTES:]))]

    def _take(self, raw: bytes) -> Event | None:
        line = _visible(raw)
        event = parse(line)
        if event is not None and self.word and event.word != self.word:
            event = None  # not the run's own: somebody printed what looks like one
            self._lines.append(_shown(line))
        if event is None:
            if line.strip() and not line.startswith(PREFIX):
                self._lines.append(_shown(line))
            return None
        event = self._masked(event, line)
        if event.kind != _RESUMED:  # which the place wrote: the script may have no word
            self.word = self.word or event.word
        if event.kind == _RESUMED:
            self._go_on(event)
        self.said[event.kind] = event
        if event.kind == "samples":
            self.samples.append(event)
        self.last, self.heard = event.kind, event.seconds
        if event.total_steps is not None:
            self.total_steps = event.total_steps
        if event.step is not None:
            self.progress = event
            if event.kind == "log" and self.first_log is None:
                self.first_log = event
        self.history.add(event)
        return event

    def _masked(self, event: Event, line: str) -> Event:
        """An event without the secrets in its texts; most have none but the names of known metrics."""
        named = not all(name in self.history for name in event.metrics)
        if not named and not any(isinstance(value, (str, list, dict)) for value in event.data.values()):
            return event
        return parse(self.mask.hide(line)) or replace(event, metrics={}, data={})

    def _go_on(self, event: Event) -> None:
        """What was said of the end before is no longer so."""
        for word in _LAST_WORDS:
            self.said.pop(word, None)
        self.resumes.append((event.step or 0, event.seconds))
        self._lines.append(going_on(event.step or 0))

    @property
    def log(self) -> str:
        """The last lines that are not events, progress bars reduced to their last state."""
        rest = _visible(self._rest)
        told = rest.startswith(PREFIX) or PREFIX.startswith(rest)  # an event whose end is still to come
        shown = "\n".join([*self._lines.copy(), *([] if told or not rest.strip() else [_shown(rest)])])
        if self._hidden[0] != shown:  # hiding is not cheap, and is done for what is shown alone
            self._hidden = shown, self.mask.hide(shown)
        return self._hidden[1]

    def data(self, kind: str) -> Mapping[str, Any]:
        """The data of the newest event of a kind; empty if there was none."""
        event = self.said.get(kind)
        return event.data if event else {}

    @property
    def doing(self) -> str:
        """What it said last about what it does, e.g. "Loading data and model"; "" once it went on with its steps.

        The message of an export's step stays: there are no others.
        """
        message = self.said.get("progress")
        steps = [self.said[kind].seconds for kind in ("log", "eval") if kind in self.said]
        if message is None or max(steps, default=float("-inf")) > message.seconds:
            return ""
        return str(message.data.get("message", ""))


def going_on(step: int) -> str:
    """The line of a log after which a script goes on from a checkpoint."""
    return f"{GOING_ON} step {step} ----"


def last_word(output: bytes, word: str = "") -> str:
    r"""The last of "end", "error" and "stopped" that a script told since it started; "" if it told none.

    >>> last_word(b'@hfft {"n": 8, "t": 1.0, "event": "end"}\nBye\n')
    'end'
    """
    lines = [line for line in output.split(b"\n") if PREFIX.encode() in line]
    own = [line for line in lines if word and f"{PREFIX}:{word} ".encode() in line]
    if any(f'"{_RESUMED}"'.encode() not in line for line in own):
        lines = own  # what a row printed is none of its words
    for line in reversed(lines):
        event = parse(_visible(line))
        if event and event.kind == _RESUMED:
            return ""
        if event and event.kind in _LAST_WORDS:
            return event.kind
    return ""


def _visible(raw: bytes) -> str:
    r"""What a terminal would show of a line: the part after its last carriage return, without colours."""
    text = _CONTROLS.sub("", _ESCAPES.sub("", raw.decode("utf-8", "replace")))
    parts = [part for part in text.split("\r") if part.strip()]
    return parts[-1] if parts else ""


def _shown(line: str) -> str:
    return short(line, SHOWN_CHARACTERS, " ...")
