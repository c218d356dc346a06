import contextlib
import shutil
import time

import pytest

from hfft_widgets import folders
from hfft_widgets.core.run.stage import Stage
from hfft_widgets.errors import LaunchError, RunError, RunNotFoundError
from hfft_widgets.hub.account import forget_accounts
from hfft_widgets.jobs import index
from hfft_widgets.jobs.hf import records
from hfft_widgets.jobs.run import Run
from tests.hub_client.conftest import holding, use_hub
from tests.hub_client.schedules import line
from tests.jobs.conftest import until
from tests.jobs.far import PLAN, TRAINS, backend, far_submission
from tests.standin_hub import OTHER_TOKEN, POOR_TOKEN, READ_TOKEN, WRITE_TOKEN, rate_limited


def forget_all_but_the_hub():
    """What another machine would know."""
    shutil.rmtree(folders.data("jobs"), ignore_errors=True)


# ---- From the launch to the end -----------------------------------------------------------------


def test_a_run_from_launch_to_end(hub, far, go, home):
    run = go(TRAINS)
    assert run.id.startswith("jobs:user/")
    assert run.wait(60).stage is Stage.COMPLETED
    assert [point.step for point in run.history["loss"]] == list(range(1, 21))
    assert "it says nothing of the token" in run.log
    assert run.error is None
    assert run.cost_usd is not None
    assert run.plan == PLAN
    job = hub.jobs[run.id.partition("/")[2]]
    assert job.spec["environment"]["PYTHONUNBUFFERED"] == "1"
    assert job.spec["timeoutSeconds"] == 600
    assert job.labels["hfft"] == "1"
    assert WRITE_TOKEN not in repr(run) + str(run.status) + run.log + run.script
    assert holding(home, (WRITE_TOKEN,)) == []


def test_a_finished_run_needs_the_hub_no_more(hub, far, go):
    run = go(TRAINS).wait(60)
    asked = len(hub.journal)
    again = Run(backend(), run.id.removeprefix("jobs:"))
    again.wait(20)
    assert again.stage is Stage.COMPLETED
    assert len(again.history["loss"]) == 20
    assert again.cost_usd == run.cost_usd
    assert len(hub.journal) == asked


def test_a_finished_run_can_be_looked_at_by_nobody(hub, far, go, monkeypatch):
    run_id = go(TRAINS).wait(60).id.removeprefix("jobs:")
    monkeypatch.delenv("HF_TOKEN")
    other = backend()
    assert other.ids() == [run_id]
    run = Run(other, run_id).wait(20)
    assert (run.stage, len(run.history["loss"]), run.error) == (Stage.COMPLETED, 20, None)


def test_another_machine_finds_it_and_shows_its_plan(hub, go, far):
    run = go(TRAINS)
    script, run_id = run.script, run.id
    far.close()
    forget_all_but_the_hub()
    index.backend.cache_clear()
    found = [one for one in index.runs() if one.id == run_id]
    assert [one.plan for one in found] == [PLAN]
    again = index.attach(run_id)
    assert (again.script, again.title, again.fingerprint) == (script, "SFT of tiny", run.fingerprint)
    assert again.wait(60).stage is Stage.COMPLETED
    assert len(again.history["loss"]) == 20
    index.backend("jobs").close()
    index.backend.cache_clear()


def test_runs_of_an_organisation_are_found_from_another_machine(hub, far):
    there = far.submit(far_submission(paid={"namespace": "acme"}))
    assert there.startswith("acme/")
    forget_all_but_the_hub()
    assert backend().ids() == [there]


def test_a_namespace_that_is_closed_to_this_account_hides_no_other(hub, far):
    mine, other = hub.jobs.add([], labels={"hfft": "1"}), "0" * 24
    records.keep("aaa", other, {"run": "x", "created": 1.0})  # of an account that was signed in here before
    hub.fault("/api/jobs/aaa$", status=403, times=None)
    hub.fault("/api/jobs/acme$", status=403, times=None)
    assert far.ids() == [f"user/{mine.id}", f"aaa/{other}"]


def test_an_unknown_run(hub, far):
    with pytest.raises(RunNotFoundError, match="no run jobs:user/" + "0" * 24):
        far.status("user/" + "0" * 24)


def test_cost_grows_while_it_runs(hub, far):
    job = hub.jobs.add([], flavor="h200", labels={"hfft": "1"})
    run = Run(far, f"user/{job.id}")
    first = run.cost_usd
    time.sleep(0.5)
    assert 0 <= first < run.cost_usd < 5 / 3600 * 60


def test_a_flavor_without_a_price_costs_an_unknown_sum(hub, far):
    job = hub.jobs.add([], flavor="tpu-9", labels={"hfft": "1"})
    assert Run(far, f"user/{job.id}").cost_usd is None


# ---- Refusals -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("token", "words"),
    [(READ_TOKEN, "cannot run jobs"), (POOR_TOKEN, "credits"), (None, "Nobody is signed in")],
)
def test_who_may_not_launch(hub, monkeypatch, token, words):
    use_hub(hub, monkeypatch, token)
    with pytest.raises(LaunchError, match=words):
        backend().submit(far_submission())
    assert len(hub.jobs) == 0
    assert records.launches() == []
    forget_accounts()


