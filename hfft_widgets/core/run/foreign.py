r"""What trainers print by themselves, as event lines: for jobs that this package did not start.

Transformers prints `{'loss': '5.72', 'epoch': '0.05'}`: a Python dict, floats as text with four digits, no step. With
progress bars the dict follows them in the same line, behind carriage returns; the bar then tells the step.
"""

from __future__ import annotations

import ast
import json
import math
import re
from typing import Any

from hfft_widgets.core.run.events import PREFIX

_BAR = re.compile(r"(?:^|\r) {0,9}\d{1,3}%\|[^|\r]{0,400}\| {0,9}(\d{1,9})/(\d{1,9}) \[")
_LINE_CHARACTERS = 20_000  # of a longer line the last ones count
_DICT_CHARACTERS = 10_000
_TOLD = ("loss", "eval_loss", "train_loss", "reward", "epoch")


class ForeignLog:
    """Turns the lines of one foreign job, in order, into lines that a journal reads."""

    def __init__(self) -> None:
        self._n = 0
        self._step = 0
        self._total = 0
        self._logged = 0

    def take(self, text: str, seconds: float) -> str:
        """The line, without metrics in it as they were printed, and an event line behind it if it held some.

        Args:
            text: One line of the log.
            seconds: Unix time of the line.
        """
        text = text[-_LINE_CHARACTERS:]
        if not ("{'" in text or "%|" in text) or PREFIX in text:
            return text
        for found in _BAR.finditer(text):
            self._see_bar(int(found[1]), int(found[2]))
        metrics = _metrics(text)
        if metrics is None:
            return text
        return f"{PREFIX} " + json.dumps(self._event(metrics, seconds))

    def _see_bar(self, step: int, total: int) -> None:
        """The training's bar has the largest total; those of evaluations and downloads are shorter."""
        if total >= self._total and (total > 1 or self._total):
            self._step, self._total = step, total

    def _event(self, metrics: dict[str, Any], seconds: float) -> dict[str, Any]:
        kind = "summary" if "train_runtime" in metrics else "eval" if _evaluates(metrics) else "log"
        if kind == "log":  # a bar is redrawn at most ten times a second: it may lag behind
            self._logged = max(self._logged + 1, self._step)
        epoch = metrics.pop("epoch", None)
        event: dict[str, Any] = {"n": self._n, "t": seconds, "event": kind, "metrics": metrics}
        event["step"] = max(self._logged, self._step)
        if self._total:
            event["total_steps"] = self._total
        if isinstance(epoch, float) and math.isfinite(epoch):
            event["epoch"] = epoch
        self._n += 1
        return event


def _evaluates(metrics: dict[str, Any]) -> bool:
    return any(name.startswith("eval_") for name in metrics)


def _metrics(text: str) -> dict[str, Any] | None:
    """The metrics at the end of a line, nan and inf as text; None if there are none."""
    last = text[text.rfind("{'") :].strip() if "{'" in text else ""
    if not last.endswith("}") or len(last) > _DICT_CHARACTERS:
        return None
    try:
        values = {str(name): _number(value) for name, value in ast.literal_eval(last).items()}
    except (ValueError, SyntaxError, TypeError, AttributeError, RecursionError, MemoryError, OverflowError):
        return None
    return values if any(name in values for name in _TOLD) else None


def _number(value: Any) -> float | str | None:
    if value is None:
        return None
    number = float(value)
    return number if math.isfinite(number) else str(number)
