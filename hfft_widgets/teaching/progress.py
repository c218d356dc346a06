"""What was answered and done, kept on this machine alone: no name, no clock, nothing is sent."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol
from weakref import WeakSet

from hfft_widgets import folders


class ProgressView(Protocol):
    """Who shows what is kept."""

    def refresh(self) -> None:
        """Show it anew."""


_VIEWS: WeakSet[ProgressView] = WeakSet()


@dataclass(frozen=True)
class Answered:
    """What one learner did.

    Attributes:
        answers: Question -> the letters that were answered, the first first.
        done: Exercises whose result was right.
    """

    answers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    done: frozenset[str] = frozenset()

    def with_answer(self, question: str, letter: str) -> Answered:
        """The same with one more answer; the same answer twice in a row counts once."""
        before = self.answers.get(question, ())
        if before[-1:] == (letter,):
            return self
        return Answered({**self.answers, question: (*before, letter)}, self.done)

    def with_done(self, exercise: str) -> Answered:
        """The same with that exercise done."""
        return Answered(self.answers, self.done | {exercise})


def kept() -> Answered:
    """What is kept; nothing where there is no file, or none that can be read."""
    try:
        kept: dict[str, Any] = json.loads(_file().read_text("utf-8"))
        answers = {str(name): tuple(map(str, given)) for name, given in kept["answers"].items()}
        return Answered(answers, frozenset(map(str, kept["done"])))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return Answered()


def follow(view: ProgressView) -> None:
    """Have it shown anew whenever something is kept, for as long as it is there."""
    _VIEWS.add(view)


def keep(state: Answered) -> None:
    """Keep it, and have it shown; where nothing can be written, the lesson goes on without."""
    with suppress(OSError):
        file = _file()
        file.parent.mkdir(parents=True, exist_ok=True)
        part = file.with_name(f"{file.name}.{os.getpid()}")
        values = {"answers": {name: list(given) for name, given in state.answers.items()}, "done": sorted(state.done)}
        part.write_text(json.dumps(values, indent=1), "utf-8")
        part.replace(file)
    for view in list(_VIEWS):
        view.refresh()


def forget() -> None:
    """Begin anew: for the next learner at this machine."""
    with suppress(OSError):
        _file().unlink(missing_ok=True)


def _file() -> Path:
    return folders.data("lessons.json")
