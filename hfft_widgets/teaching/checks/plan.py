"""What a plan must be that costs little, fits a small card, and keeps its effective batch."""

from __future__ import annotations

from typing import Any

from hfft_widgets.core.estimate.estimate import Estimate
from hfft_widgets.core.plan.plan import TrainingPlan
from hfft_widgets.core.units import bytes_text, usd_text
from hfft_widgets.teaching.checks import Judge, kind_problem

EFFECTIVE_BATCH = 16
MOST_USD = 1.0
MOST_BYTES = 8e9
ADAPTER_BYTES = 200e6
RANK_STEP_BYTES = 3e6  # a little more than one rank needs, in a model of 0.6 billion parameters


def small_plan(plan: Any) -> list[str]:
    """Effective batch 16, at most 8 GB, a ceiling of at most a dollar, on a machine that costs."""
    problems = affordable_plan(plan)
    if isinstance(plan, TrainingPlan):
        if not plan.estimate.usd_per_hour:
            problems.append("This plan runs on your own machine. Choose one that costs, e.g. flavor='t4-small'.")
        if plan.estimate.memory_bytes.high > MOST_BYTES:
            most = bytes_text(plan.estimate.memory_bytes.high)
            problems.append(f"It can take {most}; 8 GB are there. What fills the memory most?")
    return problems


def affordable_plan(plan: Any) -> list[str]:
    """The same for data and a machine of one's own: it fits its card, whatever card that is."""
    wrong = kind_problem(plan, TrainingPlan, "hfft.plan_training(model, report)")
    if wrong:
        return wrong
    problems = []
    batch = plan.effective_batch_size
    if batch != EFFECTIVE_BATCH:
        problems.append(f"The effective batch is {batch}, and not {EFFECTIVE_BATCH}: rows at a time, times how often.")
    if plan.estimate.ceiling_usd > MOST_USD:
        ceiling = usd_text(plan.estimate.ceiling_usd)
        problems.append(f"It can cost {ceiling}: that is the ceiling. Which method of a plan sets a limit?")
    if not plan.estimate.fits:
        problems.append("It does not surely fit the card. Which setting makes the activations smaller?")
    return problems


def highest_rank(estimate: Any) -> list[str]:
    """Adapters just below 200 MB: one rank more would be above."""
    wrong = kind_problem(estimate, Estimate, "hfft.estimate(SMALL, lora_r=...)")
    if wrong:
        return wrong
    size = estimate.parts.get("adapters", 0.0)
    if not size:
        return ["Here all weights are trained: there is no adapter. Give a rank above 0."]
    if size >= ADAPTER_BYTES:
        return [f"The adapters need {bytes_text(size)}. That is too much: a lower rank needs less."]
    if size < ADAPTER_BYTES - RANK_STEP_BYTES:
        return [f"The adapters need {bytes_text(size)}. There is room for a higher rank."]
    return []


CHECKS: dict[str, Judge] = {"plan-ex1": small_plan, "plan-ex1-own": affordable_plan, "plan-ex2": highest_rank}
