"""A simulated run of this machine on a disk that refuses now and then, watched by a real `Run` and `Follower`."""

from __future__ import annotations

import errno
import random
from dataclasses import dataclass

from hfft_widgets.core.run.stage import Stage
from hfft_widgets.errors import RunNotFoundError
from hfft_widgets.hub.outcomes import HubUnsureError
from hfft_widgets.jobs import run
from hfft_widgets.jobs.base import GivenBack, JobStatus, Submission
from hfft_widgets.jobs.follower import Follower
from hfft_widgets.jobs.run import Run, reader, watched
from tests.jobs.schedules.clock import START, Clock, Pause, simulated
from tests.jobs.schedules.far import SimulatedJob

MODULES = (run, watched, reader)
_ERRORS = (errno.EMFILE, errno.ESTALE, errno.EIO, errno.EACCES, errno.ENOSPC)


class SimulatedBackend(GivenBack):
    """One run, whose looks fail in bursts; here its output is on the disk, far away it comes late."""

    name = "local"
    title = "a simulation"
    is_paid = False

    def __init__(self, clock: Clock, chance: random.Random, *, here: bool) -> None:
        self.clock, self.chance, self.is_local = clock, chance, here
        self.name = "local" if here else "jobs"
        ends_as = chance.choice(("COMPLETED", "COMPLETED", "ERROR", "CANCELED"))
        pace = chance.choice((0.05, 0.4, 3.0))
        self.job = SimulatedJob("x", {}, 0.0, chance.uniform(0, 20), chance.randint(3, 300), pace, ends_as)
        lines = [f"\n{self.job.line(n)}\n" for n in range(self.job.lines)]
        self._ends = [sum(map(len, lines[: n + 1])) for n in range(len(lines))]
        self.output = "".join(lines).encode()
        self.faults = 0
        self._burst = 0.0
        self._late = 0.0 if here else chance.uniform(0, 30)

    def _look(self) -> None:
        self.clock.sleep(0.001)
        if self.clock.now < self._burst or self.chance.random() < 0.03:
            if self.clock.now >= self._burst:
                self._burst = self.clock.now + self.chance.choice((0.0, 2.0, 20.0))
            self.faults += 1
            number = self.chance.choice(_ERRORS)
            kinds = [OSError(number, "refused"), RunNotFoundError("It is not there.")]
            raise self.chance.choice(kinds if self.is_local else [*kinds, HubUnsureError("No answer came.")])

    def status(self, job_id: str) -> JobStatus:
        self._look()
        now, job = self.clock.now, self.job
        final = now >= job.ended
        return JobStatus(
            Stage(job.stage(now)), START, START + job.starts if now >= job.starts else None,
            START + job.ended if final else None, behind=not self.is_local and now < job.ended + self._late,
        )  # fmt: skip

    def read(self, job_id: str, position: int) -> bytes:
        self._look()
        late = self.clock.now - self._late
        count = self.job.printed(late) if late < self.job.ended else self.job.lines
        written = self._ends[count - 1] if count else 0
        most = self.chance.choice((7, 1000, 2**20))
        return self.output[position:written][:most]

    def tail(self, job_id: str) -> bytes:
        self._look()
        count = self.job.printed(self.clock.now)
        start = self._ends[max(0, count - 20)] if count > 20 else 0
        return self.output[start : self._ends[count - 1]] if count else b""

    def submission(self, job_id: str) -> Submission:
        return Submission("training", "A run", "", {"method": "SFT"}, "f" * 16)

    def is_gone(self, job_id: str) -> bool:
        return False

    def created(self, job_id: str) -> float:
        return START

    def on_finished(self, job_id: str, journal: object) -> None:
        """Nothing is learned."""


@dataclass
class HereResult:
    """What came of a schedule."""

    seed: int
    faults: int
    lost: int
    doubled: int
    false_ends: int
    dead: bool
    stage: str
    right_stage: str

    @property
    def good(self) -> bool:
        counted = (self.lost, self.doubled, self.false_ends, self.dead)
        return counted == (0, 0, 0, False) and self.stage == self.right_stage


def here_schedule(seed: int) -> HereResult:
    """Follow one run to its end, through every refusal; now and then a person looks as well."""
    chance, clock = random.Random(seed), Clock()
    backend = SimulatedBackend(clock, chance, here=chance.random() < 0.5)
    with simulated(clock, MODULES):
        watched = Run(backend, "x")
        told: list[int] = []
        false = 0

        def update(events: list) -> None:
            nonlocal false
            told.extend(event.step for event in events if event.step)
            false += watched._status.stage.final and clock.now < backend.job.ended
            if chance.random() < 0.2:
                _person_looks(watched, chance)
            if chance.random() < 0.02:
                raise RuntimeError("a drawing failed")

        following = Follower(watched, update, period=chance.choice((0.5, 1.5)))
        following._stop = Pause(clock)  # type: ignore[assignment]
        while not watched.complete and clock.now < backend.job.ended + 2000:
            following._follow()
    points = [point.step for point in watched.journal.history.get("loss", ())]
    every = set(range(1, backend.job.points + 1))
    doubled = len(points) - len(set(points)) + len(told) - len(set(told))
    return HereResult(
        seed, backend.faults, len(every - set(points)), doubled, false,
        not watched.complete, str(watched._status.stage), backend.job.ends_as,
    )  # fmt: skip


def _person_looks(watched: Run, chance: random.Random) -> None:
    """What a page asks beside the follower."""
    look = chance.choice(("stage", "history", "pace", "stall", "health", "log", "error"))
    try:
        getattr(watched, look)
    except (OSError, RunNotFoundError, HubUnsureError):
        raise AssertionError(f"{look} was refused, and not by a note") from None
