"""Trying before a training is paid for: its reward, its script, and ten of its steps."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any, TypeVar

from hfft_widgets.core.method import METHODS
from hfft_widgets.core.reward_trial import RewardTrial
from hfft_widgets.errors import PlanError

if TYPE_CHECKING:
    from hfft_widgets.core.data.report import ValidationReport
    from hfft_widgets.core.dry_run import DryRun
    from hfft_widgets.core.plan.plan import TrainingPlan
    from hfft_widgets.jobs.run import Run

_ROWS, _CODE_ROWS = 32, 6  # code runs in processes of its own
_CODE = "passes_tests"

RewardFunction = Callable[..., Sequence[float | None]]


def try_reward(
    reward: TrainingPlan | RewardFunction | str | Sequence[RewardFunction | str],
    data: TrainingPlan | ValidationReport | Sequence[Mapping[str, Any]] | None = None,
    *,
    weights: Sequence[float] | None = None,
) -> RewardTrial:
    """What a reward pays for right answers and for wrong ones: nothing, the question again, another row's answer ...

    >>> def polite(completions, **kwargs):
    ...     return [float("please" in str(completion)) for completion in completions]
    >>> rows = [{"prompt": f"What comes after {n}?", "answer": str(n + 1)} for n in range(20)]
    >>> try_reward(polite, rows).passed, try_reward("correct", rows).passed
    (False, True)

    Args:
        reward: A plan, whose own rewards are tried; or a function as GRPO takes it, a name of ours, or several.
        data: The rows, which hold the right answers: a plan, a report, or dicts. A plan as `reward` brings its own.
        weights: Of several functions; a plan's own, and else 1.0, if not given.

    Returns:
        What was paid for each, and why the reward must not be used, if so.

    Raises:
        PlanError: There are no rows, no such reward, or nothing here can hold the code that a reward runs.
    """
    from hfft_widgets.core.plan.plan import TrainingPlan
    from hfft_widgets.scripts.reward_trial import try_rewards

    if isinstance(reward, TrainingPlan):
        names, functions, usual = _of_plan(reward)
        data, weights = data if data is not None else reward, weights or usual
    else:
        given = [reward] if isinstance(reward, str) or callable(reward) else list(reward)
        functions = [_function(one) if isinstance(one, str) else one for one in given]
        names = [getattr(function, "__name__", "reward") for function in functions]
    rows = _rows_of(data, _CODE_ROWS if _CODE in names else _ROWS)
    if _CODE in names and not _held():
        raise PlanError(
            "The reward passes_tests cannot be tried here: nothing on this machine can hold the code that it runs.",
            remedy="Install bubblewrap (bwrap), or work in a container.",
        )
    found = try_rewards(functions, weights, rows)
    return RewardTrial(
        rewards=tuple(names),
        data=getattr(getattr(data, "data", data), "name", "the rows given"),
        rows=found["rows"],
        form=found["form"],
        right=tuple(found["right"]),
        wrong={kind: tuple(paid) for kind, paid in found["wrong"].items()},
        problems=tuple(found["problems"]),
    )


Plan = TypeVar("Plan")


def tried(plan: Plan) -> Plan:
    """A plan with its reward tried, where it has one that can be tried here and was not."""
    from hfft_widgets.core.plan.plan import TrainingPlan

    if not isinstance(plan, TrainingPlan) or not plan.trainer.generates or plan.reward_trial is not None:
        return plan
    try:
        trial = try_reward(plan)
    except PlanError:  # no rows are at hand, or nothing holds code: it stays untried, and the plan says so
        return plan
    return dataclasses.replace(plan, trial=trial)


def how_code_is_held(plan: TrainingPlan) -> str:
    """How code that the model writes will be held where the plan runs, in a sentence; "" if none runs."""
    from hfft_widgets.core.plan.recipe import rewards
    from hfft_widgets.jobs.money import guards

    if _CODE not in rewards(plan):
        return ""
    if plan.flavor != "local":
        return guards.ON_JOBS
    way = guards.how_code_is_held()
    return f"Code that the model writes is held here by {way}." if way else "Nothing here can hold code: it is asked."


def dry_run(plan: TrainingPlan, progress: Callable[[int, int], None] | None = None) -> DryRun:
    """The plan's very script as far as its first step, see `TrainingPlan.dry_run`."""
    from hfft_widgets.jobs.local import dry_run as trying

    return trying.dry_run(plan.script, plan.to_dict(), plan.fingerprint, progress)


