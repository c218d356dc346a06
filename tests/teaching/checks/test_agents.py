"""Refusals are judged plan by plan, a task by what it leaves open."""

from __future__ import annotations

import pytest

import hfft_widgets as hfft
from hfft_widgets.teaching.checks import agents

TASK = "Fine-tune Qwen/Qwen3-0.6B on my-team/support-chats, spend at most $2 and push it to my-team/support-bot."


def test_the_plans_that_are_refused_are_those_not_to_be_signed():
    plans = hfft.samples.agent_plans()
    assert set(agents.WRONG_WITH) == {name for name, plan in plans.items() if not plan.sign}
    assert agents.refusals(agents.WRONG_WITH) == []


@pytest.mark.parametrize(
    ("refused", "says"),
    [
        ({}, "Plan A: no reason yet."),
        ({**agents.WRONG_WITH, "A": "Ceiling ", "D": "ceiling"}, "Plan D: not yet the reason."),
        ({**agents.WRONG_WITH, "B": "bad"}, "'bad' is none of the words"),
        ({**agents.WRONG_WITH, "C": "model"}, "Plan C is the good one"),
        (["A"], "This is a list."),
    ],
)
def test_what_is_wrong_is_said(refused, says):
    assert says in agents.refusals(refused)[0]


def test_nothing_that_is_said_at_first_is_the_answer():
    said = " ".join(agents.refusals({}))
    assert not any(reason in said.casefold() for reason in agents.WRONG_WITH.values())


def test_a_task_leaves_nothing_open():
    assert agents.whole_task(TASK) == []
    assert agents.whole_task("Fine-tune a model.") == list(agents._NEEDED.values())
    assert "no limit" in agents.whole_task(TASK.replace(", spend at most $2", ""))[0]
    assert "This is a int" in agents.whole_task(3)[0]
