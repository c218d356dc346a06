"""What must hold before a run starts, whoever starts it.

Code is held, a reward that is paid for was tried, and a file goes to a new repository, or where a person agreed.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from hfft_widgets.core.plan.hardware import host_of
from hfft_widgets.errors import ExistingRepositoryError, LaunchError, UnheldCodeError
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


def destination(submission: Submission) -> str:
    """What a person should know of the repository that an export's file goes to; "" of a new one, or an empty one.

    Raises:
        HubError: The Hub cannot be asked.
    """
    repo = submission.plan.get("push_to")
    if submission.kind != "export" or not repo:
        return ""
    from hfft_widgets.hub import repos
    from hfft_widgets.hub.token import find_token

    there = repos.pushed(find_token(), str(repo))
    if there is None or (there.private and not there.holds_something):
        return ""
    seen = "private" if there.private else "public: everybody can see and download what goes there"
    return f"{repo} exists, and is {seen}."


def check_destination(submission: Submission) -> None:
    """Refuse to put a file into a repository that exists, unless a person agreed.

    Raises:
        ExistingRepositoryError: It exists.
        HubError: The Hub cannot be asked.
    """
    if submission.into_existing or not (known := destination(submission)):
        return
    raise ExistingRepositoryError(
        known,
        why="The file would be put beside what is there; nothing is replaced, and a README of your own stays as it is.",
        remedy="Choose a new name. If you want it there: hfft.launch(plan, into_existing=True), or "
        "`hfft launch --into-existing` at a prompt.",
    )
