"""Jobs without a process, the fault rules and the journal, by plain HTTP: what a follower has to stand."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from typing import Any

import httpx
import pytest

from tests.standin_hub import ODD_SEPARATORS, WRITE_TOKEN, Job, StandInHub, rate_limited

HEADERS = {"authorization": f"Bearer {WRITE_TOKEN}"}
SPEC = {"command": ["true"], "dockerImage": "python:3.12", "flavor": "cpu-basic"}


@pytest.fixture
def client(hub: StandInHub) -> httpx.Client:
    return httpx.Client(base_url=hub.endpoint, headers=HEADERS, timeout=20)


def address(job: Job, verb: str = "") -> str:
    return f"/api/jobs/{job.namespace}/{job.id}{verb}"


def events(client: httpx.Client, job: Job, **query: Any) -> list[dict[str, Any]]:
    """All events of one connection, split on line feeds alone; what was received counts also when it was cut."""
    received = b""
    try:
        with client.stream("GET", address(job, "/logs"), params=query) as answer:
            assert answer.status_code == 200
            for chunk in answer.iter_raw():
                received += chunk
    except httpx.RemoteProtocolError:
        received += b"data: {}\n"
    return [json.loads(line[6:]) for line in received.split(b"\n") if line.startswith(b"data: {")]


def texts(client: httpx.Client, job: Job, **query: Any) -> list[str]:
    return [event.get("data", "CUT") for event in events(client, job, **query)]


def given(hub: StandInHub, count: int = 10, stage: str = "COMPLETED") -> Job:
    return hub.jobs.add(lambda index: f"line {index}", count=count, stage=stage)


def test_given_lines_are_replayed_and_the_stream_ends(hub: StandInHub, client: httpx.Client) -> None:
    job = given(hub, 2500)
    told = events(client, job)
    assert told[0]["data"].startswith("===== Job started at ")
    assert [one["data"] for one in told[1:]] == [f"line {index}" for index in range(2500)]
    stamps = [one["timestamp"] for one in told]
    assert stamps == sorted(set(stamps))
    assert texts(client, job, tail=2) == ["line 2498", "line 2499"]
    assert texts(client, job, tail=0) == []


def test_lines_appear_as_the_test_says(hub: StandInHub, client: httpx.Client) -> None:
    job = given(hub, 10, stage="RUNNING")
    job.show(3)
    steps = [lambda: job.show(6), lambda: job.show(10), lambda: job.set_stage("COMPLETED")]
    timers = [threading.Timer(0.1 * (index + 1), step) for index, step in enumerate(steps)]
    for timer in timers:
        timer.start()
    started = time.monotonic()
    assert texts(client, job)[1:] == [f"line {index}" for index in range(10)]
    assert time.monotonic() - started > 0.25


def test_written_lines_follow(hub: StandInHub, client: httpx.Client) -> None:
    job = hub.jobs.add()

    def write() -> None:
        for index in range(200):
            job.write(f"{index}")
        job.set_stage("ERROR", "Job failed")

    threading.Timer(0.1, write).start()
    assert texts(client, job) == [f"{index}" for index in range(200)]
    assert client.get(address(job)).json()["status"] == {"stage": "ERROR", "message": "Job failed"}


def test_keep_alives(hub: StandInHub, client: httpx.Client) -> None:
    hub.jobs.keep_alive_seconds = 0.05
    job = given(hub, 1, stage="RUNNING")
    with client.stream("GET", address(job, "/logs")) as answer:
        received = b""
        for chunk in answer.iter_raw():
            received += chunk
            if received.count(b": keep-alive\n\n") == 3:
                break


def test_old_lines_can_be_forgotten(hub: StandInHub, client: httpx.Client) -> None:
    job = given(hub)
    job.log.first = 4
    assert texts(client, job) == [f"line {index}" for index in range(3, 10)]


def test_drop_and_skip_and_times(hub: StandInHub, client: httpx.Client) -> None:
    job = given(hub)
    rule = hub.fault("/logs$", drop_after=4, skip=1, times=2)
    assert [len(texts(client, job)) for _ in range(4)] == [11, 5, 5, 11]
    assert texts(client, job)[4] == "line 3"
    assert rule.hits == 2


def test_short_replay_ends_without_a_sign(hub: StandInHub, client: httpx.Client) -> None:
    job = given(hub, stage="RUNNING")
    hub.fault("/logs$", short_replay=4)
    assert texts(client, job)[1:] == ["line 0", "line 1", "line 2"]


def test_stall(hub: StandInHub, client: httpx.Client) -> None:
    hub.jobs.keep_alive_seconds = 0.05
    job = given(hub)
    hub.fault("/logs$", stall_after=2)
    received = b""

    def read() -> None:
        nonlocal received
        with client.stream("GET", address(job, "/logs"), timeout=0.4) as answer:
            for chunk in answer.iter_raw():
                received += chunk

    with pytest.raises(httpx.ReadTimeout):
        read()
    assert received.count(b"data: {") == 2
    assert b"keep-alive" not in received


def test_duplicates(hub: StandInHub, client: httpx.Client) -> None:
    job = given(hub, 5)
    hub.fault("/logs$", duplicate=3)
    assert texts(client, job)[1:] == ["line 0", "line 1", "line 1", "line 2", "line 3", "line 4", "line 4"]


def test_odd_separators(hub: StandInHub, client: httpx.Client) -> None:
    line = "a\u2028b\u2029c\u0085d\x0be\r\ud800"
    job = hub.jobs.add([line], stage="COMPLETED")
    assert texts(client, job)[1] == line.replace("\ud800", "?")
    hub.fault("/logs$", separators=ODD_SEPARATORS)
    raw = client.get(address(job, "/logs")).content
    assert raw.count(ODD_SEPARATORS.encode()) == 2
    hub.fault("/logs$", separators=ODD_SEPARATORS)
    assert events(client, job)[0]["source"] == ODD_SEPARATORS


def test_stage_lag(hub: StandInHub, client: httpx.Client) -> None:
    job = given(hub, stage="RUNNING")
    time.sleep(0.3)
    job.set_stage("COMPLETED")
    hub.fault(r"/api/jobs/user/\w+$", stage_lag=0.25, times=None)
    told = client.get(address(job)).json()
    assert (told["status"]["stage"], told["finishedAt"]) == ("RUNNING", None)
    time.sleep(0.3)
    assert client.get(address(job)).json()["status"]["stage"] == "COMPLETED"


def test_unknown_fields_and_stages(hub: StandInHub, client: httpx.Client) -> None:
    job = given(hub, stage="RUNNING")
    hub.fault("/api/jobs/user", merge={"status": {"stage": "PAUSED"}, "colour": "red"}, times=None)
    told = client.get(address(job)).json()
    assert (told["status"], told["colour"]) == ({"stage": "PAUSED", "message": None}, "red")
    [listed] = client.get("/api/jobs/user").json()
    assert (listed["id"], listed["status"]["stage"]) == (job.id, "PAUSED")


def test_status_headers_delay(hub: StandInHub, client: httpx.Client) -> None:
    hub.fault("/api/whoami", **rate_limited(7))
    answer = client.get("/api/whoami-v2")
    assert (answer.status_code, answer.headers["ratelimit"]) == (429, '"api";r=0;t=7')
    hub.fault("/api/whoami", status=502, headers={"X-Odd": "1"}, body={"no": "error"}, delay=0.2)
    started = time.monotonic()
    answer = client.get("/api/whoami-v2")
    assert (answer.status_code, answer.headers["x-odd"], answer.json()) == (502, "1", {"no": "error"})
    assert time.monotonic() - started >= 0.2
    assert client.get("/api/whoami-v2").status_code == 200


@pytest.mark.parametrize(("kind", "jobs"), [("lost", 1), ("refused", 0)])
def test_a_lost_answer_takes_effect(hub: StandInHub, client: httpx.Client, kind: str, jobs: int) -> None:
    hub.fault("/api/jobs/user$", method="POST", **{kind: True})
    with pytest.raises(httpx.RemoteProtocolError):
        client.post("/api/jobs/user", json=SPEC)
    assert len(hub.jobs) == jobs
    assert hub.journal[-1].status is None
    assert client.post("/api/jobs/user", json=SPEC).status_code == 200
    assert len(hub.jobs) == jobs + 1


def test_a_fault_of_another_method_does_not_apply(hub: StandInHub, client: httpx.Client) -> None:
    hub.fault("/api/jobs/user$", method="POST", status=503)
    assert client.get("/api/jobs/user").status_code == 200
    assert client.post("/api/jobs/user", json=SPEC).status_code == 503


def test_many_open_streams_block_nothing(hub: StandInHub, client: httpx.Client) -> None:
    jobs = [given(hub, 1000, stage="RUNNING") for _ in range(60)]
    with contextlib.ExitStack() as stack:
        limits = httpx.Limits(max_connections=200)
        many = stack.enter_context(httpx.Client(base_url=hub.endpoint, headers=HEADERS, timeout=20, limits=limits))
        streams = [stack.enter_context(many.stream("GET", address(job, "/logs"))) for job in jobs]
        started = time.monotonic()
        assert client.get("/api/whoami-v2").status_code == 200
        assert len(client.get("/api/jobs/user").json()) == 50
        assert time.monotonic() - started < 15  # the client itself gives up after 20
        for job in jobs:
            job.set_stage("COMPLETED")
        for stream in streams:
            assert stream.read().count(b"data: {") == 1001


def test_metrics_are_the_tests_own(hub: StandInHub, client: httpx.Client) -> None:
    hub.jobs.metrics_seconds = 0.02
    job = given(hub, stage="RUNNING")
    job.metrics = lambda: {"gpus": {"0": {"utilization": 97}}}
    with client.stream("GET", address(job, "/metrics")) as answer:
        first = next(answer.iter_text())
    assert json.loads(first.split("data: ")[1]) == job.metrics()
    job.set_stage("COMPLETED")
    assert client.get(address(job, "/metrics")).status_code == 406


def test_journal(hub: StandInHub, client: httpx.Client) -> None:
    client.get("/api/whoami-v2")
    httpx.get(f"{hub.endpoint}/api/whoami-v2?x=1")
    told = [(one.method, one.path, one.query, one.status, one.has_token) for one in hub.journal]
    assert told == [("GET", "/api/whoami-v2", "", 200, True), ("GET", "/api/whoami-v2", "x=1", 401, False)]
    assert WRITE_TOKEN not in repr(hub.journal)


def test_a_hub_with_open_streams_and_running_jobs_closes_at_once(hub: StandInHub, client: httpx.Client) -> None:
    job = given(hub, stage="RUNNING")
    created = client.post("/api/jobs/user", json={**SPEC, "command": ["sleep", "60"]}).json()
    started = hub.jobs[created["id"]]
    while started.pid is None:
        time.sleep(0.01)
    pid = started.pid
    with client.stream("GET", address(job, "/logs")) as answer:
        next(answer.iter_raw())
        begun = time.monotonic()
        hub.__exit__(None, None, None)
        assert time.monotonic() - begun < 30  # the job sleeps for 60
    import psutil

    assert not psutil.pid_exists(pid)


@pytest.mark.full
def test_a_million_lines_are_served_fast_and_take_no_memory(hub: StandInHub, client: httpx.Client) -> None:
    line = '{"step": %d, "loss": 0.1234567, "learning_rate": 0.0001}'
    job = hub.jobs.add(lambda index: line % index, count=1_000_000, stage="COMPLETED")
    started, received = time.monotonic(), 0
    with client.stream("GET", address(job, "/logs")) as answer:
        for chunk in answer.iter_raw():
            received += chunk.count(b"\n\n")
    print(f"{received} events in {time.monotonic() - started:.1f} s")
    assert received >= 1_000_001 * 0.99  # a separator may fall between two chunks
