"""The activation formula against what autograd really keeps in the installed transformers, counted on the CPU."""

from __future__ import annotations

import pytest

from hfft_widgets.core.plan.memory import saved_per_layer_token
from hfft_widgets.core.plan.model import model_facts
from hfft_widgets.core.plan.work import Work

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
