"""Every setting is in reach, and an error stands where it was made."""

from __future__ import annotations

from hfft_widgets.core.plan.settings import SETTINGS
from tests.widgets.html import fill, page


def shown(planner):
    form = page(planner).one(class_="settings")
    names = (one["data-field"].removeprefix(planner._prefix) for one in form.walk())
    return {name for name in names if name}


def test_every_setting_that_says_something_has_a_field_that_shows_the_plan(planner):
    fill(planner, "What is trained", "lora")
    assert shown(planner) == {name for name, setting in SETTINGS.items() if setting.said_by("SFT", "lora")}
    settings = planner.result.settings
    for name in shown(planner):
        setting, value = SETTINGS[name], getattr(settings, name)
        if name == "max_steps":
            assert (value, page(planner).field("Max steps").value) == (-1, "")  # "-1" would say nothing
        elif name == "rows":
            assert (value, page(planner).field("Rows").value) == (None, "")
        elif setting.kind == "names":
            assert page(planner).field(setting.label).value == ", ".join(value), name
        elif setting.kind in {"number", "whole number"}:
            assert float(page(planner).field(setting.label).value) == value, name
        else:
            assert page(planner).field(setting.label).value == value, name


def test_fields_that_say_nothing_are_hidden(planner):
    assert "max_length" in shown(planner)
    assert not {"num_generations", "lora_r"} & shown(planner)
    fill(planner, "What is trained", "lora")
    assert planner.result.peft == "lora"
    assert "lora_r" in shown(planner)


def test_what_is_refused_stands_as_it_was_typed_with_its_error_and_the_plan_stays(planner):
    made = planner.result
    for label, nonsense in (("Batch size", "0"), ("Learning rate", "-1"), ("Max length", "long")):
        fill(planner, label, nonsense)
        assert "It must be a" in page(planner).field(label).error
        assert page(planner).field(label).value == nonsense
        assert planner.result is made
    assert "Some values are not used" in page(planner).one(data_key="bar").text


def test_an_error_outlives_another_change_and_ends_with_its_own(planner):
    fill(planner, "Batch size", "0")
    assert "One value is not used" in page(planner).one(data_key="bar").text
    fill(planner, "Epochs", "5")
    assert planner.result.settings.num_train_epochs == 5
    assert page(planner).field("Batch size").value == "0"
    assert page(planner).field("Batch size").error
    fill(planner, "Batch size", "4")
    assert planner.result.settings.batch_size == 4
    assert not page(planner).all(class_="error")


def test_values_put_back_are_the_recommended_plan_with_its_reasons(planner):
    made = planner.result
    fill(planner, "Epochs", "5")
    fill(planner, "Seed", "7")
    assert "num_train_epochs 5: you chose it." in list(map(str, planner.result.reasons))
    assert "Settings: changed epochs, seed" in page(planner).one(class_="settings-head").text
    fill(planner, "Epochs", "2")
    assert list(map(str, planner.result.reasons)) == [*map(str, made.reasons), "seed 7: you chose it."]
    fill(planner, "Seed", "42")
    assert planner.result == made
    assert "as recommended" in page(planner).one(class_="settings-head").text


def test_what_is_typed_and_changes_nothing_is_no_step_to_undo(planner):
    fill(planner, "Epochs", "2")
    fill(planner, "Epochs", "2.0")
    assert page(planner).button("Undo the last change").off


def test_settings_of_a_person_stay_in_a_new_plan(planner):
    fill(planner, "Seed", "7")
    fill(planner, "Goal", "instruction following")
    assert planner.result.goal == "instruction following"
    assert planner.result.settings.seed == 7
