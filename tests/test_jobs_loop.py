"""The loop on Hugging Face Jobs, against the stand-in Hub: each part in a process of its own, as kernels are."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

import hfft_widgets as hfft
from hfft_widgets import errors, samples
from tests.hub_client.conftest import holding
from tests.standin_hub import WRITE_TOKEN, StandInHub, demo

ROOT = Path(__file__).parents[1]
NOTEBOOK = ROOT / "notebooks" / "5_hf_jobs.ipynb"
MARK = "SAID "

PRELUDE = """
import json, sys
import hfft_widgets as hfft
from hfft_widgets import api, errors

def say(**values):
    print("SAID " + json.dumps(values), flush=True)

def make_plan(**changes):
    report = hfft.validate("user/python-docs-messages", model="user/tiny-llama", split="train")
    short = {"max_steps": 6, "logging_steps": 1, "eval_steps": 3, "eval_rows": 8, "questions": 2, "batch_size": 4}
    wanted = {"method": "SFT", "peft": "lora", "flavor": "cpu-basic", "push_to": "user/tiny-tuned"}
    return hfft.plan_training("user/tiny-llama", report, **{**short, **wanted, **changes})
"""
TRAIN = """
plan = make_plan()
try:
    hfft.launch(plan)
except errors.LaunchError as error:
    price = str(error)
limit, checks = api.preflight(plan)
run = hfft.launch(plan, max_usd=limit.usd, confirmed=limit.fingerprint)
try:
    hfft.launch(plan, max_usd=limit.usd)
except errors.LaunchError as error:
    again = str(error)
say(id=run.id, price=price, again=again, limit=str(limit), checks=[[c.name, c.passed, c.message] for c in checks])
"""
FOLLOW = """
run = hfft.attach({run_id!r}).wait(200)
say(stage=run.stage, steps=[p.step for p in run.history["loss"]], log=run.log[-2000:], error=run.error,
     method=run.plan["method"], usd=run.cost_usd, pushed=[f.path for f in run.pushed.files], repr=repr(run),
     known=[r.id for r in hfft.runs()])
"""
RESUME = """
import time
import zlib
plan = make_plan(max_steps=40, save_steps=10)
first = hfft.launch(plan, max_usd=1)
while not (first.stage.final or (first.pushed and first.pushed.checkpoint)):
    time.sleep(0.2)
first.cancel()
reached = [p.step for p in first.history["loss"]]
kept = [f.path for f in first.pushed.files]
again = hfft.launch(plan, max_usd=1).wait(250)
say(first=first.stage, reached=reached, kept=kept, stage=again.stage, log=again.log[-3000:],
     steps=[p.step for p in again.history["loss"]], same=first.fingerprint == again.fingerprint,
     other=first.id != again.id)
"""
EXPORT = """
source = hfft.attach({run_id!r})
plan = hfft.plan_export(source, flavor="cpu-basic", push_to="user/tiny-tuned-GGUF")
run = hfft.launch(plan, max_usd=1)
run.wait(300)
say(stage=run.stage, log=run.log[-3000:], error=run.error, verified=dict(run.journal.data("verified")), id=run.id)
"""
PULL = """
from pathlib import Path
from huggingface_hub import hf_hub_download
file = hf_hub_download("user/tiny-tuned-GGUF", {name!r})
from cyllama.llama import llama_cpp
from hfft_widgets.scripts.gguf.loading import Loaded
from transformers import AutoTokenizer
prompt = [{{"role": "user", "content": {prompt!r}}}]
chat = AutoTokenizer.from_pretrained("user/tiny-llama").apply_chat_template(
    prompt, tokenize=False, add_generation_prompt=True)
