"""The small protocol every place that runs scripts fulfils, and the values that pass through it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from hfft_widgets.core.run.stage import Stage

if TYPE_CHECKING:
    from hfft_widgets.core.run.journal import Journal
    from hfft_widgets.hub.metrics import Use
    from hfft_widgets.hub.repos import Pushed


@dataclass(frozen=True)
class Paid:
    """What a run on Hugging Face Jobs needs to be told besides.

    Attributes:
        flavor: Name of the hardware.
        max_usd: The most it may cost; required to launch.
        confirmed: Fingerprint of the plan whose price ceiling was confirmed; None: `max_usd` was said for this plan.
        namespace: Who owns and pays it; "": the account itself.
        push_to: Hub repository that it writes to, or None.
        models: Hub ids of models that it reads.
        datasets: Hub ids of data sets that it reads.
    """

    flavor: str
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
        fingerprint: What makes two plans the same run.
        disk_bytes: Free disk the run needs.
        timeout_seconds: After this time the run is stopped; None: never.
        environment: Variables for the script; never a secret. They are not kept: read back, this is empty.
        modules: Modules the script imports, each with the extra that brings it: checked before a start.
        paid: What a run that is paid for needs besides; not kept, like the environment.
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
    paid: Paid | None = None


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
        behind: Whether output that was written before is still being fetched.
        unconfirmed: Whether it is not known if the launch took effect; looked up again at each look.
        page: Address of its page on the Hub, or "".
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


class Backend(Protocol):
    """A place that runs scripts. Ids are its own, without its name."""

    name: str
    near: bool
    """Whether reading output costs nothing: a far place opens a stream for it."""

    def submit(self, submission: Submission) -> str:
        """Start it and return its id; raises LaunchError if nothing was started."""

    def status(self, job_id: str) -> JobStatus:
        """The state now; raises RunNotFoundError."""

    def submission(self, job_id: str) -> Submission:
        """What was submitted; raises RunNotFoundError."""

    def read(self, job_id: str, position: int) -> bytes:
        """The output's bytes from `position` on; b"" if there is nothing new."""

    def peek(self, job_id: str) -> bytes:
        """The end of the output, to be shown while `read` is behind; b"" where it never is."""

    def use(self, job_id: str) -> Use | None:
        """What it uses of its machine now; None where that is not known."""

    def pushed(self, job_id: str) -> Pushed | None:
        """What it pushed to the Hub so far; None if nothing, or if it does not push."""

    def created(self, job_id: str) -> float:
        """Unix time of the launch, as far as it is known without asking anybody; else 0."""

    def conclude(self, job_id: str, journal: Journal) -> None:
        """Hear what a run told that has ended, for what later estimates can learn from it."""

    def cancel(self, job_id: str) -> None:
        """Stop it and everything it started; a run that has ended stays as it is."""

    def ids(self) -> list[str]:
        """All runs known here, the newest first."""

    def forget(self, job_id: str) -> None:
        """Delete what is kept of it; raises RunNotFoundError, and RunError while it is live."""
