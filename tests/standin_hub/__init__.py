"""A stand-in for the Hugging Face Hub on this machine, for the real clients.

`huggingface_hub`, `datasets`, `transformers` and `hf_xet` talk to it over loopback HTTP as to the Hub: accounts,
repositories, uploads by Xet or LFS, buckets, Jobs (each a process on this machine), the dataset viewer.

    with StandInHub(tmp_path) as hub:
        hub.add_model(folder, "user/tiny")
        hub.add_dataset("acme/talk", rows=[{"prompt": "Hi", "completion": "Hello"}], gated="auto")
        subprocess.run([sys.executable, "script.py"], env=hub.environment())    # HF_ENDPOINT, HF_TOKEN and a home
        HfApi(endpoint=hub.endpoint, token=WRITE_TOKEN).run_job(...)            # in this process

`HF_ENDPOINT` is read when huggingface_hub is first imported, and transformers and datasets have no parameter for it:
start a process for what uses them. `HfApi(endpoint=...)` and an httpx client work in this one.

Tokens: WRITE_TOKEN and READ_TOKEN of "user" (member of "acme"), NO_JOBS_TOKEN (fine-grained, may write but not run
jobs), POOR_TOKEN of "poor" (a job is answered with 402), OTHER_TOKEN of "other".

Jobs without a process, for tests of what follows them: `hub.jobs.add(lines, count=1_000_000)` makes the lines when they
are asked for; then `job.show(n)`, `job.set_stage("COMPLETED")`, `job.metrics = ...`; without lines, `job.write(text)`.

Faults, by a regular expression on the path, `times` times (None: always) after `skip` requests:

    hub.fault("/logs$", drop_after=4)                  # the connection is cut after 4 events
    hub.fault("/logs$", short_replay=4, skip=1)        # the second connection ends, cleanly, after 4
    hub.fault("/logs$", stall_after=4)                 # then nothing, not even keep-alives
    hub.fault("/logs$", duplicate=3)                   # each third event twice
    hub.fault("/logs$", separators=ODD_SEPARATORS)     # U+2028 and the like in an unknown field; or give such lines
    hub.fault("/api/jobs/user/[0-9a-f]+$", stage_lag=3.0)
    hub.fault("/api/jobs/user$", method="POST", lost=True)      # takes effect, but no answer comes
    hub.fault("/api/jobs/user$", method="POST", refused=True)   # no effect and no answer
    hub.fault("whoami", **rate_limited(7))             # 429 with the headers; also status=, headers=, body=, delay=
    hub.fault("/api/jobs", merge={"status": {"stage": "PAUSED"}, "new": 1}, times=None)
    hub.fault("/datasets-server/rows", truncate_cells=10)       # partial(), not_ready(), pending(): the viewer's own

`hub.journal` lists every request with its status and whether it had a token, never the token.
"""

from __future__ import annotations

import json
import os
import socket
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import uvicorn

from . import running
from .accounts import NO_JOBS_TOKEN, OTHER_TOKEN, POOR_TOKEN, READ_TOKEN, WRITE_TOKEN, Account, Accounts
from .app import make_app
from .buckets import Buckets
from .faults import ODD_SEPARATORS, Fault, Faults
from .jobs import TERMINAL, Job, Jobs
from .state import Entry, State
from .store import Repo, Store
from .viewer import Viewer

__all__ = [
    "NO_JOBS_TOKEN",
    "ODD_SEPARATORS",
    "OTHER_TOKEN",
    "POOR_TOKEN",
    "READ_TOKEN",
    "TERMINAL",
    "WRITE_TOKEN",
    "Account",
    "Entry",
    "Fault",
    "Job",
    "Repo",
    "StandInHub",
    "not_ready",
    "partial",
    "pending",
    "rate_limited",
]

_OFFLINE = ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "HF_DATASETS_OFFLINE")
_OTHER_SETTINGS = ("HUGGING_FACE_HUB_TOKEN", "HF_TOKEN_PATH", "HF_HUB_CACHE", "HF_DATASETS_CACHE")


def rate_limited(seconds: int) -> dict[str, Any]:
    """Settings of a fault: 429, to be tried again in so many seconds."""
    headers = {"Retry-After": str(seconds), "RateLimit": f'"api";r=0;t={seconds}', "X-Error-Message": "Rate limited"}
    return {"status": 429, "headers": headers, "body": {"error": "We had to rate limit you"}}


def not_ready() -> dict[str, Any]:
    """Settings of a fault: the dataset viewer has not computed this yet."""
    message = "The server is busier than usual and the response is not ready yet. Please retry later."
    return {"status": 500, "headers": {"X-Error-Code": "ResponseNotReadyError"}, "body": {"error": message}}


def partial() -> dict[str, Any]:
    """Settings of a fault: the dataset viewer computed this from a part of the dataset."""
    return {"merge": {"partial": True}}


def pending(dataset: str, config: str) -> dict[str, Any]:
    """Settings of a fault: the dataset viewer has not computed this configuration yet."""
    return {"merge": {"pending": [{"kind": "config-size", "dataset": dataset, "config": config, "split": None}]}}


