"""The arithmetic is monotone where it must be and agrees with published points roughly; the ranges are honest."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hfft_widgets.core.plan.estimate import Work, estimate_work, memory_parts
from hfft_widgets.core.plan.flavors import FLAVORS, local_flavor
from tests.core.plan.conftest import qwen3

BY_NAME = {flavor.name: flavor for flavor in FLAVORS}
WORKS = st.builds(
    Work,
    method=st.sampled_from(["SFT", "DPO", "GRPO"]),
    lora_r=st.sampled_from([0, 16]),
    batch_size=st.integers(1, 32),
    accumulation=st.integers(1, 16),
    tokens_per_row=st.floats(1, 4096),
    max_length=st.integers(1, 4096),
    rows=st.integers(1, 10**6),
    epochs=st.floats(0.01, 10),
    checkpointing=st.booleans(),
    completion_tokens=st.integers(0, 512),
    generations=st.integers(1, 8),
)


@given(WORKS, st.sampled_from([*FLAVORS, local_flavor(8 * 2**30, 0.1)]))
def test_ranges_are_ordered_and_parts_add_up(work, flavor):
    estimate = estimate_work(qwen3("0.6B"), work, flavor)
    for span in (estimate.memory_bytes, estimate.seconds, estimate.usd):
        assert 0 <= span.low <= span.mid <= span.high
    assert sum(estimate.parts.values()) == pytest.approx(estimate.memory_bytes.mid)
    assert estimate.steps >= 1


@given(WORKS)
def test_more_of_anything_never_takes_less(work):
    model, flavor = qwen3("0.6B"), BY_NAME["a10g-small"]
    now = estimate_work(model, work, flavor)
    for change in ({"batch_size": work.batch_size + 1, "rows": work.rows}, {"max_length": work.max_length + 64}):
        more = sum(memory_parts(model, dataclasses.replace(work, **change), flavor).values())
        assert more >= now.memory_bytes.mid
    longer = estimate_work(model, dataclasses.replace(work, epochs=work.epochs * 2), flavor)
    assert longer.seconds.mid >= now.seconds.mid


def test_a_full_1_7b_does_not_fit_a_t4_and_its_adapters_do():
    work = Work("SFT", 0, 8, 1, 600, 1024, 1000, 1)
    full = estimate_work(qwen3("1.7B"), work, BY_NAME["t4-medium"])
    lora = estimate_work(qwen3("1.7B"), dataclasses.replace(work, lora_r=16, batch_size=4), BY_NAME["t4-medium"])
    assert not full.fits
    assert lora.fits


def test_the_price_is_the_documented_one_and_carries_its_date():
    work = Work("SFT", 16, 4, 4, 500, 1024, 2000, 1)
    estimate = estimate_work(qwen3("0.6B"), work, BY_NAME["t4-small"])
    assert estimate.usd.mid == pytest.approx(estimate.seconds.mid * 0.40 / 3600)
    assert estimate.prices_date in estimate.to_dict().values()
    assert "hub-docs" in estimate.prices_source


def test_this_machine_costs_nothing():
    work = Work("SFT", 0, 4, 1, 100, 128, 100, 1)
    assert estimate_work(qwen3("0.6B"), work, local_flavor(2**34, 0.1)).usd.high == 0
