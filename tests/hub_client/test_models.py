"""What the Hub alone knows of a model reaches the plan: terms to accept, and parameters counted in its weights."""

from __future__ import annotations

import json
import socket
import sys

import pytest

import hfft_widgets as hfft
from hfft_widgets.errors import HubError
from hfft_widgets.hub.jobs_api import IMAGE, JobRequest, JobsApi
from hfft_widgets.hub.models import known_by_hub
from hfft_widgets.hub.token import Token
from tests.standin_hub import WRITE_TOKEN, StandInHub

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


@pytest.fixture
def swallowing(monkeypatch):
    """A network that swallows packets: a queue of connections that is full, and nobody takes one from it."""
    from huggingface_hub import constants

    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(0)
        address = server.getsockname()
        held = [socket.socket() for _ in range(4)]
        for one in held:
            one.setblocking(False)
            one.connect_ex(address)
        monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{address[1]}")
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
        yield
        for one in held:
            one.close()


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a full queue refuses")
@pytest.mark.timeout(60)  # the client itself waits for more than two minutes
def test_a_network_that_swallows_packets_is_said_soon(swallowing, model):
    with pytest.raises(HubError, match=r"no folder user/it here, and the Hugging Face Hub cannot be reached"):
        hfft.estimate("user/it")
    assert known_by_hub("user/it") == {}


def test_one_click_asks_once_whether_the_hub_is_there(hub: StandInHub, model):
    hub.add_model(model, "user/it")
    hfft.estimate("user/it")
    known_by_hub("user/it")
    assert len([entry for entry in hub.journal if entry.method == "HEAD" and entry.path == "/"]) == 1
