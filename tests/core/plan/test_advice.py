"""Advice is a change that `replace` takes: it makes a plan fit, cheaper, or lighter, by the least change."""

from __future__ import annotations

import dataclasses

import pytest

from hfft_widgets.core.plan.hardware import local_flavor
from tests.core.plan.reports import plan


def test_what_does_not_fit_is_told_what_would():
    made = plan("Qwen3-1.7B", flavor="t4-medium", peft="none")
    first = made.advice[0]
    assert "run out of memory" in made.warnings[0]
    assert first.words in made.warnings
    assert made.replace(**first.changes).estimate.fits
    assert first.changes["peft"] == "lora"


def test_the_batch_in_smaller_pieces_comes_first():
    made = plan("Qwen3-0.6B", peft="lora").replace(batch_size=16, accumulation=1)
    made = dataclasses.replace(made, data=dataclasses.replace(made.data, longest_tokens=1000))
    lighter = made.replace(max_length=1024).lighter
    assert set(lighter.changes) == {"batch_size", "accumulation"}
    assert lighter.changes["batch_size"] * lighter.changes["accumulation"] == 16
    assert "learns the same" in lighter.words


@pytest.mark.parametrize(
    ("kind", "method"), [("messages", "SFT"), ("preference", "DPO"), ("marked", "KTO"), ("verifiable", "GRPO")]
)
def test_one_after_the_other_they_need_less_until_nothing_is_left(kind, method):
    made = plan("Qwen3-1.7B", kind, method=method, flavor="t4-medium")
    taken = []
    while made.lighter is not None and len(taken) < 40:
        lighter = made.replace(**made.lighter.changes)
        less = lighter.estimate.memory_bytes.high < made.estimate.memory_bytes.high
        assert less or lighter.hardware.memory_bytes > made.hardware.memory_bytes
        taken.append(made.lighter.changes)
        made = lighter
    assert 2 < len(taken) < 40
    assert any("flavor" in changes for changes in taken)


def test_nothing_is_left_on_the_only_machine():
    only = (local_flavor(2**33, 0.1),)
    made = plan("Qwen3-0.6B", machines=only, peft="lora", batch_size=1, accumulation=16)
    assert made.lighter is None


def test_the_cheaper_flavor_can_be_taken():
    made = plan("Qwen3-1.7B", flavor="a10g-small")
    long = dataclasses.replace(made.data, rows=3000, tokens_per_row=431.0, longest_tokens=726, lengths=None)
    made = dataclasses.replace(made, data=long).replace(max_length=768)
    cheaper = next(advice for advice in made.advice if "cost less in all" in advice.words)
    assert cheaper.words in made.warnings
    assert made.replace(**cheaper.changes).estimate.usd.mid < made.estimate.usd.mid


def test_a_training_of_hours_is_tried_for_twenty_minutes_first():
    made = plan("Qwen3-0.6B", flavor="t4-small")
    assert not any("first" in advice.label for advice in made.advice)  # it takes minutes
    long = dataclasses.replace(made.data, rows=47_780, tokens_per_row=9000.0, longest_tokens=30_000)
    made = dataclasses.replace(made, data=long)
    offered = next(advice for advice in made.advice if advice.label == "Try 20 min first")
    short = made.replace(**offered.changes)
    assert 15 * 60 < short.estimate.seconds.mid <= 21 * 60
    assert f"{short.rows_seen:,} of 47,780 rows" in offered.words
    assert offered.words in made.warnings
    assert offered not in short.advice


def test_an_edited_script_is_no_reason_to_fail():
    made = plan("Qwen3-1.7B", flavor="t4-medium", peft="none")
    edited = made.with_script(made.script.replace("set_seed(SEED)", "set_seed(1)"))
    assert edited.advice == made.advice
    assert edited.lighter == made.lighter
