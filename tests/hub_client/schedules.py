"""Seeded random faults while a log is followed: what came out is compared with what was written, byte by byte."""

from __future__ import annotations

import math
import random
import threading
import time
from collections import Counter
from dataclasses import dataclass

from hfft_widgets.core.run.journal import Journal
from hfft_widgets.errors import HubError
from hfft_widgets.hub.jobs_api import JobsApi
from hfft_widgets.hub.streams.follow import LogFollower, Outcome, Rhythm
from hfft_widgets.hub.token import find_token
from tests.standin_hub import ODD_SEPARATORS, StandInHub, rate_limited

RHYTHM = Rhythm(read_seconds=0.4, first_wait=0.002, longest_wait=0.05, tries=40)
HANG_SECONDS = 60.0
AT_ONCE = 2  # lines with the same timestamp


@dataclass(frozen=True)
class Result:
    seed: int
    lines: int
    faults: int
    lost: int
    repeated: int
    points_lost: int
    points_repeated: int
    hung: bool
    stop_seconds: float | None
    outcome: str


def line(index: int) -> str:
    """Every fifth line holds a point; others hold what breaks careless readers. Some are printed twice at once."""
    if index % 5 == 0:
        return f'@hfft {{"n": {index}, "t": {index}.5, "event": "log", "step": {index}, "metrics": {{"loss": 1.5}}}}'
    if index % 12 in {7, 8} and index // 12 % 5 in {0, 2, 3}:  # neither is a fifth line; see `AT_ONCE`
        return f"twins {index // 12}"
    odd = (" \u2028 \u0085", "\r 50%|\u2588  |", "\t", '"quoted" \\ {"data": 1}', "", "data: {")[index % 6]
    return f"line {index}{odd}"


def faults(hub: StandInHub, chance: random.Random, job_id: str, lines: int) -> tuple[int, bool]:
    """Rules for the first connections and for the looks at the stage; whether the Hub sends lines twice."""
    made, twice = 0, False
    for connection in range(chance.choice((0, 1, 2, 3, 5))):
        after = int(math.exp(chance.uniform(0, math.log(lines + 2))))
        kind = chance.choice(
            (
                {"drop_after": after},
                {"short_replay": after},
                {"stall_after": after},
                {"duplicate": chance.randint(1, 7)},
                {"separators": ODD_SEPARATORS},
                {"status": chance.choice((500, 502, 503, 504))},
                {"status": 503, "headers": {"Retry-After": "0"}},
                {**rate_limited(0)},
                {"refused": True},
                {"delay": chance.uniform(0, 0.1)},
            )
        )
        hub.fault(f"/{job_id}/logs$", skip=connection, **kind)
        twice = twice or "duplicate" in kind
        made += 1
    for look in range(chance.choice((0, 0, 1, 2))):
        kind = chance.choice(({"status": 502}, {"stage_lag": 0.05}, {"refused": True}, {"merge": {"status": {"x": 1}}}))
        hub.fault(f"/{job_id}$", skip=look, **kind)
        made += 1
    return made, twice


def run_schedule(hub: StandInHub, seed: int, *, longest: int = 100_000) -> Result:
    chance = random.Random(seed)
    lines = round(math.exp(chance.uniform(math.log(10), math.log(longest))))
    job = hub.jobs.add(line, count=lines)
    job.log.at_once = AT_ONCE
    job.show(chance.randint(0, lines))
    made, twice = faults(hub, chance, job.id, lines)
    api = JobsApi(find_token())
    parts: list[bytes] = []
    journal = Journal()
    points: list[int] = []

    def deliver(data, cursor):
        parts.append(data)
        points.extend(event.step for event in journal.feed(data))

    follower = LogFollower(
        api.wire, "user", job.id, deliver=deliver, ended=lambda: api.inspect("user", job.id).final, rhythm=RHYTHM
    )
    outcome: list[str] = []

    def run():
        try:
            if chance.random() < 0.5:
                follower.tail()
        except HubError:
            pass
        outcome.append(follower.run().name)

    stops = chance.random() < 0.2
    writer_seed = chance.random()
    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    grow(job, lines, random.Random(writer_seed))
    stop_seconds = None
    if stops:
        began = time.monotonic()
        follower.stop()
        thread.join(HANG_SECONDS)
        stop_seconds = time.monotonic() - began
    else:
        thread.join(HANG_SECONDS)
    hung = thread.is_alive()
    follower.stop()
    api.wire.close()
    job.set_stage("DELETED")
    return compare(seed, lines, made, b"".join(parts), points, hung, stop_seconds, "".join(outcome), twice)


def grow(job, lines, chance):
    """More lines come, then the job ends; the last lines may come just before the end."""
    shown = 0
    for _ in range(chance.randint(0, 4)):
        time.sleep(chance.uniform(0, 0.05))
        shown = chance.randint(shown, lines)
        if shown > job.log.count - 1:
            job.show(shown)
    job.show(lines)
    time.sleep(chance.choice((0, 0, 0.02)))
    job.set_stage(chance.choice(("COMPLETED", "ERROR", "CANCELED")))


def compare(seed, lines, made, data, points, hung, stop_seconds, outcome, twice) -> Result:
    got = data.split(b"\n")[:-1]
    expected = [line(index).encode() for index in range(lines)]
    if twice:  # nobody can tell a line that was sent twice from one that was printed twice: it may stand there twice
        got = as_printed(got, expected)
    stopped = stop_seconds is not None
    if stopped:  # what was delivered until then must be a beginning
        expected = expected[: len(got)]
    same = got == expected
    steps = [index for index in range(lines) if index % 5 == 0]
    steps = steps[: len(points)] if stopped else steps
    return Result(
        seed=seed,
        lines=lines,
        faults=made,
        lost=0 if same else (Counter(expected) - Counter(got)).total(),
        repeated=0 if same else max(1, (Counter(got) - Counter(expected)).total()),
        points_lost=len(set(steps) - set(points)),
        points_repeated=len(points) - len(set(points)),
        hung=hung,
        stop_seconds=stop_seconds,
        outcome=outcome,
    )


def as_printed(got: list[bytes], expected: list[bytes]) -> list[bytes]:
    """What came without the repetitions of neighbours that were not printed."""
    kept: list[bytes] = []
    for one in got:
        printed = len(kept) < len(expected) and one == expected[len(kept)]
        if printed or not kept or one != kept[-1]:
            kept.append(one)
    return kept


def summary(results: list[Result], seconds: float) -> str:
    stops = [result.stop_seconds for result in results if result.stop_seconds is not None]
    kept = [result for result in results if result.stop_seconds is None]
    return (
        f"{len(results)} schedules, {sum(r.lines for r in results):,} lines, {sum(r.faults for r in results)} faults,"
        f" {seconds:.0f} s: {sum(r.lost for r in results)} lines lost, {sum(r.repeated for r in results)} repeated;"
        f" points {sum(r.points_lost for r in results)} lost, {sum(r.points_repeated for r in results)} repeated;"
        f" {sum(r.hung for r in results)} hung; {sum(r.outcome == Outcome.COMPLETE.name for r in kept)} of {len(kept)}"
        f" complete; {len(stops)} stops, the slowest {max(stops, default=0):.3f} s"
    )
