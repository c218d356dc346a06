"""What transformers and PEFT say of a model, asked in a process of its own, and kept."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from hfft_widgets.core.estimate.probe import ModelProbe
from hfft_widgets.core.estimate.work import Work
from hfft_widgets.core.plan.model import model_facts
from hfft_widgets.errors import ModelError
from hfft_widgets.sources import probe as probing
from hfft_widgets.sources.models import read_folder
from hfft_widgets.sources.probe import child, probed
from tests.core.estimate.test_architectures import SMALL

REAL = json.loads((Path(__file__).parents[1] / "bench" / "data" / "decoders.json").read_text("utf-8"))
EXPERTS = {**SMALL, "model_type": "mixtral", "num_local_experts": 4, "num_experts_per_tok": 2}
PICTURES = {
    "model_type": "llava", "architectures": ["LlavaForConditionalGeneration"],
    "vision_config": {"model_type": "clip_vision_model", "hidden_size": 32, "intermediate_size": 64,
                      "num_hidden_layers": 1, "num_attention_heads": 2, "image_size": 28, "patch_size": 14},
    "text_config": {**SMALL, "model_type": "llama"},
}  # fmt: skip


def of(config) -> ModelProbe:
    """What the child says, asked in this process, through the form in which it is kept."""
    return ModelProbe.from_dict(json.loads(json.dumps(child.probe(config))))


def test_it_is_asked_once_in_a_process_of_its_own_and_kept(monkeypatch):
    torch_was_here = "torch" in sys.modules
    found = probed(EXPERTS)
    assert isinstance(found, ModelProbe)
    # per layer: 4 experts of three 64 x 96 matrices, the router, attention and two norms; two embeddings, a norm
    attention = 64 * 64 * 2 + 64 * 32 * 2
    experts = 4 * 3 * 64 * 96
    assert found.parameters == 2 * (experts + 4 * 64 + attention + 2 * 64) + 2 * 128 * 64 + 64
    assert found.active_parameters == found.parameters - experts  # two of four, in both layers
    assert ("torch" in sys.modules) == torch_was_here
    monkeypatch.setattr(probing, "ask_child", None)
    assert probed({**EXPERTS, "transformers_version": "4.0"}) == found


def test_every_expert_is_adapted_as_peft_does():
    import peft
    from transformers import MixtralConfig, MixtralForCausalLM

    model = MixtralForCausalLM(MixtralConfig(**{k: v for k, v in EXPERTS.items() if k != "model_type"}))
    made = peft.get_peft_model(model, peft.LoraConfig(r=8, target_modules="all-linear", task_type="CAUSAL_LM"))
    facts = model_facts(EXPERTS, reference="x", probe=of(EXPERTS))
    assert facts.lora_parameters(8) == made.get_nb_trainable_parameters()[0]
    assert not facts.assumed


SHARED = {**SMALL, "model_type": "qwen2_moe", "num_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 32,
          "shared_expert_intermediate_size": 48}  # fmt: skip


def trained_by_peft(config, **adapters) -> int:
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoConfig, AutoModelForCausalLM

    given = dict(config)
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(AutoConfig.for_model(given.pop("model_type"), **given))
    made = get_peft_model(model, LoraConfig(r=8, task_type="CAUSAL_LM", use_dora=True, **adapters))
    return int(made.get_nb_trainable_parameters()[0])


@pytest.mark.parametrize("config", [SHARED, {**SHARED, "mlp_only_layers": [0]}, {**SMALL, "model_type": "llama"}])
def test_dora_learns_a_size_for_each_output_of_each_layer(config):
    facts = model_facts(config, reference="x", probe=of(config))
    work = Work("SFT", lora_r=8, batch_size=1, accumulation=1, tokens_per_row=9.0, max_length=9, rows=9, epochs=1.0,
                dora=True)  # fmt: skip
    assert work.trained(facts) == trained_by_peft(config, target_modules="all-linear")


def test_packed_experts_have_no_dora_as_peft_says():
    layout = of(EXPERTS).linears
    with pytest.raises(ValueError, match="ParamWrapper does not work with use_dora"):
        trained_by_peft(EXPERTS, target_modules="all-linear")
    assert layout.packed()
    attention = ("q_proj", "k_proj", "v_proj", "o_proj")
    assert not layout.packed(attention)
    assert layout.trainable(8, attention) + layout.magnitudes(attention) == trained_by_peft(
        EXPERTS, target_modules=list(attention)
    )


def test_of_a_model_that_reads_pictures_the_language_part_alone_is_adapted(tmp_path):
    found = of(PICTURES)
    assert found.linears.trainable(4) == 4 * 2 * (2 * (64 + 64) + 2 * (64 + 32) + 3 * (64 + 96))
    assert found.picture_parameters > 0
    assert found.targets.startswith(r".*\blanguage_model\b")
    assert any(group.pictures and not group.adapters for group in found.linears.groups)
    facts = model_facts(PICTURES, reference="x", probe=found)
    assert (facts.vision, facts.assumed, facts.unknown) == (True, False, ())
    (tmp_path / "config.json").write_text(json.dumps(PICTURES))


def test_what_peft_refuses_is_said_and_the_other_layers_are_adapted():
    mamba = {"model_type": "mamba", "hidden_size": 32, "num_hidden_layers": 2, "state_size": 4, "vocab_size": 64,
             "intermediate_size": 64, "time_step_rank": 2}  # fmt: skip
    found = of(mamba)
    assert "out_proj" in found.refused
    assert found.targets == ("dt_proj", "in_proj", "x_proj")
    assert found.linears.trainable(1) > 0
    assert not any(group.adapters for group in found.linears.groups if group.name == "out_proj")


@pytest.mark.parametrize("name", ["MiniLM", "bge-m3", "whisper", "clip"])
def test_what_continues_no_text_is_told_apart(name):
    found = of(REAL["others"][name])
    assert "does not continue texts" in found.other_kind
    with pytest.raises(ModelError, match="no decoder"):
        model_facts({**SMALL, "model_type": "new"}, reference="x", probe=found)


@pytest.mark.parametrize(
    "config",
    [
        {"hidden_size": float("nan")},
        pytest.param({}, marks=pytest.mark.full),
        pytest.param({"model_type": "no such"}, marks=pytest.mark.full),
        pytest.param({**SMALL, "model_type": "llama", "hidden_size": "x"}, marks=pytest.mark.full),
    ],
)
def test_what_cannot_be_built_says_why(config):
    assert isinstance(probed(config), str)


def test_it_gives_up_in_time_and_the_plan_goes_on():
    assert probed({**EXPERTS, "hidden_size": 128}, timeout_seconds=0.05) == "it took longer than 0 seconds"
    facts = model_facts(EXPERTS, reference="x", probe="it took longer than 0 seconds")
    assert facts.assumed
    assert "ranges are wider for it (it took longer" in facts.unknown[0]


def test_where_a_package_is_missing_nothing_is_started(monkeypatch):
    monkeypatch.setattr(probing, "_PACKAGES", ("torch", "no-such-package"))
    monkeypatch.setattr(probing, "ask_child", None)
    assert probed(EXPERTS) == "no-such-package is not installed here"


def test_what_is_kept_and_damaged_is_asked_again(monkeypatch, tmp_path):
    monkeypatch.setenv("HFFT_HOME", str(tmp_path))
    asked = []
    monkeypatch.setattr(probing, "_answered", lambda given, *_: asked.append(given) or ModelProbe("v", "C"))
    probed(EXPERTS)
    (file,) = (tmp_path / "cache").rglob("*.json")
    for text in ("", "{}", '{"versions": 1, "later": 2}'):
        file.write_text(text)
        assert probed(EXPERTS) == ModelProbe("v", "C")
    assert len(asked) == 4
    assert probed(EXPERTS) == ModelProbe("v", "C")
    assert len(asked) == 4


@pytest.mark.full
def test_a_wait_is_told():
    said = []
    probed({**EXPERTS, "hidden_size": 192}, notice=said.append)
    assert said == ["Asking transformers and PEFT about the model (once, about 10 to 20 seconds)"]


@pytest.mark.full
def test_code_that_a_repository_brings_is_not_run(tmp_path):
    (tmp_path / "modeling.py").write_text("raise SystemExit('ran')")
    auto_map = {"AutoModelForCausalLM": f"{tmp_path}--modeling.Evil", "AutoConfig": f"{tmp_path}--modeling.Evil"}
    assert isinstance(probed({"model_type": "evil", "auto_map": auto_map}), str)


# ---- real configurations ---------------------------------------------------------------------------


def _wanted(row) -> float:
    """Millions of parameters that PEFT trains at rank 16; of a model with pictures, in its language part."""
    return row.get("text") or row["lora"]


@pytest.mark.ci
@pytest.mark.parametrize("name", [n for n in REAL["decoders"] if n not in {"Qwen3-30B-A3B", "Mixtral-8x7B"}])
def test_a_real_decoder_is_as_peft_has_it(name):
    row = REAL["decoders"][name]
    facts = model_facts(row["config"], reference=name, probe=of(row["config"]))
    if row["total"]:
        assert facts.parameters / 1e9 == pytest.approx(row["total"], rel=0.001, abs=0.0006)
    if row["lora"] is None:
        assert facts.lora_refused
    else:
        assert facts.lora_parameters(16) / 1e6 == pytest.approx(_wanted(row), rel=0.01)


@pytest.mark.full
@pytest.mark.parametrize("name", ["Qwen3-30B-A3B", "Mixtral-8x7B"])
def test_a_large_real_decoder_is_as_peft_has_it(name):
    test_a_real_decoder_is_as_peft_has_it(name)


@pytest.mark.parametrize("name", REAL["decoders"])
def test_by_arithmetic_a_real_decoder_is_near_or_says_that_its_ranges_are_wider(name):
    row = REAL["decoders"][name]
    facts = model_facts(row["config"], reference=name)
    near = row["lora"] and facts.lora_parameters(16) / 1e6 == pytest.approx(_wanted(row), rel=0.05)
    assert near or facts.assumed
    assert not facts.assumed or "ranges are wider" in "; ".join(facts.unknown)


@pytest.mark.parametrize("name", REAL["others"])
def test_by_arithmetic_no_encoder_is_taken(name):
    with pytest.raises(ModelError, match="no decoder"):
        model_facts(REAL["others"][name], reference=name)


@pytest.mark.full
def test_a_folder_without_weights_is_asked_about(tmp_path):
    (tmp_path / "config.json").write_text(json.dumps(PICTURES))
    facts = read_folder(tmp_path).facts()
    assert facts.parameters_source.startswith("built without memory")
    assert facts.parameters > 78_144  # the text part alone
    assert facts.vision
