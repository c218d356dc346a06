"""How long to train: twenty rows are not six steps, two million rows are not three epochs."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hfft_widgets.core.method import METHODS
from hfft_widgets.core.plan.choose import PlanRequest, recommend
from hfft_widgets.core.plan.data_stats import data_stats
from hfft_widgets.core.plan.proposals.duration import duration, rows_per_step
from tests.core.plan.reports import MACHINES, model, report, words_of


def planned(rows: int, **request):
    found = report("messages")
    stats = {"rows": rows, "tokens_per_row": 300.0, "longest_tokens": 900, "lengths": None}
    data = dataclasses.replace(data_stats(found, "SFT"), **stats)
    return recommend(model("Qwen3-0.6B"), found, data, MACHINES, PlanRequest(settings=request))


def test_few_rows_are_seen_often_and_in_small_steps():
    made = planned(20)
    assert made.estimate.steps >= 40
    assert made.effective_batch_size == 4
    assert "10 epochs, 50 steps: 18 rows are few" in words_of(made)


def test_millions_of_rows_cost_no_fortune_and_the_whole_price_is_said():
    made = planned(2_000_000)
    assert made.estimate.steps <= 5000
    assert made.estimate.ceiling_usd < 5
    assert "on 80,000 of 1,999,900 rows" in words_of(made)
    assert "All rows once" in words_of(made)


def test_a_usual_amount_is_trained_as_usual():
    made = planned(2000)
    assert made.settings.num_train_epochs == 3
    assert planned(20_000).settings.num_train_epochs == 1


@pytest.mark.parametrize("said", [{"num_train_epochs": 2.5}, {"max_steps": 7}])
def test_what_a_person_said_stays(said):
    made = planned(20, **said)
    assert {name: getattr(made.settings, name) for name in said} == said


@given(st.sampled_from(list(METHODS.values())), st.integers(1, 10**8), st.booleans())
def test_steps_stay_within_reason(method, rows, tiny):
    step = rows_per_step(method, rows, tiny=tiny)
    found = duration(method, rows, step, tiny=tiny)
    steps = rows / step * found.epochs
    assert 0 < found.epochs <= 10
    assert found.max_steps > 0 or steps <= 6000
    assert steps >= 90 or found.epochs >= 3 or rows * 10 < 100 * step
