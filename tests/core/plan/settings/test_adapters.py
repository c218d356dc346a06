"""Layers that get adapters, by what families of models call them."""

from __future__ import annotations

import dataclasses

import pytest

from hfft_widgets.core.plan.settings.adapters import counted, peft_names
from hfft_widgets.errors import PlanError
from tests.core.plan.reports import model, plan


def test_attention_is_spelled_as_the_family_does():
    facts = model("Qwen3-0.6B")
    assert peft_names(facts, ("attention",)) == ["q_proj", "k_proj", "v_proj", "o_proj"]
    assert peft_names(facts, ()) == []
    fused = dataclasses.replace(facts, model_type="phi3")
    assert peft_names(fused, ("attention",)) == ["qkv_proj", "o_proj"]
    assert counted(fused, ("gate_up_proj",)) == ("gate_proj", "up_proj")


def test_names_that_a_model_has_not_are_refused_where_its_family_is_known():
    with pytest.raises(PlanError, match="no linear layer 'c_attn'"):
        plan(peft="lora", lora_targets=["c_attn"])
    odd = dataclasses.replace(model("Qwen3-0.6B"), model_type="nobody_knows")
    assert peft_names(odd, ("in_proj",)) == ["in_proj"]
    assert counted(odd, ("in_proj",)) == ()  # then all of them are counted: more, never less


def test_fewer_layers_take_less():
    few, every = (plan(peft="lora", flavor="a10g-small", lora_targets=names) for names in (["attention"], []))
    assert few.work.trained(few.facts) < every.work.trained(every.facts)
    assert few.estimate.memory_bytes.mid < every.estimate.memory_bytes.mid


def test_what_peft_does_not_know_for_packed_experts_is_refused_before_it_is_planned():
    experts = {"num_experts": 8, "num_experts_per_tok": 2, "moe_intermediate_size": 512}
    made = dataclasses.replace(plan(peft="lora"), facts=model("Qwen3-0.6B", model_type="qwen3_moe", **experts))
    for setting in ({"use_dora": True}, {"lora_dropout": 0.1}):
        with pytest.raises(PlanError, match="PEFT does not know it for the experts") as refused:
            made.replace(**setting)
        assert "lora_targets" in refused.value.remedy
        made.replace(**setting, lora_targets=("attention",))
