"""Memory, time and money of a training, from first principles, as ranges.

`memory.py` adds up the tensors, `time.py` the products, bytes and launches; this module puts ranges around them and
a price on the seconds.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from hfft_widgets.core.plan.flavors import PRICES_DATE, PRICES_SOURCE, Flavor
from hfft_widgets.core.plan.memory import memory_parts
from hfft_widgets.core.plan.model import ModelFacts
from hfft_widgets.core.plan.time import step_seconds
from hfft_widgets.core.plan.work import Work

# image pull, installation, model and data, push: billed, and not measured by anybody yet
STARTUP_SECONDS = (180.0, 240.0, 360.0)
_LOCAL_STARTUP_SECONDS = (8.0, 15.0, 40.0)
# (low, high) as shares of the middle. Memory: nine of ten published points lie inside; with all logits at once, rows
# of mixed length fragment the allocator. Time: likewise, and wider for cards without a published timing.
_MEMORY_RANGE, _MEMORY_RANGE_LOGITS = (0.88, 1.15), (0.85, 1.25)
_TIME_RANGE, _TIME_RANGE_UNMEASURED = (0.65, 1.55), (0.5, 2.0)
# Hugging Face Jobs stop at their timeout, 30 minutes if none is given; a killed run costs more than a loose limit
_TIMEOUT_MARGIN, _TIMEOUT_LEAST, _TIMEOUT_STEP = 1.25, 1800, 600


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

    @property
    def fits(self) -> bool:
        """Whether even the high end fits the device."""
        return self.memory_bytes.high <= self.capacity_bytes

    @property
    def timeout_seconds(self) -> int:
        """After so long the job is stopped: a quarter above the high end, in tens of minutes, at least half an hour."""
        wanted = self.seconds.high * _TIMEOUT_MARGIN
        return max(_TIMEOUT_LEAST, _TIMEOUT_STEP * math.ceil(wanted / _TIMEOUT_STEP))

    @property
    def ceiling_usd(self) -> float:
        """The most it can cost: the price times the timeout."""
        return self.timeout_seconds * self.usd_per_hour / 3600

    def to_dict(self) -> dict[str, Any]:
        """JSON values."""
        spans = {k: vars(getattr(self, k)) for k in ("memory_bytes", "seconds", "usd")}
        return {
            "flavor": self.flavor,
            **{k: dict(v) for k, v in spans.items()},
            "steps": self.steps,
            "step_seconds": self.step_seconds,
            "startup_seconds": self.startup_seconds,
            "capacity_bytes": self.capacity_bytes,
            "parts": dict(self.parts),
            "timeout_seconds": self.timeout_seconds,
            "ceiling_usd": self.ceiling_usd,
            "usd_per_hour": self.usd_per_hour,
            "prices_source": self.prices_source,
            "prices_date": self.prices_date,
        }


def estimate_work(model: ModelFacts, work: Work, flavor: Flavor) -> Estimate:
    """Memory, time and price of the work on a flavor."""
    parts = memory_parts(model, work, flavor)
    steps, each = work.steps_on(flavor.gpus), step_seconds(model, work, flavor)
    startup = flavor.startup_seconds or (STARTUP_SECONDS if flavor.usd_per_hour else _LOCAL_STARTUP_SECONDS)
    low, high = time_range(flavor)
    seconds = Range(steps * each * low + startup[0], steps * each + startup[1], steps * each * high + startup[2])
    return Estimate(
        flavor=flavor.name,
        memory_bytes=memory_range(work, sum(parts.values())),
        seconds=seconds,
        usd=seconds.scaled(flavor.usd_per_hour / 3600),
        steps=steps,
        capacity_bytes=flavor.memory_bytes,
        parts=parts,
        prices_source=flavor.prices_source,
        prices_date=flavor.prices_date,
        usd_per_hour=flavor.usd_per_hour,
        step_seconds=each,
        startup_seconds=startup[1],
    )


def memory_range(work: Work, peak: float) -> Range:
    """The bounds around a peak in bytes."""
    low, high = _MEMORY_RANGE_LOGITS if work.full_logits else _MEMORY_RANGE
    return Range(peak * low, peak, peak * high)


def time_range(flavor: Flavor) -> tuple[float, float]:
    """The bounds of a training's time, as shares of the middle."""
    return _TIME_RANGE if flavor.measured else _TIME_RANGE_UNMEASURED


def dominated(estimates: Iterable[Estimate]) -> set[str]:
    """Names of the flavors that another one, which fits, beats in time without being dearer, or in price."""
    fitting = [e for e in estimates if e.fits]
    return {e.flavor for e in fitting if any(_beats(other, e) for other in fitting)}


def _beats(one: Estimate, other: Estimate) -> bool:
    pairs = ((one.usd.mid, other.usd.mid), (one.seconds.mid, other.seconds.mid))
    return all(a <= b for a, b in pairs) and any(a < b for a, b in pairs)
