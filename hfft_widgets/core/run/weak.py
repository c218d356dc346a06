"""Which runs of a sweep are not worth their end: the median stopping rule.

A run is ended where its best held-out score so far is worse than the median of what the others had reached by the same
step (Golovin et al., Google Vizier, KDD 2017, section 3.2.2). The first third of each run is left alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isfinite
from statistics import median

_GRACE = 1 / 3
_MARGIN = 0.01  # of the median: so little is no difference

Curve = Sequence[tuple[int, float]]


def weak(curves: Mapping[int, Curve], one: int, steps: int, *, higher: bool) -> bool:
    """Whether a run should be ended now.

    >>> curves = {0: [(0, 3.0), (10, 2.0), (20, 1.5)], 1: [(0, 3.0), (10, 2.9)]}
    >>> weak(curves, 1, 30, higher=False), weak(curves, 0, 30, higher=False)
    (True, False)

    Args:
        curves: Number of a run -> its held-out scores as (step, score), in the order of the steps.
        one: The number of the run that is asked for.
        steps: Steps that it will make in all.
        higher: Whether a higher score is better.
    """
    own = _finite(curves.get(one, ()))
    if not own or own[-1][0] < _GRACE * steps:
        return False
    at = own[-1][0]
    others = [_reached(curve, at, higher=higher) for number, curve in curves.items() if number != one]
    known = [score for score in others if score is not None]
    best = _reached(own, at, higher=higher)
    if not known or best is None:
        return False
    middle = median(known)
    margin = _MARGIN * abs(middle)
    return best < middle - margin if higher else best > middle + margin


def _finite(curve: Curve) -> list[tuple[int, float]]:
    return [(step, score) for step, score in curve if step > 0 and isfinite(score)]


def _reached(curve: Curve, step: int, *, higher: bool) -> float | None:
    """The best score up to a step; None of a run that is not so far."""
    known = _finite(curve)
    if not known or known[-1][0] < step:
        return None
    return (max if higher else min)(score for at, score in known if at <= step)
