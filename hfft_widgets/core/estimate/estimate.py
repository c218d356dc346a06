"""Memory, time and money of a training, from first principles, as ranges.

`memory.py` adds up the tensors, `time.py` the products, bytes and launches; this module puts ranges around them and
a price on the seconds.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from hfft_widgets.core.estimate.memory import memory_parts
from hfft_widgets.core.estimate.pace import measured_memory, pace_of
from hfft_widgets.core.estimate.time import check_seconds, question_seconds, step_seconds
from hfft_widgets.core.estimate.work import Work
from hfft_widgets.core.plan.hardware import PRICES_DATE, PRICES_SOURCE, Flavor
from hfft_widgets.core.plan.model import ModelFacts

# image pull and installation: billed, and not measured by anybody yet
STARTUP_SECONDS = (180.0, 240.0, 360.0)
_LOCAL_STARTUP_SECONDS = (8.0, 15.0, 40.0)
# bytes of weights that arrive in a second, at best, usually, at worst: from the Hub into a job (a model of 61 GB was
# loaded, trained a little and ended within 8 min 48 s), from a disk; and bytes of the result that are pushed
_FETCHED, _LOADED, _PUSHED = (1e9, 3e8, 1.2e8), (3e9, 1e9, 3e8), (3e8, 1e8, 3e7)
# (low, high) as shares of the middle: nine of ten published points lie inside; with all logits at once, rows
# of mixed length fragment the allocator.
_MEMORY_RANGE, _MEMORY_RANGE_LOGITS = (0.88, 1.15), (0.85, 1.25)
# of 39 decoders, layers taken for a Llama's were a third off at most (tests/bench/data/decoders.json)
_MEMORY_RANGE_ASSUMED = (0.65, 1.4)
# of the very training, its longest rows taken first
_MEMORY_RANGE_PILOT = (0.95, 1.1)
# Hugging Face Jobs stop at their timeout, 30 minutes if none is given; a killed run costs more than a loose limit
_TIMEOUT_MARGIN, _TIMEOUT_LEAST, _TIMEOUT_STEP = 1.25, 1800, 600
# a pilot that takes far longer than it should says enough
_PILOT_LEAST, _PILOT_STEP = 300, 60


@dataclass(frozen=True)
class Range:
    """A figure with its honest bounds."""

    low: float
    mid: float
    high: float

    def scaled(self, factor: float) -> Range:
        """All three times a factor."""
        return Range(self.low * factor, self.mid * factor, self.high * factor)


@dataclass(frozen=True)
class Estimate:
    """What a training takes on one flavor.

    Attributes:
        flavor: The hardware.
        memory_bytes: Peak memory of one device.
        seconds: From the start of billing to the end.
        usd: Price of those seconds.
        steps: Optimizer steps.
        capacity_bytes: Memory of one device.
        parts: Memory by what it holds, in bytes; adds up to the middle of `memory_bytes`.
        prices_source: Where the price is from.
        prices_date: The day of that price, ISO.
        usd_per_hour: That price.
        step_seconds: The middle of what one optimizer step takes.
        startup_seconds: The middle of what is billed before and after the training.
        check_seconds: The middle of what evaluations and questions take.
        step_tokens: Tokens of one optimizer step on one device, padding included.
        correction: What one step took in earlier runs of one's own, as a share of the arithmetic; it is in
            `step_seconds`. 1: none were like it.
        pilot: Whether it is of a pilot.
    """

    flavor: str
    memory_bytes: Range
    seconds: Range
    usd: Range
    steps: int
    capacity_bytes: int
    parts: Mapping[str, float] = field(default_factory=dict)
    prices_source: str = PRICES_SOURCE
    prices_date: str = PRICES_DATE
    usd_per_hour: float = 0.0
    step_seconds: float = 0.0
    startup_seconds: float = 0.0
    check_seconds: float = 0.0
    step_tokens: float = 0.0
    correction: float = 1.0
    pilot: bool = False

    @property
    def fits(self) -> bool:
        """Whether even the high end fits the device."""
        return self.memory_bytes.high <= self.capacity_bytes

    @property
    def timeout_seconds(self) -> int:
        """After so long the job is stopped."""
        return time_limit(self.seconds.high, pilot=self.pilot)

    @property
    def ceiling_usd(self) -> float:
        """The most it can cost: the price times the timeout."""
        return ceiling_usd(self.usd_per_hour, self.timeout_seconds)

    def to_dict(self) -> dict[str, Any]:
        """JSON values."""
        spans = {k: vars(getattr(self, k)) for k in ("memory_bytes", "seconds", "usd")}
        return {
            "flavor": self.flavor,
            **{k: dict(v) for k, v in spans.items()},
            "steps": self.steps,
            "step_seconds": self.step_seconds,
            "startup_seconds": self.startup_seconds,
            "check_seconds": self.check_seconds,
            "step_tokens": self.step_tokens,
            "correction": self.correction,
            "capacity_bytes": self.capacity_bytes,
            "parts": dict(self.parts),
            "timeout_seconds": self.timeout_seconds,
            "ceiling_usd": self.ceiling_usd,
            "usd_per_hour": self.usd_per_hour,
            "prices_source": self.prices_source,
            "prices_date": self.prices_date,
        }


def time_limit(seconds: float, *, pilot: bool = False) -> int:
    """After so many seconds a job is stopped: a quarter above the high end of its estimate, in tens of minutes.

    >>> time_limit(0), time_limit(3000), time_limit(300, pilot=True)
    (1800, 4200, 420)
    """
    least, step = (_PILOT_LEAST, _PILOT_STEP) if pilot else (_TIMEOUT_LEAST, _TIMEOUT_STEP)
    return max(least, step * math.ceil(seconds * _TIMEOUT_MARGIN / step))


def ceiling_usd(usd_per_hour: float, seconds: float) -> float:
    """The most that so many seconds cost, in dollars, rounded up to the cent: a job is billed until it is stopped.

    >>> ceiling_usd(0.4, 1800), ceiling_usd(2.5, 4200)
    (0.2, 2.92)
    """
    return math.ceil(usd_per_hour * seconds / 36 - 1e-9) / 100


def estimate_work(model: ModelFacts, work: Work, flavor: Flavor) -> Estimate:
    """Memory, time and price of the work on a flavor."""
    parts, bounds = _memory(model, work, flavor)
    steps, pace = work.steps_on(flavor.gpus), pace_of(model, work, flavor)
    each = step_seconds(model, work, flavor) * pace.correction
    checks = (check_seconds(model, work, flavor) + question_seconds(model, work, flavor)) * pace.correction
    around = _around(model, work, flavor)
    low, high = _of_sampled(work, pace.low, pace.high)
    trained = steps * each + checks
    seconds = Range(trained * low + around.low, trained + around.mid, trained * high + around.high)
    return Estimate(
        flavor=flavor.name,
        memory_bytes=bounds,
        seconds=seconds,
        usd=seconds.scaled(flavor.usd_per_hour / 3600),
        steps=steps,
        capacity_bytes=flavor.memory_bytes,
        parts=parts,
        prices_source=flavor.prices_source,
        prices_date=flavor.prices_date,
        usd_per_hour=flavor.usd_per_hour,
        step_seconds=each,
        startup_seconds=around.mid,
        check_seconds=checks,
        step_tokens=work.accumulation * work.mean_tokens,
        correction=pace.correction,
        pilot=work.pilot,
    )


def _memory(model: ModelFacts, work: Work, flavor: Flavor) -> tuple[dict[str, float], Range]:
    """By what it holds, and in all: as a pilot measured it, else by the arithmetic."""
    parts = memory_parts(model, work, flavor)
    measured = measured_memory(model, work, flavor)
    if not measured:
        return parts, memory_range(work, math.fsum(parts.values()), assumed=model.assumed)
    parts = {name: size * measured for name, size in parts.items()}
    peak, (low, high) = math.fsum(parts.values()), _MEMORY_RANGE_PILOT
    return parts, Range(peak * low, peak, peak * high)


def _around(model: ModelFacts, work: Work, flavor: Flavor) -> Range:
    """Seconds before and after the training: the machine, the model's bytes, and the push of the result."""
    weights = 2 * model.parameters
    if flavor.startup_seconds:
        before = flavor.startup_seconds  # of earlier runs: fetching and pushing are in them
    elif flavor.usd_per_hour:
        before = _arriving(STARTUP_SECONDS, weights, _FETCHED)
    else:
        before = _arriving(_LOCAL_STARTUP_SECONDS, weights, _LOADED)
    if work.pushed and not flavor.startup_seconds:
        # the result, and the newest checkpoint with two moments: earlier ones are pushed while it trains
        before = _arriving(before, 4 * work.trained(model) * (1 + 3), _PUSHED)
    return Range(*before)


