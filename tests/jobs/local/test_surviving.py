"""What outlives what: the notebook, the supervisor, the machine."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from hfft_widgets import folders
from hfft_widgets.core.run.stage import Stage
from hfft_widgets.errors import LaunchError
from hfft_widgets.jobs import index
from hfft_widgets.jobs.local import supervisor
from tests.jobs.conftest import change_state, kill_watcher, lives, state_of, submission, until

from .test_supervisor import DEAF, FAMILY, SAVES, event_of

STEPS = """
for step in range(1, 41):
    tell("log", step=step, total_steps=40, metrics={"loss": 1 / step})
    time.sleep(0.05)
tell("end")
"""
# stands for a notebook's kernel: it launches, follows, and is killed
KERNEL = """
import sys
from hfft_widgets.jobs import index
from hfft_widgets.jobs.base import Submission
run = index.launch(Submission("training", "A run", sys.argv[1], {}, "one"))
print(run.id, flush=True)
run.wait()
"""
# stands for the next kernel
NEXT = """
import json, sys
from hfft_widgets.jobs import index
run = index.attach(sys.argv[1])
early = len(run.history.get("loss", ()))
run.wait(60)
print(json.dumps([early, run.stage, [point.step for point in run.history["loss"]]]))
"""


def test_the_notebook_is_killed_and_another_one_sees_the_whole_curve():
    script = submission(STEPS).script
    kernel = subprocess.Popen(
        [sys.executable, "-c", KERNEL, script], stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    run_id = kernel.stdout.readline().strip()
    run = index.attach(run_id)
    until(lambda: len(run.history.get("loss", ())) >= 3)
    state = state_of(run_id[6:])
    os.killpg(kernel.pid, signal.SIGKILL)  # the kernel with everything in its group and session
    kernel.wait()
    kernel.stdout.close()
    assert lives(state["script"]["pid"])
    assert lives(state["supervisor"]["pid"])
    followed = subprocess.run([sys.executable, "-c", NEXT, run_id], capture_output=True, text=True, check=True)
    early, stage, steps = json.loads(followed.stdout)
    assert early >= 3
    assert stage == "COMPLETED"
    assert steps == list(range(1, 41))


def test_an_interrupt_of_the_notebook_does_not_reach_the_run():
    kernel = subprocess.Popen(
        [sys.executable, "-c", KERNEL, submission(STEPS).script],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
    run = index.attach(kernel.stdout.readline().strip())
    os.killpg(kernel.pid, signal.SIGINT)
    assert kernel.wait(20) != 0
    kernel.stdout.close()
    assert run.wait(30).stage is Stage.COMPLETED


def test_the_supervisor_is_killed_and_the_script_goes_on(start):
    run = start(STEPS)
    event_of(run)
    script = kill_watcher(run.id[6:])
    assert lives(script)
    assert index.attach(run.id).stage is Stage.RUNNING
    now = time.time()
    until(lambda: run.status.heartbeat > now)
    assert run.wait(30).stage is Stage.COMPLETED  # judged by its last word
    assert run.status.exit_code is None
    assert run.status.finished is not None
    assert [point.step for point in run.history["loss"]] == list(range(1, 41))


@pytest.mark.parametrize(
    ("ending", "words"),
    [
        ("tell('error', type='ValueError', message='too odd')\nsys.exit(1)", "too odd"),
        ("raise KeyError('prompt')", "looked for 'prompt'"),
        ("os.kill(os.getpid(), signal.SIGKILL)", "ended from outside"),
        ("sys.exit(0)", "ended from outside"),
        ("tell('stopped')\nsys.exit(143)", "signal from outside"),
    ],
)
def test_the_supervisor_is_killed_and_the_script_fails(ending, words, start):
    run = start("tell('log', step=1)\nwhile not os.path.exists('go'): time.sleep(0.05)\n" + ending)
    event_of(run)
    kill_watcher(run.id[6:])
    (folders.data("runs", run.id[6:]) / "go").touch()
    run.wait(30)
    assert run.stage is Stage.ERROR
    assert words in run.error


@pytest.mark.parametrize("body", [SAVES, DEAF, FAMILY + "time.sleep(600)"])
def test_cancel_without_a_supervisor(body, start):
    run = start(body)
    pids = event_of(run).data.get("pids", [])
    script = kill_watcher(run.id[6:])
    run.cancel()
    assert run.stage is Stage.CANCELED
    assert not any(map(lives, [script, *pids]))
    assert ("stopped" in run.journal.said) == (body is SAVES)


def test_both_are_killed(start):
    run = start("tell('log', step=1)\ntime.sleep(600)")
    event_of(run)
    os.kill(kill_watcher(run.id[6:]), signal.SIGKILL)
    run.wait(20)
    assert run.stage is Stage.ERROR
    assert "ended from outside" in run.error
    assert "memory" in run.error
    run.delete()


def both_gone(run):
    os.kill(kill_watcher(run.id[6:]), signal.SIGKILL)
    until(lambda: not lives(state_of(run.id[6:])["script"]["pid"]))


@pytest.mark.parametrize("birth", ["1", ""])
def test_another_process_with_the_same_id_is_not_the_run(birth, start):
    run = start("tell('log', step=1)\ntime.sleep(600)")
    event_of(run)
    both_gone(run)
    # this test's own process: alive, and born long before or after what the state says
    stranger = {"pid": os.getpid(), "birth": birth, "seconds": time.time() + 3600}
    change_state(run.id[6:], supervisor=stranger, script=stranger)
    other = index.attach(run.id)
    assert other.stage is Stage.ERROR
    other.cancel()
    again = index.launch(submission("tell('end')", fingerprint=other.fingerprint))
    assert again.wait(30).stage is Stage.COMPLETED


def grow_old(run_id):
    for name in (supervisor.HEARTBEAT, supervisor.LOG, supervisor.SUBMISSION):
        os.utime(folders.data("runs", run_id[6:]) / name, (1.6e9, 1.6e9))


@pytest.mark.parametrize(
    ("change", "stage", "words"),
    [
        ({"boot": "another-start"}, Stage.ERROR, "The machine was restarted while it ran."),
        # their silence is no end: they may be behind a network disk that holds back what they write
        ({"host": "elsewhere", "boot": "another-start"}, Stage.RUNNING, "on another machine, which has been silent"),
        ({"namespace": "pid:[1]"}, Stage.RUNNING, "in another container"),
    ],
)
def test_a_restart_is_told_from_a_live_run(change, stage, words, start, monkeypatch):
    monkeypatch.setattr("hfft_widgets.jobs.local.stage.SILENT_SECONDS", 0.0)
    run = start("tell('log', step=1)\ntime.sleep(600)")
    event_of(run)
    both_gone(run)
    # the ids are taken by others now: here, by this very process
    mine = supervisor.identity(os.getpid())
    change_state(run.id[6:], place=supervisor.machine() | change, supervisor=mine, script=mine)
    grow_old(run.id)
    other = index.attach(run.id)
    assert other.stage is stage
    assert words in (other.error or other.status.message)
    other.cancel(5)
    assert other.stage is (stage if stage.final else Stage.CANCELED)


def test_a_run_that_had_ended_before_the_restart_stays_as_it_was(start):
    run = start("tell('end')").wait(30)
    change_state(run.id[6:], place={"host": "h", "boot": "b", "namespace": "n"})
    assert index.attach(run.id).stage is Stage.COMPLETED


def test_a_run_in_another_container_is_heard_by_its_heart_and_canceled_by_its_file(start):
    run = start(SAVES)
    event_of(run)
    # the supervisor writes its state no more before the end, so the change stays
    change_state(run.id[6:], place={"host": "elsewhere", "boot": "b", "namespace": "n"})
    other = index.attach(run.id)
    assert other.stage is Stage.RUNNING
    with pytest.raises(LaunchError, match="already running"):
        index.launch(submission("", fingerprint=run.fingerprint))
    assert other.cancel().stage is Stage.CANCELED


def test_a_start_that_was_cut_short(start):
    run = start("tell('end')").wait(30)
    folder = folders.data("runs", run.id[6:])
    (folder / supervisor.STATE).unlink()
    assert index.attach(run.id).stage is Stage.SCHEDULING
    kept = supervisor.read_json(folder / supervisor.SUBMISSION)
    supervisor.write_json(folder / supervisor.SUBMISSION, kept | {"created": time.time() - 3600})
    late = index.attach(run.id)
    assert late.stage is Stage.ERROR
    assert "never started" in late.error


def test_a_cancel_before_the_start(home):
    from hfft_widgets.jobs.local import run_folder

    root = folders.data("runs")
    root.mkdir(parents=True)
    folder = run_folder.write(root, submission("open('ran', 'w')"))
    supervisor.write_json(folder / supervisor.CANCEL, {"grace_seconds": 0})
    run_folder.start(folder, {})
    assert index.attach(f"local:{folder.name}").stage is Stage.CANCELED
    assert not (folder / "ran").exists()


def test_the_heart_beats(start):
    run = start("time.sleep(600)")
    first = run.status.heartbeat
    until(lambda: run.status.heartbeat > first, 10)
    path = folders.data("runs", run.id[6:]) / supervisor.HEARTBEAT
    beat = path.stat().st_mtime
    until(lambda: path.stat().st_mtime > beat, 10)
    assert 0.5 < path.stat().st_mtime - beat < 8


def test_the_supervisor_needs_nothing_but_the_standard_library():
    source = Path(supervisor.__file__).read_text("utf-8")
    given = f"import sys; sys.argv = ['x']; __file__ = {supervisor.__file__!r}"
    body = f"{given}; exec({source.split('if __name__')[0]!r}); print(sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-I", "-S", "-c", body], capture_output=True, text=True, check=True)
    assert "psutil" not in done.stdout
    assert "'hfft_widgets" not in done.stdout
