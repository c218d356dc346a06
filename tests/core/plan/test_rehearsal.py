"""A plan's pilot as a plan of its own, and what comes of it; no process is started."""

from __future__ import annotations

import dataclasses

import pytest

from hfft_widgets.core.dry_run import DryRun
from hfft_widgets.core.estimate.pace import memory_share
from hfft_widgets.core.plan.hardware import FinishedRun
from hfft_widgets.core.plan.rehearsal import PILOT_STEPS, Rehearsal
from hfft_widgets.errors import PlanError


def test_a_pilot_is_the_same_training_for_ten_steps_and_keeps_nothing(plan):
    whole = plan.replace(push_to="me/it")
    pilot = whole.pilot_plan
    assert pilot.estimate.steps == PILOT_STEPS
    assert (pilot.push_to, pilot.settings.questions, pilot.settings.trackio) == (None, 0, False)
    kept = ("batch_size", "accumulation", "max_length", "lora_r", "learning_rate", "activation_checkpointing")
    assert all(getattr(pilot.settings, name) == getattr(whole.settings, name) for name in kept)
    assert (pilot.title, pilot.to_dict()["pilot"]) == (f"Pilot of {whole.title}", True)
    assert "pilot" not in whole.to_dict()
    assert pilot.fingerprint != whole.fingerprint
    compile(pilot.script, "script.py", "exec")


def test_a_pilot_is_stopped_soon_and_costs_little(plan):
    rented = plan.replace(flavor="a10g-small")
    pilot = rented.pilot_plan
    assert pilot.timeout_seconds < 1800
    assert pilot.estimate.ceiling_usd < 0.3 * rented.estimate.ceiling_usd


def test_a_pilot_of_what_is_short_or_edited_is_refused(plan):
    with pytest.raises(PlanError, match="would save nothing"):
        _ = plan.replace(max_steps=PILOT_STEPS).pilot_plan
    with pytest.raises(PlanError, match="would save nothing"):
        _ = plan.pilot_plan.pilot_plan
    with pytest.raises(PlanError, match="edited by hand"):
        _ = plan.with_script("print()").pilot_plan


def test_a_pilot_replaces_the_range(plan):
    pilot = plan.pilot_plan.estimate
    took = FinishedRun(plan.method, plan.peft, plan.facts.parameters, pilot.step_tokens, 2.0, pilot=True)
    other = dataclasses.replace(took, ratio=9.0, pilot=False)
    machines = tuple(dataclasses.replace(one, finished=(took, other)) for one in plan.machines)
    before, after = plan.estimate, dataclasses.replace(plan, machines=machines).estimate
    assert after.step_seconds == pytest.approx(2 * before.step_seconds)
    assert after.seconds.high / after.seconds.low < 1.7 < before.seconds.high / before.seconds.low


def test_it_is_tried_with_what_is_handed_in(plan):
    tried = DryRun("t", "f")
    rehearsal = Rehearsal(lambda one, progress: tried, lambda one, **given: (one, given), lambda one, run: (one, run))
    able = dataclasses.replace(plan, rehearsal=rehearsal)
    assert able.dry_run() is tried
    started, given = able.pilot(max_usd=0.05)
    assert (started, given) == (able.pilot_plan, {"max_usd": 0.05, "confirmed": None, "namespace": ""})
    assert able.after_pilot("run") == (able, "run")
    assert able == plan


def test_a_plan_from_elsewhere_says_that_it_cannot_be_tried(plan):
    assert plan.dry_run().words.startswith("Not tried: it was not made")
    with pytest.raises(PlanError, match="cannot be tried"):
        plan.pilot()
    with pytest.raises(PlanError, match="cannot be tried"):
        plan.after_pilot(None)


def test_a_limit_says_that_it_chose_the_steps(plan):
    rented = plan.replace(flavor="a10g-small", num_train_epochs=30.0)
    shorter = rented.within(usd=0.6)
    assert shorter.estimate.steps < rented.estimate.steps
    assert (
        str(shorter.reasons[-1])
        == f"max_steps {shorter.settings.max_steps:,}: as many as $0.60 at most leave room for."
    )
    assert not any("max_steps" in str(reason) and "you chose" in str(reason) for reason in shorter.reasons)


def test_a_pilot_begins_with_its_longest_rows(plan):
    pilot = plan.pilot_plan
    assert f'longest_first(parts["train"], {pilot.effective_batch_size}, SEED)' in pilot.recipe
    assert 'train_sampling_strategy="sequential"' in pilot.recipe
    assert "longest_first" not in plan.script
    grouped = plan.replace(group_by_length=True, batch_size=8).pilot_plan
    assert "longest_first" not in grouped.recipe
    assert 'train_sampling_strategy="group_by_length"' in grouped.recipe


def test_the_memory_of_a_pilot_replaces_the_arithmetic(plan):
    rented = plan.replace(flavor="a10g-small")
    said = rented.pilot_plan.to_dict()
    allocated = 1.05 * sum(size for name, size in said["estimate"]["parts"].items() if name != "runtime")
    assert memory_share(said, 1.2 * allocated) == pytest.approx(1.2)
    assert memory_share(said, 0) == memory_share({}, 1e9) == 0
    step = rented.pilot_plan.estimate.step_tokens
    took = FinishedRun(plan.method, plan.peft, plan.facts.parameters, step, 1.0, pilot=True, memory=1.2)
    machines = tuple(dataclasses.replace(one, finished=(took,)) for one in plan.machines)
    before, after = rented.estimate, dataclasses.replace(rented, machines=machines).estimate
    assert after.memory_bytes.mid == pytest.approx(1.2 * before.memory_bytes.mid)
    assert sum(after.parts.values()) == pytest.approx(after.memory_bytes.mid)
    wide, narrow = (one.memory_bytes.high / one.memory_bytes.low for one in (before, after))
    assert narrow < wide
