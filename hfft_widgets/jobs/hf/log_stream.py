"""Logs and hardware figures of remote runs, each read in a thread of its own while somebody looks at it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from hfft_widgets.errors import HfftError, HubError, RunError
from hfft_widgets.hub.outcomes import HubUnsureError, scrub
from hfft_widgets.hub.streams.events import Cursor, LogLine, text_bytes
from hfft_widgets.hub.streams.follow import LogFollower, Outcome, Rhythm
from hfft_widgets.hub.streams.metrics import HardwareMetrics, MetricsFollower
from hfft_widgets.hub.token import own_mask
from hfft_widgets.hub.wire import Wire
from hfft_widgets.jobs.hf import records
from hfft_widgets.jobs.hf.job_info import foreign_text
from hfft_widgets.jobs.hf.log_cache import LogCache

STREAMS = 10
IDLE_SECONDS = 60.0  # a stream that nobody reads is closed
_TAIL_SECONDS = 2.0
_WAIT_SECONDS = 0.25
TRIES = 3  # of a log whose job is over, before it is taken as it is
AGAIN_SECONDS = 10.0  # after a failure a log is read on, if somebody still looks: a disk may have room again
Job = tuple[str, str]  # namespace, job id


class LogStream:
    """One run's log on its way into the cache.

    Args:
        wire: Carries the requests.
        job: Whose log.
        cache: Takes the bytes.
        ended: Whether the job is over.
        slots: Lets so many streams be open at once.
        rhythm: Times of the follower.
        render: Bytes of events; turns what foreign scripts print into event lines.
        failures: How often in a row the reading of this log failed before.

    Attributes:
        caught_up: Whether the cache holds what the log held when this began.
        failure: Why the reading ended before the log did, or None.
        failures: How often in a row it did.
        wanted: By the monotonic clock, when somebody last looked.
    """

    def __init__(
        self,
        wire: Wire,
        job: Job,
        cache: LogCache,
        *,
        ended: Callable[[], bool],
        slots: threading.Semaphore,
        rhythm: Rhythm,
        render: Callable[[list[LogLine]], bytes],
        failures: int = 0,
    ) -> None:
        self.wire = wire
        self.cache = cache
        self.caught_up = False
        self.failure: HfftError | None = None
        self.wanted = time.monotonic()
        self.failed_at = 0.0
        self.failures = failures
        self._slots = slots
        self._mask = own_mask()
        self._tail = b""
        self._tail_known = threading.Event()
        self._stopped = threading.Event()
        self._follower = LogFollower(
            wire, *job, deliver=self._deliver, ended=ended, cursor=cache.cursor, rhythm=rhythm, render=render
        )
        self._thread = threading.Thread(target=self._run, name=f"hfft-log-{job[1]}", daemon=True)
        self._thread.start()

    @property
    def alive(self) -> bool:
        """Whether it still reads."""
        return self._thread.is_alive()

    def read(self, position: int) -> bytes:
        """The bytes from `position` on; who reads keeps the stream open."""
        self.wanted = time.monotonic()
        return self.cache.read(position)

    def tail(self) -> bytes:
        """The log's end, until all before it is there; waits a moment for it."""
        self._tail_known.wait(_TAIL_SECONDS)
        return self._tail

    def stop(self) -> None:
        """Read no more; what was read is kept. Returns at once."""
        self._stopped.set()
        self._follower.stop()
        if not self.alive:
            self.cache.close()

    def _run(self) -> None:
        try:
            if not self.cache.complete:
                self._wait_and_read()
        except OSError as error:
            what = "The run's log cannot be kept on this machine."
            self.failure = RunError(what, why=f"The system said: {error}.", remedy="Free some disk, then look again.")
        except HfftError as error:
            self.failure = error
        except Exception as error:  # noqa: BLE001 -- a thread has nobody to raise to: the run's message tells it
            self.failure = RunError("The run's log could not be read.", why=f"{type(error).__name__}: {scrub(error)}.")
        finally:
            self.failed_at = time.monotonic()
            self.failures += self.failure is not None
            self._tail_known.set()
            self.caught_up = True
            if self._stopped.is_set():
                self.cache.close()

    def _wait_and_read(self) -> None:
        while not self._slots.acquire(timeout=_WAIT_SECONDS):
            if self._stopped.is_set():
                return
        try:
            self._read_tail()
            outcome = self._follower.run()
        finally:
            self._slots.release()
        if outcome is Outcome.INCOMPLETE:
            raise HubUnsureError("The log may not be whole.", why="The Hub's answers do not lead up to its last line.")
        if outcome is Outcome.COMPLETE:
            self.cache.finish()

    def _read_tail(self) -> None:
        try:
            self._tail = self._mask.hide_bytes(self._follower.tail().text)
        except HubError:
            self._tail = b""  # the replay brings the same, later
        self._tail_known.set()

    def _deliver(self, data: bytes, cursor: Cursor) -> None:
        self.cache.append(self._mask.hide_bytes(data), cursor)  # what is kept holds no secret
        self.failures = 0
        if self._follower.caught_up:
            self.caught_up, self._tail = True, b""


