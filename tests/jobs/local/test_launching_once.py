"""Nothing is started twice."""

import subprocess
import sys
import threading

import pytest

from hfft_widgets import folders
from hfft_widgets.core.run.stage import Stage
from hfft_widgets.errors import LaunchError
from hfft_widgets.jobs import index
from hfft_widgets.jobs.local import supervisor
from hfft_widgets.jobs.lock import one_at_a_time
from tests.jobs.conftest import submission

LAUNCH = """
import sys
from hfft_widgets.errors import LaunchError
from hfft_widgets.jobs import index
from hfft_widgets.jobs.base import Submission
print("ready", flush=True)
sys.stdin.readline()
try:
    print(index.launch(Submission("training", "A run", "import time; time.sleep(600)", {}, "same")).id)
except LaunchError as error:
    print("refused", error)
"""


def test_a_second_launch_names_the_live_run(start):
    run = start("time.sleep(600)", fingerprint="same")
    with pytest.raises(LaunchError, match="already running here") as caught:
        index.launch(submission("", fingerprint="same"))
    assert run.id in str(caught.value)
    assert len(index.runs()) == 1
    assert start("tell('end')", fingerprint="other").wait(30).stage is Stage.COMPLETED
    run.cancel()
    again = start("tell('end')", fingerprint="same").wait(30)
    assert again.stage is Stage.COMPLETED
    assert [run.attempt, again.attempt, index.attach(again.id).attempt] == [1, 2, 2]


def test_a_run_of_a_version_that_did_not_count_is_the_first_attempt(start):
    run = start("tell('end')", fingerprint="same").wait(30)
    path = folders.data("runs", run.id[6:]) / supervisor.SUBMISSION
    values = supervisor.read_json(path)
    del values["attempt"]
    supervisor.write_json(path, values)
    assert index.attach(run.id).attempt == 1
    assert start("tell('end')", fingerprint="same").wait(30).attempt == 2


def test_two_clicks_in_two_threads_start_one(home):
    barrier, results = threading.Barrier(6), []

    def click():
        barrier.wait()
        try:
            results.append(index.launch(submission("time.sleep(600)", fingerprint="same")).id)
        except LaunchError as error:
            results.append(str(error))

    threads = [threading.Thread(target=click) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    started = [result for result in results if result.startswith("local:")]
    assert len(results) == 6
    assert len(started) == 1
    assert all(started[0] in result for result in results)
    assert len(index.runs()) == 1


def test_two_notebooks_start_one(home):
    notebooks = [
        subprocess.Popen([sys.executable, "-c", LAUNCH], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    for notebook in notebooks:
        assert notebook.stdout.readline() == "ready\n"
    for notebook in notebooks:
        notebook.stdin.write("go\n")
        notebook.stdin.flush()
    results = [notebook.communicate(timeout=60)[0].strip() for notebook in notebooks]
    started = [result for result in results if result.startswith("local:")]
    assert len(started) == 1
    assert sorted(result.startswith("refused") for result in results) == [False, True, True]
    assert all(started[0] in result for result in results)


def test_a_failed_start_frees_the_lock(local, monkeypatch):
    with monkeypatch.context() as patched:
        patched.setattr(sys, "executable", "/no/such/python")
        with pytest.raises(LaunchError):
            local.submit(submission(""))
    with one_at_a_time(folders.data("runs", ".lock"), wait_seconds=1):
        pass
