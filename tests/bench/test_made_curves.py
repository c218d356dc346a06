"""The forecast of the final held-out loss, on curves that its band was not made with."""

from __future__ import annotations

import json
from statistics import fmean, median

import pytest

from hfft_widgets.core.run.forecast import forecast
from hfft_widgets.core.run.history import Point
from tests.bench.made_curves import FOR_THE_RULE, KEPT

CURVES = json.loads(KEPT.read_text("utf-8"))[FOR_THE_RULE:]


def ends(share: float, each: int = 1) -> list[tuple[float, bool]]:
    """For each curve, told to this share of its steps: by how much the forecast misses, and whether its band holds.

    Args:
        share: Of the steps.
        each: Only every second, third ... check was made.
    """
    found = []
    for one in CURVES:
        total, final = one["curve"][-1]
        told = [Point(step, value, None, 0.0) for step, value in one["curve"][::each] if step <= total * share]
        guess = forecast(told, total)
        found.append((abs(guess.final - final) / final, guess.low <= final <= guess.high))
    return found


@pytest.mark.parametrize(("share", "error"), [(0.25, 0.05), (0.5, 0.03), (0.75, 0.01)])
def test_it_misses_by_little_and_its_band_holds(share, error):
    misses, holds = zip(*ends(share), strict=True)
    assert median(misses) <= error
    assert fmean(holds) >= 0.88


def test_of_few_checks_it_misses_by_little_more():
    misses, holds = zip(*ends(0.25, each=3), strict=True)  # three points
    assert median(misses) <= 0.08
    assert fmean(holds) >= 0.85


def test_of_too_few_points_or_after_the_end_nothing_is_said():
    points = [Point(step, 2.0, None, 0.0) for step in range(3)]
    assert forecast(points, 100) is None  # step 0 is before the training
    assert forecast(points[1:] * 2, None) is None
    assert forecast([Point(step, 2.0, None, 0.0) for step in range(1, 9)], 8) is None


def test_what_rises_buys_nothing():
    rising = [Point(step, 1.0 + step / 10, None, 0.0) for step in range(1, 9)]
    found = forecast(rising, 20)
    assert found.final == found.now
    assert "buys nothing" in found.words()
    assert "Another $0.40" in found.words(0.4)
