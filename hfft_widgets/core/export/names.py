"""Names that llama.cpp, Ollama, LM Studio and the Hub all read the right way."""

from __future__ import annotations

import re
import unicodedata

from hfft_widgets.core.export.quantizations import ADAPTER, QUANTIZATIONS

# llama.cpp skips files with one of these anywhere in their name: they are parts of models (common/download.cpp).
_PARTS = ("mmproj", "imatrix", "mtp-", "eagle3-", "dflash-", "dspark-")
# a quantization's name at the end would make two tags in one file name
_TAG = re.compile(rf"[-._]+(?:GGUF|{'|'.join(q for q in QUANTIZATIONS if q != ADAPTER)})$", re.IGNORECASE)


def safe_name(name: str) -> str:
    """A model name for files, repositories and commands: ASCII letters, digits, dot, hyphen, underscore.

    >>> safe_name("me/Übung 1 (DPO)"), safe_name("x-mtp-1"), safe_name("模型"), safe_name("a-GGUF")
    ('Ubung-1-DPO', 'x-mtp_1', 'model', 'a')
    """
    last = name.replace("\\", "/").rstrip("/").rsplit("/", 1)[-1]
    plain = unicodedata.normalize("NFKD", last).encode("ascii", "ignore").decode()
    short = re.sub(r"[^A-Za-z0-9._-]+", "-", plain)[:80]
    while True:
        before, short = short, _TAG.sub("", _without_parts(short).strip("-._"))
        if short == before:
            return short or "model"


def _without_parts(name: str) -> str:
    """The name with each reserved word split or its hyphen replaced; one hyphen follows in the file name."""
    for part in _PARTS:
        word = part.rstrip("-")
        if part.endswith("-"):
            name = re.sub(rf"{word}-", f"{word}_", name, flags=re.IGNORECASE)
            name = re.sub(rf"{word}$", f"{word}_model", name, flags=re.IGNORECASE)
        else:
            name = re.sub(word, f"{word[:2]}_{word[2:]}", name, flags=re.IGNORECASE)
    return name


def file_name(name: str, quantization: str) -> str:
    """The file of a model in a quantization: the tag stands before `.gguf`, as llama-server and Ollama look for it.

    >>> file_name("Qwen3-0.6B", "Q4_K_M")
    'Qwen3-0.6B-Q4_K_M.gguf'
    """
    return f"{safe_name(name)}-{quantization}.gguf"
