"""The most a run can cost: its price times its time limit, rounded up to the minute."""

from __future__ import annotations

import math
from dataclasses import dataclass

from hfft_widgets.core.estimate.estimate import ceiling_usd
from hfft_widgets.core.units import duration_text, usd_text
from hfft_widgets.errors import LaunchError
from hfft_widgets.hub.hardware import hardware
from hfft_widgets.jobs.base import Submission

_DEFAULT_SECONDS = 3600.0  # of what has no time limit of its own


@dataclass(frozen=True)
class CostLimit:
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
        return ceiling_usd(self.usd_per_hour, self.seconds)

    def __str__(self) -> str:
        price = f"${self.usd_per_hour:.2f} an hour"
        return f"at most {usd_text(self.usd)} ({self.flavor}, {price}, stopped after {duration_text(self.seconds)})"


def ceiling(submission: Submission) -> CostLimit:
    """What a submission can cost at most.

    Raises:
        LaunchError: The flavor is not known, or the time limit makes no sense.
    """
    name = submission.flavor
    offered = hardware()
    machine = offered.flavor(name)
    if machine is None:
        names = ", ".join(flavor.name for flavor in offered.flavors)
        raise LaunchError(f"There is no flavor {name!r} on Hugging Face Jobs.", remedy=f"Choose one of: {names}.")
    given = submission.timeout_seconds
    seconds = _DEFAULT_SECONDS if given is None else given
    if not (math.isfinite(seconds) and seconds > 0):
        raise LaunchError(f"The time limit is {seconds} seconds.", remedy="Give a number above 0.")
    whole = 60.0 * math.ceil(seconds / 60)
    return CostLimit(
        name, machine.gpus, machine.usd_per_hour, whole, submission.fingerprint, offered.source, offered.date
    )


def check_allowed(limit: CostLimit, submission: Submission) -> None:
    """Whether the person allowed to spend that much, for this very plan.

    Raises:
        LaunchError: Not, or for another plan; the message states the price.
    """
    most = submission.target.max_usd
    if most is None:
        raise LaunchError(
            f"This run costs money: {limit}.",
            remedy=f"Allow that with max_usd={limit.usd:.2f}, or plan something smaller.",
        )
    if isinstance(most, bool) or not isinstance(most, (int, float)) or not math.isfinite(most) or most < 0:
        raise LaunchError(f"max_usd is {most!r}.", remedy=f"Give a number of dollars; this run costs {limit}.")
    if submission.target.confirmed not in {None, limit.fingerprint}:
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