def test_a_token_that_was_given_more_rights_meanwhile(hub, far):
    hub.fault("whoami", merge={"auth": {"accessToken": {"role": "read"}}})
    with pytest.raises(LaunchError, match="cannot run jobs"):
        far.submit(far_submission())
    assert far.submit(far_submission())


def test_a_check_that_fails_ends_the_launch(hub, far):
    with pytest.raises(LaunchError, match="cannot write to other/model"):
        far.submit(far_submission(paid={"push_to": "other/model"}))
    with pytest.raises(LaunchError, match="no/such"):
        far.submit(far_submission(paid={"datasets": ("no/such",)}))
    assert len(hub.jobs) == 0


def test_the_target_is_made_private_before_money_is_spent(hub, far, go):
    run = go(paid={"push_to": "user/tuned"})
    assert hub.repo("models", "user/tuned").private
    assert run.pushed.files[0].path == ".gitattributes"
    assert go().pushed is None


# ---- Ends ---------------------------------------------------------------------------------------


def test_cancel_is_confirmed_by_the_stage(hub, far, go):
    run = go("tell('start', step=0)\ntime.sleep(600)")
    until(lambda: run.stage is Stage.RUNNING)
    assert run.cancel().stage is Stage.CANCELED
    assert run.error is None
    run.cancel()


def test_a_cancel_whose_answer_is_lost(hub, far, go):
    run = go("time.sleep(600)")
    until(lambda: run.stage is Stage.RUNNING)
    hub.fault("/cancel$", status=500)
    with pytest.raises(RunError, match="HTTP 500"):
        run.cancel()
    assert run.stage is Stage.RUNNING
    hub.fault("/cancel$", lost=True)
    with contextlib.suppress(RunError):  # unless the end is seen at once
        run.cancel()
    assert run.wait(20).stage is Stage.CANCELED


def test_a_failure_and_a_time_limit_are_told(hub, far, go):
    failed = go("print('before')\nraise ValueError('no such thing')").wait(30)
    assert (failed.stage, failed.status.exit_code) == (Stage.ERROR, 1)
    assert "ValueError: no such thing" in failed.error
    late = hub.jobs.add([], labels={"hfft": "1"})
    late.set_stage("ERROR", "Job timeout")
    assert "time limit" in Run(far, f"user/{late.id}").error


def test_a_stage_that_is_not_known(hub, far):
    job = hub.jobs.add(["a"], labels={"hfft": "1"})
    job.set_stage("PAUSED")
    run = Run(far, f"user/{job.id}")
    assert run.stage is Stage.RUNNING
    assert "'PAUSED'" in run.status.message
    job.set_stage("COMPLETED")
    assert run.wait(20).stage is Stage.COMPLETED


def test_a_hub_that_does_not_answer_leaves_what_was_known(hub, far):
    job = hub.jobs.add([line(n) for n in range(10)], labels={"hfft": "1"})
    run = Run(far, f"user/{job.id}")
    until(lambda: len(run.history.get("loss", ())) == 2)
    hub.fault("/api/", status=503, times=None)
    time.sleep(0.3)
    seen = run.status.heartbeat
    time.sleep(0.5)
    assert run.stage is Stage.RUNNING
    assert run.status.heartbeat == seen
    hub.clear_faults()
    job.set_stage("COMPLETED")
    assert run.wait(20).stage is Stage.COMPLETED


def test_a_hub_that_asks_to_wait_is_left_alone(hub, far):
    job = hub.jobs.add(["a"], labels={"hfft": "1"})
    assert far.status(f"user/{job.id}").stage is Stage.RUNNING
    hub.fault("/api/jobs", times=None, **rate_limited(60))
    time.sleep(0.2)
    asked = len(hub.journal)
    for _ in range(20):
        status = far.status(f"user/{job.id}")
        time.sleep(0.02)
    assert status.stage is Stage.RUNNING
    assert "too many requests" in status.message
    assert len(hub.journal) - asked <= 2


def test_a_clock_that_is_wrong_by_an_hour(hub, far, monkeypatch):
    job = hub.jobs.add([], flavor="h200", labels={"hfft": "1"})
    true = time.time
    monkeypatch.setattr(time, "time", lambda: true() + 3600)
    status = Run(far, f"user/{job.id}").status
    assert 0 <= time.time() - status.started < 60
    assert status.cost_usd < 5 / 60


def test_a_job_that_is_gone(hub, far):
    job = hub.jobs.add(["a"], labels={"hfft": "1"})
    run = Run(far, f"user/{job.id}")
    assert run.stage is Stage.RUNNING
    del hub.jobs._by_id[job.id]
    until(lambda: "does not show this job" in run.status.message)
    assert run.stage is Stage.RUNNING  # it may still run, and cost
    assert run.error is None


def test_forgetting(hub, far, go):
    run = go("time.sleep(600)")
    with pytest.raises(RunError, match="is live"):
        far.delete(run.id.removeprefix("jobs:"))
    run.cancel()
    far.delete(run.id.removeprefix("jobs:"))
    assert records.runs() == []


def test_another_account_sees_nothing_of_it(hub, go, far, monkeypatch):
    run_id = go().wait(30).id
    forget_all_but_the_hub()
    use_hub(hub, monkeypatch, OTHER_TOKEN)
    with pytest.raises(Exception, match="no right"):
        backend().status(run_id.removeprefix("jobs:"))
    use_hub(hub, monkeypatch)