def _arriving(
    seconds: tuple[float, float, float], size: float, rates: tuple[float, float, float]
) -> tuple[float, float, float]:
    low, mid, high = (spent + size / rate for spent, rate in zip(seconds, rates, strict=True))
    return low, mid, high


def _of_sampled(work: Work, low: float, high: float) -> tuple[float, float]:
    """The bounds once the tokens themselves are an estimate."""
    return low / (1 + work.tokens_error), high * (1 + work.tokens_error)


def memory_range(work: Work, peak: float, *, assumed: bool = False) -> Range:
    """The bounds around a peak in bytes; `assumed`: of a model whose layers are not known."""
    mixed = work.full_logits and work.tokens_per_row < work.max_length
    low, high = _MEMORY_RANGE_ASSUMED if assumed else _MEMORY_RANGE_LOGITS if mixed else _MEMORY_RANGE
    return Range(peak * low, peak, peak * high)


def dominated(estimates: Iterable[Estimate]) -> set[str]:
    """Names of the flavors that another one, which fits, beats in time without being dearer, or in price."""
    fitting = [e for e in estimates if e.fits]
    return {e.flavor for e in fitting if any(_beats(other, e) for other in fitting)}


def _beats(one: Estimate, other: Estimate) -> bool:
    pairs = ((one.usd.mid, other.usd.mid), (one.seconds.mid, other.seconds.mid))
    return all(a <= b for a, b in pairs) and any(a < b for a, b in pairs)
