"""A look that fails is a note, and the next look follows, on this machine."""

import itertools
import os
import resource
import shutil
import time

import pytest

from hfft_widgets import folders
from hfft_widgets.core.run.stage import Stage
from hfft_widgets.errors import RunError
from hfft_widgets.jobs import index
from hfft_widgets.jobs.follower import Follower
from hfft_widgets.jobs.local import supervisor
from hfft_widgets.jobs.run import Run
from tests.jobs.conftest import change_state, state_of, until

POINTS = """
for step in range(1, 41):
    tell("log", step=step, total_steps=40, metrics={"loss": 1 / step})
    time.sleep(0.05)
tell("end")
"""


class NoHandles:
    """This process may open no file."""

    def __enter__(self):
        self.before = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (1, self.before[1]))

    def __exit__(self, *_):
        resource.setrlimit(resource.RLIMIT_NOFILE, self.before)


def test_a_kernel_without_file_handles_watches_on(start):
    run = start(POINTS)
    seen = []
    follower = Follower(run, seen.extend, period=0.05).start()
    until(lambda: len(seen) >= 3)
    run._repr_html_()  # what shows it is imported
    with NoHandles():
        time.sleep(0.5)
        assert run.stage is Stage.RUNNING
        assert "Too many open files" in run.status.message
        assert run.error is None
        run.to_dict(), run._repr_html_()
    follower.join(30)
    assert not follower._thread.is_alive()
    assert [event.step for event in seen if event.step] == list(range(1, 41))
    assert run.stage is Stage.COMPLETED
    assert len(run.history["loss"]) == 40


def test_a_first_look_without_handles_is_told(start):
    run_id = start("time.sleep(60)").id
    with NoHandles():
        assert Run(index.backend("local"), run_id[6:]).stage is Stage.RUNNING
        with pytest.raises(RunError, match="Too many open files"):
            index.attach(run_id)


def test_an_update_that_fails_does_not_end_the_watching(start, caplog):
    calls = []

    def update(events):
        calls.append(events)
        if len(calls) < 3:
            raise ValueError("the page is gone")

    run = start("tell('log', step=1); time.sleep(0.5); tell('end')")
    Follower(run, update, period=0.05).start().join(30)
    assert run.complete
    assert len(calls) > 3
    assert "the page is gone" in caplog.text


def folder_of(run):
    return folders.data("runs", run.id[6:])


def make_a_folder(path):
    path.unlink(missing_ok=True)
    path.mkdir()


DAMAGES = {
    "a folder": make_a_folder,
    "no JSON": lambda path: path.write_text('{"version": 1, "pla'),
    "no object": lambda path: path.write_text("[1]"),
    "odd values": lambda path: path.write_text('{"place": 5, "script": [], "started": "x", "finished": {}}'),
}


def test_one_run_that_cannot_be_read_is_one_bad_line(start):
    first = start("tell('end')", fingerprint="same").wait(30)
    for copy, (name, damage) in enumerate(itertools.product((supervisor.STATE, supervisor.SUBMISSION), DAMAGES)):
        folder = folder_of(first).with_name(f"20260101-00000{copy}-{copy:08x}")
        shutil.copytree(folder_of(first), folder)
        DAMAGES[damage](folder / name)
    known = index.runs()
    assert known[0].id == first.id
    for run in known:
        assert all((run.stage, run.title, run.to_dict("card"), repr(run)))
        assert run.error is None
    assert len(known) == 1 + len(DAMAGES)
    assert len(index.runs(damaged=True)) == len(DAMAGES)
    assert start("tell('end')", fingerprint="same").wait(30).stage is Stage.COMPLETED


def test_a_damaged_state_of_a_live_run_is_no_end(start):
    run = start("time.sleep(60)")
    watcher, script = (state_of(run.id[6:])[name]["pid"] for name in ("supervisor", "script"))
    (folder_of(run) / supervisor.STATE).write_text("{")
    again = index.attach(run.id)
    time.sleep(1)
    assert again.stage is Stage.RUNNING
    assert "cannot be read" in again.status.message
    assert again.error is None
    for pid in (watcher, script):
        os.kill(pid, 9)


def test_a_disk_that_is_not_mounted_is_no_deletion(start):
    run = start("tell('log', step=1); time.sleep(3); tell('end')")
    until(lambda: run.journal.last == "log")  # it runs: a script that starts is read by its path
    root = folders.data("runs")
    away = root.with_name("away")
    root.rename(away)
    time.sleep(0.3)
    assert run.stage is Stage.RUNNING
    away.rename(root)
    assert run.wait(30).stage is Stage.COMPLETED, run.error


def test_clocks_are_not_compared(start, monkeypatch):
    """A run of another container, whose clock is hours behind or ahead: its heart is heard, not dated."""
    run = start("time.sleep(60)")
    state = state_of(run.id[6:])
    true = time.time
    for hours in (-5, 5):
        change_state(run.id[6:], place={"host": "elsewhere", "boot": "another", "namespace": "x"})
        monkeypatch.setattr(time, "time", lambda hours=hours: true() + 3600 * hours)
        assert index.attach(run.id).stage is Stage.RUNNING
    change_state(run.id[6:], place=state["place"])
