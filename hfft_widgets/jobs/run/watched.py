"""What a run is and how it goes: its plan, curves, pace, health, verdict, and what went wrong."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hfft_widgets.core.method import METHODS, Method
from hfft_widgets.core.run.curves import Group, groups
from hfft_widgets.core.run.diagnosis import Diagnosis, diagnose
from hfft_widgets.core.run.forecast import Forecast, forecast
from hfft_widgets.core.run.health import Best, Sign, best, health
from hfft_widgets.core.run.history import MetricHistory
from hfft_widgets.core.run.pace import Pace, pace
from hfft_widgets.core.run.ran import EVENT, as_it_ran
from hfft_widgets.core.run.stage import Stage
from hfft_widgets.core.run.stall import Limits, Stall, stall
from hfft_widgets.core.run.verdict import TrainingVerdict, verdict
from hfft_widgets.errors import HubError, RunNotFoundError
from hfft_widgets.jobs.base import Submission
from hfft_widgets.jobs.run import names
from hfft_widgets.jobs.run.reader import RunReader

if TYPE_CHECKING:
    from hfft_widgets.core.run.events import Event
    from hfft_widgets.hub.repos import Pushed
    from hfft_widgets.hub.streams.metrics import HardwareMetrics


class WatchedRun(RunReader):
    """What there is to know of a run; every property looks at it by itself."""

    # ---- What it is ----

    @property
    def id(self) -> str:
        """Backend and name, e.g. `local:20261122-135301-8000a1b2`."""
        return f"{self._backend.name}:{self._job_id}"

    @cached_property
    def submission(self) -> Submission:
        """What was submitted."""
        return self._backend.submission(self._job_id)

    @property
    def known(self) -> Submission | None:
        """What was submitted, or None where that cannot be read: deleted before anybody asked, or not now."""
        try:
            return self._as_it_ran
        except (RunNotFoundError, HubError, OSError):
            return None

    @property
    def _as_it_ran(self) -> Submission:
        """What was submitted, with what an edited script told of itself, and the name that a person gave it."""
        made, name = self.submission, names.of(self.id)
        plan = as_it_ran(made.plan, self._journal.data(EVENT))
        if plan is made.plan:
            return replace(made, title=name) if name else made
        return replace(made, plan=plan, title=name or str(plan["title"]))

    @property
    def kind(self) -> str:
        """`training` or `export`."""
        return self.submission.kind

    @property
    def title(self) -> str:
        """A short name for people: what `rename` gave it, else what it does."""
        return self._as_it_ran.title

    @property
    def plan(self) -> Mapping[str, Any]:
        """The plan as JSON values; where its script was edited, with what that script told it really trains."""
        return self._as_it_ran.plan

    @property
    def fingerprint(self) -> str:
        """What is trained or exported: a later launch of it, at another price say, has the same."""
        return self.submission.fingerprint

    @property
    def attempt(self) -> int:
        """Which launch of its fingerprint it is, from 1."""
        return self.submission.attempt

    @property
    def is_local(self) -> bool:
        """Whether it runs on this machine."""
        return self._backend.is_local

    @property
    def script(self) -> str:
        """The source that runs."""
        return self.submission.script

    # ---- How it is going ----

    @property
    def stage(self) -> Stage:
        """Where it stands, in one word."""
        return self.status.stage

    @property
    def waiting(self) -> str:
        """Why it waits for its turn on this machine, in a sentence; "" where it does not."""
        return self.status.waiting

    @property
    def history(self) -> MetricHistory:
        """The curves: `run.history["loss"]` is a tuple of points."""
        return self.journal.history

    @property
    def curves(self) -> tuple[Group, ...]:
        """Which of its metrics share a plot, the most telling one first; those of its method come before others."""
        method = self._method
        return groups(self.history, method.curves if method else ())

    @property
    def _method(self) -> Method | None:
        known = self.known
        return METHODS.get(str(known.plan.get("method"))) if known and known.kind == "training" else None

    @property
    def log(self) -> str:
        """The last lines of its output, without the event lines."""
        return self.journal.log

    @property
    def pace(self) -> Pace:
        """Step, total steps, fraction done, and seconds left where they are known."""
        status = self.status
        return pace(self.journal, status.stage, status.now or time.time())

    @property
    def stall(self) -> Stall | None:
        """That it does not go on as it did: for how long, and what to do; None while all is as usual."""
        status, journal = self.status, self.journal
        now = status.now or time.time()
        began = status.started or status.created
        # a script far away has a clock of its own: there, silence is what was heard here, by this clock alone
        silent = now - max(journal.heard, began) if self.is_local else time.monotonic() - self._heard
        limits = self._limits(now - status.started) if status.started else Limits()
        found = stall(journal, status.stage, silent_seconds=silent, waiting_seconds=now - began, limits=limits)
        return None if status.waiting else found

    def _limits(self, running_seconds: float) -> Limits:
        """What ends it where nobody does."""
        known = self.known
        if known is None:
            return Limits()
        total = known.timeout_seconds
        return Limits(known.stall_seconds, None if total is None else total - running_seconds)

    @property
    def health(self) -> tuple[Sign, ...]:
        """What is not well with it, the gravest first, by its curves so far; empty while all is, and of exports."""
        method = self._method
        return health(method, self.history, self.pace.fraction or 1.0) if method else ()

    @property
    def best(self) -> Best | None:
        """Its best evaluation on held-out rows, beside the last one; None before the second."""
        return best(self._method, self.history) if self._method else None

    @property
    def forecast(self) -> Forecast | None:
        """Where its loss on held-out rows most likely ends, with a band; None of too few points, or once it is done."""
        if self._method is None or self._method.generates or self.stage is not Stage.RUNNING:
            return None
        return forecast(self.history.get("eval_loss", ()), self.pace.total_steps)

    @property
    def best_checkpoint(self) -> Path | None:
        """The checkpoint of its best evaluation, for `hfft.plan_export`, say; None if it is not on this machine."""
        found, output = self.best, self.output
        folder = output / f"checkpoint-{found.step}" if found and output else None
        return folder if folder and (folder / "trainer_state.json").is_file() else None

    @property
    def verdict(self) -> TrainingVerdict | None:
        """Whether it taught anything, of a training that is complete: both models on the same held-out rows.

        None while it runs, of a run that ended early, and of exports.
        """
        method = self._method
        if method is None or self.stage is not Stage.COMPLETED:
            return None
        told = self.journal.said.get("proof")
        if self._judged is None or self._judged[0] is not told:  # drawing a thousand samples takes a while
            self._judged = told, verdict(told.data if told else {}, best=self.best, learned=method.learned)
        return self._judged[1]

    _judged: tuple[Event | None, TrainingVerdict] | None = None

    @property
    def cost_usd(self) -> float | None:
        """Money spent so far; None where it is not known."""
        return self.status.cost_usd

    @property
    def use(self) -> HardwareMetrics | None:
        """What it uses of its machine's processor, memory and GPUs now; None where that is not known."""
        return self._backend.hardware_metrics(self._job_id)

    @property
    def disk_bytes(self) -> int:
        """What is kept of it on this machine's disk; raises RunNotFoundError."""
        return self._backend.disk_bytes(self._job_id)

    @property
    def pushed(self) -> Pushed | None:
        """What it pushed to the Hub so far; None if nothing. Raises HubError."""
        return self._backend.pushed(self._job_id)

    @property
    def output(self) -> Path | None:
        """The folder on this machine that it wrote to, or None if it has written nothing here."""
        given = self.status.output
        if given is None:
            return None
        own = Path(given).parent
        folder = own / str(self.journal.data("end").get("output_dir") or given)
        with contextlib.suppress(OSError, ValueError):  # ValueError: a name with a null in it
            inside = folder.resolve().is_relative_to(own.resolve())  # what a script prints may name any folder
            return folder if inside and any(folder.iterdir()) else None
        return None

    @property
    def diagnosis(self) -> Diagnosis | None:
        """What went wrong, why, and what to do next; None if nothing did."""
        status = self.status
        if not status.stage.final:
            return None
        journal, known = self.journal, self.known
        return diagnose(
            status.stage,
            exit_code=status.exit_code,
            error=journal.data("error"),
            log=journal.log,
            message=status.message,
            kind=known.kind if known else "training",
            plan=known.plan if known else {},
        )

    @property
    def error(self) -> str | None:
        """What went wrong, in words; None if nothing did."""
        found = self.diagnosis
        return None if found is None else str(found)
