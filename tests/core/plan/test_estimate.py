"""The arithmetic is monotone where it must be, its ranges are ordered, and prices and limits follow from it."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hfft_widgets.core.plan.estimate import dominated, estimate_work
from hfft_widgets.core.plan.flavors import FLAVORS, GPUS, gpu_flavor, gpu_machine, local_flavor
from hfft_widgets.core.plan.memory import memory_parts
from hfft_widgets.core.plan.time import step_seconds
from hfft_widgets.core.plan.work import Work
from hfft_widgets.errors import PlanError
from tests.core.plan.conftest import QWEN3, qwen3

BY_NAME = {flavor.name: flavor for flavor in FLAVORS}
METHODS = ["SFT", "DPO", "KTO", "Reward", "GRPO", "RLOO"]
WORKS = st.builds(
    Work,
    method=st.sampled_from(METHODS),
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
    optimizer=st.sampled_from(["adamw", "adamw_8bit", "paged_adamw_8bit"]),
    full_logits=st.booleans(),
    vllm=st.booleans(),
    dtype=st.sampled_from(["", "float32", "bfloat16"]),
    mixed_precision=st.booleans(),
)
MACHINES = st.sampled_from([*FLAVORS, *(gpu_flavor(name) for name in GPUS), local_flavor(8 * 2**30, 0.1)])


@given(WORKS, MACHINES)
def test_ranges_are_ordered_and_parts_add_up(work, flavor):
    estimate = estimate_work(qwen3("0.6B"), work, flavor)
    for span in (estimate.memory_bytes, estimate.seconds, estimate.usd):
        assert 0 <= span.low <= span.mid <= span.high
    assert sum(estimate.parts.values()) == pytest.approx(estimate.memory_bytes.mid)
    assert all(size > 0 for size in estimate.parts.values())
    assert estimate.steps >= 1
    assert estimate.timeout_seconds >= max(1800, estimate.seconds.high)
    assert estimate.ceiling_usd >= estimate.usd.high


def peak(model, work, flavor):
    return sum(memory_parts(model, work, flavor).values())


@given(WORKS, MACHINES)
def test_more_of_anything_never_takes_less(work, flavor):
    model = qwen3("0.6B")
    work = dataclasses.replace(work, tokens_per_row=work.max_length)
    now, seconds = peak(model, work, flavor), step_seconds(model, work, flavor)
    longer = work.max_length + 64
    for change in (
        {"batch_size": work.batch_size + 1},
        {"max_length": longer, "tokens_per_row": longer},
        {"lora_r": work.lora_r * 2},
        {"accumulation": work.accumulation + 1},
    ):
        more = dataclasses.replace(work, **change)
        assert peak(model, more, flavor) >= now
        assert step_seconds(model, more, flavor) >= seconds


@given(WORKS, MACHINES)
def test_a_larger_model_never_takes_less(work, flavor):
    sizes = [qwen3(size) for size in QWEN3]
    peaks, times = ([of(model, work, flavor) for model in sizes] for of in (peak, step_seconds))
    assert peaks == sorted(peaks)
    assert times == sorted(times)


@given(WORKS, st.sampled_from(FLAVORS), st.sampled_from(list(QWEN3)), st.sampled_from([1, 16, 64]))
def test_adapters_never_take_more_memory_than_all_weights(work, flavor, size, rank):
    full = dataclasses.replace(work, lora_r=0, dtype="", mixed_precision=True, optimizer="adamw")
    lora = dataclasses.replace(full, lora_r=rank)
    assert peak(qwen3(size), lora, flavor) <= peak(qwen3(size), full, flavor)
    assert peak(qwen3(size), dataclasses.replace(lora, quantized=True), flavor) <= peak(qwen3(size), full, flavor)


@given(WORKS)
def test_recomputing_trades_time_for_memory(work):
    model, flavor = qwen3("1.7B"), BY_NAME["a100-large"]
    kept, again = (dataclasses.replace(work, checkpointing=on) for on in (False, True))
    assert step_seconds(model, again, flavor) > step_seconds(model, kept, flavor)
    assert peak(model, again, flavor) <= peak(model, kept, flavor) + peak(model, kept, flavor) * 0.05


@given(WORKS)
def test_longer_rows_cost_less_than_their_share_only_by_the_fixed_parts(work):
    flavor = BY_NAME["a10g-small"]
    once = estimate_work(qwen3("0.6B"), work, flavor)
    twice = estimate_work(qwen3("0.6B"), dataclasses.replace(work, epochs=work.epochs * 2), flavor)
    assert twice.seconds.mid >= once.seconds.mid


def test_seconds_are_steps_times_a_step_and_the_start():
    work = Work("SFT", 16, 4, 4, 500, 1024, 1600, 1)
    estimate = estimate_work(qwen3("0.6B"), work, BY_NAME["l4x1"])
    assert estimate.steps == 100
    assert estimate.seconds.mid == pytest.approx(100 * estimate.step_seconds + estimate.startup_seconds)


def test_a_full_1_7b_does_not_fit_a_t4_and_its_adapters_do():
    work = Work("SFT", 0, 8, 1, 600, 1024, 1000, 1)
    full = estimate_work(qwen3("1.7B"), work, BY_NAME["t4-medium"])
    lora = estimate_work(qwen3("1.7B"), dataclasses.replace(work, lora_r=16, batch_size=4), BY_NAME["t4-medium"])
    assert not full.fits
    assert lora.fits


def test_dpo_holds_a_second_model_unless_adapters_make_it_the_base():
    work = Work("DPO", 0, 1, 1, 100, 100, 100, 1)
    model, flavor = qwen3("0.6B"), BY_NAME["a10g-small"]
    assert memory_parts(model, work, flavor)["reference model"] == model.parameters * 4
    assert "reference model" not in memory_parts(model, dataclasses.replace(work, lora_r=8), flavor)
    assert "reference model" not in memory_parts(model, dataclasses.replace(work, method="GRPO"), flavor)


def test_the_parts_of_grpo_are_a_cache_or_a_share_for_vllm():
    work = Work("GRPO", 16, 8, 1, 200, 200, 100, 1, completion_tokens=256, generations=8)
    model, flavor = qwen3("0.6B"), BY_NAME["a100-large"]
    # 28 layers x 8 heads x 128 x (key and value) x 2 bytes, for 8 answers of 456 tokens
    assert memory_parts(model, work, flavor)["KV cache"] == 28 * 8 * 128 * 2 * 2 * 8 * 456
    with_vllm = dataclasses.replace(work, vllm=True)
    assert memory_parts(model, with_vllm, flavor)["vLLM"] == pytest.approx(0.3 * flavor.memory_bytes)
    assert step_seconds(model, with_vllm, flavor) < step_seconds(model, work, flavor)


def test_full_logits_are_what_the_fused_head_saves():
    work = Work("SFT", 16, 8, 1, 1024, 1024, 100, 1)
    model, flavor = qwen3("0.6B"), BY_NAME["a100-large"]
    logits = memory_parts(model, dataclasses.replace(work, full_logits=True), flavor)["logits"]
    assert logits == 14 * model.vocabulary_size * 8 * 1024
    assert peak(model, work, flavor) < logits / 4


def test_the_price_is_the_documented_one_and_carries_its_date():
    work = Work("SFT", 16, 4, 4, 500, 1024, 2000, 1)
    estimate = estimate_work(qwen3("0.6B"), work, BY_NAME["t4-small"])
    assert estimate.usd.mid == pytest.approx(estimate.seconds.mid * 0.40 / 3600)
    assert estimate.prices_date in estimate.to_dict().values()
    assert "hub-docs" in estimate.prices_source


def test_a_live_price_replaces_the_table_and_says_so():
    live = BY_NAME["t4-small"].priced(0.8, source="https://huggingface.co/api/jobs/hardware", date="2026-11-01")
    work = Work("SFT", 16, 4, 4, 500, 1024, 2000, 1)
    estimate = estimate_work(qwen3("0.6B"), work, live)
    assert estimate.usd.mid == pytest.approx(estimate.seconds.mid * 0.80 / 3600)
    assert (estimate.prices_source, estimate.prices_date) == (live.prices_source, "2026-11-01")


def test_this_machine_costs_nothing():
    work = Work("SFT", 0, 4, 1, 100, 128, 100, 1)
    assert estimate_work(qwen3("0.6B"), work, local_flavor(2**34, 0.1)).usd.high == 0


def test_no_cheaper_flavor_is_slower_than_one_that_is_not_dominated():
    work = Work("SFT", 16, 4, 4, 500, 1024, 20_000, 1)
    estimates = [estimate_work(qwen3("0.6B"), work, flavor) for flavor in FLAVORS]
    front = sorted((e for e in estimates if e.flavor not in dominated(estimates)), key=lambda e: e.usd.mid)
    assert front
    assert [e.seconds.mid for e in front] == sorted((e.seconds.mid for e in front), reverse=True)
    assert "t4-medium" in dominated(estimates)  # the same card as t4-small, dearer


@pytest.mark.parametrize("iterations", [1, 3])
@pytest.mark.parametrize("prompts", [2, 7, 20, 21])
@pytest.mark.parametrize(("batch", "accumulation", "generations"), [(4, 1, 2), (2, 4, 4), (8, 1, 8)])
def test_prompts_that_fill_no_batch_are_left_out_as_trl_does(prompts, batch, accumulation, generations, iterations):
    from trl.trainer.utils import RepeatSampler

    work = Work(
        "GRPO", 16, batch, accumulation, 500, 1024, prompts, 1,
        completion_tokens=64, generations=generations, iterations=iterations,
    )  # fmt: skip
    sampler = RepeatSampler(
        range(prompts), generations, batch * accumulation // generations, repeat_count=iterations * accumulation
    )
    # a micro step loads the answers of a whole generation, and an optimizer step takes so many of them
    taken = len(sampler) // (batch * accumulation) // accumulation
    assert work.steps == max(1, taken)


def test_answers_that_serve_several_steps_are_made_once():
    once = Work("GRPO", 16, 8, 1, 500, 1024, 80, 1, completion_tokens=256, generations=8)
    thrice = dataclasses.replace(once, iterations=3)
    one, three = (estimate_work(qwen3("0.6B"), work, BY_NAME["l4x1"]) for work in (once, thrice))
    assert three.steps == 3 * one.steps
    assert one.seconds.mid < three.seconds.mid < 3 * one.seconds.mid


def test_more_cards_divide_the_steps():
    work = Work("SFT", 16, 4, 1, 500, 1024, 1600, 1)
    one, four = (estimate_work(qwen3("0.6B"), work, BY_NAME[name]) for name in ("l4x1", "l4x4"))
    assert (one.steps, four.steps) == (400, 100)
    assert four.step_seconds > one.step_seconds
    assert four.memory_bytes == one.memory_bytes


def test_a_card_that_no_flavor_has_is_estimated_without_a_price():
    machine = gpu_machine("NVIDIA H100 80GB HBM3")
    estimate = estimate_work(qwen3("0.6B"), Work("SFT", 16, 4, 1, 500, 1024, 100, 1), machine)
    assert estimate.usd.high == 0
    assert "no flavor" in estimate.prices_source
    assert gpu_machine("A100-80GB").name == "a100-large"


@pytest.mark.parametrize(
    ("change", "words"),
    [({"optimizer": "adamo"}, "adamw"), ({"dtype": "int8"}, "bfloat16"), ({"quantized": True}, "adapters")],
)
def test_what_is_not_possible_says_what_is(change, words):
    with pytest.raises(PlanError, match=words):
        Work("SFT", 0, 4, 1, 500, 1024, 100, 1, **change)


def test_an_unknown_card_is_refused_with_those_known():
    with pytest.raises(PlanError, match="L40S"):
        gpu_flavor("TPU v5")


def test_start_up_times_of_earlier_runs_replace_the_assumed_ones() -> None:
    model, flavor = qwen3("0.6B"), BY_NAME["a10g-small"]
    work = Work("SFT", 0, 8, 1, 500, 1024, 1000, 1)
    assumed = estimate_work(model, work, flavor)
    seen = estimate_work(model, work, dataclasses.replace(flavor, startup_seconds=(50.0, 60.0, 90.0)))
    assert (assumed.startup_seconds, seen.startup_seconds) == (240.0, 60.0)
    assert assumed.seconds.mid - seen.seconds.mid == pytest.approx(180.0)
