"""One run, wherever it runs: stage, curves, log, end."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hfft_widgets.core.run.diagnosis import Diagnosis, diagnose
from hfft_widgets.core.run.events import Event
from hfft_widgets.core.run.history import MetricHistory
from hfft_widgets.core.run.journal import Journal
from hfft_widgets.core.run.pace import Pace, pace
from hfft_widgets.core.run.stage import Stage
from hfft_widgets.errors import HubError, RunNotFoundError
from hfft_widgets.jobs.base import Backend, JobStatus, Submission

if TYPE_CHECKING:
    from hfft_widgets.hub.metrics import Use
    from hfft_widgets.hub.repos import Pushed

_FRESH_SECONDS = 0.2  # a property that was looked at this long ago is not looked up again
_WAIT_SECONDS = 0.25
_READ_SECONDS = 0.5  # of one look, where the output comes from far away
_CHUNK_BYTES = 2**16
_KEPT_EVENTS = 100_000  # where nobody calls refresh


class Run:
    """A launched script. It goes on whatever becomes of this object or this process.

    Every property looks at the run by itself, at most five times a second; `refresh` looks at once. Threads may share
    a run: while one of them reads on, the others see what was read before.

    Args:
        backend: The place that runs it.
        job_id: Its id there, without the place's name.
    """

    def __init__(self, backend: Backend, job_id: str) -> None:
        self._backend = backend
        self._job_id = job_id
        self._journal = Journal()
        self._early: Journal | None = None
        self._status: JobStatus | None = None
        self._complete = False
        self._looked = {False: float("-inf"), True: float("-inf")}  # at the stage alone, and at the output too
        self._unseen: deque[Event] = deque(maxlen=_KEPT_EVENTS)
        self._lock = threading.RLock()
        self.revision = 0
        """Goes up when `history` was replaced by a longer one: draw it anew."""

    # ---- What it is ----

    @property
    def id(self) -> str:
        """Place and name, e.g. `local:20261122-135301-8000a1b2`."""
        return f"{self._backend.name}:{self._job_id}"

    @cached_property
    def submission(self) -> Submission:
        """What was submitted."""
        return self._backend.submission(self._job_id)

    @property
    def kind(self) -> str:
        """`training` or `export`."""
        return self.submission.kind

    @property
    def title(self) -> str:
        """A short name for people."""
        return self.submission.title

    @property
    def plan(self) -> Mapping[str, Any]:
        """The plan as JSON values."""
        return self.submission.plan

    @property
    def fingerprint(self) -> str:
        """What makes two plans the same run."""
        return self.submission.fingerprint

    @property
    def script(self) -> str:
        """The source that runs."""
        return self.submission.script

    # ---- How it is going ----

    @property
    def status(self) -> JobStatus:
        """Where it stands: stage, times, exit code, heartbeat."""
        self._look(output=self._backend.near)
        assert self._status is not None
        return self._status

    @property
    def stage(self) -> Stage:
        """Where it stands, in one word."""
        return self.status.stage

    @property
    def journal(self) -> Journal:
        """Everything it has told: curves, events, log. While older output is being fetched, the last lines."""
        self._look()
        return self._early or self._journal

    @property
    def history(self) -> MetricHistory:
        """The curves: `run.history["loss"]` is a tuple of points."""
        return self.journal.history

    @property
    def log(self) -> str:
        """The last lines of its output, without the event lines."""
        return self.journal.log

    @property
    def pace(self) -> Pace:
        """Step, total steps, fraction done, and seconds left where they can be told."""
        return pace(self.journal, self.stage, time.time())

    @property
    def cost_usd(self) -> float | None:
        """Money spent so far; None where it is not known."""
        return self.status.cost_usd

    @property
    def use(self) -> Use | None:
        """What it uses of its machine's processor, memory and GPUs now; None where that is not known."""
        return self._backend.use(self._job_id)

    @property
    def pushed(self) -> Pushed | None:
        """What it pushed to the Hub so far; None if nothing. Raises HubError."""
        return self._backend.pushed(self._job_id)

    @property
    def output(self) -> Path | None:
        """The folder on this machine that it wrote to, or None if it has written nothing here."""
        told = self.status.output
        if told is None:
            return None
        folder = Path(told).parent / str(self.journal.data("end").get("output_dir") or told)
        return folder if folder.is_dir() and any(folder.iterdir()) else None

    @property
    def diagnosis(self) -> Diagnosis | None:
        """What went wrong, why, and what to do next; None if nothing did."""
        status = self.status
        journal = self.journal if status.stage is Stage.ERROR else self._journal
        return diagnose(
            status.stage,
            exit_code=status.exit_code,
            error=journal.data("error"),
            log=journal.log,
            message=status.message,
            kind="" if status.stage is Stage.DELETED else self.kind,
        )

    @property
    def error(self) -> str | None:
        """What went wrong, in words; None if nothing did."""
        found = self.diagnosis
        return None if found is None else str(found)

    # ---- Looking, waiting, ending ----

    def refresh(self) -> list[Event]:
        """Look now; returns the events that came since the last `refresh`, at most the last 100,000.

        While older output is being fetched there are none, but `history` has the last lines' points; when it is all
        there, `revision` goes up.
        """
        with self._lock:
            self._read_on()
            return [self._unseen.popleft() for _ in range(len(self._unseen))]

    @property
    def complete(self) -> bool:
        """Whether it has ended and everything it told was read."""
        return self._complete

    def _look(self, *, output: bool = True) -> None:
        if self._complete or time.monotonic() - self._looked[output] < _FRESH_SECONDS:
            return
        # while another thread is reading, what it read before is good enough, if there is any
        if self._lock.acquire(blocking=self._status is None):
            try:
                if time.monotonic() - self._looked[output] >= _FRESH_SECONDS:
                    self._read_on(output=output)
            finally:
                self._lock.release()

    def _read_on(self, *, output: bool = True) -> None:
        """Take the stage first, then the output: what is read after a final stage is all there is."""
        if self._complete:
            return
        try:
            status = self._backend.status(self._job_id)
            whole = output and self._read_output(status)
        except (RunNotFoundError, HubError) as error:
            if self._status is None:
                raise
            status, whole = self._gone(self._status, error)
        self._status = status
        self._looked[False] = time.monotonic()
        if output:
            self._looked[True] = time.monotonic()
            self._complete = whole and status.stage.final
            if self._complete and status.stage is not Stage.DELETED:
                self._backend.conclude(self._job_id, self._journal)

    @staticmethod
    def _gone(before: JobStatus, error: Exception) -> tuple[JobStatus, bool]:
        """What is known where the place does not answer: as before, or that the run was deleted."""
        if isinstance(error, HubError):
            return before, False
        return JobStatus(Stage.DELETED, before.created, before.started, before.finished), True

    def _read_output(self, status: JobStatus) -> bool:
        """Take what is there, for a moment at a time where it comes from far away; whether that was all."""
        if status.behind and not self._journal.position and self._early is None:
            self._peek()
        deadline = time.monotonic() + (float("inf") if self._backend.near else _READ_SECONDS)
        read: list[Event] = []
        rest = False
        while chunk := self._backend.read(self._job_id, self._journal.position):
            read += self._journal.feed(chunk)
            rest = time.monotonic() > deadline
            if rest or (len(chunk) < _CHUNK_BYTES and not status.stage.final):
                break  # what is left is what it writes right now: running after that would never end
        if self._early is None:
            self._unseen.extend(read)
        elif not status.behind and not rest:
            self._early = None  # all that was read meanwhile stands in the history
            self.revision += 1
        return not status.behind and not rest

    def _peek(self) -> None:
        tail = self._backend.peek(self._job_id)
        if tail:
            early = Journal()
            early.feed(tail)
            self._early = early
            self.revision += 1

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

    def __repr__(self) -> str:
        stage = self.stage
        if stage is Stage.DELETED:
            return f"Run({self.id!r}, {stage})"
        steps = (self._early or self._journal).progress
        where = f", step {steps.step} of {(self._early or self._journal).total_steps or '?'}" if steps else ""
        return f"Run({self.id!r}, {self.title!r}, {stage}{where})"
