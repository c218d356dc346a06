"""A sweep that runs: every run by the one door of all launches, weak ones ended early, the best one found."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from importlib import import_module
from math import isfinite
from typing import TYPE_CHECKING, Any

from hfft_widgets.core.card import Detail, HasCard, figure_of, with_card
from hfft_widgets.core.plan.sweep import Sweep
from hfft_widgets.core.run.weak import weak
from hfft_widgets.core.units import usd_text
from hfft_widgets.errors import HfftError, HubError, LaunchError, RunError
from hfft_widgets.jobs import index, money
from hfft_widgets.jobs.base import Submission
from hfft_widgets.jobs.money import guards
from hfft_widgets.jobs.submission import job_target, submission

if TYPE_CHECKING:
    import pandas as pd

    from hfft_widgets.jobs.money import Allowance
    from hfft_widgets.jobs.run import Run

_LOOK_SECONDS = 1.0


class SweepRun(HasCard):
    """The runs of a sweep: on this machine one after the other, on Jobs beside each other.

    A thread starts the next one and ends weak ones while this process lives. Runs that were started go on without it;
    `hfft.launch` of the same sweep takes them up again and starts what is left, nothing twice.

    Args:
        sweep: What runs.
        submissions: What to launch for each of its plans.
        allowance: What a person allowed.
    """

    def __init__(self, sweep: Sweep, submissions: tuple[Submission, ...], allowance: Allowance) -> None:
        self.sweep = sweep
        self.error: HfftError | None = None
        self._submissions = submissions
        self._allowance = allowance
        self._runs: list[Run | None] = [None] * len(submissions)
        self._early: set[int] = set()
        self._followers: list[Callable[[SweepRun], None]] = []
        self._lock = threading.Lock()
        threading.Thread(target=self._follow, daemon=True, name="hfft-sweep").start()

    @property
    def runs(self) -> tuple[Run, ...]:
        """Those that were started."""
        return tuple(run for run in self._runs if run is not None)

    @property
    def complete(self) -> bool:
        """Whether nothing runs, and nothing is left to start."""
        started = all(run is not None for run in self._runs) or self.error is not None
        return started and all(run.complete for run in self.runs)

    @property
    def cost_usd(self) -> float:
        """What they cost so far."""
        return sum(run.cost_usd or 0.0 for run in self.runs)

    @property
    def best(self) -> Run | None:
        """The run with the best held-out score so far; None before there is one."""
        at = self._best
        return None if at is None else self._runs[at]

    @property
    def best_value(self) -> Any:
        """The value of the setting that it had; None before there is one."""
        at = self._best
        return None if at is None else self.sweep.values[at]

    @property
    def _best(self) -> int | None:
        found = {at: score for at in range(len(self._runs)) if (score := self._score(at)) is not None}
        if not found:
            return None
        return (max if self._higher else min)(found, key=lambda at: found[at])

    def refresh(self) -> SweepRun:
        """Look at all of them, end weak ones, start what can start."""
        with self._lock:
            self._end_weak()
            if self.error is None:
                try:
                    self._start()
                except HfftError as error:
                    self.error = error
        return self

    def wait(self, timeout: float | None = None) -> SweepRun:
        """Wait until all have ended; an interrupt ends the waiting, not the runs.

        Args:
            timeout: Seconds after which to return in any case; None: never.
        """
        deadline = float("inf") if timeout is None else time.monotonic() + timeout
        while not self.refresh().complete and time.monotonic() < deadline:
            time.sleep(_LOOK_SECONDS / 4)
        return self

    def follow(self, look: Callable[[SweepRun], None]) -> None:
        """Call this about once a second while it goes on, and a last time at its end, in its own thread."""
        self._followers.append(look)
        if self.complete:
            look(self)

    def cancel(self) -> SweepRun:
        """End those that run, and start none of the others."""
        with self._lock:
            self.error = self.error or RunError("The sweep was ended.", remedy="Launch it again, and it goes on.")
        for run in self.runs:
            run.cancel()
        return self

    def table(self) -> pd.DataFrame:
        """A row for each value: its run, stage, best held-out score and the step of it, seconds and cost."""
        rows = [{self.sweep.setting: row["value"], **_without(row, "value", "curve")} for row in self._rows()]
        return import_module("pandas").DataFrame(rows)

    def figure(self) -> Any:
        """Held-out scores of all runs over the steps, as a `plotly.graph_objects.Figure`."""
        return figure_of(self)

    def to_dict(self, detail: Detail = "plain") -> dict[str, Any]:
        """JSON values."""
        at = self._best
        planned = self.sweep.to_dict()
        rows = [{**was, **now} for was, now in zip(planned["rows"], self._rows(), strict=True)]
        values = {
            **planned, "rows": rows, "complete": self.complete, "cost_usd": self.cost_usd,
            "best": None if at is None else rows[at]["value"], "error": str(self.error) if self.error else None,
        }  # fmt: skip
        return values if detail == "plain" else with_card(values)

    def _rows(self) -> list[dict[str, Any]]:
        return [self._row(at, value) for at, value in enumerate(self.sweep.to_dict()["rows"])]

    def _row(self, at: int, planned: dict[str, Any]) -> dict[str, Any]:
        run, curve = self._runs[at], self._curve(at)
        score = self._score(at)
        return {
            "value": planned["value"],
            "run": run.id if run else None,
            "stage": "not started" if run is None else "ended early" if at in self._early else str(run.stage),
            self.sweep.metric: score,
            "step": next((step for step, value in curve if value == score), None),
            "cost_usd": (run.cost_usd if run else None) or 0.0,
            "curve": [list(point) for point in curve],
        }

    @property
    def _higher(self) -> bool:
        return self.sweep.metric == "eval_reward"

    def _curve(self, at: int) -> list[tuple[int, float]]:
        run = self._runs[at]
        points = run.history.get(self.sweep.metric, ()) if run else ()
        return [(point.step, point.value) for point in points if isfinite(point.value)]

    def _score(self, at: int) -> float | None:
        """The best score of a run after its first step."""
        scores = [score for step, score in self._curve(at) if step > 0]
        return (max if self._higher else min)(scores, default=None)

    def _start(self) -> None:
        for at, asked in enumerate(self._submissions):
            run = self._runs[at]
            if run is None:
                run, _ = index.launch_once(asked, self._allowance, 1)
                self._runs[at] = run
            if not self.sweep.is_paid and not run.complete:
                return  # this machine has one place

    def _end_weak(self) -> None:
        curves = {at: self._curve(at) for at in range(len(self._runs))}
        for at, run in enumerate(self._runs):
            if run is None or at in self._early or run.complete:
                continue
            if weak(curves, at, self.sweep.plans[at].estimate.steps, higher=self._higher):
                self._early.add(at)
                run.cancel(timeout=0)

    def _follow(self) -> None:
        complete = False
        while not complete:
            complete = self.complete
            with contextlib.suppress(HubError, RunError, OSError):  # the next look follows
                self.refresh()
                for look in self._followers:
                    look(self)
            time.sleep(_LOOK_SECONDS)


def launch_sweep(
    sweep: Sweep,
    prepared: Callable[[Any], Any],
    *,
    max_usd: float | None = None,
    namespace: str = "",
    stall_minutes: float | None = None,
    unheld_code: bool = False,
) -> SweepRun:
    """Start a sweep within one ceiling for all of its runs.

    Args:
        sweep: What to run.
        prepared: What a plan goes through before its launch.
        max_usd: The most all of them may cost together; needed where they cost.
        namespace: Who owns and pays the jobs.
        stall_minutes: After so long without progress a run is stopped; None: at its time limit.
        unheld_code: Whether code that the model writes may run on this machine where nothing holds it.

    Raises:
        LaunchError: It was not started; nothing runs. Without `max_usd` the message says what it costs.
    """
    asked = tuple(
        guards.accepting(_asked(prepared(plan), namespace, stall_minutes), unheld_code=unheld_code)
        for plan in sweep.plans
    )
    if ceilings := _ceilings(asked):
        _check_limit(sum(ceilings), max_usd)
        asked = tuple(
            replace(one, target=replace(one.target, max_usd=usd)) for one, usd in zip(asked, ceilings, strict=True)
        )
    return SweepRun(sweep, asked, money.from_environment()).refresh()


def most_usd(sweep: Sweep, namespace: str = "") -> float:
    """The most all runs of a sweep can cost, at today's price; 0 where nothing is paid.

    Raises:
        LaunchError: They cannot run there.
    """
    return sum(_ceilings([_asked(plan, namespace, None) for plan in sweep.plans]))


def _ceilings(asked: Sequence[Submission]) -> list[float]:
    """Of each run; [] where nothing is paid."""
    paid = index.paid_backend(index.backend_for(asked[0].flavor))
    return [paid.ceiling(one).usd for one in asked] if paid else []


def _asked(plan: Any, namespace: str, stall_minutes: float | None) -> Submission:
    target = job_target(plan, index.backend_for(plan.flavor), namespace=namespace)
    return submission(plan, target, stall_minutes=stall_minutes)


def _check_limit(usd: float, max_usd: float | None) -> None:
    if max_usd is not None and not isinstance(max_usd, bool) and usd <= max_usd + 1e-9:
        return
    said = "nobody said what it may cost" if max_usd is None else f"{usd_text(max_usd)} is allowed"
    raise LaunchError(
        f"The sweep can cost up to {usd_text(usd)} in all, and {said}.",
        why="That is the price of each run times its time limit, if none is ended early.",
        remedy=f"Launch it with max_usd={usd:.2f} or more, or with fewer values or steps.",
    )


def _without(values: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name not in names}
