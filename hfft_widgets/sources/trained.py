"""What an export has to know of a trained model, from its small files and the headers of its weights."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hfft_widgets.errors import ModelError
from hfft_widgets.scripts.gguf.repairs import is_sentencepiece
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
                    "known_splitting": pieces or known_splitting(folder / "tokenizer.json")}  # fmt: skip
        if folder is not None and (folder / "tokenizer.model").exists():
            return {"tokens": None, "sentencepiece": True}
    return {}


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
