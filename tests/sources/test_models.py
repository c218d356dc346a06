"""What a model folder tells: licence, parameters and template from its files, whatever is wrong with them."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import pytest

from hfft_widgets.errors import ModelError
from hfft_widgets.sources.models import read_folder, training_template

CONFIG = {
    "model_type": "llama", "hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4, "vocab_size": 100,
    "intermediate_size": 96, "max_position_embeddings": 128,
}  # fmt: skip


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "config.json").write_text(json.dumps(CONFIG))
    return tmp_path


@pytest.mark.parametrize(
    ("card", "licence"),
    [
        ("---\nlicense: mit\n---\n", "mit"),
        ("---\ntags: []\nlicense: 'apache-2.0'\n---\nlicense: mit\n", "apache-2.0"),
        ("license: mit\n", None),
        ("---\nlicense:\n- mit\n---\n", None),
        (b"\xff\xfe", None),
    ],
)
def test_the_licence_is_the_one_in_the_header_of_the_card(folder, card, licence):
    (folder / "README.md").write_bytes(card if isinstance(card, bytes) else card.encode())
    assert read_folder(folder).facts("org/x", local=False).licence == licence


def header(content: object) -> bytes:
    text = json.dumps(content).encode()
    return struct.pack("<Q", len(text)) + text


@pytest.mark.parametrize(
    ("content", "parameters"),
    [
        (header({"__metadata__": {}, "a": {"shape": [3, 4]}, "b": {"shape": [5]}}), 17),
        (header([1]), None), (header({"a": 1}), None), (header({"a": {"shape": ["x"]}}), None),
        (b"", None), (struct.pack("<Q", 2**60), None), (b"\xff" * 64, None),
    ],
)  # fmt: skip
def test_parameters_are_counted_in_headers_and_damaged_ones_are_left_out(folder, content, parameters):
    (folder / "model.safetensors").write_bytes(content)
    assert read_folder(folder).parameters == parameters
    facts = read_folder(folder).facts()
    assert facts.parameters == parameters or facts.parameters_source == "config.json"


def test_what_the_hub_counted_stands_in_for_weights_that_are_not_here(folder):
    config = {**CONFIG, "model_type": "never_heard_of"}
    (folder / "config.json").write_text(json.dumps(config))
    facts = read_folder(folder).facts("org/x", local=False, parameters=123_456, gated=True)
    assert (facts.parameters, facts.parameters_source, facts.gated) == (123_456, "safetensors headers", True)


@pytest.mark.parametrize(
    ("name", "content", "template"),
    [
        ("chat_template.jinja", "{{ messages }}", "{{ messages }}"),
        ("tokenizer_config.json", '{"chat_template": "{{ a }}"}', "{{ a }}"),
        ("tokenizer_config.json", '{"chat_template": [{"name": "default", "template": "{{ b }}"}, 3]}', "{{ b }}"),
        ("tokenizer_config.json", '{"chat_template": ["x", null]}', None),
        ("tokenizer_config.json", '{"chat_template": 7}', None),
    ],
)
def test_the_chat_template_is_found_where_it_is(folder, name, content, template):
    (folder / name).write_text(content)
    assert read_folder(folder).chat_template == template


def test_a_template_that_is_no_text_says_so(folder):
    (folder / "chat_template.jinja").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ModelError, match="cannot be read") as caught:
        read_folder(folder)
    assert caught.value.remedy


def test_the_marked_version_of_a_template_is_found_in_trl():
    trl = pytest.importorskip("trl")
    folder = Path(trl.__file__).parent / "chat_templates"
    own = (folder / "qwen3.jinja").read_text("utf-8")
    assert training_template(own) == (folder / "qwen3_training.jinja").read_text("utf-8")
    assert training_template("{{ messages }}") is None
    assert training_template(None) is None