answer, stopped = Loaded(llama_cpp, Path(file)).answer(chat, 96)
say(bytes=Path(file).stat().st_size, answer=answer)
"""


@pytest.fixture
def hub(tmp_path: Path, sample_folders: Path) -> Iterator[StandInHub]:
    with StandInHub(tmp_path) as running:
        running.jobs.schedule_seconds = 0.05
        running.add_model(samples.model(), "user/tiny-llama")
        demo._dataset(running, "messages")
        yield running
        assert not running.errors, running.errors
    assert holding(tmp_path, (WRITE_TOKEN,)) == []


def settings(hub: StandInHub, machine: str) -> dict[str, str]:
    """A machine of its own: nothing is known there but the account."""
    home = hub.root.parent / machine
    return {**hub.environment(home=home / "hf"), "HFFT_HOME": str(home / "hfft"), "PYTHONPATH": str(ROOT),
            "HF_HUB_DISABLE_PROGRESS_BARS": "1"}  # fmt: skip


def ask(hub: StandInHub, code: str, machine: str = "here", seconds: float = 280) -> dict:
    done = subprocess.run(
        [sys.executable, "-c", PRELUDE + code],
        env=settings(hub, machine), cwd=hub.root.parent, capture_output=True, text=True, timeout=seconds, check=False,
    )  # fmt: skip
    lines = [line for line in done.stdout.splitlines() if line.startswith(MARK)]
    assert lines, done.stdout + done.stderr
    assert WRITE_TOKEN not in done.stdout + done.stderr
    return json.loads(lines[-1].removeprefix(MARK))


@pytest.mark.ci
def test_launched_here_found_again_there(hub: StandInHub) -> None:
    launched = ask(hub, TRAIN)
    assert re.search(r"costs money: at most .* \(cpu-basic, \$\d", launched["price"]), launched["price"]
    assert "already running" in launched["again"]
    assert [name for name, passed, _ in launched["checks"] if passed is False] == []
    assert "signed in as user, can write, can run jobs" in str(launched["checks"]).lower()
    assert len(hub.jobs) == 1
    seen = ask(hub, FOLLOW.format(run_id=launched["id"]), machine="another")
    assert seen["stage"] == "COMPLETED", seen["log"]
    assert seen["steps"] == list(range(1, 7))
    assert seen["method"] == "SFT"
    assert seen["usd"] > 0
    assert "adapter_model.safetensors" in seen["pushed"]
    assert seen["known"] == [launched["id"]]
    assert hub.repo("models", "user/tiny-tuned").private
    assert WRITE_TOKEN not in str(hub.read("models", "user/tiny-tuned", "README.md"))


@pytest.mark.full
@pytest.mark.timeout(400)
def test_a_run_that_was_cancelled_goes_on_from_its_checkpoint_on_the_hub(hub: StandInHub) -> None:
    seen = ask(hub, RESUME, seconds=380)
    assert seen["first"] == "CANCELED"
    assert "last-checkpoint/trainer_state.json" in seen["kept"]  # what was pushed before the end is shown
    assert seen["stage"] == "COMPLETED", seen["log"]
    assert (seen["same"], seen["other"]) == (True, True)
    assert seen["steps"][0] > 1, seen
    assert seen["steps"][-1] == 40
    assert len(hub.jobs) == 2


@pytest.mark.full
def test_trained_and_exported_by_jobs_pulled_and_answered(hub: StandInHub) -> None:
    run_id = ask(hub, TRAIN)["id"]
    assert ask(hub, FOLLOW.format(run_id=run_id))["stage"] == "COMPLETED"
    made = ask(hub, EXPORT.format(run_id=run_id))
    assert made["stage"] == "COMPLETED", made["log"]
    assert made["verified"]["verified"] is True
    assert made["verified"]["repo"] == "user/tiny-tuned-GGUF"
    # what `llama-server -hf user/tiny-tuned-GGUF:Q4_K_M` looks for (llama.cpp, common/download.cpp)
    files = hub.repo("models", "user/tiny-tuned-GGUF").at().files
    assert [file for file in files if re.search(r"q4_k_m[.-]", file, re.IGNORECASE) and file.endswith(".gguf")] == [
        Path(made["verified"]["file"]).name
    ]
    name = Path(made["verified"]["file"]).name
    pulled = ask(hub, PULL.format(name=name, prompt=made["verified"]["prompt"]), machine="laptop")
    assert pulled["bytes"] == made["verified"]["bytes"]
    assert pulled["answer"] == made["verified"]["answer"]
    assert "base_model" in hub.read("models", "user/tiny-tuned-GGUF", "README.md").decode()
    assert len(hub.jobs) == 2


@pytest.mark.full
@pytest.mark.timeout(600)
def test_the_lesson_rents_a_machine_by_one_switch(hub: StandInHub, monkeypatch: pytest.MonkeyPatch) -> None:
    """A class sees the recording; with one word changed the same cells start a job, with a token that is typed."""
    for name, value in {**settings(hub, "here"), "HF_HUB_OFFLINE": "0", "HF_TOKEN": ""}.items():
        monkeypatch.setenv(name, value)
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    for cell in notebook.cells:
        cell.source = cell.source.replace('WHERE = "recording"', 'WHERE = "stand-in"')
        cell.source = cell.source.replace("hfft.sign_in()", f'hfft.sign_in("{WRITE_TOKEN}")')  # what a person types
    NotebookClient(notebook, timeout=400, resources={"metadata": {"path": str(hub.root.parent)}}).execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    printed = "".join(output.get("text", "") for output in outputs if output.output_type == "stream")
    assert "signed in as user, can write, can run jobs" in printed
    assert printed.count("COMPLETED") == 2, printed
    assert printed.count("at most $0.01") >= 2, printed  # looked at, and refused below it
    assert len(hub.jobs) == 1
    assert WRITE_TOKEN not in json.dumps(outputs)
    assert not [name for name in hub.state.store.repos if "for-jobs" in str(name)]


@pytest.mark.full
def test_the_smoke_script_works_against_the_stand_in() -> None:
    words = [sys.executable, "-m", "tests.standin_hub.smoke", "--stand-in"]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=200, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("ok ") == 6


UPLOAD = """
import json
from pathlib import Path
rows = [{"prompt": f"{n} + 1 =", "completion": f" {n + 1}"} for n in range(60)]
Path("sums.jsonl").write_text(chr(10).join(map(json.dumps, rows)))
report = hfft.validate("sums.jsonl", model="user/tiny-llama")
wanted = {"flavor": "cpu-basic", "push_to": "user/tiny-tuned", "peft": "lora", "max_steps": 2, "eval_rows": 8}
try:
    hfft.launch(hfft.plan_training("user/tiny-llama", report, **wanted), max_usd=1)
