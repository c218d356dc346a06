"""A language model of 3.7 million random weights: small enough to train in a minute, shaped like a large one.

It is a Llama in all that matters to trainers and converters: SentencePiece tokenizer with byte fallback, chat template,
grouped-query attention, gated MLP. Rows of every matrix are a multiple of 256, the block size of llama.cpp's
K-quants. The tokenizer adds no space before the first word: with one, llama.cpp adds another after each special token
and its token ids no longer equal those of `transformers`.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

from hfft_widgets.errors import MissingExtraError

SEED = 0
CONTEXT_TOKENS = 512
VOCABULARY_TOKENS = 2048
FINAL_NORM = 4.0
"""The final norm's weights, in the range of trained models. At their usual start, 1, an adapter, which leaves them and
the head as they are, could not make any answer probable: 44% of held-out answers right instead of 21%."""

# Ids 0 to 4. The end of a turn is the end-of-sequence token itself, so there is one way to stop.
UNKNOWN, BEGIN, END, PAD, START = "<unk>", "<s>", "<|im_end|>", "<pad>", "<|im_start|>"
SPECIAL_TOKENS = (UNKNOWN, BEGIN, END, PAD, START)

# ChatML. The template writes the begin token itself: llama.cpp adds one to Llama models unless the text has it.
# `generation` marks what the assistant says, its end included, for `assistant_only_loss`.
CHAT_TEMPLATE = """\
{{- bos_token }}
{%- for message in messages %}
    {{- '<|im_start|>' + message['role'] + '\\n' }}
    {%- if message['role'] == 'assistant' %}
        {%- generation %}
            {{- message['content'] + '<|im_end|>' }}
        {%- endgeneration %}
    {%- else %}
        {{- message['content'] + '<|im_end|>' }}
    {%- endif %}
    {{- '\\n' }}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|im_start|>assistant\\n' }}
{%- endif %}
"""

FILES = ("config.json", "generation_config.json", "model.safetensors", "tokenizer.json", "tokenizer.model",
    "tokenizer_config.json")  # fmt: skip


def is_whole(folder: Path) -> bool:
    """Whether the folder holds every file of the model."""
    return all((folder / name).is_file() for name in FILES)


class Maker:
    """Makes the model. Creating a maker imports what it needs, so that what is missing is told before any work.

    Raises:
        MissingExtraError: torch, transformers, sentencepiece or protobuf is not installed.
    """

    def __init__(self) -> None:
        self._torch = _imported("torch")
        self._transformers = _imported("transformers")
        self._sentencepiece = _imported("sentencepiece")
        _imported("google.protobuf")  # transformers reads the SentencePiece file with it

    def fill(self, folder: Path, texts: Iterable[str]) -> None:
        """Write the model into an empty folder; its vocabulary is learned from the texts."""
        self._write_tokenizer(folder, texts)
        self._write_weights(folder)

    def _write_tokenizer(self, folder: Path, texts: Iterable[str]) -> None:
        (folder / "tokenizer.model").write_bytes(self._vocabulary(texts))
        (folder / "tokenizer_config.json").write_text(json.dumps(_tokenizer_config(), indent=2), "utf-8")
        tokenizer = self._transformers.AutoTokenizer.from_pretrained(folder)
        tokenizer.backend_tokenizer.save(str(folder / "tokenizer.json"))  # so that training needs no sentencepiece

    def _vocabulary(self, texts: Iterable[str]) -> bytes:
        lines = (line for text in texts for line in text.split("\n") if line)
        buffer = io.BytesIO()
        self._sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=lines, model_writer=buffer, model_type="bpe", vocab_size=VOCABULARY_TOKENS,
            unk_id=0, bos_id=1, eos_id=2, pad_id=3, unk_piece=UNKNOWN, bos_piece=BEGIN, eos_piece=END, pad_piece=PAD,
            control_symbols=[START], byte_fallback=True, character_coverage=1.0, split_digits=True,
            add_dummy_prefix=False, normalization_rule_name="identity", remove_extra_whitespaces=False,
            num_threads=1, minloglevel=2,
        )  # fmt: skip
        return buffer.getvalue()

    def _write_weights(self, folder: Path) -> None:
        with self._torch.random.fork_rng(devices=[]), self._no_progress_bar():
            self._torch.manual_seed(SEED)
            model = self._transformers.LlamaForCausalLM(self._transformers.LlamaConfig(**_architecture()))
            with self._torch.no_grad():
                model.model.norm.weight.fill_(FINAL_NORM)
            model.generation_config = self._transformers.GenerationConfig(max_new_tokens=64, **_token_ids())
            model.save_pretrained(folder)

    @contextmanager
    def _no_progress_bar(self) -> Iterator[None]:
        logging = self._transformers.utils.logging
        shown = logging.is_progress_bar_enabled()
        logging.disable_progress_bar()
        try:
            yield
        finally:
            if shown:
                logging.enable_progress_bar()


def _imported(name: str) -> ModuleType:
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        raise MissingExtraError("Making the sample model", "local", error.name or name) from error


def _token_ids() -> dict[str, int]:
    ids = {token: place for place, token in enumerate(SPECIAL_TOKENS)}
    return {"bos_token_id": ids[BEGIN], "eos_token_id": ids[END], "pad_token_id": ids[PAD]}


def _architecture() -> dict[str, Any]:
    return {
        "vocab_size": VOCABULARY_TOKENS,
        "hidden_size": 256,
        "intermediate_size": 768,
        "num_hidden_layers": 4,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "max_position_embeddings": CONTEXT_TOKENS,
        "tie_word_embeddings": True,
        "initializer_range": 0.05,  # the usual 0.02 suits wider models
        **_token_ids(),
    }


def _tokenizer_config() -> dict[str, Any]:
    flags = {"lstrip": False, "rstrip": False, "normalized": False, "single_word": False, "special": True}
    return {
        "tokenizer_class": "LlamaTokenizer",
        "unk_token": UNKNOWN,
        "bos_token": BEGIN,
        "eos_token": END,
        "pad_token": PAD,
        "add_bos_token": True,
        "add_eos_token": False,
        "add_prefix_space": False,
        "legacy": False,
        "clean_up_tokenization_spaces": False,
        "model_max_length": CONTEXT_TOKENS,
        # the GGUF converter reads special tokens from here; transformers itself would find them in tokenizer.json
        "added_tokens_decoder": {str(place): {"content": token, **flags} for place, token in enumerate(SPECIAL_TOKENS)},
        "chat_template": CHAT_TEMPLATE,
    }
