"""A sweep runs for real on this machine: one after the other, each once, the best one found, and taken up again."""

from __future__ import annotations

import pytest

import hfft_widgets as hfft
from hfft_widgets import cards


@pytest.mark.full
def test_a_sweep_finds_the_best_rate_and_is_taken_up_again(sample_folders):
    report = hfft.validate("sample:messages", model="sample:model")
    plan = hfft.plan_training(
        "sample:model", report, method="SFT", max_steps=24, eval_steps=4, logging_steps=4, save_steps=24, rows=120,
        eval_rows=20, questions=0, batch_size=4, accumulation=1, flavor="local",
    )  # fmt: skip
    sweep = plan.sweep("learning_rate", [2e-3, 1e-7])
    done = hfft.launch(sweep).wait(timeout=240)
    assert done.complete
    assert done.error is None
    table = done.table()
    assert list(table["learning_rate"]) == ["0.002", "1e-07"]
    assert table["stage"][0] == "COMPLETED"
    assert done.best.plan["settings"]["learning_rate"] == 2e-3
    assert table["eval_loss"][0] < table["eval_loss"][1]
    again = hfft.launch(sweep).wait(timeout=30)
    assert [run.id for run in again.runs] == [run.id for run in done.runs]
    values = done.to_dict()
    assert values["best"] == "0.002"
    assert all(len(row["curve"]) > 1 for row in values["rows"])
    shown = cards.show(values)
    assert "Best: learning_rate 0.002" in str(shown)
    assert "<svg" in shown.to_html()
    assert len(done.figure().data) == 2
