"""A run's card, from plain values."""

from __future__ import annotations

import pytest

from hfft_widgets.core.run.stage import Stage
from hfft_widgets.core.run.views import RunView, run_html


@pytest.mark.parametrize(
    ("low", "high", "shown"),
    [
        (0.001, 0.004, "<td><span>under $0.01</span></td>"),
        (0.31, 1.13, "<td><span>$0.31</span> to <span>$1.13</span></td>"),
    ],
)
def test_a_range_whose_ends_read_the_same_is_one_value(low, high, shown):
    estimate = {"seconds": {"low": 60, "mid": 90, "high": 120}, "usd": {"low": low, "mid": low, "high": high}}
    view = RunView("jobs:me/x", "SFT", Stage.COMPLETED, cost_usd=0.5, estimate=estimate, running_seconds=80)
    assert shown in run_html(view)
