"""The batch that fits a card, with the effective batch kept: every step learns from as many rows, wherever it runs."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from hfft_widgets.core.plan.work import GENERATING

if TYPE_CHECKING:
    from hfft_widgets.core.plan.flavors import Flavor
    from hfft_widgets.core.plan.training import TrainingPlan

# KTO estimates how far the model has moved from the mismatched pairs of a batch: one row makes none
LEAST_BATCH = {"KTO": 2}


def cards(flavor: Flavor) -> int:
    """Devices that share a step; a machine without a GPU is one."""
    return max(1, flavor.gpus)


def accumulation_for(plan: TrainingPlan, batch_size: int, effective: int, devices: int) -> int:
    """Micro steps per optimizer step, so that all cards together reach the effective batch.

    GRPO and RLOO compare the answers to one prompt with each other: TRL asks that a step hold all of them, that is
    batch x cards x accumulation a multiple of `num_generations` (trl 1.16, GRPOConfig.__post_init__).
    """
    together = batch_size * devices
    if plan.method not in GENERATING:
        return max(1, round(effective / together))
    step = plan.settings.num_generations // math.gcd(plan.settings.num_generations, together)
    return step * max(1, round(effective / (together * step)))


def batched(
    plan: TrainingPlan, effective: int, flavor: str = "", *, fixed: int = 0, accumulation: int = 0
) -> TrainingPlan:
    """The plan with the largest batch that fits its card; with the least one if none does.

    Args:
        plan: The plan.
        effective: Rows behind one optimizer step, on all cards together.
        flavor: Where it shall run; "": where it does.
        fixed: The only batch to take; 0: the largest that fits.
        accumulation: The only accumulation to take; 0: what reaches the effective batch.
    """
    name = flavor or plan.flavor
    devices = cards(plan.machine(name))
    least = LEAST_BATCH.get(plan.method, 1)
    step = least
    if accumulation and plan.method in GENERATING:  # the batch alone must make a step hold all answers
        count = plan.settings.num_generations
        step = count // math.gcd(count, accumulation * devices)
    top = max(step, effective // (devices * (accumulation or 1)))
    sizes = {fixed} if fixed else {top // step * step, *(step * 2**n for n in range((top // step).bit_length()))}
    for size in sorted(sizes, reverse=True):
        steps = accumulation or accumulation_for(plan, size, effective, devices)
        candidate = plan.with_values(flavor=name, batch_size=size, accumulation=steps)
        if candidate.estimate.fits:
            break
    return candidate


def generation_problem(plan: TrainingPlan) -> str:
    """What TRL would refuse about a step of GRPO or RLOO, with what to choose instead; "" if nothing."""
    s, together = plan.settings, plan.effective_batch_size
    if plan.method not in GENERATING or together % s.num_generations == 0:
        return ""
    fitting = accumulation_for(plan, s.batch_size, together, cards(plan.hardware))
    counts = [n for n in range(2, 17) if together % n == 0]
    other = f", or num_generations={max(counts)}" if counts else ""
    return f"Choose accumulation={fitting}{other}."
