"""The four panels joined, headless. Real data, real plans, real runs."""

from __future__ import annotations

import time

import pytest

import hfft_widgets as hfft
from hfft_widgets.errors import PlanError
from hfft_widgets.widgets.studio import EXPORT, PLAN, RUN
from tests.jobs.conftest import until
from tests.widgets.html import fill, page, press, wait


def step(tuner, name):
    return page(tuner).one(tag="section", data_key=name)


def test_steps_unlock_one_after_the_other(sample_folders):
    tuner = hfft.FineTuner()
    assert [tuner.unlocked(number) for number in range(4)] == [True, False, False, False]
    assert "Opens when the dataset is checked" in step(tuner, "Plan").text
    press(tuner, "Check dataset")
    assert step(tuner, "Data").one(class_="line").words == ""  # the card below says it
    press(tuner, "Make a plan")
    rows = len(hfft.samples.dataset("messages"))  # as many functions as this Python's library has
    assert f"{rows:,} rows, ready for SFT" in step(tuner, "Data").one(class_="line").words
    assert tuner.open == PLAN
    assert tuner.monitor.plan is tuner.planner.result
    assert page(tuner).primary == ["Train on this machine"]
    assert not tuner.unlocked(EXPORT)
    assert len(str(tuner.html())) < 60_000


def test_a_changed_dataset_locks_what_was_built_on_the_old_one(sample_folders):
    tuner = hfft.FineTuner()
    tuner.data.validate()
    tuner.planner.plan()
    fill(tuner, "Dataset", "sample:preference")
    tuner.data.validate()
    assert tuner.planner.result is None
    assert tuner.planner.report() == ""
    assert tuner.monitor.plan is None
    assert "locked" in step(tuner, "Run").classes
    assert page(tuner).primary == ["Make a plan"]


def test_what_is_learned_is_one_judgement_of_data_and_plan(sample_folders):
    tuner = hfft.FineTuner()
    tuner.data.validate()
    tuner.planner.plan()
    tuner.planner.change(assistant_only_loss=False)
    assert tuner.data.result.learned == "all"
    assert tuner.data.result is tuner.planner.data
    assert not tuner.planner.result.settings.answers_only
    assert all(piece.learned for piece in tuner.data.result.reading("SFT", 0).passages)
    tuner.planner.undo()
    assert tuner.data.result.learned == "answers"
    assert tuner.planner.result.settings.assistant_only_loss


def test_nothing_starts_while_something_typed_is_not_in_the_plan(sample_folders):
    """Typing and a click on a button of a moment ago come one after the other, and the click must not win."""
    tuner = hfft.FineTuner()
    tuner.data.validate()
    tuner.planner.plan()
    tuner.open_step(PLAN)
    press(tuner, "Read and edit the script")
    train = page(tuner).button("Train on this machine")["data-do"]
    fill(tuner, "The script that runs", tuner.planner.values["script"] + "# mine\n")
    tuner._act({"do": train, "value": None})
    wait(tuner)
    assert tuner.monitor.run is None
    assert "The edited script is not used yet" in str(tuner.monitor.error)
    tuner.open_step(RUN)
    assert page(tuner).primary == ["To plan"]
    press(tuner, "To plan")
    assert page(tuner).primary == ["Use the edited script"]
    press(tuner, "Use the edited script")
    fill(tuner, "Epochs", "-2")
    assert page(tuner).primary == ["Put the plan's values back"]
    press(tuner, "Put the plan's values back")
    assert page(tuner).field("Epochs").error == ""
    assert float(page(tuner).field("Epochs").value) == tuner.planner.result.settings.num_train_epochs
    assert page(tuner).primary == ["Train on this machine"]


def test_a_new_kernel_finds_the_run_that_is_live(sample_folders):
    report = hfft.validate("sample:messages", model="sample:model")
    run = hfft.launch(hfft.plan_training("sample:model", report, max_steps=500, questions=0))
    try:
        tuner = hfft.FineTuner()
        tuner.opened()
        assert tuner.monitor.run.id == run.id
        assert tuner.open == RUN
        assert page(tuner).one(tag="article")["aria-label"].startswith("Run: ")
        assert page(tuner).has_button("Cancel the run")
        press(tuner, "Cancel the run")
        assert tuner.monitor.run.stage == "CANCELED"
    finally:
        run.cancel()
    assert "Cancelled" in step(tuner, "Run").text
    assert tuner.exporter.source is None


