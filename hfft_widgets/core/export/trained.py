"""From what the small files of a trained model say to the plan of its export, or to the reason why there is none."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hfft_widgets.core.data.templates import ChatTemplate
from hfft_widgets.core.export import checks, layouts
from hfft_widgets.core.export.plan import DEFAULT_PROMPT, ExportPlan
from hfft_widgets.core.export.quantizations import ADAPTER, BY_CONVERTER, USUAL, find_quantizations
from hfft_widgets.errors import ExportError

_WIDTHS = ("hidden_size", "n_embd", "intermediate_size", "moe_intermediate_size")  # rows of the matrices are so long


@dataclass(frozen=True)
class Trained:
    """What the small files say of a trained model, before anything is downloaded or merged.

    Attributes:
        model: Folder or Hub id.
        config: Parsed config.json of the full model, or of the adapter's base; None if there is none.
        adapter_config: Parsed adapter_config.json; None for a full model.
        base: What it was trained from; None: what adapter_config.json names, or not known for a full model.
        parameters: Parameters of the whole model.
        files: Names of the files in the trained model's folder or repository.
        base_files: The same for the base.
        chain: Adapters between the two, the first first.
        shapes: Name -> shape of each weight of the adapter; empty: not known.
        tokens: Tokens of the tokenizer; None: not known.
        sentencepiece: Whether the tokenizer needs tokenizer.model; None: not known.
        template: Its chat template, or None.
        special_tokens: What the template calls by name, e.g. {"eos_token": "</s>"}.
        named_templates: Names of its chat templates where it has several and none is the default.
        known_splitting: Whether llama.cpp knows how the tokenizer cuts a text into words; True: as far as is known.
        loaded_otherwise: Whether transformers loads another tokenizer than the files say.
        mended: What else the small files show that the script will mend, in words.
    """

    model: str
    config: Mapping[str, Any] | None
    adapter_config: Mapping[str, Any] | None
    base: str | None
    parameters: int
    files: Collection[str]
    base_files: Collection[str] = ()
    chain: tuple[str, ...] = ()
    shapes: Mapping[str, Sequence[int]] = dataclasses.field(default_factory=dict)
    tokens: int | None = None
    sentencepiece: bool | None = None
    template: str | None = None
    special_tokens: Mapping[str, str] = dataclasses.field(default_factory=dict)
    named_templates: tuple[str, ...] = ()
    known_splitting: bool = True
    loaded_otherwise: bool = False
    mended: tuple[str, ...] = ()


def make_export_plan(
    trained: Trained,
    *,
    quantization: str | Iterable[str] = USUAL,
    name: str | None = None,
    prompt: str | None = None,
    quantizer_available: bool,
    supported: Collection[str] | None,
    questions: Sequence[Mapping[str, Any]] = (),
    longest: int = 128,
    unchanged_too: bool = False,
    text_only: bool = False,
) -> ExportPlan:
    """The plan for a trained model.

    Args:
        trained: What its small files say.
        quantization: One of `QUANTIZATIONS`, or several, made of one conversion.
        name: The model's name; None: the last part of `model`.
        prompt: What the exported model is asked when it is checked, e.g. a held-out row; None: a greeting.
        quantizer_available: Whether llama.cpp's quantizer can run where the export will.
        supported: Class names that the converter knows; None: not known here, the converter will say.
        questions: Rows of the training's `answers` event, to be asked again.
        longest: Tokens of the longest of their answers.
        unchanged_too: Whether a model in which nothing is left of its training is exported all the same.
        text_only: Whether of a model that reads pictures or hears the language model alone is exported.

    Raises:
        ExportError: This model cannot become a GGUF file as asked.
    """
    wanted = find_quantizations(quantization)
    base, source, config, architecture = _checked(trained, supported)
    text = layouts.text_part(config)
    seeing = "vision_config" in config or "audio_config" in config
    checks.check_pictures(source, seeing=seeing, text_only=text_only)
    rows = checks.positive(source, "vocab_size", text.get("vocab_size") or config.get("vocab_size"))
    own_rows = checks.adapter_rows(trained.shapes, trained.adapter_config, rows)
    checks.check_rows(trained.model, trained.tokens, own_rows)
    for one in wanted:
        checks.check_blocks(one, {key: text.get(key) for key in _WIDTHS}, quantizer=one not in BY_CONVERTER)
    tied = bool(text.get("tie_word_embeddings", config.get("tie_word_embeddings", False)))
    if ADAPTER in wanted:
        checks.check_own_file(trained.model, trained.adapter_config, trained.chain, tied=tied)
    parted = tied and checks.parts_head(trained.shapes, trained.adapter_config)
    more = own_rows - rows + parted * own_rows
    odd = any(isinstance(text.get(key), int) and text[key] % 32 for key in _WIDTHS)
    hidden = checks.positive(source, "hidden_size", text.get("hidden_size") or text.get("n_embd"))
    return ExportPlan(
        model=str(trained.model),
        base=base,
        adapter=trained.adapter_config is not None,
        architecture=architecture,
        requested=wanted[0],
        also=wanted[1:],
        name=name or str(trained.model),
        prompt=prompt or DEFAULT_PROMPT,
        parameters=checks.positive(source, "number of parameters", trained.parameters) + more * hidden,
        hidden_size=hidden,
        vocabulary_size=own_rows,
        tied_embeddings=tied and not parted,
        adapter_parameters=sum(math.prod(shape) for name, shape in trained.shapes.items() if ".lora_" in name),
        dtype=checks.dtype(config),
        quantizer_available=quantizer_available and not odd,
        chain=trained.chain,
        repairs=_repairs(trained, rows, own_rows),
        context=layouts.usable_context(config),
        text_only=seeing,
        questions=tuple(questions),
        longest=longest,
        unchanged_too=unchanged_too,
    )


def outlook(trained: Trained, supported: Collection[str] | None, *, scores: bool = False) -> str:
    """Whether a model can become a GGUF file, in words: asked before it is trained, when another can still be chosen.

    Args:
        trained: What the small files of the model say that will be trained.
        supported: Class names that the converter knows; None: not known here.
        scores: Whether the training makes a model that gives scores.
    """
    if scores:
        return "no, because it will give scores, not text"
    try:
        plan = make_export_plan(trained, quantizer_available=True, supported=supported, text_only=True)
    except ExportError as error:
        return f"no, because {_inside(error.what)}"
    words = f"with these repairs: {'; '.join(plan.repairs)}" if plan.repairs else "yes"
    return "; but ".join([words, *map(_inside, plan.warnings)])


def _inside(sentence: str) -> str:
    """A sentence as a part of another one; what begins with a name keeps its capital."""
    first, rest = sentence[:1], sentence.rstrip(".")[1:]
    return (first.lower() if sentence.startswith(("The ", "A ", "No ", "Its ", "It ")) else first) + rest


def _checked(trained: Trained, supported: Collection[str] | None) -> tuple[str | None, str, Mapping[str, Any], str]:
    """Base, what holds the whole weights, its configuration and class; raises ExportError if one will not do."""
    model, adapter_config = trained.model, trained.adapter_config
    base = checks.checked_base(model, adapter_config, trained.base)
    source = model if adapter_config is None else str(base)
    config = checks.checked_config(source, trained.config)
    architecture = checks.checked_architecture(source, config, supported)
    checks.check_adapter(model, adapter_config)
    checks.check_weights(source, config, merging=adapter_config is not None)
    checks.check_tokenizer(model, {*trained.files, *trained.base_files}, trained.sentencepiece)
    checks.check_loading(model, otherwise=trained.loaded_otherwise)
    checks.check_splitting(model, known=trained.known_splitting)
    checks.check_named(model, trained.named_templates)
    checks.check_template(model, trained.template, trained.special_tokens)
    layouts.check_layers(config)
    layouts.check_head(architecture, adapter_config)
    if adapter_config is not None and not trained.chain:
        checks.check_fit(model, source, adapter_config, trained.shapes, layouts.text_part(config))
    return base, source, config, architecture


def _repairs(trained: Trained, rows: int, own_rows: int) -> tuple[str, ...]:
    """What the script will mend, in words."""
    said = []
    if own_rows != rows:
        said.append(f"the base gets the {own_rows:,} rows that the adapter was trained with, instead of {rows:,}")
    if trained.chain:
        said.append(f"{len(trained.chain)} earlier adapter{'s are' if len(trained.chain) > 1 else ' is'} merged first")
    if trained.sentencepiece and "tokenizer.model" not in trained.files:
        said.append("tokenizer.model is taken from the base")
    if trained.template and "generation" in trained.template and ChatTemplate(trained.template).marks_answers:
        said.append("the tags that mark answers for training are taken out of the chat template")
    return (*said, *trained.mended)
