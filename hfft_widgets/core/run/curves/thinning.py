"""Fewer points, same picture: what a chart a thousand pixels wide can show of a long curve."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite


def thin(x: Sequence[float], y: Sequence[float], cap: int) -> list[int]:
    """Choose the points that keep a curve's shape.

    The range of x is cut into `(cap - 2) // 2` equal buckets. Each keeps its lowest and its highest value, and its
    first gap (a nan or an infinity), the curve its two ends: spikes and gaps survive, which an average would hide.
    Buckets that merge keep their extremes, so thinning what was thinned before, after more points came, loses
    nothing more.

    >>> thin([0, 1, 2, 3, 4, 5], [0, 0, 9, 0, 0, 0], 4)
    [0, 2, 5]

    Args:
        x: Finite and rising, shape (n,).
        y: Shape (n,).
        cap: About how many points to keep: at most `cap`, and one more per bucket that has a gap.

    Returns:
        Rising indices into x and y; all of them where there are no more than `cap`.
    """
    count = len(x)
    if count <= cap:
        return list(range(count))
    last_bucket = max(1, (cap - 2) // 2) - 1
    start = x[0]
    buckets_per_x = (last_bucket + 1) / ((x[-1] - start) or 1.0)
    lows: dict[int, int] = {}
    highs: dict[int, int] = {}
    gaps: dict[int, int] = {}
    for i, value in enumerate(y):
        bucket = min(last_bucket, int((x[i] - start) * buckets_per_x))
        if not isfinite(value):
            gaps.setdefault(bucket, i)
            continue
        if value < y[lows.setdefault(bucket, i)]:
            lows[bucket] = i
        if value > y[highs.setdefault(bucket, i)]:
            highs[bucket] = i
    return sorted({0, count - 1, *lows.values(), *highs.values(), *gaps.values()})
