"""What a model is, read from its configuration and weights, never from its name."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from hfft_widgets.core.estimate.architectures import ASSUMED_CONTEXT, TRAITS, Shapes, linear_layers, read_shapes
from hfft_widgets.errors import ModelError

# what no Hub id holds
_NOT_IN_IDS = re.compile(r"[^\w./-]", re.ASCII)


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
        gated_mlp: Whether the MLP has a gate: three matrices rather than two.
        norms: Normalisation layers per decoder layer.
        qk_norm: Whether queries and keys are normalised.
        licence: As its model card names it, or None if not known.
        gated: Whether its terms must be accepted on the Hub first, or None if not known.
        vision: Whether it reads pictures.
        quantization: How its weights are packed into few bits, e.g. "bitsandbytes"; "" if they are not.
        unknown: What could not be read and is assumed, one phrase each.
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
    gated_mlp: bool = True
    norms: int = 2
    qk_norm: bool = False
    licence: str | None = None
    gated: bool | None = None
    vision: bool = False
    quantization: str = ""
    unknown: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The last part of the reference: what people call the model."""
        return self.reference.replace("\\", "/").rstrip("/").rsplit("/", 1)[-1]

    @property
    def head_parameters(self) -> int:
        """Weights of the output head, which is the embedding where they are tied."""
        return self.vocabulary_size * self.hidden_size

    @property
    def linear_parameters(self) -> int:
        """Parameters of the linear layers of all decoder layers: those LoRA adapts with `all-linear`."""
        return self.layers * sum(inputs * outputs for inputs, outputs in self.linears.values())

    @property
    def linears(self) -> dict[str, tuple[int, int]]:
        """The linear layers of one decoder layer: name -> (inputs, outputs)."""
        queries, keys = self.heads * self.head_dim, self.kv_heads * self.head_dim
        return linear_layers(self.hidden_size, self.intermediate_size, queries, keys, gated=self.gated_mlp)

    @property
    def page(self) -> str:
        """The model's page on the Hub, where terms are accepted; "" for a folder."""
        return "" if self.local else "https://huggingface.co/" + _NOT_IN_IDS.sub("", self.reference)

    def to_dict(self) -> dict[str, Any]:
        """JSON values: all but its name, and of the chat template only whether there is one."""
        facts = asdict(self)
        del facts["reference"]
        return {**facts, "chat_template": self.chat_template is not None, "unknown": list(self.unknown)}

    def lora_linears(self, targets: tuple[str, ...] = ()) -> list[tuple[int, int]]:
        """(inputs, outputs) of the adapted layers of one decoder layer; no names: all of them."""
        return [shape for name, shape in self.linears.items() if not targets or name in targets]

    def lora_parameters(self, r: int, targets: tuple[str, ...] = ()) -> int:
        """Trainable parameters of rank-`r` adapters: r * (inputs + outputs) per adapted layer (LoRA, 2021)."""
        return self.layers * r * sum(inputs + outputs for inputs, outputs in self.lora_linears(targets))


