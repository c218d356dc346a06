"""How long to train: steps first, then the epochs that make them.

A model learns in steps: below about 100 little happens, beyond about 2,000 most of what such a training gives is
there. Passes over the same rows are limited too: what was seen ten times is known by heart.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from hfft_widgets.core.method import Method
from hfft_widgets.core.units import plural

# optimizer steps: fewer teach little; more are seldom worth their price; one pass over all rows may take so many
_LEAST, _MOST, _WHOLE_PASS = 100, 2000, 5000
# a step that writes its answers first takes many times longer
_MOST_WRITTEN, _WHOLE_PASS_WRITTEN = 500, 1000
# passes over rows that are few: answers are repeated, preferences are overfitted sooner
_REPEATED, _REPEATED_PREFERENCES = 10, 3
# rows up to which a step learns from fewer, so that there are steps at all
_SMALLER_STEPS = ((100, 4), (400, 8))
USUAL_STEP, TINY_STEP = 16, 8


@dataclass(frozen=True)
class Duration:
    """How long a training takes.

    Attributes:
        epochs: Passes over the rows.
        max_steps: Where it ends earlier; -1: it does not.
        words: Why, "" where it is what is usual for the method.
    """

    epochs: float
    max_steps: int = -1
    words: str = ""


def rows_per_step(method: Method, rows: int, *, tiny: bool) -> int:
    """Rows, or answers, behind one step: 16; of tiny models 8, which gain from more steps; of few rows fewer."""
    usual = TINY_STEP if tiny else USUAL_STEP
    if method.generates:
        return usual
    return min(usual, next((size for below, size in _SMALLER_STEPS if rows < below), usual))


def duration(method: Method, rows: int, step: int, *, tiny: bool) -> Duration:
    """The epochs that suit so many rows.

    Args:
        method: The method.
        rows: Rows that are trained on.
        step: Of them behind one optimizer step.
        tiny: Whether the model is a toy, which learns from fewer passes.
    """
    usual, pass_steps = method.tiny_epochs if tiny else method.usual_epochs, max(1.0, rows / step)
    most, whole = (_MOST_WRITTEN, _WHOLE_PASS_WRITTEN) if method.generates else (_MOST, _WHOLE_PASS)
    few = min(
        math.ceil(_LEAST / pass_steps),
        _REPEATED if method.recommended_for in {"answers", ""} else _REPEATED_PREFERENCES,
    )
    if few > usual:
        steps = plural(math.ceil(rows / step) * few, "step")
        return Duration(
            few, words=f"{few} epochs, {steps}: {plural(rows, 'row')} are few, and a model learns in steps."
        )
    if pass_steps > whole:
        seen = whole * step
        return Duration(
            1, whole, f"{whole:,} steps, on {seen:,} of {rows:,} rows at random: more steps seldom teach more."
        )
    if pass_steps * usual > most and usual > 1:
        epochs = max(1, math.floor(most / pass_steps))
        passes = "1 epoch" if epochs == 1 else f"{epochs} epochs"
        return Duration(epochs, words=f"{passes} instead of {usual:g}: {plural(rows, 'row')} give steps enough.")
    return Duration(usual)
