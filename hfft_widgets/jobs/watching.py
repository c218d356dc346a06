"""Reading the logs of any number of remote runs, with at most ten streams open at once."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from hfft_widgets.errors import HfftError, HubError, RunError
from hfft_widgets.hub.events import Event, Mark, text_bytes
from hfft_widgets.hub.follow import LogFollower, Outcome, Rhythm
from hfft_widgets.hub.outcomes import HubUnsureError, scrub
from hfft_widgets.hub.wire import Wire
from hfft_widgets.jobs.spool import Spool

STREAMS = 10
_SLICE_SECONDS = 20.0
_PEEK_SECONDS = 2.0


class Slots:
    """Open streams, shared fairly: who has caught up makes room for who waits.

    Args:
        count: Streams at once.
        slice_seconds: The least time for one of them.
    """

    def __init__(self, count: int = STREAMS, slice_seconds: float = _SLICE_SECONDS) -> None:
        self._free = count
        self._slice = slice_seconds
        self._changed = threading.Condition()
        self._waiting: deque[Watch] = deque()
        self._held: dict[Watch, float] = {}
        self.most = 0

    @contextmanager
    def one(self, watch: Watch) -> Iterator[bool]:
        """Wait for a stream and hold it; False if the watch was stopped meanwhile."""
        with self._changed:
            self._waiting.append(watch)
            while not watch.stopped and not (self._free and self._waiting[0] is watch):
                self._make_room()
                self._changed.wait(0.25)
            self._waiting.remove(watch)
            got = not watch.stopped
            if got:
                self._free -= 1
                self._held[watch] = time.monotonic()
                self.most = max(self.most, len(self._held))
        try:
            yield got
        finally:
            if got:
                with self._changed:
                    self._free += 1
                    del self._held[watch]
                    self._changed.notify_all()

    def _make_room(self) -> None:
        if self._free:
            return
        now = time.monotonic()
        done = [watch for watch, since in self._held.items() if watch.caught_up and now - since >= self._slice]
        if done:
            min(done, key=self._held.__getitem__).make_room()


@dataclass
class Watch:
    """One run's log being read in a thread of its own.

    Attributes:
        wire: Carries the requests.
        namespace: Whose job it is.
        job_id: The job.
        spool: Takes the bytes.
        ended: Whether the job is over.
        slots: Streams to share.
        rhythm: Times of the follower.
        render: Bytes of events; turns what foreign scripts print into event lines.
    """

    wire: Wire
    namespace: str
    job_id: str
    spool: Spool
    ended: Callable[[], bool]
    slots: Slots
    rhythm: Rhythm = field(default_factory=Rhythm)
    render: Callable[[list[Event]], bytes] = text_bytes
    stopped: bool = False
    caught_up: bool = False
    failure: HfftError | None = None
    early: bytes = b""
    wanted: float = field(default_factory=time.monotonic)
    _follower: LogFollower | None = None

    def __hash__(self) -> int:
        return id(self)

    def __eq__(self, other: object) -> bool:
        return self is other

    def start(self) -> Watch:
        """Begin, and return at once."""
        self._peeked = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"hfft-watch-{self.job_id}", daemon=True)
        self._thread.start()
        return self

    @property
    def alive(self) -> bool:
        """Whether it still reads."""
        return self._thread.is_alive()

    def read(self, position: int) -> bytes:
        """The bytes from `position` on; who reads keeps the stream open."""
        self.wanted = time.monotonic()
        return self.spool.read(position)

    def peek(self) -> bytes:
        """The log's end; waits a moment for it."""
        self._peeked.wait(_PEEK_SECONDS)
        return self.early

    def stop(self) -> None:
        """Read no more; what was read is kept. Returns at once."""
        self.stopped = True
        self.make_room()
        if not self.alive:
            self.spool.close()

    def make_room(self) -> None:
        """Give the stream to somebody else for a while."""
        if self._follower is not None:
            self._follower.stop()

    def _run(self) -> None:
        try:
            while not self.stopped and not self.spool.complete:
                with self.slots.one(self) as got:
                    if got and self._turn():
                        break
        except OSError as error:
            what = "The run's log cannot be kept on this machine."
            self.failure = RunError(what, why=f"The system said: {error}.", remedy="Free some disk, then look again.")
        except HfftError as error:
            self.failure = error
        except Exception as error:  # noqa: BLE001 -- a thread has nobody to raise to: the run's message tells it
            self.failure = RunError("The run's log could not be read.", why=f"{type(error).__name__}: {scrub(error)}.")
        finally:
            self._peeked.set()
            self.caught_up = True
            if self.stopped:
                self.spool.close()

    def _turn(self) -> bool:
        """Read while the stream is held; whether that was all."""
        self._follower = LogFollower(
            self.wire,
            self.namespace,
            self.job_id,
            deliver=self._deliver,
            ended=self.ended,
            mark=self.spool.mark,
            rhythm=self.rhythm,
            render=self.render,
        )
        if self.stopped:
            return True
        if not self._peeked.is_set():
            self._peek_tail(self._follower)
        outcome = self._follower.run()
        if outcome is Outcome.STOPPED:
            return self.stopped
        if outcome is Outcome.INCOMPLETE:
            raise HubUnsureError("The log may not be whole.", why="The Hub's answers do not lead up to its last line.")
        self.spool.finish()
        return True

    def _peek_tail(self, follower: LogFollower) -> None:
        try:
            self.early = follower.tail().text
        except HubError:
            self.early = b""  # the replay tells the same, later
        self._peeked.set()

    def _deliver(self, data: bytes, mark: Mark) -> None:
        self.spool.append(data, mark)
        if self._follower is not None and self._follower.caught_up:
            self.caught_up, self.early = True, b""
