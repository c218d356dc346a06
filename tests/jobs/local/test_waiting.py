"""Real runs that wait for each other: seen, ended, told to begin, and never lost with one that dies."""

import os
import signal
import subprocess
import sys

import pytest

from hfft_widgets.core.run.stage import Stage
from hfft_widgets.errors import LaunchError, RunError
from hfft_widgets.jobs.local import turns
from hfft_widgets.sources.machine import memory_bytes
from tests.jobs.conftest import kill_watcher, lives, state_of, submission, until

UNTIL = """
tell("log", step=1, threads=os.environ["HFFT_THREADS"])
while not os.path.exists(ENOUGH):
    time.sleep(0.05)
tell("end")
"""


@pytest.fixture(autouse=True)
def all_cores(tmp_path, monkeypatch):
    """A queue of this test alone, in which each run takes all there is."""
    monkeypatch.setenv(turns.QUEUE, str(tmp_path / "queue"))
    monkeypatch.setenv("HFFT_THREADS", str(os.cpu_count()))


@pytest.fixture
def holds(start, tmp_path):
    """Start a run that ends when its file is there: `run, enough = holds()`."""

    def begin(name="one", **more):
        enough = tmp_path / f"enough {name}"
        return start(f"ENOUGH = {str(enough)!r}\n{UNTIL}", **more), enough

    return begin


def test_the_second_waits_its_turn_and_says_for_whom(holds, start):
    first, enough = holds()
    second = start("tell('end')", expected_bytes=1)
    count = os.cpu_count()
    assert (second.stage, second.waiting) == (
        Stage.SCHEDULING,
        f"It waits for {first.id}: {count} of {count} cores are taken.",
    )
    assert second.to_dict()["note"] == second.waiting
    assert "Waiting for its turn" in second._repr_html_()
    assert second.stall is None
    with pytest.raises(LaunchError, match="already waiting for its turn here"):
        start("", fingerprint=second.fingerprint)
    with pytest.raises(RunError, match="live"):
        second.delete()
    enough.touch()
    assert (first.wait(30).stage, second.wait(30).stage) == (Stage.COMPLETED, Stage.COMPLETED)
    assert second.waiting == ""
    with pytest.raises(RunError, match="does not wait"):
        second.start_now()


def test_a_run_that_waits_is_cancelled_without_a_start(holds):
    _, enough = holds()
    second, _ = holds("two")
    assert second.cancel(10).stage is Stage.CANCELED
    state = state_of(second.id[6:])
    assert "script" not in state
    assert not lives(state["supervisor"]["pid"])
    enough.touch()


def test_start_anyway(holds):
    first, enough = holds()
    second, _ = holds("two")
    assert second.status.can_begin
    assert second.start_now() is second
    until(lambda: "log" in second.journal.said)
    assert (first.stage, second.stage, second.waiting) == (Stage.RUNNING, Stage.RUNNING, "")
    second.cancel()
    enough.touch()


def test_the_firsts_supervisor_dies_and_its_script_keeps_the_turn(holds, start):
    first, enough = holds()
    second = start("tell('end')")
    script = kill_watcher(first.id[6:])
    until(lambda: second.waiting)
    second.wait(1.5)
    assert second.waiting
    assert lives(script)
    enough.touch()
    assert second.wait(30).stage is Stage.COMPLETED
    assert first.stage is Stage.COMPLETED


def test_a_first_that_is_ended_from_outside_frees_the_turn(holds, start):
    first, _ = holds()
    second = start("tell('end')")
    os.kill(kill_watcher(first.id[6:]), signal.SIGKILL)
    assert second.wait(30).stage is Stage.COMPLETED


def test_one_that_is_ended_while_it_waits_says_that_nothing_had_begun(holds, start):
    _, enough = holds()
    second, third = start("tell('end')"), start("tell('end')")
    os.kill(state_of(second.id[6:])["supervisor"]["pid"], signal.SIGKILL)
    until(lambda: second.stage is Stage.ERROR)
    assert "nothing had begun" in second.error
    assert third.waiting
    enough.touch()
    assert third.wait(30).stage is Stage.COMPLETED


def test_runs_of_another_home_wait_too_and_their_ids_stay_there(holds, start, tmp_path, monkeypatch):
    first, enough = holds()
    monkeypatch.setenv("HFFT_HOME", str(tmp_path / "home" / "another"))
    second = start("tell('end')")
    assert second.waiting.startswith("It waits for another run on this machine: ")
    assert first.id[6:] not in second.waiting
    enough.touch()
    assert second.wait(30).stage is Stage.COMPLETED


@pytest.mark.ci
def test_what_a_run_starts_does_not_wait_for_it(start):
    inner = submission("tell('end')").script
    code = "from hfft_widgets.jobs import index; from hfft_widgets.jobs.base import Submission; import sys\n"
    code += "sys.exit(index.launch(Submission('training', 'in', sys.argv[1], {}, 'in')).wait(20).stage != 'COMPLETED')"
    outer = start(f"code = subprocess.run([sys.executable, '-c', {code!r}, {inner!r}]).returncode\n"
                  "tell('end') if code == 0 else sys.exit(1)")  # fmt: skip
    assert outer.wait(60).stage is Stage.COMPLETED, outer.log


def test_memory_that_a_run_will_give_back_is_waited_for(holds, start, monkeypatch):
    total = memory_bytes()
    monkeypatch.setenv("HFFT_THREADS", "1")
    _, enough = holds(expected_bytes=total)
    second = start("tell('end')", expected_bytes=total // 2)
    if os.cpu_count() > 1:
        assert "of memory, and 0.0 GB are free" in second.waiting
        assert not second.status.can_begin
    enough.touch()
    assert second.wait(30).stage is Stage.COMPLETED


@pytest.mark.ci
def test_a_run_goes_on_with_the_python_it_began_with(start, tmp_path):
    """A server of another environment lets it go on: the packages are in the run's own."""
    own = tmp_path / "python"
    own.symlink_to(sys.executable)
    begins = f"""
import subprocess, sys
from hfft_widgets.jobs import index
from hfft_widgets.jobs.base import Submission
sys.executable = {str(own)!r}
run = index.launch(Submission("training", "A run", sys.argv[1], {{}}, "one"))
print(run.wait(30).id)
"""
    saves = "os.makedirs('output/checkpoint-3', exist_ok=True)\n"
    saves += "open('output/checkpoint-3/trainer_state.json', 'w').write('{\"global_step\": 3}')\n"
    saves += "print(sys.executable, flush=True)\nsys.exit(3)"
    script = submission(saves).script
    done = subprocess.run([sys.executable, "-c", begins, script], capture_output=True, text=True, check=True)
    from hfft_widgets.jobs import index

    run = index.attach(done.stdout.strip())
    run.resume().wait(30)
    assert run.log.split().count(str(own)) == 2
