"""The short form trains with TRL alone; where this package is installed, its run is one of ours."""

from __future__ import annotations

from pathlib import Path

import pytest

import hfft_widgets as hfft
from hfft_widgets.core.method import METHODS
from hfft_widgets.core.run.stage import Stage
from tests.scripts.running import plan_on, rows_for, start


@pytest.fixture
def model(sample_folders) -> Path:
    return hfft.samples.model()


@pytest.mark.parametrize(
    ("method", "peft"),
    [
        pytest.param(method, peft, marks=pytest.mark.ci if (method, peft) == ("SFT", "lora") else pytest.mark.full)
        for method in METHODS
        for peft in ("none", "lora", "qlora")
    ],
)
def test_every_method_trains_in_its_short_form(model, tmp_path, monkeypatch, method, peft):
    if peft == "qlora":
        pytest.importorskip("bitsandbytes")
    monkeypatch.delenv("HFFT_WORD")
    script = plan_on(rows_for(method), tmp_path, model, method, peft).short_script
    assert "from hfft_widgets" not in script.replace("from hfft_widgets import TrainerCallback", "")
    if (method, peft) == ("SFT", "lora"):
        assert len(script.splitlines()) < 170
        recipe = script.split('"""', 2)[2].partition("# ---- What it calls")[0]
        assert len([line for line in recipe.splitlines() if line.strip()]) <= 75
    ended = start(script, tmp_path, HFFT_WORD=None).wait()
    assert ended.code == 0, ended.text
    saved = "model.safetensors" if peft == "none" else "adapter_model.safetensors"
    assert (tmp_path / "out" / saved).exists()
    (run,) = hfft.runs()
    assert run.stage is Stage.COMPLETED
    assert [point.step for point in run.history["loss"]] == [1, 2, 3]
    assert len(run.history["eval_loss"]) >= 1
    assert run.plan["method"] == method
    assert run.plan["peft"] == peft
    assert hfft.attach(run.id).to_html()


@pytest.mark.full
def test_a_base_model_and_code_bring_what_they_call(model, tmp_path, monkeypatch):
    from tests.scripts.test_training import without_template

    base = without_template(model, tmp_path / "base", chatml=True)
    rows = [{**row, "tests": ["assert True"]} for row in rows_for("GRPO")]
    script = plan_on(rows, tmp_path, base, "GRPO", rewards=["passes_tests", "brief"]).short_script
    assert "give_chat_template(tokenizer)" in script
    ended = start(script, tmp_path, HFFT_WORD=None).wait()
    assert ended.code == 0, ended.text
