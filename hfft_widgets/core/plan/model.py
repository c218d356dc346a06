"""What a model is, read from its configuration and weights, never from its name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hfft_widgets.errors import ModelError


@dataclass(frozen=True)
class ModelFacts:
    """The facts a plan needs about a model.

    Attributes:
        reference: Hub id or folder, as it goes into a script.
        local: Whether the reference is a folder on this machine.
        architecture: Class name in config.json, e.g. "LlamaForCausalLM".
        model_type: e.g. "llama".
        parameters: Total number of parameters, tied ones once.
        parameters_source: How they were counted.
        layers: Number of decoder layers.
        hidden_size: Width of the residual stream.
        intermediate_size: Width of the MLP.
        heads: Attention heads.
        kv_heads: Key/value heads.
        head_dim: Width of one head.
        vocabulary_size: Rows of the embedding.
        context_length: Positions the model was made for.
        tied_embeddings: Whether input and output embedding are one matrix.
        chat_template: The tokenizer's Jinja template, or None.
        weight_bytes: Size of the weight files; 0 if not known.
    """

    reference: str
    local: bool
    architecture: str
    model_type: str
    parameters: int
    parameters_source: str
    layers: int
    hidden_size: int
    intermediate_size: int
    heads: int
    kv_heads: int
    head_dim: int
    vocabulary_size: int
    context_length: int
    tied_embeddings: bool
    chat_template: str | None = None
    weight_bytes: int = 0

    @property
    def name(self) -> str:
        """The last part of the reference: what people call the model."""
        return self.reference.replace("\\", "/").rstrip("/").rsplit("/", 1)[-1]

    @property
    def linear_parameters(self) -> int:
        """Parameters of the linear layers of all decoder layers: those LoRA adapts with `all-linear`."""
        return self.layers * sum(rows * columns for rows, columns in self.linears.values())

    @property
    def linears(self) -> dict[str, tuple[int, int]]:
        """The linear layers of one decoder layer: name -> (inputs, outputs)."""
        query, key = self.heads * self.head_dim, self.kv_heads * self.head_dim
        return {
            "q_proj": (self.hidden_size, query),
            "k_proj": (self.hidden_size, key),
            "v_proj": (self.hidden_size, key),
            "o_proj": (query, self.hidden_size),
            "gate_proj": (self.hidden_size, self.intermediate_size),
            "up_proj": (self.hidden_size, self.intermediate_size),
            "down_proj": (self.intermediate_size, self.hidden_size),
        }

    def lora_parameters(self, r: int) -> int:
        """Trainable parameters of rank-`r` adapters on all linear layers: r * (inputs + outputs) each (LoRA, 2021)."""
        return self.layers * r * sum(inputs + outputs for inputs, outputs in self.linears.values())


def model_facts(
    config: Mapping[str, Any],
    *,
    reference: str,
    local: bool = True,
    parameters: int | None = None,
    chat_template: str | None = None,
    weight_bytes: int = 0,
) -> ModelFacts:
    """Facts from a parsed config.json.

    Args:
        config: The configuration; a vision model's text part is used where it has one.
        reference: Hub id or folder.
        local: Whether `reference` is a folder.
        parameters: The exact count from the safetensors headers, if known; else the closed form below.
        chat_template: The tokenizer's template.
        weight_bytes: Size of the weight files.

    Raises:
        ModelError: The configuration lacks what an estimate needs.
    """
    text = config.get("text_config") or config
    try:
        hidden, heads = int(text["hidden_size"]), int(text["num_attention_heads"])
        return ModelFacts(
            reference=reference,
            local=local,
            architecture=(config.get("architectures") or ["unknown"])[0],
            model_type=str(text.get("model_type", "unknown")),
            parameters=parameters or count_parameters(text),
            parameters_source="safetensors headers" if parameters else "config.json",
            layers=int(text["num_hidden_layers"]),
            hidden_size=hidden,
            intermediate_size=int(text.get("intermediate_size") or 4 * hidden),
            heads=heads,
            kv_heads=int(text.get("num_key_value_heads") or heads),
            head_dim=int(text.get("head_dim") or hidden // heads),
            vocabulary_size=int(text["vocab_size"]),
            context_length=int(text.get("max_position_embeddings") or 2048),
            tied_embeddings=bool(text.get("tie_word_embeddings", config.get("tie_word_embeddings", False))),
            chat_template=chat_template,
            weight_bytes=weight_bytes,
        )
    except (KeyError, TypeError, ValueError, ZeroDivisionError) as error:
        raise ModelError(
            f"The config.json of {reference!r} does not describe a language model: {error}.",
            remedy="Choose a decoder model such as Qwen/Qwen3-0.6B, or a folder saved with save_pretrained.",
        ) from error


def count_parameters(config: Mapping[str, Any]) -> int:
    """The closed form of a Llama-like decoder's parameter count.

    Equal to a meta-device initialisation for Llama, Qwen2, Qwen3, SmolLM, Gemma 2 and Gemma 3.
    """
    hidden, layers, heads = (int(config[k]) for k in ("hidden_size", "num_hidden_layers", "num_attention_heads"))
    kind = config.get("model_type")
    kv_heads = int(config.get("num_key_value_heads") or heads)
    head_dim = int(config.get("head_dim") or hidden // heads)
    attention = hidden * (heads + 2 * kv_heads) * head_dim + heads * head_dim * hidden
    mlp = 3 * hidden * int(config.get("intermediate_size") or 4 * hidden)
    norms = (4 if kind in {"gemma2", "gemma3_text"} else 2) * hidden
    norms += 2 * head_dim if kind in {"qwen3", "gemma3_text"} else 0
    bias = (heads + 2 * kv_heads) * head_dim if kind == "qwen2" or config.get("attention_bias") else 0
    embedding = int(config["vocab_size"]) * hidden
    head = 0 if config.get("tie_word_embeddings") else embedding
    return layers * (attention + mlp + norms + bias) + embedding + head + hidden