def test_a_run_short_of_memory_offers_a_lighter_plan(sample_folders, tmp_path, monkeypatch):
    (tmp_path / "trl.py").write_text("raise MemoryError('CUDA out of memory. Tried to allocate 2.00 GiB')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    tuner = hfft.FineTuner()
    tuner.data.validate()
    press(tuner, "Make a plan")
    before = tuner.planner.result
    press(tuner, "Train on this machine")
    assert tuner.open == RUN
    assert "Out of memory" in tuner.monitor.run.wait(120).error
    deadline = time.monotonic() + 30
    while tuner.monitor.result is None and time.monotonic() < deadline:
        time.sleep(0.1)
    assert page(tuner).primary == ["Make the plan lighter"]
    press(tuner, "Make the plan lighter")
    after = tuner.planner.result
    assert after.estimate.memory_bytes.high < before.estimate.memory_bytes.high
    assert after.effective_batch_size == before.effective_batch_size
    assert tuner.open == PLAN
    assert page(tuner).primary == ["Train on this machine"]  # this plan has not run yet
    assert tuner.monitor.plan is after
    assert tuner.planner.undo() == before


@pytest.mark.ci
def test_a_run_that_was_cancelled_goes_on_by_a_click(sample_folders):
    tuner = hfft.FineTuner()
    tuner.data.validate()
    tuner.planner.plan()
    settings = {"max_steps": 12, "save_steps": 2, "questions": 0, "eval_rows": 8, "logging_steps": 1}
    tuner.planner.change(**settings)
    tuner.open_step(PLAN)
    press(tuner, "Train on this machine")
    until(lambda: (tuner.monitor.run.pace.step or 0) >= 3, 120)
    press(tuner, "Cancel the run")
    until(lambda: tuner.monitor.result is not None, 60)
    run = tuner.monitor.result
    assert run.stage == "CANCELED"
    assert page(tuner).primary == [f"Go on from step {run.checkpoint_step}"]
    assert page(tuner).has_button("Train anew")
    press(tuner, "Go on from step")
    until(lambda: tuner.monitor.result is not None, 120)
    assert tuner.monitor.result.id == run.id
    assert tuner.monitor.result.stage == "COMPLETED"
    assert [point.step for point in tuner.monitor.result.history["loss"]] == list(range(1, 13))


@pytest.mark.ci
def test_an_earlier_run_can_be_picked_and_exported(sample_folders):
    report = hfft.validate("sample:messages", model="sample:model")
    settings = {"max_steps": 4, "questions": 2, "eval_rows": 4, "logging_steps": 1}
    run = hfft.launch(hfft.plan_training("sample:model", report, **settings)).wait(200)
    assert run.stage == "COMPLETED", run.log
    tuner = hfft.FineTuner()
    tuner.opened()
    press(tuner, "Open Run")
    assert run.id in str(tuner.html())
    tuner.monitor.watch(run.id)
    assert tuner.monitor.curves.plots["Loss", "loss"].names[0] == "loss"
    assert [title for title, _ in tuner.monitor.curves.plots][:3] == ["Loss", "Accuracy", "Entropy"]  # SFT's own
    assert tuner.exporter.source.id == run.id
    assert tuner.unlocked(EXPORT)
    plan = tuner.exporter.make_plan()
    assert plan.file_name == "tiny-llama-SFT-Q4_K_M.gguf"


def test_what_a_notebook_asks_for_stands_in_the_plan(sample_folders):
    tuner = hfft.FineTuner(where="local", max_usd=2.5, namespace="acme")
    press(tuner, "Check dataset")
    press(tuner, "Make a plan")
    assert (tuner.planner.result.max_usd, tuner.planner.values["where"]) == (2.5, "local")
    assert tuner.monitor.namespace == tuner.exporter.namespace == "acme"


@pytest.mark.parametrize(
    ("asked", "words"),
    [({"where": "moon"}, "local, jobs"), ({"max_usd": 0}, "dollars"), ({"max_usd": float("nan")}, "dollars")],
)
def test_what_cannot_be_asked_for_is_said(asked, words):
    with pytest.raises(PlanError, match=words):
        hfft.FineTuner(**asked)
