"""One setting with several values, on the plan's card: proposed, priced together, started so, best taken."""

from __future__ import annotations

import pytest

from hfft_widgets import api
from hfft_widgets.widgets.plan.sweep import runs
from tests.widgets.html import fill, page, press


class Runs:
    """A sweep that ran."""

    complete, best_value = True, 0.002

    def __init__(self, sweep):
        self.sweep = sweep

    def to_dict(self):
        rows = [{"value": str(value), "run": "r", "stage": "COMPLETED", "eval_loss": value, "step": 4, "cost_usd": 0.01,
                 "curve": [[0, 3.0], [4, value]]} for value in self.sweep.values]  # fmt: skip
        return {
            **self.sweep.to_dict(),
            "rows": rows,
            "complete": True,
            "cost_usd": 0.02,
            "best": "0.002",
            "error": None,
        }

    def follow(self, look):
        look(self)


@pytest.fixture
def launched(monkeypatch):
    """Launches that are only written down."""
    said = []

    def launch(sweep, **given):
        said.append((sweep.setting, sweep.values, given))
        return Runs(sweep)

    monkeypatch.setattr(api, "launch", launch)
    return said


def test_values_around_the_plans_own_are_proposed_and_follow_the_setting(planner):
    planner.change(learning_rate=3e-4, batch_size=4)
    assert page(planner).field("2 to 6 values").value == "0.0001, 0.0003, 0.0009"
    fill(planner, "Setting", "batch_size")
    assert page(planner).field("2 to 6 values").value == "2, 4, 8"
    choices = page(planner).field("Setting").choices.values()
    assert "save_steps" not in choices
    assert "max_length" not in choices


def test_the_price_comes_before_the_start_and_the_best_goes_into_the_plan(planner, launched):
    fill(planner, "Setting", "learning_rate")
    fill(planner, "2 to 6 values", "0.002, 1e-4")
    press(planner, "Show the price")
    assert launched == []
    assert "2 runs on this machine, one after the other" in page(planner).text
    press(planner, "Start 2 runs")
    assert launched == [("learning_rate", (0.002, 1e-4), {"max_usd": None, "namespace": ""})]
    assert "Best: learning_rate 0.002." in page(planner).text
    press(planner, "Take 0.002 into the plan")
    assert planner.result.settings.learning_rate == 0.002


def test_a_price_is_of_one_plan_and_stays_below_the_limit(planner, launched, monkeypatch):
    monkeypatch.setattr(api, "is_paid", lambda plan: True)
    monkeypatch.setattr(runs, "most_usd", lambda sweep, namespace: 0.30)
    planner.change(push_to="me/it")
    fill(planner, "All together at most", "0.20")
    press(planner, "Show the price")
    assert "can cost up to $0.30 in all, and $0.20 is the limit" in page(planner).alert
    fill(planner, "All together at most", "$0.40")
    press(planner, "Show the price")
    assert page(planner).has_button("Start 3 runs, at most $0.30 in all")
    planner.change(seed=7)
    assert not page(planner).has_button("Start 3 runs, at most $0.30 in all")


def test_a_job_without_a_name_for_its_result_gets_one_of_the_account(planner, launched, monkeypatch):
    monkeypatch.setattr(api, "is_paid", lambda plan: True)
    seen = []
    monkeypatch.setattr(runs, "most_usd", lambda sweep, namespace: seen.append(sweep) or 0.30)
    planner.sweeping.namespace = "acme"
    press(planner, "Show the price")
    assert seen[0].plans[0].push_to.startswith("acme/")
    assert "SFT-learning-rate-" in seen[0].plans[0].push_to


def test_values_that_cannot_be_say_why(planner, launched):
    fill(planner, "2 to 6 values", "50, 0.1")
    press(planner, "Show the price")
    assert "learning_rate is 50" in page(planner).alert
    assert launched == []


def test_python_starts_it_by_the_same_door(planner, launched):
    run = planner.sweep("learning_rate", [1e-3, 1e-4])
    assert planner.sweeping.run is run
    assert isinstance(planner.sweeping._shown, dict)
