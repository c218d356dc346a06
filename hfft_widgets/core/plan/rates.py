"""Learning rates and intervals that suit a method, and how many steps fit a limit."""

from __future__ import annotations

from collections.abc import Callable, Container
from typing import TYPE_CHECKING

from hfft_widgets.core.units import duration_text, usd_text
from hfft_widgets.errors import PlanError

if TYPE_CHECKING:
    from hfft_widgets.core.plan.training import TrainingPlan

TINY = 5e7  # parameters; below, other rules hold: such a model is a toy that learns in a minute

# TRL 1.16's own defaults for full training; reward models as in its example scripts
_RATES = {"SFT": 2e-5, "DPO": 1e-6, "KTO": 1e-6, "Reward": 1e-5, "GRPO": 1e-6, "RLOO": 1e-6}
# measured on the samples: for SFT 5e-4 learns, from 1.5e-3 on it stays on a plateau
_TINY_RATES = {"SFT": 5e-4, "DPO": 2e-5, "KTO": 2e-5, "Reward": 5e-5, "GRPO": 2e-5, "RLOO": 2e-5}
# setting -> into how many parts it divides a training
INTERVALS = {"logging_steps": 100, "eval_steps": 6, "save_steps": 4}


def usual_rate(method: str, peft: str, parameters: int) -> float:
    """The learning rate for a method: adapters bear about ten times that of all weights.

    >>> usual_rate("SFT", "none", 600_000_000), usual_rate("SFT", "lora", 600_000_000)
    (2e-05, 0.0002)
    """
    if parameters < TINY:
        return _TINY_RATES[method] * (2 if peft == "lora" else 1)
    return float(f"{_RATES[method] * (10 if peft == 'lora' else 1):.0e}")


def with_intervals(plan: TrainingPlan, fixed: Container[str] = ()) -> TrainingPlan:
    """About 100 points on a curve, six evaluations, four checkpoints, whatever the length; `fixed` ones stay."""
    steps = plan.estimate.steps
    wanted = {name: max(1, steps // parts) for name, parts in INTERVALS.items() if name not in fixed}
    return plan.with_values(**wanted)


def within(plan: TrainingPlan, seconds: float | None, usd: float | None) -> TrainingPlan:
    """The plan with so many steps as the limits leave room for; the plan itself if all of them do.

    Args:
        plan: The plan.
        seconds: From the start of billing to the end, by the middle of the estimate.
        usd: The most it may cost: price times timeout.

    Raises:
        PlanError: Not even one step fits.
    """

    def fits(steps: int) -> bool:
        e = plan.with_values(max_steps=steps).estimate
        return (seconds is None or e.seconds.mid <= seconds) and (usd is None or e.ceiling_usd <= usd + 1e-9)

    if fits(plan.estimate.steps):
        return plan
    if not fits(1):
        shortest = plan.with_values(max_steps=1).estimate
        takes = f"{duration_text(shortest.seconds.mid)}, and {usd_text(shortest.ceiling_usd)} at most"
        raise PlanError(
            f"Not even one step on {plan.flavor} stays within the limit: it takes {takes}.",
            why="A machine is paid for while it starts, and a limit of less than half an hour ends runs too early.",
            remedy="Allow more, or choose a cheaper flavor.",
        )
    return plan.replace(max_steps=_last(fits, 1, plan.estimate.steps))


def _last(holds: Callable[[int], bool], low: int, high: int) -> int:
    """The last number for which it holds, between one for which it does and one for which it does not."""
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if holds(middle) else (low, middle)
    return low
