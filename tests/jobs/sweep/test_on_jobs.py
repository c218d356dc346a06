"""A sweep on the stand-in Hub: one limit for all, beside each other, the weak one ended, the best one found."""

from __future__ import annotations

import dataclasses

import pytest

import hfft_widgets as hfft
from hfft_widgets import samples
from hfft_widgets.core.plan.plan import TrainingPlan
from hfft_widgets.errors import LaunchError
from hfft_widgets.jobs import index, sweep
from tests.jobs.conftest import PRELUDE, until
from tests.jobs.far import backend

# it trains nothing, and says what trainings say: the loss goes down by the learning rate
SCORED = """
rate = {rate}
for step in range(0, 41, 4):
    tell("eval", step=step, total_steps=40, metrics={{"eval_loss": 3.0 - rate * step}})
    time.sleep(0.1)
if rate < 0.01:
    time.sleep(60)
tell("end", step=40, total_steps=40)
"""


@pytest.fixture
def plan(hub, sample_folders, monkeypatch):
    monkeypatch.setattr(index, "HOSTS", {"jobs": "none"})
    monkeypatch.setattr(index, "backend", lambda host: far)
    monkeypatch.setattr(sweep, "_LOOK_SECONDS", 0.1)
    script = property(lambda plan: PRELUDE + SCORED.format(rate=plan.settings.learning_rate))
    monkeypatch.setattr(TrainingPlan, "script", script)
    far = backend()
    report = hfft.validate("sample:messages", model="sample:model")
    made = hfft.plan_training(
        "sample:model", report, method="SFT", flavor="t4-small", push_to="user/tuned", max_steps=40
    )
    hub.add_model(samples.model(), "user/tiny-llama")
    hub.add_dataset("user/talk", rows=[{"prompt": "Hi", "completion": "Hello"}])
    data = dataclasses.replace(made.data, reference={"path": "user/talk", "name": None, "split": "train"})
    yield made.with_values(model="user/tiny-llama", data=data)
    far.close()


@pytest.mark.ci
def test_weak_jobs_are_ended_and_the_best_is_named_within_one_limit(plan, hub):
    swept = plan.sweep("learning_rate", [0.05, 0.02, 0.001])
    most = sweep.most_usd(swept)
    assert most == pytest.approx(swept.ceiling_usd)
    with pytest.raises(LaunchError, match=r"can cost up to .* in all, and .* is allowed"):
        hfft.launch(swept, max_usd=most - 0.01)
    with pytest.raises(LaunchError, match="nobody said what it may cost"):
        hfft.launch(swept)
    assert len(hub.jobs) == 0
    run = hfft.launch(swept, max_usd=most)
    seen = []
    run.follow(lambda one: seen.append(one.complete))
    assert len(hub.jobs) == 3  # beside each other
    run.wait(timeout=90)
    assert run.error is None
    assert run.complete
    until(lambda: seen and seen[-1])  # it is told of the end, too
    stages = [row["stage"] for row in run.to_dict()["rows"]]  # of the second it depends on who is how far
    assert (stages[0], stages[2]) == ("COMPLETED", "ended early")
    assert (run.best_value, run.best.output) == (0.05, run.runs[0].output)
    assert run.cost_usd <= most
    assert [one.plan["push_to"] for one in run.runs] == [
        f"user/tuned-learning-rate-{value}" for value in ("0.05", "0.02", "0.001")
    ]
    again = hfft.launch(swept, max_usd=most)
    assert [one.id for one in again.runs] == [one.id for one in run.runs]
    assert len(hub.jobs) == 3
