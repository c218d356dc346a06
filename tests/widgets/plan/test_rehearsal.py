"""Two buttons before the money: the script as far as its first step, and ten real steps, asked for where they cost."""

from __future__ import annotations

import dataclasses
from types import SimpleNamespace

import pytest

from hfft_widgets import api
from hfft_widgets.core.dry_run import DryRun
from hfft_widgets.core.plan.rehearsal import Rehearsal
from hfft_widgets.core.plan.settings import Reason
from tests.widgets.html import page, press


class Ended:
    id, complete = "jobs:me/1", True
    pace = SimpleNamespace(step=10)


@pytest.fixture
def able(planner):
    """The planner with a plan that is tried by nothing that runs."""
    said = []

    def dry_run(plan, progress):
        progress(1, 3)
        return DryRun(plan.title, plan.fingerprint, trained=7, steps=9, tokens=1234, rows=5, longest=3)

    def launch(plan, **given):
        said.append((plan.title, given))
        return Ended()

    def measured(plan, run):
        return dataclasses.replace(plan, reasons=(*plan.reasons, Reason("A pilot of 10 steps took 1 s for each.")))

    planner.result = dataclasses.replace(planner.result, rehearsal=Rehearsal(dry_run, launch, measured))
    planner.refresh()
    return planner, said


def test_a_dry_run_is_shown_until_the_plan_changes(able):
    planner, _ = able
    press(planner, "Dry run")
    assert "1,234 tokens an epoch" in page(planner).text
    planner.change(seed=7)
    assert "1,234 tokens an epoch" not in page(planner).text


def test_a_free_pilot_starts_at_once_and_the_plan_carries_what_it_took(able):
    planner, said = able
    press(planner, "Pilot")
    ((title, given),) = said
    assert title.startswith("Pilot of ")
    assert given["max_usd"] is None
    assert "A pilot of 10 steps took 1 s" in page(planner).text


def test_a_pilot_that_costs_is_asked_first(able, monkeypatch):
    (planner, said), asked = able, []
    limit = SimpleNamespace(flavor="a10g-small", usd=0.09, fingerprint=planner.result.pilot_plan.fingerprint)
    monkeypatch.setattr(api, "is_paid", lambda plan: True)
    monkeypatch.setattr(api, "preflight", lambda plan, namespace: asked.append(namespace) or (limit, ()))
    planner.trying.namespace = "acme"
    press(planner, "Pilot")
    assert said == []
    press(planner, "Not now")
    assert "at most $0.09" not in page(planner).text
    press(planner, "Pilot")
    press(planner, "Start the pilot, at most $0.09")
    assert [given for _, given in said] == [{"max_usd": 0.09, "confirmed": limit.fingerprint, "namespace": "acme"}]
    assert asked == ["acme", "acme"]


def test_a_training_that_is_short_has_no_pilot(able):
    planner, _ = able
    planner.change(max_steps=5)
    assert "Pilot" not in [button.text for button in page(planner).all(tag="button")]
