"""Which layers of a model get adapters: by what people say, as PEFT calls them, and as the arithmetic counts them."""

from __future__ import annotations

from collections.abc import Mapping

from hfft_widgets.core.estimate.architectures import TRAITS
from hfft_widgets.core.plan.model import ModelFacts
from hfft_widgets.errors import PlanError

ATTENTION = "attention"
_QKV = ("q_proj", "k_proj", "v_proj", "qkv_proj")
_FUSED_MLP = {"c_fc": ("up_proj",), "mlp.c_proj": ("down_proj",)}
_GPT2 = {"c_attn": _QKV, "attn.c_proj": ("o_proj",), **_FUSED_MLP}
# families of transformers 5 that call their linear layers otherwise, or make several products in one: the name that
# PEFT finds -> the layers in it; PEFT compares the end of a path
_OTHERWISE: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "phi3": {
        "qkv_proj": _QKV, "o_proj": ("o_proj",), "gate_up_proj": ("gate_proj", "up_proj"), "down_proj": ("down_proj",)
    },
    "gpt2": _GPT2,
    "gpt_bigcode": _GPT2,
    "gpt_neox": {
        "query_key_value": _QKV, "attention.dense": ("o_proj",), "dense_h_to_4h": ("up_proj",),
        "dense_4h_to_h": ("down_proj",),
    },
    "starcoder2": {**{name: (name,) for name in ("q_proj", "k_proj", "v_proj", "o_proj")}, **_FUSED_MLP},
    "mpt": {"Wqkv": _QKV, "out_proj": ("o_proj",), "up_proj": ("up_proj",), "down_proj": ("down_proj",)},
}  # fmt: skip


def layers(facts: ModelFacts) -> Mapping[str, tuple[str, ...]]:
    """The linear layers of one decoder layer: PEFT's name -> what `ModelFacts.layout` counts for it."""
    own = list(dict.fromkeys(group.name for group in facts.layout.groups if not group.pictures))
    spelled = _OTHERWISE.get(facts.model_type) or dict.fromkeys(own, ())
    ends = {name: (name.rsplit(".", 1)[-1], *joined) for name, joined in spelled.items()}
    return {name: tuple(one for one in dict.fromkeys(joined) if one in own) for name, joined in ends.items()}


def peft_names(facts: ModelFacts, chosen: tuple[str, ...]) -> list[str]:
    """The names for PEFT's `target_modules`; none for all linear layers.

    Raises:
        PlanError: The model is of a known family, and has no layer of that name.
    """
    own = layers(facts)
    spread = [name for one in chosen for name in (_attention(own) if one == ATTENTION else [one])]
    foreign = [name for name in spread if name not in own]
    if foreign and facts.model_type in TRAITS:
        raise PlanError(
            f"{facts.name} has no linear layer {foreign[0]!r} that adapters could stand beside.",
            remedy=f"Choose among {', '.join((ATTENTION, *own))}; none means all of them.",
        )
    return list(dict.fromkeys(spread))


def counted(facts: ModelFacts, chosen: tuple[str, ...]) -> tuple[str, ...]:
    """The adapted layers as the estimate counts them; none, that is all, where a name is not known here."""
    own = layers(facts)
    names = peft_names(facts, chosen)
    return tuple(one for name in names for one in own[name]) if all(name in own for name in names) else ()


def _attention(own: Mapping[str, tuple[str, ...]]) -> list[str]:
    heads = {*_QKV, "o_proj", "query_key_value", "Wqkv", "c_attn"}
    return [name for name, joined in own.items() if name in heads or (joined and heads.issuperset(joined))]
