"""What the small files of a model say about its export, before it is trained."""

from __future__ import annotations

import json

import pytest

from hfft_widgets.sources.trained import loaded_otherwise, mended_config, tokenizer_facts
from tests.export.conftest import write_tokenizer


@pytest.fixture(scope="module")
def pieces(tmp_path_factory):
    """A SentencePiece tokenizer as transformers saves it."""
    from transformers import AutoTokenizer

    folder = tmp_path_factory.mktemp("pieces")
    write_tokenizer(folder)
    AutoTokenizer.from_pretrained(folder).save_pretrained(folder)
    return folder


@pytest.mark.ci
@pytest.mark.parametrize(("name", "otherwise"), [("Qwen2Tokenizer", True), ("PreTrainedTokenizerFast", False)])
def test_a_tokenizer_that_transformers_loads_as_another_is_seen(pieces, name, otherwise):
    file = pieces / "tokenizer_config.json"
    file.write_text(json.dumps({**json.loads(file.read_text("utf-8")), "tokenizer_class": name}), "utf-8")
    assert loaded_otherwise(pieces) is otherwise
    assert tokenizer_facts(pieces)["loaded_otherwise"] is otherwise


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"model_type": "gpt_neox", "rope_parameters": {"partial_rotary_factor": 0.25}}, "rotary_pct"),
        ({"model_type": "qwen3_5", "text_config": {"model_type": "qwen3_5_text"}}, "guess several tokens"),
        ({"model_type": "llama"}, ""),
    ],
)
def test_what_is_mended_of_a_configuration_is_known_before(config, words):
    said = " ".join(mended_config(config))
    assert (words in said) if words else not said


def test_a_blank_first_and_two_templates_are_known_before(tmp_path):
    tokenizer = {"model": {"type": "BPE", "vocab": {"a": 0}}, "pre_tokenizer": None, "decoder": None,
                 "normalizer": {"type": "Prepend", "prepend": "\u2581"}}  # fmt: skip
    (tmp_path / "tokenizer.json").write_text(json.dumps(tokenizer), "utf-8")
    (tmp_path / "tokenizer_config.json").write_text(json.dumps({"chat_template": "one"}), "utf-8")
    (tmp_path / "chat_template.jinja").write_text("two", "utf-8")
    first, second = tokenizer_facts(tmp_path)["mended"]
    assert "two chat templates" in first
    assert "a blank stands before a text" in second
