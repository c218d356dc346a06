"""One run, wherever it runs: waiting for it, and what a person can do with it."""

from __future__ import annotations

import contextlib
import time
from importlib import import_module
from typing import TYPE_CHECKING, Any

from hfft_widgets.core.card import Detail, HasCard
from hfft_widgets.core.run.comparison import told_differences
from hfft_widgets.core.run.curves import figure
from hfft_widgets.core.run.stage import Stage
from hfft_widgets.errors import RunError
from hfft_widgets.jobs.asking.answers import ModelAnswer, Which, ask_run
from hfft_widgets.jobs.base import JobTarget
from hfft_widgets.jobs.run import names
from hfft_widgets.jobs.run.values import values_of
from hfft_widgets.jobs.run.watched import WatchedRun

if TYPE_CHECKING:
    from hfft_widgets.core.plan.plan import TrainingPlan
    from hfft_widgets.hub.repos import Pushed

_WAIT_SECONDS = 0.25


class Run(WatchedRun, HasCard):
    """A launched script. It goes on whatever becomes of this object or this process.

    Every property looks at the run by itself, at most five times a second; `refresh` looks at once. Threads may share
    a run: while one of them reads on, the others see what was read before.

    Args:
        backend: What runs it.
        job_id: Its id there, without the backend's name.
    """

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
