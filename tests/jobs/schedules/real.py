"""One schedule with real processes: a run of this machine that is killed, cancelled, hidden and resumed to its end."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from unittest.mock import patch

from hfft_widgets import folders
from hfft_widgets.core.run.stage import Stage
from hfft_widgets.errors import LaunchError, RunError
from hfft_widgets.jobs.follower import Follower
from hfft_widgets.jobs.local.backend import LocalBackend, processes, run_folder
from hfft_widgets.jobs.run import Run
from tests.jobs.conftest import state_of, submission, until

STEPS = 24
SCRIPT = """
import pathlib
out = pathlib.Path(os.environ["HFFT_OUTPUT_DIR"])
def keep(step):
    folder = out / f"checkpoint-{step}"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "trainer_state.json.new").write_text(json.dumps({"global_step": step}))
    os.replace(folder / "trainer_state.json.new", folder / "trainer_state.json")
asked = []
signal.signal(signal.SIGTERM, lambda *_: asked.append(1))
done = max([json.loads(p.read_text())["global_step"] for p in out.glob("checkpoint-*/trainer_state.json")], default=0)
tell("start", step=done, total_steps=STEPS)
for step in range(done + 1, STEPS + 1):
    time.sleep(0.04)
    tell("log", step=step, total_steps=STEPS, metrics={"loss": 1.0 / step})
    if step % 4 == 0 or asked:
        keep(step)
    if asked:
        tell("stopped", step=step)
        sys.exit(143)
tell("end", step=STEPS)
"""


@dataclass
class RealResult:
    """What came of a schedule."""

    seed: int
    faults: int
    lost: int
    doubled: int
    false_ends: int
    dead: bool
    runs: int
    left: int
    stage: str

    @property
    def good(self) -> bool:
        counted = (self.lost, self.doubled, self.false_ends, self.dead, self.runs, self.left)
        return counted == (0, 0, 0, False, 1, 0) and self.stage == "COMPLETED"


@dataclass
class Watching:
    """A kernel that watches: a `Run` of its own and a follower, which a dead kernel takes with it."""

    job_id: str
    false_ends: int = 0
    run: Run = field(init=False)
    follower: Follower = field(init=False)

    def __post_init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        self.run = Run(LocalBackend(grace_seconds=1.0), self.job_id)
        self.follower = Follower(self.run, self._update, period=0.05).start()

    def _update(self, events: list) -> None:
        script = state_of(self.job_id).get("script")
        if self.run._status.stage.final and processes.alive(script):
            self.false_ends += 1

    def again(self) -> None:
        self.follower.stop()
        self.begin()


def real_schedule(seed: int) -> RealResult:
    """Launch, break it a few times, go on each time, and see what was told."""
    chance = random.Random(seed)
    backend = LocalBackend(grace_seconds=1.0)
    asked = submission(SCRIPT.replace("STEPS", str(STEPS)), fingerprint=f"{seed:016x}")
    job_id = backend.submit(asked)
    with contextlib.suppress(LaunchError):
        backend.submit(asked)  # a second click; what it started would be seen below
    watching = Watching(job_id)
    faults = [chance.choice(FAULTS) for _ in range(chance.randint(1, 4))]
    for fault in faults:
        time.sleep(chance.uniform(0.05, 0.5))
        fault(watching, chance)
    _to_the_end(watching)
    watching.follower.join(20)
    points = [point.step for point in watching.run.journal.history["loss"]]
    state = state_of(job_id)
    left = sum(processes.alive(state.get(name)) for name in ("script", "supervisor"))
    return RealResult(
        seed, len(faults), len(set(range(1, STEPS + 1)) - set(points)), len(points) - len(set(points)),
        watching.false_ends, not watching.run.complete, len(backend.ids()), left, str(watching.run.stage),
    )  # fmt: skip


def _to_the_end(watching: Watching) -> None:
    """Wait; where it ended too early, let it go on, as a person would."""
    for _ in range(8):
        run = Run(LocalBackend(grace_seconds=1.0), watching.job_id).wait(60)
        if run.stage is Stage.COMPLETED:
            until(lambda: not processes.alive(state_of(watching.job_id).get("supervisor")))
            return
        _resume(watching)


def _resume(watching: Watching) -> None:
    run = Run(LocalBackend(grace_seconds=1.0), watching.job_id)
    until(lambda: run.stage.final)
    if run.stage is Stage.COMPLETED:
        return
    folder = folders.data("runs", watching.job_id)
    if run.checkpoint_step is None:  # a person would start it anew
        (folder / "output" / "checkpoint-0").mkdir(parents=True)
        (folder / "output" / "checkpoint-0" / "trainer_state.json").write_text('{"global_step": 0}')
    with contextlib.suppress(RunError):  # it was complete after all
        run.resume()
    watching.again()


def _signal(watching: Watching, name: str, number: int) -> None:
    pid = int((state_of(watching.job_id).get(name) or {}).get("pid") or 0)
    if pid and processes.alive(state_of(watching.job_id).get(name)):
        os.kill(pid, number)


def _kill_script(watching: Watching, chance: random.Random) -> None:
    _signal(watching, "script", signal.SIGKILL)
    _resume(watching)


def _kill_supervisor(watching: Watching, chance: random.Random) -> None:
    _signal(watching, "supervisor", signal.SIGKILL)


def _kill_both(watching: Watching, chance: random.Random) -> None:
    _signal(watching, "supervisor", signal.SIGKILL)
    _signal(watching, "script", signal.SIGKILL)
    _resume(watching)


def _shut_down(watching: Watching, chance: random.Random) -> None:
    _signal(watching, "supervisor", signal.SIGTERM)
    _resume(watching)


def _cancel(watching: Watching, chance: random.Random) -> None:
    watching.run.cancel()
    _resume(watching)


def _kernel_dies(watching: Watching, chance: random.Random) -> None:
    watching.again()


def _disk_refuses(watching: Watching, chance: random.Random) -> None:
    """Looks of this process fail for a while; the run does not know."""
    refusal = OSError(chance.choice((5, 13, 24, 28, 116)), "refused")
    until_then = time.monotonic() + chance.uniform(0.05, 0.5)
    read = run_folder.state

    def refused(folder):
        if time.monotonic() < until_then:
            raise refusal
        return read(folder)

    with patch.object(run_folder, "state", refused):
        watching.run.refresh()
        time.sleep(max(0.0, until_then - time.monotonic()))


FAULTS: tuple[Callable[[Watching, random.Random], None], ...] = (
    _kill_script, _kill_supervisor, _kill_both, _shut_down, _cancel, _kernel_dies, _disk_refuses,
)  # fmt: skip
