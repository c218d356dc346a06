"""What is looked at, and when: the disk when asked, the Hub beside it, what has ended never again."""

from __future__ import annotations

import os
import threading
import time
from itertools import count
from types import SimpleNamespace

import pytest

import hfft_widgets as hfft
from hfft_widgets import api, folders
from hfft_widgets.core.units import usd_text
from hfft_widgets.jobs import index
from hfft_widgets.jobs.local import run_folder
from hfft_widgets.lab import run_list
from hfft_widgets.lab.run_list import RunList
from tests.hub_client.conftest import use_hub
from tests.jobs.conftest import submission, until
from tests.jobs.far import TRAINS, backend, far_submission

pytestmark = pytest.mark.usefixtures("home")


@pytest.fixture
def listed(monkeypatch):
    """How often the runs were listed."""
    calls = []
    real, here = api.runs, threading.get_ident()

    def counted(**arguments):
        if threading.get_ident() == here:  # a panel of another test may list them, too
            calls.append(arguments["on"])
        return real(**arguments)

    monkeypatch.setattr(api, "runs", counted)
    return calls


def set_back(seconds: float) -> None:
    """As if the folder of runs had changed so long ago."""
    then = time.time() - seconds
    os.utime(folders.data("runs"), (then, then))


def test_a_folder_that_has_not_changed_is_not_listed_again(start, listed):
    start("tell('end')").wait(30)
    runs = RunList()
    set_back(60)
    first = runs.look("local")
    for _ in range(5):
        assert runs.look("local") == first
    assert listed == ["local"]
    start("tell('end')")
    assert len(runs.look("local")["runs"]) == 2
    assert len(listed) == 2


def test_a_run_that_goes_on_is_looked_at_again(start, listed):
    body = "os.makedirs('output/checkpoint-3', exist_ok=True)\n"
    body += "open('output/checkpoint-3/trainer_state.json', 'w').write('{\"global_step\": 3}')\n"
    run = start(body + "tell('end') if os.path.exists('again') else (open('again', 'w').close(), sys.exit(3))")
    run.wait(30)
    runs = RunList()
    until(lambda: [one["stage"] for one in runs.look("local")["runs"]] == ["ERROR"])
    (seen,) = runs.look("local")["runs"]
    assert seen["goes_on_from"] == 3
    set_back(60)
    revision = runs.look("local")["revision"]
    run.resume().wait(30)
    (again,) = runs.look("local", revision)["runs"]
    assert (again["stage"], again["goes_on_from"]) == ("COMPLETED", None)


def test_a_folder_that_changed_a_moment_ago_is_not_believed(start, listed):
    """Two changes within the disk's smallest time leave the same time behind."""
    start("tell('end')").wait(30)
    runs = RunList()
    for _ in range(3):
        runs.look("local")
    assert listed == ["local"] * 3


def test_what_has_ended_is_read_once(start):
    run = start("tell('log', step=1, metrics={'loss': 2.0}); tell('log', step=2, metrics={'loss': 1.0}); tell('end')")
    run.wait(30)
    runs = RunList()
    (seen,) = runs.look("local")["runs"]
    assert (seen["live"], seen["spark"]) == (False, [[1, 2.0], [2, 1.0]])
    (folders.data("runs", run.id.removeprefix("local:")) / "log").write_text("")
    assert runs.look("local")["runs"] == [seen]
    run.delete()
    assert runs.look("local")["runs"] == []


def test_of_many_runs_the_newest_are_shown_and_the_others_counted(monkeypatch, home):
    monkeypatch.setattr(run_list, "MOST", 3)
    root = folders.data("runs")
    root.mkdir(parents=True)
    seconds = count(1_795_355_581)
    monkeypatch.setattr(run_folder, "time", SimpleNamespace(time=lambda: float(next(seconds))))
    made = [run_folder.write(root, submission("", title=f"run {n}")).name for n in range(5)]
    monkeypatch.undo()
    monkeypatch.setenv("HFFT_HOME", str(home))
    monkeypatch.setattr(run_list, "MOST", 3)
    found = RunList().look("local")
    assert [run["id"] for run in found["runs"]] == [f"local:{name}" for name in reversed(made[2:])]
    assert found["older"] == 2


# ---- Hugging Face Jobs -----------------------------------------------------------------------------


@pytest.fixture
def jobs(hub, monkeypatch):
    """The account's jobs on the stand-in Hub."""
    index.backend.cache_clear()
    monkeypatch.setattr(run_list, "_JOBS_SECONDS", 0.1)
    far = backend()
    yield far
    far.close()
    index.backend("jobs").close()
    index.backend.cache_clear()


def jobs_seen(runs: RunList) -> list[dict]:
    return runs.look("jobs")["runs"]


def test_a_job_is_seen_with_what_it_costs_and_its_curve(jobs, start):
    job = jobs.submit(far_submission(TRAINS.replace("0.02", "0.1")))
    here = start("tell('end')")
    runs = RunList()
    until(lambda: any(run["spark"] for run in jobs_seen(runs)))
    (seen,) = jobs_seen(runs)
    assert (seen["id"], seen["host"], seen["title"]) == (f"jobs:{job}", "jobs", "SFT of tiny")
    assert seen["live"]
    assert seen["words"].startswith("Step ")
    assert {run["id"] for run in runs.look()["runs"]} == {f"jobs:{job}", here.id}
    until(lambda: not jobs_seen(runs)[0]["live"], 60)
    assert jobs_seen(runs)[0]["words"] == "Completed"
    assert usd_text(hfft.attach(f"jobs:{job}").cost_usd) == jobs_seen(runs)[0]["cost"] == "under $0.01"


def test_a_job_that_only_another_sign_in_can_see_is_counted(jobs, hub, monkeypatch):
    jobs.submit(far_submission())
    use_hub(hub, monkeypatch, token=None)
    runs = RunList()
    until(lambda: runs.look()["note"])
    assert runs.look()["runs"] == []
    assert runs.look()["note"].startswith("1 job cannot be read now. ")
    assert "Nobody is signed in" in runs.look()["note"]
    assert runs.look("local")["note"] == ""


def test_a_hub_that_does_not_answer_keeps_nobody_waiting(jobs, start, monkeypatch):
    run = start("tell('end')")
    slow = api.runs

    def waits(**arguments):
        if arguments["on"] == "jobs":
            time.sleep(3)
        return slow(**arguments)

    monkeypatch.setattr(api, "runs", waits)
    began = time.monotonic()
    assert [one["id"] for one in RunList().look()["runs"]] == [run.id]
    assert time.monotonic() - began < 2
