import contextlib
import dataclasses
import shutil
import threading
import time

import pytest

from hfft_widgets import folders
from hfft_widgets.core.run.stage import Stage
from hfft_widgets.errors import LaunchError, RunError, RunNotFoundError
from hfft_widgets.hub.account import forget_accounts
from hfft_widgets.jobs import index, records
from hfft_widgets.jobs.actuals import actuals, measured_overheads
from hfft_widgets.jobs.following import Follower
from hfft_widgets.jobs.run import Run
from hfft_widgets.jobs.watching import Slots
from tests.hub import OTHER_TOKEN, POOR_TOKEN, READ_TOKEN, WRITE_TOKEN, rate_limited
from tests.hub_client.conftest import holding, use_hub
from tests.hub_client.schedules import line
from tests.jobs.conftest import until
from tests.jobs.far import PLAN, backend, far_submission

NEW_TOKEN = "hf_new_not_a_real_token"
BARS = "\r  0%|          | 0/50 [00:00<?, ?it/s]\r  4%|4         | 2/50 [00:00<00:02, 20.00it/s]\r     \r"
TRAINS = """
tell("start", step=0, total_steps=20)
for step in range(1, 21):
    tell("log", step=step, total_steps=20, metrics={"loss": 2.0 - step / 20})
    time.sleep(0.02)
print("it says", os.environ["HF_TOKEN"] and "nothing of the token")
tell("end", step=20, total_steps=20)
"""


@pytest.fixture
def far(hub):
    made = backend()
    yield made
    made.close()


@pytest.fixture
def go(far):
    return lambda body="tell('end')", **more: Run(far, far.submit(far_submission(body, **more)))


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


def test_without_a_token_local_runs_are_listed(hub, monkeypatch):
    monkeypatch.delenv("HF_TOKEN")
    index.backend.cache_clear()
    assert index.runs() == []
    with pytest.raises(RunNotFoundError):
        index.attach("jobs:../../etc")
    assert hub.journal == []
    index.backend.cache_clear()


def test_runs_of_all_places_the_newest_first(hub, far, go, start, monkeypatch):
    index.backend.cache_clear()
    first = start("tell('end')")
    time.sleep(0.01)
    second = go()
    time.sleep(0.01)
    third = start("tell('end')")
    assert [run.id for run in index.runs()] == [third.id, second.id, first.id]
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


# ---- Money --------------------------------------------------------------------------------------


def test_the_price_must_be_allowed(hub, far):
    with pytest.raises(LaunchError, match=r"costs money: at most under \$0.01|costs money: at most \$0.01") as caught:
        far.submit(far_submission(paid={"max_usd": None}))
    assert "max_usd=0.01" in str(caught.value)
    far.submit(far_submission(paid={"max_usd": 0.01}))
    with pytest.raises(LaunchError, match=r"may cost more than the \$2.00 allowed: at most \$5.00"):
        far.submit(far_submission(paid={"flavor": "h200", "max_usd": 2}, timeout_seconds=3541.0))
    for nonsense in (float("nan"), -1, "2", True):
        with pytest.raises(LaunchError, match="max_usd is"):
            far.submit(far_submission(paid={"max_usd": nonsense}))
    with pytest.raises(LaunchError, match="no flavor 'tpu'"):
        far.submit(far_submission(paid={"flavor": "tpu"}))
    assert len(hub.jobs) == 1


def test_a_changed_plan_asks_again(hub, far):
    asked = far_submission(fingerprint="one")
    limit, checks = far.preflight(asked)
    assert all(check.passed is not False for check in checks), checks
    confirmed = dataclasses.replace(asked.paid, max_usd=limit.usd, confirmed=limit.fingerprint)
    with pytest.raises(LaunchError, match="changed since its price was confirmed"):
        far.submit(dataclasses.replace(asked, fingerprint="two", paid=confirmed))
    assert far.submit(dataclasses.replace(asked, paid=confirmed))
    assert [check.passed for check in far.preflight(asked)[1] if check.name == "Not running yet"] == [False]


def test_cost_grows_while_it_runs(hub, far):
    job = hub.jobs.add([], flavor="h200", labels={"hfft": "1"})
    run = Run(far, f"user/{job.id}")
    first = run.cost_usd
    time.sleep(0.5)
    assert 0 <= first < run.cost_usd < 5 / 3600 * 60


def test_a_flavor_without_a_price_costs_an_unknown_sum(hub, far):
    job = hub.jobs.add([], flavor="tpu-9", labels={"hfft": "1"})
    assert Run(far, f"user/{job.id}").cost_usd is None


def test_estimate_and_actual_are_kept(hub, far, go):
    run = go(TRAINS.replace("0.02", "0.1")).wait(60)
    (actual,) = actuals()
    assert (actual.run_id, actual.estimated_seconds, actual.flavor) == (run.id, 20.0, "cpu-basic")
    assert len(measured_overheads("cpu-basic")) == 1
    assert 0 <= measured_overheads()[0] <= actual.seconds
    assert measured_overheads("h200") == ()


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


def test_a_token_that_expires_while_a_run_is_watched(hub, far, monkeypatch):
    job = hub.jobs.add([line(n) for n in range(10)], labels={"hfft": "1"})
    job.show(5)
    run = Run(far, f"user/{job.id}")
    until(lambda: len(run.history.get("loss", ())) == 1)
    account = hub.state.accounts.by_token.pop(WRITE_TOKEN)
    hub.state.accounts.by_token[NEW_TOKEN] = account
    hub.fault("/logs$", drop_after=0, times=None)
    far.readers.known(far._wire, "user", job.id).make_room()  # the connection breaks
    until(lambda: "the token is not valid" in run.status.message)
    assert run.stage is Stage.RUNNING
    hub.clear_faults()
    monkeypatch.setenv("HF_TOKEN", NEW_TOKEN)  # the person signs in again
    job.show(10)
    job.set_stage("COMPLETED")
    assert run.wait(20).complete
    assert [point.step for point in run.history["loss"]] == [0, 5]
    assert run.error is None
    assert "token" not in run.status.message


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
    until(lambda: run.stage is Stage.DELETED)
    assert run.wait(5).error.startswith("The run was deleted")


