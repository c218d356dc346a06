"""A plan panel with a plan of the samples, and one whose model and data lie on the Hub."""

from __future__ import annotations

import dataclasses

import pytest

import hfft_widgets as hfft
from hfft_widgets import api
from hfft_widgets.core.plan.choose import PlanRequest, recommend
from hfft_widgets.core.plan.data_stats import data_stats
from tests.core.plan import reports


@pytest.fixture(scope="session")
def report(sample_home):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HFFT_HOME", str(sample_home))
        return hfft.validate("sample:messages", model="sample:model")


@pytest.fixture
def planner(report, sample_folders):
    panel = hfft.TrainingPlanner(report, model="sample:model")
    panel.plan()
    return panel


@pytest.fixture
def rented(monkeypatch):
    """A planner of 3,000 rows for a model of 1.7 billion parameters, which both lie on the Hub; not planned yet."""
    found = reports.report("messages")
    data = dataclasses.replace(data_stats(found, "SFT"), rows=3000, tokens_per_row=431.0, longest_tokens=726)
    own = {field.name for field in dataclasses.fields(PlanRequest)}

    def plan_training(_model, _data, *, notice=None, **asked):
        settings = {name: asked.pop(name) for name in set(asked) - own}
        return recommend(
            reports.model("Qwen3-1.7B"), found, data, reports.MACHINES, PlanRequest(**asked, settings=settings)
        )

    monkeypatch.setattr(api, "plan_training", plan_training)
    return hfft.TrainingPlanner(found, model="Qwen/Qwen3-1.7B")
