"""What must hold before a training starts, whoever starts it: code is held, and a reward that is paid for was tried."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from hfft_widgets.core.plan.hardware import host_of
from hfft_widgets.errors import LaunchError, UnheldCodeError
from hfft_widgets.jobs.base import Submission

UNHELD = "HFFT_UNHELD_CODE"
"""Variable by which a person accepts that code runs unheld on this machine."""

ON_JOBS = (
    "Answers are code. On the job's machine they are held by bubblewrap, by namespaces or by a user without rights, "
    "whichever works there first. If none does, the job ends before it loads anything, and says so."
)


def runs_code(plan: Mapping[str, Any]) -> bool:
    """Whether a plan's rewards run code that the model writes."""
    return "passes_tests" in plan.get("rewards", ())


def how_code_is_held() -> str:
    """How it would be held on this machine, in words; "" if nothing holds it."""
    from hfft_widgets.scripts.code_rewards import WAYS, way_to_hold

    return WAYS.get(way_to_hold(), "")


def accepting(submission: Submission, *, unheld_code: bool) -> Submission:
    """The submission with what a person accepted for this machine; a job may never run code unheld."""
    if not unheld_code or host_of(submission.flavor) != "local":
        return submission
    return replace(submission, environment={**submission.environment, UNHELD: "1"})


def check_held(submission: Submission) -> None:
    """Refuse to run code on this machine that nothing holds, unless a person accepted it.

    Raises:
        UnheldCodeError: Nothing holds it.
    """
    if not runs_code(submission.plan) or UNHELD in {**os.environ, **submission.environment} or how_code_is_held():
        return
    raise UnheldCodeError(
        "Nothing on this machine can hold the code that the model writes.",
        why="Neither bubblewrap, nor namespaces, nor a user without rights works here: the code could read and delete "
        "your files.",
        remedy="Install bubblewrap (bwrap), work in a container, or choose other rewards. If you accept the risk: "
        "hfft.launch(plan, unheld_code=True).",
    )


def check_reward(submission: Submission) -> None:
    """Refuse to pay for a training whose reward was not tried, or teaches the wrong thing.

    Raises:
        LaunchError: So it is.
    """
    if not submission.plan.get("rewards"):
        return
    trial = submission.plan.get("reward_trial")
    if trial is None:
        raise LaunchError(
            "The reward was not tried, and this launch would cost money.",
            why="A reward that cannot tell right answers from wrong ones teaches nothing, at the same price.",
            remedy="Make the plan from a report, so there are rows to try it on, and look at hfft.try_reward(plan).",
        )
    if trial["problems"]:
        raise LaunchError(
            f"The reward {' + '.join(trial['rewards'])} would teach the wrong thing.",
            why=". ".join(trial["problems"]) + ".",
            remedy="Choose other rewards (correct is the strictest), and try them with hfft.try_reward(plan).",
        )
