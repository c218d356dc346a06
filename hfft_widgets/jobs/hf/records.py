"""What this machine knows of remote runs: launches, written down before they are made, and runs.

A launch is a file named by the run's own id, which is also a label of the job: whatever becomes of the request or of
this process, the job can be looked up by it. A run is a folder named by its namespace and job id.
"""

from __future__ import annotations

import re
import secrets
import shutil
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hfft_widgets import folders
from hfft_widgets.errors import RunNotFoundError
from hfft_widgets.jobs.base import Submission
from hfft_widgets.jobs.local.supervisor import read_json, write_json

POSTING, STARTED, ABSENT = "posting", "started", "absent"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,95}")
UNCONFIRMED = "unconfirmed-"
_keeping = threading.Lock()  # two threads may see the end of a run at the same moment
_KEPT = ("kind", "title", "script", "fingerprint", "attempt", "timeout_seconds", "stall_seconds")


@dataclass(frozen=True)
class JobRef:
    """What the id of a run stands for: a job, or a launch of which nobody knows whether it made one.

    Attributes:
        namespace: Who owns it.
        name: The job's id, or `unconfirmed-` and the launch's own.
        launch: The launch as it is written down, while its job is not known; else None.
    """

    namespace: str
    name: str
    launch: Mapping[str, Any] | None = None

    @property
    def job(self) -> tuple[str, str]:
        """Namespace and job id."""
        return self.namespace, self.name

    @property
    def kept(self) -> dict[str, Any]:
        """What is written down of it; {} if nothing."""
        return dict(self.launch or run(*self.job) or {})

    def __str__(self) -> str:
        return f"jobs:{self.namespace}/{self.name}"


def find(job_id: str) -> JobRef:
    """What `namespace/name` stands for; a launch whose job was found meanwhile stands for the job.

    Raises:
        RunNotFoundError: It is no id, or of a launch that was not made here.
    """
    namespace, slash, name = job_id.partition("/")
    if not slash or not safe(namespace, name):
        raise RunNotFoundError(
            f"'jobs:{job_id}' is not the id of a run.", why="It is jobs:namespace/job, as hfft.runs() lists them."
        )
    if not name.startswith(UNCONFIRMED):
        return JobRef(namespace, name)
    made = launch(name.removeprefix(UNCONFIRMED))
    if made is None or made["namespace"] != namespace:
        raise RunNotFoundError(f"There is no run jobs:{job_id} here.", remedy="hfft.runs() lists them.")
    return JobRef(namespace, str(made["job_id"])) if made.get("job_id") else JobRef(namespace, name, made)


def root() -> Path:
    """The folder of all remote runs."""
    return folders.data("jobs")


def safe(*names: str) -> bool:
    """Whether names may become parts of a path."""
    return all(_NAME.fullmatch(name) and ".." not in name for name in names)


def run_folder(namespace: str, job_id: str) -> Path:
    """The folder of a run; it need not exist."""
    return root() / "runs" / namespace / job_id


def _launch(run: str) -> Path:
    return root() / "launches" / f"{run}.json"


def begin(submission: Submission, namespace: str, **facts: Any) -> dict[str, Any]:
    """Write down a launch that is about to be made. Raises OSError: then it must not be made."""
    values = {
        **{name: getattr(submission, name) for name in _KEPT},
        "plan": dict(submission.plan),
        "run": secrets.token_hex(8),
        "namespace": namespace,
        "created": time.time(),
        "state": POSTING,
        "job_id": None,
        **facts,
    }
    path = _launch(values["run"])
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_json(path, values)
    return values


def started(launch: Mapping[str, Any], job_id: str) -> None:
    """Note the job of a launch, and keep the run."""
    keep(launch["namespace"], job_id, {**launch, "state": STARTED, "job_id": job_id})
    write_json(_launch(launch["run"]), {**launch, "state": STARTED, "job_id": job_id, "script": "", "plan": {}})


def absent(launch: Mapping[str, Any]) -> None:
    """Note that a launch had no effect."""
    write_json(_launch(launch["run"]), {**launch, "state": ABSENT})


def withdraw(launch: Mapping[str, Any]) -> None:
    """Forget a launch."""
    _launch(launch["run"]).unlink(missing_ok=True)


def launches() -> list[dict[str, Any]]:
    """All launches, the newest first."""
    found = [_readable(path) for path in (root() / "launches").glob("*.json")]
    whole = [values for values in found if values and {"run", "namespace", "created", "state"} <= values.keys()]
    return sorted(whole, key=lambda values: float(values["created"]), reverse=True)


def launch(run: str) -> dict[str, Any] | None:
    """One launch by the run's own id, or None."""
    return read_json(_launch(run)) if safe(run) else None


def keep(namespace: str, job_id: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """Write down what is known of a run, over what was known before."""
    folder = run_folder(namespace, job_id)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _keeping:
        merged = {**(read_json(folder / "job.json") or {}), **values}
        write_json(folder / "job.json", merged)
    return merged


def run(namespace: str, job_id: str) -> dict[str, Any] | None:
    """What is known of a run, or None."""
    return read_json(run_folder(namespace, job_id) / "job.json") if safe(namespace, job_id) else None


def runs() -> list[tuple[str, str, dict[str, Any]]]:
    """Namespace, job id and values of every run that is kept, the newest first."""
    found = []
    for path in (root() / "runs").glob("*/*/job.json"):
        values = _readable(path)
        if values is not None:
            found.append((path.parent.parent.name, path.parent.name, values))
    return sorted(found, key=lambda item: float(item[2].get("created") or 0), reverse=True)


def _readable(path: Path) -> dict[str, Any] | None:
    """What a file of a list holds; one that cannot be read hides no other."""
    try:
        return read_json(path)
    except OSError:
        return None


def drop(namespace: str, job_id: str) -> None:
    """Delete what is kept of a run. Raises OSError."""
    shutil.rmtree(run_folder(namespace, job_id))


def attempt(values: Mapping[str, Any]) -> int:
    """Which launch of its fingerprint a run is; those of versions that did not count are the first."""
    return int(values.get("attempt") or 1)


def submission(values: Mapping[str, Any]) -> Submission:
    """What was submitted, as far as it is kept."""
    return Submission(
        kind=str(values.get("kind") or "training"),
        title=str(values.get("title") or "A job"),
        script=str(values.get("script") or ""),
        plan=values.get("plan") or {},
        fingerprint=str(values.get("fingerprint") or ""),
        timeout_seconds=values.get("timeout_seconds"),
        stall_seconds=values.get("stall_seconds"),
        flavor=str(values.get("flavor") or ""),
        attempt=attempt(values),
    )
