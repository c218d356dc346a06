"""What a curve is drawn over, how much of its noise is left, and which of its points are marked."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from itertools import pairwise
from math import isfinite
from typing import Literal

from hfft_widgets.core.run.health import Best
from hfft_widgets.core.run.history import Point

Axis = Literal["step", "epoch", "time", "tokens"]
AXES: Mapping[Axis, str] = {"step": "step", "epoch": "epoch", "time": "minutes", "tokens": "tokens"}
"""What can be the horizontal axis -> its title."""

BEST, NOT_A_NUMBER, WENT_ON = "best", "not a number", "went on from a checkpoint"
_TOKENS = "num_tokens"  # as TRL's trainers log it
_LONGEST_GAP = 3600.0  # seconds between two points: more is a night in which it did not run

History = Mapping[str, Sequence[Point]]


def along(points: Sequence[Point], axis: Axis, history: History) -> list[float | None]:
    """Where each point stands on an axis; None where that is not known.

    >>> points = [Point(1, 2.0, 0.1, 60.0), Point(2, 1.5, 0.2, 120.0)]
    >>> along(points, "epoch", {}), along(points, "time", {"loss": points})
    ([0.1, 0.2], [0.0, 1.0])
    """
    if axis == "epoch":
        return [point.epoch for point in points]
    if axis == "tokens":
        return _tokens_at(points, history.get(_TOKENS, ()))
    if axis == "time":
        return _minutes_at(points, max(history.values(), key=len, default=()))
    return [float(point.step) for point in points]


def _tokens_at(points: Sequence[Point], told: Sequence[Point]) -> list[float | None]:
    steps = [point.step for point in told]
    at = [bisect_right(steps, point.step) - 1 for point in points]
    return [told[place].value if place >= 0 else None for place in at]


def _minutes_at(points: Sequence[Point], all_points: Sequence[Point]) -> list[float | None]:
    """Minutes that it ran until then: a pause between an end and a going on is no part, nor a clock set back."""
    steps, gone = [point.step for point in all_points], [0.0] if all_points else []
    for before, after in pairwise(all_points):
        gap = after.seconds - before.seconds
        gone.append(gone[-1] + (gap if 0 <= gap <= _LONGEST_GAP else 0.0))
    return [gone[max(0, bisect_right(steps, point.step) - 1)] / 60 if gone else None for point in points]


def smoothed(values: Sequence[float], weight: float) -> list[float]:
    """The exponential moving average, without the pull of its start (Kingma and Ba, Adam, section 3); gaps stay.

    >>> smoothed([4.0, 2.0, 2.0], 0.5)
    [4.0, 2.6666666666666665, 2.2857142857142856]

    Args:
        values: A curve.
        weight: From 0 (as it is) up to 1: how much of what was before is left.
    """
    found, mean, share = [], 0.0, 0.0
    for value in values:
        if isfinite(value):
            mean = weight * mean + (1 - weight) * value
            share = weight * share + (1 - weight)
        found.append(mean / share if isfinite(value) and share else value)
    return found


def marks(
    name: str, points: Sequence[Point], best: Best | None, resumes: Sequence[tuple[int, float]]
) -> dict[str, list[Point]]:
    """Points of a curve worth a mark: the best one before the last, where it was no number, where the run went on.

    Args:
        name: The metric.
        points: Its curve.
        best: The run's best evaluation.
        resumes: Where the run went on: the checkpoint's step, and when.
    """
    found: dict[str, list[Point]] = {}
    if best is not None and best.metric == name:
        found[BEST] = [point for point in points[:-1] if point.step == best.step]
    last: Point | None = None
    for point in points:
        if isfinite(point.value):
            last = point
        elif last is not None:  # where it would be, if it were one
            found.setdefault(NOT_A_NUMBER, []).append(Point(point.step, last.value, point.epoch, point.seconds))
    after = [next((p for p in points if p.step > step and isfinite(p.value)), None) for step, _ in resumes]
    if kept := [point for point in after if point is not None]:
        found[WENT_ON] = kept
    return {mark: rows for mark, rows in found.items() if rows}