def model_facts(
    config: Mapping[str, Any],
    *,
    reference: str,
    local: bool = True,
    parameters: int | None = None,
    initialised: int | None = None,
    chat_template: str | None = None,
    weight_bytes: int = 0,
    licence: str | None = None,
    gated: bool | None = None,
) -> ModelFacts:
    """Facts from a parsed config.json.

    Args:
        config: The configuration; a vision model's text part is used where it has one.
        reference: Hub id or folder.
        local: Whether `reference` is a folder.
        parameters: The count from the safetensors headers, if known; else the closed form. Packed weights
            (`quantization_config`) count fewer numbers than the model has: theirs is not taken.
        initialised: The count of an initialisation without memory (`sources.meta`), if one was made.
        chat_template: The tokenizer's template.
        weight_bytes: Size of the weight files.
        licence: From the model card.
        gated: Whether its terms must be accepted on the Hub.

    Raises:
        ModelError: The configuration lacks what an estimate needs, or is that of an encoder.
    """
    _refuse_other_kinds(config, reference)
    text = config.get("text_config") or config
    packed = config.get("quantization_config")
    try:
        shapes = read_shapes(text if "tie_word_embeddings" in text else {**text, **_tie(config)})
    except (AttributeError, KeyError, TypeError, ValueError, ArithmeticError) as error:
        raise ModelError(
            f"The config.json of {reference!r} does not describe a language model: {error}.",
            remedy="Choose a decoder model such as Qwen/Qwen3-0.6B, or a folder saved with save_pretrained.",
        ) from error
    vision = any(config.get(key) for key in ("vision_config", "image_token_id", "image_token_index"))
    total, source = _count(shapes, None if packed else parameters, initialised)
    unknown = _unknown(shapes, source, vision=vision)
    if not local:
        unknown += ["its licence"] if licence is None else []
        unknown += ["whether its terms must be accepted first"] if gated is None else []
    return ModelFacts(
        reference=reference,
        local=local,
        architecture=(_classes(config) or ["unknown"])[0],
        model_type=str(text.get("model_type", "unknown")),
        parameters=total,
        parameters_source=source,
        layers=shapes.layers,
        hidden_size=shapes.hidden_size,
        intermediate_size=shapes.intermediate_size,
        heads=shapes.heads,
        kv_heads=shapes.kv_heads,
        head_dim=shapes.head_dim,
        vocabulary_size=shapes.vocabulary_size,
        context_length=shapes.context_length,
        tied_embeddings=shapes.tied,
        chat_template=chat_template,
        weight_bytes=weight_bytes,
        gated_mlp=shapes.traits.gated,
        norms=shapes.traits.norms,
        qk_norm=bool(shapes.traits.qk_norm),
        licence=licence,
        gated=gated,
        vision=vision,
        quantization=str(packed.get("quant_method", "few bits")) if isinstance(packed, Mapping) else "",
        unknown=tuple(unknown),
    )


def _classes(config: Mapping[str, Any]) -> list[str]:
    """Names of the classes that saved the model."""
    named = config.get("architectures")
    return [str(name) for name in named] if isinstance(named, (list, tuple)) else []


def _refuse_other_kinds(config: Mapping[str, Any], reference: str) -> None:
    """Encoders have the same keys as decoders, and would be planned as if they wrote text."""
    classes = ", ".join(_classes(config))
    if config.get("is_encoder_decoder") or "ForMaskedLM" in classes:
        raise ModelError(
            f"{reference!r} is no decoder ({classes or config.get('model_type', 'an encoder')}).",
            why="Only models that continue a text token by token can be trained here.",
            remedy="Choose a decoder model such as Qwen/Qwen3-0.6B.",
        )


def _tie(config: Mapping[str, Any]) -> dict[str, Any]:
    """A vision model says at its top whether the text part's embeddings are tied."""
    return {"tie_word_embeddings": config["tie_word_embeddings"]} if "tie_word_embeddings" in config else {}


def _count(shapes: Shapes, headers: int | None, initialised: int | None) -> tuple[int, str]:
    """The number of parameters and where it is from.

    Some files hold a tied head a second time; the model has it once.
    """
    closed = shapes.parameters
    if headers and shapes.known and shapes.tied and headers == closed + shapes.vocabulary_size * shapes.hidden_size:
        return closed, "safetensors headers, the tied head counted once"
    if headers:
        return headers, "safetensors headers"
    if initialised:
        return initialised, "initialisation without memory"
    return closed, "config.json" if shapes.known else "config.json, as if it were a Llama"


def _unknown(shapes: Shapes, source: str, *, vision: bool) -> list[str]:
    counted = not source.startswith("config.json")
    found = []
    if not shapes.known:
        found.append("the architecture: its layers are taken for a Llama's" + ("" if counted else ", and its size too"))
    if vision and not counted:
        found.append("the size of the part that reads pictures")
    if not shapes.context_known:
        found.append(f"its context length: {ASSUMED_CONTEXT:,} tokens are assumed")
    return found


def count_parameters(config: Mapping[str, Any]) -> int:
    """The closed form of a decoder's parameter count.

    Equal to a meta-device initialisation for every type in `architectures.TRAITS`; others are taken for a Llama.

    >>> count_parameters({"model_type": "llama", "hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4,
    ...                   "intermediate_size": 96, "vocab_size": 100})
    82752
    """
    return read_shapes(config).parameters


def closed_form_known(config: Mapping[str, Any]) -> bool:
    """Whether `count_parameters` is exact for this configuration; else an initialisation can tell."""
    try:
        return "text_config" not in config and config.get("model_type") in TRAITS and read_shapes(config).known
    except (AttributeError, KeyError, TypeError, ValueError, ArithmeticError):
        return False
