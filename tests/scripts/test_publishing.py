"""What a training leaves on the Hub: checkpoints while it lasts, then the model with a card of its own."""

from __future__ import annotations

import dataclasses
import json
import os
import signal
from pathlib import Path

import pytest

import hfft_widgets as hfft
from hfft_widgets.core.plan.plan import TrainingPlan
from hfft_widgets.scripts.publishing import card, card_header, is_hub_id, quoted
from tests.scripts.running import plan_on, rows_for, start_cold
from tests.standin_hub import StandInHub
from tests.standin_hub.fixtures import hub

__all__ = ["hub"]
HOSTILE = 'x"|`\n---\nbase_model: evil\n<script>alert(1)</script>\u202e'


def published_plan(hub: StandInHub, folder: Path, **changes) -> TrainingPlan:
    """A plan for a model and a dataset on the Hub, with the result going there."""
    hub.add_model(hfft.samples.model(), "acme/tiny")
    hub.add_dataset("acme/talk", rows=list(rows_for("SFT")))
    plan = plan_on(rows_for("SFT"), folder, hfft.samples.model(), "SFT", "lora", push_to="user/trained", **changes)
    data = dataclasses.replace(plan.data, name="acme/talk", reference={"path": "acme/talk", "split": "train"})
    return dataclasses.replace(plan, model="acme/tiny", data=data)


@pytest.mark.full
@pytest.mark.skipif(os.name == "nt", reason="SIGTERM ends a Windows process at once")
def test_stopped_on_one_machine_it_ends_on_another(sample_folders, hub, tmp_path):
    plan = published_plan(hub, tmp_path, max_steps=500, save_steps=500, eval_steps=500)
    first = start_cold(plan.script, tmp_path / "one", **hub.settings(), HF_HUB_OFFLINE="0")
    first.wait_for(lambda event: event.kind == "log" and event.step == 2)
    first.send(signal.SIGTERM)
    assert first.wait().code == 143, first.log
    stopped = first.journal.said["stopped"].step
    repo = hub.repo("models", "user/trained")
    assert repo is not None
    assert repo.private
    state = json.loads(hub.read("models", "user/trained", "last-checkpoint/trainer_state.json"))
    assert state["global_step"] == stopped

    shorter = plan.replace(max_steps=stopped + 2)
    second = start_cold(shorter.script, tmp_path / "two", **hub.settings(), HF_HUB_OFFLINE="0").wait()
    assert second.code == 0, second.log
    assert list(second.losses) == [stopped + 1, stopped + 2]
    assert second.journal.data("end")["hub_repo"] == "user/trained"
    files = set(repo.at().files)
    assert {"adapter_model.safetensors", "adapter_config.json", "README.md", "tokenizer.json"} <= files
    assert not [name for name in files if name.startswith(("last-checkpoint", "checkpoint-", "_"))]
    told = hub.read("models", "user/trained", "README.md").decode()
    header = told.split("---")[1]
    assert 'base_model: "acme/tiny"' in header
    assert 'base_model_relation: "adapter"' in header
    assert 'datasets: ["acme/talk"]' in header
    assert 'library_name: "peft"' in header
    assert f"| step {stopped + 2} |" in told
    assert 'model="user/trained"' in told
    for run in (first, second):
        assert hub.settings()["HF_TOKEN"] not in run.text


def plan_values(**changes) -> dict:
    return {
        "title": "SFT of tiny", "model": "org/tiny", "method": "SFT", "peft": "none",
        "data": {"name": "org/data", "reference": {"path": "org/data"}, "columns": ["messages"]}, **changes,
    }  # fmt: skip


def test_a_card_of_hostile_names_stays_a_card():
    yaml = pytest.importorskip("yaml")
    data = {"name": HOSTILE, "reference": {"path": HOSTILE}, "columns": [HOSTILE]}
    history = [{"eval_loss": float("nan"), "step": 0}, {"eval_loss": 2.0, f"eval_{HOSTILE}": None, "step": 3}]
    text = card(plan_values(model=HOSTILE, title=HOSTILE, data=data), None, {"seed": HOSTILE}, history)
    _, header, body = text.split("---\n", 2)
    assert set(yaml.safe_load(header)) == {"library_name", "pipeline_tag", "tags"}
    assert "base_model" not in header
    assert "<script>" not in "".join(body.split("`")[::2])  # what is not code


def test_a_card_shows_how_the_held_out_loss_went():
    history = [{"step": step, "eval_loss": 2.0 if step < 40 else 1.0 + step / 100} for step in range(0, 100, 2)]
    more = [{"step": 99, "loss": 1.0}, {"step": 100, "eval_loss": float("nan")}]
    text = card(plan_values(), None, {}, [*history, *more])
    rows = [line for line in text.splitlines() if line.endswith("\u2588 |")]
    assert rows[0] == f"| 0 | 2 | {24 * chr(0x2588)} |"
    assert len(rows) <= 14
    assert any(row.startswith("| 40 | 1.4 |") for row in rows)
    assert rows[-1].startswith("| 98 |")
    assert "lowest at step 40" in text
    assert "lowest" not in card(plan_values(), None, {}, history[:2])


def test_a_card_says_what_the_model_is():
    assert card_header(plan_values())["base_model_relation"] == "finetune"
    assert card_header(plan_values(task_type="SEQ_CLS"))["pipeline_tag"] == "text-classification"
    assert card_header(plan_values(method="Reward"))["pipeline_tag"] == "text-classification"  # of an earlier version
    seeing = {"name": "d", "reference": {"path": "json"}, "columns": ["images", "messages"]}
    assert card_header(plan_values(data=seeing))["pipeline_tag"] == "image-text-to-text"
    assert "datasets" not in card_header(plan_values(data=seeing))
    assert card_header(plan_values(license="mit"))["license"] == "mit"


@pytest.mark.parametrize("name", ["/srv/model", "./model", "a/b/c", "C:\\model", "", "a b", "../x"])
def test_a_path_is_no_hub_id(name):
    assert not is_hub_id(name)


def test_quoted_has_no_way_out():
    assert set(quoted(HOSTILE)[1:-1]) & set("`|\n") == set()


def test_a_card_names_the_data_that_were_read(tmp_path):
    from datasets import Dataset, load_dataset

    from hfft_widgets.scripts.publishing import data_of

    file = tmp_path / "mine.jsonl"
    file.write_text('{"text": "a"}\n{"text": "b"}\n', "utf-8")
    given = {"path": "json", "data_files": str(file), "split": "train"}
    rows = load_dataset(**given, cache_dir=str(tmp_path / "cache"))
    assert data_of(rows, given, {"reference": given, "name": "my rows"})["name"] == "my rows"
    other = {**given, "data_files": "earlier.jsonl"}
    assert data_of(rows, given, {"reference": other, "name": "my rows"})["name"] == str(file)
    assert data_of(rows, {"path": "org/data"}, {})["name"] == "json"  # not what the script says it is
    made = data_of(Dataset.from_list([{"text": "c"}]), given, {"reference": given, "name": "my rows"})
    assert made == {"name": "rows made by the script", "reference": {}, "columns": ["text"]}
