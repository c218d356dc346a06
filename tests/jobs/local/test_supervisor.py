"""Cancel, time limits, and ends from outside, with real processes."""

import os
import shutil
import signal
import threading
import time
from dataclasses import replace

import pytest

from hfft_widgets import folders
from hfft_widgets.core.run.stage import Stage
from hfft_widgets.errors import RunError
from hfft_widgets.jobs.local.backend import LocalBackend, supervisor
from hfft_widgets.jobs.run import Run
from tests.jobs.conftest import lives, state_of, submission, until

SAVES = """
def save(signum, frame):
    tell("stopped", signal=signum, step=4)
    sys.exit(128 + signum)
signal.signal(signal.SIGTERM, save)
tell("log", step=3, metrics={"loss": 1.0})
while True:
    time.sleep(0.05)
"""
DEAF = """
signal.signal(signal.SIGTERM, signal.SIG_IGN)
tell("log", step=1)
time.sleep(600)
"""
# a child, its child, and one that moved to a session of its own
FAMILY = """
inner = "import subprocess, time; print(subprocess.Popen(['sleep', '600']).pid, flush=True); time.sleep(600)"
middle = subprocess.Popen([sys.executable, "-c", inner], stdout=subprocess.PIPE)
moved = subprocess.Popen(["sleep", "600"], start_new_session=True)
tell("log", step=1, pids=[middle.pid, int(middle.stdout.readline()), moved.pid])
"""


def event_of(run, kind="log"):
    until(lambda: kind in run.journal.said)
    return run.journal.said[kind]


def test_cancel_lets_the_script_save(start):
    run = start(SAVES)
    event_of(run)
    assert run.cancel() is run
    assert (run.stage, run.status.exit_code) == (Stage.CANCELED, 143)
    assert run.journal.data("stopped") == {"signal": 15}
    assert run.error is None


def test_cancel_asks_once(start, local):
    body = "asked = []\nsignal.signal(signal.SIGTERM, lambda *_: asked.append(1))\ntell('log', step=1)\n"
    run = start(
        body + "while not asked: time.sleep(0.02)\ntime.sleep(0.6)\ntell('stopped', times=len(asked))\nsys.exit(143)"
    )
    event_of(run)
    for _ in range(3):
        local.cancel(run.id[6:])
    run.wait(20)
    assert run.journal.data("stopped") == {"times": 1}
    assert run.stage is Stage.CANCELED


@pytest.mark.parametrize(
    "script", ["time.sleep(600)", "signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"]
)
def test_cancel_ends_children_and_their_children(script, start):
    run = start(FAMILY + script)
    pids = event_of(run).data["pids"]
    assert all(map(lives, pids))
    run.cancel()
    assert run.stage is Stage.CANCELED
    assert not any(map(lives, [*pids, state_of(run.id[6:])["script"]["pid"]]))


def test_a_script_that_does_not_listen_is_killed_after_the_grace(start):
    run = start(DEAF)
    event_of(run)
    began = time.monotonic()
    run.cancel()
    assert time.monotonic() - began >= 1.0
    assert (run.stage, run.status.exit_code) == (Stage.CANCELED, -signal.SIGKILL)


def test_a_shorter_grace_may_be_told_later(local, start):
    slow = LocalBackend(grace_seconds=600)
    run = Run(slow, slow.submit(submission(DEAF)))
    event_of(run)
    run.cancel(timeout=0.5)
    assert run.stage is Stage.RUNNING
    LocalBackend(grace_seconds=0).cancel(run.id[6:])
    assert run.wait(20).stage is Stage.CANCELED


def test_cancel_after_the_end_changes_nothing(start):
    run = start("tell('end')").wait(30)
    assert run.cancel().stage is Stage.COMPLETED
    assert not (folders.data("runs", run.id[6:]) / supervisor.CANCEL).exists()


def test_a_cancel_that_came_too_late_leaves_a_success(start):
    run = start("signal.signal(signal.SIGTERM, signal.SIG_IGN)\ntell('log', step=1)\ntime.sleep(0.8)\ntell('end')")
    event_of(run)
    run.cancel()
    assert run.stage is Stage.COMPLETED


def test_cancel_that_makes_the_script_fail_is_still_a_cancel(start):
    body = "signal.signal(signal.SIGTERM, lambda *_: 1 / 0)\ntell('log', step=1)\ntime.sleep(600)"
    run = start(body)
    event_of(run)
    assert run.cancel().stage is Stage.CANCELED
    assert run.status.exit_code == 1


def test_a_cancel_that_cannot_be_written_says_so(start, monkeypatch):
    run = start("time.sleep(600)")

    def refuse(path, value):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(supervisor, "write_json", refuse)
    with pytest.raises(RunError, match=r"could not be asked to stop.*No space left"):
        run.cancel()


