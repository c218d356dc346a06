"""Flavor, adapters and batch follow rules with reasons; what is too large for a plan is refused with its figures."""

from __future__ import annotations

import dataclasses
import json
import re

import pytest

from hfft_widgets.core.plan.choose import PlanRequest, recommend
from hfft_widgets.core.plan.data_stats import data_stats
from hfft_widgets.core.plan.hardware import FLAVORS, local_flavor, local_gpu
from hfft_widgets.core.units import bytes_text, usd_text
from hfft_widgets.errors import ModelTooLargeError, PlanError
from tests.core.plan.reports import MACHINES, WITH_GPU, check, model, plan, report, words_of


@pytest.mark.parametrize(
    ("name", "peft"),
    [
        ("Qwen3-0.6B", "none"),
        ("Qwen3-1.7B", "lora"),
        ("Llama-3.2-3B", "lora"),
        ("Qwen3-4B", "lora"),
        ("Qwen2.5-7B", "lora"),
    ],
)
def test_the_cheapest_card_that_holds_it_is_taken(name, peft):
    made = plan(name)
    assert made.peft == peft
    assert made.estimate.fits
    single = [
        o.estimate.usd.mid for o in made.options if o.flavor.gpus == 1 and o.flavor.usd_per_hour and o.estimate.fits
    ]
    assert made.estimate.usd.mid <= min(single) * 1.02
    assert f"{made.flavor}: it costs least in all" in words_of(made)


def test_a_full_1_7b_on_16_gb_is_changed_to_adapters_and_the_plan_says_so():
    made = plan("Qwen3-1.7B", flavor="t4-medium")
    assert made.peft == "lora"
    assert made.estimate.fits
    assert "instead of all weights" in words_of(made)
    assert "All weights would fit" in words_of(made)


def test_what_a_person_insists_on_stays_and_is_warned_about():
    made = plan("Qwen3-1.7B", flavor="t4-medium", peft="none")
    assert made.peft == "none"
    assert "run out of memory" in made.warnings[0]


def test_the_least_change_first_then_adapters():
    """Long rows: the batch shrinks at the same effective batch, then adapters learn."""
    found = report("messages")
    data = data_stats(found, "SFT")
    seen = []
    for longest in (200, 2000, 4000):
        alike = dataclasses.replace(data, tokens_per_row=longest, longest_tokens=longest, lengths=None)
        made = recommend(model("Qwen3-0.6B"), found, alike, MACHINES, PlanRequest(flavor="t4-small"))
        assert made.effective_batch_size == 16
        assert made.estimate.fits
        seen.append((made.settings.batch_size, made.peft))
    assert [size for size, _ in seen] == sorted((size for size, _ in seen), reverse=True)
    assert seen[0][1] == "none"
    assert seen[-1][0] < seen[0][0]


def test_a_gpu_here_that_is_enough_costs_nothing():
    assert plan(machines=WITH_GPU).flavor == "local"
    assert plan("Qwen2.5-7B", machines=WITH_GPU).flavor == "local"
    assert plan("Qwen2.5-7B", machines=WITH_GPU, peft="none").flavor != "local"
    assert plan().flavor == "t4-small"


T4 = (local_gpu("Tesla T4", 15 * 2**30), *FLAVORS)


def test_four_bits_where_adapters_fit_no_other_way():
    here = plan("Qwen2.5-7B", machines=T4)
    assert (here.flavor, here.peft, here.estimate.fits) == ("local", "qlora", True)
    assert "In 4 bits they fit" in words_of(here)
    assert plan("Qwen2.5-7B").peft == "lora"  # a larger card before fewer bits
    assert plan("Qwen2.5-7B", flavor="t4-small").peft == "qlora"
    assert plan("Qwen2.5-7B", machines=T4, peft="lora", flavor="local").advice[0].changes["peft"] == "qlora"


def test_a_refusal_says_what_four_bits_take_on_a_small_card():
    refusal = refused("Qwen3-14B").refusal
    assert refusal.packed.peft == "qlora"
    assert refusal.packed.estimate.fits
    assert f"{bytes_text(refusal.packed.estimate.memory_bytes.high)} of the" in refusal.why
    assert "at most, QLoRA: it fits" in refusal._repr_html_()
    made = plan("Qwen3-14B", machines=T4, peft="qlora", flavor="local", allow_large=True, max_length=512)
    assert made.estimate.memory_bytes.mid < 15 * 2**30


def test_a_default_that_is_no_longer_offered_gives_way():
    left = tuple(machine for machine in MACHINES if not machine.name.startswith("t4"))
    made = plan(machines=left)
    assert made.flavor == "l4x1"


