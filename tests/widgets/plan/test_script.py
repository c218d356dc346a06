"""The script of a plan: to read, edit, copy and keep."""

from __future__ import annotations

import pytest

from hfft_widgets.core.script import RECIPE_END
from hfft_widgets.errors import PlanError
from tests.widgets.html import fill, page, press

EDITOR = "The script that runs"


def text(planner):
    """What stands in the editor, line by line."""
    return "".join(map(str, page(planner).field(EDITOR).controls[0].children))


def test_an_edited_script_is_what_runs_and_can_be_taken_back(planner):
    made = planner.result
    press(planner, "Read and edit the script")
    assert text(planner) == made.script
    fill(planner, EDITOR, made.script.replace("set_seed(SEED)", "set_seed(SEED + 1)"))
    press(planner, "Use this script")
    edited = planner.result
    assert "set_seed(SEED + 1)" in edited.script
    assert edited.fingerprint != made.fingerprint
    assert "Edited by hand" in str(planner.html())
    assert "set_seed(SEED + 1)" in page(planner).all(class_="diff")[-1].one(class_="came").text
    with pytest.raises(PlanError, match="not Python"):
        planner.edit_script("def main(:")
    assert planner.result is edited
    fill(planner, "Seed", "3")  # would not reach the edited script
    assert "edited by hand" in page(planner).field("Seed").error
    assert planner.result is edited
    press(planner, "Take the edit back")
    assert planner.result.fingerprint == made.fingerprint


def test_an_edit_that_is_not_used_is_said_and_nothing_pretends_that_it_is(planner):
    press(planner, "Read and edit the script")
    made = planner.result
    assert page(planner).button("Use this script").off
    edited = made.script.replace("set_seed(SEED)", "set_seed(1)")
    fill(planner, EDITOR, edited.replace("\n", "\r\n"))  # as a browser ends its lines
    shown = page(planner)
    assert planner.result is made
    assert shown.has_button("Use this script (edited, not used yet)")
    assert "The edited script is not used yet" in shown.one(data_key="bar").text
    assert shown.primary == ["Use the edited script"]
    fill(planner, "Epochs", "5")  # a new script would be written over it
    assert "edited and is not used yet" in page(planner).field("Epochs").error
    assert text(planner).replace("\r", "") == edited
    press(planner, "Use the edited script")
    assert planner.result.edited == edited
    assert page(planner).primary == []


def test_an_edit_that_is_not_used_can_be_taken_back(planner):
    press(planner, "Read and edit the script")
    fill(planner, EDITOR, "print('other')")
    press(planner, "Take the edit back")
    assert text(planner) == planner.result.script
    assert not page(planner).has_button("Take the edit back")


def test_a_script_is_copied_and_kept_from_the_editor(planner):
    press(planner, "Read and edit the script")
    shown = page(planner)
    editor = shown.field(EDITOR).controls[0]["id"]
    assert shown.button("Copy")["aria-controls"] == editor
    assert shown.button("Download")["aria-controls"] == editor
    assert shown.button("Download")["data-download"] == f"train_sft_{planner.result.fingerprint[:6]}.py"
    press(planner, "Read and edit the script")
    assert not page(planner).has_field(EDITOR)


def test_a_script_on_the_saved_card_is_in_colours_and_short(planner):
    html = str(planner.report())
    assert 'class="tk">def</span>' in html
    assert RECIPE_END.strip("# -") not in html
    assert "<script" not in html


def test_an_edited_script_can_be_undone_too(planner):
    made = planner.result
    planner.edit_script(made.script.replace("set_seed(SEED)", "set_seed(1)"))
    assert planner.undo().script == made.script


def test_the_short_form_is_there_to_read(planner):
    press(planner, "Read and edit the script")
    planner.put("script_form", "short")
    shown = page(planner)
    assert "trainer.train()" in str(planner.html())
    assert not shown.has_button("Use this script")
    assert planner.unused == []
    planner.put("script_form", "standalone")
    assert text(planner) == planner.result.script
