"""A dataset of this machine goes to the Hub by a click, after a question; the stand-in Hub takes it."""

from __future__ import annotations

import dataclasses
import json

import pytest

import hfft_widgets as hfft
from hfft_widgets import api
from hfft_widgets.core.plan.choose import PlanRequest, recommend
from hfft_widgets.core.plan.data_stats import data_stats
from tests.core.plan import reports
from tests.hub_client.conftest import hub
from tests.widgets.html import fill, page, press, wait

__all__ = ["hub"]


@pytest.fixture
def asked(hub, monkeypatch, tmp_path):
    """A planner of a file of this machine, for a model that lies on the Hub."""
    path = tmp_path / "sums.jsonl"
    path.write_text("\n".join(json.dumps({"prompt": f"{n} + 1 =", "completion": f" {n + 1}"}) for n in range(60)))
    own = {field.name for field in dataclasses.fields(PlanRequest)}

    def plan_training(_model, data, *, notice=None, **asked):
        settings = {name: asked.pop(name) for name in set(asked) - own}
        request = PlanRequest(**asked, settings=settings)
        return recommend(reports.model("Qwen3-1.7B"), data, data_stats(data, "SFT"), reports.MACHINES, request)

    monkeypatch.setattr(api, "plan_training", plan_training)
    return hfft.FineTuner(str(path), "Qwen/Qwen3-1.7B")


@pytest.fixture
def planner(asked):
    asked.data.values["model"] = ""
    asked.data.validate()
    asked.planner.values["model"] = "Qwen/Qwen3-1.7B"
    asked.open_step(1)
    asked.planner.plan()
    asked.planner.change(flavor="t4-small", num_train_epochs=2)
    return asked.planner


def test_it_is_asked_then_uploaded_and_the_plan_reads_it_there(hub, asked, planner):
    assert planner.result.data_lies_here
    press(planner, "Upload it for a job")
    wait(planner)
    assert hub.journal
    assert "private dataset: only your account can read it" in page(planner).text
    assert page(planner).field("Dataset on the Hub, private").value == "user/sums-for-jobs"
    fill(planner, "Dataset on the Hub, private", "user/sums")
    press(planner, "Upload it, private")
    wait(planner)
    assert planner.error is None
    assert hub.repo("datasets", "user/sums").private
    plan = planner.result
    assert not plan.lies_here
    assert plan.data.reference["path"] == "user/sums"
    assert (plan.flavor, plan.settings.num_train_epochs) == ("t4-small", 2)  # what was chosen stays
    assert asked.data.result is planner.data
    assert asked.monitor.plan is plan
    assert not page(planner).has_button("Upload it for a job")


def test_not_now_sends_nothing(hub, planner):
    press(planner, "Upload it for a job")
    wait(planner)
    press(planner, "Not now")
    assert page(planner).has_button("Upload it for a job")
    assert [entry.path for entry in hub.journal if entry.method == "POST"] == []


def test_without_an_account_one_can_sign_in_there(hub, planner, monkeypatch):
    from tests.hub_client.conftest import use_hub

    use_hub(hub, monkeypatch, None)
    press(planner, "Upload it for a job")
    wait(planner)
    assert "Nobody is signed in" in page(planner).alert
    assert page(planner).has_button("Sign in")


def test_where_the_model_lies_here_too_it_is_not_offered(report):
    panel = hfft.TrainingPlanner(report, model="sample:model")
    panel.plan()
    assert panel.result.data_lies_here
    assert not page(panel).has_button("Upload it for a job")
