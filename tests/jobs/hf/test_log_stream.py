"""Logs and figures of jobs: whole, in order, resumed, and closed when nobody looks."""

import time

from hfft_widgets.core.run.stage import Stage
from hfft_widgets.jobs.follower import Follower
from hfft_widgets.jobs.hf import log_stream
from hfft_widgets.jobs.run import Run
from tests.hub_client.schedules import line
from tests.jobs.conftest import until
from tests.jobs.far import backend
from tests.standin_hub import WRITE_TOKEN

NEW_TOKEN = "hf_new_not_a_real_token"


BARS = "\r  0%|          | 0/50 [00:00<?, ?it/s]\r  4%|4         | 2/50 [00:00<00:02, 20.00it/s]\r     \r"


def test_a_token_that_expires_while_a_run_is_watched(hub, far, monkeypatch):
    job = hub.jobs.add([line(n) for n in range(10)], labels={"hfft": "1"})
    job.show(5)
    run = Run(far, f"user/{job.id}")
    until(lambda: len(run.history.get("loss", ())) == 1)
    account = hub.state.accounts.by_token.pop(WRITE_TOKEN)
    hub.state.accounts.by_token[NEW_TOKEN] = account
    hub.fault("/logs$", drop_after=0, times=None)
    # the connection that is open breaks after `QUICK.read_seconds` of silence
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


def test_of_more_runs_than_streams_the_later_ones_wait(hub):
    far = backend(streams=3)
    jobs = [hub.jobs.add([line(n) for n in range(60)], labels={"hfft": "1"}) for _ in range(5)]
    for job in jobs:
        job.show(30)
    runs = [Run(far, f"user/{job.id}") for job in jobs]
    followers = [Follower(run, lambda events: None, period=0.2).start() for run in runs]
    streamed = lambda: [run for run in runs if len(run.history.get("loss", ())) == 6]  # noqa: E731
    until(lambda: len(streamed()) == 3)
    asked = len(hub.journal)
    time.sleep(1)
    listings = [e for e in hub.journal[asked:] if e.path == "/api/jobs/user"]
    looks = [e for e in hub.journal[asked:] if e.path.startswith("/api/jobs/user/") and not e.path.endswith("/logs")]
    assert len(streamed()) == 3
    assert len(listings) <= 12  # one list each 0.1 s serves all
    assert looks == []
    for job in jobs:
        job.show(60)
        job.set_stage("COMPLETED")
    for follower in followers:
        follower.join(60)
    far.close()
    assert all(run.complete and len(run.history["loss"]) == 12 for run in runs)


def test_a_stream_that_nobody_reads_is_closed_and_goes_on_later(hub, monkeypatch):
    far = backend(streams=1)
    first, second = (hub.jobs.add([line(n) for n in range(60)], labels={"hfft": "1"}) for _ in range(2))
    first.show(30)
    watched = Run(far, f"user/{first.id}")
    until(lambda: len(watched.history.get("loss", ())) == 6)
    stream = far.streams.known(far._wire, ("user", first.id))
    other = Run(far, f"user/{second.id}")
    other.refresh()
    assert stream.alive
    monkeypatch.setattr(log_stream, "IDLE_SECONDS", 0.3)
    until(lambda: len(other.history.get("loss", ())) == 12)  # nobody looked at the first: its stream was free
    assert not stream.alive
    first.show(60)
    first.set_stage("COMPLETED")
    second.set_stage("COMPLETED")
    assert [point.step for point in watched.wait(30).history["loss"]] == list(range(0, 60, 5))
    other.wait(30)
    far.close()


def test_closing_ends_every_reader_at_once(hub, far):
    jobs = [hub.jobs.add(["a"], labels={"hfft": "1"}) for _ in range(3)]
    runs = [Run(far, f"user/{job.id}") for job in jobs]
    for run in runs:
        until(lambda run=run: run.log == "a")
    streams = [far.streams.known(far._wire, ("user", job.id)) for job in jobs]
    far.close()
    until(lambda: not any(stream.alive for stream in streams), 5.0)
    assert all(stream.cache._file.closed for stream in streams)
