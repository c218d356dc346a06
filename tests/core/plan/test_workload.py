"""`hfft.estimate`: plain figures in, an estimate out; what is not allowed is named."""

from __future__ import annotations

import pytest

import hfft_widgets as hfft
from hfft_widgets.errors import PlanError
from tests.core.plan.reports import plan
from tests.core.plan.test_model import LLAMA_3_2_3B


def estimate(**changes):
    return hfft.estimate(LLAMA_3_2_3B, **{"gpu": "A100", **changes})


def test_each_figure_is_a_range_with_parts_and_prices():
    found = estimate(tokens=1e6)
    for span in (found.memory_bytes, found.seconds, found.usd):
        assert 0 < span.low < span.mid < span.high
    assert found.parts["weights"] == pytest.approx(2 * 3_212_749_824)
    assert found.prices_source
    assert found.prices_date
    assert found.to_dict()["usd"]["mid"] == found.usd.mid


def test_less_is_held_with_adapters_and_less_still_with_four_bits():
    full, lora, qlora = (estimate(peft=peft).memory_bytes.mid for peft in ("none", "lora", "qlora"))
    assert qlora < lora < full
    # 3.2 billion in float32 with gradient and two moments
    assert full > 16 * 3.2e9


def test_tokens_are_what_time_is_made_of():
    once, twice = (estimate(tokens=tokens) for tokens in (2**23, 2**24))
    assert twice.steps == 2 * once.steps
    assert twice.seconds.mid - twice.startup_seconds == pytest.approx(2 * (once.seconds.mid - once.startup_seconds))


def test_settings_that_change_memory():
    base = estimate(peft="none").memory_bytes.mid
    assert estimate(peft="none", dtype="bfloat16").memory_bytes.mid < base
    assert estimate(peft="none", optimizer="adamw_8bit").memory_bytes.mid < base
    assert estimate(peft="none", full_logits=True, batch_size=32).memory_bytes.mid > base
    assert estimate(peft="none", checkpointing=False).memory_bytes.mid > base
    assert estimate(method="DPO", peft="none").memory_bytes.mid > base


def test_more_cards_take_less_time():
    assert estimate(gpus=4, tokens=1e8).seconds.mid < estimate(tokens=1e8).seconds.mid / 3


def test_emulated_bfloat16_is_slow_and_the_default_is_not():
    emulated, native = (estimate(gpu="T4", mixed_precision=m, tokens=1e6).seconds.mid for m in ("bf16", "auto"))
    assert emulated > 2 * native


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"method": "PPO"}, "SFT"), ({"peft": "dora"}, "qlora"), ({"gpu": "abacus"}, "H200"),
        ({"dtype": "int4"}, "float16"), ({"optimizer": "lion"}, "sgd"), ({"mixed_precision": "fp8"}, "bf16"),
        ({"batch_size": 0}, "at least 1"), ({"max_length": 10.5}, "whole number"), ({"tokens": -1}, "above 0"),
        ({"epochs": float("nan")}, "above 0"), ({"tokens_per_row": "many"}, "above 0"),
        ({"gpu": None, "flavor": "x"}, "t4-small"),
        ({"gpus": 0}, "at least 1"),
    ],
)  # fmt: skip
def test_what_is_not_allowed_is_named_with_what_is(change, words):
    with pytest.raises(PlanError, match=words):
        estimate(**change)


def test_kto_learns_from_both_answers_of_a_pair():
    pairs, marked = (plan(kind=kind, method="KTO", count=600, eval_rows=100) for kind in ("preference", "marked"))
    assert (pairs.examples_per_row, marked.examples_per_row) == (2, 1)
    assert (pairs.work.rows, marked.work.rows) == (1000, 500)
    assert (pairs.work.check_rows, marked.work.check_rows) == (200, 100)
    once = pairs.replace(num_train_epochs=1.0, max_steps=-1)
    assert once.estimate.steps == -(-1000 // once.effective_batch_size)
    assert once.rows_seen == pytest.approx(500, abs=once.effective_batch_size)
    assert plan(kind="preference", method="DPO").examples_per_row == 1
