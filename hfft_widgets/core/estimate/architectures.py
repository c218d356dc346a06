"""Decoder architectures as shapes: what a config.json means, and the closed form of its parameter count.

The traits are those of the classes in transformers 5; a test initialises each on the meta device and compares.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


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
    """

    norms: int = 2
    qk_norm: str = ""
    gated: bool = True
    biases: str = ""
    positions: bool = False
    tied: bool = False
    head_dim: int = 0


TRAITS: Mapping[str, Traits] = {
    "llama": Traits(),
    "mistral": Traits(),
    "qwen2": Traits(biases="q"),
    "qwen3": Traits(qk_norm="head", head_dim=128),
    "smollm3": Traits(tied=True),
    "gemma": Traits(tied=True, head_dim=256),
    "gemma2": Traits(norms=4, tied=True, head_dim=256),
    "gemma3_text": Traits(norms=4, qk_norm="head", tied=True, head_dim=256),
    "phi3": Traits(),
    "granite": Traits(),
    "olmo2": Traits(qk_norm="width"),
    "starcoder2": Traits(gated=False, biases="qomn", tied=True),
    "gpt2": Traits(gated=False, biases="qomn", positions=True, tied=True),
    "gpt_bigcode": Traits(gated=False, biases="qomn", positions=True, tied=True),
    "gpt_neox": Traits(gated=False, biases="qomn"),
    "mpt": Traits(gated=False, tied=True),
}
ASSUMED_CONTEXT = 2048  # tokens, where a configuration says nothing of it
# the names that older configurations give to the same thing
_ALIASES = {
    "hidden_size": ("n_embd", "d_model"),
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
}


@dataclass(frozen=True)
class Shapes:
    """A decoder's dimensions.

    Attributes:
        known: Whether its type is in `TRAITS`; else it is taken for a Llama.
        biases: See `Traits.biases`, with the configuration's keys taken into account.
        context_known: Whether the configuration says how long the context is; else `ASSUMED_CONTEXT` is taken.
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

    @property
    def linears(self) -> dict[str, tuple[int, int]]:
        """The linear layers of one decoder layer: name -> (inputs, outputs)."""
        queries, keys = self.heads * self.head_dim, self.kv_heads * self.head_dim
        return linear_layers(self.hidden_size, self.intermediate_size, queries, keys, gated=self.traits.gated)

    @property
    def parameters(self) -> int:
        """All parameters, tied ones once; equal to an initialisation where `known`."""
        hidden, vocabulary = self.hidden_size, self.vocabulary_size
        norm = hidden * (2 if "n" in self.biases else 1)
        layer = sum(inputs * outputs for inputs, outputs in self.linears.values())
        layer += self.traits.norms * norm + self._qk_norm + self._bias
        outer = vocabulary * hidden * (1 if self.tied else 2) + norm
        return self.layers * layer + outer + (self.context_length * hidden if self.traits.positions else 0)

    @property
    def _qk_norm(self) -> int:
        each = {"": 0, "head": 2, "width": self.heads + self.kv_heads}[self.traits.qk_norm]
        return each * self.head_dim

    @property
    def _bias(self) -> int:
        groups = {"q_proj": "q", "k_proj": "q", "v_proj": "q", "o_proj": "o"}
        return sum(outputs for name, (_, outputs) in self.linears.items() if groups.get(name, "m") in self.biases)


def linear_layers(hidden: int, inner: int, queries: int, keys: int, *, gated: bool) -> dict[str, tuple[int, int]]:
    """The linear layers of one decoder layer, name -> (inputs, outputs), from the widths of what they connect.

    >>> linear_layers(64, 96, 64, 32, gated=False)["k_proj"]
    (64, 32)
    """
    gate = {"gate_proj": (hidden, inner)} if gated else {}
    return {
        "q_proj": (hidden, queries), "k_proj": (hidden, keys), "v_proj": (hidden, keys), "o_proj": (queries, hidden),
        **gate, "up_proj": (hidden, inner), "down_proj": (inner, hidden),
    }  # fmt: skip


# of layers, widths, heads and vocabularies: the largest published ones are far below
_LARGEST = 10**8


def read_shapes(config: Mapping[str, Any]) -> Shapes:
    """The dimensions in a parsed config.json (its text part, where it has several).

    Raises:
        KeyError, TypeError, ValueError, ArithmeticError: It does not describe a decoder.
    """
    kind = str(config.get("model_type", "unknown"))
    traits = TRAITS.get(kind, Traits())
    hidden, heads = int(_value(config, "hidden_size")), int(_value(config, "num_attention_heads"))
    context = _value(config, "max_position_embeddings", None)
    inner = _value(config, "intermediate_size", None) or int(config.get("expansion_ratio") or 4) * hidden
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
        tied=bool(config.get("tie_word_embeddings", traits.tied)),
        traits=traits,
        biases=_biases(config, kind, traits),
        known=kind in TRAITS and not _experts(config),
        context_known=bool(context),
    )
    sizes = (shapes.layers, hidden, heads, shapes.kv_heads, shapes.head_dim, shapes.vocabulary_size)
    if min(*sizes, shapes.intermediate_size, shapes.context_length) < 1:
        raise ValueError("a dimension below 1")
    if max(*sizes, shapes.intermediate_size) > _LARGEST:
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


def _experts(config: Mapping[str, Any]) -> bool:
    return any(config.get(key) for key in ("num_experts", "num_local_experts", "n_routed_experts"))


def _biases(config: Mapping[str, Any], kind: str, traits: Traits) -> str:
    found = set(traits.biases)
    for key, which in _BIAS_KEYS.get(kind, {}).items():
        found |= set(which) if config.get(key) else set()
    if kind == "starcoder2" and not config.get("use_bias", True):
        found -= set("qom")
    if kind == "gpt_neox" and not config.get("attention_bias", True):
        found -= set("qo")
    return "".join(sorted(found))
