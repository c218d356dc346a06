"""What the steps of finished runs took, on this machine and on Jobs: later estimates are corrected by it.

A small file for each run, which stays when the run is deleted.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hfft_widgets import folders
from hfft_widgets.core.estimate.pace import finished_run, memory_share
from hfft_widgets.core.plan.hardware import FinishedRun, Flavor
from hfft_widgets.core.run.events import Event
from hfft_widgets.core.run.journal import Journal
from hfft_widgets.jobs.local.supervisor import read_json, write_json

_KEPT = 300  # the newest


def keep(run_id: str, plan: Mapping[str, Any], journal: Journal) -> None:
    """Keep what the steps of a completed training took; of other runs nothing. Raises OSError.

    Args:
        run_id: Its id.
        plan: The plan's values.
        journal: All that it told.
    """
    start, end = journal.said.get("start"), journal.said.get("summary") or journal.progress
    path = _folder() / f"{hashlib.sha256(run_id.encode()).hexdigest()[:16]}.json"
    if path.exists() or start is None or end is None or journal.resumes or plan.get("recorded"):
        return  # a recording was made elsewhere
    found = _pilot(plan, journal) if plan.get("pilot") else _whole(plan, start, end)
    if found is None:
        return
    _folder().mkdir(mode=0o700, parents=True, exist_ok=True)
    write_json(path, {"flavor": str(plan.get("flavor") or ""), **dataclasses.asdict(found)})
    for old in sorted(_folder().glob("*.json"), key=lambda one: one.stat().st_mtime, reverse=True)[_KEPT:]:
        old.unlink(missing_ok=True)


def _whole(plan: Mapping[str, Any], start: Event, end: Event) -> FinishedRun | None:
    return finished_run(plan, (end.step or 0) - (start.step or 0), end.seconds - start.seconds)


def _pilot(plan: Mapping[str, Any], journal: Journal) -> FinishedRun | None:
    """By the steps from the second on: the first one warms up on the longest rows, and evaluations stand before it."""
    points = journal.history.get("loss", ())[1:]
    if not points:
        return None
    alone = {**plan, "estimate": {**(plan.get("estimate") or {}), "check_seconds": 0.0}}
    found = finished_run(alone, points[-1].step - points[0].step, points[-1].seconds - points[0].seconds)
    held = max((point.value for point in journal.history.get("gpu_memory_bytes", ())), default=0.0)
    return found and dataclasses.replace(found, memory=memory_share(plan, held))


def finished_on(flavors: tuple[Flavor, ...]) -> tuple[Flavor, ...]:
    """The machines, each with the finished runs on its kind of card."""
    found = _kept()
    cards = {flavor.name: _card(flavor) for flavor in flavors}
    return tuple(
        dataclasses.replace(
            flavor, finished=tuple(run for name, run in found if cards.get(name) == _card(flavor))
        )
        for flavor in flavors
    )  # fmt: skip


def _card(flavor: Flavor) -> tuple[str, int]:
    """What decides how fast a machine computes; processors differ from host to host."""
    return (flavor.gpu or flavor.name, flavor.gpus)


def _kept() -> list[tuple[str, FinishedRun]]:
    """(name of the hardware, what it took) of every run; what cannot be read is left out."""
    found = []
    for path in _folder().glob("*.json"):
        values = dict(read_json(path) or {})
        flavor = str(values.pop("flavor", ""))
        with contextlib.suppress(TypeError):  # written by another version
            found.append((flavor, FinishedRun(**values)))
    return found


def _folder() -> Path:
    return folders.data("step_times")
