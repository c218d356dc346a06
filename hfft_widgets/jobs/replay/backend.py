"""The host of recorded runs: it runs nothing, costs nothing, and stands in no list."""

from __future__ import annotations

import math
import re
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hfft_widgets.core.run.stage import Stage
from hfft_widgets.errors import LaunchError, RunError
from hfft_widgets.jobs.base import JobStatus, Submission
from hfft_widgets.jobs.replay.recorded import Recording, recording

if TYPE_CHECKING:
    from hfft_widgets.core.run.journal import Journal

READ_BYTES = 4 * 2**20
_ID = re.compile(r"([a-z][a-z0-9-]*)(?:@(\d{1,6}(?:\.\d{1,4})?)x(\d{13}))?")


@dataclass(frozen=True)
class Playback:
    """One showing of a recording. Its id holds all of it, so that any process sees the same.

    Attributes:
        name: The recording's.
        speed: How many times faster than it happened; infinite: all of it is there at once.
        began: Unix time at which the showing began.
    """

    name: str
    speed: float = math.inf
    began: float = 0.0

    @property
    def id(self) -> str:
        """E.g. "overfit", or "overfit@60x1796032751412"."""
        return self.name if math.isinf(self.speed) else f"{self.name}@{self.speed:g}x{round(self.began * 1000):013d}"

    def elapsed(self, now: float) -> float:
        """Seconds of the recording that have gone by at a moment of this machine's clock."""
        return math.inf if math.isinf(self.speed) else max(0.0, now - self.began) * self.speed


def playback(job_id: str) -> Playback:
    """The showing with that id.

    Raises:
        RunNotFoundError: It is none, or of a recording that does not exist.
    """
    found = _ID.fullmatch(job_id)
    recording(found[1] if found else job_id)
    if found is None or found[2] is None:
        return Playback(job_id)
    return Playback(found[1], float(found[2]), int(found[3]) / 1000)


class ReplayBackend:
    """Shows recorded runs, in the time they had, faster. Nothing of them is kept or learned from."""

    name = "replay"
    title = "a recording"
    is_local = True
    is_paid = False

    def __init__(self) -> None:
        self._cancelled: dict[str, float] = {}  # by showing: the second of the recording at which it was stopped

    # ---- Looking ----

    def status(self, job_id: str) -> JobStatus:
        """Where the recorded run stood at this moment of the showing; raises RunNotFoundError."""
        shown, moment = self._at(job_id)
        begun, over = moment >= shown.started, moment >= shown.finished
        stopped = job_id in self._cancelled and not over
        stage = Stage.CANCELED if stopped else shown.end if over else Stage.RUNNING if begun else Stage.SCHEDULING
        hours = max(0.0, min(moment, shown.finished) - shown.started) / 3600
        return JobStatus(
            stage=stage,
            created=shown.created,
            started=shown.started if begun else None,
            finished=min(moment, shown.finished) if stage.final else None,
            exit_code=shown.exit_code if over else None,
            message=shown.message if over else "",
            heartbeat=moment,
            cost_usd=shown.usd_per_hour * hours,
            now=min(moment, shown.finished),
        )

    def _at(self, job_id: str) -> tuple[Recording, float]:
        """A recording, and the moment of it that is shown now, in Unix time of then."""
        shown = playback(job_id)
        found = recording(shown.name)
        return found, found.created + min(shown.elapsed(time.time()), self._cancelled.get(job_id, math.inf))

    def submission(self, job_id: str) -> Submission:
        """What was submitted then; raises RunNotFoundError."""
        return recording(playback(job_id).name).submission

    def read(self, job_id: str, position: int) -> bytes:
        """What it had printed by this moment, from `position` on."""
        shown, moment = self._at(job_id)
        return shown.output[position : min(shown.printed(moment), position + READ_BYTES)]

    def tail(self, job_id: str) -> bytes:  # noqa: ARG002 -- the protocol's
        """Nothing: what there is is read at once."""
        return b""

    def hardware_metrics(self, job_id: str) -> None:
        """Not recorded."""

    def pushed(self, job_id: str) -> None:
        """Not recorded."""

    def created(self, job_id: str) -> float:
        """Unix time of the launch of the recorded run; raises RunNotFoundError."""
        return recording(playback(job_id).name).created

    def is_gone(self, job_id: str) -> bool:  # noqa: ARG002 -- the protocol's
        """Never."""
        return False

    def disk_bytes(self, job_id: str) -> int:  # noqa: ARG002 -- the protocol's
        """0: it is part of the package."""
        return 0

    def ids(self) -> list[str]:
        """None: a recording is no run of this machine's, and counts as none."""
        return []

    def damaged(self) -> list[str]:
        """None."""
        return []

    def on_finished(self, job_id: str, journal: Journal) -> None:
        """Nothing is learned from it."""

    # ---- What cannot be done with what has happened ----

    def submit(self, submission: Submission) -> str:
        """Never.

        Raises:
            LaunchError: Always.
        """
        raise LaunchError(f"{submission.title} cannot be started as a recording.", remedy="Launch it on this machine.")

    def checkpoint(self, job_id: str) -> int | None:
        """None: its checkpoints were not kept; raises RunNotFoundError."""
        playback(job_id)
        return None

    def resume(self, job_id: str, submission: Submission | None = None) -> None:  # noqa: ARG002 -- the protocol's
        """Never.

        Raises:
            RunError: Always; it says how to see it again.
        """
        raise RunError(
            f"replay:{job_id} is a recording and cannot go on.",
            remedy=f'See it again with hfft.replay("{playback(job_id).name}"), or launch a plan of your own.',
        )

    def checkpoint_bytes(self, job_id: str) -> int:  # noqa: ARG002 -- the protocol's
        """0."""
        return 0

    def free_checkpoints(self, job_id: str) -> None:
        """There are none."""

    def cancel(self, job_id: str) -> None:
        """Stop the showing, in this process; raises RunNotFoundError."""
        shown, moment = self._at(job_id)
        if moment < shown.finished:
            self._cancelled.setdefault(job_id, moment - shown.created)

    def delete(self, job_id: str) -> None:
        """Never.

        Raises:
            RunError: Always.
            RunNotFoundError: There is no such recording.
        """
        playback(job_id)
        raise RunError(f"replay:{job_id} is a recording: it is part of the package, and nothing was kept of it here.")
