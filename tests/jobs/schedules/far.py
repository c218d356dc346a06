"""A simulated Hub that answers late, wrongly or not at all; and one schedule of a launch and the watching of its job.

Real are the launch, what is written down of it, the poller, the log's follower and its cache on disk; simulated are
the clock, the transport and the job. The person who launches tries again, the kernel dies and another one goes on.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from hfft_widgets.core.run.journal import Journal
from hfft_widgets.errors import HubError, LaunchError
from hfft_widgets.hub.jobs_api import JobFacts, JobRequest
from hfft_widgets.hub.outcomes import HubRefusedError, HubUnsureError
from hfft_widgets.hub.streams import follow
from hfft_widgets.hub.streams.follow import LogFollower, Outcome
from hfft_widgets.jobs.base import JobTarget, Submission
from hfft_widgets.jobs.hf import job_info, launch, log_cache, poller, records
from hfft_widgets.jobs.hf.cost_limit import CostLimit
from hfft_widgets.jobs.hf.log_cache import LogCache
from hfft_widgets.jobs.hf.poller import LABELS, Poller
from tests.jobs.schedules.clock import START, Clock, Pause, simulated

MODULES = (follow, launch, log_cache, poller, records, job_info)
LIMIT = CostLimit("t4-small", 1, 0.4, 3600.0, "f" * 16, "a test", "2026-11-30")
_REFUSALS = ((429, 7.0), (500, None), (502, None), (503, 2.0), (504, None), (408, None))


class KernelDied(BaseException):
    """The process that watched, or launched, is gone."""


@dataclass
class SimulatedJob:
    """A job that prints a line each `pace` seconds, every third with a point, from its start to its end."""

    id: str
    labels: Mapping[str, str]
    created: float
    starts: float
    lines: int
    pace: float
    ends_as: str

    @property
    def ended(self) -> float:
        return self.starts + (self.lines + 1) * self.pace

    def stage(self, now: float) -> str:
        return "SCHEDULING" if now < self.starts else "RUNNING" if now < self.ended else self.ends_as

    def line(self, n: int) -> str:
        if n % 3 == 0:
            values = {"n": n, "t": n + 0.5, "event": "log", "step": n // 3 + 1, "metrics": {"loss": 1.0}}
            return f"@hfft {json.dumps(values)}"
        return ("plain words", "twins", "twins", "\r 50%|###  |")[n % 4]

    def time_of(self, n: int) -> float:
        return self.starts + (n + 1) * self.pace

    def printed(self, now: float) -> int:
        return max(0, min(self.lines, int((now - self.starts) / self.pace)))

    @property
    def points(self) -> int:
        return len(range(0, self.lines, 3))


@dataclass
class SimulatedHub:
    """Answers as the Hub does, with faults drawn from `chance`. It is its own wire."""

    clock: Clock
    chance: random.Random
    trouble: float
    name: str
    jobs: list[SimulatedJob] = field(default_factory=list)
    faults: int = 0
    dies_at: float = float("inf")

    def _fault(self, share: float = 1.0) -> bool:
        found = self.chance.random() < min(0.7, self.trouble * share)
        self.faults += found
        return found

    def _answer(self) -> None:
        """An answer takes its time, and may be a refusal, a silence, or nobody's any more."""
        self.clock.sleep(self.chance.uniform(0.02, 0.6))
        if self.clock.now >= self.dies_at:
            raise KernelDied
        if self._fault():
            if self.chance.random() < 0.3:
                self.clock.sleep(10.0)
                raise HubUnsureError("No answer came.")
            status, wait = self.chance.choice(_REFUSALS)
            raise HubRefusedError("The Hub refused.", status=status, wait_seconds=wait)

    # ---- jobs ----

    def submit(self, request: JobRequest) -> JobFacts:
        """It starts, or not, and the answer comes, or not."""
        kind = self.chance.choice(("answered",) * 3 + ("lost", "nothing", "refused", "died after", "died before"))
        self.faults += kind != "answered"
        self.clock.sleep(self.chance.uniform(0.1, 3.0))
        if kind == "refused":
            raise HubRefusedError("The Hub refused.", status=self.chance.choice((402, 429, 500)))
        if kind == "nothing":
            raise HubUnsureError("No answer came.")
        if kind == "died before":
            raise KernelDied
        made = self._started(request.labels)
        if kind == "lost":
            raise HubUnsureError("No answer came.")
        if kind == "died after":
            raise KernelDied
        return self._facts(made)

    def _started(self, labels: Mapping[str, str]) -> SimulatedJob:
        now, chance = self.clock.now, self.chance
        made = SimulatedJob(
            f"{self.name}-{len(self.jobs)}", labels, now, now + 4 * 3600 + chance.uniform(5, 90),
            chance.randint(4, 200), chance.choice((0.3, 1.0, 4.0)),
            chance.choice(("COMPLETED", "COMPLETED", "ERROR", "CANCELED")),
        )  # fmt: skip
        self.jobs.append(made)
        return made

    def inspect(self, namespace: str, job_id: str, *, patience_seconds: float = 0.0) -> JobFacts:
        self._answer()
        found = next((job for job in self.jobs if job.id == job_id), None)
        if found is None or self._fault(0.5):
            raise HubRefusedError("Not found.", status=404)
        return self._facts(found)

    def labelled(self, namespace: str, labels: Mapping[str, str]) -> list[JobFacts]:
        self._answer()
        listed = [job for job in self.jobs if self.clock.now >= job.created + self.lag]
        shown = [job for job in listed if labels.items() <= job.labels.items()]
        return [self._facts(job) for job in reversed(shown)]

    def live(self, namespace: str, labels: Mapping[str, str]) -> list[JobFacts]:
        return [facts for facts in self.labelled(namespace, labels) if not facts.final]

    lag = 0.0
    """Seconds until a new job stands in lists."""

    def _facts(self, job: SimulatedJob) -> JobFacts:
        now = self.clock.now
        late = now - self.chance.uniform(0, 5) if self._fault(0.5) else now  # a look at what was a moment ago
        stage = job.stage(late)
        return JobFacts(
            job.id, "me", stage, created=START + job.created,
            started=START + job.starts if late >= job.starts else None,
            finished=START + job.ended if stage == job.ends_as else None, flavor="t4-small", labels=dict(job.labels),
            running_seconds=max(0.0, float(int(late - job.starts))),
        )  # fmt: skip

    # ---- the log ----

    @contextmanager
    def stream(
        self, path: str, query: Any = (), *, action: str, interrupt: Any, read_seconds: float
    ) -> Iterator[Iterator[bytes]]:
        self._answer()
        job = next(job for job in self.jobs if path.endswith(f"/{job.id}/logs"))
        tail = int(dict(query).get("tail", 0))
        yield self._replay(job, tail, read_seconds)

    def _replay(self, job: SimulatedJob, tail: int, read_seconds: float) -> Iterator[bytes]:
        """All that was printed, then what comes, to the end; or whatever of it comes through."""
        sent = max(0, job.printed(self.clock.now) - tail) if tail else 0
        kind = self.chance.choice(("dropped", "short", "stalled", "cut")) if self._fault(3.0) else ""
        last = sent + self.chance.randint(0, 60) if kind else -1
        while True:
            if self.clock.now >= self.dies_at:
                raise KernelDied
            while sent < job.printed(self.clock.now):
                if sent == last:
                    yield from self._broken(kind, read_seconds, job, sent)
                    return
                yield self._payload(job, sent)
                sent += 1
            if self.clock.now >= job.ended:
                return
            wait = max(0.05, job.time_of(sent) - self.clock.now if sent < job.lines else job.ended - self.clock.now)
            if wait > read_seconds:
                self.clock.sleep(read_seconds)
                if read_seconds < 30:
                    raise HubUnsureError("Silence.")
                yield b": keep-alive\n\n"
            else:
                self.clock.sleep(wait)

    def _broken(self, kind: str, read_seconds: float, job: SimulatedJob, sent: int) -> Iterator[bytes]:
        if kind == "short":
            return
        if kind == "cut":
            yield self._payload(job, sent)[:-7]
        if kind == "stalled":
            self.clock.sleep(read_seconds)
        raise HubUnsureError("It broke.")

    def _payload(self, job: SimulatedJob, n: int) -> bytes:
        at = f"2026-11-30T{n // 3600:02d}:{n // 60 % 60:02d}:{n % 60:02d}.000Z"
        return b"data: " + json.dumps({"timestamp": at, "data": job.line(n)}).encode() + b"\n\n"


