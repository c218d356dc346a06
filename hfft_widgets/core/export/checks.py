"""Whether a trained model can become a GGUF file: each check says what is wrong, why, and what to do."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from hfft_widgets.core.data.templates import ChatTemplate
from hfft_widgets.errors import ExportError, ModelError

_TOKENIZERS = frozenset({"tokenizer.json", "tokenizer.model"})
# what llama.cpp's converter turns back into plain weights (conversion/base.py, dequant_model)
_DEQUANTIZED = frozenset({"bitnet", "fp8", "gptq", "compressed-tensors", "modelopt", "mxfp4"})
# prompt and prefix tuning change no weight, so there is nothing to merge
_NOT_MERGED = frozenset({"PROMPT_TUNING", "P_TUNING", "PREFIX_TUNING", "MULTITASK_PROMPT_TUNING", "ADAPTION_PROMPT"})
# These convert by the class name on top, whatever their text part is called (conversion/base.py).
_BY_OUTER_NAME = frozenset({
    "StepVLForConditionalGeneration", "Sarashina2VisionForCausalLM", "Exaone4_5_ForConditionalGeneration",
    "Step3p7ForConditionalGeneration", "KimiK3ForConditionalGeneration",
})  # fmt: skip


def checked_base(model: str, adapter_config: Mapping[str, Any] | None, base: str | None) -> str | None:
    """What the model was trained from; raises ExportError if that is not known of an adapter."""
    if adapter_config is None:
        return base
    found = base or adapter_config.get("base_model_name_or_path")
    if not found:
        raise ExportError(
            f"{model} is an adapter, and the model it was trained on is not known.",
            why="An adapter is only a small change to that model: llama.cpp needs both, merged.",
            remedy="Give it with plan_export(..., base=...), a folder or a Hub id.",
        )
    return str(found)


def checked_config(source: str, config: Mapping[str, Any] | None) -> Mapping[str, Any]:
    """The configuration; raises ExportError if there is none."""
    if not config:
        raise ExportError(
            f"{source} has no config.json.",
            why="Without it nobody can tell what model it is.",
            remedy="Choose the folder or repository that save_pretrained or the trainer's save_model wrote.",
        )
    return config


def checked_architecture(source: str, config: Mapping[str, Any], supported: Collection[str] | None) -> str:
    """The class name the converter goes by; raises ExportError for one it does not know, or a classifier."""
    outer = next(iter(config.get("architectures") or ()), None)
    inner = next(iter((config.get("text_config") or {}).get("architectures") or ()), None)
    name = outer if outer in _BY_OUTER_NAME else inner or outer
    if not name:
        raise ExportError(
            f"The config.json of {source} does not say its architecture.",
            remedy='Save the model again with save_pretrained, which writes "architectures".',
        )
    _refuse_classifier(source, str(outer or name))
    if supported is not None and name not in supported:
        raise ExportError(
            f"{source} is a {name}, which llama.cpp's converter does not support.",
            remedy="Choose a model of a supported family, such as Llama, Qwen, Gemma, Mistral, Phi or SmolLM.",
        )
    return str(name)


def _refuse_classifier(source: str, architecture: str) -> None:
    if architecture.endswith(("ForSequenceClassification", "ForTokenClassification", "RewardModel")):
        raise ExportError(
            f"{source} is a {architecture}: it gives scores, not text.",
            why="A reward model or classifier has no output matrix that llama.cpp could generate with.",
            remedy="Export the language model that was trained with it.",
        )


def check_adapter(model: str, adapter_config: Mapping[str, Any] | None) -> None:
    """Raise ExportError for an adapter that cannot be merged."""
    if adapter_config is None:
        return
    task, kind = adapter_config.get("task_type"), str(adapter_config.get("peft_type", "LORA"))
    if task in {"SEQ_CLS", "TOKEN_CLS"}:
        _refuse_classifier(model, "adapter ForSequenceClassification")
    if kind in _NOT_MERGED:
        raise ExportError(
            f"{model} is a {kind} adapter, which cannot be merged into its base model.",
            why="It changes what the model reads, not its weights, and llama.cpp has no place for that.",
            remedy="Train a LoRA adapter instead.",
        )


def check_weights(source: str, config: Mapping[str, Any], *, merging: bool) -> None:
    """Raise ExportError for quantized weights."""
    found = config.get("quantization_config")
    if not found:
        return
    method = str(found.get("quant_method") or "unknown")
    if merging or method not in _DEQUANTIZED:
        raise ExportError(
            f"The weights of {source} are quantized already ({method}).",
            why="An adapter can only be merged into whole weights." if merging else "llama.cpp cannot read them back.",
            remedy="Give the original, unquantized model as base: plan_export(..., base=...)."
            if merging
            else "Choose the unquantized model.",
        )


def check_tokenizer(model: str, files: Collection[str], sentencepiece: bool | None = None) -> None:
    """Raise ExportError if no tokenizer is among the files, or not all of one.

    Args:
        model: What it belongs to.
        files: Names of the files beside the model and beside its base.
        sentencepiece: Whether it is one that needs tokenizer.model; None: not known.
    """
    if _TOKENIZERS.isdisjoint(files):
        raise ExportError(
            f"No tokenizer is with {model}.",
            why=f"None of {', '.join(sorted(_TOKENIZERS))} is there.",
            remedy="Save it into the same folder with tokenizer.save_pretrained(folder).",
        )
    if sentencepiece and "tokenizer.model" not in files:
        raise ExportError(
            f"The tokenizer of {model} needs tokenizer.model, which is neither with it nor with its base.",
            why="Without it llama.cpp would split text into other tokens than the model was trained with.",
            remedy="Copy tokenizer.model from the original base model into the folder, or give that model: "
            "plan_export(..., base=...).",
        )


def check_rows(model: str, tokens: int | None, rows: int) -> None:
    """Raise ExportError for a tokenizer with tokens that the model has no rows for."""
    if tokens is not None and tokens > rows:
        raise ExportError(
            f"The tokenizer of {model} has {tokens} tokens, the embedding {rows} rows.",
            why="Added tokens without rows of their own were never trained, and a file cannot hold them.",
            remedy="Call model.resize_token_embeddings(len(tokenizer)) before training and save both again, or give "
            "the tokenizer that it was trained with.",
        )


def check_blocks(quantization: str, widths: Mapping[str, Any], *, quantizer: bool) -> None:
    """Raise ExportError for rows of weights that no quantized type can cut into blocks of 32."""
    odd = {name: width for name, width in widths.items() if isinstance(width, int) and width % 32}
    if quantizer and odd:
        name, width = next(iter(odd.items()))
        raise ExportError(
            f"{quantization} cannot be made: the model's {name} is {width}, no multiple of 32.",
            why="Quantized weights come in blocks of 32, and llama.cpp's quantizer has no type for other rows.",
            remedy="Choose BF16 or F16.",
        )


# ---- The adapter and its base --------------------------------------------------------------------


def adapter_rows(shapes: Mapping[str, Sequence[int]], adapter_config: Mapping[str, Any] | None, base: int) -> int:
    """How many tokens the trained model has rows for: as many as the base, unless the adapter brings others."""
    ends = tuple(f".{name}.weight" for name in _EMBEDDINGS)
    rows = [shape[0] for name, shape in shapes.items() if name.endswith(ends)]
    rows += [shape[1] for name, shape in shapes.items() if name.endswith(".lora_embedding_A")]
    trained = (adapter_config or {}).get("trainable_token_indices") or ()
    lists = trained.values() if isinstance(trained, Mapping) else [trained]
    if not rows and any(name.endswith("trainable_tokens_delta") for name in shapes):
        rows = [max(base, *(token + 1 for one in lists for token in one))]
    return max(rows, default=base)


def parts_head(shapes: Iterable[str], adapter_config: Mapping[str, Any] | None) -> bool:
    """Whether an adapter gives embedding and head, where they are one matrix, a matrix each."""
    saved = (adapter_config or {}).get("modules_to_save") or ()
    adapted = any(f".{name}.lora_" in key for key in shapes for name in _EMBEDDINGS)
    return adapted or any(map(_is_end, saved))


def check_fit(
    model: str,
    base: str,
    adapter_config: Mapping[str, Any],
    shapes: Mapping[str, Sequence[int]],
    text: Mapping[str, Any],
) -> None:
    """Raise ExportError for a base of another depth or width than the one the adapter was trained on."""
    layers, hidden = text.get("num_hidden_layers") or text.get("n_layer"), text.get("hidden_size") or text.get("n_embd")
    found = {int(number) for name in shapes for number in _LAYER.findall(name)}
    if adapter_config.get("layer_replication"):  # it makes a model of another depth
        return
    whole = not adapter_config.get("layers_to_transform")
    if found and isinstance(layers, int) and (max(found) >= layers or (whole and max(found) + 1 < layers)):
        raise _other_base(model, base, f"the adapter has {max(found) + 1} layers, the base {layers}")
    widths = {shape[1] for name, shape in shapes.items() if _READS_STREAM.search(name) and len(shape) == 2}
    if isinstance(hidden, int) and widths and hidden not in widths:
        raise _other_base(model, base, f"the adapter's layers are {max(widths)} wide, the base's {hidden}")


_EMBEDDINGS = ("embed_tokens", "lm_head", "wte", "embed_in", "embed_out", "word_embeddings")
_LAYER = re.compile(r"\.(?:layers|h|blocks)\.(\d+)\.")
_READS_STREAM = re.compile(r"\.(?:q_proj|k_proj|v_proj|gate_proj|up_proj|qkv_proj|query_key_value)\.lora_A\.weight$")


def _other_base(model: str, base: str, why: str) -> ExportError:
    return ExportError(
        f"{model} was not trained on {base}: {why}.",
        why="Merged into another model it would be neither of them.",
        remedy="Give the very model that it was trained on: plan_export(..., base=...).",
    )


def check_pictures(source: str, *, seeing: bool, text_only: bool) -> None:
    """Raise ExportError for a model that reads pictures or hears, unless its language model alone is wanted."""
    if seeing and not text_only:
        raise ExportError(
            f"{source} reads more than text, and the file would not: only its language model is exported.",
            why="llama.cpp keeps that part in a file of its own (mmproj), which is not made here.",
            remedy="Export its language model alone: plan_export(..., text_only=True).",
        )


def check_own_file(model: str, adapter_config: Mapping[str, Any] | None, chain: Collection[str], *, tied: bool) -> None:
    """Raise ExportError for an adapter that llama.cpp cannot add to its base while it runs."""
    config = adapter_config or {}
    kinds = {
        "is no adapter, but a whole model": adapter_config is None,
        f"is a {config.get('peft_type')} adapter": config.get("peft_type", "LORA") != "LORA",
        "was trained with DoRA": config.get("use_dora"),
        "has whole matrices beside the small ones (modules_to_save)": config.get("modules_to_save"),
        "has rows of single tokens": config.get("trainable_token_indices"),
        "has biases": config.get("bias") not in {None, "none"} or config.get("lora_bias"),
        "changes experts": config.get("target_parameters"),
        "repeats layers": config.get("layer_replication"),
        "was trained on another adapter": chain,
        "changes embedding and head, which are one matrix": tied and _on_ends(config),
    }
    if why := [words for words, is_so in kinds.items() if is_so]:
        raise ExportError(
            f"{model} cannot become an adapter's own GGUF file: it {' and '.join(why)}.",
            why="llama.cpp adds to a base model only pairs of small matrices.",
            remedy="Export the whole model instead, e.g. as Q4_K_M.",
        )


def _on_ends(config: Mapping[str, Any]) -> bool:
    targets = config.get("target_modules") or ()
    return any(map(_is_end, [targets] if isinstance(targets, str) else targets))


def _is_end(name: object) -> bool:
    """Whether a module is the embedding or the head."""
    return str(name).rsplit(".", 1)[-1] in _EMBEDDINGS


# ---- The chat template ---------------------------------------------------------------------------


def check_loading(model: str, *, otherwise: bool) -> None:
    """Raise ExportError for a tokenizer that transformers loads as another one than its files say."""
    if otherwise:
        raise ExportError(
            f"transformers loads the tokenizer of {model} as another one than tokenizer.json holds.",
            why="The class in tokenizer_config.json is for another kind of tokenizer: in training, too, words would be "
            "split into other tokens than the model knows.",
            remedy='Write "tokenizer_class": "PreTrainedTokenizerFast" into tokenizer_config.json before training, or '
            "choose another base model.",
        )


def check_splitting(model: str, *, known: bool) -> None:
    """Raise ExportError for a tokenizer that cuts texts into words by rules that llama.cpp does not have."""
    if not known:
        raise ExportError(
            f"llama.cpp does not know how the tokenizer of {model} cuts a text into words.",
            why="Its converter knows the byte-level tokenizers of published models by what they make of one text.",
            remedy="Use the tokenizer of the base model unchanged (adding tokens is fine), or another base model.",
        )


def check_named(model: str, names: Collection[str]) -> None:
    """Raise ExportError for several chat templates of which none is the one to use."""
    if names:
        raise ExportError(
            f"The tokenizer of {model} has several chat templates and none named default: {', '.join(names)}.",
            why="A file holds one template, and transformers too asks which.",
            remedy='Name one of them "default" in tokenizer_config.json.',
        )


def check_template(model: str, template: str | None, tokens: Mapping[str, str]) -> None:
    """Raise ExportError for a chat template that does not compile, or does not render what it is given."""
    if template is None:
        return
    try:
        chat = ChatTemplate(template, tokens)
    except ModelError as error:
        raise ExportError(
            f"The chat template of {model} is broken{_line(error)}: {str(error.__cause__).strip()}.",
            remedy="Mend chat_template.jinja, or chat_template in tokenizer_config.json, and try it with "
            "tokenizer.apply_chat_template.",
        ) from error
    if not any(_rendered(chat, system=system, parts=parts) for system in (False, True) for parts in (False, True)):
        raise ExportError(
            f"The chat template of {model} does not render what it is given: a user's text is not in its result.",
            remedy="Try it with tokenizer.apply_chat_template, and mend it.",
        )


def _line(error: BaseException) -> str:
    line = getattr(error.__cause__, "lineno", None)
    return f" in line {line}" if line else ""


def _rendered(chat: ChatTemplate, *, system: bool, parts: bool) -> bool:
    """Whether other words of the user make another text."""

    def render(words: str) -> str:
        turns: list[dict[str, Any]] = [{"role": "system", "content": "You are helpful."}] if system else []
        turns.append({"role": "user", "content": words})
        if parts:
            turns = [{**turn, "content": [{"type": "text", "text": turn["content"]}]} for turn in turns]
        return chat.render(turns, generation_prompt=True)

    try:
        return render("one") != render("two")
    except Exception:  # noqa: BLE001 - a template may refuse in any way it likes
        return False


def positive(source: str, what: str, value: Any) -> int:
    """The number; raises ExportError if it is none, or not above zero."""
    if not isinstance(value, int) or value <= 0:
        raise ExportError(
            f"The {what} of {source} is {value!r}; it must be a positive whole number.",
            remedy="Check its config.json.",
        )
    return value


def dtype(config: Mapping[str, Any]) -> str:
    """Number format of the saved weights; "auto" if the configuration does not say."""
    found = config.get("dtype") or config.get("torch_dtype")
    name = str(found or (config.get("text_config") or {}).get("dtype")).removeprefix("torch.")
    return name if name in {"bfloat16", "float16", "float32"} else "auto"
