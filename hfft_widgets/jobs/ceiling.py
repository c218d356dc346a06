"""The most a run can cost: its price times its time limit, rounded up to the minute."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hfft_widgets.core.units import duration_text, usd_text
from hfft_widgets.errors import LaunchError
from hfft_widgets.hub.hardware import hardware
from hfft_widgets.jobs.base import Submission

_SLACK = 1.5  # times the high end of the estimate, which nobody has measured on Jobs yet
_LEAST_SECONDS = 900.0
_DEFAULT_SECONDS = 3600.0


@dataclass(frozen=True)
class Ceiling:
    """What a run can cost at most.

    Attributes:
        flavor: Name of the hardware.
        gpus: Its GPUs.
        usd_per_hour: Its price.
        seconds: The time limit, rounded up to the minute.
        fingerprint: The plan this was worked out for; a changed plan needs a new one.
        source: Where the price is from.
        date: The day of that price.
    """

    flavor: str
    gpus: int
    usd_per_hour: float
    seconds: float
    fingerprint: str
    source: str
    date: str

    @property
    def usd(self) -> float:
        """The most it can cost, rounded up to the cent."""
        return math.ceil(self.usd_per_hour * self.seconds / 36 - 1e-9) / 100

    def __str__(self) -> str:
        price = f"${self.usd_per_hour:.2f} an hour"
        return f"at most {usd_text(self.usd)} ({self.flavor}, {price}, stopped after {duration_text(self.seconds)})"


def time_limit(plan: Mapping[str, Any]) -> float:
    """A time limit for a plan: half more than the high end of its estimate, whole minutes, at least 15.

    >>> time_limit({"estimate": {"seconds": {"high": 3000.0}}})
    4500.0
    """
    told = plan.get("estimate")
    high = told.get("seconds", {}).get("high") if isinstance(told, Mapping) else None
    seconds = float(high) * _SLACK if isinstance(high, (int, float)) else _DEFAULT_SECONDS
    return 60.0 * math.ceil(max(_LEAST_SECONDS, seconds) / 60)


def ceiling(submission: Submission) -> Ceiling:
    """What a submission can cost at most.

    Raises:
        LaunchError: The flavor is not known, or the time limit makes no sense.
    """
    name = submission.paid.flavor if submission.paid else ""
    offered = hardware()
    machine = offered.flavor(name)
    if machine is None:
        names = ", ".join(flavor.name for flavor in offered.flavors)
        raise LaunchError(f"There is no flavor {name!r} on Hugging Face Jobs.", remedy=f"Choose one of: {names}.")
    told = submission.timeout_seconds
    seconds = time_limit(submission.plan) if told is None else told
    if not (math.isfinite(seconds) and seconds > 0):
        raise LaunchError(f"The time limit is {seconds} seconds.", remedy="Give a number above 0.")
    whole = 60.0 * math.ceil(seconds / 60)
    return Ceiling(
        name, machine.gpus, machine.usd_per_hour, whole, submission.fingerprint, offered.source, offered.date
    )


def check_allowed(limit: Ceiling, submission: Submission) -> None:
    """Whether the person allowed to spend that much, for this very plan.

    Raises:
        LaunchError: Not, or for another plan; the message states the price.
    """
    paid = submission.paid
    most = paid.max_usd if paid else None
    if most is None:
        raise LaunchError(
            f"This run costs money: {limit}.",
            remedy=f"Allow that with max_usd={limit.usd:.2f}, or plan something smaller.",
        )
    if isinstance(most, bool) or not isinstance(most, (int, float)) or not math.isfinite(most) or most < 0:
        raise LaunchError(f"max_usd is {most!r}.", remedy=f"Give a number of dollars; this run costs {limit}.")
    if paid and paid.confirmed not in {None, limit.fingerprint}:
        raise LaunchError(
            "The plan has changed since its price was confirmed.",
            why=f"It costs {limit} now.",
            remedy="Look at the price and confirm it again.",
        )
    if most < limit.usd - 1e-9:
        raise LaunchError(
            f"This run may cost more than the {usd_text(most)} allowed: {limit}.",
            remedy="Allow more with max_usd=, set a shorter timeout_seconds, or choose a cheaper flavor.",
        )
