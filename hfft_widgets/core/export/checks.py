"""Whether a trained model can become a GGUF file: each check says what is wrong, why, and what to do."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from hfft_widgets.errors import ExportError

_TOKENIZERS = frozenset({"tokenizer.json", "tokenizer.model", "vocab.json", "tekken.json"})
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
            remedy="Give it as base, a folder or a Hub id.",
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
            remedy="Give the original, unquantized model as base." if merging else "Choose the unquantized model.",
        )


def check_tokenizer(model: str, files: Collection[str]) -> None:
    """Raise ExportError if no tokenizer is among the files."""
    if _TOKENIZERS.isdisjoint(files):
        raise ExportError(
            f"No tokenizer is with {model}.",
            why=f"None of {', '.join(sorted(_TOKENIZERS))} is there.",
            remedy="Save it into the same folder with tokenizer.save_pretrained(folder).",
        )


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