except errors.LaunchError as error:
    refused = str(error)
report = hfft.upload(report)
plan = hfft.plan_training("user/tiny-llama", report, **wanted)
run = hfft.launch(plan, max_usd=1)
try:
    hfft.delete_upload("user/sums-for-jobs")
except errors.RunError as error:
    read = str(error)
run.wait(250)
hfft.delete_upload("user/sums-for-jobs")
say(refused=refused, read=read, stage=run.stage, log=run.log[-3000:], script=run.script)
"""


@pytest.mark.ci
def test_a_file_of_this_machine_is_uploaded_trained_on_and_deleted(hub: StandInHub) -> None:
    seen = ask(hub, UPLOAD)
    assert "sums.jsonl is only on this machine" in seen["refused"]
    assert "is read by jobs:user/" in seen["read"]
    assert seen["stage"] == "COMPLETED", seen["log"]
    assert "'path': 'user/sums-for-jobs'" in seen["script"]
    card = hub.read("models", "user/tiny-tuned", "README.md").decode()
    assert "sums-for-jobs" in card
    deleted = [entry for entry in hub.journal if entry.method == "DELETE" and "repos" in entry.path]
    assert len(deleted) == 1


# ---- what is refused before anything is asked or paid --------------------------------------------


@pytest.fixture
def local_plan(sample_folders: Path) -> hfft.TrainingPlan:
    report = hfft.validate("sample:messages", model="sample:model")
    return hfft.plan_training("sample:model", report, flavor="t4-small", push_to="user/tuned")


def test_what_is_only_on_this_machine_is_refused_with_a_remedy(local_plan: hfft.TrainingPlan) -> None:
    with pytest.raises(errors.LaunchError, match=r"model .* is only on this machine.*Upload it"):
        hfft.launch(local_plan, max_usd=5)
    at_hub = local_plan.with_values(model="user/tiny-llama")
    with pytest.raises(errors.LaunchError, match=r"dataset .* is only on this machine.*hfft.upload"):
        hfft.launch(at_hub, max_usd=5)
    with pytest.raises(errors.LaunchError, match=r"for local \(this machine\), but on='jobs' is Hugging Face Jobs"):
        hfft.launch(local_plan.replace(flavor="local"), on="jobs", max_usd=5)
    with pytest.raises(errors.LaunchError, match="for local, this machine, where nothing is paid"):
        hfft.preflight(local_plan.replace(flavor="local"))


def test_a_result_that_would_be_lost_is_refused(local_plan: hfft.TrainingPlan) -> None:
    import dataclasses

    data = dataclasses.replace(local_plan.data, reference={"path": "user/talk", "name": None, "split": "train"})
    plan = local_plan.with_values(model="user/tiny-llama", data=data, push_to=None)
    with pytest.raises(errors.LaunchError, match="where the result goes"):
        hfft.launch(plan, max_usd=5)


def test_a_host_that_does_not_exist(local_plan: hfft.TrainingPlan) -> None:
    with pytest.raises(errors.LaunchError, match="no host called 'moon'"):
        hfft.launch(local_plan, on="moon")


def test_an_export_plan_for_a_job_pushes_and_has_a_time_limit(sample_folders: Path) -> None:
    plan = hfft.plan_export("sample:model", flavor="cpu-basic", push_to="user/tiny-GGUF")
    compile(plan.script, "script.py", "exec", dont_inherit=True)
    assert 'PUSH_TO = "user/tiny-GGUF"' in plan.script
    assert "push_to=PUSH_TO)" in plan.script
    assert len(zlib.compress(plan.script.encode())) < 90_000  # it travels inside the job
    assert plan.timeout_seconds >= 900
    assert plan.fingerprint != plan.replace(push_to="user/other-GGUF").fingerprint
    here = hfft.plan_export("sample:model")
    assert "PUSH_TO" not in here.script.partition("# ---- Runtime")[0]
    assert here.timeout_seconds is None
    old = {name: value for name, value in here.to_dict().items() if name not in ("flavor", "push_to")}
    assert hfft.ExportPlan.from_dict(old) == here
