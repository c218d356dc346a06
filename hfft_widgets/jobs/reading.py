"""Logs and live figures of remote runs, read in the background while somebody looks at them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from hfft_widgets.hub.events import text_bytes
from hfft_widgets.hub.follow import Rhythm
from hfft_widgets.hub.metrics import Use, UseFollower
from hfft_widgets.hub.wire import Wire
from hfft_widgets.jobs import records, told
from hfft_widgets.jobs.spool import Spool
from hfft_widgets.jobs.watching import Slots, Watch

IDLE_SECONDS = 60.0  # a stream that nobody reads is closed
Key = tuple[str, str]  # namespace, job id


class Readers:
    """The streams of one account.

    Args:
        ended: Whether a job is over.
        rhythm: Times of the followers.
        slots: Log streams to share.
    """

    def __init__(self, ended: Callable[[str, str], bool], rhythm: Rhythm, slots: Slots) -> None:
        self._ended = ended
        self._rhythm = rhythm
        self._slots = slots
        self._lock = threading.RLock()
        self._watches: dict[Key, Watch] = {}
        self._uses: dict[Key, _UseWatch] = {}

    def watch(self, wire: Wire, namespace: str, name: str, *, ours: Callable[[], bool]) -> Watch:
        """The reading of a log, begun if need be.

        Args:
            wire: Carries the requests.
            namespace: Whose job it is.
            name: The job.
            ours: Whether this package started it: else what its trainer prints is made into event lines.
        """
        key = namespace, name
        with self._lock:
            watch = self.known(wire, namespace, name)
            if watch is None or not (watch.alive or watch.spool.complete or watch.failure):
                known = ours()
                watch = self._watches[key] = Watch(
                    wire=wire,
                    namespace=namespace,
                    job_id=name,
                    spool=Spool(records.run_folder(namespace, name), resumes=known),
                    ended=lambda: self._ended(namespace, name),
                    slots=self._slots,
                    rhythm=self._rhythm,
                    render=text_bytes if known else told.foreign_text(),
                ).start()
            watch.wanted = time.monotonic()
            return watch

    def known(self, wire: Wire, namespace: str, name: str) -> Watch | None:
        """The reading of a log, if it was begun, and did not fail with another token."""
        with self._lock:
            watch = self._watches.get((namespace, name))
            if watch is not None and watch.failure and watch.wire is not wire:
                self._watches.pop((namespace, name)).stop()
                return None
            return watch

    def use(self, wire: Wire, namespace: str, name: str) -> Use | None:
        """The newest figures of a job, whose reading is begun if need be."""
        key = namespace, name
        with self._lock:
            watch = self._uses.get(key)
            if watch is None or not watch.alive:
                watch = self._uses[key] = _UseWatch(wire, namespace, name, lambda: self._ended(namespace, name))
        return watch.latest()

    def close_idle(self) -> None:
        """Close what nobody has looked at for a while; what was read is kept."""
        now = time.monotonic()
        with self._lock:
            for key, watch in list(self._watches.items()):
                if (watch.alive or watch.spool.complete) and now - watch.wanted > IDLE_SECONDS:
                    self._watches.pop(key).stop()
            for key, use in list(self._uses.items()):
                if now - use.wanted > IDLE_SECONDS:
                    self._uses.pop(key).stop()

    def forget(self, namespace: str, name: str) -> None:
        """Stop reading a log."""
        with self._lock:
            watch = self._watches.pop((namespace, name), None)
        if watch is not None:
            watch.stop()

    def close(self) -> None:
        """Stop reading everything."""
        with self._lock:
            watches, self._watches = list(self._watches.values()), {}
            uses, self._uses = list(self._uses.values()), {}
        for watch in watches:
            watch.stop()
        for use in uses:
            use.stop()


class _UseWatch:
    """The newest figures of one job, read in a thread of its own while somebody asks for them."""

    def __init__(self, wire: Wire, namespace: str, name: str, ended: Callable[[], bool]) -> None:
        self.wanted = time.monotonic()
        self._use: Use | None = None
        self._follower = UseFollower(wire, namespace, name, deliver=self._take, ended=ended)
        self._thread = threading.Thread(target=self._run, name=f"hfft-use-{name}", daemon=True)
        self._thread.start()

    @property
    def alive(self) -> bool:
        return self._thread.is_alive()

    def latest(self) -> Use | None:
        self.wanted = time.monotonic()
        return self._use

    def stop(self) -> None:
        self._follower.stop()

    def _take(self, use: Use) -> None:
        self._use = use

    def _run(self) -> None:
        self._follower.run()
        self._use = None
