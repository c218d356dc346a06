"""One click, one job: whatever the network, the person and the process do around a launch."""

import dataclasses
import os
import random
import signal
import subprocess
import sys
import textwrap
import threading
import time

import pytest

from hfft_widgets.core.run.stage import Stage
from hfft_widgets.errors import HfftError, LaunchError, RunError
from hfft_widgets.jobs import index
from hfft_widgets.jobs.hf import launch, records
from hfft_widgets.jobs.money import guards
from hfft_widgets.jobs.run import Run
from hfft_widgets.jobs.submission import job_target
from hfft_widgets.jobs.submission import submission as plan_submission
from tests.core.plan.reports import plan as planned
from tests.jobs.conftest import until
from tests.jobs.far import PLAN, backend, far_submission
from tests.standin_hub import StandInHub, rate_limited, running

POST = {"path": "/api/jobs/user$", "method": "POST"}
LIST = {"path": "/api/jobs/user$", "method": "GET"}


@pytest.fixture
def still(hub, monkeypatch):
    """A Hub whose jobs begin and stay, without a process: what matters here is how many there are."""

    def begin(state, job):
        state.jobs.keep(job)
        job.set_stage("RUNNING")

    monkeypatch.setattr(running, "start", begin)
    monkeypatch.setattr(launch, "LOOKS", (0.0, 0.01, 0.02))
    return hub


def test_two_clicks_make_one_job(still):
    submission = far_submission()
    answers = []

    def click():
        try:
            answers.append(backend().submit(submission))
        except LaunchError as error:
            answers.append(str(error))

    clicks = [threading.Thread(target=click) for _ in range(5)]
    for thread in clicks:
        thread.start()
    for thread in clicks:
        thread.join()
    assert len(still.jobs) == 1
    assert sum("already running" in answer for answer in answers) == 4


def test_another_machine_is_refused_too(still, home, monkeypatch, tmp_path):
    backend().submit(far_submission(fingerprint="same"))
    monkeypatch.setenv("HFFT_HOME", str(tmp_path / "elsewhere"))
    with pytest.raises(LaunchError, match="already running"):
        backend().submit(far_submission(fingerprint="same"))
    backend().submit(far_submission(fingerprint="other"))
    assert len(still.jobs) == 2


def test_a_reward_that_was_not_tried_or_teaches_nothing_starts_no_job(still):
    for trial, said in ((None, "was not tried"), ({"rewards": ["brief"], "problems": ["It pays"]}, "the wrong thing")):
        with pytest.raises(LaunchError, match=said):
            index.launch(far_submission(plan={**PLAN, "rewards": ["brief"], "reward_trial": trial}))
    assert len(still.jobs) == 0
    tried = {"rewards": ["correct"], "problems": []}
    index.launch(far_submission(plan={**PLAN, "rewards": ["correct"], "reward_trial": tried}))
    assert len(still.jobs) == 1


def test_code_is_never_unheld_in_a_job(still):
    plan = {**PLAN, "rewards": ["passes_tests"], "reward_trial": {"rewards": ["passes_tests"], "problems": []}}
    asked = guards.accepting(far_submission(plan=plan), unheld_code=True)
    assert guards.UNHELD not in asked.environment
    _, checks = backend().preflight(asked)
    assert "ends before it loads anything" in next(one.message for one in checks if one.name == "Code of the model")


def test_a_stage_that_is_not_known_is_live_too(still, monkeypatch, tmp_path):
    backend().submit(far_submission(fingerprint="same"))
    (job,) = still.jobs
    job.set_stage("PAUSED")
    monkeypatch.setenv("HFFT_HOME", str(tmp_path / "elsewhere"))
    with pytest.raises(LaunchError, match="already running"):
        backend().submit(far_submission(fingerprint="same"))
    job.set_stage("ERROR")
    backend().submit(far_submission(fingerprint="same"))
    assert len(still.jobs) == 2


