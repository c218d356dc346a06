"""A supervisor that is gone, children that moved away, a full disk, output without end."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import time

import pytest

from hfft_widgets import folders
from hfft_widgets.core.run.stage import Stage
from hfft_widgets.core.script import runtime
from hfft_widgets.jobs.base import Submission
from hfft_widgets.jobs.local import log_file, supervisor
from hfft_widgets.jobs.local.backend import LocalBackend
from hfft_widgets.jobs.run import Run
from tests.jobs.conftest import kill_watcher, lives, state_of, submission, until

linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="as Linux has it")


@pytest.mark.ci
def test_the_time_limit_holds_without_its_supervisor(monkeypatch):
    place = LocalBackend()
    run = Run(place, place.submit(submission("tell('log', step=1)\ntime.sleep(600)", timeout_seconds=1.0)))
    until(lambda: run.history.get("step", ()) or run.journal.said)
    script = kill_watcher(run.id[6:])
    assert lives(script)
    until(lambda: not lives(script), 20)  # the system itself holds it
    run.wait(30)
    assert run.stage is Stage.ERROR
    assert "time limit (1 s)" in run.error


@linux
def test_a_child_in_a_session_of_its_own_ends_with_the_run(start):
    body = """
    moves = "subprocess.Popen(['sleep', '600'], start_new_session=True, stdout=-3, stderr=-3).pid"
    inner = f"import subprocess; print({moves}, flush=True)"
    gone = subprocess.run([sys.executable, "-c", inner], capture_output=True, text=True)
    print(gone.stdout)
    tell('end')
    """
    run = start(body).wait(30)
    assert run.stage is Stage.COMPLETED
    until(lambda: not lives(int(run.log)))


# ---- a full disk ---------------------------------------------------------------------------------


@pytest.fixture
def small_disk(tmp_path, monkeypatch):
    """A home on a disk of 6 MB, where the system lets this be made."""
    place = tmp_path / "small"
    place.mkdir()
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", str(place)], capture_output=True)
    if made.returncode:
        pytest.skip("no disk can be mounted here")
    monkeypatch.setenv("HFFT_HOME", str(place / "home"))
    yield place
    with contextlib.suppress(OSError):
        (place / "filler").unlink()
    for path in folders.data("runs").glob("*"):
        with contextlib.suppress(Exception):
            LocalBackend(grace_seconds=0).cancel(path.name)
    subprocess.run(["umount", "-l", str(place)], check=True)


@pytest.mark.ci
@linux
def test_a_full_disk_pauses_a_run_and_it_goes_on(small_disk):
    body = """
whole_lines()
for step in range(1, 201):
    tell("log", step=step, total_steps=200, metrics={"loss": 1 / step})
    time.sleep(0.02)
tell("end")
"""
    script = runtime("events") + "\n\n" + body
    place = LocalBackend()
    run = Run(place, place.submit(Submission("training", "A run", script, {"method": "SFT"}, "one")))
    until(lambda: len(run.history.get("loss", ())) >= 3)
    filler = small_disk / "filler"
    with contextlib.suppress(OSError), filler.open("wb", buffering=0) as file:
        while True:  # to the last byte: another program's
            file.write(b"x" * 4096)
    until(lambda: "disk is full" in run.to_dict()["note"])
    time.sleep(6)  # longer than its two hundred steps would take
    assert run.stage is Stage.RUNNING
    filler.unlink()
    assert run.wait(60).stage is Stage.COMPLETED
    assert [point.step for point in run.history["loss"]] == list(range(1, 201))


def test_a_training_waits_for_room_before_a_checkpoint(monkeypatch, capsys):
    from hfft_widgets.scripts.machine import disk

    free = iter([10, 10, 10**9])
    monkeypatch.setattr(disk.shutil, "disk_usage", lambda _: type("Usage", (), {"free": next(free)}))
    waited = []
    monkeypatch.setattr(disk.time, "sleep", waited.append)
    disk.wait_for_room("/any", 10**6)
    told = capsys.readouterr().out
    assert len(waited) == 2
    assert told.count("The disk is full, the training pauses") == 1
    assert "There is room on the disk again" in told


# ---- output without end --------------------------------------------------------------------------


@linux
def test_of_a_long_log_head_tail_and_events_are_kept(tmp_path, monkeypatch):
    for name in ("HEAD_BYTES", "TAIL_BYTES", "CUT_BYTES"):
        monkeypatch.setattr(log_file, name, 2**20)
    log, cutter = tmp_path / "log", None
    with log.open("wb") as file:
        for number in range(80_000):
            file.write(f"line {number} {'x' * 90}\n".encode())
            if number % 100 == 0:
                file.write(f'@hfft {{"n": {number}, "t": 1.0, "event": "log", "step": {number}}}\n'.encode())
            if number == 40_000:
                file.flush()
                cutter = log_file.Cutter(log)
                cutter.step()
    size = log.stat().st_size
    cutter.step()
    assert log.stat().st_size == size
    if log.stat().st_blocks * 512 > size / 2:
        pytest.skip("this disk makes no holes")
    from hfft_widgets.core.run.journal import Journal

    journal = Journal()
    events = journal.feed(log.read_bytes())
    assert [event.n for event in events] == list(range(0, 80_000, 100))
    data = log.read_bytes()
    assert data.startswith(b"line 0 ")
    assert b"MB left out here" in data
    assert journal.log.splitlines()[-1].startswith("line 79999")


@pytest.mark.ci
def test_a_run_that_prints_without_end_never_keeps_a_look_waiting(start):
    body = """
    block = ("x" * 79 + "\\n") * 13_107  # 1 MB
    began = time.monotonic()
    for number in range(60):
        sys.stdout.write(block)
        tell("log", step=number, metrics={"loss": 1.0})
        time.sleep(max(0, began + number / 15 - time.monotonic()))
    tell("end")
    """
    run = start(body)
    longest = 0.0
    while not run.complete:
        before = time.monotonic()
        run.refresh()
        run.to_dict()
        longest = max(longest, time.monotonic() - before)
        time.sleep(0.05)
    assert longest < 3  # a look reads for half a second; the rest is what a busy machine adds
    assert len(run.history["loss"]) == 60
    assert state_of(run.id[6:])["exit_code"] == 0
    assert (folders.data("runs", run.id[6:]) / supervisor.SWEPT).exists()
