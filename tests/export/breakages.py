"""Files that are almost right: each breakage changes a sound GGUF file in place, and must be seen by one of the checks.

The first are those of a survey of what an export without numbers lets pass; the others are of the same kinds.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from hfft_widgets.scripts.gguf.converting import llama_cpp_folder


def opened(file: str) -> Any:
    """The file, to be changed in place."""
    sys.path.insert(0, str(llama_cpp_folder() / "gguf-py"))
    import gguf

    return gguf.GGUFReader(file, "r+")


def tensor(reader: Any, name: str) -> np.ndarray:
    """The bytes of a tensor, row by row."""
    found = next(t for t in reader.tensors if t.name == name)
    rows = int(found.shape[1]) if len(found.shape) > 1 else 1
    return found.data.view(np.uint8).reshape(rows, -1)


def scaled(factor: float, *names: str) -> Callable[[Any], None]:
    """Each number times a factor; the tensor is bfloat16 or float32."""

    def apply(reader: Any) -> None:
        for name in names:
            data = tensor(reader, name)
            kind = next(t for t in reader.tensors if t.name == name).tensor_type.name
            if kind == "F32":
                data.view(np.float32)[:] *= np.float32(factor)
            else:
                numbers = (data.view(np.uint16).astype(np.uint32) << 16).view(np.float32) * np.float32(factor)
                data.view(np.uint16)[:] = (numbers.view(np.uint32) >> 16).astype(np.uint16)

    return apply


def swapped(one: str, other: str) -> Callable[[Any], None]:
    """Two tensors of one shape."""

    def apply(reader: Any) -> None:
        first, second = tensor(reader, one), tensor(reader, other)
        kept = first.copy()
        first[:] = second
        second[:] = kept

    return apply


def copied(source: str, target: str) -> Callable[[Any], None]:
    """One tensor in another's place."""
    return lambda reader: tensor(reader, target).__setitem__(slice(None), tensor(reader, source))


def shifted(name: str, by: int = 1) -> Callable[[Any], None]:
    """Rows one further."""
    return lambda reader: tensor(reader, name).__setitem__(slice(None), np.roll(tensor(reader, name), by, 0))


def mirrored(name: str) -> Callable[[Any], None]:
    """Rows in the opposite order."""
    return lambda reader: tensor(reader, name).__setitem__(slice(None), tensor(reader, name)[::-1].copy())


def turned(name: str) -> Callable[[Any], None]:
    """A square matrix of 16-bit numbers, transposed."""

    def apply(reader: Any) -> None:
        data = tensor(reader, name).view(np.uint16)
        data[:] = data.T.copy()

    return apply


def filled(name: str, byte: int = 0, rows: slice = slice(None)) -> Callable[[Any], None]:
    """Bytes of one value."""
    return lambda reader: tensor(reader, name).__setitem__(rows, byte)


def random(name: str, rows: slice = slice(None)) -> Callable[[Any], None]:
    """Random bytes that are still numbers: the upper byte of a 16-bit number stays below infinity."""

    def apply(reader: Any) -> None:
        data = tensor(reader, name)[rows]
        data[:] = np.random.default_rng(0).integers(0, 60, data.shape, np.uint8)

    return apply


def number(name: str, row: int, value: int) -> Callable[[Any], None]:
    """One bfloat16 number, given by its bits."""
    return lambda reader: tensor(reader, name).view(np.uint16)[row].__setitem__(3, value)


def setting(key: str, value: Any, at: int = -1) -> Callable[[Any], None]:
    """A value of the metadata, of the same size."""

    def apply(reader: Any) -> None:
        reader.fields[key].parts[at][:] = value

    return apply


def entries(key: str, one: int, other: int) -> Callable[[Any], None]:
    """Two entries of a list exchanged; texts must have the same length."""

    def apply(reader: Any) -> None:
        field = reader.fields[key]
        first, second = (field.parts[field.data[at]] for at in (one, other))
        kept = first.copy()
        first[:] = second
        second[:] = kept

    return apply


