"""FineTuner's page: one step open, the others a line, and the next action in every state. No data, no run."""

from __future__ import annotations

from types import SimpleNamespace
from unittest.mock import MagicMock

import pytest

import hfft_widgets as hfft
from hfft_widgets.core.html import el
from hfft_widgets.core.run.stage import Stage
from hfft_widgets.widgets.panel import Panel
from hfft_widgets.widgets.studio import DATA, EXPORT, PLAN, RUN
from tests.widgets.html import page, press


def give(panel: Panel, result: object, summary: str = "", action: str = "") -> None:
    """Let a panel have come to this, without the work; what it looks like is tested elsewhere."""
    panel.body = lambda: el("p", f"inside of {panel.title}")
    panel.report = lambda: el("p", f"card of {panel.title}")
    panel.figures = list
    panel.summary = lambda: summary
    panel.next_action = lambda: panel.form.button(action, "stop", primary=True) if action else None
    panel.result = result


@pytest.fixture
def tuner(tmp_path, monkeypatch):
    monkeypatch.setenv("HFFT_HOME", str(tmp_path))
    tuner = hfft.FineTuner()
    for panel in tuner.panels:
        give(panel, None, action="Check dataset" if panel is tuner.data else "")
    return tuner


def check(tuner, recommended="SFT"):
    give(tuner.data, SimpleNamespace(recommended=recommended, rows=()), "talk, 7 rows, ready for SFT")


def plan(tuner):
    give(tuner.planner, SimpleNamespace(fingerprint="f", flavor="local"), "SFT of a-model, free")


def train(tuner, stage=Stage.COMPLETED, *, memory=False):
    run = MagicMock(kind="training", stage=stage, fingerprint="f", diagnosis=SimpleNamespace(memory=memory))
    tuner.monitor.run = run  # its step opens
    give(tuner.monitor, run, "SFT of a-model: " + str(stage))
    tuner.monitor.run, tuner.monitor.plan = run, tuner.planner.result
    return run


def step(tuner, name):
    return page(tuner).one(tag="section", data_key=name)


def lines(tuner):
    return [one.words for one in page(tuner).all(class_="line")]


def test_steps_unlock_one_after_the_other_and_say_what_unlocks_them(tuner):
    assert [tuner.unlocked(n) for n in range(4)] == [True, False, False, False]
    assert lines(tuner) == [
        "Can this be trained on, and which rows hurt?",
        "Opens when the dataset is checked",
        "Opens when there is a plan",
        "Opens when a model is trained",
    ]
    assert [{"hfft-step", "locked"} == step(tuner, name).classes for name in ("Data", "Plan")] == [False, True]
    check(tuner)
    assert lines(tuner)[:2] == ["", "What will run, and what does it take?"]  # the open step's card says it
    tuner.open_step(PLAN)
    assert lines(tuner)[0] == "talk, 7 rows, ready for SFT"
    assert [tuner.unlocked(n) for n in range(4)] == [True, True, False, False]
    plan(tuner)
    assert tuner.monitor.plan is tuner.planner.result
    assert [tuner.unlocked(n) for n in range(4)] == [True, True, True, False]
    run = train(tuner)
    assert tuner.exporter.source is run
    assert [tuner.unlocked(n) for n in range(4)] == [True] * 4


def test_data_that_no_method_can_use_unlocks_nothing(tuner):
    check(tuner, recommended=None)
    assert [tuner.done(DATA), tuner.unlocked(PLAN)] == [False, False]
    assert page(tuner).primary == []


def test_only_a_training_that_was_completed_is_exported(tuner):
    check(tuner)
    plan(tuner)
    train(tuner, Stage.ERROR)
    assert tuner.exporter.source is None
    assert not tuner.unlocked(EXPORT)


def test_one_step_is_open_and_the_others_are_a_line(tuner):
    check(tuner)
    plan(tuner)
    press(tuner, "Change Plan")
    assert [bool(step(tuner, name).all(class_="inside")) for name in ("Data", "Plan", "Run")] == [False, True, False]
    assert step(tuner, "Plan")["aria-current"] == "step"
    assert "inside of Plan" in step(tuner, "Plan").text
    assert step(tuner, "Data").buttons == ["Change"]
    assert step(tuner, "Plan").buttons == []
    assert step(tuner, "Run").buttons == ["Open"]
    assert step(tuner, "Export").buttons == []
    press(tuner, "Change Data")
    assert tuner.open == DATA


