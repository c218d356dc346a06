"""A model of 8 B and more is refused with its figures and a way on, the same in Python, as text and as a card."""

from __future__ import annotations

import dataclasses
import json
import re

import pytest

from hfft_widgets.core.plan.flavors import local_flavor
from hfft_widgets.core.units import bytes_text, usd_text
from hfft_widgets.errors import ModelTooLargeError, PlanError
from tests.core.plan.reports import plan


def refused(name="Qwen3-14B", **wishes) -> ModelTooLargeError:
    with pytest.raises(PlanError) as caught:
        plan(name, **wishes)
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
