"""What is known of one class of failures: how it shows, what it means, what to do."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from hfft_widgets.core.method import METHODS
from hfft_widgets.core.run.diagnosis.tracebacks import Raised

Change = Callable[[Mapping[str, Any]], dict[str, Any]]
"""From a plan as JSON values to the settings to replace; empty: nothing is left to change."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A class of failures, and how it shows. The first that shows, in the order of the table, is the cause.

    Attributes:
        name: Its name.
        cause: What happened and why, in words; "most often" where it is only likely.
        remedy: What to do next.
        source: Where a text of it comes from: a library's file, or an issue.
        raised: Regular expressions that `Type: message` begins with, quoted data cut out: the type first.
        quoting: Regular expression found in the message as it is, where a quoted path tells.
        unless: Regular expression of a place, as `file:function`, in which the same words mean something else.
        within: Regular expression of the place in which it is raised, if its words alone do not tell.
        line: Regular expression of a line of the log that is part of no traceback.
        place: Regular expression of what the place that ran it says about the end.
        codes: Exit codes, as signals where they are negative, that mean it where nothing else is known.
        value: Regular expression of what to name, its first group, in the message as it is.
        naming: `cause` with `{value}` in it.
        naming_remedy: `remedy` with `{value}` in it.
        of_export: `remedy` where it was an export.
        memory: Whether it had too little memory: a lighter plan may help.
        change: The settings that help, by the plan.
    """

    name: str
    cause: str
    remedy: str
    source: str
    raised: tuple[str, ...] = ()
    quoting: str = ""
    unless: str = ""
    within: str = ""
    line: str = ""
    place: str = ""
    codes: tuple[int, ...] = ()
    value: str = ""
    naming: str = ""
    naming_remedy: str = ""
    of_export: str = ""
    memory: bool = False
    change: Change | None = None

    def is_raised_by(self, raised: Raised) -> bool:
        """Whether an exception is of this class."""
        if self.unless and re.search(self.unless, raised.place):
            return False
        if self.within and not re.search(self.within, raised.place):
            return False
        if self.quoting and not re.search(self.quoting, raised.text):
            return False
        words = raised.own_words
        return any(re.match(pattern, words) for pattern in self.raised)

    def named(self, text: str) -> str:
        """What a text names of it; "" if nothing."""
        found = re.search(self.value, text) if self.value else None
        return next((group for group in found.groups() if group), "").strip()[:80] if found else ""

    def words(self, value: str) -> str:
        """The cause, with what was named."""
        return self.naming.format(value=value) if value and self.naming else self.cause

    def advice(self, value: str, kind: str) -> str:
        """The remedy of a training or an export, with what was named."""
        if value and self.naming_remedy:
            return self.naming_remedy.format(value=value, extra="gguf" if kind == "export" else "train")
        return self.of_export if kind == "export" and self.of_export else self.remedy


def smaller_batch(plan: Mapping[str, Any]) -> dict[str, Any]:
    """The same batch in smaller pieces, which learns the same; where there is one row left, shorter rows."""
    settings = plan.get("settings") or {}
    size, pieces = settings.get("batch_size"), settings.get("accumulation")
    method = METHODS.get(str(plan.get("method")))
    least = method.least_batch if method else 1
    if isinstance(size, int) and isinstance(pieces, int):
        divisor = next((d for d in range(2, size + 1) if size % d == 0 and size // d >= least), None)
        if divisor:
            return {"batch_size": size // divisor, "accumulation": pieces * divisor}
    if plan.get("peft") == "none":
        return {"peft": "lora"}
    length = settings.get("max_length")
    return {"max_length": length // 2} if isinstance(length, int) and length >= 256 else {}


def gentler(plan: Mapping[str, Any]) -> dict[str, Any]:
    """A third of the learning rate."""
    rate = (plan.get("settings") or {}).get("learning_rate")
    return {"learning_rate": float(f"{rate / 3:.1e}")} if isinstance(rate, (int, float)) else {}
