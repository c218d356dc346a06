"""The plan panel, headless: every setting is in reach, the script is too, and nothing a person did is lost."""

from __future__ import annotations

import pytest

import hfft_widgets as hfft
from hfft_widgets.core.plan.settings import SETTING_NAMES
from hfft_widgets.core.script import LESSON_END
from hfft_widgets.errors import PlanError


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
    planner.peft.value = "lora"
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
    planner.goal.value = "instruction following"
    planner._thread.join(60)
    assert planner.result.goal == "instruction following"
    assert planner.result.settings.seed == 7


def test_a_flavor_is_chosen_by_what_it_costs_in_all(planner):
    assert planner.result.flavor == "local"
    assert any("$" in label for label, _ in planner.flavor.options)
    planner.flavor.value = "l4x1"
    assert planner.result.flavor == "l4x1"
    assert planner.result.estimate.usd.mid > 0
    assert "at most" in planner.card.html


def test_a_limit_warns_and_can_be_kept(planner):
    planner.change(flavor="a10g-large", num_train_epochs=500)
    assert planner.result.estimate.ceiling_usd > 1
    planner.max_usd.value = 1.0
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
