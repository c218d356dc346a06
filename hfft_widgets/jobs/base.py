"""The small protocol of every backend that runs scripts, and the values that pass through it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from hfft_widgets.core.run.stage import Stage
from hfft_widgets.errors import RunError

if TYPE_CHECKING:
    from hfft_widgets.core.run.journal import Journal
    from hfft_widgets.hub.repos import Pushed
    from hfft_widgets.hub.streams.metrics import HardwareMetrics


@dataclass(frozen=True)
class JobTarget:
    """What a job that is paid for needs besides its script.

    Attributes:
        max_usd: The most it may cost; required to launch.
        confirmed: Fingerprint of the plan whose price ceiling was confirmed; None: `max_usd` was said for this plan.
        namespace: Who owns and pays it; "": the account itself.
        push_to: Hub repository that it writes to, or None.
        models: Hub ids of models that it reads.
        datasets: Hub ids of data sets that it reads.
    """

    max_usd: float | None = None
    confirmed: str | None = None
    namespace: str = ""
    push_to: str | None = None
    models: tuple[str, ...] = ()
    datasets: tuple[str, ...] = ()


@dataclass(frozen=True)
class Submission:
    """What to run.

    Attributes:
        kind: "training" or "export".
        title: A short name for people, e.g. "SFT of Qwen3-0.6B".
        script: The complete source of one Python file.
        plan: The plan as JSON values, kept with the run.
        fingerprint: What is trained or exported: price, time limit and the script's form are no part of it.
        disk_bytes: Free disk the run needs.
        memory_bytes: Free memory the run needs, where that is known for certain: of an export. Not kept.
        expected_bytes: Memory of the machine that it is expected to hold, of a training say; 0: not known. On this
            machine it waits until others have given that back. Not kept.
        timeout_seconds: After this time the run is stopped; None: never.
        stall_seconds: After this time without progress the run is stopped; None: only at its time limit, if it has one.
        environment: Variables for the script; never a secret. They are not kept: read back, this is empty.
        modules: Modules the script imports, each with the extra that brings it: checked before a start.
        flavor: Name of the hardware, which says what runs it.
        target: What a run that is paid for needs besides; not kept, like the environment.
        attempt: Which launch of this fingerprint it is, from 1; the backend counts.
        into_existing: Whether an export may put its file into a repository that exists. Not kept.
    """

    kind: str
    title: str
    script: str
    plan: Mapping[str, Any]
    fingerprint: str
    disk_bytes: int = 0
    memory_bytes: int = 0
    expected_bytes: int = 0
    timeout_seconds: float | None = None
    stall_seconds: float | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    modules: Mapping[str, str] = field(default_factory=dict)
    flavor: str = "local"
    target: JobTarget = JobTarget()
    attempt: int = 1
    into_existing: bool = False


@dataclass(frozen=True)
class JobStatus:
    """Where a run stands, as its backend sees it.

    Attributes:
        stage: The stage.
        created: Unix time of the launch.
        started: Unix time at which the script started, or None.
        finished: Unix time of the end, or None.
        exit_code: The script's exit code; negative: the signal that ended it; None: not ended, or not known.
        message: What the backend says about the end; "" if nothing.
        heartbeat: Unix time at which the run was last known to live, or None.
        output: The folder on this machine in which the script writes, or None.
        cost_usd: Money spent so far; None: not known.
        behind: Whether output that was written before is still being fetched.
        unconfirmed: Whether it is not known if the launch took effect; looked up again at each look.
        page: Address of its page on the Hub, or "".
        waiting: Why it waits for its turn on this machine, in a sentence; "" where it does not.
        can_begin: Whether it may sensibly be told to begin all the same, see `start_now`.
        now: Unix time at which this was so, by the clock of a run that is not of today; None: by this machine's.
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
    behind: bool = False
    unconfirmed: bool = False
    page: str = ""
    waiting: str = ""
    can_begin: bool = False
    now: float | None = None


