"""A reward is tried before it is paid for: from Python, in a plan, and at every launch that costs money."""

from __future__ import annotations

import dataclasses

import pytest

import hfft_widgets as hfft
from hfft_widgets.cards import show
from hfft_widgets.errors import LaunchError, PlanError
from hfft_widgets.jobs.base import JobTarget
from hfft_widgets.jobs.money import guards
from hfft_widgets.jobs.submission import submission
from hfft_widgets.trials import tried

ROWS = [{"prompt": f"What comes after {n}?", "answer": str(n + 1)} for n in range(60)]


def polite(completions, **kwargs):
    return [float("please" in str(completion)) for completion in completions]


@pytest.fixture
def report(sample_folders):
    return hfft.validate(ROWS, model="sample:model")


@pytest.fixture
def plan(report):
    return hfft.plan_training("sample:model", report, method="GRPO", eval_rows=5)


def test_a_plan_comes_with_its_reward_tried(plan):
    trial = plan.reward_trial
    assert trial.passed
    assert trial.rewards == ("correct", "close")
    assert plan.to_dict()["reward_trial"]["problems"] == []
    assert "tells right from wrong" in plan.to_html()
    assert "examples" not in plan.to_dict()["data"]


def test_another_reward_is_another_trial(plan):
    other = plan.replace(rewards=("brief",))
    assert other.reward_trial is None
    trial = hfft.try_reward(other)
    assert not trial.passed
    with pytest.raises(PlanError, match="would teach the wrong thing"):
        trial.check()
    assert "refused" in tried(other).to_html()


@pytest.mark.parametrize("kind", ["report", "plan", "rows"])
def test_ones_own_function_is_tried_on_whatever_holds_rows(report, plan, kind):
    data = {"report": report, "plan": plan, "rows": ROWS}[kind]
    assert not hfft.try_reward(polite, data).passed
    both = hfft.try_reward([polite, "correct"], data, weights=[0.1, 1.0])
    assert both.passed
    assert both.rewards == ("polite", "correct")
    for shown in (str(both), both.to_markdown(), both.to_html(), show(both.to_dict()).to_html()):
        assert "another row" in shown
    assert both.to_html().count('class="hist"') == 2


@pytest.mark.parametrize(("reward", "data"), [("correct", None), ("correct", "a/b"), ("nobody", ROWS), ("correct", [])])
def test_what_cannot_be_tried_is_said(reward, data):
    with pytest.raises(PlanError) as caught:
        hfft.try_reward(reward, data)
    assert caught.value.remedy


def test_what_costs_starts_only_with_a_reward_that_was_tried(plan):
    guards.check_reward(submission(plan, JobTarget()))
    untried = dataclasses.replace(plan, trial=None)
    with pytest.raises(LaunchError, match="was not tried"):
        guards.check_reward(submission(untried, JobTarget()))
    bad = tried(plan.replace(rewards=("brief",)))
    with pytest.raises(LaunchError, match="would teach the wrong thing"):
        guards.check_reward(submission(bad, JobTarget()))


def test_a_script_tells_what_its_own_reward_is_worth_and_ends_where_that_costs(monkeypatch, capsys):
    from hfft_widgets.scripts.reward_trial import check_rewards

    check_rewards([polite], None, ROWS)
    assert '"event": "reward_trial"' in capsys.readouterr().out
    monkeypatch.setenv("HFFT_NEEDS_GPU", "1")
    with pytest.raises(ValueError, match="would teach the wrong thing"):
        check_rewards([polite], None, ROWS)


def test_how_code_is_held_is_said_before_anything_runs(plan, monkeypatch):
    from hfft_widgets.scripts import code_rewards
    from hfft_widgets.trials import how_code_is_held

    assert how_code_is_held(plan) == ""
    data = dataclasses.replace(plan.data, columns=("prompt", "tests"))
    code = dataclasses.replace(plan, data=data)
    monkeypatch.setattr(code_rewards, "way_to_hold", lambda: "namespaces")
    assert "namespaces (unshare)" in how_code_is_held(code)
    monkeypatch.setattr(code_rewards, "way_to_hold", lambda: "")
    assert "it is asked" in how_code_is_held(code)
    assert "ends before it loads anything" in how_code_is_held(code.replace(flavor="t4-small"))
    assert any("apart from your files" in words for words in code.warnings)


# ---- ten real steps --------------------------------------------------------------------------------


class Ended:
    """A run of a pilot that has ended, as far as it is asked."""

    def __init__(self, plan, stage="COMPLETED", complete=True, diagnosis=None):
        self.id, self.fingerprint, self.stage, self.complete = "local:1", plan.pilot_plan.fingerprint, stage, complete
        self.history, self.error, self.diagnosis = {}, "it ended", diagnosis

    def refresh(self):
        return self


@pytest.fixture
def long(sample_folders):
    return hfft.plan_training("sample:model", hfft.validate("sample:messages", model="sample:model"), flavor="local")


def test_a_pilot_that_ended_well_gives_its_reason(long):
    measured = long.after_pilot(Ended(long))
    assert "A pilot of 10 steps took" in str(measured.reasons[-1])
    assert measured.script == long.script or measured.fingerprint == long.fingerprint


@pytest.mark.parametrize(
    ("given", "said"),
    [({"complete": False}, "has not ended"), ({"stage": "ERROR"}, "did not reach its end: it ended")],
)
def test_a_pilot_that_did_not_end_well_says_why(long, given, said):
    with pytest.raises(PlanError, match=said):
        long.after_pilot(Ended(long, **given))


def test_another_run_is_no_pilot_of_this_plan(long):
    with pytest.raises(PlanError, match="no pilot of this plan"):
        long.after_pilot(Ended(long.replace(learning_rate=3e-5)))


@pytest.mark.ci
def test_ten_real_steps_replace_the_range(long, tmp_path, monkeypatch):
    monkeypatch.setenv("HFFT_HOME", str(tmp_path))
    run = long.pilot().wait()
    assert (run.stage, run.pace.step) == ("COMPLETED", 10), run.log
    before, after = long.estimate, long.after_pilot(run).estimate
    assert after.correction != 1
    assert after.seconds.high / after.seconds.low < before.seconds.high / before.seconds.low
