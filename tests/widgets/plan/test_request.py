"""What is asked of a plan: goal, place, limit."""

from __future__ import annotations

import pytest

import hfft_widgets as hfft
from hfft_widgets.errors import PlanError
from tests.widgets.html import fill, page, press, wait


def choice(planner, field, words):
    """The radio button of a segment."""
    labels = page(planner).field(field).element.all(tag="label")
    return next(one for one in labels if one.words == words).one(tag="input")


def test_a_goal_the_data_does_not_serve_is_refused_with_the_reason(planner):
    planner.values["goal"] = "preferences"
    with pytest.raises(PlanError, match="not ready for DPO"):
        planner.plan()


def test_a_goal_the_data_does_not_serve_is_not_offered(planner):
    assert choice(planner, "Goal", "preferences").off
    assert not choice(planner, "Goal", "instructions").off
    assert page(planner).field("Goal").help.startswith("This data is not ready for preferences")


def test_what_is_left_open_says_what_was_chosen(planner):
    assert page(planner).field("Budget").value == ""
    assert choice(planner, "Budget", "no limit")["value"] == ""
    assert next(iter(page(planner).field("Method").choices)) == "auto: SFT"
    assert next(iter(page(planner).field("What is trained").choices)) == "auto: all weights"
    fill(planner, "What is trained", "lora")
    assert planner.result.peft == "lora"
    assert next(iter(page(planner).field("What is trained").choices)) == "auto"  # it is no longer the automatic choice


def test_a_limit_warns_and_can_be_kept(rented):
    press(rented, "Make a plan")
    rented.change(flavor="a10g-large", num_train_epochs=50)
    assert rented.result.estimate.ceiling_usd > 5
    fill(rented, "Budget", "5")
    assert rented.result.max_usd == 5.0
    assert "more than the $5.00 you allow" in page(rented).one(class_="warned").text
    press(rented, "Stay within the limit")
    kept = rented.result
    assert kept.estimate.ceiling_usd <= 5.0
    assert not [words for words in kept.warnings if "you allow" in words]
    assert not page(rented).has_button("Stay within the limit")
    with pytest.raises(PlanError, match="Not even one step"):
        rented.stay_within(0.05)
    assert rented.result is kept


def test_any_limit_can_be_typed_and_is_shown_with_the_others(planner):
    fill(planner, "Another limit", "$3.50")
    assert planner.result.max_usd == 3.5
    assert page(planner).field("Budget").value == "3.5"
    assert "$3.5" in page(planner).field("Budget").choices
    fill(planner, "Another limit", "much")
    assert "must be a number of dollars" in page(planner).field("Another limit").error
    assert page(planner).field("Another limit").value == "much"
    assert planner.result.max_usd == 3.5
    fill(planner, "Budget", "")
    assert planner.result.max_usd is None


def test_a_wish_that_cannot_be_met_does_not_stay_beside_a_plan_without_it(planner):
    made = planner.result
    fill(planner, "Goal", "preferences")  # as if it were clicked a moment before it could not be
    assert "not ready for DPO" in page(planner).status
    assert planner.result is made
    assert page(planner).field("Goal").value == ""


def test_where_is_answered_by_a_machine(rented):
    fill(rented, "Where", "local")
    press(rented, "Make a plan")
    assert rented.result.flavor == "local"
    fill(rented, "Where", "jobs")
    cheapest = min((o for o in rented.result.options if o.estimate.fits and o.estimate.usd_per_hour),
                   key=lambda option: option.estimate.usd.mid)  # fmt: skip
    assert rented.result.flavor == cheapest.flavor.name
    assert f"{cheapest.flavor.name}: " in page(rented).one(class_="why").text
    rented.plan()
    assert rented.result.estimate.usd_per_hour  # it was asked for, whatever would be enough
    fill(rented, "Where", "local")
    assert rented.result.flavor == "local"


def test_a_job_that_could_not_reach_the_data_is_not_offered(report, sample_folders):
    planner = hfft.TrainingPlanner(report, model="sample:model")
    planner.plan()
    assert choice(planner, "Where", "HF Jobs").off
    assert "no job reaches them" in page(planner).field("Where").help
    fill(planner, "Where", "jobs")
    assert "A job cannot reach the model or the data" in page(planner).field("Where").error
    assert planner.result.flavor == "local"
    planner.values["where"] = "jobs"
    with pytest.raises(PlanError, match="Put them on the Hub first"):
        planner.plan()


def test_a_limit_chosen_with_the_data_is_the_plans(report, sample_folders):
    checked = hfft.DatasetValidator("sample:messages", model="sample:model")
    checked.validate()
    checked.limit_length(48)
    made = hfft.TrainingPlanner(checked.result, model="sample:model").plan()
    assert made.settings.max_length == 48
    assert "max_length 48: the limit you chose with the data." in str(made)
    checked.undo()
    assert hfft.TrainingPlanner(checked.result, model="sample:model").plan().settings.max_length > 48


def test_another_goal_is_another_plan(planner):
    planner._act({"set": planner._prefix + "goal", "value": "instruction following"})
    wait(planner)
    assert planner.result.goal == "instruction following"
