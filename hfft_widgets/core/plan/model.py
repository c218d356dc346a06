"""What a model is, read from its configuration and weights, never from its name."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from hfft_widgets.core.estimate.architectures import ASSUMED_CONTEXT, REFUSED, TRAITS, Shapes, read_shapes
from hfft_widgets.core.estimate.layers import Layers
from hfft_widgets.core.estimate.probe import ALL_LINEAR, ModelProbe
from hfft_widgets.errors import ModelError

# The language part of a vision model, by the names that transformers gives it, where nobody could look.
LANGUAGE_PART = r".*\b(language_model|text_model)\b.*"
LANGUAGE_LINEARS = f"{LANGUAGE_PART}_proj"
# of a model with a state space, what PEFT adapts without a word
_WITHOUT_STATE_SPACE = ("q_proj", "k_proj", "v_proj", "o_proj", "in_proj", "gate_proj", "up_proj", "down_proj")
# what reads a whole text at once, or pictures: model types whose configurations look like a decoder's
_ENCODERS = {
    "albert", "bert", "camembert", "clip", "convbert", "deberta", "deberta-v2", "distilbert", "electra", "eurobert",
    "ernie", "flaubert", "modernbert", "mpnet", "nomic_bert", "roberta", "roformer", "siglip", "siglip2", "vit",
    "xlm-roberta", "xlm-roberta-xl",
}  # fmt: skip
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
        layout: Its linear layers, and the adapters that they get.
        active_parameters: What a token passes: less than all where it passes only some experts.
        picture_parameters: Of the part that reads pictures.
        assumed: Whether its layers are assumed rather than known: every range is wider then.
        lora_targets: What `LoraConfig(target_modules=...)` takes: "all-linear", a pattern, or names.
        lora_refused: Why PEFT refuses its usual targets, in its words; "" if it does not.
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
    layout: Layers = field(default_factory=Layers, repr=False)
    active_parameters: int = 0
    picture_parameters: int = 0
    assumed: bool = False
    lora_targets: str | tuple[str, ...] = ALL_LINEAR
    lora_refused: str = ""

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
        return self.layout.parameters

    @property
    def page(self) -> str:
        """The model's page on the Hub, where terms are accepted; "" for a folder."""
        return "" if self.local else "https://huggingface.co/" + _NOT_IN_IDS.sub("", self.reference)

    def to_dict(self) -> dict[str, Any]:
        """JSON values, without its name and layers; of the chat template whether there is one."""
        # what is as in most models is not said
        facts = {one.name: getattr(self, one.name) for one in fields(self) if one.name not in {"reference", "layout"}}
        usual = {"active_parameters": self.parameters, "picture_parameters": 0, "assumed": False, "lora_refused": "",
                 "lora_targets": ALL_LINEAR}  # fmt: skip
        facts = {name: value for name, value in facts.items() if name not in usual or value != usual[name]}
        if not isinstance(facts.get("lora_targets", ""), str):
            facts["lora_targets"] = list(self.lora_targets)
        return {**facts, "chat_template": self.chat_template is not None, "unknown": list(self.unknown)}

    def lora_parameters(self, r: int, targets: tuple[str, ...] = ()) -> int:
        """Trainable parameters of rank-`r` adapters; no names: of the usual layers."""
        return self.layout.trainable(r, targets)


