"""The plan panel, headless: every setting is in reach, the script is too, and nothing a person did is lost."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import hfft_widgets as hfft
from hfft_widgets.core.plan.settings import SETTING_NAMES
from hfft_widgets.core.script import LESSON_END
from hfft_widgets.errors import ModelTooLargeError, PlanError
from tests.core.plan.reports import CONFIGS


@pytest.fixture(scope="module")
def report(sample_home):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HFFT_HOME", str(sample_home))
        return hfft.validate("sample:messages", model="sample:model")


@pytest.fixture
def planner(report, sample_folders):
    panel = hfft.TrainingPlanner(report, model="sample:model")
    panel.plan()
    return panel


def test_every_setting_has_a_control_that_shows_the_plan(planner):
    assert set(planner._editors) == SETTING_NAMES
    settings = planner.result.settings
    for name, editor in planner._editors.items():
        value = getattr(settings, name)
        assert editor.value == ("" if value is None else value), name


def test_controls_that_say_nothing_are_hidden(planner):
    shown = {name for name, editor in planner._editors.items() if editor.layout.display != "none"}
    assert "max_length" in shown
    assert "num_generations" not in shown
    assert "lora_r" not in shown
    planner.wishes.peft.value = "lora"
    planner._thread.join(60)
    assert planner.result.peft == "lora"
    assert planner._editors["lora_r"].layout.display == ""


def test_an_edit_is_in_the_plan_the_estimate_and_the_script_and_the_diff_shows_it(planner):
    before = planner.result
    planner._editors["num_train_epochs"].value = before.settings.num_train_epochs * 2
    assert planner.result.estimate.steps > before.estimate.steps
    assert 'class="came"' in planner.changed.value
    assert "num_train_epochs=4" in planner.changed.value
    assert "num_train_epochs=4" in planner.result.script


def test_what_is_refused_goes_back_and_says_why(planner):
    for name, nonsense in (("batch_size", 0), ("beta", "much"), ("learning_rate", -1.0)):
        held = planner._editors[name].value
        planner._editors[name].value = nonsense
        assert isinstance(planner.error, PlanError)
        assert name in planner.status.value
        assert planner._editors[name].value == held


def test_settings_of_a_person_stay_in_a_new_plan(planner):
    planner._editors["seed"].value = 7
    planner.wishes.goal.value = "instruction following"
    planner._thread.join(60)
    assert planner.result.goal == "instruction following"
    assert planner.result.settings.seed == 7


def test_a_flavor_is_chosen_by_what_it_costs_in_all(planner):
    assert planner.result.flavor == "local"
    assert any("$" in label for label, _ in planner.wishes.flavor.options)
    planner.wishes.flavor.value = "l4x1"
    assert planner.result.flavor == "l4x1"
    assert planner.result.estimate.usd.mid > 0
    assert "at most" in planner.card.html


def test_a_limit_warns_and_can_be_kept(planner):
    planner.change(flavor="a10g-large", num_train_epochs=500)
    assert planner.result.estimate.ceiling_usd > 1
    planner.wishes.max_usd.value = 1.0
    assert planner.result.max_usd == 1.0
    assert "more than the $1.00 you allow" in planner.card.html
    assert planner.limit_button.layout.display == ""
    kept = planner.stay_within()
    assert kept.estimate.ceiling_usd <= 1.0
    assert not [words for words in kept.warnings if "you allow" in words]
    with pytest.raises(PlanError, match="Not even one step"):
        planner.stay_within(0.05)
    assert planner.result is kept


def test_an_edited_script_is_what_runs_and_can_be_taken_back(planner):
    planner.script.fold.selected_index = 0
    made = planner.result
    assert planner.script.text.value == made.script
    assert planner.script.copies.code == made.script
    planner.script.text.value = made.script.replace("set_seed(SEED)", "set_seed(SEED + 1)")
    edited = planner.edit_script()
    assert "set_seed(SEED + 1)" in edited.script
    assert edited.fingerprint != made.fingerprint
    assert "edited by hand" in planner.card.html
    assert "set_seed(SEED + 1)" in planner.script.note.value
    with pytest.raises(PlanError, match="not Python"):
        planner.edit_script("def main(:")
    assert planner.result is edited
    planner._editors["seed"].value = 3  # would not reach the edited script
    assert "edited by hand" in planner.status.value
    assert planner.result is edited
    assert planner.undo_edit().fingerprint == made.fingerprint


def test_another_dataset_forgets_plan_and_settings(planner, report):
    planner._editors["seed"].value = 7
    planner.report = None
    assert planner.result is None
    assert planner.card.html == ""
    with pytest.raises(PlanError, match="Check a dataset first"):
        planner.plan()
    planner.report = report
    assert planner.plan().settings.seed == 42


def test_a_script_is_shown_in_colours_and_whole(planner):
    html = planner.card.html
    assert 'class="tk">def</span>' in html
    assert LESSON_END.strip("# -") not in html
    assert "<script" not in html


# ---- changes can be undone, advice can be taken ------------------------------------------------


def test_a_change_can_be_undone_with_the_settings_that_were_chosen(planner):
    made = planner.result
    assert planner.undo_button.layout.display == "none"
    planner._editors["seed"].value = 7
    changed = planner.change(num_train_epochs=5, batch_size=2)
    assert planner.undo_button.layout.display == ""
    assert "num_train_epochs=5" in planner.changed.value
    assert planner.undo().settings.seed == 7
    assert 'class="gone">-' in planner.changed.value  # what goes again is shown, too
    assert planner.undo().fingerprint == made.fingerprint
    assert planner._editors["seed"].value == made.settings.seed
    with pytest.raises(PlanError, match="no change to undo"):
        planner.undo()
    assert planner.plan().settings == made.settings  # what was undone is not kept for a new plan
    assert changed.settings.num_train_epochs == 5


def test_a_wish_that_cannot_be_met_does_not_stay_beside_a_plan_without_it(planner):
    made = planner.result
    planner.wishes._filling = True  # as if it were set a moment before the click
    planner.wishes.goal.value = "preferences"
    planner.wishes._filling = False
    with pytest.raises(PlanError, match="not ready for DPO"):
        planner.plan_again()
    assert "not ready for DPO" in planner.status.value
    assert planner.result is made
    assert not planner.wishes.goal.value


def test_an_edited_script_can_be_undone_too(planner):
    made = planner.result
    planner.edit_script(made.script.replace("set_seed(SEED)", "set_seed(1)"))
    assert planner.undo().script == made.script


def test_advice_is_a_button_that_changes_the_plan_and_shows_the_difference(planner):
    planner.change(flavor="l4x1", num_train_epochs=4000)
    advised = [advice for advice in planner.result.advice if "flavor" in advice.changes]
    buttons = [button for button in planner.advised.children if button.description == advised[0].label]
    assert buttons
    assert buttons[0].tooltip == advised[0].words
    buttons[0].click()
    planner._thread.join(60)
    assert planner.result.flavor == advised[0].changes["flavor"]
    assert planner.undo().flavor == "l4x1"


def test_after_running_out_of_memory_the_least_change_is_made_and_shown(planner):
    before = planner.change(flavor="t4-small", peft="lora", max_length=1024, batch_size=16, accumulation=1)
    lighter = planner.lighten()
    assert lighter.estimate.memory_bytes.high <= before.estimate.memory_bytes.high
    assert lighter.effective_batch_size == before.effective_batch_size
    assert 'class="came"' in planner.changed.value
    assert planner.undo().fingerprint == before.fingerprint


# ---- a model that is too large -----------------------------------------------------------------


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
    planner.wishes.model.value = str(large)
    with pytest.raises(ModelTooLargeError) as caught:
        planner.plan()
    assert planner.error is caught.value
    assert planner.result is None  # the plan of the other model is not what would start
    assert "Not planned: SFT of Qwen3-14B" in planner.card.html
    assert planner.status.value == ""
    assert planner.bottom.children == (planner.allow_button,)
    planner.allow_button.click()
    planner._thread.join(60)
    assert planner.wishes.allow_large.value
    assert planner.error is None
    assert (planner.result.facts.name, planner.result.peft) == ("Qwen3-14B", "lora")
    assert "Training plan" in planner.card.html


def test_python_says_the_same_words_as_the_card(report, large):
    with pytest.raises(PlanError) as caught:
        hfft.plan_training(str(large), report)
    assert caught.value.refusal.what in caught.value.refusal._repr_html_()
    assert "allow_large=True" in str(caught.value)
    assert hfft.plan_training(str(large), report, allow_large=True).peft == "lora"


def test_a_limit_chosen_with_the_data_is_the_plans(report, sample_folders):
    checked = hfft.DatasetValidator("sample:messages", model="sample:model")
    checked.validate()
    checked.limit_length(48)
    made = hfft.TrainingPlanner(checked.result, model="sample:model").plan()
    assert made.settings.max_length == 48
    assert "max_length 48: the limit you chose with the data." in str(made)
    checked.undo()
    assert hfft.TrainingPlanner(checked.result, model="sample:model").plan().settings.max_length > 48