def test_each_launch_after_an_end_is_the_next_attempt(still, monkeypatch, tmp_path):
    far = backend()
    first = Run(far, far.submit(far_submission(fingerprint="same")))
    dearer = {"fingerprint": "same", "timeout_seconds": 3000.0, "flavor": "t4-small", "paid": {"max_usd": 5.0}}
    with pytest.raises(LaunchError, match="already running"):  # another limit, flavor and script: the same training
        far.submit(far_submission("print('another form')", **dearer))
    assert (first.attempt, [job.labels["hfft_attempt"] for job in still.jobs]) == (1, ["1"])
    next(iter(still.jobs)).set_stage("COMPLETED")
    second = Run(far, far.submit(far_submission("print('another form')", **dearer)))
    assert (second.attempt, second.fingerprint) == (2, "same")
    list(still.jobs)[1].set_stage("ERROR")
    monkeypatch.setenv("HFFT_HOME", str(tmp_path / "elsewhere"))  # nothing is written down there
    other = backend()
    third = Run(other, other.submit(far_submission(fingerprint="same")))
    assert third.attempt == 3
    assert [job.labels["hfft_attempt"] for job in still.jobs] == ["1", "2", "3"]
    assert Run(other, second.id.removeprefix("jobs:")).attempt == 2  # as the job itself says


def test_a_job_of_a_version_that_did_not_count_is_the_first_attempt(still):
    job = still.jobs.add([], stage="COMPLETED", labels={"hfft": "1", "hfft_plan": "same"})
    far = backend()
    assert Run(far, f"user/{job.id}").attempt == 1
    records.keep("user", job.id, {"fingerprint": "same", "created": 1.0, "plan": {}, "attempt": None})
    assert Run(far, f"user/{job.id}").attempt == 1
    assert Run(far, far.submit(far_submission(fingerprint="same"))).attempt == 2


def test_an_answer_that_is_no_job_is_looked_up(still):
    for body in ("<html>", {"id": 5}):
        still.fault(**POST, status=200, body=body)  # a login page in between: nothing came through
        far = backend()
        run = Run(far, far.submit(far_submission()))
        assert run.status.unconfirmed
    assert len(still.jobs) == 0


def test_a_lost_answer_is_looked_up(still):
    still.fault(**POST, lost=True)
    far = backend()
    run = Run(far, far.submit(far_submission()))
    assert run.stage is Stage.RUNNING
    assert len(still.jobs) == 1
    assert launch.UNCONFIRMED not in run.id


def test_an_empty_look_up_leaves_the_run_unconfirmed_and_nobody_tries_again(still, monkeypatch):
    still.fault(**POST, status=502)
    far = backend()
    submission = far_submission()
    run = Run(far, far.submit(submission))
    assert run.status.unconfirmed
    assert run.stage is Stage.SCHEDULING
    assert run.cost_usd is None
    assert run.log == ""
    assert run.plan == submission.plan
    assert run.id.removeprefix("jobs:") in far.ids()
    with pytest.raises(LaunchError, match="is unconfirmed"):
        backend().submit(submission)
    with pytest.raises(RunError, match="not known"):
        run.cancel()
    with pytest.raises(RunError, match="unconfirmed"):
        far.delete(run.id.removeprefix("jobs:"))
    assert len(still.jobs) == 0
    monkeypatch.setattr(launch, "SETTLED_SECONDS", 0.0)
    monkeypatch.setattr("hfft_widgets.jobs.hf.backend._LOOK_SECONDS", 0.0)
    until(lambda: run.stage is Stage.ERROR)
    assert "never showed this job" in run.error
    again = backend().submit(submission)
    assert len(still.jobs) == 1
    far.delete(run.id.removeprefix("jobs:"))
    assert far.ids() == [again]


def test_an_unconfirmed_run_that_turns_up_is_the_run(still, monkeypatch):
    still.fault(**POST, lost=True)
    still.fault(**LIST, skip=2, status=200, body=[], times=3)  # the list lags behind
    monkeypatch.setattr("hfft_widgets.jobs.hf.backend._LOOK_SECONDS", 0.0)
    far = backend()
    run = Run(far, far.submit(far_submission()))
    assert launch.UNCONFIRMED in run.id
    until(lambda: run.stage is Stage.RUNNING)
    assert not run.status.unconfirmed
    (job,) = still.jobs
    assert far.ids() == [f"user/{job.id}"]
    assert Run(backend(), run.id.removeprefix("jobs:")).stage is Stage.RUNNING
    run.cancel()
    assert run.stage is Stage.CANCELED


