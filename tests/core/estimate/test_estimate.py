"""The arithmetic is monotone where it must be, its ranges are ordered, and prices and limits follow from it."""

from __future__ import annotations

import csv
import dataclasses
import io

import pytest
from hypothesis import given

from hfft_widgets.core.estimate.estimate import dominated, estimate_work, time_limit
from hfft_widgets.core.estimate.time import step_seconds
from hfft_widgets.core.estimate.work import Work
from hfft_widgets.core.plan.hardware import FLAVORS, gpu_machine, local_flavor
from hfft_widgets.jobs.hf.cost_limit import CostLimit
from tests.bench.estimator import score
from tests.bench.literature import measured
from tests.core.estimate.works import BY_NAME, MACHINES, WORKS, peak
from tests.core.plan.conftest import QWEN3, qwen3


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


@given(WORKS, MACHINES)
def test_one_rule_says_when_a_run_is_stopped_and_what_it_costs_until_then(work, flavor):
    e = estimate_work(qwen3("0.6B"), work, flavor)
    assert e.timeout_seconds == time_limit(e.seconds.high)
    assert e.timeout_seconds % 600 == 0
    assert 1.25 * e.seconds.high <= e.timeout_seconds <= max(1800, 1.25 * e.seconds.high + 600)
    exact = e.usd_per_hour * e.timeout_seconds / 3600
    assert exact - 1e-9 <= e.ceiling_usd < exact + 0.01
    # what is shown in a plan is what is checked at a launch
    limit = CostLimit(flavor.name, flavor.gpus, flavor.usd_per_hour, e.timeout_seconds, "", "", "")
    assert limit.usd == e.ceiling_usd == round(e.ceiling_usd, 2)


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


def test_start_up_times_of_earlier_runs_replace_the_assumed_ones() -> None:
    model, flavor = qwen3("0.6B"), BY_NAME["a10g-small"]
    work = Work("SFT", 0, 8, 1, 500, 1024, 1000, 1)
    assumed = estimate_work(model, work, flavor)
    seen = estimate_work(model, work, dataclasses.replace(flavor, startup_seconds=(50.0, 60.0, 90.0)))
    assert (assumed.startup_seconds, seen.startup_seconds) == (pytest.approx(244, abs=1), 60.0)
    assert assumed.seconds.mid - seen.seconds.mid == pytest.approx(184.0, abs=1)


# QwenLM/Qwen README.md (2df8e8a), huggingface/peft method_comparison (51c2ff6), llm-foundry's benchmarking README
ROWS = """\
id,source,model,params_b,method,peft,precision,seq_len,batch,grad_ckpt,optimizer,hardware,metric,value,unit,accumulation,gpus,full_logits,notes
a,github:QwenLM/Qwen,Qwen-7B,7.721,sft,lora64,bf16,1024,1,1,adamw,A100-80GB,mem_device,21.5,GB,8,1,1,
b,github:QwenLM/Qwen,Qwen-7B,7.721,sft,lora64,bf16,4096,1,1,adamw,A100-80GB,mem_device,29.7,GB,8,1,1,
c,github:QwenLM/Qwen,Qwen-14B,14.167,sft,lora64,bf16,1024,1,1,adamw,A100-80GB,time_step,4.4,s/it,8,1,1,
d,github:QwenLM/Qwen,Qwen-7B,7.721,sft,lora64,bf16,256,1,1,adamw,A100-80GB,time_step,1.2,s/it,8,1,1,
e,github:hf/peft,Llama-3.2-3B,3.213,sft,full,bf16,768,4,0,adamw,L40S,mem_device,38.87,GB,1,1,1,transformers 5
f,github:hf/peft,Llama-3.2-3B,3.213,sft,lora32-qv,bf16,210,4,0,adamw,L40S,tok_s,7174,tok/s,1,1,1,transformers 5
g,github:mosaicml/foundry,MPT-3B,2.652,pretrain,full,bf16,2048,10,0,adamw,A100-80GB,tok_s,10811,tok/s,1,1,1,fused ops
"""


@pytest.mark.parametrize("row", list(csv.DictReader(io.StringIO(ROWS))), ids=lambda row: row["id"])
def test_a_published_measurement_is_met(row):
    found = score(measured(row))
    assert found.error < 0.15
    assert found.covered
    assert found.error < found.peer_error


def test_a_row_that_its_hardware_rules_out_is_not_scored():
    row = next(csv.DictReader(io.StringIO(ROWS)))
    too_fast = measured({**row, "metric": "time_step", "value": "0.5", "seq_len": "4096"})
    too_small = measured({**row, "peft": "full", "value": "30"})
    assert "peak" in too_fast.doubt
    assert "alone are larger" in too_small.doubt
