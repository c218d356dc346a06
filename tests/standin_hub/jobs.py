"""Jobs: what the Hub knows about each of them, and the list of all."""

from __future__ import annotations

import re
import secrets
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from . import hardware
from .accounts import object_id
from .logs import GivenLog, Log, RecordedLog, Signal
from .state import HubError, iso, now

TERMINAL = ("COMPLETED", "CANCELED", "ERROR", "DELETED")
_LABEL = re.compile(r"[A-Za-z0-9_-]{0,100}")
_NAME = re.compile(r"[A-Za-z0-9._-]{0,100}")


@dataclass(frozen=True)
class Stage:
    """A stage and since when, by the monotonic clock."""

    name: str
    message: str | None
    since: float


class Job:
    """One job. Tests may set everything here while it is followed."""

    def __init__(self, namespace: str, user: str, spec: Mapping[str, Any], log: Log | None = None) -> None:
        self.id = secrets.token_hex(12)
        self.namespace = namespace
        self.user = user
        self.spec = dict(spec)
        self.labels: dict[str, str] = dict(spec.get("labels") or {})
        self.log: Log = RecordedLog() if log is None else log
        self.signal = Signal()
        self.created: datetime = now()
        self.started: datetime | None = None
        self.finished: datetime | None = None
        self.pid: int | None = None
        """Of the process while it runs."""
        self.metrics: Callable[[], dict[str, Any]] | None = None
        """Given by a test instead of what the process uses."""
        self.asked_to_stop = threading.Event()
        self.has_process = False
        self._stages = [Stage("SCHEDULING", None, time.monotonic())]
        self._lock = threading.Lock()

    @property
    def stage(self) -> str:
        return self._stages[-1].name

    @property
    def over(self) -> bool:
        return self.stage in TERMINAL

    @property
    def flavor(self) -> str:
        return str(self.spec.get("flavor", "cpu-basic"))

    def set_stage(self, name: str, message: str | None = None) -> None:
        """Any name is taken: the real Hub may invent one."""
        with self._lock:
            self._stages.append(Stage(name, message, time.monotonic()))
            if name == "RUNNING":
                self.started = self.started or now()
            self.finished = now() if name in TERMINAL else None
        self.signal.notify()

    def end(self, name: str, message: str | None = None) -> None:
        """Set the last stage, unless there is one already."""
        if not self.over:
            self.set_stage(name, message)

    def write(self, text: str) -> None:
        """One more line in a recorded log."""
        if not isinstance(self.log, RecordedLog):
            raise TypeError("The lines of this job were given; use show().")
        self.log.write(text)
        self.signal.notify()

    def show(self, lines: int) -> None:
        """Let so many of the given lines be there."""
        if not isinstance(self.log, GivenLog):
            raise TypeError("The lines of this job are recorded; use write().")
        self.log.show(lines)
        self.signal.notify()

    def cancel(self) -> None:
        """A job with a process ends once that is gone, another one at once."""
        self.asked_to_stop.set()
        if not self.has_process:
            self.end("CANCELED")

    def info(self, stage_lag: float = 0.0) -> dict[str, Any]:
        """The Hub's answer about this job, with the stage of `stage_lag` seconds ago."""
        stage = self._stage_before(stage_lag)
        finished = self.finished if stage.name in TERMINAL else None
        spec = self.spec
        image = "spaceId" if "spaceId" in spec else "dockerImage"
        return {
            "id": self.id,
            "createdAt": iso(self.created),
            "startedAt": iso(self.started),
            "finishedAt": iso(finished),
            image: spec.get(image),
            "command": spec.get("command"),
            "arguments": spec.get("arguments", []),
            "environment": spec.get("environment", {}),
            "secrets": dict.fromkeys(spec.get("secrets") or {}),
            "flavor": self.flavor,
            "labels": self.labels or None,
            "volumes": spec.get("volumes"),
            "timeout": spec.get("timeoutSeconds"),
            "retry": (spec.get("attempts") or 1) - 1,
            "status": {"stage": stage.name, "message": stage.message},
            "owner": {"id": object_id(self.namespace), "name": self.namespace, "type": self._owner_type},
            "initiator": {"id": object_id(self.user), "name": self.user, "type": "user"},
            "durations": self._durations(finished or now()),
        }

    @property
    def _owner_type(self) -> str:
        return "user" if self.namespace == self.user else "org"

    def _stage_before(self, seconds: float) -> Stage:
        moment = time.monotonic() - seconds
        reached = [stage for stage in self._stages if stage.since <= moment]
        return reached[-1] if reached else self._stages[0]

    def _durations(self, until: datetime) -> dict[str, int | None]:
        def seconds(start: datetime | None, stop: datetime) -> int | None:
            return None if start is None else int((stop - start).total_seconds())

        scheduling = seconds(self.created, self.started) if self.started else None
        running = seconds(self.started, until)
        return {"schedulingSecs": scheduling, "runningSecs": running, "totalSecs": seconds(self.created, until)}


