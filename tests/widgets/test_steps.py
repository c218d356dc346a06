"""The panels, headless: methods are called, traits and cards looked at. Real data, real plans."""

from __future__ import annotations

import time

import pytest

import hfft_widgets as hfft
from hfft_widgets.errors import DataError, ExportError, HfftError, PlanError, RunError

ROWS = [{"good": f"yes {i}", "bad": f"no {i}", "question": f"why {i}?"} for i in range(60)]


def test_no_dataset_says_what_to_do():
    panel = hfft.DatasetValidator()
    with pytest.raises(DataError, match="Type a Hub id"):
        panel.validate()
    assert "Type a Hub id" in panel.status.value


def test_an_unknown_file_is_an_error_in_the_panel():
    panel = hfft.DatasetValidator("no such folder/naïve 'file'.jsonl")
    with pytest.raises(DataError):
        panel.validate()
    assert panel.error is not None
    assert panel.result is None


def test_a_dataset_in_the_notebook_is_checked_and_mapped_and_that_can_be_undone():
    panel = hfft.DatasetValidator(ROWS)
    report = panel.validate()
    assert report.verdicts["DPO"].status == "NEEDS MAPPING"
    assert any("DPO" in button.description for button in panel.offers.buttons)
    mapped = panel.apply_mapping("DPO")
    assert mapped.verdicts["DPO"].status == "READY"
    assert panel.result is mapped
    assert panel.undo() is report
    with pytest.raises(DataError, match="nothing to undo"):
        panel.undo()


def test_rows_that_hurt_are_dropped_by_a_click(tmp_path):
    rows = [
        {"messages": [{"role": "user", "content": f"q{i}"}, {"role": "assistant", "content": f"a{i}"}]}
        for i in range(30)
    ]
    rows[7]["messages"] = []
    panel = hfft.DatasetValidator(rows)
    report = panel.validate()
    assert report.verdicts["SFT"].status == "BLOCKED BY ROWS"
    index = next(i for i, finding in enumerate(report.findings) if finding.fix and "crash" in finding.effects.values())
    fixed = panel.apply_fix(index)
    assert fixed.verdicts["SFT"].status == "READY"
    assert len(fixed.rows_for("SFT")) == 29


def test_hostile_content_is_escaped_in_the_card():
    rows = [{"prompt": "<img src=x onerror=alert(1)>", "completion": "<script>alert(2)</script>"}] * 3
    panel = hfft.DatasetValidator(rows)
    panel.validate()
    assert "<img" not in panel.card.html
    assert "<script" not in panel.card.html


def test_typing_a_new_name_forgets_the_object_given():
    panel = hfft.DatasetValidator(ROWS)
    panel.dataset.value = "missing.csv"
    with pytest.raises(DataError):
        panel.validate()


@pytest.fixture
def planner(sample_folders):
    report = hfft.validate("sample:messages", model="sample:model")
    return hfft.TrainingPlanner(report, model="sample:model")


def test_a_plan_needs_a_report():
    with pytest.raises(PlanError, match="Check a dataset first"):
        hfft.TrainingPlanner(model="sample:model").plan()


def test_settings_change_the_plan_and_the_estimate_at_once(planner):
    plan = planner.plan()
    planner._editors["num_train_epochs"].value = plan.settings.num_train_epochs * 2
    assert planner.result.estimate.steps > plan.estimate.steps
    planner._editors["batch_size"].value = 0
    assert planner.result.settings.batch_size == plan.settings.batch_size
    assert isinstance(planner.error, PlanError)
    assert planner._editors["batch_size"].value == plan.settings.batch_size


def test_a_goal_the_data_does_not_serve_is_refused_with_the_reason(planner):
    planner.wishes.goal.value = "preferences"
    with pytest.raises(PlanError, match="not ready for DPO"):
        planner.plan()