def model_facts(
    config: Mapping[str, Any],
    *,
    reference: str,
    local: bool = True,
    parameters: int | None = None,
    probe: ModelProbe | str = "",
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
        probe: What transformers and PEFT say of it (`sources.probe`); or why they were not asked.
        chat_template: The tokenizer's template.
        weight_bytes: Size of the weight files.
        licence: From the model card.
        gated: Whether its terms must be accepted on the Hub.

    Raises:
        ModelError: The configuration lacks what an estimate needs, or is that of an encoder.
    """
    asked = probe if isinstance(probe, ModelProbe) else None
    _refuse_other_kinds(config, reference, asked)
    text = config.get("text_config") or config
    packed = config.get("quantization_config")
    vision = any(config.get(key) for key in ("vision_config", "image_token_id", "image_token_index"))
    counted = None if packed else parameters
    found = _of_probe(asked) if asked else _of_config(config, reference, counted, str(probe), vision=vision)
    if not local:
        found["unknown"] += ["its licence"] if licence is None else []
        found["unknown"] += ["whether its terms must be accepted first"] if gated is None else []
    return ModelFacts(
        **{**found, "unknown": tuple(found["unknown"])},
        reference=reference,
        local=local,
        architecture=(_classes(config) or ["unknown"])[0],
        model_type=str(text.get("model_type", "unknown")),
        chat_template=chat_template,
        weight_bytes=weight_bytes,
        licence=licence,
        gated=gated,
        vision=vision,
        quantization=str(packed.get("quant_method", "few bits")) if isinstance(packed, Mapping) else "",
    )


def _of_probe(found: ModelProbe) -> dict[str, Any]:
    """Facts as transformers and PEFT have them."""
    return {
        "parameters": found.parameters,
        "parameters_source": f"built without memory by {found.versions}",
        "context_length": found.context_length or ASSUMED_CONTEXT,
        **{name: getattr(found, name) for name in _PROBED},
        "layout": found.linears,
        "lora_targets": found.targets,
        "lora_refused": found.refused,
        "unknown": [] if found.context_length else [_CONTEXT_ASSUMED],
    }


_PROBED = ("layers", "hidden_size", "intermediate_size", "heads", "kv_heads", "head_dim", "vocabulary_size", "norms",
           "tied_embeddings", "gated_mlp", "qk_norm", "active_parameters", "picture_parameters")  # fmt: skip
_CONTEXT_ASSUMED = f"its context length: {ASSUMED_CONTEXT:,} tokens are assumed"


def _of_config(
    config: Mapping[str, Any], reference: str, counted: int | None, not_asked: str, *, vision: bool
) -> dict[str, Any]:
    """Facts by arithmetic: exact for the types in `architectures.TRAITS`, assumed for others."""
    text = config.get("text_config") or config
    try:
        shapes = read_shapes(text if "tie_word_embeddings" in text else {**text, **_tie(config)})
    except (AttributeError, KeyError, TypeError, ValueError, ArithmeticError) as error:
        raise ModelError(
            f"The config.json of {reference!r} does not describe a language model: {error}.",
            why=f"transformers was not asked what it leaves out: {not_asked}." if not_asked else "",
            remedy="Choose a decoder model such as Qwen/Qwen3-0.6B, or a folder saved with save_pretrained.",
        ) from error
    total, source = _count(shapes, counted)
    passed = (1 - shapes.layout.share) * shapes.experts * shapes.layers * 3 * shapes.expert_width * shapes.hidden_size
    refused = str(text.get("model_type")) in REFUSED
    return {
        "parameters": total,
        "parameters_source": source,
        "layers": shapes.layers,
        "hidden_size": shapes.hidden_size,
        "intermediate_size": shapes.passed_width,
        "heads": shapes.heads,
        "kv_heads": shapes.kv_heads,
        "head_dim": shapes.head_dim,
        "vocabulary_size": shapes.vocabulary_size,
        "context_length": shapes.context_length,
        "tied_embeddings": shapes.tied,
        "gated_mlp": shapes.traits.gated,
        "norms": shapes.traits.norms,
        "qk_norm": bool(shapes.traits.qk_norm),
        "layout": shapes.layout,
        "active_parameters": max(1, round(total - passed)),
        "assumed": not shapes.known or vision,
        "lora_targets": LANGUAGE_LINEARS if vision else _WITHOUT_STATE_SPACE if refused else ALL_LINEAR,
        "lora_refused": "its kernels go round the layer out_proj" if refused else "",
        "unknown": _unknown(shapes, source, not_asked, vision=vision),
    }


def _classes(config: Mapping[str, Any]) -> list[str]:
    """Names of the classes that saved the model."""
    named = config.get("architectures")
    return [str(name) for name in named] if isinstance(named, (list, tuple)) else []


def _refuse_other_kinds(config: Mapping[str, Any], reference: str, probe: ModelProbe | None) -> None:
    """Encoders have the same keys as decoders, and would be planned as if they wrote text."""
    classes = ", ".join(_classes(config))
    kind = config.get("model_type", "an encoder")
    encoder = isinstance(kind, str) and kind in _ENCODERS and not config.get("is_decoder")
    if config.get("is_encoder_decoder") or "ForMaskedLM" in classes or encoder or (probe and probe.other_kind):
        raise ModelError(
            f"{reference!r} is no decoder ({classes or kind}).",
            why="Only models that continue a text token by token can be trained here.",
            remedy="Choose a decoder model such as Qwen/Qwen3-0.6B.",
        )
    if probe and min(probe.layers, probe.hidden_size, probe.vocabulary_size) < 1:
        raise ModelError(
            f"The config.json of {reference!r} does not describe a language model: it has "
            f"{probe.layers} layers of {probe.hidden_size} numbers and {probe.vocabulary_size} tokens.",
            remedy="Choose a decoder model such as Qwen/Qwen3-0.6B, or a folder saved with save_pretrained.",
        )


def _tie(config: Mapping[str, Any]) -> dict[str, Any]:
    """A vision model says at its top whether the text part's embeddings are tied."""
    return {"tie_word_embeddings": config["tie_word_embeddings"]} if "tie_word_embeddings" in config else {}


def _count(shapes: Shapes, headers: int | None) -> tuple[int, str]:
    """The number of parameters and where it is from.

    Some files hold a tied head a second time; the model has it once.
    """
    closed = shapes.parameters
    if headers and shapes.known and shapes.tied and headers == closed + shapes.vocabulary_size * shapes.hidden_size:
        return closed, "safetensors headers, the tied head counted once"
    if headers:
        return headers, "safetensors headers"
    return closed, "config.json" if shapes.known else "config.json, as if it were a Llama"


def _unknown(shapes: Shapes, source: str, not_asked: str, *, vision: bool) -> list[str]:
    counted = not source.startswith("config.json")
    found = []
    if not shapes.known:
        found.append("the architecture: its layers are taken for a Llama's" + ("" if counted else ", and its size too"))
    if vision:
        found.append("the part that reads pictures" if counted else "the size of the part that reads pictures")
    if found:
        found[-1] += f"; all ranges are wider for it ({not_asked or 'transformers was not asked'})"
    if not shapes.context_known:
        found.append(_CONTEXT_ASSUMED)
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
    """Whether `count_parameters` is exact for this configuration or refuses it; else an initialisation can tell."""
    try:
        return "text_config" not in config and config.get("model_type") in TRAITS and read_shapes(config).known
    except (ValueError, ArithmeticError):  # a value that cannot be: nobody needs to be asked
        return True
    except (AttributeError, KeyError, TypeError):  # one that is missing
        return False
