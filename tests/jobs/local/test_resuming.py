"""A run that was ended goes on from its last checkpoint: the same run, one curve."""

import os
import signal

import pytest

from hfft_widgets import folders
from hfft_widgets.core.run.stage import Stage
from hfft_widgets.errors import LaunchError, RunError
from hfft_widgets.jobs import index
from hfft_widgets.jobs.follower import Follower
from hfft_widgets.jobs.local import supervisor
from tests.jobs.conftest import kill_watcher, lives, until

# as the runtime of the scripts does it: on SIGTERM it saves and leaves; at its start it looks for a checkpoint
TRAINS = """
from pathlib import Path
out = Path(os.environ["HFFT_OUTPUT_DIR"]); out.mkdir(exist_ok=True)
def save(step):
    folder = out / f"checkpoint-{step}"; folder.mkdir(exist_ok=True)
    (folder / "optimizer.pt").write_bytes(b"x" * 1000)
    (folder / "trainer_state.json").write_text(json.dumps({"global_step": step}))
stop = []
signal.signal(signal.SIGTERM, lambda *_: stop.append(1))
done = max([int(p.name[11:]) for p in out.glob("checkpoint-*") if (p / "trainer_state.json").exists()], default=0)
fails = Path("fails")
tell("start", step=done, total_steps=30)
for step in range(done + 1, 31):
    time.sleep(0.04)
    tell("log", step=step, total_steps=30, metrics={"loss": 1 / step})
    if step % 5 == 0: save(step)
    if stop: save(step); tell("stopped", signal=15); sys.exit(143)
    if step == 14 and fails.exists(): raise MemoryError("no room")
(out / "model.bin").write_bytes(b"weights")
tell("end", step=30, total_steps=30)
"""


def at_step(run, step):
    until(lambda: (run.pace.step or 0) >= step)


def assert_one_curve(run):
    assert run.stage is Stage.COMPLETED, run.error
    assert [point.step for point in run.history["loss"]] == list(range(1, 31))
    assert run.error is None
    assert (run.output / "model.bin").exists()


def test_after_a_cancel(start):
    run = start(TRAINS)
    at_step(run, 7)
    assert run.checkpoint_step in {5, 10, 15, 20}
    with pytest.raises(RunError, match="is live"):
        run.resume()
    assert run.cancel().stage is Stage.CANCELED
    step = run.checkpoint_step
    assert step >= 7
    seen = []
    run.refresh()
    assert run.resume() is run
    assert run.stage in {Stage.SCHEDULING, Stage.RUNNING}
    Follower(run, seen.extend, period=0.05).start().join(30)
    assert_one_curve(run)
    assert run.journal.resumes[0][0] == step
    assert f"---- Going on from step {step} ----" in run.log
    assert [event.step for event in seen if event.kind == "log"] == list(range(step + 1, 31))
    assert [one.id for one in index.runs()] == [run.id]
    assert_one_curve(index.attach(run.id).wait(20))
    with pytest.raises(RunError, match="is complete"):
        run.resume()


def test_after_a_kill_and_again_after_an_error(start):
    run = start(TRAINS)
    at_step(run, 6)
    script = kill_watcher(run.id[6:])
    os.kill(script, signal.SIGKILL)
    until(lambda: not lives(script))
    assert run.wait(20).stage is Stage.ERROR
    first = run.checkpoint_step
    (folders.data("runs", run.id[6:]) / "fails").touch()
    assert run.resume().wait(30).stage is Stage.ERROR
    assert run.diagnosis.name == "host_memory"
    (folders.data("runs", run.id[6:]) / "fails").unlink()
    run.resume().wait(30)
    assert_one_curve(run)
    assert [step for step, _ in run.journal.resumes] == [first, 10]


def test_an_end_before_is_not_the_end_after(start):
    """Killed without a word in its second life: what it said at the end of the first one does not count."""
    run = start(TRAINS)
    at_step(run, 6)
    run.cancel()
    run.resume()
    at_step(run, run.checkpoint_step + 1)
    script = kill_watcher(run.id[6:])
    os.kill(script, signal.SIGKILL)
    until(lambda: not lives(script))
    other = index.attach(run.id).wait(20)
    assert other.stage is Stage.ERROR  # not CANCELED
    assert "ended from outside" in other.error


def test_what_cannot_go_on(start):
    run = start("raise ValueError('before the first step')", fingerprint="same").wait(30)
    with pytest.raises(RunError, match="made no checkpoint"):
        run.resume()
    run = start(TRAINS, fingerprint="same")
    at_step(run, 6)
    run.cancel()
    twin = start("time.sleep(60)", fingerprint="same")
    with pytest.raises(LaunchError, match="already running"):
        run.resume()
    twin.cancel()
    file = folders.data("runs", run.id[6:]) / supervisor.SUBMISSION
    kept = supervisor.read_json(file)
    supervisor.write_json(file, kept | {"python": "/no/such/python"})  # its environment was deleted
    with pytest.raises(LaunchError, match="could not be started") as caught:
        run.resume()
    assert "/no/such/python" in caught.value.remedy
    supervisor.write_json(file, kept)
    assert run.resume().wait(30).stage is Stage.COMPLETED  # nothing of it was lost


def test_checkpoints_are_freed(start):
    run = start(TRAINS).wait(30)
    assert 6000 < run.checkpoint_bytes < 8000
    run.free_checkpoints()
    assert run.checkpoint_bytes == 0
    assert_one_curve(run)
    live = start(TRAINS)
    with pytest.raises(RunError, match="is live"):
        live.free_checkpoints()