def test_a_monitor_without_anything_says_so():
    panel = hfft.TrainingMonitor()
    panel._ipython_display_()
    assert "No run is known here yet" in panel.status.value
    with pytest.raises(RunError, match="Make a plan first"):
        panel.launch()
    with pytest.raises(RunError, match="no run to cancel"):
        panel.cancel()
    with pytest.raises(HfftError):
        panel.watch("local:20200101-000000-00000000")


def test_an_exporter_without_a_model_says_so(tmp_path):
    with pytest.raises(ExportError, match="Train one first"):
        hfft.GGUFExporter().export()
    panel = hfft.GGUFExporter(str(tmp_path / "nothing here"))
    with pytest.raises(HfftError):
        panel.export()
    assert panel.error is not None


def test_steps_unlock_one_after_the_other(sample_folders):
    tuner = hfft.FineTuner()
    assert [panel.top.layout.display for panel in tuner.panels] == ["", "none", "none", "none"]
    assert "after step 1" in tuner.heads[1].value
    tuner.data.validate()
    assert tuner.planner.top.layout.display == ""
    tuner.planner.plan()
    assert tuner.monitor.plan is tuner.planner.result
    assert tuner.monitor.start_button.layout.display == ""
    assert tuner.exporter.top.layout.display == "none"


def test_a_changed_dataset_locks_what_was_built_on_the_old_one(sample_folders):
    tuner = hfft.FineTuner()
    tuner.data.validate()
    tuner.planner.plan()
    tuner.data.dataset.value = "sample:preference"
    tuner.data.validate()
    assert tuner.planner.result is None
    assert tuner.planner.card.html == ""
    assert tuner.monitor.plan is None


def test_a_new_kernel_finds_the_run_that_is_live(sample_folders):
    report = hfft.validate("sample:messages", model="sample:model")
    run = hfft.launch(hfft.plan_training("sample:model", report, max_steps=500, questions=0))
    try:
        tuner = hfft.FineTuner()
        tuner.opened()
        assert tuner.monitor.run.id == run.id
        assert tuner.monitor.top.layout.display == ""
        assert "Running" in tuner.monitor.card.html
        assert tuner.monitor.cancel().stage == "CANCELED"
    finally:
        run.cancel()
    assert "Cancelled" in tuner.monitor.card.html
    assert tuner.exporter.source is None


def test_a_run_short_of_memory_offers_a_lighter_plan(sample_folders, tmp_path, monkeypatch):
    (tmp_path / "trl.py").write_text("raise MemoryError('CUDA out of memory. Tried to allocate 2.00 GiB')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    tuner = hfft.FineTuner()
    tuner.data.validate()
    tuner.planner.plan()
    assert tuner.lighter_button.layout.display == "none"
    run = tuner.monitor.launch().wait(120)
    assert "Out of memory" in run.error
    deadline = time.monotonic() + 30
    while tuner.monitor.result is None and time.monotonic() < deadline:
        time.sleep(0.1)
    assert tuner.lighter_button.layout.display == ""
    before = tuner.planner.result
    after = tuner.lighten()
    assert after.estimate.memory_bytes.high < before.estimate.memory_bytes.high
    assert after.effective_batch_size == before.effective_batch_size
    assert tuner.lighter_button.layout.display == "none"  # this plan has not run yet
    assert tuner.monitor.plan is after
    assert tuner.planner.undo() == before


def test_an_earlier_run_can_be_picked_and_exported(sample_folders):
    report = hfft.validate("sample:messages", model="sample:model")
    settings = {"max_steps": 4, "questions": 2, "eval_rows": 4, "logging_steps": 1}
    run = hfft.launch(hfft.plan_training("sample:model", report, **settings)).wait(200)
    assert run.stage == "COMPLETED", run.log
    tuner = hfft.FineTuner()
    tuner.opened()
    assert run.id in [value for _, value in tuner.monitor.earlier.options]
    tuner.monitor.watch(run.id)
    assert tuner.monitor.losses.names[0] == "loss"
    assert tuner.exporter.source.id == run.id
    assert tuner.exporter.top.layout.display == ""
    plan = tuner.exporter.make_plan()
    assert plan.file_name == "tiny-llama-SFT-Q4_K_M.gguf"
