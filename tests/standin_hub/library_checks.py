"""What datasets and transformers do with the stand-in. Run by test_contract.py, in a process of its own."""

from __future__ import annotations

import os
from pathlib import Path

import datasets
import pytest
import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import AutoModelForCausalLM, AutoTokenizer, LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from tests.standin_hub.accounts import OTHER_TOKEN

NAME = "user/tiny"


def check_load_dataset() -> None:
    rows = datasets.load_dataset("acme/talk", split="train")
    assert (len(rows), rows.column_names) == (250, ["index", "prompt", "completion"])
    assert rows[7]["prompt"] == "Question 7?"
    assert datasets.get_dataset_split_names("acme/talk") == ["train", "test"]


def check_streaming() -> None:
    stream = datasets.load_dataset("acme/talk", split="test", streaming=True)
    assert [row["index"] for row in stream] == [0, 1, 2]


def check_gated_dataset() -> None:
    with pytest.raises(datasets.exceptions.DatasetNotFoundError, match="gated"):
        datasets.load_dataset("other/gated", split="train")
    assert len(datasets.load_dataset("other/gated", split="train", token=OTHER_TOKEN)) == 1


def check_push_dataset() -> None:
    rows = datasets.Dataset.from_dict({"text": ["a", "b", "c"]})
    rows.push_to_hub("user/rows", private=True)
    assert datasets.load_dataset("user/rows", split="train")["text"][:] == ["a", "b", "c"]


def check_push_model(folder: Path) -> None:
    torch.manual_seed(0)
    model = LlamaForCausalLM(
        LlamaConfig(vocab_size=8, hidden_size=8, intermediate_size=8, num_hidden_layers=1, num_attention_heads=2)
    )
    words = Tokenizer(models.WordLevel({"<unk>": 0, "a": 1, "b": 2}, unk_token="<unk>"))
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=words, unk_token="<unk>", pad_token="<unk>")
    model.push_to_hub(NAME, private=True)
    tokenizer.push_to_hub(NAME)
    loaded = AutoModelForCausalLM.from_pretrained(NAME)
    again = AutoTokenizer.from_pretrained(NAME)
    assert again("a b")["input_ids"] == [1, 2]
    tokens = torch.tensor([[1, 2]])
    assert torch.equal(loaded(tokens).logits, model(tokens).logits)


def check_token_is_in_no_file() -> None:
    token = os.environ["HF_TOKEN"].encode()
    files = [path for path in Path(os.environ["HF_HOME"]).rglob("*") if path.is_file()]
    assert files
    assert not [path for path in files if token in path.read_bytes()]