class StandInHub:
    """A Hub on this machine while the `with` block runs. All it keeps is below `root`."""

    def __init__(self, root: Path | str, port: int = 0) -> None:
        self.root = Path(root).absolute() / "hub"
        store = Store(self.root)
        self.state = State(
            root=self.root,
            accounts=Accounts(),
            faults=Faults(),
            store=store,
            buckets=Buckets(self.root),
            jobs=Jobs(),
            viewer=Viewer(store, str(self.root / "datasets_cache")),
        )
        running.write_commands(self.root)
        self._port = port
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        listening = socket.create_server(("127.0.0.1", self._port))
        self.state.endpoint = f"http://127.0.0.1:{listening.getsockname()[1]}"
        config = uvicorn.Config(
            make_app(self.state), log_level="critical", lifespan="off", date_header=False, timeout_graceful_shutdown=1
        )
        self.state.server = uvicorn.Server(config)
        self._thread = threading.Thread(
            target=self.state.server.run, args=([listening],), name="stand-in Hub", daemon=True
        )
        self._thread.start()
        while not self.state.server.started:
            time.sleep(0.005)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.state.jobs.closing.set()
        for job in self.jobs:
            job.signal.notify()
        assert self.state.server is not None
        assert self._thread is not None
        self.state.server.should_exit = True
        self._thread.join(5)
        deadline = time.monotonic() + 10
        while any(job.pid for job in self.jobs) and time.monotonic() < deadline:
            time.sleep(0.01)

    @property
    def endpoint(self) -> str:
        """Its address, for HF_ENDPOINT."""
        return self.state.endpoint

    @property
    def viewer(self) -> str:
        """The address of the dataset viewer's API."""
        return f"{self.endpoint}/datasets-server"

    @property
    def jobs(self) -> Jobs:
        """All jobs: iterate, index by id, `add`; its attributes set how fast they are."""
        return self.state.jobs

    @property
    def journal(self) -> list[Entry]:
        """Every request so far, in the order in which they came."""
        return self.state.journal

    @property
    def accounts(self) -> dict[str, Account]:
        """By token."""
        return self.state.accounts.by_token

    @property
    def errors(self) -> list[str]:
        """Tracebacks of its own defects, which the client saw as a 500: there should be none."""
        return self.state.errors

    def fault(self, path: str, **settings: Any) -> Fault:
        """Add a rule: see the module's text, `faults.Fault` and `faults.Effects`. `hits` counts."""
        return self.state.faults.add(path, **settings)

    def clear_faults(self) -> None:
        self.state.faults.clear()

    def add_model(self, folder: Path | str, name: str, **settings: Any) -> Repo:
        """The files of a folder as a model. Settings: private, gated ("auto" or "manual"), allowed (a set of users)."""
        repo = self.state.store.add_folder("models", name, Path(folder))
        return self.state.store.create("models", name, **settings) if settings else repo

    def add_dataset(
        self,
        name: str,
        rows: Sequence[Mapping[str, Any]] | Mapping[str, Sequence[Mapping[str, Any]]] | None = None,
        *,
        files: Mapping[str, bytes | str] | None = None,
        folder: Path | str | None = None,
        **settings: Any,
    ) -> Repo:
        """A dataset from rows (or rows by split, kept as JSON lines), from files by path, or from a folder."""
        store = self.state.store
        if folder is not None:
            store.add_folder("datasets", name, Path(folder))
        content = {**_as_files(rows), **(files or {})}
        repo = store.create("datasets", name, **settings)
        made = {path: store.put(path, _bytes(one)) for path, one in content.items()}
        if made:
            repo.add({**repo.at().files, **made}, "Upload dataset")
        return repo

    def repo(self, kind: str, name: str) -> Repo | None:
        """What was pushed: kind is models, datasets or spaces."""
        return self.state.store.get(kind, name)

    def read(self, kind: str, name: str, path: str, revision: str = "main") -> bytes:
        """The content of a file in a repository; KeyError if there is none."""
        repo = self.state.store.repos[kind, name]
        return self.state.store.content(repo.at(revision).files[path].sha256).read_bytes()

    def environment(self, token: str | None = WRITE_TOKEN, home: Path | str | None = None) -> dict[str, str]:
        """This process' environment, pointed at the stand-in, for a process whose Hugging Face home is of its own."""
        kept = {
            name: value for name, value in os.environ.items() if name not in (*_OFFLINE, *_OTHER_SETTINGS, "HF_TOKEN")
        }
        return kept | self.settings(token, home)

    def settings(self, token: str | None = WRITE_TOKEN, home: Path | str | None = None) -> dict[str, str]:
        """Only what differs: what a person would export."""
        told = {
            "HF_ENDPOINT": self.endpoint,
            "HF_HOME": str(home or self.root.parent / "hf_home"),
            "HFFT_DATASET_VIEWER": self.viewer,
            "NO_PROXY": "127.0.0.1,localhost",
            "no_proxy": "127.0.0.1,localhost",
            "HF_HUB_DISABLE_TELEMETRY": "1",
        }
        return told if token is None else {**told, "HF_TOKEN": token}


def _as_files(
    rows: Sequence[Mapping[str, Any]] | Mapping[str, Sequence[Mapping[str, Any]]] | None,
) -> dict[str, str]:
    if rows is None:
        return {}
    splits = rows if isinstance(rows, Mapping) else {"train": rows}
    return {
        f"data/{split}.jsonl": "".join(f"{json.dumps(row, ensure_ascii=False)}\n" for row in lines)
        for split, lines in splits.items()
    }


def _bytes(content: bytes | str) -> bytes:
    return content.encode() if isinstance(content, str) else content