class Jobs:
    """All jobs, oldest first."""

    def __init__(self) -> None:
        self.hardware = hardware.flavors()
        self.schedule_seconds = 0.1
        """How long a job stays in SCHEDULING."""
        self.grace_seconds = 5.0
        """Between SIGTERM and SIGKILL."""
        self.keep_alive_seconds = 30.0
        """More than 5, or the official client's fetch_job_logs without following never ends."""
        self.metrics_seconds = 1.0
        self.default_timeout_seconds = 1800
        self.closing = threading.Event()
        self._by_id: dict[str, Job] = {}

    def __iter__(self) -> Any:
        return iter(list(self._by_id.values()))

    def __len__(self) -> int:
        return len(self._by_id)

    def __getitem__(self, name: str) -> Job:
        return self._by_id[name]

    def get(self, namespace: str, name: str) -> Job:
        job = self._by_id.get(name)
        if job is None or job.namespace != namespace:
            raise HubError(404, "Job not found")
        return job

    def keep(self, job: Job) -> Job:
        self._by_id[job.id] = job
        return job

    def add(
        self,
        lines: Callable[[int], str] | Sequence[str] | None = None,
        *,
        count: int | None = None,
        stage: str = "RUNNING",
        namespace: str = "user",
        flavor: str = "cpu-basic",
        labels: Mapping[str, str] | None = None,
        **spec: Any,
    ) -> Job:
        """A job without a process, for tests of what follows it.

        Args:
            lines: The whole log; a function makes the line with this index when it is asked for, and then `count`
                says how many there are. None: an empty log for `write`.
            count: The number of lines, for a function.
            stage: The first stage; from then on the test sets it.
            namespace: Whose job it is.
            flavor: The machine it claims to run on.
            labels: Its labels.
            spec: More of what run_job sends, with the names of the wire: dockerImage, command, environment.
        """
        log = None if lines is None else GivenLog(lines, _total(lines, count))
        given = {"dockerImage": "python:3.12", "command": ["true"], "flavor": flavor, "labels": dict(labels or {})}
        job = Job(namespace, namespace, given | spec, log)
        job.set_stage(stage)
        return self.keep(job)

    def flavor(self, name: str) -> dict[str, Any]:
        """The machine of this name.

        Raises:
            HubError: 400, there is none.
        """
        for machine in self.hardware:
            if machine["name"] == name:
                return machine
        raise HubError(400, f"Invalid flavor {name!r}")


def _total(lines: Callable[[int], str] | Sequence[str], count: int | None) -> int:
    if count is not None:
        return count
    if callable(lines):
        raise TypeError("A function of lines needs count=.")
    return len(lines)


def check_labels(labels: Mapping[str, Any]) -> None:
    """400 for a label that the Hub refuses."""
    for key, value in labels.items():
        form = _NAME if key == "name" else _LABEL
        if not _LABEL.fullmatch(key) or not form.fullmatch(str(value)):
            allowed = "at most 100 letters, digits, dashes and underscores"
            raise HubError(400, f"Invalid label {key}={value}: {allowed}")


def check_spec(jobs: Jobs, spec: Mapping[str, Any]) -> None:
    """400 for a job that the Hub refuses."""
    jobs.flavor(spec.get("flavor", "cpu-basic"))
    check_labels(spec.get("labels") or {})
    if not {"dockerImage", "spaceId"} & spec.keys():
        raise HubError(400, "dockerImage or spaceId is required")
    command = spec.get("command")
    if not isinstance(command, list) or not all(isinstance(word, str) for word in command):
        raise HubError(400, "command must be a list of strings")
    timeout = spec.get("timeoutSeconds")
    if timeout is not None and (not isinstance(timeout, int) or timeout <= 0):
        raise HubError(400, "timeoutSeconds must be a positive integer")
