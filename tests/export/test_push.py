"""Files on the Hub: nothing is replaced, what broke goes on, a card of its own stays; against the stand-in Hub."""

from __future__ import annotations

import json

import pytest

from tests.export.running import one_step, run
from tests.scripts.test_gguf import TRAINED_CARD
from tests.standin_hub import StandInHub

pytestmark = pytest.mark.ci
FOUND = {"bytes": 4, "prompt": "Hi", "verified": True}
OLLAMA = {"template": None, "params": {"stop": ["</s>"]}}


@pytest.fixture
def hub(tmp_path):
    with StandInHub(tmp_path / "hub") as running:
        yield running
        assert not running.errors


def push(hub, folder, name, content, model="user/tiny", repo="user/tiny-GGUF"):
    """Push a file as an export's script does."""
    (folder / "out").mkdir(parents=True, exist_ok=True)
    (folder / "out" / name).write_bytes(content)
    script = one_step(f"""
def main():
    file = Path({str(folder / "out" / name)!r})
    refuse_replacing({repo!r}, file.parent, [file.name])
    push(file, {repo!r}, [{model!r}], {FOUND!r}, {OLLAMA!r})
""").replace("PAUSE_SECONDS = 5, 5.0", "PAUSE_SECONDS = 5, 0.1")
    return run(script, folder / "ran", **{**hub.environment(home=folder / "home"), "HF_HUB_OFFLINE": "0"})


def test_a_repository_is_private_and_each_file_has_its_row(hub, tmp_path):
    for name in ("tiny-Q4_K_M.gguf", "tiny-Q8_0.gguf"):
        ended = push(hub, tmp_path / name, name, name.encode() * 9000)
        assert ended.code == 0, ended.output
    repo = hub.repo("models", "user/tiny-GGUF")
    assert repo.private
    assert {"README.md", "params", "tiny-Q4_K_M.gguf", "tiny-Q8_0.gguf"} <= set(repo.at().files)
    card = hub.read("models", "user/tiny-GGUF", "README.md").decode()
    assert card.count("| `tiny-") == 2
    assert json.loads(hub.read("models", "user/tiny-GGUF", "params")) == OLLAMA["params"]


def test_a_new_card_says_how_the_model_was_trained_here_and_on_the_hub(hub, tmp_path):
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "README.md").write_text(TRAINED_CARD, "utf-8")
    (tmp_path / "model" / "config.json").write_text("{}", "utf-8")
    hub.add_model(tmp_path / "model", "user/trained")
    for name, model in (("here", str(tmp_path / "model")), ("hub", "user/trained")):
        ended = push(hub, tmp_path / name, f"{name}-Q8_0.gguf", b"GGUF" * 9000, model=model, repo=f"user/{name}-GGUF")
        assert ended.code == 0, ended.output
        card = hub.read("models", f"user/{name}-GGUF", "README.md").decode()
        assert "license: mit" in card
        assert "| learning_rate | `0.0002` |" in card


def test_another_file_of_that_name_is_not_replaced(hub, tmp_path):
    assert push(hub, tmp_path / "a", "tiny-Q8_0.gguf", b"GGUF" * 9000).code == 0
    assert push(hub, tmp_path / "a", "tiny-Q8_0.gguf", b"GGUF" * 9000).code == 0  # the very same one
    ended = push(hub, tmp_path / "b", "tiny-Q8_0.gguf", b"other" * 9000)
    assert ended.code == 1
    assert "nothing there is replaced" in ended.said("error")["message"]
    assert hub.read("models", "user/tiny-GGUF", "tiny-Q8_0.gguf") == b"GGUF" * 9000


def test_a_broken_upload_goes_on_and_nothing_half_is_seen(hub, tmp_path):
    hub.fault(r"/commit/", method="POST", status=503, times=2)
    ended = push(hub, tmp_path, "tiny-Q8_0.gguf", b"GGUF" * 90000)
    assert ended.code == 0, ended.output
    assert hub.read("models", "user/tiny-GGUF", "tiny-Q8_0.gguf") == b"GGUF" * 90000


def test_an_upload_that_cannot_be_made_leaves_the_file_here_and_says_why(hub, tmp_path):
    hub.fault(r"/commit/", method="POST", status=403, times=None)
    ended = push(hub, tmp_path, "tiny-Q8_0.gguf", b"GGUF" * 9000)
    assert ended.code == 1
    assert ended.said("error")["message"]
    assert (tmp_path / "out" / "tiny-Q8_0.gguf").exists()
    assert "tiny-Q8_0.gguf" not in hub.repo("models", "user/tiny-GGUF").at().files