def test_a_job_that_is_not_shown_yet_is_not_gone(still):
    far = backend()
    run = Run(far, far.submit(far_submission()))
    still.fault("/api/jobs/user", method="GET", status=404, times=3)
    assert run.stage is Stage.SCHEDULING
    until(lambda: run.stage is Stage.RUNNING)


@pytest.mark.parametrize("fault", [{"status": 402}, {"status": 403}, rate_limited(30), {"status": 422}])
def test_a_refusal_is_told_and_leaves_nothing(still, fault):
    still.fault(**POST, **fault)
    with pytest.raises(LaunchError) as caught:
        backend().submit(far_submission())
    assert caught.value.remedy
    assert records.launches() == []
    assert backend().ids() == []


def test_a_disk_that_refuses_the_note_refuses_the_launch(still, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(records, "write_json", full)
    with pytest.raises(LaunchError, match="written down"):
        backend().submit(far_submission())
    assert len(still.jobs) == 0


def test_a_gpu_that_is_paid_for_must_be_there(still):
    backend().submit(far_submission(flavor="t4-small", fingerprint="gpu"))
    backend().submit(far_submission(fingerprint="cpu"))
    with_gpu, without = still.jobs
    assert with_gpu.spec["environment"]["HFFT_NEEDS_GPU"] == "1"
    assert "HFFT_NEEDS_GPU" not in without.spec["environment"]
    assert with_gpu.spec["command"] == without.spec["command"]


def test_several_gpus_are_used_by_accelerate(still):
    backend().submit(far_submission(flavor="l4x4"))
    (job,) = still.jobs
    assert "accelerate launch --num_processes 4 job.py" in job.spec["command"][-1]


def test_a_process_that_is_killed_while_it_launches(hub, home, tmp_path):
    """The real thing: SIGKILL between the request and its answer; the job is found, a second click is refused."""
    hub.fault(**POST, lost=True, delay=0.0)
    hub.fault(**LIST, skip=2, delay=30)  # it is killed while it looks the job up
    code = """
    import os
    from hfft_widgets.jobs.hf.backend import JobsBackend
    from tests.jobs.far import far_submission
    JobsBackend().submit(far_submission("import time; time.sleep(600)", fingerprint="same"))
    """
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code)], env=hub.environment() | {"HFFT_HOME": str(home)}
    )
    until(lambda: len(hub.jobs) == 1, 60)
    time.sleep(0.2)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    hub.clear_faults()
    with pytest.raises(LaunchError, match="already running"):
        backend().submit(far_submission(fingerprint="same"))
    (run_id,) = backend().ids()
    (job,) = hub.jobs
    assert run_id == f"user/{job.id}"
    Run(backend(), run_id).cancel()


# ---- Any fault ----------------------------------------------------------------------------------


class Crash(BaseException):
    """The process ends here."""


def crashing(chance, monkeypatch):
    """Let the process end at one point of the launch."""
    from hfft_widgets.hub.jobs_api import JobsApi

    submit, started = JobsApi.submit, records.started

    def after(call):
        def wrapped(*values, **named):
            call(*values, **named)
            raise Crash

        return wrapped

    def before(*_, **__):
        raise Crash

    point = chance.choice(("before the request", "after it", "before it is noted", "after it is noted", "looking up"))
    place = {
        "before the request": (JobsApi, "submit", before),
        "after it": (JobsApi, "submit", after(submit)),
        "before it is noted": (records, "started", before),
        "after it is noted": (records, "started", after(started)),
        "looking up": (launch, "find", before),
    }[point]
    monkeypatch.setattr(*place)


def click(submission):
    try:
        return backend(period=0.01).submit(submission)
    except (HfftError, Crash) as error:
        return repr(error)


