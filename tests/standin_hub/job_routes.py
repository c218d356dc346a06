"""The Jobs API."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlencode

import psutil
from starlette.responses import JSONResponse, Response, StreamingResponse

from . import logs, running
from .jobs import Job, Jobs, check_labels, check_spec
from .state import Ask, HubError

_SSE = {"content-type": "text/event-stream", "cache-control": "no-cache"}


def flavors(ask: Ask) -> Response:
    return JSONResponse(ask.hub.jobs.hardware)


def create(ask: Ask, namespace: str) -> Response:
    account = _runner(ask, namespace)
    spec = ask.json()
    check_spec(ask.hub.jobs, spec)
    job = Job(namespace, account, spec)
    running.start(ask.hub, job)
    return JSONResponse(job.info())


def _runner(ask: Ask, namespace: str) -> str:
    """The name of who asks, if they may run jobs there and can pay."""
    account = ask.user()
    if not account.owns(namespace) or not account.can_run_jobs:
        raise HubError(403, f"You don't have the required permissions to run jobs in the namespace {namespace}.")
    if not account.credits:
        raise HubError(402, "Pre-paid credit balance is insufficient - add more credits to your account to use Jobs.")
    return account.name


def listing(ask: Ask, namespace: str) -> Response:
    """Newest first, by stage and label; the next page is named in the Link header."""
    _reader(ask, namespace)
    stages = {stage.upper() for stage in ask.query.getlist("stage")}
    labels = dict(label.split("=", 1) for label in ask.query.getlist("label"))
    told = [job.info(ask.effects.stage_lag) for job in reversed(list(ask.hub.jobs)) if job.namespace == namespace]
    told = [
        one
        for one in told
        if (not stages or one["status"]["stage"] in stages) and labels.items() <= (one["labels"] or {}).items()
    ]
    start = int(ask.query.get("cursor", 0))
    stop = start + ask.hub.page_size
    headers = {} if stop >= len(told) else {"Link": f'<{_next_page(ask, stop)}>; rel="next"'}
    return JSONResponse(told[start:stop], headers=headers)


def _next_page(ask: Ask, cursor: int) -> str:
    asked = [(name, value) for name, value in ask.query.multi_items() if name != "cursor"]
    return f"{ask.hub.endpoint}{ask.path}?{urlencode([*asked, ('cursor', cursor)])}"


def _reader(ask: Ask, namespace: str) -> None:
    if not ask.user().owns(namespace):
        raise HubError(403, f"You don't have the required permissions for the namespace {namespace}.")


def _read(ask: Ask, namespace: str, name: str) -> Job:
    _reader(ask, namespace)
    return ask.hub.jobs.get(namespace, name)


def _own(ask: Ask, namespace: str, name: str) -> Job:
    job = _read(ask, namespace, name)
    if not ask.user().can_run_jobs:
        raise HubError(403, "This token may not change jobs.")
    return job


def inspect(ask: Ask, namespace: str, name: str) -> Response:
    return JSONResponse(_read(ask, namespace, name).info(ask.effects.stage_lag))


def cancel(ask: Ask, namespace: str, name: str) -> Response:
    job = _own(ask, namespace, name)
    job.cancel()
    return JSONResponse(job.info())


def relabel(ask: Ask, namespace: str, name: str) -> Response:
    """All labels are replaced."""
    job = _own(ask, namespace, name)
    labels = ask.json()["labels"]
    check_labels(labels)
    job.labels = dict(labels)
    return JSONResponse(job.info())


def duplicate(ask: Ask, namespace: str, name: str) -> Response:
    account = _runner(ask, namespace)
    job = Job(namespace, account, _own(ask, namespace, name).spec)
    running.start(ask.hub, job)
    return JSONResponse(job.info())


def follow_log(ask: Ask, namespace: str, name: str) -> Response:
    job = _read(ask, namespace, name)
    tail = ask.query.get("tail")
    if tail is not None and not tail.isdigit():
        raise HubError(400, f"tail must be a number, not {tail!r}")
    jobs = ask.hub.jobs
    events = logs.stream(job, None if tail is None else int(tail), ask.effects, jobs.keep_alive_seconds, jobs.closing)
    return StreamingResponse(events, headers=_SSE)


def follow_metrics(ask: Ask, namespace: str, name: str) -> Response:
    job = _read(ask, namespace, name)
    if job.over:
        raise HubError(406, "Job is not running")
    return StreamingResponse(_metrics(ask.hub.jobs, job), headers=_SSE)


async def _metrics(jobs: Jobs, job: Job) -> AsyncIterator[bytes]:
    """One measurement per interval while the job runs; the real stream does not end with the job, nor does this."""
    since_word = 0.0
    while not jobs.closing.is_set():
        if job.stage == "RUNNING":
            measured = job.metrics() if job.metrics else _measured(jobs, job)
            yield f"event: metric\ndata: {json.dumps(measured)}\n\n".encode()
            since_word = 0.0
        elif since_word >= jobs.keep_alive_seconds:
            yield b": keep-alive\n\n"
            since_word = 0.0
        await asyncio.sleep(jobs.metrics_seconds)
        since_word += jobs.metrics_seconds


def _measured(jobs: Jobs, job: Job) -> dict[str, Any]:
    """Memory of the process and its children; a GPU of the flavor is claimed to be busy."""
    machine = jobs.flavor(job.flavor)
    gpu = machine["accelerator"]
    memory_bytes, cpu_percent = _used(job.pid)
    count = int(gpu["quantity"]) if gpu else 0
    busy_percent = 60 + int(time.time() * 7) % 40  # it must be seen to move
    one = {
        "utilization": busy_percent,
        "memory_used_bytes": 8 << 30,
        "memory_total_bytes": _gib(gpu["vram"]) if gpu else 0,
    }
    return {
        "cpu_usage_pct": cpu_percent,
        "cpu_millicores": int(machine["cpu"].split()[0]) * 1000,
        "memory_used_bytes": memory_bytes,
        "memory_total_bytes": _gib(machine["ram"]),
        "rx_bps": 0,
        "tx_bps": 0,
        "gpus": {f"{index:08x}": one for index in range(count)},
        "replica": job.id[:5],
    }


def _gib(text: str) -> int:
    return int(text.partition(" ")[0]) << 30


def _used(pid: int | None) -> tuple[int, int]:
    """Bytes and percent of one core."""
    if pid is None:
        return 0, 0
    try:
        process = psutil.Process(pid)
        family = [process, *process.children(recursive=True)]
        return sum(one.memory_info().rss for one in family), int(process.cpu_percent(0.0))
    except psutil.Error:
        return 0, 0
