"""Decoder architectures as shapes: what a config.json means, and the closed form of its parameter count.

The traits are those of the classes in transformers 5; a test initialises each on the meta device and compares.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hfft_widgets.core.estimate.layers import Layers, LinearGroup


@dataclass(frozen=True)
class Traits:
    """What distinguishes a decoder from Llama's, as far as its size and its saved activations go.

    Attributes:
        norms: Normalisation layers per decoder layer, queries' and keys' not counted.
        qk_norm: "" none, "head" one weight per position in a head (Qwen3), "width" one per query and key (OLMo 2).
        gated: Whether the MLP has a gate beside its up projection.
        biases: Which have biases: q(kv), o, m(lp), n(orms), as far as no key of the configuration decides.
        positions: Whether positions are learned, one row each.
        tied: Whether the head is the embedding if the configuration does not say so: saved files omit defaults.
        head_dim: Width of a head if the configuration does not say so; 0: hidden size / heads.
        fused: Which matrices are one: q (queries, keys, values), m (gate and up).
        exact: Whether the closed form is; else only the linear layers are.
    """

    norms: int = 2
    qk_norm: str = ""
    gated: bool = True
    biases: str = ""
    positions: bool = False
    tied: bool = False
    head_dim: int = 0
    fused: str = ""
    exact: bool = True


TRAITS: Mapping[str, Traits] = {
    "llama": Traits(),
    "mistral": Traits(),
    "qwen": Traits(biases="q", fused="q"),
    "qwen2": Traits(biases="q"),
    "qwen3": Traits(qk_norm="head", head_dim=128),
    "smollm3": Traits(tied=True),
    "gemma": Traits(tied=True, head_dim=256),
    "gemma2": Traits(norms=4, tied=True, head_dim=256),
    "gemma3_text": Traits(norms=4, qk_norm="head", tied=True, head_dim=256),
    "phi3": Traits(fused="qm"),
    "granite": Traits(),
    "olmo2": Traits(qk_norm="width"),
    "olmo3": Traits(qk_norm="width"),
    "exaone4": Traits(qk_norm="head"),
    "hunyuan_v1_dense": Traits(qk_norm="head"),
    "glm4": Traits(norms=4, biases="q", fused="m"),
    "starcoder2": Traits(gated=False, biases="qomn", tied=True),
    "gpt2": Traits(gated=False, biases="qomn", positions=True, tied=True, fused="q"),
    "gpt_bigcode": Traits(gated=False, biases="qomn", positions=True, tied=True, fused="q"),
    "gpt_neox": Traits(gated=False, biases="qomn", fused="q"),
    "mpt": Traits(gated=False, tied=True, fused="q"),
    "bloom": Traits(gated=False, biases="qomn", tied=True, fused="q", exact=False),
    "opt": Traits(gated=False, biases="qomn", positions=True, tied=True, exact=False),
    "phi": Traits(norms=1, gated=False, biases="qomn", exact=False),
    "apertus": Traits(qk_norm="head", gated=False, exact=False),
    "stablelm": Traits(biases="n", exact=False),
}
# what the classes take where a saved file says nothing, of families whose files are known to leave it out
_OMITTED: Mapping[str, Mapping[str, int]] = {
    "gemma3_text": {"num_attention_heads": 8, "num_key_value_heads": 4, "vocab_size": 262208,
                    "max_position_embeddings": 131072},
    "llama": {"hidden_size": 4096, "num_hidden_layers": 32, "num_attention_heads": 32, "intermediate_size": 11008,
              "vocab_size": 32000},
    "mamba": {"num_attention_heads": 1},
}  # fmt: skip
# of models with experts, those whose experts PEFT 0.21 leaves as they are
_EXPERTS_LEFT = {"gpt_oss", "granitemoe", "granitemoehybrid"}
# PEFT refuses `all-linear` of these (its tuners/tuners_utils.py): their kernels go round the layer out_proj
REFUSED = {"falcon_h1", "mamba", "mamba2", "falcon_mamba", "nemotron_h"}
ASSUMED_CONTEXT = 2048  # tokens, where a configuration says nothing of it
# the names that older configurations give to the same thing
_ALIASES = {
    "hidden_size": ("n_embd", "n_embed", "d_model"),
    "num_hidden_layers": ("n_layer", "n_layers"),
    "num_attention_heads": ("n_head", "n_heads"),
    "intermediate_size": ("n_inner", "ffn_dim"),
    "max_position_embeddings": ("n_positions", "max_seq_len"),
}
# which key of a configuration adds which biases, by type; Mistral's and Phi-3's classes know none of these keys
_BIAS_KEYS = {
    "llama": {"attention_bias": "qo", "mlp_bias": "m"},
    "granite": {"attention_bias": "qo", "mlp_bias": "m"},
    "qwen3": {"attention_bias": "qo"},
    "smollm3": {"attention_bias": "qo", "mlp_bias": "m"},
    "gemma": {"attention_bias": "qo"},
    "gemma2": {"attention_bias": "qo"},
    "gemma3_text": {"attention_bias": "qo"},
    "olmo2": {"attention_bias": "qo"},
    "olmo3": {"attention_bias": "qo"},
    "hunyuan_v1_dense": {"attention_bias": "qo"},
}


@dataclass(frozen=True)
class Shapes:
    """A decoder's dimensions.

    Attributes:
        known: Whether its type is in `TRAITS`; else it is taken for a Llama.
        biases: See `Traits.biases`, with the configuration's keys taken into account.
        context_known: Whether the configuration says how long the context is; else `ASSUMED_CONTEXT` is taken.
        experts: How many MLPs a layer has to choose from; 0: one that all tokens pass.
        passed: How many of them a token passes.
        expert_width: Width of one of them.
        shared_width: Width of the MLP beside them that all tokens pass.
        experts_adapted: Whether PEFT gives experts adapters.
    """

    layers: int
    hidden_size: int
    intermediate_size: int
    heads: int
    kv_heads: int
    head_dim: int
    vocabulary_size: int
    context_length: int
    tied: bool
    traits: Traits
    biases: str
    known: bool
    context_known: bool = True
    experts: int = 0
    passed: int = 0
    expert_width: int = 0
    shared_width: int = 0
    experts_adapted: bool = True

    @property
    def linears(self) -> dict[str, tuple[int, int]]:
        """The linear layers of one decoder layer: name -> (inputs, outputs)."""
        queries, keys = self.heads * self.head_dim, self.kv_heads * self.head_dim
        shared = self.shared_width if self.experts else self.intermediate_size
        traits = self.traits
        return linear_layers(self.hidden_size, shared, queries, keys, gated=traits.gated, fused=traits.fused)

    @property
    def layout(self) -> Layers:
        """All linear layers, with the adapters that PEFT gives them."""
        dense = [LinearGroup(name, *shape, self.layers, self.layers) for name, shape in self.linears.items()]
        if not self.experts:
            return Layers(tuple(dense))
        count, inner = self.experts * self.layers, self.expert_width
        adapted = count * self.experts_adapted
        # PEFT gives the matrix in which gate and up are one a rank of its own for each
        both = LinearGroup("gate_up_proj", self.hidden_size, 2 * inner, count, 2 * adapted, experts=True, packed=True)
        down = LinearGroup("down_proj", inner, self.hidden_size, count, adapted, experts=True, packed=True)
        return Layers((*dense, both, down), min(1.0, self.passed / self.experts))

    @property
    def passed_width(self) -> int:
        """Width of the MLP that a token passes."""
        return self.passed * self.expert_width + self.shared_width if self.experts else self.intermediate_size

    @property
    def parameters(self) -> int:
        """All parameters, tied ones once; equal to an initialisation where `known`."""
        hidden, vocabulary = self.hidden_size, self.vocabulary_size
        norm = hidden * (2 if "n" in self.biases else 1)
        layer = sum(inputs * outputs for inputs, outputs in self.linears.values())
        layer += self.traits.norms * norm + self._qk_norm + self._bias
        layer += self.experts * hidden * (3 * self.expert_width + 1)
        outer = vocabulary * hidden * (1 if self.tied else 2) + norm
        return self.layers * layer + outer + (self.context_length * hidden if self.traits.positions else 0)

    @property
    def _qk_norm(self) -> int:
        each = {"": 0, "head": 2, "width": self.heads + self.kv_heads}[self.traits.qk_norm]
        return each * self.head_dim

    @property
    def _bias(self) -> int:
        groups = {"q_proj": "q", "k_proj": "q", "v_proj": "q", "qkv_proj": "q", "o_proj": "o"}
        return sum(outputs for name, (_, outputs) in self.linears.items() if groups.get(name, "m") in self.biases)


def linear_layers(
    hidden: int, inner: int, queries: int, keys: int, *, gated: bool, fused: str = ""
) -> dict[str, tuple[int, int]]:
    """The linear layers of one decoder layer, name -> (inputs, outputs), from the widths of what they connect.

    >>> linear_layers(64, 96, 64, 32, gated=False)["k_proj"]
    (64, 32)
    >>> list(linear_layers(64, 96, 64, 32, gated=True, fused="qm"))
    ['qkv_proj', 'o_proj', 'gate_up_proj', 'down_proj']
    """
    attention = {"q_proj": (hidden, queries), "k_proj": (hidden, keys), "v_proj": (hidden, keys)}
    if "q" in fused:
        attention = {"qkv_proj": (hidden, queries + 2 * keys)}
    outer = {"o_proj": (queries, hidden)}
    if not inner:
        return {**attention, **outer}
    up = {**({"gate_proj": (hidden, inner)} if gated else {}), "up_proj": (hidden, inner)}
    if "m" in fused and gated:
        up = {"gate_up_proj": (hidden, 2 * inner)}
    return {**attention, **outer, **up, "down_proj": (inner, hidden)}


# of layers, widths, heads and vocabularies: the largest published ones are far below
_LARGEST = 10**8


def read_shapes(config: Mapping[str, Any]) -> Shapes:
    """The dimensions in a parsed config.json (its text part, where it has several).

    Raises:
        KeyError, TypeError, ValueError, ArithmeticError: It does not describe a decoder.
    """
    kind = str(config.get("model_type", "unknown"))
    config = {**_OMITTED.get(kind, {}), **{name: value for name, value in config.items() if value is not None}}
    traits, experts = TRAITS.get(kind, Traits()), _experts(config)
    hidden, heads = int(_value(config, "hidden_size")), int(_value(config, "num_attention_heads"))
    context = _value(config, "max_position_embeddings", None)
    inner = _value(config, "intermediate_size", None) or int(config.get("expansion_ratio") or 4) * hidden
    alone = int(config.get("moe_intermediate_size") or inner)
    shapes = Shapes(
        layers=int(_value(config, "num_hidden_layers")),
        hidden_size=hidden,
        # Qwen (2023) writes the width of gate and up together
        intermediate_size=int(inner) // (2 if kind == "qwen" else 1),
        heads=heads,
        kv_heads=_kv_heads(config, heads),
        head_dim=int(config.get("head_dim") or traits.head_dim or hidden // heads),
        vocabulary_size=int(config["vocab_size"]),
        context_length=int(context or ASSUMED_CONTEXT),
        # LFM2 has a name of its own for it
        tied=bool(config.get("tie_word_embeddings", config.get("tie_embedding", traits.tied))),
        traits=traits,
        biases=_biases(config, kind, traits),
        known=kind in TRAITS and traits.exact and not experts,
        context_known=bool(context),
        experts=experts,
        passed=int(config.get("num_experts_per_tok") or 1) if experts else 0,
        expert_width=alone if experts else 0,
        shared_width=_shared_width(config, alone) if experts else 0,
        experts_adapted=kind not in _EXPERTS_LEFT,
    )
    sizes = (shapes.layers, hidden, heads, shapes.kv_heads, shapes.head_dim, shapes.vocabulary_size)
    if min(*sizes, shapes.intermediate_size, shapes.context_length) < 1:
        raise ValueError("a dimension below 1")
    if min(shapes.experts, shapes.passed, shapes.expert_width, shapes.shared_width) < 0:
        raise ValueError("experts below 0")
    if max(*sizes, shapes.intermediate_size, shapes.experts, shapes.expert_width, shapes.shared_width) > _LARGEST:
        raise ValueError("a dimension that no model has")
    return shapes


def _value(config: Mapping[str, Any], name: str, *default: Any) -> Any:
    found = next((config[key] for key in (name, *_ALIASES[name]) if config.get(key) is not None), None)
    if found is None and not default:
        raise KeyError(name)
    return found


def _kv_heads(config: Mapping[str, Any], heads: int) -> int:
    if config.get("model_type") == "gpt_bigcode" and config.get("multi_query", True):
        return 1
    return int(config.get("num_key_value_heads") or heads)


def _experts(config: Mapping[str, Any]) -> int:
    names = ("num_experts", "num_local_experts", "n_routed_experts")
    return next((int(config[name]) for name in names if config.get(name)), 0)


def _shared_width(config: Mapping[str, Any], alone: int) -> int:
    """Width of the experts that all tokens pass, together."""
    names = ("shared_intermediate_size", "shared_expert_intermediate_size")
    given = next((int(config[name]) for name in names if config.get(name)), 0)
    return given or alone * int(config.get("n_shared_experts") or 0)


def _biases(config: Mapping[str, Any], kind: str, traits: Traits) -> str:
    found = set(traits.biases)
    for key, which in _BIAS_KEYS.get(kind, {}).items():
        found |= set(which) if config.get(key) else set()
    if kind == "starcoder2" and not config.get("use_bias", True):
        found -= set("qom")
    if kind == "stablelm" and config.get("use_qkv_bias"):
        found.add("q")
    if kind == "gpt_neox" and not config.get("attention_bias", True):
        found -= set("qo")
    return "".join(sorted(found))
