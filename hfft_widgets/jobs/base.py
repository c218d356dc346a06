"""The small protocol every place that runs scripts fulfils, and the values that pass through it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from hfft_widgets.core.run.stage import Stage


@dataclass(frozen=True)
class Submission:
    """What to run.

    Attributes:
        kind: "training" or "export".
        title: A short name for people, e.g. "SFT of Qwen3-0.6B".
        script: The complete source of one Python file.
        plan: The plan as JSON values, kept with the run.
        fingerprint: What makes two plans the same run.
        disk_bytes: Free disk the run needs.
        timeout_seconds: After this time the run is stopped; None: never.
        environment: Variables for the script; never a secret. They are not kept: read back, this is empty.
        modules: Modules the script imports, each with the extra that brings it: checked before a start.
    """

    kind: str
    title: str
    script: str
    plan: Mapping[str, Any]
    fingerprint: str
    disk_bytes: int = 0
    timeout_seconds: float | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    modules: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class JobStatus:
    """Where a run stands, as the place that runs it sees it.

    Attributes:
        stage: The stage.
        created: Unix time of the launch.
        started: Unix time at which the script started, or None.
        finished: Unix time of the end, or None.
        exit_code: The script's exit code; negative: the signal that ended it; None: not ended, or not known.
        message: What the place says about the end; "" if nothing.
        heartbeat: Unix time at which the run was last known to live, or None.
        output: The folder on this machine in which the script was told to write, or None.
        cost_usd: Money spent so far; None: not known.
    """

    stage: Stage
    created: float
    started: float | None = None
    finished: float | None = None
    exit_code: int | None = None
    message: str = ""
    heartbeat: float | None = None
    output: str | None = None
    cost_usd: float | None = 0.0


class Backend(Protocol):
    """A place that runs scripts. Ids are its own, without its name."""

    name: str

    def submit(self, submission: Submission) -> str:
        """Start it and return its id; raises LaunchError if nothing was started."""

    def status(self, job_id: str) -> JobStatus:
        """The state now; raises RunNotFoundError."""

    def submission(self, job_id: str) -> Submission:
        """What was submitted; raises RunNotFoundError."""

    def read(self, job_id: str, position: int) -> bytes:
        """The output's bytes from `position` on; b"" if there is nothing new."""

    def cancel(self, job_id: str) -> None:
        """Stop it and everything it started; a run that has ended stays as it is."""

    def ids(self) -> list[str]:
        """All runs known here, the newest first."""

    def forget(self, job_id: str) -> None:
        """Delete what is kept of it; raises RunNotFoundError, and RunError while it is live."""
