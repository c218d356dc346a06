"""What an export has to know of a trained model, from its small files and the headers of its weights."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hfft_widgets.core.export.layouts import text_part
from hfft_widgets.errors import ModelError
from hfft_widgets.scripts.gguf.repairs import is_sentencepiece, missing_keys
from hfft_widgets.sources.llama_cpp import known_splitting

_LONGEST_HEADER = 100 * 2**20  # the format's own limit


def adapter_shapes(folder: Path) -> dict[str, list[int]]:
    """Name -> shape of each weight of an adapter; empty where its file is not there or of another format.

    Raises:
        ModelError: The file is damaged.
    """
    file = folder / "adapter_model.safetensors"
    if not file.exists():
        return {}
    try:
        with file.open("rb") as stream:
            length = struct.unpack("<Q", stream.read(8))[0]
            header = json.loads(stream.read(min(length, _LONGEST_HEADER)))
        return {name: list(entry["shape"]) for name, entry in header.items() if name != "__metadata__"}
    except (OSError, ValueError, struct.error, KeyError, TypeError, AttributeError) as error:
        raise ModelError(
            f"{str(file)!r} cannot be read: {error}.", remedy="Download it again, or save the adapter again."
        ) from error


def tokenizer_facts(*folders: Path | None) -> dict[str, Any]:
    """What the first folder with a tokenizer says of it, as `Trained` takes it."""
    for folder in folders:
        if folder is not None and (folder / "tokenizer.json").exists():
            mask = _text(_read(folder / "tokenizer_config.json").get("mask_token"))
            count = _count(_read(folder / "tokenizer.json"), mask)
            pieces = is_sentencepiece(folder)
            return {"tokens": count, "sentencepiece": pieces, "named_templates": _without_default(folder),
                    "known_splitting": pieces or known_splitting(folder / "tokenizer.json"),
                    "loaded_otherwise": loaded_otherwise(folder), "mended": _mended(folder)}  # fmt: skip
        if folder is not None and (folder / "tokenizer.model").exists():
            return {"tokens": None, "sentencepiece": True}
    return {}


# Classes that build a tokenizer over pieces or over bytes whatever tokenizer.json holds (transformers#45488, #46489).
_OF_PIECES = frozenset({"Llama", "CodeLlama", "Gemma", "T5", "Mistral", "Phi3", "XGLM", "Cpm", "InternLM2"})
_OF_BYTES = frozenset({"GPT2", "Qwen2", "GPTNeoX", "Cohere", "Bloom", "CodeGen", "StarCoder2", "Roberta"})
_SPLIT = "Hello world, it's 12 o'clock:\n    x += 3"


def loaded_otherwise(folder: Path) -> bool:
    """Whether transformers splits text otherwise than the folder's tokenizer.json: training would too.

    It is loaded, which takes seconds, only where class and file are of different kinds.
    """
    name = str(_read(folder / "tokenizer_config.json").get("tokenizer_class")).removesuffix("Fast")
    file = folder / "tokenizer.json"
    if not file.exists() or name.removesuffix("Tokenizer") not in (
        _OF_BYTES if is_sentencepiece(folder) else _OF_PIECES
    ):
        return False
    from tokenizers import Tokenizer
    from transformers import AutoTokenizer

    try:
        loaded = AutoTokenizer.from_pretrained(folder)
        split = Tokenizer.from_file(str(file)).encode(_SPLIT, add_special_tokens=False)
        return list(loaded(_SPLIT, add_special_tokens=False).input_ids) != split.ids
    except Exception:  # noqa: BLE001 - whoever loads it next says why
        return False


def _mended(folder: Path) -> tuple[str, ...]:
    """What the export's script mends of a tokenizer, as far as it is seen before."""
    config, file = _read(folder / "tokenizer_config.json"), folder / "chat_template.jinja"
    inner, said = config.get("chat_template"), []
    if file.exists() and isinstance(inner, str) and inner != file.read_text("utf-8"):
        said.append("of two chat templates the file gets the one that transformers uses")
    if is_sentencepiece(folder) and _blank_first(_read(folder / "tokenizer.json")):
        said.append("whether a blank stands before a text follows the conversations")
    return tuple(said)


def _blank_first(tokenizer: Mapping[str, Any]) -> bool:
    """Whether a SentencePiece tokenizer puts a blank before a text."""
    around = json.dumps([tokenizer.get("pre_tokenizer"), tokenizer.get("normalizer")])
    return any(sign in around for sign in ('"Prepend"', '"prepend_scheme": "first"', '"prepend_scheme": "always"'))


def mended_config(config: Mapping[str, Any]) -> tuple[str, ...]:
    """What the export's script mends of a configuration."""
    said = []
    if keys := missing_keys(text_part(config)):
        said.append(f"{', '.join(keys)} written into config.json for llama.cpp's converter")
    if str(text_part(config).get("model_type")) in _GUESS_AHEAD:
        said.append("layers that guess several tokens ahead, which transformers leaves out, are not asked for")
    return tuple(said)


_GUESS_AHEAD = frozenset({"qwen3_5_text", "qwen3_5_moe_text", "qwen3_5", "qwen3_5_moe", "qwen3_next"})


def _without_default(folder: Path) -> tuple[str, ...]:
    named = _read(folder / "tokenizer_config.json").get("chat_template")
    if (folder / "chat_template.jinja").exists() or not isinstance(named, list):
        return ()
    names = [str(entry.get("name")) for entry in named]
    return () if "default" in names else tuple(names)


def _text(token: Any) -> str | None:
    found = token.get("content") if isinstance(token, dict) else token
    return found if isinstance(found, str) else None


def _read(file: Path) -> Mapping[str, Any]:
    if not file.exists():
        return {}
    try:
        found = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError(
            f"{str(file)!r} cannot be read: {error}.", remedy="Save or download the model again."
        ) from error
    return found if isinstance(found, dict) else {}


def _count(tokenizer: Mapping[str, Any], mask: str | None) -> int | None:
    """The largest token id and one: added tokens may lie beyond the vocabulary.

    A mask, which transformers gives to every tokenizer of some classes, is never written: it needs no row.
    """
    vocabulary = (tokenizer.get("model") or {}).get("vocab") or {}
    plain = max(vocabulary.values(), default=-1) + 1 if isinstance(vocabulary, dict) else len(vocabulary)
    added = [token["id"] + 1 for token in tokenizer.get("added_tokens") or () if token["content"] != mask]
    return max([plain, *added], default=0) or None
