"""The median stopping rule: who is clearly behind is ended, and nobody before a third of the way."""

from __future__ import annotations

import math

from hfft_widgets.core.run.weak import weak

GOOD = [(0, 3.0), (10, 2.0), (20, 1.5), (30, 1.4)]


def test_nobody_is_ended_before_a_third_of_the_steps():
    assert not weak({0: GOOD, 1: [(0, 3.0), (10, 9.0)]}, 1, 31, higher=False)
    assert weak({0: GOOD, 1: [(0, 3.0), (10, 9.0)]}, 1, 30, higher=False)


def test_the_best_and_the_middle_go_on():
    curves = {0: GOOD, 1: [(10, 2.2)], 2: [(10, 3.0)]}
    assert [weak(curves, at, 30, higher=False) for at in curves] == [False, False, True]


def test_nobody_to_compare_with_ends_nothing():
    assert not weak({0: GOOD}, 0, 30, higher=False)
    assert not weak({0: [(0, 3.0)], 1: [(10, 5.0)]}, 1, 30, higher=False)


def test_a_reward_is_better_if_higher_and_no_number_is_no_score():
    curves = {0: [(10, 0.5)], 1: [(10, 0.1)], 2: [(5, math.nan), (10, math.nan)]}
    assert weak(curves, 1, 30, higher=True)
    assert not weak(curves, 0, 30, higher=True)
    assert not weak(curves, 2, 30, higher=True)


def test_a_hundredth_is_no_difference():
    assert not weak({0: [(10, 2.0)], 1: [(10, 2.019)]}, 1, 30, higher=False)
