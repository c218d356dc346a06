"""Twins of TRL 1.16's six trainers: what each makes of a row, without training anything.

A twin does with a row what the trainer does, in the same order, so that it fails where the trainer fails and shows
the very text that would be learned. `TrainerEmulator` runs one and turns whatever it raises into a `Reading`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from itertools import permutations

from hfft_widgets.core.data.columns import Row
from hfft_widgets.core.data.emulators.base import (
    ALL,
    ASKED,
    Context,
    NoAnswerError,
    Passage,
    Prepare,
    Read,
    Reading,
    TemplateRefusedError,
)
from hfft_widgets.core.data.emulators.online import online
from hfft_widgets.core.data.emulators.preference import dpo, kto, reward
from hfft_widgets.core.data.emulators.sft import sft
from hfft_widgets.core.data.templates import ChatTemplate

__all__ = ["EMULATORS", "Passage", "Reading", "TrainerEmulator"]

EMULATORS: dict[str, Prepare] = {
    "SFT": sft, "DPO": dpo, "GRPO": online, "KTO": kto, "Reward": reward, "RLOO": online,
}  # fmt: skip


# Enough orders that any name comes first, and any second where the first one is no column.
_ORDERS = tuple((a, b, *(name for name in ASKED if name not in {a, b})) for a, b in permutations(ASKED, 2))


class TrainerEmulator:
    """A trainer that has seen its first row.

    Where the answer depends on the order in which Python's sets happen to give names (it changes with
    PYTHONHASHSEED), every order is tried, and a row refused in one of them counts as refused.

    Args:
        method: One of `EMULATORS`.
        first: The dataset's first row: it decides the path of all.
        template: The chat template.
        vision: Whether the model reads pictures; None: not known.
        learned: Which words of a conversation: "all", as TRL does by itself, or "answers".
    """

    def __init__(
        self, method: str, first: Row, template: ChatTemplate, vision: bool | None = None, learned: str = ALL
    ) -> None:
        self.method = method
        self._first = first
        self._model = (template, vision, learned)
        self._run = lru_cache(maxsize=None)(self._prepared)

    def read(self, row: Row) -> Reading:
        """What the trainer makes of this row."""
        reading, ambiguous = self._read(ASKED, row)
        if reading.refusal or not ambiguous:
            return reading
        others = (self._read(order, row)[0] for order in _ORDERS)
        return next((other for other in others if other.refusal), reading)

    def _read(self, order: tuple[str, ...], row: Row) -> tuple[Reading, bool]:
        trial, read = self._run(order)
        if isinstance(read, Reading):
            return read, trial.ambiguous
        return _caught(lambda: read(row)), trial.ambiguous

    def _prepared(self, order: tuple[str, ...]) -> tuple[Context, Read | Reading]:
        trial = Context(*self._model, order)
        try:
            return trial, EMULATORS[self.method](trial, self._first)
        except Exception as error:  # noqa: BLE001 - the first row ends the trainer as it ends its twin
            return trial, refused(error)


def _caught(read: Callable[[], Reading]) -> Reading:
    try:
        return read()
    except Exception as error:  # noqa: BLE001 - whatever a row makes the twin raise, it makes the trainer raise
        return refused(error)


def refused(error: Exception) -> Reading:
    """The reading that this error is."""
    by_template = isinstance(error, TemplateRefusedError)
    words = str(error) if by_template or isinstance(error, NoAnswerError) else f"{type(error).__name__}: {error}"
    unanswered = isinstance(error, NoAnswerError)
    return Reading(refusal=words.replace("\n", " ")[:300], by_template=by_template, unanswered=unanswered)
