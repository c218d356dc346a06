"""The estimates against published measurements, as they are scored by `python -m tests.bench.estimator`."""

from __future__ import annotations

from statistics import median

import numpy as np
import pytest

from tests.bench.estimator import CALIBRATION, FIELD, held_out, score
from tests.bench.literature import read

POINTS = {"calibration": read(CALIBRATION), "field": read(FIELD)}


@pytest.mark.parametrize("name", POINTS)
@pytest.mark.parametrize(
    ("kind", "typical", "worst", "width"), [("memory", 0.07, 0.18, 1.5), ("time", 0.15, 0.35, 2.5)]
)
def test_errors_and_ranges_stay_within_what_is_promised(name, kind, typical, worst, width):
    scores = [score(p) for p in POINTS[name] if p.kind == kind and not p.skipped and not p.doubt]
    assert median(s.error for s in scores) <= typical
    assert np.quantile([s.error for s in scores], 0.9) <= worst
    assert sum(s.covered for s in scores) / len(scores) >= 0.92
    measured = [s.high / s.low for s in scores if kind == "memory" or s.measured.flavor.measured]
    assert median(measured) <= width


def test_times_hold_with_each_source_left_out():
    chosen = [p for p in POINTS["calibration"] if p.kind == "time" and not p.skipped and not p.doubt]
    scores = held_out(chosen)
    assert median(s.error for s in scores) <= 0.15
    assert np.quantile([s.error for s in scores], 0.9) <= 0.35
