"""What a ceiling must be."""

from __future__ import annotations

from typing import Any

from hfft_widgets.teaching.checks import Judge

USD_PER_HOUR, MINUTES = 0.40, 45
SMALL_USD = 0.05


def ceiling(dollars: Any) -> list[str]:
    """Price per hour times time limit."""
    if isinstance(dollars, bool) or not isinstance(dollars, (int, float)):
        return [f"This is a {type(dollars).__name__}. Give the dollars as a number."]
    right = USD_PER_HOUR * MINUTES / 60
    if abs(dollars - right) <= 0.005:
        return []
    if abs(dollars - USD_PER_HOUR) <= 0.005:
        return ["This is the price of a whole hour. The job is stopped earlier."]
    if abs(dollars - USD_PER_HOUR * MINUTES) <= 0.5:
        return ["This is the price per hour times the minutes. How many hours are 45 minutes?"]
    return [f"It is {'more' if dollars > right else 'less'} than the job can cost."]


def own_ceiling(limit: Any) -> list[str]:
    """A limit of a real plan that is small enough for a lesson."""
    usd = getattr(limit, "usd", None)
    if usd is None:
        return [f"This is a {type(limit).__name__}. Give the limit: limit, checks = hfft.preflight(plan)."]
    if usd > SMALL_USD:
        return [
            f"At most ${usd:.2f}: more than the ${SMALL_USD:.2f} of a lesson. Plan fewer steps: plan.within(usd=0.05)."
        ]
    return []


CHECKS: dict[str, Judge] = {"hf_jobs-ex1": ceiling, "hf_jobs-ex1-own": own_ceiling}