def measured(plan: TrainingPlan, run: Run) -> TrainingPlan:
    """The plan with what its pilot measured, see `TrainingPlan.after_pilot`."""
    from hfft_widgets.core.plan.rehearsal import measured_words
    from hfft_widgets.core.plan.settings import Reason, moving
    from hfft_widgets.jobs.step_times import finished_on

    if run.fingerprint != plan.pilot_plan.fingerprint:
        raise PlanError(f"{run.id} is no pilot of this plan.", remedy="Give the run that plan.pilot() returned.")
    run.refresh()
    if not run.complete:
        raise PlanError(f"The pilot {run.id} has not ended.", remedy="Wait for it: run.wait().")
    if run.stage != "COMPLETED":
        found = run.diagnosis
        said, remedy = (found.cause, found.remedy) if found else (run.error or str(run.stage), "Look at run.log.")
        raise PlanError(f"The pilot {run.id} did not reach its end: {said}", remedy=remedy)
    found_on = dataclasses.replace(plan, machines=finished_on(plan.machines))
    memory = max((float(point.value) for point in run.history.get("gpu_memory_bytes", ())), default=None)
    about = ("flavor", "batch_size", "accumulation", "max_length", "method", "peft")
    words = measured_words(found_on.estimate.step_seconds, memory)
    return dataclasses.replace(
        found_on, reasons=(*plan.reasons, Reason(words, about, "", (*moving("time"), *moving("memory"))))
    )


def _of_plan(plan: TrainingPlan) -> tuple[list[str], list[RewardFunction], list[float]]:
    from hfft_widgets.core.plan.recipe import rewards
    from hfft_widgets.core.plan.settings import REWARDS

    names = list(rewards(plan))
    if not names:
        raise PlanError(f"{plan.method} uses no reward.", remedy="Rewards are of GRPO and RLOO alone.")
    return names, [_function(name) for name in names], [REWARDS[name].weight for name in names]


def _function(name: str) -> RewardFunction:
    from hfft_widgets.core.plan.settings import REWARDS

    if name not in REWARDS:
        raise PlanError(f"There is no reward {name!r}.", remedy=f"Choose one of {', '.join(REWARDS)}, or a function.")
    found: RewardFunction = getattr(import_module(f"hfft_widgets.scripts.{REWARDS[name].module}"), name)
    return found


def _rows_of(data: Any, count: int) -> list[dict[str, Any]]:
    from hfft_widgets.core.data.report import ValidationReport
    from hfft_widgets.core.plan.plan import TrainingPlan

    if isinstance(data, TrainingPlan):
        rows = data.data.examples
    elif isinstance(data, ValidationReport):
        scored = next(name for name, method in METHODS.items() if method.generates)
        rows = tuple(data.rows_for(scored, count))
    else:
        rows = tuple(data) if isinstance(data, Sequence) and not isinstance(data, str) else ()
    if not rows:
        raise PlanError(
            "There are no rows to try the reward on.",
            remedy="Give a report (hfft.validate), a plan made from one, or a list of rows with 'prompt' and 'answer'.",
        )
    return [dict(row) for row in rows[:count]]


def _held() -> bool:
    from hfft_widgets.scripts.code_rewards import way_to_hold

    return bool(way_to_hold() or os.environ.get("HFFT_UNHELD_CODE"))