def test_forgetting(hub, far, go):
    run = go("time.sleep(600)")
    with pytest.raises(RunError, match="is live"):
        far.forget(run.id.removeprefix("jobs:"))
    run.cancel()
    far.forget(run.id.removeprefix("jobs:"))
    assert records.runs() == []


# ---- Following ----------------------------------------------------------------------------------


def test_a_foreign_job_is_followed(hub, far):
    lines = [
        "Downloading",
        BARS + "{'loss': '5.72', 'grad_norm': 'nan', 'learning_rate': '0.00092', 'epoch': '0.05556'}",
        "\r  8%|8         | 4/50 [00:00<00:02, 20.00it/s]\r  \r{'loss': '5.5', 'epoch': '0.1'}",
        "{'eval_loss': '5.4', 'eval_runtime': '0.1', 'epoch': '0.1'}",
        "{'not': 'metrics'} {'loss': __import__('os')}",
    ]
    job = hub.jobs.add(lines, command=["python", "train.py"], stage="COMPLETED")
    run = Run(far, f"user/{job.id}").wait(20)
    assert [(p.step, p.value, p.epoch) for p in run.history["loss"]] == [(2, 5.72, 0.05556), (4, 5.5, 0.1)]
    assert [(p.step, p.value) for p in run.history["eval_loss"]] == [(4, 5.4)]
    assert run.pace.total_steps == 50
    assert "Downloading" in run.log
    assert run.plan == {}


def test_the_tail_is_shown_first_and_then_everything(hub, far):
    job = hub.jobs.add(line, count=30_000, labels={"hfft": "1"})
    run = Run(far, f"user/{job.id}")
    updates = []
    follower = Follower(run, updates.extend, period=0.05).start()
    until(lambda: len(run.history.get("loss", ())) > 0, 10)
    until(lambda: len(run.history["loss"]) == 6000, 60)
    assert run.revision in {0, 2}
    job.set_stage("COMPLETED")
    follower.join(20)
    assert run.complete
    assert [p.step for p in run.history["loss"]] == list(range(0, 30_000, 5))


def test_two_notebooks_follow_the_same_run(hub, far):
    job = hub.jobs.add([line(n) for n in range(500)], labels={"hfft": "1"})
    job.show(100)
    other = backend()
    runs = [Run(far, f"user/{job.id}"), Run(other, f"user/{job.id}")]
    for run in runs:
        until(lambda run=run: len(run.history.get("loss", ())) == 20)
    job.show(500)
    job.set_stage("COMPLETED")
    for run in runs:
        assert len(run.wait(20).history["loss"]) == 100
    other.close()


def test_use_of_the_machine(hub, far):
    hub.jobs.metrics_seconds = 0.05
    job = hub.jobs.add([], flavor="t4-small", labels={"hfft": "1"})
    run = Run(far, f"user/{job.id}")
    until(lambda: run.use is not None)
    assert 0 < run.use.gpus[0].percent <= 100
    job.set_stage("COMPLETED")


def test_listing_opens_no_stream(hub, far):
    for _ in range(5):
        hub.jobs.add(["a"], labels={"hfft": "1"})
    for job_id in far.ids():
        assert Run(far, job_id).stage is Stage.RUNNING
    assert not [entry for entry in hub.journal if entry.path.endswith("/logs")]


@pytest.mark.full
def test_fifty_runs_are_watched_with_ten_streams(hub):
    far = backend(slots=Slots(slice_seconds=0.2))
    jobs = [hub.jobs.add([line(n) for n in range(60)], labels={"hfft": "1"}) for _ in range(50)]
    for job in jobs:
        job.show(30)
    runs = [Run(far, f"user/{job.id}") for job in jobs]
    most, over = [0], threading.Event()

    def count():
        while not over.is_set():
            most[0] = max(most[0], len(far.slots._held))
            time.sleep(0.005)

    counter = threading.Thread(target=count)
    counter.start()
    followers = [Follower(run, lambda events: None, period=0.2).start() for run in runs]
    until(lambda: all(len(run.history.get("loss", ())) >= 6 for run in runs), 60)
    asked = len(hub.journal)
    time.sleep(1)
    listings = [e for e in hub.journal[asked:] if e.path == "/api/jobs/user"]
    looks = [e for e in hub.journal[asked:] if e.path.startswith("/api/jobs/user/") and not e.path.endswith("/logs")]
    for job in jobs:
        job.show(60)
        job.set_stage("COMPLETED")
    for follower in followers:
        follower.join(60)
    over.set()
    counter.join()
    far.close()
    assert all(run.complete and len(run.history["loss"]) == 12 for run in runs)
    assert most[0] == far.slots.most <= 10
    assert len(listings) <= 12  # one list each 0.1 s serves all fifty
    assert looks == []
    print(f"\n50 runs watched: at most {far.slots.most} streams, {len(listings)} lists in a second")


def test_another_account_sees_nothing_of_it(hub, go, far, monkeypatch):
    run_id = go().wait(30).id
    forget_all_but_the_hub()
    use_hub(hub, monkeypatch, OTHER_TOKEN)
    with pytest.raises(Exception, match="no right"):
        backend().status(run_id.removeprefix("jobs:"))
    use_hub(hub, monkeypatch)