@pytest.mark.parametrize("body", [SAVES, DEAF])
def test_the_time_limit(body):
    place = LocalBackend()
    run = Run(place, place.submit(submission(body, timeout_seconds=1.0)))
    event_of(run)
    if body is DEAF:  # the usual grace would make this test long
        until(lambda: time.time() - run.status.started > 1.5)
        supervisor.write_json(folders.data("runs", run.id[6:]) / supervisor.CANCEL, {"grace_seconds": 0})
    run.wait(30)
    assert run.stage is Stage.ERROR
    assert "time limit (1 s)" in run.error
    assert run.status.exit_code == (143 if body is SAVES else -9)


@pytest.mark.parametrize(
    ("number", "words"),
    [(signal.SIGKILL, "ran out of memory"), (signal.SIGTERM, "interrupted"), (signal.SIGSEGV, "crashed")],
)
def test_a_signal_from_outside_is_an_error(number, words, start):
    run = start("tell('log', step=1)\ntime.sleep(600)")
    event_of(run)
    os.kill(state_of(run.id[6:])["script"]["pid"], number)
    run.wait(20)
    assert (run.stage, run.status.exit_code) == (Stage.ERROR, -number)
    assert words in run.error


def test_a_shutdown_lets_the_script_save(start):
    run = start(SAVES)
    event_of(run)
    os.kill(state_of(run.id[6:])["supervisor"]["pid"], signal.SIGTERM)
    run.wait(20)
    assert run.stage is Stage.ERROR
    assert "shutdown" in run.error
    assert run.journal.data("stopped") == {"signal": 15}


def test_an_interrupt_of_the_supervisor_is_not_meant_for_it(start):
    run = start("tell('log', step=1)\ntime.sleep(1.0)\ntell('end')")
    event_of(run)
    for number in (signal.SIGINT, signal.SIGHUP):
        os.kill(state_of(run.id[6:])["supervisor"]["pid"], number)
    assert run.wait(20).stage is Stage.COMPLETED


def test_waiting_can_be_interrupted_and_the_run_goes_on(start):
    run = start("tell('log', step=1)\ntime.sleep(2)\ntell('end')")
    event_of(run)
    threading.Timer(0.4, os.kill, [os.getpid(), signal.SIGINT]).start()
    with pytest.raises(KeyboardInterrupt):
        run.wait()
    assert run.stage is Stage.RUNNING
    assert run.wait(20).stage is Stage.COMPLETED


def test_waiting_has_a_limit(start):
    run = start("time.sleep(600)")
    began = time.monotonic()
    assert run.wait(0.3) is run
    assert 0.3 <= time.monotonic() - began < 60
    assert run.stage is Stage.RUNNING


def test_a_run_whose_folder_is_deleted_ends(start):
    run = start("time.sleep(600)")
    state = state_of(run.id[6:])
    shutil.rmtree(folders.data("runs", run.id[6:]))
    until(lambda: not lives(state["script"]["pid"]))
    until(lambda: not lives(state["supervisor"]["pid"]), 60)


STANDS_STILL = """
for step in range(1, 4):
    tell("log", step=step, total_steps=9)
    open(os.environ["HFFT_MOVED"], "w").close()
while True:
    print("still waiting for another process", flush=True)
    time.sleep(0.1)
"""


def test_a_run_that_does_not_go_on_is_stopped_at_its_limit_whatever_it_prints(local):
    run = Run(local, local.submit(replace(submission(STANDS_STILL), stall_seconds=1.0)))
    assert run.wait(20).stage is Stage.ERROR
    assert run.status.message == "It was stopped: nothing moved for 1 s, the limit it was given."
    assert run.diagnosis.name == "stalled"
    assert run.error.count("nothing moved") == 1


@pytest.mark.ci
def test_a_script_that_says_nothing_of_itself_goes_on_while_it_prints(local):
    body = "for _ in range(20):\n    print('a line', flush=True)\n    time.sleep(0.1)\ntell('end')"
    run = Run(local, local.submit(replace(submission(body), stall_seconds=1.0)))
    assert run.wait(20).stage is Stage.COMPLETED


def test_a_run_asked_to_finish_ends_as_after_its_last_step(start):
    body = """
tell("log", step=1, total_steps=900)
while not os.path.isfile(os.environ["HFFT_FINISH"]):
    time.sleep(0.05)
tell("end")
"""
    run = start(body)
    event_of(run)
    assert run.finish() is run
    assert run.wait(20).stage is Stage.COMPLETED
    with pytest.raises(RunError, match="has ended"):
        run.finish()
