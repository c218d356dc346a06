"""The loop in Python, for real: data, plan, run, export; and what becomes of it when a kernel is killed."""

from __future__ import annotations

import json
import os
import shutil
import time
from pathlib import Path

import pytest

import hfft_widgets as hfft
from hfft_widgets import errors

SHORT = {
    "max_steps": 8,
    "logging_steps": 1,
    "eval_steps": 4,
    "save_steps": 4,
    "eval_rows": 8,
    "questions": 4,
    "batch_size": 4,
}


@pytest.fixture
def report(sample_folders):
    return hfft.validate("sample:messages", model="sample:model")


def plan_of(report, **changes):
    return hfft.plan_training("sample:model", report, **{**SHORT, **changes})


@pytest.mark.parametrize(
    "peft", [pytest.param("lora", marks=pytest.mark.ci), pytest.param("none", marks=pytest.mark.full)]
)
def test_from_data_to_a_verified_file(report, peft):
    plan = plan_of(report, peft=peft)
    run = hfft.launch(plan).wait(400)
    assert run.stage == "COMPLETED", run.log
    assert run.error is None
    assert [point.step for point in run.history["loss"]] == list(range(1, 9))
    assert run.plan["method"] == "SFT"
    assert run.cost_usd == 0

    export = hfft.plan_export(run, quantization="Q8_0")  # what eight steps teach need not survive four bits
    assert export.adapter == (peft == "lora")
    made = hfft.launch(export).wait(400)
    assert made.stage == "COMPLETED", made.log
    verified = made.journal.data("verified")
    assert verified["verified"] is True
    assert verified["questions"]["count"] == verified["sixteen_bit"]["count"] == 4  # asked again, of both files
    assert verified["sixteen_bit"]["alike"] >= 3
    assert verified["numbers"]["positions"] >= 120
    assert Path(verified["file"]).stat().st_size == verified["bytes"]
    assert hfft.attach(made.id).kind == "export"
    assert [run_.id for run_ in hfft.runs()][:2] == [made.id, run.id]


@pytest.mark.ci
def test_another_base_of_the_same_shape_is_seen_by_the_answers(report, tmp_path):
    """Every file of it is sound, it merges without an error, and it is another model."""
    from safetensors.torch import load_file, save_file

    run = hfft.launch(plan_of(report, peft="lora")).wait(400)
    assert run.stage == "COMPLETED", run.log
    other = shutil.copytree(hfft.samples.model(), tmp_path / "other")
    weights = load_file(other / "model.safetensors")
    save_file({name: weight.flip(0) for name, weight in weights.items()}, other / "model.safetensors", {"format": "pt"})
    made = hfft.launch(hfft.plan_export(run, base=other)).wait(400)
    assert made.stage == "ERROR"
    assert "does not answer as the trained model did" in made.error
    assert "base" in made.error


def test_two_clicks_start_one_run(report):
    plan = plan_of(report, max_steps=200)
    run = hfft.launch(plan)
    try:
        with pytest.raises(errors.LaunchError, match=run.id):
            hfft.launch(plan)
    finally:
        assert run.cancel().stage == "CANCELED"


def test_an_export_needs_a_finished_run(report):
    run = hfft.launch(plan_of(report, max_steps=200))
    try:
        with pytest.raises(errors.ExportError, match="no finished model"):
            hfft.plan_export(run)
    finally:
        run.cancel()


@pytest.mark.ci
def test_a_crash_in_the_script_is_said_in_words(report):
    plan = plan_of(report)
    broken = plan.with_script(plan.script.replace("set_seed(SEED)", "raise MemoryError('no room')"))
    run = hfft.launch(broken).wait(120)
    assert run.stage == "ERROR"
    assert "memory" in run.error.lower()


def test_what_is_missing_names_the_extra(report, monkeypatch):
    import importlib.util

    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *a: None if name == "trl" else find(name, *a))
    with pytest.raises(errors.MissingExtraError, match=r'pip install "hfft-widgets\[train\]"'):
        hfft.launch(plan_of(report))


def test_a_model_that_is_none_says_so(report, tmp_path):
    for model in (tmp_path, str(tmp_path / "missing"), "./nowhere"):
        with pytest.raises(errors.ModelError):
            hfft.plan_training(model, report)


def test_an_unknown_sample_lists_those_there_are():
    with pytest.raises(errors.DataError, match="messages"):
        hfft.validate("sample:poems")


def test_grpo_without_answers_to_check_against_is_refused_before_it_runs(sample_folders):
    report = hfft.validate([{"prompt": f"Say {i}", "topic": "numbers"} for i in range(60)], model="sample:model")
    assert report.verdicts["GRPO"].status == "READY"
    with pytest.raises(errors.PlanError, match="neither 'answer' nor 'tests'"):
        hfft.plan_training("sample:model", report, method="GRPO")


