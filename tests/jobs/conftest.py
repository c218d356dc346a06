import contextlib
import os
import signal
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from hfft_widgets import folders
from hfft_widgets.jobs.base import Submission
from hfft_widgets.jobs.local.backend import LocalBackend, processes, supervisor
from hfft_widgets.jobs.run import Run
from tests.hub_client.conftest import hub

__all__ = ["hub"]

PRELUDE = """
import itertools, json, os, signal, subprocess, sys, time
_n = itertools.count()
def tell(event, **data):
    line = json.dumps({"n": next(_n), "t": time.time(), "event": event, **data})
    sys.stdout.write("\\n@hfft " + line + "\\n")
    sys.stdout.flush()
"""


def submission(body: str, *, fingerprint: str = "", **more: object) -> Submission:
    """A script that tells events; `body` follows the prelude."""
    script = PRELUDE + textwrap.dedent(body)
    values = {"kind": "training", "title": "A run", "plan": {"method": "SFT"}} | more
    return Submission(script=script, fingerprint=fingerprint or os.urandom(8).hex(), **values)


def until(true: Callable[[], object], seconds: float = 30.0) -> None:
    """Wait for a condition; a machine under load may be slow, so the limit is generous."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.05)


def lives(pid: int) -> bool:
    """Whether a process runs; one that has ended but was not collected does not."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def state_of(job_id: str) -> dict:
    return supervisor.read_json(folders.data("runs", job_id) / supervisor.STATE) or {}


def change_state(job_id: str, **facts: object) -> None:
    supervisor.write_json(folders.data("runs", job_id) / supervisor.STATE, state_of(job_id) | facts)


def kill_watcher(job_id: str) -> int:
    """End the supervisor as the system would for lack of memory; returns the script's process id."""
    state = state_of(job_id)
    os.kill(state["supervisor"]["pid"], signal.SIGKILL)
    until(lambda: not lives(state["supervisor"]["pid"]))
    return state["script"]["pid"]


def _end_everything() -> None:
    for path in folders.data("runs").glob(f"*/{supervisor.STATE}"):
        state = supervisor.read_json(path) or {}
        for name in ("supervisor", "script"):
            if processes.alive(state.get(name)) and state[name]["pid"] != os.getpid():
                with contextlib.suppress(OSError):
                    os.kill(state[name]["pid"], signal.SIGKILL)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The package's folders, for one test; whatever still runs there afterwards is ended."""
    folder = tmp_path / "home"
    monkeypatch.setenv("HFFT_HOME", str(folder))
    yield folder
    monkeypatch.setenv("HFFT_HOME", str(folder))
    _end_everything()


@pytest.fixture
def sample_folders(sample_home: Path, home: Path) -> Path:
    """The session's samples, beside runs of the test's own: another test's would be listed here."""
    home.mkdir()
    (sample_home / "cache").mkdir(exist_ok=True)
    (home / "cache").symlink_to(sample_home / "cache", target_is_directory=True)
    return home


@pytest.fixture
def local() -> LocalBackend:
    return LocalBackend(grace_seconds=1.0)


@pytest.fixture
def start(local: LocalBackend) -> Callable[..., Run]:
    """Start a script here: `start(body, **fields of the submission)`."""

    def started(body: str, **more: object) -> Run:
        return Run(local, local.submit(submission(body, **more)))

    return started
