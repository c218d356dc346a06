"""Estimate against actual, of runs that have ended: what later estimates learn from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hfft_widgets.core.run.journal import Journal
from hfft_widgets.jobs.hf import records


@dataclass(frozen=True)
class Actual:
    """One finished run.

    Attributes:
        run_id: Its id.
        flavor: Name of the hardware.
        kind: "training" or "export".
        estimated_seconds: The middle of the estimate, or None.
        seconds: For which it was paid.
        estimated_usd: The middle of the estimate, or None.
        usd: What it cost, or None where the price is not known.
        overhead_seconds: Paid, but not spent training: installation, downloads, push; None: not known.
    """

    run_id: str
    flavor: str
    kind: str
    estimated_seconds: float | None
    seconds: float
    estimated_usd: float | None
    usd: float | None
    overhead_seconds: float | None


def facts_of(journal: Journal, running_seconds: float | None) -> dict[str, Any]:
    """What to keep of a run that has completed: its paid seconds and those of them that were not training."""
    start, end = journal.said.get("start"), journal.said.get("summary") or journal.progress
    if running_seconds is None:
        return {}
    trained = end.seconds - start.seconds if start and end and end.seconds >= start.seconds else None
    overhead = None if trained is None else max(0.0, running_seconds - trained)
    return {"running_seconds": running_seconds, "overhead_seconds": overhead}


def actuals() -> tuple[Actual, ...]:
    """Every completed run that is kept here, the newest first."""
    found = []
    for namespace, job_id, values in records.runs():
        seconds = values.get("running_seconds")
        if (values.get("ended") or {}).get("stage") == "COMPLETED" and isinstance(seconds, (int, float)):
            found.append(_actual(f"jobs:{namespace}/{job_id}", float(seconds), values))
    return tuple(found)


def _actual(run_id: str, seconds: float, values: Mapping[str, Any]) -> Actual:
    estimate = (values.get("plan") or {}).get("estimate") or {}
    price = values.get("usd_per_hour")
    return Actual(
        run_id=run_id,
        flavor=str(values.get("flavor") or ""),
        kind=str(values.get("kind") or ""),
        estimated_seconds=(estimate.get("seconds") or {}).get("mid"),
        seconds=seconds,
        estimated_usd=(estimate.get("usd") or {}).get("mid"),
        usd=None if price is None else price * seconds / 3600,
        overhead_seconds=values.get("overhead_seconds"),
    )


def measured_overheads(flavor: str | None = None) -> tuple[float, ...]:
    """Seconds paid for but not spent training, of completed trainings on Hugging Face Jobs, the newest first.

    Args:
        flavor: Only of this hardware; None: of any.
    """
    return tuple(
        actual.overhead_seconds
        for actual in actuals()
        if actual.kind == "training" and actual.overhead_seconds is not None and flavor in {None, actual.flavor}
    )
