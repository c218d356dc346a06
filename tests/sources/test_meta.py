"""Counting by initialisation, in a process of its own."""

from __future__ import annotations

import json
import sys

import pytest

from hfft_widgets.sources.meta import initialised_parameters
from hfft_widgets.sources.models import read_folder
from tests.core.estimate.test_architectures import SMALL


def test_an_architecture_without_closed_form_is_counted_without_loading_torch_here():
    torch_was_here = "torch" in sys.modules
    config = {**SMALL, "model_type": "mixtral", "num_local_experts": 4}
    # per layer: 4 experts of three 64 x 96 matrices, the router, attention and two norms; two embeddings, a norm
    attention = 64 * 64 * 2 + 64 * 32 * 2
    expected = 2 * (4 * 3 * 64 * 96 + 4 * 64 + attention + 2 * 64) + 2 * 128 * 64 + 64
    assert initialised_parameters(config) == expected
    assert ("torch" in sys.modules) == torch_was_here


@pytest.mark.full
def test_a_folder_without_weights_is_counted_where_no_closed_form_is_known(tmp_path):
    config = {**SMALL, "model_type": "llava", "vision_config": {"model_type": "clip_vision_model", "hidden_size": 32,
              "intermediate_size": 64, "num_hidden_layers": 1, "num_attention_heads": 2, "image_size": 28,
              "patch_size": 14},
              "text_config": {**SMALL, "model_type": "llama"}}  # fmt: skip
    (tmp_path / "config.json").write_text(json.dumps(config))
    facts = read_folder(tmp_path).facts()
    assert facts.parameters_source == "initialisation without memory"
    assert facts.parameters > 78_144  # the text part alone
    assert facts.vision


@pytest.mark.parametrize(
    "config",
    [
        {},
        pytest.param({"model_type": "no such"}, marks=pytest.mark.full),
        pytest.param({**SMALL, "model_type": "llama", "hidden_size": "x"}, marks=pytest.mark.full),
    ],
)
def test_what_cannot_be_built_is_none(config):
    assert initialised_parameters(config) is None


def test_it_gives_up_in_time():
    assert initialised_parameters({**SMALL, "model_type": "llama"}, timeout_seconds=0.05) is None


@pytest.mark.full
def test_code_that_a_repository_brings_is_not_run(tmp_path):
    (tmp_path / "modeling.py").write_text("raise SystemExit('ran')")
    auto_map = {"AutoModelForCausalLM": f"{tmp_path}--modeling.Evil", "AutoConfig": f"{tmp_path}--modeling.Evil"}
    assert initialised_parameters({"model_type": "evil", "auto_map": auto_map}) is None
