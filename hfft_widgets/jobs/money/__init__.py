"""Whether a launch may cost what it can cost. Every door asks here: widgets, Python, the command line, agents.

| what a person allowed before | the door can ask | it cannot |
|---|---|---|
| covers the most it can cost, and the day's budget | starts | starts |
| does not | the person is asked for exactly that; yes starts it | refused, with how to allow it |

Who calls `hfft.launch(plan, max_usd=...)` or presses a button that names the price is the person, and was asked.
"""

from __future__ import annotations

import math
import os
import time
from dataclasses import dataclass, replace

from hfft_widgets.core.units import usd_text
from hfft_widgets.errors import LaunchError, RunError
from hfft_widgets.hub.preflight import Check
from hfft_widgets.jobs.money import ledger

DAY_SECONDS = 24 * 3600.0
FREE, PERSON, LIMIT = "free", "person", "limit"
_CENT = 1e-9  # what two floats of one sum may differ by
_VARIABLES = {"max_usd": "HFFT_MAX_USD", "day_usd": "HFFT_DAY_USD", "read_only": "HFFT_READ_ONLY"}


@dataclass(frozen=True)
class Yes:
    """A person's yes to one launch.

    Attributes:
        fingerprint: What of.
        attempt: Which launch of it.
        usd: The most it can cost, as the question said.
    """

    fingerprint: str
    attempt: int
    usd: float


@dataclass(frozen=True)
class Allowance:
    """What a person allowed before anything was asked for.

    Attributes:
        max_usd: The most one launch can cost without a question; None: whoever launches is the person.
        day_usd: The most that the launches of 24 hours can cost in all, those of other processes and doors and those
            that failed or were cancelled too; None: `max_usd` for all that were started without a question.
        read_only: Whether nothing may be started or stopped.
        yes: What the person was asked, and agreed to.
    """

    max_usd: float | None = None
    day_usd: float | None = None
    read_only: bool = False
    yes: Yes | None = None

    def __post_init__(self) -> None:
        for name in ("max_usd", "day_usd"):
            value = getattr(self, name)
            if value is not None and not (math.isfinite(value) and value >= 0):
                raise LaunchError(f"{name} is {value!r}.", remedy="It must be a number of dollars, 0 or more.")

    @property
    def spent_usd(self) -> float:
        """What the day's budget counts: all launches of 24 hours; without `day_usd` those nobody was asked for."""
        return ledger.counted_usd(time.time() - DAY_SECONDS, None if self.day_usd is not None else LIMIT)

    @property
    def budget_usd(self) -> float | None:
        """The most that 24 hours can cost without a question; None: as much as the person says."""
        return self.max_usd if self.day_usd is None else self.day_usd

    def agreed(self, fingerprint: str, attempt: int, usd: float) -> Allowance:
        """The same with the person's yes to one launch that can cost so much."""
        return replace(self, yes=Yes(fingerprint, attempt, usd))

    def has_yes(self, fingerprint: str, attempt: int | None) -> bool:
        """Whether the person was asked about this very launch, and agreed."""
        return self.yes is not None and (self.yes.fingerprint, self.yes.attempt) == (fingerprint, attempt)

    def covers(self, usd: float) -> bool:
        """Whether it allows a launch that can cost so much, beside what was launched in the last 24 hours."""
        if self.max_usd is not None and usd > self.max_usd + _CENT:
            return False
        return self.budget_usd is None or self.spent_usd + usd <= self.budget_usd + _CENT

    def check_changes(self, what: str) -> None:
        """Raise RunError where nothing may be started or stopped."""
        if self.read_only:
            error = LaunchError if what.startswith("start") else RunError
            raise error(
                f"Nothing can be {what} here: it was opened for reading only.",
                remedy=f"A person can leave {_VARIABLES['read_only']} and --read-only away.",
            )


def from_environment(*, agent: bool = False) -> Allowance:
    """What the person's environment allows: `HFFT_DAY_USD`, `HFFT_READ_ONLY`, and for an agent `HFFT_MAX_USD`.

    Args:
        agent: Whether the launch may come from a program that decides by itself; its limit is $0 if none is given.

    Raises:
        LaunchError: A variable holds no number.
    """
    read_only = os.environ.get(_VARIABLES["read_only"], "").strip().lower() not in {"", "0", "false", "no"}
    return Allowance((_dollars("max_usd") or 0.0) if agent else None, _dollars("day_usd"), read_only)


def _dollars(name: str) -> float | None:
    text = os.environ.get(_VARIABLES[name], "").strip().removeprefix("$")
    try:
        return float(text) if text else None
    except ValueError:
        raise LaunchError(f"{_VARIABLES[name]} is {text!r}.", remedy="It must be a number of dollars.") from None


def allowed_by(allowance: Allowance, fingerprint: str, attempt: int | None, usd: float) -> str:
    """Who allows a launch that can cost so much: "free", "limit" or "person".

    Raises:
        LaunchError: Nobody; the message says how to allow it.
    """
    yes = allowance.yes
    if usd <= 0:
        return FREE
    if yes is not None and allowance.has_yes(fingerprint, attempt) and usd <= yes.usd + _CENT:
        return PERSON
    if allowance.covers(usd):
        return PERSON if allowance.max_usd is None else LIMIT
    raise not_allowed(allowance, usd)


def check(fingerprint: str, usd: float) -> Check:
    """What the ledger says before a person's own launch: what counts today, and whether their budget covers it."""
    counted = usd_text(ledger.counted_usd(time.time() - DAY_SECONDS))
    found = f"Launches of the last 24 hours count {counted}; `hfft ledger` lists them."
    try:
        allowed_by(from_environment(), fingerprint, None, usd)
    except LaunchError as error:
        return Check("Budget", False, f"{error.what} {error.why}", error.remedy)
    return Check("Budget", True, found)


def not_allowed(allowance: Allowance, usd: float) -> LaunchError:
    """The refusal of a launch that can cost so much, with how to allow it."""
    spent, budget = allowance.spent_usd, allowance.budget_usd or 0.0
    limit = "" if allowance.max_usd is None else f"{usd_text(allowance.max_usd)} for one launch and "
    more = f"--max-usd {_up(max(usd, allowance.max_usd or 0.0))}"
    if spent + usd > max(usd, budget):
        more += f" --day-usd {_up(spent + usd)}"
    return LaunchError(
        f"Not started: it can cost up to {usd_text(usd)}, and nobody allowed that.",
        why=f"Allowed without a question: {limit}{usd_text(budget)} in 24 hours, of which {usd_text(spent)} is used.",
        remedy=f"Only a person can allow it: start the server with {more} (or set HFFT_MAX_USD and HFFT_DAY_USD), use "
        "a client that can ask, or launch the plan in a notebook.",
    )


def _up(usd: float) -> str:
    """Dollars rounded up to the cent, for a command."""
    return f"{math.ceil(usd * 100 - 1e-6) / 100:.2f}"