class Backend(Protocol):
    """Runs scripts on one host. Ids are its own, without its name."""

    name: str
    """Begins the ids of its runs: `name:id`."""
    title: str
    """For people."""
    is_local: bool
    """Whether runs write to this machine's disk: reading costs nothing, and their output is here."""
    is_paid: bool
    """Whether a run costs money: a launch needs a target with `max_usd`."""

    def submit(self, submission: Submission) -> str:
        """Start it and return its id; raises LaunchError if nothing was started."""

    def checkpoint(self, job_id: str) -> int | None:
        """The step of the newest complete checkpoint on this machine, or None."""

    def resume(self, job_id: str, submission: Submission | None = None) -> None:
        """Start a run that has ended again, from its newest checkpoint; raises RunError where that cannot be."""

    def start_now(self, job_id: str) -> None:
        """Let a run that waits for its turn on this machine begin; raises RunError where it does not wait."""

    def finish(self, job_id: str) -> None:
        """Let a live training end after its step as after its last one; raises RunError where that cannot be."""

    def checkpoint_bytes(self, job_id: str) -> int:
        """What its checkpoints hold on this machine's disk."""

    def free_checkpoints(self, job_id: str) -> None:
        """Delete its checkpoints on this machine; raises RunError while it is live."""

    def status(self, job_id: str) -> JobStatus:
        """The state now; raises RunNotFoundError."""

    def is_gone(self, job_id: str) -> bool:
        """Whether a run that was known is deleted, for sure: one answer that does not show it is not enough."""

    def submission(self, job_id: str) -> Submission:
        """What was submitted; raises RunNotFoundError."""

    def read(self, job_id: str, position: int) -> bytes:
        """The output's bytes from `position` on; b"" if there is nothing new."""

    def tail(self, job_id: str) -> bytes:
        """The end of the output, to be shown while `read` is behind; b"" where it never is."""

    def hardware_metrics(self, job_id: str) -> HardwareMetrics | None:
        """What it uses of its machine now; None where that is not known."""

    def pushed(self, job_id: str) -> Pushed | None:
        """What it pushed to the Hub so far; None if nothing, or if it does not push."""

    def created(self, job_id: str) -> float:
        """Unix time of the launch, as far as it is known without asking anybody; else 0."""

    def disk_bytes(self, job_id: str) -> int:
        """What is kept of it on this machine's disk; raises RunNotFoundError."""

    def on_finished(self, job_id: str, journal: Journal) -> None:
        """Keep what later estimates can learn from the journal of a run that has ended."""

    def cancel(self, job_id: str) -> None:
        """Stop it and everything it started; a run that has ended stays as it is."""

    def ids(self) -> list[str]:
        """All runs known here that can be read, the newest first."""

    def damaged(self) -> list[str]:
        """Runs that cannot be read; `delete` removes them."""

    def delete(self, job_id: str) -> None:
        """Delete what is kept of it; raises RunNotFoundError, and RunError while it is live."""


class GivenBack:
    """What a host answers whose machines are given back at the end of a run: nothing on them can go on."""

    name = ""

    def checkpoint(self, job_id: str) -> None:
        """None on this machine: a job's checkpoints are in its Hub repository, see `pushed`."""

    def resume(self, job_id: str, submission: Submission | None = None) -> None:  # noqa: ARG002 -- the protocol's
        """Never: another machine costs anew.

        Raises:
            RunError: Always; it says how to go on.
        """
        raise RunError(
            f"The run {self.name}:{job_id} cannot go on in place: the machine of a job is given back at its end.",
            remedy="Launch its plan again, with max_usd: it goes on from the last checkpoint in its Hub repository.",
        )

    def start_now(self, job_id: str) -> None:
        """Never: no run waits for another there.

        Raises:
            RunError: Always.
        """
        raise RunError(f"The run {self.name}:{job_id} waits for no other run.", remedy="Watch it, or cancel it.")

    def finish(self, job_id: str) -> None:
        """Never: a job hears nothing but that it is cancelled.

        Raises:
            RunError: Always.
        """
        raise RunError(
            f"The run {self.name}:{job_id} cannot be asked to finish: a job hears nothing but that it is cancelled.",
            remedy="Cancel it: its newest checkpoint is in its Hub repository.",
        )

    def checkpoint_bytes(self, job_id: str) -> int:  # noqa: ARG002 -- the protocol's
        """0: none is on this machine."""
        return 0

    def free_checkpoints(self, job_id: str) -> None:
        """Nothing to delete on this machine."""
