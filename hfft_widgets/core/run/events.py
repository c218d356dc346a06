"""Event lines: how a script tells what it does, whatever carries its output.

A script prints one ASCII line per event, `@hfft:word {json}`, and anything else between them. The word is the run's
own, so that nothing a row prints can pass for an event; where there is none, the line is `@hfft {json}`. The keys: `n`
counts from 0 in one process, `t` is Unix time in seconds, `event` names the kind, `step` and `total_steps` place it,
`epoch` is a float, `metrics` holds raw floats (nan and inf as strings, a missing value as null); every other key is
that event's own data. `hfft_widgets.scripts.events` writes these lines.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

PREFIX = "@hfft"
_LINE = re.compile(r"@hfft(?::([0-9a-f]{4,32}))? (\{.*)", re.DOTALL)
_MOST_STEPS = 10**12
_NAME_CHARACTERS = 200
_PLACED = frozenset({"n", "t", "event", "step", "total_steps", "epoch", "metrics"})
_HALF_PAIR = re.compile("[\ud800-\udfff]")  # JSON can spell them, no encoding can carry them on


@dataclass(frozen=True, slots=True)
class Event:
    """One thing a script told.

    Attributes:
        n: Counter within one process of the script, from 0.
        seconds: Unix time.
        kind: start, log, eval, save, progress, answers, verified, stopped, end or error; others are kept.
        step: Optimizer steps done, or None.
        total_steps: Optimizer steps planned, or None.
        epoch: Passes over the data so far, or None.
        metrics: Raw floats; None where a metric had no value.
        data: What else the event carries.
        word: The run's own, or "".
    """

    n: int
    seconds: float
    kind: str
    step: int | None = None
    total_steps: int | None = None
    epoch: float | None = None
    metrics: Mapping[str, float | None] = field(default_factory=dict)
    data: Mapping[str, Any] = field(default_factory=dict)
    word: str = ""


def parse(line: str) -> Event | None:
    """The event in a line, or None if the line is not one (also if it is cut or damaged).

    >>> parse('@hfft {"n": 3, "t": 5.0, "event": "log", "step": 7, "metrics": {"loss": 2.5}}').metrics
    {'loss': 2.5}
    >>> parse("Loading weights: 100%") is None
    True
    """
    found = _LINE.match(line)
    if found is None:
        return None
    try:
        raw = json.loads(found[2])
        return _event(_clean(raw) if "\\u" in line else raw, found[1] or "")
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError):
        return None


def _event(raw: dict[str, Any], word: str) -> Event:
    seconds = float(raw["t"])
    if not math.isfinite(seconds):
        raise ValueError("an event happens at some time")
    return Event(
        n=_bounded(int(raw["n"])),
        seconds=seconds,
        kind=str(raw["event"])[:_NAME_CHARACTERS],
        step=_whole(raw.get("step")),
        total_steps=_whole(raw.get("total_steps")),
        epoch=_number(raw.get("epoch")),
        metrics={str(k)[:_NAME_CHARACTERS]: _number(v) for k, v in (raw.get("metrics") or {}).items() if _is_number(v)},
        data={str(k): v for k, v in raw.items() if k not in _PLACED},
        word=word,
    )


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return _HALF_PAIR.sub("\ufffd", value)
    if isinstance(value, list):
        return [_clean(item) for item in value]
    return {_clean(key): _clean(item) for key, item in value.items()} if isinstance(value, dict) else value


def _is_number(value: object) -> bool:
    if isinstance(value, str):
        return value in {"nan", "inf", "-inf"}
    return value is None or (isinstance(value, (int, float)) and not isinstance(value, bool))


def _number(value: Any) -> float | None:
    return None if value is None else float(value)


def _whole(value: Any) -> int | None:
    number = _number(value)
    return None if number is None or not math.isfinite(number) else _bounded(int(number))


def _bounded(number: int) -> int:
    """A count that makes sense; raises ValueError."""
    if not -_MOST_STEPS < number < _MOST_STEPS:
        raise ValueError("no training has so many steps")
    return number
