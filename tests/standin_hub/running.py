"""What runs a job: a process of its own on this machine, in its own process group."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import IO

from .jobs import Job
from .logs import header
from .state import State, now

_KEPT = ("LANG", "LC_ALL", "HFFT_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "TOKENIZERS_PARALLELISM",
         "LD_LIBRARY_PATH")  # fmt: skip
UV_SHIM = Path(__file__).with_name("uv_shim.py")


def start(hub: State, job: Job) -> None:
    """Run the job in a thread of its own."""
    job.has_process = True
    hub.jobs.keep(job)
    threading.Thread(target=_run, args=(hub, job), name=f"job {job.id}", daemon=True).start()


def write_commands(root: Path) -> None:
    """`python` and `uv` as the job finds them: this interpreter; a virtual environment's cannot be linked to."""
    folder = root / "bin"
    folder.mkdir(parents=True, exist_ok=True)
    for name, command in {"python": "", "python3": "", "uv": f' "{UV_SHIM}"'}.items():
        script = folder / name
        script.write_text(f'#!/bin/sh\nexec "{sys.executable}"{command} "$@"\n')
        script.chmod(0o755)


def _run(hub: State, job: Job) -> None:
    if job.asked_to_stop.wait(hub.jobs.schedule_seconds):
        return job.end("CANCELED")
    code = 0
    for _ in range(job.spec.get("attempts") or 1):
        job.set_stage("RUNNING")
        job.write(header(now()))
        code = _attempt(hub, job)
        if job.over:
            return None
        if code == 0:
            return job.end("COMPLETED")
    reason = f"Job failed with exit code: {code}. Reason: Error" if code > 0 else f"Job killed by signal {-code}"
    return job.end("ERROR", reason)


def _attempt(hub: State, job: Job) -> int:
    """The exit code of one run. A job that was cancelled or took too long has its last stage afterwards."""
    folder = hub.root / "jobs" / job.id
    folder.mkdir(parents=True, exist_ok=True)
    argv, environment = command(hub, job, folder)
    try:
        process = subprocess.Popen(
            argv,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    except OSError as error:
        job.write(str(error))
        return 127
    job.pid = process.pid
    reader = threading.Thread(target=_record, args=(job, process.stdout), daemon=True)
    reader.start()
    reason = _wait(hub, job, process)
    _kill(process.pid, signal.SIGKILL)  # what the process left behind holds the pipe open
    reader.join(10)
    job.pid = None
    if reason:
        job.end(*reason)
    return process.returncode


def _wait(hub: State, job: Job, process: subprocess.Popen[bytes]) -> tuple[str, str | None] | None:
    """Until the process ends; the last stage if it had to be ended."""
    deadline = time.monotonic() + (job.spec.get("timeoutSeconds") or hub.jobs.default_timeout_seconds)
    while process.poll() is None:
        if hub.jobs.closing.is_set():
            _kill(process.pid, signal.SIGKILL)
            process.wait(10)
            return "ERROR", "The Hub is closing"
        stopped = job.asked_to_stop.wait(0.02)
        if stopped or time.monotonic() > deadline:
            _end(process, hub.jobs.grace_seconds)
            return ("CANCELED", None) if stopped else ("ERROR", "Job timeout")
    return None


def _end(process: subprocess.Popen[bytes], grace_seconds: float) -> None:
    _kill(process.pid, signal.SIGTERM)
    try:
        process.wait(grace_seconds)
    except subprocess.TimeoutExpired:
        _kill(process.pid, signal.SIGKILL)
        process.wait(10)


def _kill(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, number)


def _record(job: Job, pipe: IO[bytes] | None) -> None:
    """Lines end with a line feed only, as in a container's log."""
    assert pipe is not None
    for line in pipe:
        job.write(line.rstrip(b"\n").decode("utf-8", "replace"))


def command(hub: State, job: Job, folder: Path) -> tuple[list[str], dict[str, str]]:
    """What to run and its environment: nothing of this process but where programs are.

    PYTHONUNBUFFERED is not set: whoever wants to see lines as they come must ask for it.
    """
    mounts = {volume["mountPath"].rstrip("/"): _source(hub, volume) for volume in job.spec.get("volumes") or ()}
    environment = {name: os.environ[name] for name in _KEPT if name in os.environ}
    environment |= {
        "PATH": os.pathsep.join([str(hub.root / "bin"), os.environ.get("PATH", os.defpath)]),
        "HOME": str(folder),
        "HF_HOME": str(folder / "hf_home"),
        "HF_ENDPOINT": hub.endpoint,
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "NO_PROXY": "127.0.0.1,localhost",
        "JOB_ID": job.id,
        "ACCELERATOR": job.flavor,
    }
    given = {**job.spec.get("environment", {}), **(job.spec.get("secrets") or {})}
    environment |= {name: _mounted(str(value), mounts) for name, value in given.items()}
    words = [*job.spec["command"], *job.spec.get("arguments", ())]
    argv = [_mounted(word, mounts) for word in words]
    if "/" not in argv[0] and (hub.root / "bin" / argv[0]).exists():
        argv[0] = str(hub.root / "bin" / argv[0])  # Popen looks in this process' PATH, not in the new one's
    return argv, environment


def _source(hub: State, volume: dict[str, str]) -> str:
    if volume["type"] == "bucket":
        folder = hub.buckets.folder(volume["source"])
    else:
        repo = hub.store.create(f"{volume['type']}s", volume["source"])
        folder = hub.store.view(repo, volume.get("revision") or "main")
    return str(folder / volume["path"] if volume.get("path") else folder)


def _mounted(text: str, mounts: dict[str, str]) -> str:
    """There is no container: a path below a mount becomes the folder here. A path inside a script stays."""
    for mount, folder in mounts.items():
        text = re.sub(rf"(?<![\w./-]){re.escape(mount)}(?=/|$)", folder.replace("\\", r"\\"), text)
    return text
