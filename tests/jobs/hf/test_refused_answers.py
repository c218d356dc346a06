"""One answer of the Hub that refuses, or is lost, ends no watching; a 404 is no deletion."""

import time

import pytest

from hfft_widgets.core.run.stage import Stage
from hfft_widgets.errors import HubError
from hfft_widgets.jobs.follower import Follower
from hfft_widgets.jobs.hf import records
from hfft_widgets.jobs.run import Run
from tests.hub_client.schedules import line
from tests.jobs.conftest import until
from tests.jobs.far import TRAINS, backend
from tests.standin_hub import rate_limited


def test_one_404_is_no_deletion(hub, far, go):
    run = go(TRAINS)
    until(lambda: run.stage is Stage.RUNNING)
    hub.fault("/api/jobs/user", method="GET", status=404, times=4)
    time.sleep(0.15)
    assert run.stage is Stage.RUNNING
    assert not run.complete
    assert run.wait(30).stage is Stage.COMPLETED
    assert len(run.history["loss"]) == 20


def test_a_404_that_stays_is_told_and_does_not_end(hub, far, go):
    run = go("tell('start', step=0)\ntime.sleep(600)")
    until(lambda: run.stage is Stage.RUNNING)
    hub.fault("/api/jobs/user", method="GET", status=404, times=None)
    until(lambda: "does not show this job to this account" in run.status.message)
    assert run.stage is Stage.RUNNING
    assert "settings/jobs" in run.to_dict()["note"]
    again = Run(backend(), run.id.removeprefix("jobs:"))  # another kernel, which has its record
    assert not again.stage.final
    hub.clear_faults()
    until(lambda: run.status.message == "" and again.stage is Stage.RUNNING)
    assert run.cancel().stage is Stage.CANCELED


def test_a_404_of_the_inspection_alone_is_settled_by_the_list(hub, far, go):
    run = go("tell('end')")
    hub.fault(r"/api/jobs/user/\w+$", method="GET", status=404, times=None)
    assert run.wait(20).stage is Stage.COMPLETED


def test_a_first_look_is_patient(hub, far):
    job = hub.jobs.add(["a"], labels={"hfft": "1"})
    for answer in (rate_limited(0), {"status": 500}, {"status": 502}, {"status": 408}):
        hub.fault("/api/jobs", times=1, **answer)
    assert Run(backend(), f"user/{job.id}").stage is Stage.RUNNING


def test_a_first_look_is_not_patient_for_ever(hub, far, monkeypatch):
    job = hub.jobs.add(["a"], labels={"hfft": "1"})
    hub.fault("/api/jobs", times=None, **rate_limited(60))
    began = time.monotonic()
    with pytest.raises(HubError, match="too many requests"):
        backend().status(f"user/{job.id}")
    assert time.monotonic() - began < 5


def test_a_record_that_cannot_be_written_ends_nothing(hub, far, go):
    run = go(TRAINS)
    until(lambda: run.history.get("loss"))
    record = records.run_folder(*run.id.removeprefix("jobs:").split("/")) / "job.json"
    record.unlink()
    record.mkdir()
    seen = []
    Follower(run, seen.extend, period=0.05).start().join(30)
    assert run.stage is Stage.COMPLETED
    assert len(run.history["loss"]) == 20


def test_a_log_that_failed_is_read_on(hub, far, go, monkeypatch):
    monkeypatch.setattr("hfft_widgets.jobs.hf.log_stream.AGAIN_SECONDS", 0.2)
    job = hub.jobs.add([line(n) for n in range(40)], labels={"hfft": "1"})
    hub.fault("/logs$", status=401, times=2)
    run = Run(far, f"user/{job.id}")
    until(lambda: run.history == {} and "token" in run.status.message)
    job.set_stage("COMPLETED")
    assert run.wait(20).stage is Stage.COMPLETED
    assert len(run.history["loss"]) == 8