@dataclass
class FarResult:
    """What came of a schedule."""

    seed: int
    faults: int
    jobs: int
    lost: int
    doubled: int
    false_ends: int
    dead: bool
    stage: str
    right_stage: str

    @property
    def good(self) -> bool:
        counted = (self.jobs, self.lost, self.doubled, self.false_ends, self.dead)
        return counted == (1, 0, 0, 0, False) and self.stage == self.right_stage


def far_schedule(seed: int) -> FarResult:
    """Launch until a job is known, with everything that may go wrong; then follow it to its end, through restarts."""
    chance, clock = random.Random(seed), Clock()
    hub = SimulatedHub(clock, chance, chance.choice((0.05, 0.1, 0.2, 0.4)), f"job{seed}")
    hub.lag = chance.choice((0.0, 0.0, 1.5, 30.0, 240.0))
    with simulated(clock, MODULES):
        job_id = _launched(hub, f"{seed:016x}")
        return _followed(hub, seed, job_id)


def _launched(hub: SimulatedHub, fingerprint: str) -> str:
    plan = {"kind": "training", "model": "m", "method": "SFT"}
    asked = Submission("training", "A run", "pass", plan, fingerprint, flavor="t4-small", target=JobTarget(1.0))
    for _ in range(60):
        try:
            made = launch.start(hub, asked, "me", LIMIT)  # type: ignore[arg-type]
            if not made.startswith(records.UNCONFIRMED):
                return made
        except (LaunchError, HubError, KernelDied):
            pass
        hub.clock.sleep(hub.chance.choice((1.0, 20.0, 200.0, 1000.0)))
        known = [one for one in records.launches() if one["fingerprint"] == fingerprint and one.get("job_id")]
        if known:
            return str(known[0]["job_id"])
    raise AssertionError("nobody could launch")