def test_a_locked_step_cannot_be_opened_by_a_stale_page(tuner):
    tuner._act({"do": tuner._prefix + "open", "value": str(EXPORT)})
    assert tuner.open == DATA


@pytest.mark.parametrize("number", range(4))
def test_the_next_action_is_the_panel_s_own_where_it_has_one(tuner, number):
    check(tuner)
    plan(tuner)
    train(tuner)
    give(tuner.panels[number], tuner.panels[number].result, action="First this")
    tuner.open_step(number)
    assert page(tuner).one(class_="hfft-bar").primary == ["First this"]
    assert page(tuner).primary == ["First this"]


def test_without_one_it_is_the_beginning_of_the_next_step(tuner):
    check(tuner)
    assert page(tuner).primary == ["Make a plan"]
    plan(tuner)
    assert page(tuner).primary == ["To plan"]
    give(tuner.monitor, None, action="Train on this machine")
    tuner.open_step(PLAN)
    assert page(tuner).primary == ["Train on this machine"]
    train(tuner)
    assert tuner.open == RUN
    assert page(tuner).primary == ["Export to GGUF"]
    tuner.open_step(PLAN)
    assert page(tuner).primary == ["To run"]  # trained as planned
    tuner.open_step(EXPORT)
    assert page(tuner).primary == []


def test_a_click_on_it_begins_the_next_step(tuner, monkeypatch):
    begun = []
    monkeypatch.setattr(tuner.planner, "plan", lambda: begun.append("plan"))
    monkeypatch.setattr(tuner.exporter, "begin", lambda: begun.append("export"))
    check(tuner)
    press(tuner, "Make a plan")
    assert (tuner.open, begun) == (PLAN, ["plan"])
    plan(tuner)
    tuner.open_step(DATA)
    press(tuner, "To plan")
    assert (tuner.open, begun) == (PLAN, ["plan"])  # there is one
    train(tuner)
    tuner.open_step(RUN)
    press(tuner, "Export to GGUF")
    assert (tuner.open, begun) == (EXPORT, ["plan", "export"])


def test_a_run_short_of_memory_offers_a_lighter_plan(tuner):
    check(tuner)
    plan(tuner)
    train(tuner, Stage.ERROR, memory=True)
    tuner.open_step(RUN)
    assert page(tuner).primary == ["Make the plan lighter"]
    give(tuner.planner, SimpleNamespace(fingerprint="another", flavor="local"))  # this one has not run yet
    tuner.open_step(RUN)
    assert page(tuner).primary == []


def test_the_figures_of_the_plan_stay_in_view(tuner):
    check(tuner)
    plan(tuner)
    tuner.planner.figures = lambda: [el("span", "about 4 min")]
    for number in range(3):
        tuner.open_step(number)
        assert page(tuner).one(class_="figures").words == "about 4 min"
    tuner.data.figures = lambda: [el("span", "7 rows")]
    tuner.open_step(DATA)
    assert page(tuner).one(class_="figures").words == "7 rows"


def test_what_is_going_on_is_said_in_the_bar_whichever_step_is_open(tuner):
    check(tuner)
    tuner.planner.set_status("run", "Planning …")
    assert page(tuner).one(class_="hfft-bar").status == ""  # it is not at work: another step's old words are not said
    tuner.planner.busy = True
    assert page(tuner).one(class_="hfft-bar").status == "Planning … Stop"
    assert page(tuner).one(class_="hfft-status").button("Stop")["data-do"] == tuner.planner._prefix + "stop"


def test_the_saved_file_holds_each_step_with_its_card(tuner):
    check(tuner)
    words = [page(str(part)).words for part in tuner.reports()]
    assert words[0] == "1 Data talk, 7 rows, ready for SFT card of Data"
    assert words[1] == "2 Plan Opens when the dataset is checked card of Plan"
    before = tuner.stage()
    plan(tuner)
    assert tuner.stage() != before
