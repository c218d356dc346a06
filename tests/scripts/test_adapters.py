"""Adapters beside weights in 4 bits: they are float32, and gradients reach every layer after an evaluation too."""

from __future__ import annotations

import json

import pytest

import hfft_widgets as hfft
from hfft_widgets.scripts.machine.adapters import keep_adapters_in_float32, keep_gradients_through_4_bits
from tests.scripts.running import plan_on, rows_for, run


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


@pytest.mark.full
def test_adapters_of_4_bit_weights_are_added_to_the_base_as_it_was(sample_folders, tmp_path):
    pytest.importorskip("bitsandbytes")
    from safetensors import safe_open

    from hfft_widgets.scripts.gguf.merging import merge

    model = hfft.samples.model()
    ended = run(plan_on(rows_for("SFT"), tmp_path, model, "SFT", "qlora").script, tmp_path)
    assert ended.code == 0, ended.log
    assert all(norm > 10 for _, norm in ended.losses.values())  # the last layer alone has about 4
    adapter = json.loads((tmp_path / "out" / "adapter_config.json").read_text("utf-8"))
    assert adapter["base_model_name_or_path"] == str(model)
    found = merge([str(tmp_path / "out")], str(model), "auto", str(tmp_path / "whole"), str(tmp_path / "truth"))
    assert found["merge"]
    config = json.loads((tmp_path / "whole" / "config.json").read_text("utf-8"))
    assert "quantization_config" not in config
    with safe_open(tmp_path / "whole" / "model.safetensors", "pt") as weights:
        assert "U8" not in {weights.get_slice(name).get_dtype() for name in weights.keys()}  # noqa: SIM118