def _followed(hub: SimulatedHub, seed: int, job_id: str) -> FarResult:
    clock, chance = hub.clock, hub.chance
    job = next(one for one in hub.jobs if one.id == job_id)
    clock.now = max(clock.now, chance.uniform(job.starts - 60, job.ended + 60))
    seen = {"false": 0, "stage": ""}
    outcome, restarts, dead = None, 0, False
    while outcome is not Outcome.COMPLETE and restarts < 40:
        restarts += 1
        hub.dies_at = clock.now + chance.choice((3.0, 30.0, 300.0)) if restarts <= 4 and chance.random() < 0.5 else 1e18
        looks, cache = Poller(hub), LogCache(records.run_folder("me", job_id))  # type: ignore[arg-type]

        def ended(looks: Poller = looks) -> bool:
            facts = looks.look("me", job_id)
            kept = records.run("me", job_id) or {}
            news = job_info.news(facts, kept)
            kept = records.keep("me", job_id, news) if news else kept
            stage = job_info.status(("me", job_id), kept, facts, behind=False, note="").stage
            seen["stage"] = str(stage)
            seen["false"] += stage.final and clock.now < job.ended
            return stage.final

        follower = LogFollower(hub, "me", job_id, deliver=cache.append, ended=ended, cursor=cache.cursor)  # type: ignore[arg-type]
        follower._interrupt = Pause(clock)  # type: ignore[assignment]
        try:
            outcome = follower.run()
        except KernelDied:
            cache._closing()  # nothing is kept that was not
            continue
        except HubError:
            dead = True
            break
        if outcome is Outcome.COMPLETE:
            cache.finish()
        cache.close()
    journal = Journal()
    told = [event.step for event in journal.feed((records.run_folder("me", job_id) / "log").read_bytes()) if event.step]
    labels = {**LABELS, "hfft_plan": f"{seed:016x}"}
    started = sum(labels["hfft_plan"] == one.labels.get("hfft_plan") for one in hub.jobs)
    return FarResult(
        seed, hub.faults, started, len(set(range(1, job.points + 1)) - set(told)), len(told) - len(set(told)),
        int(seen["false"]), dead or outcome is not Outcome.COMPLETE, seen["stage"], job.ends_as,
    )  # fmt: skip