class MetricsStream:
    """The newest hardware figures of one job."""

    def __init__(self, wire: Wire, job: Job, ended: Callable[[], bool]) -> None:
        self.wanted = time.monotonic()
        self._newest: HardwareMetrics | None = None
        self._follower = MetricsFollower(wire, *job, deliver=self._take, ended=ended)
        self._thread = threading.Thread(target=self._run, name=f"hfft-metrics-{job[1]}", daemon=True)
        self._thread.start()

    @property
    def alive(self) -> bool:
        """Whether it still reads."""
        return self._thread.is_alive()

    def newest(self) -> HardwareMetrics | None:
        """The last figures that came; who asks keeps the stream open."""
        self.wanted = time.monotonic()
        return self._newest

    def stop(self) -> None:
        """Read no more."""
        self._follower.stop()

    def _take(self, metrics: HardwareMetrics) -> None:
        self._newest = metrics

    def _run(self) -> None:
        self._follower.run()
        self._newest = None


class LogStreams:
    """The streams of one account. Of more logs than `streams`, the later ones wait until one has ended or is idle.

    Args:
        ended: Whether a job is over.
        rhythm: Times of the followers.
        streams: Logs to read at once.
    """

    def __init__(self, ended: Callable[[str, str], bool], rhythm: Rhythm | None = None, streams: int = STREAMS) -> None:
        self._ended = ended
        self._rhythm = rhythm or Rhythm()
        self._slots = threading.Semaphore(streams)
        self._lock = threading.RLock()
        self._logs: dict[Job, LogStream] = {}
        self._metrics: dict[Job, MetricsStream] = {}

    def log(self, wire: Wire, job: Job, *, ours: Callable[[], bool]) -> LogStream:
        """The stream of a log, begun if need be.

        Args:
            wire: Carries the requests.
            job: Whose log.
            ours: Whether this package started it: else what its trainer prints is made into event lines.
        """
        with self._lock:
            stream = self.known(wire, job)
            failures = stream.failures if stream else 0
            if stream is not None and stream.failure and time.monotonic() - stream.failed_at > AGAIN_SECONDS:
                self._logs.pop(job).stop()
                stream = None
            if stream is None or not (stream.alive or stream.cache.complete or stream.failure):
                known = ours()
                stream = self._logs[job] = LogStream(
                    wire,
                    job,
                    LogCache(records.run_folder(*job), resumes=known),
                    ended=lambda: self._ended(*job),
                    slots=self._slots,
                    rhythm=self._rhythm,
                    render=text_bytes if known else foreign_text(),
                    failures=failures,
                )
            stream.wanted = time.monotonic()
            return stream

    def known(self, wire: Wire, job: Job) -> LogStream | None:
        """The stream of a log, if it was begun, and did not fail with another token."""
        with self._lock:
            stream = self._logs.get(job)
            if stream is not None and stream.failure and stream.wire is not wire:
                self._logs.pop(job).stop()
                return None
            return stream

    def hardware_metrics(self, wire: Wire, job: Job) -> HardwareMetrics | None:
        """The newest figures of a job, whose reading is begun if need be."""
        with self._lock:
            stream = self._metrics.get(job)
            if stream is None or not stream.alive:
                stream = self._metrics[job] = MetricsStream(wire, job, lambda: self._ended(*job))
        return stream.newest()

    def close_idle(self) -> None:
        """Close what nobody has looked at for a while; what was read is kept."""
        before = time.monotonic() - IDLE_SECONDS
        with self._lock:
            for job, log in list(self._logs.items()):
                if (log.alive or log.cache.complete) and log.wanted < before:
                    self._logs.pop(job).stop()
            for job, metrics in list(self._metrics.items()):
                if metrics.wanted < before:
                    self._metrics.pop(job).stop()

    def stop(self, job: Job) -> None:
        """Stop reading a log."""
        with self._lock:
            stream = self._logs.pop(job, None)
        if stream is not None:
            stream.stop()

    def close(self) -> None:
        """Stop reading everything."""
        with self._lock:
            streams: list[LogStream | MetricsStream] = [*self._logs.values(), *self._metrics.values()]
            self._logs, self._metrics = {}, {}
        for stream in streams:
            stream.stop()
