"""Starting and reading runs on this machine, with real processes."""

import re
import sys
import time
from pathlib import Path

import pytest

from hfft_widgets import folders
from hfft_widgets.core.run.stage import Stage
from hfft_widgets.errors import LaunchError
from hfft_widgets.jobs.local.backend import supervisor
from tests.jobs.conftest import lives, state_of, submission, until

CURVE = """
for step in range(1, 6):
    tell("log", step=step, total_steps=5, epoch=step / 5, metrics={"loss": 1 / step})
print("a line for people")
os.makedirs(os.environ["HFFT_OUTPUT_DIR"])
open(os.path.join(os.environ["HFFT_OUTPUT_DIR"], "model.bin"), "wb").write(b"weights")
tell("end", output_dir=os.environ["HFFT_OUTPUT_DIR"])
"""


def test_a_run_to_its_end(start):
    run = start(CURVE, title="SFT of a model").wait(30)
    assert run.stage is Stage.COMPLETED
    assert [(point.step, point.value) for point in run.history["loss"]] == [(n, 1 / n) for n in range(1, 6)]
    assert run.log == "a line for people"
    assert run.error is None
    assert run.cost_usd == 0.0
    assert (run.output / "model.bin").read_bytes() == b"weights"
    assert (run.kind, run.title, run.plan) == ("training", "SFT of a model", {"method": "SFT"})
    assert re.fullmatch(r"local:\d{8}-\d{6}-[0-9a-f]{8}", run.id)
    assert run.pace.fraction == 1.0
    assert run.pace.seconds_left is None
    status = run.status
    assert status.exit_code == 0
    assert status.created <= status.started <= status.finished <= time.time()
    assert repr(run) == f"Run('{run.id}', 'SFT of a model', COMPLETED, step 5 of 5)"


def test_a_crash_shows_its_exception(start):
    run = start("print('before')\nraise ValueError('a very special reason')").wait(30)
    assert run.stage is Stage.ERROR
    assert run.status.exit_code == 1
    assert "ValueError: a very special reason" in run.error
    assert "Traceback" in run.log
    assert run.output is None


def test_an_exit_code_without_a_word(start):
    run = start("print('the last line')\nsys.exit(3)").wait(30)
    assert (run.stage, run.status.exit_code) == (Stage.ERROR, 3)
    assert "code 3" in run.error
    assert "the last line" in run.error


def test_an_end_without_the_word_is_no_success(start):
    run = start("print('hm')").wait(30)
    assert (run.stage, run.status.exit_code) == (Stage.ERROR, 0)
    assert "without saying that it was done" in run.error


def test_the_word_without_the_code_is_no_success(start):
    run = start("tell('end')\nsys.stdout.flush()\nos._exit(7)").wait(30)
    assert run.stage is Stage.ERROR
    assert "code 7" in run.error


def test_the_script_is_told_its_surroundings_and_nothing_of_them_is_kept(start, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "hf_thisMustNotBeWritten")
    body = """
    print(os.environ["EXTRA"], sys.stdin.read() == "", os.getcwd() == os.path.dirname(os.environ["HFFT_OUTPUT_DIR"]))
    print("has token", os.environ["HF_TOKEN"].startswith("hf_"), "leads its session", os.getsid(0) == os.getpid())
    print("größe", file=sys.stderr)
    tell("end")
    """
    run = start(body, environment={"EXTRA": "7-of-9"}).wait(30)
    assert run.log.splitlines() == ["7-of-9 True True", "has token True leads its session True", "größe"]
    kept = [path for path in folders.data("runs").rglob("*") if path.is_file() and path.name != supervisor.LOG]
    assert {path.name for path in kept} >= {supervisor.STATE, supervisor.SUBMISSION, supervisor.SCRIPT}
    for path in kept:
        assert b"hf_thisMust" not in path.read_bytes()
        assert b"7-of-9" not in path.read_bytes()
    assert run.submission.environment == {}


def test_the_script_waits_passively_on_the_threads_it_was_given(start, monkeypatch):
    for name in ("OMP_WAIT_POLICY", "MKL_NUM_THREADS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HFFT_THREADS", "3")
    run = start("print(os.environ['OMP_WAIT_POLICY'], os.environ['MKL_NUM_THREADS']); tell('end')").wait(30)
    assert run.log == "PASSIVE 3"


def test_a_log_of_any_bytes(start):
    body = r"""
    sys.stdout.buffer.write(bytes(range(256)) * 40 + b"\n\xff\xfe half \xe6\n\x1b[31mred\x1b[0m\n 10%\r 99%\n")
    sys.stdout.flush()
    tell("log", step=1, metrics={"loss": 2.0})
    tell("end")
    """
    run = start(body).wait(30)
    assert run.stage is Stage.COMPLETED
    assert run.history["loss"][0].value == 2.0
    assert run.log.split("\n")[-2:] == ["red", " 99%"]


@pytest.mark.full
def test_a_long_log_is_read_as_it_grows(start, tmp_path):
    body = f"""
    for step in range(50_000):
        print("line", step)
        tell("log", step=step, total_steps=50_000, metrics={{"loss": step / 7}})
        while step % 10_000 == 9_999 and not os.path.exists({str(tmp_path)!r} + f"/{{step}}"):
            time.sleep(0.01)
    tell("end")
    """
    run = start(body)
    seen = []
    for last in range(9_999, 50_000, 10_000):  # it writes on once this much was read
        until(lambda last=last: seen.extend(run.refresh()) or len(seen) == last + 1)
        assert not run.stage.final
        (tmp_path / str(last)).touch()
    assert run.wait(30).stage is Stage.COMPLETED
    assert len(seen + run.refresh()) == 50_001
    assert [point.step for point in run.history["loss"]] == list(range(50_000))
    assert run.log.splitlines()[-1] == "line 49999"
    assert run.journal.position == (folders.data("runs", run.id[6:]) / supervisor.LOG).stat().st_size


def test_every_event_is_handed_out_once(start):
    run = start("for n in range(300): tell('log', step=n); time.sleep(0.002)\ntell('end')")
    seen = []
    while not run.stage.final:  # looking at a property must take nothing away from refresh
        assert run.pace is not None
        seen += run.refresh()
    seen += run.refresh()
    assert [event.n for event in seen] == list(range(301))


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_disk_that_fills_up_while_it_runs(start):
    run = start("open('/dev/full', 'w').write('x' * 100_000)").wait(30)
    assert run.stage is Stage.ERROR
    assert "disk is full" in run.error


def test_a_supervisor_that_does_not_start(local, monkeypatch):
    monkeypatch.setattr(sys, "executable", "/no/such/python")
    with pytest.raises(LaunchError, match=r"could not be started.*/no/such/python"):
        local.submit(submission(""))
    assert local.ids() == []


def test_nothing_is_left_running_after_the_end(start):
    run = start("child = subprocess.Popen(['sleep', '600']); print(child.pid); tell('end')").wait(30)
    assert run.stage is Stage.COMPLETED
    assert not lives(int(run.log))
    until(lambda: not lives(state_of(run.id[6:])["supervisor"]["pid"]))


def test_the_supervisor_costs_little(start):
    import psutil

    run = start("time.sleep(60)")
    watcher = psutil.Process(state_of(run.id[6:])["supervisor"]["pid"])
    before = sum(watcher.cpu_times()[:2])
    time.sleep(3)
    assert sum(watcher.cpu_times()[:2]) - before < 0.3
    assert watcher.memory_info().rss < 60e6
