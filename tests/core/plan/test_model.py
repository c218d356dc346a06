"""Parameter counts from configurations, and errors for what is no model."""

from __future__ import annotations

import pytest

from hfft_widgets.core.plan.model import count_parameters, model_facts
from hfft_widgets.errors import ModelError
from tests.core.plan.conftest import qwen3


@pytest.mark.parametrize(("size", "total"), [("0.6B", 596_049_920), ("1.7B", 1_720_574_976), ("4B", 4_022_468_096)])
def test_qwen3_counts_are_exact(size, total):
    assert qwen3(size).parameters == total


def test_llama_3_2_3b_is_exact():
    config = {
        "model_type": "llama",
        "hidden_size": 3072,
        "num_hidden_layers": 28,
        "num_attention_heads": 24,
        "num_key_value_heads": 8,
        "head_dim": 128,
        "intermediate_size": 8192,
        "vocab_size": 128256,
        "tie_word_embeddings": True,
    }
    assert count_parameters(config) == 3_212_749_824  # PEFT's published result for this model


def test_the_closed_form_equals_a_real_initialisation():
    from transformers import Qwen3Config, Qwen3ForCausalLM

    config = Qwen3Config(
        vocab_size=128,
        hidden_size=64,
        intermediate_size=96,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        head_dim=16,
        tie_word_embeddings=False,
    )
    assert count_parameters(config.to_dict()) == Qwen3ForCausalLM(config).num_parameters()


def test_lora_parameters_equal_peft():
    import peft
    from transformers import LlamaConfig, LlamaForCausalLM

    config = LlamaConfig(
        vocab_size=64,
        hidden_size=64,
        intermediate_size=96,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
    )
    lora = peft.LoraConfig(r=8, target_modules="all-linear", task_type="CAUSAL_LM")
    model = peft.get_peft_model(LlamaForCausalLM(config), lora)
    facts = model_facts(config.to_dict(), reference="x")
    assert facts.lora_parameters(8) == model.get_nb_trainable_parameters()[0]


@pytest.mark.parametrize("config", [{}, {"hidden_size": "wide"}, {"hidden_size": 64, "num_attention_heads": 0}])
def test_what_is_no_language_model_says_so(config):
    with pytest.raises(ModelError, match="does not describe a language model"):
        model_facts(config, reference="x")
