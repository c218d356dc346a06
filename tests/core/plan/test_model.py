"""Parameter counts from configurations against initialisations, and errors for what is no model."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hfft_widgets.core.plan.model import closed_form_known, count_parameters, model_facts
from hfft_widgets.errors import ModelError
from tests.core.estimate.test_architectures import SMALL
from tests.core.plan.conftest import qwen3
from tests.core.plan.reports import CONFIGS

LLAMA_3_2_3B = {
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


@pytest.mark.parametrize(("size", "total"), [("0.6B", 596_049_920), ("1.7B", 1_720_574_976), ("4B", 4_022_468_096)])
def test_qwen3_counts_are_exact(size, total):
    assert qwen3(size).parameters == total


def test_llama_3_2_3b_is_exact():
    assert count_parameters(LLAMA_3_2_3B) == 3_212_749_824  # PEFT's published result for this model


def test_lora_parameters_equal_peft():
    import peft
    from transformers import LlamaConfig, LlamaForCausalLM

    config = LlamaConfig(**SMALL)
    lora = peft.LoraConfig(r=8, target_modules="all-linear", task_type="CAUSAL_LM")
    model = peft.get_peft_model(LlamaForCausalLM(config), lora)
    facts = model_facts(config.to_dict(), reference="x")
    assert facts.lora_parameters(8) == model.get_nb_trainable_parameters()[0]


def test_a_tied_head_that_is_stored_twice_counts_once():
    exact = 3_212_749_824
    stored = model_facts(LLAMA_3_2_3B, reference="x", parameters=exact + 128256 * 3072)
    assert stored.parameters == exact
    assert "counted once" in stored.parameters_source
    assert model_facts(LLAMA_3_2_3B, reference="x", parameters=exact).parameters_source == "safetensors headers"


def test_what_is_unknown_is_said():
    strange = {**SMALL, "model_type": "strange", "max_position_embeddings": 64}
    assert not closed_form_known(strange)
    assert "its size too" in model_facts(strange, reference="x").unknown[0]
    assert "wider for it (transformers was not asked)" in model_facts(strange, reference="x").unknown[0]
    counted = model_facts(strange, reference="x", parameters=12345, probe="peft is not installed here")
    assert counted.unknown[0].endswith("a Llama's; all ranges are wider for it (peft is not installed here)")
    assert counted.assumed
    known = {**SMALL, "model_type": "llama", "max_position_embeddings": 64}
    assert model_facts(known, reference="x").unknown == ()
    assert "2,048 tokens are assumed" in model_facts({**SMALL, "model_type": "llama"}, reference="x").unknown[0]
    # of a folder nobody asks for a licence; of a model on the Hub it is said
    there = model_facts(known, reference="org/x", local=False)
    assert there.unknown == ("its licence", "whether its terms must be accepted first")
    assert model_facts(known, reference="org/x", local=False, licence="mit", gated=True).unknown == ()


def test_facts_are_in_the_dictionary_and_the_template_is_not():
    facts = model_facts(
        {**SMALL, "model_type": "llama"}, reference="org/x", local=False, chat_template="{{ x }}", gated=True
    )
    values = json.loads(json.dumps(facts.to_dict()))
    assert values["gated"] is True
    assert values["chat_template"] is True
    named = {"layers": 2, "vocabulary_size": 128, "tied_embeddings": False, "vision": False, "licence": None}
    assert named.items() <= values.items()
    assert facts.page == "https://huggingface.co/org/x"
    assert model_facts({**SMALL}, reference="/x").page == ""


def test_packed_weights_are_counted_from_the_configuration_and_said():
    config = {**SMALL, "model_type": "llama", "quantization_config": {"quant_method": "bitsandbytes"}}
    facts = model_facts(config, reference="x", parameters=17)
    assert facts.quantization == "bitsandbytes"
    assert facts.parameters == count_parameters(config)


@pytest.mark.parametrize("kind", [{"is_encoder_decoder": True}, {"architectures": ["BertForMaskedLM"]}])
def test_an_encoder_is_no_decoder(kind):
    with pytest.raises(ModelError, match="no decoder"):
        model_facts({**SMALL, "model_type": "bert", **kind}, reference="x")


def test_a_vision_model_is_its_text_part_and_says_what_it_cannot_count():
    config = {"model_type": "llava", "vision_config": {"hidden_size": 8}, "tie_word_embeddings": True,
              "text_config": {**SMALL, "model_type": "llama"}}  # fmt: skip
    facts = model_facts(config, reference="x")
    assert facts.vision
    assert facts.tied_embeddings
    assert facts.hidden_size == 64
    assert "reads pictures" in facts.unknown[0]
    assert not closed_form_known(config)


def test_experts_are_no_closed_form():
    assert not closed_form_known({**SMALL, "model_type": "llama", "num_experts": 8})


@pytest.mark.parametrize(
    "config",
    [{}, {"hidden_size": "wide"}, {"hidden_size": 64, "num_attention_heads": 0}, {"text_config": [1]},
     {**SMALL, "num_hidden_layers": -1}, {**SMALL, "vocab_size": None}, {**SMALL, "head_dim": -8},
     {**SMALL, "max_position_embeddings": -1}, {**SMALL, "vocab_size": 1e400}],
)  # fmt: skip
def test_what_is_no_language_model_says_so(config):
    with pytest.raises(ModelError, match="does not describe a language model"):
        model_facts(config, reference="x")


CONFIG_VALUES = st.none() | st.booleans() | st.integers(-5, 10**6) | st.floats() | st.text(max_size=5) | st.just([1])


CONFIG_KEYS = ["model_type", "architectures", "text_config", "vision_config", "quantization_config", "num_experts",
               "num_key_value_heads", "tie_word_embeddings", "max_position_embeddings", "attention_bias", "head_dim",
               "hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size",
               "vocab_size"]  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(st.sampled_from(CONFIG_KEYS), CONFIG_VALUES, max_size=4))
def test_any_configuration_is_read_or_refused(changes):
    config = {**CONFIGS["Qwen3-0.6B"], **changes}
    try:
        facts = model_facts(json.loads(json.dumps(config)), reference="org/x", local=False)
    except ModelError:
        return
    assert facts.parameters > 0
    json.dumps(facts.to_dict())
