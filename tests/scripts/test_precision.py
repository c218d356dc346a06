"""Adapters beside weights in 4 bits: they are float32, and gradients reach every layer after an evaluation too."""

from __future__ import annotations

import pytest

import hfft_widgets as hfft
from hfft_widgets.scripts.machine.precision import keep_adapters_in_float32, keep_gradients_through_4_bits


@pytest.mark.ci
def test_every_layer_learns_after_an_evaluation(sample_folders):
    pytest.importorskip("bitsandbytes")
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM, BitsAndBytesConfig

    model = get_peft_model(
        AutoModelForCausalLM.from_pretrained(
            hfft.samples.model(), dtype=torch.float32, quantization_config=BitsAndBytesConfig(load_in_4bit=True)
        ),
        LoraConfig(r=4, target_modules="all-linear", task_type="CAUSAL_LM"),
    )
    for weight in model.parameters():
        if weight.requires_grad:
            weight.data = weight.data.bfloat16()
    keep_adapters_in_float32(model)
    keep_gradients_through_4_bits(model)
    ids = torch.arange(1, 9)[None]
    model.eval()
    with torch.no_grad():
        model(ids)
    model.train()
    model(ids, labels=ids).loss.backward()
    adapters = {name: weight for name, weight in model.named_parameters() if "lora_B" in name}
    assert {weight.dtype for weight in adapters.values()} == {torch.float32}
    assert [name for name, weight in adapters.items() if weight.grad is None or not weight.grad.any()] == []


def test_weights_that_all_learn_keep_their_format(sample_folders):
    import torch

    model = torch.nn.Linear(2, 2).bfloat16()
    keep_adapters_in_float32(model)
    assert model.weight.dtype == torch.bfloat16
