"""The plan panel as a whole, headless: changes, undo, advice, and models that are too large."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import hfft_widgets as hfft
from hfft_widgets.errors import ModelTooLargeError, PlanError
from tests.core.plan.reports import CONFIGS
from tests.widgets.html import fill, page, press


def test_a_plan_needs_checked_data():
    with pytest.raises(PlanError, match="Check a dataset first"):
        hfft.TrainingPlanner(model="sample:model").plan()


def test_the_next_action_is_to_plan_and_then_none_of_its_own(report, sample_folders):
    planner = hfft.TrainingPlanner(report, model="sample:model")
    assert page(planner).primary == ["Make a plan"]
    assert planner.summary() == ""
    press(planner, "Make a plan")
    assert page(planner).primary == []
    assert planner.summary().startswith("SFT of tiny-llama (all weights) on this machine, about ")
    assert planner.summary().endswith(", free")
    assert "Training plan: SFT of tiny-llama" in planner.report()


def test_an_edit_is_in_the_plan_the_estimate_and_the_script_and_the_diff_shows_it(planner):
    before = planner.result
    fill(planner, "Epochs", str(before.settings.num_train_epochs * 2))
    assert planner.result.estimate.steps > before.estimate.steps
    assert "num_train_epochs=4" in page(planner).one(class_="diff").all(class_="came")[0].text
    assert "num_train_epochs=4" in planner.result.script


def test_another_dataset_forgets_plan_and_settings(planner, report):
    fill(planner, "Seed", "7")
    planner.data = None
    assert planner.result is None
    assert not page(planner).all(tag="article")
    with pytest.raises(PlanError, match="Check a dataset first"):
        planner.plan()
    planner.data = report
    assert planner.plan().settings.seed == 42


def test_a_change_can_be_undone_with_the_settings_that_were_chosen(planner):
    made = planner.result
    assert page(planner).button("Undo the last change").off
    fill(planner, "Seed", "7")
    changed = planner.change(num_train_epochs=5, batch_size=2)
    assert "num_train_epochs=5" in page(planner).one(class_="diff").text
    press(planner, "Undo the last change")
    assert planner.result.settings.seed == 7
    assert page(planner).all(class_="gone")  # what goes again is shown, too
    assert planner.undo().fingerprint == made.fingerprint
    assert page(planner).field("Seed").value == "42"
    with pytest.raises(PlanError, match="no change to undo"):
        planner.undo()
    assert planner.plan().settings == made.settings  # what was undone is not kept for a new plan
    assert changed.settings.num_train_epochs == 5


def test_advice_is_a_button_beside_its_warning_that_changes_the_plan_and_shows_the_difference(planner):
    planner.change(flavor="l4x1", num_train_epochs=1000)
    advised = next(advice for advice in planner.result.advice if "flavor" in advice.changes)
    beside = [one for one in page(planner).all(class_="warned")[0].all(tag="li") if advised.words in one.words]
    assert beside[0].buttons == [advised.label]
    press(planner, advised.label)
    assert planner.result.flavor == advised.changes["flavor"]
    assert planner.undo().flavor == "l4x1"


def test_what_would_cost_less_is_a_table_of_buttons(planner):
    planner.change(flavor="l4x1", num_train_epochs=1000)
    saves = planner.result.choices[0]
    assert "Rows hurt" in page(planner).text
    press(planner, saves.label)
    assert {name: getattr(planner.result.settings, name) for name in saves.changes} == saves.changes
    assert planner.undo().settings.num_train_epochs == 1000


def test_after_running_out_of_memory_the_least_change_is_made_and_shown(planner):
    before = planner.change(flavor="t4-small", peft="lora", max_length=1024, batch_size=16, accumulation=1)
    lighter = planner.lighten()
    assert lighter.estimate.memory_bytes.high <= before.estimate.memory_bytes.high
    assert lighter.effective_batch_size == before.effective_batch_size
    assert page(planner).all(class_="came")
    assert planner.undo().fingerprint == before.fingerprint


@pytest.fixture
def large(sample_folders, tmp_path):
    """A folder as one of a 14.8 billion parameter model looks: its configuration, and the sample's tokenizer."""
    config = {"architectures": ["Qwen3ForCausalLM"], "max_position_embeddings": 40960, **CONFIGS["Qwen3-14B"]}
    folder = tmp_path / "Qwen3-14B"
    folder.mkdir()
    for file in Path(hfft.samples.model()).iterdir():
        if file.suffix in {".json", ".jinja"}:
            (folder / file.name).write_bytes(file.read_bytes())
    (folder / "config.json").write_text(json.dumps(config))
    return folder


def test_a_refused_model_is_a_card_with_the_way_on(planner, large):
    fill(planner, "Model that learns", str(large))
    assert isinstance(planner.error, ModelTooLargeError)
    assert planner.result is None  # the plan of the other model is not what would start
    with pytest.raises(ModelTooLargeError):
        planner.plan()
    shown = page(planner)
    assert shown.one(tag="article")["aria-label"] == "Not planned: SFT of Qwen3-14B"
    assert shown.status == ""
    assert shown.one(data_key="bar").buttons == ["Plan it all the same"]
    assert shown.primary == []
    press(planner, "Plan it all the same")
    assert page(planner).field("8 billion parameters and more").value is True
    assert planner.error is None
    assert (planner.result.facts.name, planner.result.peft) == ("Qwen3-14B", "lora")
    assert page(planner).one(tag="article")["aria-label"].startswith("Training plan")


def test_python_says_the_same_words_as_the_card(report, large):
    with pytest.raises(PlanError) as caught:
        hfft.plan_training(str(large), report)
    assert caught.value.refusal.what in caught.value.refusal._repr_html_()
    assert "allow_large=True" in str(caught.value)
    assert hfft.plan_training(str(large), report, allow_large=True).peft == "lora"
