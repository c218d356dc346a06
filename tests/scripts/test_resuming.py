"""A training that was killed, stopped or finished goes on exactly where it was, and not a step further."""

from __future__ import annotations

import json
import os
import shutil
import signal
from pathlib import Path

import pytest

import hfft_widgets as hfft
from hfft_widgets.core.method import METHODS
from hfft_widgets.scripts.resuming import newest_checkpoint
from tests.scripts.running import plan_on, rows_for, run, start, start_cold

TWELVE = {"max_steps": 12, "save_steps": 2, "eval_steps": 12, "learning_rate": 5e-5, "batch_size": 4, "questions": 0}


@pytest.fixture
def model(sample_folders) -> Path:
    return hfft.samples.model()


def continues_exactly(script: str, folder: Path) -> None:
    """Kill the script after its seventh step and run it again: what follows is what an unbroken run does."""
    whole = run(script, folder / "whole")
    assert whole.code == 0, whole.log
    broken = start(script, folder / "broken")
    broken.wait_for(lambda event: event.kind == "log" and event.step == 7)
    broken.kill()
    checkpoint = newest_checkpoint(folder / "broken" / "out")
    saved = int(checkpoint.rpartition("-")[2])
    assert 4 <= saved < 12
    resumed = run(script, folder / "broken")
    assert resumed.code == 0, resumed.log
    assert list(resumed.losses) == list(range(saved + 1, 13))
    assert all(whole.losses[step] == pytest.approx(values) for step, values in resumed.losses.items())
    assert sum(norm > 0 for _, norm in resumed.losses.values()) > 2  # equal zeros would prove nothing


@pytest.mark.parametrize(
    ("method", "peft"),
    [
        pytest.param(method, peft, marks=pytest.mark.ci if (method, peft) == ("SFT", "lora") else pytest.mark.full)
        for method in METHODS
        for peft in ("none", "lora")
    ],
)
def test_killed_and_run_again_it_goes_on_exactly(model, tmp_path, method, peft):
    plan = plan_on(rows_for(method), tmp_path, model, method, peft, **TWELVE)
    continues_exactly(plan.script, tmp_path)


@pytest.mark.ci
def test_checkpoints_lie_between_two_rounds_of_answers(model, tmp_path):
    plan = plan_on(rows_for("GRPO"), tmp_path, model, "GRPO", **{**TWELVE, "save_steps": 3, "num_iterations": 2})
    assert "save_steps=4" in plan.script
    continues_exactly(plan.script, tmp_path)


@pytest.mark.skipif(os.name == "nt", reason="SIGTERM ends a Windows process at once")
@pytest.mark.parametrize(("signum", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_asked_to_stop_it_saves_and_the_next_run_goes_on(model, tmp_path, signum, code):
    plan = plan_on(rows_for("SFT"), tmp_path, model, "SFT", max_steps=200, save_steps=200, eval_steps=200)
    first = start(plan.script, tmp_path)
    first.wait_for(lambda event: event.kind == "log" and event.step == 3)
    first.send(signum)
    first.wait()
    assert first.code == code, first.log
    stopped = first.journal.said["stopped"]
    state = json.loads((tmp_path / "out" / f"checkpoint-{stopped.step}" / "trainer_state.json").read_text())
    assert state["global_step"] == stopped.step < 200
    second = start(plan.script, tmp_path)
    second.wait_for(lambda event: event.kind == "log" and event.step)
    second.send(signum)
    assert second.wait().code == code
    assert min(second.losses) == stopped.step + 1


def test_half_a_checkpoint_is_set_aside(tmp_path):
    for step, state in ((5, '{"global_step": 5}'), (10, None), (15, '{"global_st')):
        folder = tmp_path / f"checkpoint-{step}"
        folder.mkdir()
        if state:
            (folder / "trainer_state.json").write_text(state)
    assert newest_checkpoint(tmp_path) == str(tmp_path / "checkpoint-5")
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "_broken-checkpoint-10",
        "_broken-checkpoint-15",
        "checkpoint-5",
    ]
    shutil.copytree(tmp_path / "_broken-checkpoint-10", tmp_path / "checkpoint-10")  # the next try broke there too
    assert newest_checkpoint(tmp_path) == str(tmp_path / "checkpoint-5")
    assert newest_checkpoint(tmp_path / "nothing") is None


def test_a_step_that_does_not_end_is_left_after_the_grace_period(model, tmp_path):
    plan = plan_on(rows_for("SFT"), tmp_path, model, "SFT")
    script = plan.script.replace("set_seed(SEED)", 'import time; print("asleep", flush=True); time.sleep(60)')
    process = start(script, tmp_path, HFFT_GRACE="0.2")
    while "asleep" not in process.text:
        assert process.code is None, process.log
    process.send(signal.SIGTERM)
    assert process.wait(20).code == 142


@pytest.mark.full
@pytest.mark.skipif(os.name == "nt", reason="torch starts several processes in another way there")
def test_several_processes_train_stop_and_resume_together(model, tmp_path):
    """What several GPUs do, on a CPU: `accelerate launch` starts the script twice."""
    changes = {**TWELVE, "save_steps": 200, "eval_steps": 200}
    plan = plan_on(rows_for("SFT"), tmp_path, model, "SFT", "lora", **{**changes, "max_steps": 200})
    first = start_cold(plan.script, tmp_path, HFFT_PROCESSES="2")
    first.wait_for(lambda event: event.kind == "log" and event.step == 3)
    first.send(signal.SIGTERM)
    assert first.wait(90).code == 143, first.log
    assert [event.n for event in first.events] == list(range(len(first.events)))  # one of them speaks
    stopped = first.journal.said["stopped"].step
    checkpoints = [path.name for path in (tmp_path / "out").glob("checkpoint-*")]
    assert checkpoints == [f"checkpoint-{stopped}"]  # they agreed on the step
    assert len(list((tmp_path / "out" / checkpoints[0]).glob("rng_state_*.pth"))) == 2
    second = start_cold(plan.replace(max_steps=stopped + 2).script, tmp_path, HFFT_PROCESSES="2").wait()
    assert second.code == 0, second.log
    assert list(second.losses) == [stopped + 1, stopped + 2]
    assert (tmp_path / "out" / "adapter_model.safetensors").exists()
