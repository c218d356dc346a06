"""A run as JSON values: how it stands at one moment."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from hfft_widgets.core.card import Detail, with_card
from hfft_widgets.core.estimate.estimate import ceiling_usd
from hfft_widgets.core.run.curves import drawn, json_number

if TYPE_CHECKING:
    from hfft_widgets.core.run.events import Event
    from hfft_widgets.core.run.forecast import Forecast
    from hfft_widgets.core.run.history import Point
    from hfft_widgets.hub.repos import Pushed
    from hfft_widgets.jobs.base import Submission

_MOST_SAMPLES = 5  # a script asks three


def values_of(run: Any, detail: Detail, pushed: Pushed | None) -> dict[str, Any]:
    """What `Run.to_dict` gives, of a `Run` (whose module imports this one)."""
    status, pace, history = run.status, run.pace, run.history
    now, final, page = status.now or time.time(), status.stage.final, status.page
    use = None if final or not page else run.use
    stall, best = run.stall, run.best
    verdict, known = run.verdict, run.known
    title, plan = (known.title, known.plan) if known else (run.id, {})
    rented = bool(page) or plan.get("flavor", "local") != "local"
    paid = status.finished is not None and status.started is not None and rented
    values = {
        "kind": "run",
        "id": run.id,
        "title": title,
        "stage": status.stage,
        "step": pace.step,
        "total_steps": pace.total_steps,
        "seconds": (status.finished or now) - (status.started or status.created),
        "since": status.started or status.created,
        "heard": None if final else status.heartbeat,
        "seconds_left": None if stall else pace.seconds_left,
        "left_range": None if stall else pace.left_range,
        "tokens_per_second": None if final else pace.tokens_per_second,
        "last_point": None if final else pace.last_point,
        "ceiling_usd": _ceiling(known) if rented and known else None,
        "stalled": stall.seconds if stall else None,
        "stall_seconds": known.stall_seconds if known else None,
        "age_seconds": None if final or status.heartbeat is None else max(0.0, now - status.heartbeat),
        "running_seconds": (status.finished or 0) - (status.started or 0) if paid else None,
        "message": run.journal.doing,
        "error": run.error,
        "waiting": status.waiting,
        "note": "" if final else " ".join(filter(None, (stall.words if stall else "", status.waiting, status.message))),
        "unconfirmed": status.unconfirmed,
        "recorded": plan.get("recorded"),
        "output": str(run.output) if run.output else None,
        "page": page,
        "pushed": _pushed_values(pushed) if pushed else None,
        "cost_usd": run.cost_usd or None,
        "estimate": dict(plan.get("estimate") or {}),
        "use": dataclasses.asdict(use) if use else None,
        "metrics": {name: _first_and_last(points) for name, points in history.items()},
        "best": dataclasses.asdict(best) | {"kept": run.best_checkpoint is not None} if best else None,
        "health": [dataclasses.asdict(sign) for sign in run.health],
        "verdict": dataclasses.asdict(verdict) if verdict else None,
        "forecast": _forecast_values(run.forecast, run, known),
        "samples": samples_of(run.journal.samples),
        "answers": dict(run.journal.data("answers")),
    }
    if detail == "plain":
        return values
    first = next(iter(run.curves), None)
    return with_card(values, curves=drawn(history, first.names[:2]) if first and final else {})


def _forecast_values(found: Forecast | None, run: Any, known: Submission | None) -> dict[str, Any] | None:
    if found is None:
        return None
    price, left = (known.plan.get("estimate", {}).get("usd_per_hour") if known else None), run.pace.seconds_left
    return dataclasses.asdict(found) | {"words": found.words(price * left / 3600 if price and left else None)}


def _ceiling(known: Submission) -> float | None:
    """The most that a job can cost at the price of its plan; None where nothing says it."""
    usd_per_hour, seconds = known.plan.get("estimate", {}).get("usd_per_hour"), known.timeout_seconds
    return ceiling_usd(float(usd_per_hour), seconds) if usd_per_hour and seconds else None


def samples_of(told: Iterable[Event]) -> list[dict[str, Any]]:
    """For each fixed prompt its answers as they changed: [{"prompt", "answers": [[step, answer], ...]}]."""
    found: dict[str, list[list[Any]]] = {}
    for event in list(told):
        pairs = zip(event.data.get("prompts") or (), event.data.get("answers") or (), strict=False)
        for prompt, answer in pairs:
            answers = found.setdefault(str(prompt)[:500], [])
            if not answers or answers[-1][1] != str(answer)[:500]:
                answers.append([event.step or 0, str(answer)[:500]])
    return [{"prompt": prompt, "answers": answers} for prompt, answers in list(found.items())[:_MOST_SAMPLES]]


def _first_and_last(points: Sequence[Point]) -> list[float | str]:
    return [json_number(point.value) for point in (points[:1] if len(points) == 1 else (points[0], points[-1]))]


def _pushed_values(pushed: Pushed) -> dict[str, Any]:
    size, kept = pushed.size_bytes, pushed.checkpoint
    return {"repo_id": pushed.repo_id, "files": len(pushed.files), "size_bytes": size, "checkpoint": kept}
