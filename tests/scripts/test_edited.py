"""A script that a person changes and runs again does what it says: what ran is what its card says."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

import hfft_widgets as hfft
from tests.scripts.running import Script, plan_on, rows_for, run, start_cold

TWO = {"max_steps": 2, "save_steps": 2, "eval_steps": 2, "questions": 0}
EDITS = ("rate", "batch", "data", "model", "length")
KINDS = (("SFT", "lora"), ("SFT", "none"), ("DPO", "lora"), ("Reward", "none"), ("GRPO", "lora"))


@pytest.fixture
def model(sample_folders) -> Path:
    return hfft.samples.model()


def edited(script: str, edit: str, folder: Path, model: Path, method: str) -> tuple[str, str]:
    """The script with one change, and what the card must say then."""
    if edit == "data":
        other = folder / "other.jsonl"
        other.write_text("\n".join(json.dumps({**row}) for row in list(rows_for(method, 60))[20:]), "utf-8")
        return re.sub(
            r'"data_files": "[^"]*"', f'"data_files": "{other}"', script, count=1
        ), "learned from `other.jsonl`"
    if edit == "model":
        other = folder / "other-model"
        shutil.copytree(model, other)
        return re.sub(r'MODEL = "[^"]*"', f'MODEL = "{other}"', script, count=1), "`other-model` learned"
    before, after = {
        "rate": ("learning_rate=0.0005", "learning_rate=0.001"),
        "batch": ("per_device_train_batch_size=2", "per_device_train_batch_size=4"),
        "length": ("max_steps=2", "max_steps=4"),
    }[edit]
    assert before in script
    name, _, value = after.partition("=")
    return script.replace(before, after, 1), f"| {name} | `{value}` |"


@pytest.mark.full
@pytest.mark.parametrize(("method", "peft", "edit"), [(method, peft, edit) for method, peft in KINDS for edit in EDITS])
def test_what_ran_is_what_the_card_says(model, tmp_path, method, peft, edit):
    plan = plan_on(rows_for(method), tmp_path, model, method, peft, **TWO)
    first = run(plan.script, tmp_path)
    assert first.code == 0, first.log
    script, said = edited(plan.script, edit, tmp_path, model, method)
    card = tmp_path / "out" / "README.md"
    assert said not in card.read_text("utf-8")
    second = run(script, tmp_path)
    assert second.code == 0, second.log
    assert list(second.losses) == ([3, 4] if edit == "length" else [1, 2])
    assert said in card.read_text("utf-8")
    told = second.journal.data("training")
    assert told["arguments"]["learning_rate"] == (0.001 if edit == "rate" else 0.0005)
    assert ("other" in told["data"], "other" in told["model"]) == (edit == "data", edit == "model")
    assert any("Changed: " in words for words in messages(second))
    assert (tmp_path / "out" / "_earlier-1" / "README.md").exists() is (edit != "length")


def messages(script: Script) -> list[str]:
    return [str(event.data.get("message", "")) for event in script.events]


@pytest.mark.ci
def test_unchanged_shorter_or_from_the_command_line(model, tmp_path):
    """One script, run again in the three ways in which nothing, too little, or something new is asked of it."""
    plan = plan_on(rows_for("SFT"), tmp_path, model, "SFT", "lora", **TWO)
    assert run(plan.script, tmp_path).code == 0
    again = run(plan.script, tmp_path)
    assert again.code == 0, again.log
    assert not again.losses
    assert any("no step is made" in words for words in messages(again))
    shorter = run(plan.script.replace("max_steps=2", "max_steps=1"), tmp_path)
    assert shorter.code == 1
    assert "there is nothing to do" in shorter.journal.data("error")["message"]
    (tmp_path / "by hand").mkdir()
    command = ["--learning_rate", "1e-4", "--max_steps=3", "--r", "4"]
    given = start_cold(plan.script, tmp_path / "by hand", arguments=command, HFFT_WORD=None).wait()
    assert given.code == 0, given.text
    assert "step 3 of 3" in given.text  # by hand it prints lines to read
    assert "learning_rate 0.0001" in given.text
    assert "@hfft" not in given.text
    assert "| learning_rate | `0.0001` |" in (tmp_path / "by hand" / "out" / "README.md").read_text("utf-8")
    assert json.loads((tmp_path / "by hand" / "out" / "adapter_config.json").read_text())["r"] == 4
