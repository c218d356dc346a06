"""Reading one run: its stage and its output, now and again, by whoever asks."""

from __future__ import annotations

import contextlib
import dataclasses
import threading
import time
from collections import deque

from hfft_widgets.core.run.events import Event
from hfft_widgets.core.run.journal import Journal
from hfft_widgets.core.run.stage import Stage
from hfft_widgets.errors import HubError, RunNotFoundError
from hfft_widgets.hub.token import own_mask
from hfft_widgets.jobs import step_times
from hfft_widgets.jobs.base import Backend, JobStatus

_FRESH_SECONDS = 0.2  # a property that was looked at this long ago is not looked up again
_READ_SECONDS = 0.5  # of one look, where the output comes from far away or is still written
_CHUNK_BYTES = 2**16
_KEPT_EVENTS = 100_000  # where nobody calls refresh


class RunReader:
    """What was read of a run so far. A look that fails is a note, and the next one follows.

    Args:
        backend: What runs it.
        job_id: Its id there, without the backend's name.
    """

    def __init__(self, backend: Backend, job_id: str) -> None:
        self._backend = backend
        self._job_id = job_id
        self._journal = Journal(mask=own_mask())
        self._early: Journal | None = None
        self._status: JobStatus | None = None
        self._complete = False
        self._heard = time.monotonic()
        self._looked = {False: float("-inf"), True: float("-inf")}  # at the stage alone, and at the output too
        self._unseen: deque[Event] = deque(maxlen=_KEPT_EVENTS)
        self._lock = threading.RLock()
        self.revision = 0
        """Goes up when `history` was replaced by a longer one: draw it anew."""

    @property
    def status(self) -> JobStatus:
        """Where it stands: stage, times, exit code, heartbeat."""
        self._look(output=self._backend.is_local)
        assert self._status is not None
        return self._status

    @property
    def journal(self) -> Journal:
        """Everything it printed: curves, events, log. While older output is being fetched, the last lines."""
        self._look()
        return self._early or self._journal

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
        """Whether it has ended and all its output was read."""
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
        except (RunNotFoundError, HubError, OSError) as error:
            status, whole = self._refused(error)
        self._status = status
        self._looked[False] = time.monotonic()
        if output:
            self._looked[True] = time.monotonic()
            self._complete = whole and status.stage.final
            if self._complete and status.stage is not Stage.DELETED:
                with contextlib.suppress(OSError):  # what is learned of it; the run itself is read
                    self._backend.on_finished(self._job_id, self._journal)
                if status.stage is Stage.COMPLETED:
                    self._learn()

    def _learn(self) -> None:
        """Keep what its steps took, for later estimates."""
        with contextlib.suppress(OSError, HubError, RunNotFoundError):
            plan = self._backend.submission(self._job_id).plan
            step_times.keep(self._job_id, plan, self._journal)

    def _refused(self, error: Exception) -> tuple[JobStatus, bool]:
        """What is known where a look fails: as before, with a note; that the run was deleted only if that is sure.

        Raises:
            RunNotFoundError, HubError: It was never seen.
        """
        if isinstance(error, OSError):
            note = f"It cannot be looked at now ({error.strerror or error}); it is looked at again."
        else:
            note = str(error)
        before = self._status
        if before is None:
            if not isinstance(error, OSError):
                raise error
            return JobStatus(Stage.RUNNING, self._backend.created(self._job_id), message=note, cost_usd=None), False
        if before.stage.final:
            return before, False
        if isinstance(error, RunNotFoundError) and self._backend.is_gone(self._job_id):
            return JobStatus(Stage.DELETED, before.created, before.started, before.finished), True
        return dataclasses.replace(before, message=note), False

    def _read_output(self, status: JobStatus) -> bool:
        """Take what is there, for a moment at a time where it comes from far away; whether that was all."""
        if status.behind and not self._journal.position and self._early is None:
            self._show_tail()
        here = (
            self._backend.is_local and status.stage.final
        )  # of one that still writes, a look takes what it can at a time
        deadline = time.monotonic() + (float("inf") if here else _READ_SECONDS)
        rest = False
        while chunk := self._backend.read(self._job_id, self._journal.position):
            read = self._journal.feed(chunk)
            self._heard = time.monotonic() if read else self._heard
            if self._early is None:
                self._unseen.extend(read)
            rest = time.monotonic() > deadline
            if rest or (len(chunk) < _CHUNK_BYTES and not status.stage.final):
                break  # what is left is what it writes right now: running after that would never end
        if self._early is not None and not status.behind and not rest:
            self._early = None  # all that was read meanwhile stands in the history
            self.revision += 1
        return not status.behind and not rest

    def _show_tail(self) -> None:
        tail = self._backend.tail(self._job_id)
        if tail:
            early = Journal(mask=self._journal.mask)
            early.feed(tail)
            self._early = early
            self.revision += 1
