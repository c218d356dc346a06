"""The activation formula against what autograd really keeps in the installed transformers, counted on the CPU."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hfft_widgets.core.estimate.memory import FRAGMENTATION, memory_parts, saved_per_layer_token
from hfft_widgets.core.estimate.time import step_seconds
from hfft_widgets.core.estimate.work import Work
from hfft_widgets.core.plan.hardware import FLAVORS
from hfft_widgets.core.plan.model import model_facts
from tests.core.estimate.works import BY_NAME, WORKS, peak
from tests.core.plan.conftest import QWEN3, qwen3

TOKENS = 64
SMALL = {
    "vocab_size": 128, "hidden_size": 128, "intermediate_size": 320, "num_attention_heads": 4,
    "num_key_value_heads": 2, "head_dim": 32, "pad_token_id": 0,
}  # fmt: skip
# (format of the weights, autocast)
NUMBERS = [("bfloat16", False), ("bfloat16", True), ("float32", True)]


def saved_bytes(kind: str, layers: int, dtype: str, *, autocast: bool, lora_r: int) -> int:
    """Bytes of all tensors that autograd saves in one forward pass, the weights and their copies aside."""
    import torch
    from transformers import AutoModelForCausalLM
    from transformers.models.auto.configuration_auto import CONFIG_MAPPING

    config = CONFIG_MAPPING[kind](**SMALL, num_hidden_layers=layers)
    model = AutoModelForCausalLM.from_config(config, dtype=getattr(torch, dtype), attn_implementation="sdpa").train()
    if lora_r:
        import peft

        adapters = peft.LoraConfig(r=lora_r, target_modules="all-linear", task_type="CAUSAL_LM")
        model = peft.get_peft_model(model, adapters)
        model.enable_input_require_grads()
    backbone = (model.get_base_model() if lora_r else model).model
    weights = {parameter.untyped_storage().data_ptr() for parameter in model.parameters()}
    kept = {}

    def keep(tensor):
        if tensor.untyped_storage().data_ptr() not in weights:
            kept[tensor.untyped_storage().data_ptr()] = tensor  # held, so that no address is used twice
        return tensor

    tokens = torch.randint(0, SMALL["vocab_size"], (1, TOKENS))
    with (
        torch.autograd.graph.saved_tensors_hooks(keep, lambda t: t),
        torch.autocast("cpu", torch.bfloat16, enabled=autocast),
    ):
        backbone(tokens, use_cache=False)
    return sum(tensor.untyped_storage().nbytes() for tensor in kept.values()) - _copies(model, autocast=autocast)


def _copies(model, *, autocast: bool) -> int:
    """The 16-bit copies of float32 weights, which are a part of their own in the estimate."""
    if not autocast:
        return 0
    named = [(n, p) for n, p in model.named_parameters() if p.dim() == 2 and "embed" not in n and "lm_head" not in n]
    copied = [p for n, p in named if "float32" in str(p.dtype)]
    return sum(p.numel() * 2 for p in copied)


@pytest.mark.parametrize("lora_r", [0, 8])
@pytest.mark.parametrize(("dtype", "autocast"), NUMBERS)
@pytest.mark.parametrize("kind", ["llama", "qwen2", "qwen3", "gemma3_text"])
def test_saved_activations_are_those_of_the_formula(kind, dtype, autocast, lora_r):
    one, two = (saved_bytes(kind, n, dtype, autocast=autocast, lora_r=lora_r) for n in (1, 2))
    facts = model_facts({**SMALL, "model_type": kind, "num_hidden_layers": 1}, reference="small")
    work = Work("SFT", lora_r, 1, 1, TOKENS, TOKENS, 1, 1, dtype=dtype, mixed_precision=autocast)
    assert saved_per_layer_token(facts, work) == pytest.approx((two - one) / TOKENS, rel=0.01)


@given(WORKS, st.sampled_from(FLAVORS), st.sampled_from(list(QWEN3)), st.sampled_from([1, 16, 64]))
def test_adapters_never_take_more_memory_than_all_weights(work, flavor, size, rank):
    full = dataclasses.replace(work, lora_r=0, dtype="", mixed_precision=True, optimizer="adamw")
    lora = dataclasses.replace(full, lora_r=rank)
    assert peak(qwen3(size), lora, flavor) <= peak(qwen3(size), full, flavor)
    assert peak(qwen3(size), dataclasses.replace(lora, quantized=True), flavor) <= peak(qwen3(size), full, flavor)


def test_dpo_holds_a_second_model_unless_adapters_make_it_the_base():
    work = Work("DPO", 0, 1, 1, 100, 100, 100, 1)
    model, flavor = qwen3("0.6B"), BY_NAME["a10g-small"]
    assert memory_parts(model, work, flavor)["reference model"] == model.parameters * 4
    assert "reference model" not in memory_parts(model, dataclasses.replace(work, lora_r=8), flavor)
    assert "reference model" not in memory_parts(model, dataclasses.replace(work, method="GRPO"), flavor)


def test_the_parts_of_grpo_are_a_cache_or_a_share_for_vllm():
    work = Work("GRPO", 16, 8, 1, 200, 200, 100, 1, completion_tokens=256, generations=8)
    model, flavor = qwen3("0.6B"), BY_NAME["a100-large"]
    # 28 layers x 8 heads x 128 x (key and value) x 2 bytes, for 8 answers of 456 tokens
    assert memory_parts(model, work, flavor)["KV cache"] == 28 * 8 * 128 * 2 * 2 * 8 * 456
    with_vllm = dataclasses.replace(work, vllm=True)
    assert memory_parts(model, with_vllm, flavor)["vLLM"] == pytest.approx(0.3 * flavor.memory_bytes)
    assert step_seconds(model, with_vllm, flavor) < step_seconds(model, work, flavor)


def test_full_logits_are_what_the_fused_head_saves():
    work = Work("SFT", 16, 8, 1, 1024, 1024, 100, 1)
    model, flavor = qwen3("0.6B"), BY_NAME["a100-large"]
    logits = memory_parts(model, dataclasses.replace(work, full_logits=True), flavor)["logits"]
    assert logits == 14 * model.vocabulary_size * 8 * 1024
    assert peak(model, work, flavor) < logits / 4


def test_scores_are_formed_where_nothing_fused_is_left_for_attention():
    """A T4 has no flash attention, and without a mask transformers asks for grouped keys, which only that knows."""
    model = qwen3("0.6B")  # 16 heads, 8 of them with keys and values of their own
    padded, alone = (Work("SFT", 16, 1, 16, 4096, 4096, 100, 1, unmasked=unmasked) for unmasked in (False, True))
    for name, formed in (("t4-small", True), ("a100-large", False)):
        flavor = BY_NAME[name]
        more = peak(model, alone, flavor) - peak(model, padded, flavor)
        assert more == (pytest.approx(3 * 4 * 16 * 4096**2 * FRAGMENTATION) if formed else 0)
        slower = step_seconds(model, alone, flavor) / step_seconds(model, padded, flavor)
        assert (slower > 1.2) is formed
