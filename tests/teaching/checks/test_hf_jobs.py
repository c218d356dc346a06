"""The ceiling of a job."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from hfft_widgets.teaching.checks import check


@pytest.mark.parametrize(
    ("dollars", "words"),
    [(0.3, ""), (0.3001, ""), (0.4, "a whole hour"), (18, "times the minutes"), (1, "more than"), (0.1, "less than"),
     ("0.3", "as a number"), (True, "as a number")],
)  # fmt: skip
def test_price_times_time_limit(dollars, words):
    outcome = check("hf_jobs-ex1", dollars)
    assert bool(outcome) is not bool(words), str(outcome)
    assert words in str(outcome)


@pytest.mark.parametrize(("limit", "words"), [(0.01, ""), (0.4, "more than the $0.05"), (None, "Give the limit")])
def test_a_limit_of_ones_own(limit, words):
    outcome = check("hf_jobs-ex1-own", SimpleNamespace(usd=limit) if limit else "0.01")
    assert bool(outcome) is not bool(words), str(outcome)
    assert words in str(outcome)
