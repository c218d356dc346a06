"""One run, wherever it runs: stage, curves, log, end; and a thread that follows it."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hfft_widgets.core.card import Detail, HasCard
from hfft_widgets.core.method import METHODS, Method
from hfft_widgets.core.run.comparison import told_differences
from hfft_widgets.core.run.curves import Group, figure, groups
from hfft_widgets.core.run.diagnosis import Diagnosis, diagnose
from hfft_widgets.core.run.forecast import Forecast, forecast
from hfft_widgets.core.run.health import Best, Sign, best, health
from hfft_widgets.core.run.history import MetricHistory
from hfft_widgets.core.run.pace import Pace, pace
from hfft_widgets.core.run.ran import EVENT, as_it_ran
from hfft_widgets.core.run.stage import Stage
from hfft_widgets.core.run.stall import Limits, Stall, stall
from hfft_widgets.core.run.verdict import TrainingVerdict, verdict
from hfft_widgets.errors import HubError, RunError, RunNotFoundError
from hfft_widgets.jobs import names
from hfft_widgets.jobs.asking.answers import ModelAnswer, Which, ask_run
from hfft_widgets.jobs.base import JobTarget, Submission
from hfft_widgets.jobs.run_reader import RunReader
from hfft_widgets.jobs.run_values import values_of

if TYPE_CHECKING:
    from hfft_widgets.core.plan.plan import TrainingPlan
    from hfft_widgets.core.run.events import Event
    from hfft_widgets.hub.repos import Pushed
    from hfft_widgets.hub.streams.metrics import HardwareMetrics

_WAIT_SECONDS = 0.25


class Run(RunReader, HasCard):
    """A launched script. It goes on whatever becomes of this object or this process.

    Every property looks at the run by itself, at most five times a second; `refresh` looks at once. Threads may share
    a run: while one of them reads on, the others see what was read before.

    Args:
        backend: What runs it.
        job_id: Its id there, without the backend's name.
    """

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

    # ---- Looking, waiting, ending ----

    def wait(self, timeout: float | None = None) -> Run:
        """Wait for the end, whatever it is; an interrupt ends the waiting, not the run.

        Args:
            timeout: Seconds after which to return in any case; None: never.
        """
        deadline = float("inf") if timeout is None else time.monotonic() + timeout
        while not self._ended() and time.monotonic() < deadline:
            time.sleep(min(_WAIT_SECONDS, max(0.0, deadline - time.monotonic())))
        return self

    def _ended(self) -> bool:
        with self._lock:
            self._read_on()
            return self._complete

    def cancel(self, timeout: float = 30.0) -> Run:
        """Stop it, and everything it started; a run that has ended stays as it is.

        The script gets a moment to save its work.

        Args:
            timeout: Seconds to wait for the end; the cancelling goes on after that.
        """
        if not self._ended():
            self._backend.cancel(self._job_id)
        return self.wait(timeout)

    def start_now(self) -> Run:
        """Let it begin although it waits for its turn on this machine: it shares the cores with those that run.

        Raises:
            RunError: It does not wait.
        """
        self._backend.start_now(self._job_id)
        return self

    def answer(
        self, prompt: str, which: Which = "both", *, longest: int = 128, temperature: float = 0.0
    ) -> ModelAnswer:
        """Ask the trained model and the one it was trained from the same question, the same way.

        Args:
            prompt: A question, as a person types it.
            which: "both", "trained" or "untrained".
            longest: Tokens an answer may have.
            temperature: 0: always the likeliest next word; else drawn, with the same chance for both.

        Raises:
            ExportError: It has no finished model.
            RunError: It could not be asked.
        """
        return ask_run(self, prompt, which, longest=longest, temperature=temperature)

    @property
    def checkpoint_step(self) -> int | None:
        """From which step `resume` would go on; None if there is no checkpoint on this machine."""
        return self._backend.checkpoint(self._job_id)

    def resume(self, plan: TrainingPlan | None = None) -> Run:
        """Go on from the last checkpoint, on this machine: the same run, with the same id and one curve.

        A job's machine is gone with its end: launch its plan again.

        Args:
            plan: A lighter plan from here on, e.g. `plan.replace(**run.diagnosis.change)` after too little memory.

        Raises:
            RunError: It is live or complete, made no checkpoint, or runs on Jobs.
            LaunchError: It could not be started, or another run of its plan is live.
        """
        from hfft_widgets.jobs.submission import submission

        changed = None if plan is None else submission(plan, JobTarget())
        with self._lock:
            self._backend.resume(self._job_id, changed)
            self._complete = False
            self._looked = dict.fromkeys(self._looked, float("-inf"))
            self.__dict__.pop("submission", None)
        return self

    @property
    def checkpoint_bytes(self) -> int:
        """What its checkpoints, which are needed only to go on, take of this machine's disk."""
        return self._backend.checkpoint_bytes(self._job_id)

    def free_checkpoints(self) -> None:
        """Delete its checkpoints; the model that it saved at its end stays. Raises RunError while it is live."""
        self._backend.free_checkpoints(self._job_id)

    def rename(self, name: str) -> Run:
        """Call it so, in every list and card; "" gives it its own title back.

        Raises:
            RunError: The name is too long, or cannot be kept.
        """
        names.give(self.id, name)
        return self

    def finish(self) -> Run:
        """Let a live training of this machine end after the step under way, as after its last one.

        Held-out rows are asked a last time; its model is saved and judged, its best checkpoint stays.

        Raises:
            RunError: It has ended, is no training, or runs on Jobs.
        """
        if self.kind != "training":
            raise RunError(f"{self.id} is no training.", remedy="run.cancel() ends it.")
        self._backend.finish(self._job_id)
        return self

    def delete(self) -> None:
        """Delete what is kept of it on this machine, its output too; what a job left on the Hub stays there.

        Raises:
            RunNotFoundError: It is deleted already.
            RunError: It is live (cancel it first), or the system refuses.
        """
        self._backend.delete(self._job_id)
        with contextlib.suppress(RunError):
            names.give(self.id, "")

    # ---- For people ----

    def figure(self) -> Any:
        """The curves as a `plotly.graph_objects.Figure`, a plot for each of `curves`; a copy, which does not grow.

        Those of several runs in one: `hfft.compare(run, other).figure()`.
        """
        drawn_now = figure(self.history, panels=self.curves)
        return import_module("plotly.graph_objects").Figure(drawn_now)  # by name: importing it takes a second

    def differences(self, other: Run) -> str:
        """In what the plan of another run differs from this one's, in a sentence; of several see `hfft.compare`."""
        plans = (run.known.plan if run.known else {} for run in (self, other))
        return told_differences(*plans)

    def to_dict(self, detail: Detail = "plain", *, pushed: Pushed | None = None) -> dict[str, Any]:
        """JSON values: how it stands at this moment.

        Args:
            detail: "card" adds the curves that the card of an ended run shows.
            pushed: What it put on the Hub, where somebody has looked; None: not known.
        """
        return values_of(self, detail, pushed)

    def __repr__(self) -> str:
        stage = self.stage
        if stage is Stage.DELETED:
            return f"Run({self.id!r}, {stage})"
        steps = (self._early or self._journal).progress
        where = f", step {steps.step} of {(self._early or self._journal).total_steps or '?'}" if steps else ""
        return f"Run({self.id!r}, {self.title!r}, {stage}{where})"
