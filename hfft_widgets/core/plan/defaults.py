"""Values that suit a training: the learning rate of a method, intervals, steps within a limit, and the batch.

The batch is the one that is done soonest of those that fit a card, with the effective batch kept: every step learns
from as many rows, wherever it runs. A larger batch launches fewer kernels, and is padded more.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Container

from hfft_widgets.core.data.held_out import held_out_rows
from hfft_widgets.core.estimate.estimate import Estimate
from hfft_widgets.core.method import METHODS
from hfft_widgets.core.plan.workload import Trained, Training
from hfft_widgets.core.units import duration_text, plural, usd_text
from hfft_widgets.errors import PlanError

TINY = 5e7  # parameters; below, other rules hold: such a model is a toy that learns in a minute
# so little later is not worth a smaller batch
_AS_SOON = 1.02
# setting -> into how many parts it divides a training
INTERVALS = {"logging_steps": 100, "eval_steps": 6, "save_steps": 4}


def usual_rate(method: str, peft: str, parameters: int) -> float:
    """The learning rate for a method: adapters bear about ten times that of all weights.

    >>> usual_rate("SFT", "none", 600_000_000), usual_rate("SFT", "lora", 600_000_000)
    (2e-05, 0.0002)
    """
    if parameters < TINY:
        return METHODS[method].tiny_rate * (1 if peft == "none" else 2)
    return float(f"{METHODS[method].rate * (1 if peft == 'none' else 10):.0e}")


def rate_after(training: Training, method: str, peft: str) -> float:
    """The learning rate once method or adapters change: the usual one follows, one that a person chose stays."""
    own, parameters = training.settings.learning_rate, training.facts.parameters
    return (
        usual_rate(method, peft, parameters) if own == usual_rate(training.method, training.peft, parameters) else own
    )


def held_out(rows: int, parameters: int) -> int:
    """How many of the rows are kept apart, to see whether it learned.

    >>> held_out(47_780, 600_000_000), held_out(500, 600_000_000), held_out(5, 600_000_000)
    (100, 50, 1)
    """
    return held_out_rows(rows, 200 if parameters < TINY else 100)


def held_out_after(training: Training, first: object) -> int:
    """How many rows are kept apart once only the first so many are used: one's own number stays, where it can."""
    own, parameters = training.settings.eval_rows, training.facts.parameters
    rows = min(training.data.rows, first) if isinstance(first, int) else training.data.rows
    return held_out(rows, parameters) if own >= rows or own == held_out(training.rows, parameters) else own


def with_intervals(training: Trained, fixed: Container[str] = ()) -> Trained:
    """About 100 points on a curve, six evaluations, four checkpoints, whatever the length; `fixed` ones stay."""
    steps = training.estimate.steps
    wanted = {name: max(1, steps // parts) for name, parts in INTERVALS.items() if name not in fixed}
    return training.with_values(**wanted)


# ---- steps within a limit ------------------------------------------------------------------------


def steps_within(
    training: Training, with_steps: Callable[[int], Training], seconds: float | None, usd: float | None
) -> int:
    """As many optimizer steps as the limits leave room for; those of the whole training if all of them do.

    Args:
        training: The training.
        with_steps: The training with so many steps, and what follows from that.
        seconds: From the start of billing to the end, by the middle of the estimate.
        usd: The most it may cost: price times timeout.

    Raises:
        PlanError: Not even one step fits.
    """

    def holds(e: Estimate) -> bool:
        return (seconds is None or e.seconds.mid <= seconds) and (usd is None or e.ceiling_usd <= usd + 1e-9)

    def fits(steps: int) -> bool:
        return holds(with_steps(steps).estimate)

    steps = training.estimate.steps
    if holds(training.estimate):
        return steps
    if fits(1):
        return _last(fits, 1, steps)
    shortest = with_steps(1).estimate
    takes = f"{duration_text(shortest.seconds.mid)}, and {usd_text(shortest.ceiling_usd)} at most"
    raise PlanError(
        f"Not even one step on {training.flavor} stays within the limit: it takes {takes}.",
        why="A machine is paid for while it starts, and a limit of less than half an hour ends runs too early.",
        remedy="Allow more, or choose a cheaper flavor.",
    )


def _last(holds: Callable[[int], bool], low: int, high: int) -> int:
    """The last number for which it holds, between one for which it does and one for which it does not."""
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if holds(middle) else (low, middle)
    return low


# ---- the batch -----------------------------------------------------------------------------------


def accumulation_for(training: Training, batch_size: int, effective: int, devices: int) -> int:
    """Micro steps per optimizer step, so that all cards together reach the effective batch.

    Where answers are generated, those to one prompt are compared with each other: TRL asks that a step hold all of
    them, that is batch x cards x accumulation a multiple of `num_generations` (trl 1.16, GRPOConfig.__post_init__).
    """
    together = batch_size * devices
    if not training.trainer.generates:
        return max(1, round(effective / together))
    step = training.settings.num_generations // math.gcd(training.settings.num_generations, together)
    return step * max(1, round(effective / (together * step)))


def batched(training: Trained, effective: int, flavor: str = "", *, fixed: int = 0, accumulation: int = 0) -> Trained:
    """The training with the batch that fits its card and is done soonest; with the least one if none fits.

    Args:
        training: The training.
        effective: Rows behind one optimizer step, on all cards together.
        flavor: Where it shall run; "": where it does.
        fixed: The only batch to take; 0: what is done soonest.
        accumulation: The only accumulation to take; 0: what reaches the effective batch.
    """
    name = flavor or training.flavor
    devices = training.machine(name).devices
    step = training.trainer.least_batch
    if accumulation and training.trainer.generates:  # the batch alone must make a step hold all answers
        count = training.settings.num_generations
        step = count // math.gcd(count, accumulation * devices)
    top = max(step, effective // (devices * (accumulation or 1)))
    sizes = {fixed} if fixed else {top // step * step, *(step * 2**n for n in range((top // step).bit_length()))}
    ways = [
        training.with_values(
            flavor=name, batch_size=size,
            accumulation=accumulation or accumulation_for(training, size, effective, devices),
        )
        for size in sorted(sizes, reverse=True)
    ]  # fmt: skip
    fitting = [way for way in ways if way.estimate.fits]
    if not fitting:
        return ways[-1]
    took = [way.estimate.steps * way.estimate.step_seconds for way in fitting]
    return next(way for way, seconds in zip(fitting, took, strict=True) if seconds <= min(took) * _AS_SOON)


def check_answers(training: Training) -> None:
    """Refuse a step that does not hold all answers to its prompts, as TRL would.

    Raises:
        PlanError: It does not; the remedy says what to choose.
    """
    s, together = training.settings, training.effective_batch_size
    if not training.trainer.generates or together % s.num_generations == 0:
        return
    devices = training.hardware.devices
    counts = [n for n in range(2, 17) if together % n == 0]
    other = f", or num_generations={max(counts)}" if counts else ""
    raise PlanError(
        f"A step of {training.method} holds {together} answers, which is no multiple of the {s.num_generations} that "
        "are compared with each other.",
        why=f"batch_size {s.batch_size} x accumulation {s.accumulation} x {plural(devices, 'card')} must hold all "
        "answers to a prompt.",
        remedy=f"Choose accumulation={accumulation_for(training, s.batch_size, together, devices)}{other}.",
    )