def letters(key: str, old: bytes, new: bytes) -> Callable[[Any], None]:
    """A word in a text of the metadata; both have the same length."""

    def apply(reader: Any) -> None:
        field = reader.fields[key]
        text = field.parts[field.data[0]]
        text[:] = np.frombuffer(text.tobytes().replace(old, new), np.uint8)

    return apply


NAN, INFINITE = 0x7FC0, 0x7F80
SIXTEEN_BITS: dict[str, Callable[[Any], None]] = {
    "head rows shifted by one": shifted("output.weight"),
    "embedding rows shifted by one": shifted("token_embd.weight"),
    "one tensor of random bytes": random("blk.1.ffn_up.weight"),
    "head of random bytes": random("output.weight"),
    "one tensor zero": filled("blk.1.ffn_down.weight"),
    "queries of two layers swapped": swapped("blk.0.attn_q.weight", "blk.1.attn_q.weight"),
    "rope theta": setting("llama.rope.freq_base", 1e6),
    "norm epsilon": setting("llama.attention.layer_norm_rms_epsilon", 0.1),
    "context of 32 tokens": setting("llama.context_length", 32),
    "one not a number": number("blk.0.ffn_gate.weight", 5, NAN),
    "one infinite": number("blk.0.ffn_gate.weight", 5, INFINITE),
    "not a number in the row of a rare token": number("token_embd.weight", 639, NAN),
    "not a number in the head of a rare token": number("output.weight", 639, NAN),
    "keys and values swapped": swapped("blk.0.attn_k.weight", "blk.0.attn_v.weight"),
    "gate and up swapped": swapped("blk.1.ffn_gate.weight", "blk.1.ffn_up.weight"),
    "norms of one layer swapped": swapped("blk.0.attn_norm.weight", "output_norm.weight"),
    "queries transposed": turned("blk.0.attn_q.weight"),
    "output of attention transposed": turned("blk.1.attn_output.weight"),
    "heads in another order": shifted("blk.0.attn_q.weight", 64),
    "rope pairs in another order": shifted("blk.0.attn_k.weight", 1),
    "values mirrored": mirrored("blk.1.attn_v.weight"),
    "feed-forward rows mirrored": mirrored("blk.0.ffn_up.weight"),
    "attention negated": scaled(-1.0, "blk.0.attn_output.weight"),
    "feed-forward a tenth larger": scaled(1.1, "blk.0.ffn_down.weight", "blk.1.ffn_down.weight"),
    "last norm half": scaled(0.5, "output_norm.weight"),
    "first norm double": scaled(2.0, "blk.0.attn_norm.weight"),
    "embedding a fifth larger": scaled(1.2, "token_embd.weight"),
    "adapter added twice": scaled(1.3, "blk.0.attn_q.weight", "blk.1.attn_q.weight", "blk.0.attn_v.weight"),
    "second layer is the first": copied("blk.0.ffn_down.weight", "blk.1.ffn_down.weight"),
    "head tied to the embedding": copied("token_embd.weight", "output.weight"),
    "half of a tensor lost": filled("blk.1.ffn_gate.weight", rows=slice(0, 256)),
    "eos is another token": setting("tokenizer.ggml.eos_token_id", 2),
    "eos is an ordinary token": setting("tokenizer.ggml.eos_token_id", 17),
    "bos is another token": setting("tokenizer.ggml.bos_token_id", 3),
    "markers are ordinary tokens": setting("tokenizer.ggml.token_type", 1, at=8),
    "scores swapped": entries("tokenizer.ggml.scores", 300, 600),
    "two tokens swapped": entries("tokenizer.ggml.tokens", 62, 63),
    "two rare tokens swapped": entries("tokenizer.ggml.tokens", 240, 241),
    "template says another word": letters("tokenizer.chat_template", b"assistant", b"assistent"),
    "template ends otherwise": letters("tokenizer.chat_template", b"<|im_end|>", b"<|im_and|>"),
    "a blank before each text": setting("tokenizer.ggml.add_space_prefix", True),
    "row of a rare token zero": filled("token_embd.weight", rows=slice(637, 638)),
    "head row of a rare token random": random("output.weight", slice(637, 638)),
    "rows of two rare tokens swapped": lambda reader: tensor(reader, "token_embd.weight").__setitem__(
        [620, 637], tensor(reader, "token_embd.weight")[[637, 620]]
    ),
    "head rows of two rare tokens swapped": lambda reader: tensor(reader, "output.weight").__setitem__(
        [620, 637], tensor(reader, "output.weight")[[637, 620]]
    ),
    "row of a rare token ten times as large": lambda reader: tensor(reader, "token_embd.weight")[637, 1::2].__iadd__(1),
    "last rows of the head lost": filled("output.weight", rows=slice(600, 640)),
    "one head of attention lost": filled("blk.0.attn_q.weight", rows=slice(64, 128)),
    "keys of the first layer halved": scaled(0.5, "blk.0.attn_k.weight"),
    "both norms of a layer exchanged": swapped("blk.1.attn_norm.weight", "blk.1.ffn_norm.weight"),
    "last norm lost": scaled(0.0, "output_norm.weight"),
    "values of two layers swapped": swapped("blk.0.attn_v.weight", "blk.1.attn_v.weight"),
    "feed-forward of two layers swapped": swapped("blk.0.ffn_up.weight", "blk.1.ffn_up.weight"),
    "embedding in place of the head": copied("output.weight", "token_embd.weight"),
    "keys in place of values": copied("blk.1.attn_k.weight", "blk.1.attn_v.weight"),
    "signs of the gate": scaled(-1.0, "blk.1.ffn_gate.weight"),
    "head mirrored": mirrored("output.weight"),
    "embedding mirrored": mirrored("token_embd.weight"),
    "all weights of a layer a hundredth": scaled(0.01, "blk.1.attn_output.weight", "blk.1.ffn_down.weight"),
    "one head of keys and values": setting("llama.attention.head_count_kv", 1),
    "rope over fewer dimensions": setting("llama.rope.dimension_count", 32),
}

