"""What the Hub alone knows of a model reaches the plan: terms to accept, and parameters counted in its weights."""

from __future__ import annotations

import json

import pytest

import hfft_widgets as hfft
from hfft_widgets.hub.jobs_api import IMAGE, JobRequest, JobsApi
from hfft_widgets.hub.models import known_by_hub
from hfft_widgets.hub.token import Token
from tests.hub import WRITE_TOKEN, StandInHub

CONFIG = {
    "model_type": "llama", "hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4, "vocab_size": 100,
    "intermediate_size": 96, "max_position_embeddings": 128, "tie_word_embeddings": False,
}  # fmt: skip
ROWS = [{"prompt": f"say {n}", "completion": f" {n}"} for n in range(60)]


@pytest.fixture
def model(tmp_path, monkeypatch):
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(CONFIG))
    (folder / "README.md").write_text("---\nlicense: mit\n---\n")
    return folder


@pytest.mark.parametrize(("gate", "gated"), [("manual", True), ("auto", True), (False, False)])
def test_the_plan_knows_whether_terms_must_be_accepted(hub: StandInHub, model, gate, gated):
    hub.add_model(model, "other/it", gated=gate, allowed={"user"})
    plan = hfft.plan_training("other/it", hfft.validate(ROWS), flavor="t4-small")
    assert plan.facts.gated is gated
    assert plan.facts.licence == "mit"
    assert plan.to_dict()["facts"]["gated"] is gated
    assert ("https://huggingface.co/other/it" in " ".join(plan.warnings)) is gated
    assert not plan.facts.unknown


def test_parameters_are_those_the_hub_counted(hub: StandInHub, model):
    import torch
    from safetensors.torch import save_file

    save_file({"a": torch.zeros(3, 5)}, model / "model.safetensors")
    hub.add_model(model, "user/it")
    assert known_by_hub("user/it") == {"gated": False, "parameters": 15}


def test_a_hub_that_cannot_be_asked_leaves_it_unknown(hub: StandInHub, model):
    hub.add_model(model, "user/it")
    hub.fault("/api/models/user/it$", status=500, times=None)
    assert known_by_hub("user/it") == {}


def test_the_image_of_a_plan_is_that_of_its_job(hub: StandInHub, model):
    hub.add_model(model, "user/it")
    plan = hfft.plan_training("user/it", hfft.validate(ROWS), flavor="t4-small", image="python:3.12")
    assert plan.image == "python:3.12"
    api = JobsApi(Token(WRITE_TOKEN, "a test"))
    for image in (plan.image, IMAGE):
        told = api.submit(JobRequest("user", "print(1)", "cpu-basic", 300, {}, "a-job", image=image))
        assert api.wire.get(f"/api/jobs/user/{told.id}", action="look")["dockerImage"] == image
