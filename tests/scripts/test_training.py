"""Training scripts, run for real on the sample model: they teach, tell, stop, resume exactly and never overrun."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import hfft_widgets as hfft
from hfft_widgets.core.run.events import Event, parse
from hfft_widgets.core.run.journal import Journal

SHORT = {
    "max_steps": 6,
    "logging_steps": 1,
    "eval_steps": 3,
    "save_steps": 3,
    "eval_rows": 8,
    "questions": 4,
    "batch_size": 2,
}


def plan_for(kind: str, method: str, **changes):
    report = hfft.validate(f"sample:{kind}", model="sample:model")
    plan = hfft.plan_training("sample:model", report, method=method)
    return plan.replace(**{**SHORT, **changes})


def start(script: str, folder: Path, **env: str) -> subprocess.Popen[bytes]:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "script.py").write_text(script, "utf-8")
    full = {**os.environ, "HFFT_OUTPUT_DIR": str(folder / "out"), "HF_HUB_OFFLINE": "1", **env}
    command = [sys.executable, "-u", "script.py"]
    return subprocess.Popen(command, cwd=folder, env=full, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def finish(process: subprocess.Popen[bytes]) -> tuple[int, Journal, list[Event]]:
    output, _ = process.communicate(timeout=400)
    journal = Journal()
    journal.feed(output)
    events = [event for line in output.decode().splitlines() if (event := parse(line))]
    return process.returncode, journal, events


def losses(events: list[Event]) -> dict[int, tuple[float | None, float | None]]:
    return {e.step: (e.metrics["loss"], e.metrics["grad_norm"]) for e in events if e.kind == "log" and e.step}


def test_a_script_runs_by_itself_in_a_folder_with_an_awkward_name(sample_folders, tmp_path):
    folder = tmp_path / "a b'c \u00fc\u4e2d"
    code, journal, events = finish(start(plan_for("messages", "SFT").script, folder))
    assert code == 0, journal.log
    assert [event.n for event in events] == list(range(len(events)))
    assert [p.step for p in journal.history["loss"]] == [1, 2, 3, 4, 5, 6]
    assert [p.step for p in journal.history["eval_loss"]] == [0, 3, 6]
    assert events[-1].kind == "end"
    assert (Path(events[-1].data["output_dir"]) / "model.safetensors").exists()
    answers = journal.data("answers")
    assert answers["count"] == 4
    assert set(answers["rows"][0]) == {"prompt", "expected", "before", "after"}

    # run again: it is done, and does not train one step more
    again, _, events = finish(start(plan_for("messages", "SFT").script, folder))
    assert again == 0
    assert not [event for event in events if event.kind == "log"]
    assert events[-1].step == 6


@pytest.mark.parametrize(
    ("kind", "method", "peft"),
    [
        ("messages", "SFT", "lora"),
        pytest.param("prompt_completion", "SFT", "none", marks=pytest.mark.full),
        ("preference", "DPO", "lora"),
        pytest.param("preference", "DPO", "none", marks=pytest.mark.full),
        ("verifiable", "GRPO", "none"),
        pytest.param("verifiable", "GRPO", "lora", marks=pytest.mark.full),
    ],
)
def test_every_method_trains(sample_folders, tmp_path, kind, method, peft):
    changes = (
        {"num_generations": 2, "max_completion_length": 4, "max_steps": 3} if method == "GRPO" else {"max_steps": 3}
    )
    code, journal, events = finish(start(plan_for(kind, method, peft=peft, **changes).script, tmp_path))
    assert code == 0, journal.log
    assert events[-1].kind == "end"
    assert len(journal.history["loss"]) == 3
    saved = "adapter_model.safetensors" if peft == "lora" else "model.safetensors"
    assert (tmp_path / "out" / saved).exists()


@pytest.mark.full
@pytest.mark.parametrize(("kind", "method"), [("messages", "SFT"), ("preference", "DPO")])
def test_killed_and_run_again_it_goes_on_exactly(sample_folders, tmp_path, kind, method):
    plan = plan_for(kind, method, max_steps=12)
    _, _, unbroken = finish(start(plan.script, tmp_path / "whole"))
    process = start(plan.script, tmp_path / "broken")
    for line in process.stdout:
        event = parse(line.decode())
        if event and event.kind == "log" and event.step == 8:
            process.kill()
            break
    process.communicate(timeout=60)
    code, _, resumed = finish(start(plan.script, tmp_path / "broken"))
    assert code == 0
    tail = losses(resumed)
    assert min(tail) == 7
    assert max(tail) == 12
    assert all(losses(unbroken)[step] == pytest.approx(values) for step, values in tail.items())


@pytest.mark.skipif(os.name == "nt", reason="SIGTERM ends a Windows process at once")
def test_asked_to_stop_it_saves_and_the_next_run_goes_on(sample_folders, tmp_path):
    plan = plan_for("messages", "SFT", max_steps=30, save_steps=30, eval_steps=30, questions=0)
    process = start(plan.script, tmp_path)
    told = b""
    for line in process.stdout:
        told += line
        event = parse(line.decode())
        if event and event.kind == "log" and event.step == 3:
            process.send_signal(signal.SIGTERM)
            break
    rest, _ = process.communicate(timeout=120)
    journal = Journal()
    journal.feed(told + rest)
    assert process.returncode == 143
    stopped = journal.said["stopped"]
    assert stopped.step is not None
    state = json.loads((tmp_path / "out" / f"checkpoint-{stopped.step}" / "trainer_state.json").read_text())
    assert state["global_step"] == stopped.step
    code, _, events = finish(start(plan.script, tmp_path))
    assert code == 0
    assert min(losses(events)) == stopped.step + 1


def test_a_script_without_its_gpu_says_so_and_costs_no_more(sample_folders, tmp_path):
    import torch

    if torch.cuda.is_available():
        pytest.skip("this machine has a GPU")
    code, journal, _ = finish(start(plan_for("messages", "SFT").script, tmp_path, HFFT_NEEDS_GPU="1"))
    assert code == 1
    assert "given a GPU" in journal.log


def test_an_error_is_told_with_its_kind(sample_folders, tmp_path):
    script = plan_for("messages", "SFT").script.replace('"split": "train"', '"split": "no such split"')
    code, journal, _ = finish(start(script, tmp_path))
    assert code == 1
    assert journal.data("error")["type"] == "ValueError"
    assert "no such split" in journal.data("error")["message"]