QUANTIZED: dict[str, Callable[[Any], None]] = {
    "head rows shifted by one": shifted("output.weight"),
    "embedding rows shifted by one": shifted("token_embd.weight"),
    "one row of random bytes": random("blk.0.ffn_up.weight", slice(7, 8)),
    "two rows swapped": lambda reader: tensor(reader, "blk.0.attn_q.weight").__setitem__(
        [3, 4], tensor(reader, "blk.0.attn_q.weight")[[4, 3]]
    ),
    "one row zero": filled("blk.1.ffn_up.weight", rows=slice(100, 101)),
    "a block's scale not a number": lambda reader: tensor(reader, "blk.0.attn_q.weight")[0, 0:2].__setitem__(
        slice(None), np.frombuffer(np.float16("nan").tobytes(), np.uint8)
    ),
    "a block's scale double": lambda reader: tensor(reader, "blk.0.attn_q.weight")[5, 1:2].__iadd__(4),
    "queries of two layers swapped": swapped("blk.0.attn_q.weight", "blk.1.attn_q.weight"),
    "a norm half as large again": scaled(1.5, "blk.0.ffn_norm.weight"),
    "one tensor zero": filled("blk.0.ffn_gate.weight"),
    "rope theta": setting("llama.rope.freq_base", 1e6),
    "norm epsilon": setting("llama.attention.layer_norm_rms_epsilon", 0.1),
    "context of 32 tokens": setting("llama.context_length", 32),
    "eos is another token": setting("tokenizer.ggml.eos_token_id", 2),
    "template says another word": letters("tokenizer.chat_template", b"assistant", b"assistent"),
    "scores swapped": entries("tokenizer.ggml.scores", 300, 600),
    "two rare tokens swapped": entries("tokenizer.ggml.tokens", 240, 241),
    "markers are ordinary tokens": setting("tokenizer.ggml.token_type", 1, at=8),
    "rows of two rare tokens swapped": lambda reader: tensor(reader, "token_embd.weight").__setitem__(
        [620, 637], tensor(reader, "token_embd.weight")[[637, 620]]
    ),
    "last norm half": scaled(0.5, "output_norm.weight"),
    "keys in place of queries of the other layer": copied("blk.0.attn_k.weight", "blk.1.attn_k.weight"),
}
