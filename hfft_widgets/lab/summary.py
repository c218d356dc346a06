"""A run in the few values that a panel shows of it."""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite
from typing import TYPE_CHECKING, Any

from hfft_widgets.cards.run import doing
from hfft_widgets.core.run.curves import drawn
from hfft_widgets.core.run.stage import Stage
from hfft_widgets.core.units import short, usd_text

if TYPE_CHECKING:
    from hfft_widgets.jobs.run import Run

SPARK_POINTS = 40
ERROR_CHARACTERS = 300
REASON_CHARACTERS = 100  # a notification of JupyterLab has room for 140 characters in all


def summary(run: Run) -> dict[str, Any]:
    """What it is, where it stands, since when, and its first curve, as JSON values.

    They change only when the run does: ages are for the page to count. Of a job that has ended the output is not
    fetched again, so its curve is not there.

    Raises:
        RunNotFoundError: It was deleted meanwhile.
        HubError: It was never seen, and the Hub does not answer.
    """
    status = run.status
    seen = run.is_local or not status.stage.final
    stalled = seen and run.stall is not None
    values = {
        "id": run.id,
        "title": run.title,
        "kind": run.kind,
        "host": "local" if run.is_local else "jobs",
        "stage": str(status.stage),
        "live": not status.stage.final,
        "unconfirmed": status.unconfirmed,
        "waiting": status.waiting,
        "can_begin": status.can_begin,
        "stalled": stalled,
        "goes_on_from": _goes_on_from(run),
        "created": round(status.created, 1),
        "started": status.started,
        "finished": status.finished,
        "cost": usd_text(status.cost_usd) if status.cost_usd else "",
        "page": status.page,
        **(_progress(run) if seen else _UNSEEN),
        **({"seconds_left": None} if stalled else {}),
        "error": short(run.error if seen and run.error else status.message, ERROR_CHARACTERS),
        "reason": short(_reason(run), REASON_CHARACTERS) if seen else "",
        "verdict": _verdict(run) if seen else None,
    }
    icon, words = doing(values)
    return {**values, "icon": icon, "words": words}


def _goes_on_from(run: Run) -> int | None:
    """From which step a run of this machine that ended too early would go on."""
    if not run.is_local or not run.stage.final or run.stage in {Stage.COMPLETED, Stage.DELETED}:
        return None
    return run.checkpoint_step


_UNSEEN: dict[str, Any] = {
    "step": None, "total_steps": None, "fraction": None, "seconds_left": None, "message": "", "metric": "", "spark": [],
    "stalled": None, "note": "",
}  # fmt: skip


def _verdict(run: Run) -> dict[str, str] | None:
    """Whether it learned."""
    found = run.verdict
    return {"outcome": found.outcome, "title": found.title, "words": found.words} if found else None


def _reason(run: Run) -> str:
    """Why it failed, in a few words: what is known of it, else what the script said."""
    found = run.diagnosis
    if found is None:
        return ""
    return found.cause if found.name else found.evidence or found.cause


def _progress(run: Run) -> dict[str, Any]:
    pace, metric = run.pace, next((group.names[0] for group in run.curves), "")
    stall = run.stall
    points = drawn(run.history, [metric], SPARK_POINTS).get(metric, [])
    return {
        "step": pace.step,
        "total_steps": pace.total_steps,
        "fraction": None if pace.fraction is None else round(pace.fraction, 3),
        "seconds_left": None if stall else _roughly(pace.seconds_left),
        "message": run.journal.doing,
        "stalled": _roughly(stall.seconds) if stall else None,
        "note": stall.words if stall else "",
        "metric": metric,
        "spark": [[step, value] for step, value in points if isfinite(float(value))],
    }


def _roughly(seconds: float | None) -> int | None:
    """As it is known: by ten seconds, then by minutes, so that it stays the same for a while.

    >>> _roughly(42.0), _roughly(3.0), _roughly(312.0), _roughly(None)
    (40, 10, 300, None)
    """
    if seconds is None:
        return None
    return max(10, 10 * round(seconds / 10)) if seconds < 60 else 60 * round(seconds / 60)


def is_settled(run: Run, values: Mapping[str, Any]) -> bool:
    """Whether its summary stays as it is: it has ended, and what it wrote here was read."""
    return not values["live"] and (run.complete or not run.is_local)