def run_schedule(hub: StandInHub, seed: int) -> dict:
    """Faults, double clicks and a crash around one plan; then the person looks, and launches again if need be."""
    chance = random.Random(seed)
    submission = far_submission(fingerprint=f"plan-{seed}")
    before = len(hub.jobs)
    made = faults(hub, chance)
    with pytest.MonkeyPatch.context() as patch:
        crashed = chance.random() < 0.4
        if crashed:
            crashing(chance, patch)
        clicks = [threading.Thread(target=click, args=(submission,)) for _ in range(chance.choice((1, 1, 2, 3)))]
        for thread in clicks:
            thread.start()
        for thread in clicks:
            thread.join(30)
    for _ in range(chance.choice((0, 1, 2))):
        click(submission)
    hub.clear_faults()
    most = len(hub.jobs) - before
    with pytest.MonkeyPatch.context() as patch:  # a quarter of an hour later
        patch.setattr(launch, "SETTLED_SECONDS", 0.0)
        for _ in range(2):
            click(submission)
    jobs = len(hub.jobs) - before
    kept = [records.run(*run_id.split("/")) or {} for run_id in backend().ids()]
    shown = [values for values in kept if values.get("fingerprint") == submission.fingerprint]
    for job in list(hub.jobs)[before:]:
        job.set_stage("CANCELED")
    return {"seed": seed, "faults": made, "crashed": crashed, "most": most, "jobs": jobs, "shown": len(shown)}


def faults(hub, chance):
    made = 0
    for request in range(chance.choice((0, 1, 1, 2))):
        kind = chance.choice(
            (
                {"lost": True},
                {"refused": True},
                {"status": chance.choice((500, 502, 503, 504))},
                {"status": chance.choice((402, 403))},
                rate_limited(1),
                {"delay": 0.05},
                {"lost": True, "delay": 0.05},
            )
        )
        hub.fault(**POST, skip=request, **kind)
        made += 1
    if chance.random() < 0.3:  # lists lag behind, for as long as the person clicks
        hub.fault(**LIST, status=200, body=[], times=None)
        made += 1
    for look in range(chance.choice((0, 1, 3))):
        kind = chance.choice(({"status": 502}, {"refused": True}, {"status": 200, "body": []}, rate_limited(1)))
        hub.fault(**LIST, skip=chance.choice((look, look + 1)), **kind)
        made += 1
    return made


def run_all(hub, seeds):
    began = time.monotonic()
    results = []
    for seed in seeds:
        results.append(run_schedule(hub, seed))
        if seed % 50 == 0:
            hub.state.jobs._by_id.clear()
    exact = sum(result["jobs"] == 1 for result in results)
    print(
        f"\n{len(results)} launches, {sum(r['faults'] for r in results)} faults, {sum(r['crashed'] for r in results)}"
        f" crashes, {time.monotonic() - began:.0f} s: exactly one job in {exact},"
        f" more than one in {sum(r['most'] > 1 or r['jobs'] > 1 for r in results)}"
    )
    assert [result for result in results if result["jobs"] != 1 or result["shown"] != 1] == []


@pytest.mark.ci
def test_thirty_schedules_around_the_launch(still):
    run_all(still, range(30))


@pytest.mark.full
@pytest.mark.timeout(3600)
def test_five_hundred_schedules_around_the_launch(still):
    run_all(still, range(1000, 1500))


def test_a_pilot_is_one_paid_job_and_pushes_nothing(still):
    pilot = planned(flavor="a10g-small", count=2000).pilot_plan
    free = plan_submission(pilot, job_target(pilot, backend()))
    assert free.target.push_to is None
    with pytest.raises(LaunchError, match="costs money"):
        index.launch(free)
    target = dataclasses.replace(free.target, max_usd=pilot.estimate.ceiling_usd, models=(), datasets=())
    asked = plan_submission(pilot, target)
    index.launch(asked)
    with pytest.raises(LaunchError, match="already running"):
        index.launch(asked)
    assert len(still.jobs) == 1
