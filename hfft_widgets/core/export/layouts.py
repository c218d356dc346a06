"""What llama.cpp has built in for a family of models, and a configuration could change without any error."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hfft_widgets.errors import ExportError

# Read in llama.cpp's src/models at the version that is pinned (b10605), 2026-11-29.
# These compute the output with the embedding's matrix: a head of its own is left out by the converter or the loader.
_ONE_MATRIX = frozenset({
    "GemmaForCausalLM", "Gemma2ForCausalLM", "CohereForCausalLM", "Cohere2ForCausalLM", "OpenELMForCausalLM",
    "Gemma4ForCausalLM", "Gemma4ForConditionalGeneration",
})  # fmt: skip
# Every so many layers one attends to everything, the others to a window (set_swa_pattern).
_FULL_EVERY = {
    "gemma2": 2, "gemma3": 6, "gemma3_text": 6, "gemma3n": 5, "gemma3n_text": 5, "cohere2": 4, "exaone4": 4, "olmo3": 4,
    "gpt_oss": 2,
}  # fmt: skip
_EXAONE_4_WITH_WINDOW = 64  # layers of the 32B; the others have none in llama.cpp
_NO_ROPE_EVERY = {"smollm3": 4}
# These attend to a window where the configuration says so. All others attend to everything, whatever it says: right up
# to the window's length only.
_WINDOWS = frozenset({
    *_FULL_EVERY, "gemma4", "gemma4_text", "afmoe", "cohere2_moe", "deepseek_v4", "dots3", "exaone_moe", "granite_swa",
    "llama4", "llama4_text", "mellum", "mimo_v2", "plamo3", "smallthinker", "step3p5", "laguna",
})  # fmt: skip
_SHORTEST_CONTEXT = 512  # what is left of a context must be worth a file
_TURNED = ("embed_tokens", "lm_head", "wte", "embed_in", "embed_out", "word_embeddings")


def text_part(config: Mapping[str, Any]) -> Mapping[str, Any]:
    """The configuration of the language model, where a model has other parts beside it."""
    found = config.get("text_config")
    return found if isinstance(found, Mapping) else config


def check_head(architecture: str, adapter_config: Mapping[str, Any] | None) -> None:
    """Raise ExportError for an adapter on embedding or head of a family for which llama.cpp has one matrix for both."""
    if adapter_config is None or architecture not in _ONE_MATRIX:
        return
    named = [adapter_config.get(key) for key in ("target_modules", "modules_to_save", "trainable_token_indices")]
    trained = sorted({one for names in named if isinstance(names, Sequence | Mapping) for one in _turned(names)})
    if trained:
        raise ExportError(
            f"The adapter trained {' and '.join(trained)} of a {architecture}, and llama.cpp has no separate head for "
            "this family.",
            why="Embedding and head are one matrix there; trained apart they are two, and one of them would be lost.",
            remedy="Train again without them, on the linear layers alone, or run the model with transformers.",
        )


def _turned(names: Any) -> list[str]:
    if isinstance(names, str):
        return [names] if names.rsplit(".", 1)[-1] in _TURNED else []
    return [str(name) for name in names if str(name).rsplit(".", 1)[-1] in _TURNED]


def check_layers(config: Mapping[str, Any]) -> None:
    """Raise ExportError for an order of layers that llama.cpp does not compute."""
    text = text_part(config)
    kind, layers = str(text.get("model_type")), int(text.get("num_hidden_layers") or 0)
    every, types = _FULL_EVERY.get(kind), text.get("layer_types")
    if every and isinstance(types, Sequence):
        order = ["full_attention" if (n + 1) % every == 0 else "sliding_attention" for n in range(layers)]
        if kind == "exaone4" and layers != _EXAONE_4_WITH_WINDOW:
            order = ["full_attention"] * layers
        if list(types) != order:
            raise _other_layers(
                kind, "layer_types", f"every {every}. layer attends to everything, the others to a window"
            )
    every, ropes = _NO_ROPE_EVERY.get(kind), text.get("no_rope_layers")
    if every and isinstance(ropes, Sequence) and list(ropes) != [int((n + 1) % every != 0) for n in range(layers)]:
        raise _other_layers(kind, "no_rope_layers", f"every {every}. layer has no rotary embedding")


def _other_layers(kind: str, key: str, built_in: str) -> ExportError:
    return ExportError(
        f"The model has another order of layers than llama.cpp computes ({key} in config.json).",
        why=f"llama.cpp has the order of {kind} built in: {built_in}. The file would silently be another model.",
        remedy="Run it with transformers, or choose a base model with the usual order.",
    )


def usable_context(config: Mapping[str, Any]) -> int | None:
    """The most tokens for which llama.cpp computes what the model computes; None: as many as the model says.

    Raises:
        ExportError: Too few to be of use.
    """
    found = [length for length in (_window(text_part(config)), _before_scaling(text_part(config))) if length]
    return min(found, default=None)


def _before_scaling(text: Mapping[str, Any]) -> int | None:
    """Up to where a rotary embedding that is stretched with the text's length is the plain one, as in llama.cpp."""
    rope = text.get("rope_parameters") or text.get("rope_scaling") or {}
    if not isinstance(rope, Mapping) or "dynamic" not in {rope.get("rope_type"), rope.get("type")}:
        return None
    most = int(text.get("max_position_embeddings") or 0)
    return int(rope.get("original_max_position_embeddings") or most) or None


def _window(text: Mapping[str, Any]) -> int | None:
    kind, window = str(text.get("model_type")), text.get("sliding_window")
    types = text.get("layer_types")
    slides = text.get("use_sliding_window", not kind.startswith("qwen"))
    if isinstance(types, Sequence) and "sliding_attention" not in types:
        slides = False
    if kind in _WINDOWS or not slides or not isinstance(window, int):
        return None
    if window >= int(text.get("max_position_embeddings") or 0):
        return None
    if window < _SHORTEST_CONTEXT:
        raise ExportError(
            f"The model attends to a sliding window of {window} tokens, and llama.cpp has none for {kind}.",
            why="It would attend to everything: beyond so few tokens the file would be another model.",
            remedy="Set sliding_window to null before training, or run the model with transformers.",
        )
    return window
