"""Axes of curves, smoothing, marks."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from hfft_widgets.core.run.curves.axes import along, marks, smoothed
from hfft_widgets.core.run.health import Best
from hfft_widgets.core.run.history import Point


def test_a_night_in_which_it_did_not_run_is_no_time():
    points = [Point(1, 1.0, None, 0.0), Point(2, 1.0, None, 60.0), Point(3, 1.0, None, 40_000.0)]
    points.append(Point(4, 1.0, None, 40_060.0))
    assert along(points, "time", {"loss": points}) == [0.0, 1.0, 1.0, 2.0]
    assert along(points, "epoch", {}) == [None] * 4
    assert along(points, "tokens", {"num_tokens": points[1:2]}) == [None, 1.0, 1.0, 1.0]


@given(st.lists(st.floats(-1e6, 1e6) | st.just(math.nan)), st.floats(0, 0.99))
def test_smoothing_stays_within_the_curve_and_keeps_its_gaps(values, weight):
    found = smoothed(values, weight)
    assert [math.isnan(value) for value in found] == [math.isnan(value) for value in values]
    finite = [value for value in values if not math.isnan(value)]
    kept = [value for value in found if not math.isnan(value)]
    assert all(min(finite) - 1e-3 <= value <= max(finite) + 1e-3 for value in kept)


def test_only_the_curve_of_the_best_is_marked():
    points = [Point(1, 2.0, None, 0.0), Point(2, 1.0, None, 1.0), Point(3, 1.5, None, 2.0)]
    best = Best("eval_loss", 2, 1.0, 1.0)
    assert marks("eval_loss", points, best, []) == {"best": points[1:2]}
    assert marks("eval_loss", points[:2], best, []) == {}  # where the curve ends, anybody sees it
    assert marks("loss", points, best, []) == {}