def test_a_plan_for_another_model_validates_again(sample_folders, tmp_path):
    report = hfft.validate("sample:messages", model="sample:model")
    other = shutil.copytree(hfft.samples.model(), tmp_path / "no template")
    settings = json.loads((other / "tokenizer_config.json").read_text("utf-8"))
    settings.pop("chat_template", None)
    (other / "tokenizer_config.json").write_text(json.dumps(settings), "utf-8")
    (other / "chat_template.jinja").unlink(missing_ok=True)
    assert "give_chat_template(tokenizer)" in hfft.plan_training(other, report).script


@pytest.mark.ci
def test_a_file_with_an_awkward_name_goes_all_the_way_into_the_script(sample_folders, tmp_path):
    folder = tmp_path / "it's \u00fcber 'quoted'"
    folder.mkdir()
    rows = [{"prompt": f"Say {i}", "completion": f" {i}"} for i in range(60)]
    file = folder / "rows one.jsonl"
    file.write_text("\n".join(json.dumps(row) for row in rows), "utf-8")
    plan = plan_of(hfft.validate(str(file), model="sample:model"), max_steps=2)
    run = hfft.launch(plan).wait(200)
    assert run.stage == "COMPLETED", run.log


@pytest.mark.ci
def test_mapping_and_fixes_go_into_the_script(sample_folders):
    rows = [{"question": f"Say {i % 50}", "answer": f"It is {i % 50}."} for i in range(100)]
    report = hfft.validate(rows, model="sample:model")
    verdict = report.verdicts["SFT"]
    assert verdict.status == "NEEDS MAPPING"
    with pytest.raises(errors.PlanError, match="with_mapping"):
        plan_of(report, method="SFT")
    mapped = report.with_mapping("SFT", verdict.mapping)
    fixed = mapped.with_fixes(*[finding.fix for finding in mapped.findings if finding.fix])
    plan = plan_of(fixed, method="SFT", max_steps=2)
    assert plan.data.rows == len(fixed.rows_for("SFT"))
    run = hfft.launch(plan).wait(200)
    assert run.stage == "COMPLETED", run.log


# ---- killed kernels ---------------------------------------------------------------------------------

LAUNCH = """
import json
import hfft_widgets as hfft
report = hfft.validate("sample:messages", model="sample:model")
plan = hfft.plan_training("sample:model", report, **json.loads({settings!r}))
run = hfft.launch(plan)
print("RUN", run.id, flush=True)
"""
ATTACH = """
import json
import hfft_widgets as hfft
run = hfft.attach({run_id!r}).wait(300)
card = hfft.TrainingMonitor(run.id).html()
steps = [point.step for point in run.history["loss"]]
print("SEEN", json.dumps({{"stage": run.stage, "steps": steps, "card": card}}), flush=True)
"""


def in_kernel(code: str, word: str) -> tuple[str, object]:
    """Run code in a fresh Jupyter kernel; returns what it printed after a word, and the kernel's manager."""
    from jupyter_client.manager import start_new_kernel

    manager, client = start_new_kernel(env=dict(os.environ))
    said: list[str] = []
    reply = client.execute_interactive(
        code, timeout=400, output_hook=lambda message: said.append(str(message["content"].get("text", "")))
    )
    assert reply["content"]["status"] == "ok", reply["content"]
    return "".join(said).partition(word + " ")[2].strip(), manager


@pytest.mark.ci
def test_a_killed_kernel_loses_nothing(sample_folders):
    settings = json.dumps({**SHORT, "max_steps": 40})
    run_id, kernel = in_kernel(LAUNCH.format(settings=settings), "RUN")
    run = hfft.attach(run_id)
    end = time.monotonic() + 200
    while len(run.history.get("loss", ())) < 3 and time.monotonic() < end:
        time.sleep(0.2)
    assert run.stage == "RUNNING"
    kernel.shutdown_kernel(now=True)  # SIGKILL

    seen, second = in_kernel(ATTACH.format(run_id=run_id), "SEEN")
    second.shutdown_kernel(now=True)
    told = json.loads(seen)
    assert told["stage"] == "COMPLETED"
    assert told["steps"] == list(range(1, 41))
    assert "Completed" in told["card"]


@pytest.mark.full
def test_a_cancelled_training_goes_on_and_learns_the_same(report):
    """Cancelled twice and resumed, the run ends with the weights of the undisturbed one."""
    plan = plan_of(report, max_steps=24)
    undisturbed = hfft.launch(plan).wait(400)
    assert undisturbed.stage == "COMPLETED", undisturbed.log
    run = hfft.launch(plan)
    for step in (5, 13):
        while (run.pace.step or 0) < step and not run.stage.final:
            time.sleep(0.02)
        assert run.cancel(60).stage == "CANCELED", run.log
        assert run.checkpoint_step >= step
        run.resume()
    assert run.wait(400).stage == "COMPLETED", run.log
    assert [point.step for point in run.history["loss"]] == list(range(1, 25))
    weights = [next(each.output.glob("*.safetensors")).read_bytes() for each in (undisturbed, run)]
    assert weights[0] == weights[1]
    assert len(run.journal.resumes) == 2
    assert run.best.metric == "eval_loss"
    assert run.checkpoint_bytes > 0
    run.free_checkpoints()
    assert run.checkpoint_bytes == 0
    assert run.output is not None
