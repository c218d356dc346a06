"""What small files decide before anything is downloaded, merged or paid."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hfft_widgets.core.export.layouts import usable_context
from hfft_widgets.core.export.trained import Trained, outlook
from hfft_widgets.errors import ExportError
from tests.core.export.test_plan import CONFIG, FACTS, LORA, plan_of

SHAPES = {
    f"base_model.model.model.layers.{layer}.self_attn.q_proj.lora_{side}.weight": shape
    for layer in range(2)
    for side, shape in (("A", [8, 1024]), ("B", [2048, 8]))
}
DEEP = {**CONFIG, "num_hidden_layers": 2}
ROWS = CONFIG["vocab_size"]


def adapter(**changes):
    return plan_of(**{"adapter_config": LORA, "config": DEEP, "shapes": SHAPES, **changes})


def types(*kinds: str) -> dict:
    """A configuration with an order of layers: F attends to everything, S to a window."""
    kind, order = kinds
    names = {"F": "full_attention", "S": "sliding_attention"}
    return {**CONFIG, "model_type": kind, "num_hidden_layers": len(order), "layer_types": [names[one] for one in order]}


REFUSED = {
    "tokens without rows": ({"tokens": ROWS + 2}, f"{ROWS + 2} tokens, the embedding {ROWS} rows"),
    "sentencepiece without its file": ({"sentencepiece": True}, "needs tokenizer.model"),
    "broken template": ({"template": "{% for m in messages %}\n{{ m.content }"}, "broken in line 2"),
    "template without what it is given": ({"template": "Hello!"}, "a user's text is not in its result"),
    "templates without a default": ({"named_templates": ("rag", "tool_use")}, "none named default: rag, tool_use"),
    "words cut by unknown rules": ({"known_splitting": False}, "cuts a text into words"),
    "rows of 80": ({"config": {**CONFIG, "hidden_size": 80}}, "hidden_size is 80, no multiple of 32"),
    "gemma 3 in another order": ({"config": types("gemma3_text", "FSSSSS")}, "another order of layers"),
    "gemma 2 in another order": ({"config": types("gemma2", "FS")}, "another order of layers"),
    "exaone 4 with a window": ({"config": types("exaone4", "SSSF")}, "another order of layers"),
    "ropes in another order": (
        {"config": {**CONFIG, "model_type": "smollm3", "num_hidden_layers": 4, "no_rope_layers": [1, 0, 1, 1]}},
        "no_rope_layers",
    ),
    "a short window": (
        {"config": {**CONFIG, "model_type": "mistral", "sliding_window": 16, "max_position_embeddings": 512}},
        "sliding window of 16",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused_before_any_work(case):
    changes, words = REFUSED[case]
    with pytest.raises(ExportError) as caught:
        plan_of(**changes)
    assert words in str(caught.value)
    assert caught.value.remedy


@pytest.mark.parametrize("base_layers", [1, 3, 4])
def test_base_of_another_depth_is_refused(base_layers):
    with pytest.raises(ExportError, match=f"2 layers, the base {base_layers}") as caught:
        adapter(config={**CONFIG, "num_hidden_layers": base_layers})
    assert "base=" in caught.value.remedy


def test_base_of_another_width_is_refused():
    with pytest.raises(ExportError, match="1024 wide, the base's 2048"):
        adapter(config={**DEEP, "hidden_size": 2048})


def test_adapter_of_some_layers_fits_a_deeper_base():
    assert adapter(
        config={**CONFIG, "num_hidden_layers": 4}, adapter_config={**LORA, "layers_to_transform": [0, 1]}
    ).adapter


@pytest.mark.parametrize("trained", [{"modules_to_save": ["lm_head"]}, {"target_modules": ["q_proj", "embed_tokens"]}])
@pytest.mark.parametrize("family", ["Gemma2ForCausalLM", "GemmaForCausalLM", "Cohere2ForCausalLM"])
def test_head_that_llama_cpp_would_drop_is_refused(trained, family):
    config = {**DEEP, "architectures": [family]}
    with pytest.raises(ExportError, match="no separate head"):
        adapter(config=config, supported=None, adapter_config={**LORA, **trained})
    assert adapter(config=config, supported=None).adapter  # the linear layers alone are fine
    assert adapter(adapter_config={**LORA, **trained}).adapter  # and so is Qwen3


def test_added_tokens_count_with_the_rows_that_the_adapter_brings():
    shapes = {**SHAPES, "base_model.model.model.embed_tokens.weight": [ROWS + 2, 1024]}
    plan = adapter(shapes=shapes, tokens=ROWS + 2)
    assert plan.vocabulary_size == ROWS + 2
    assert plan.parameters == adapter().parameters + 2 * 1024
    assert "rows that the adapter was trained with" in " ".join(plan.reasons)
    config = {**LORA, "trainable_token_indices": [5, ROWS]}
    trained = {**SHAPES, "base_model.model.model.embed_tokens.token_adapter.trainable_tokens_delta": [2, 1024]}
    assert adapter(shapes=trained, adapter_config=config, tokens=ROWS + 1).vocabulary_size == ROWS + 1


def test_usual_orders_and_long_windows_pass():
    for kind, order in (("gemma3_text", "SSSSSF"), ("gemma2", "SF"), ("exaone4", 16 * "SSSF"), ("exaone4", "FFFF")):
        assert plan_of(config=types(kind, order)).context is None
    window = {**CONFIG, "model_type": "mistral", "sliding_window": 4096, "max_position_embeddings": 32_768}
    plan = plan_of(config=window)
    assert plan.context == 4096
    assert any("ends at 4,096 tokens" in warning for warning in plan.warnings)
    assert "context=4096" in plan.script


@given(st.integers(512, 100_000), st.integers(1, 200_000))
def test_context_is_never_longer_than_the_window(window, longest):
    config = {"model_type": "mistral", "sliding_window": window, "max_position_embeddings": longest}
    assert (usable_context(config) or longest) <= max(window, longest)
    assert (usable_context(config) is None) == (window >= longest)


def test_chain_is_merged_in_order():
    plan = adapter(chain=("first", "second"))
    assert 'CHAIN = ["first", "second"]' in plan.script
    assert "adapters=[*CHAIN, MODEL]" in plan.script
    assert "2 earlier adapters are merged first" in plan.repairs


def test_pictures_are_said_to_be_left_out():
    with pytest.raises(ExportError, match="reads more than text") as caught:
        plan_of(config={**CONFIG, "vision_config": {}})
    assert "text_only=True" in caught.value.remedy
    plan = plan_of(config={**CONFIG, "vision_config": {}}, text_only=True)
    assert "reads pictures" in plan.warnings[0]


def test_outlook_says_before_the_training_what_will_become_of_it():
    given = {name: value for name, value in FACTS.items() if name not in {"quantizer_available", "supported"}}
    assert outlook(Trained(**given), None) == "yes"
    assert outlook(Trained(**{**given, "sentencepiece": True}), None).startswith(
        "no, because the tokenizer of runs/tuned needs"
    )
    assert outlook(Trained(**given), {"LlamaForCausalLM"}).startswith("no, because runs/tuned is a Qwen3ForCausalLM")
    assert "scores" in outlook(Trained(**given), None, scores=True)
    pictures = {**given, "config": {**CONFIG, "vision_config": {}}}
    assert outlook(Trained(**pictures), None).startswith("yes; but the model reads pictures")
    marked = {**given, "mended": ("of two chat templates",)}
    assert outlook(Trained(**marked), None) == "with these repairs: of two chat templates"
    assert outlook(Trained(**given, loaded_otherwise=True), None).startswith("no, because transformers loads")


def test_questions_travel_in_the_script():
    rows = [{"asked": "1 + 1 =\u202e", "after": "2", "expected": "2"}]
    plan = plan_of(questions=rows, longest=6)
    assert plan.script.isascii()
    assert "LONGEST = 6" in plan.script
    assert plan.script.count("questions=QUESTIONS") == 2
    assert "held-out questions" in " ".join(plan.reasons)


@pytest.mark.parametrize(
    ("config", "context"),
    [
        ({"model_type": "smollm3", "use_sliding_window": True, "sliding_window": 600}, 600),
        ({"model_type": "smollm3", "use_sliding_window": False, "sliding_window": 600}, None),
        ({"model_type": "a family of tomorrow", "sliding_window": 700}, 700),
        ({"model_type": "gemma3_text", "sliding_window": 512}, None),
        ({"model_type": "llama", "rope_parameters": {"rope_type": "dynamic", "factor": 2.0}}, 4096),
        (
            {"model_type": "llama", "rope_scaling": {"type": "dynamic", "original_max_position_embeddings": 2048}},
            2048,
        ),
        ({"model_type": "llama", "rope_parameters": {"rope_type": "linear", "factor": 2.0}}, None),
    ],
)
def test_what_llama_cpp_does_not_compute_ends_the_context(config, context):
    assert usable_context({"max_position_embeddings": 4096, **config}) == context


def test_earlier_answers_do_not_make_another_export():
    plan = plan_of()
    known = dataclasses.replace(plan, answered={"Q8_0": {"right": 8, "count": 10, "trained": 9}})
    assert known.fingerprint == plan.fingerprint
    assert "8 of 10" in known.to_html()
    assert "trained: 9" in known.to_html()


def test_a_tied_head_that_gets_a_matrix_of_its_own_is_counted_twice() -> None:
    """Q4_K_M of Qwen3-0.6B and of the same with an own head: the second matrix, in the output's bits."""
    name = "base_model.model.model.embed_tokens.lora_embedding_A"
    apart = [
        adapter(shapes={**SHAPES, name: [8, ROWS]}),
        adapter(shapes={**SHAPES, "base_model.model.lm_head.lora_A.weight": [8, 1024]}),
        adapter(adapter_config={**LORA, "modules_to_save": ["embed_tokens", "lm_head"]}),
    ]
    for plan in apart:
        assert plan.parameters == FACTS["parameters"] + ROWS * 1024
        assert plan.size_bytes > 1.15 * adapter().size_bytes
    resized = adapter(shapes={**SHAPES, "base_model.model.model.embed_tokens.weight": [ROWS, 1024]})
    assert resized.size_bytes == adapter().size_bytes  # the rows that were added, not another matrix
