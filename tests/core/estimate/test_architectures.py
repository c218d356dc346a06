"""Closed forms of parameter counts are those of initialised models."""

from __future__ import annotations

import json

import pytest

from hfft_widgets.core.estimate.architectures import TRAITS
from hfft_widgets.core.plan.model import count_parameters

SMALL = {
    "vocab_size": 128, "hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4,
    "num_key_value_heads": 2, "intermediate_size": 96, "pad_token_id": 0,
}  # fmt: skip
OLD_NAMES = {
    "gpt2": {"n_embd": 64, "n_layer": 2, "n_head": 4, "n_positions": 256, "vocab_size": 128},
    "gpt_bigcode": {"n_embd": 64, "n_layer": 2, "n_head": 4, "vocab_size": 128},
    "mpt": {"d_model": 64, "n_layers": 2, "n_heads": 4, "vocab_size": 128},
    "hunyuan_v1_dense": SMALL | {"head_dim": 16},
    "gpt_neox": {name: value for name, value in SMALL.items() if name != "num_key_value_heads"},
}


@pytest.mark.parametrize("extra", [{}, {"attention_bias": True}, {"tie_word_embeddings": True}])
@pytest.mark.parametrize("kind", sorted(kind for kind, traits in TRAITS.items() if traits.exact and kind != "qwen"))
def test_the_closed_form_equals_an_initialisation(kind, extra):
    import torch
    from transformers import AutoModelForCausalLM
    from transformers.models.auto.configuration_auto import CONFIG_MAPPING

    if kind in {"gpt2", "gpt_bigcode", "mpt"} and extra:
        pytest.skip("these classes have neither key")
    config = CONFIG_MAPPING[kind](**OLD_NAMES.get(kind, SMALL), **extra)
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(config)
    total = sum(parameter.numel() for parameter in model.parameters())
    assert count_parameters(config.to_dict()) == total
    # as it is saved: without what equals the class's default
    assert count_parameters(json.loads(config.to_json_string())) == total


def test_of_a_class_that_transformers_does_not_have_the_published_count_is_met():
    qwen = {"model_type": "qwen", "hidden_size": 2048, "num_hidden_layers": 24, "num_attention_heads": 16,
            "intermediate_size": 11008, "vocab_size": 151936, "max_position_embeddings": 8192,
            "tie_word_embeddings": False}  # fmt: skip
    assert count_parameters(qwen) == 1_836_828_672  # Qwen-1.8B's safetensors headers