def test_fewer_answers_where_more_do_not_fit():
    made = plan("Qwen2.5-7B", "verifiable", method="GRPO", flavor="a10g-large", peft="lora", max_completion_length=6000)
    assert made.settings.num_generations < 8
    assert "answers per prompt instead of 8" in words_of(made)


def test_from_8b_on_a_plan_needs_an_explicit_wish():
    with pytest.raises(PlanError, match=r"14\.8 B") as caught:
        plan("Qwen3-14B")
    assert "allow_large=True" in caught.value.remedy
    made = plan("Qwen3-14B", allow_large=True)
    assert (made.peft, made.estimate.fits) == ("lora", True)


def refused(name="Qwen3-14B", **request) -> ModelTooLargeError:
    with pytest.raises(PlanError) as caught:
        plan(name, **request)
    assert isinstance(caught.value, ModelTooLargeError)
    return caught.value


def plain(html: str) -> str:
    return re.sub(r"<style>.*?</style>|<[^>]+>", "", html, flags=re.DOTALL).replace("&#x27;", "'")


def test_error_card_text_markdown_and_dict_say_the_same():
    error = refused()
    refusal = error.refusal
    for said in (refusal.what, refusal.why):
        assert said in str(error)
        for rendered in (plain(refusal._repr_html_()), str(refusal), refusal.to_markdown()):
            assert said in rendered
    assert "allow_large=True" in error.remedy
    assert "allow_large=True" in plain(refusal._repr_html_())
    assert json.loads(json.dumps(refusal.to_dict()))["what"] == refusal.what


def test_both_ways_are_held_against_the_largest_single_card():
    refusal = refused().refusal
    assert refusal.card.name == "h200"
    assert (refusal.full.peft, refusal.lora.peft) == ("none", "lora")
    assert not refusal.full.estimate.fits
    assert refusal.lora.estimate.fits
    # 14.8 billion parameters, 16 bytes each for all weights and 2 for adapters
    assert refusal.full.estimate.memory_bytes.mid > 16 * 14.7e9
    assert 2 * 14.7e9 < refusal.lora.estimate.memory_bytes.mid < 4 * 14.7e9
    html = refusal._repr_html_()
    assert html.count('class="bar"') == 2
    assert html.count(f"the card ends at {bytes_text(refusal.card.memory_bytes)}") == 2  # one axis for both bars


def test_the_price_is_that_of_the_plan_an_explicit_wish_gives():
    refusal, allowed = refused().refusal, plan("Qwen3-14B", allow_large=True)
    assert refusal.plan.fingerprint == dataclasses.replace(allowed, settings=refusal.plan.settings).fingerprint
    assert refusal.plan.estimate == allowed.estimate
    assert usd_text(allowed.estimate.usd.mid) in refusal.why
    assert f"{usd_text(allowed.estimate.ceiling_usd)} at most" in refusal.why


def test_what_fits_nowhere_says_so():
    error = refused("Qwen3-14B", machines=(local_flavor(16 * 2**30, 0.1),))
    assert "would not fit this machine" in str(error)
    assert "would not fit this machine" in error.refusal._repr_html_()


@pytest.mark.parametrize("method", ["DPO", "GRPO"])
def test_every_method_can_be_refused(method):
    kind = {"DPO": "preference", "GRPO": "verifiable"}[method]
    assert f"{method} of Qwen3-14B" in refused(kind=kind, method=method).refusal.title


def test_data_that_is_not_ready_is_the_first_thing_said():
    with pytest.raises(PlanError, match="not ready for DPO"):
        plan("Qwen3-14B", method="DPO")


CPU = dataclasses.replace(FLAVORS[0], gpu="", gpus=0, name="cpu-basic", usd_per_hour=0.01, tflops=0.06)


@pytest.mark.parametrize(
    "machines",
    [
        (local_flavor(2**30, 0.01),),
        (local_flavor(2**34, 0.1), *(m for m in FLAVORS if m.gpus > 1)),
        tuple(dataclasses.replace(m, gpu="Rubin R9", measured=False) for m in FLAVORS),
        (local_flavor(2**34, 0.1), CPU),
    ],
    ids=["local", "several cards", "unknown cards", "no GPU"],
)
@pytest.mark.parametrize("name", ["Qwen3-0.6B", "Qwen2.5-7B"])
def test_whatever_is_offered_there_is_a_plan(machines, name):
    made = plan(name, machines=machines)
    check(made)
    assert {option.flavor.name for option in made.options} == {machine.name for machine in machines}
    assert made._repr_html_()
