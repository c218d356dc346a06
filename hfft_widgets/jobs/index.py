"""All runs, wherever they run, by one kind of id: `local:...`, `jobs:namespace/...`, `replay:...`."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterable, Iterator
from functools import cache, partial
from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from hfft_widgets.core.plan.hardware import host_of
from hfft_widgets.errors import HfftError, HubError, LaunchError, RunError, RunNotFoundError
from hfft_widgets.jobs import money
from hfft_widgets.jobs.base import Backend, Submission
from hfft_widgets.jobs.money import guards, ledger
from hfft_widgets.jobs.run import Run

if TYPE_CHECKING:
    import pandas as pd

    from hfft_widgets.hub.preflight import Check
    from hfft_widgets.jobs.hf.cost_limit import CostLimit
    from hfft_widgets.jobs.money import Allowance

HOSTS = {
    "local": "hfft_widgets.jobs.local.backend:LocalBackend",
    "jobs": "hfft_widgets.jobs.hf.backend:JobsBackend",
    "replay": "hfft_widgets.jobs.replay.backend:ReplayBackend",
}
"""Name of a host, which begins the ids of its runs, to its backend, loaded when it is needed."""


_PAUSES = (0.1, 0.3, 0.6)


@runtime_checkable
class PaidBackend(Backend, Protocol):
    """A backend whose runs cost money."""

    def preflight(self, submission: Submission) -> tuple[CostLimit, tuple[Check, ...]]:
        """The most it can cost, and all that can be looked at before; raises LaunchError and HubError."""

    def ceiling(self, submission: Submission) -> CostLimit:
        """The most it can cost; raises LaunchError."""

    def allowed_ceiling(self, submission: Submission) -> CostLimit:
        """The same, where the submission allows it; raises LaunchError."""


@cache
def backend(host: str) -> Backend:
    """The backend of that host.

    Raises:
        LaunchError: There is no such host.
    """
    if host not in HOSTS:
        raise LaunchError(f"There is no host called {host!r}.", remedy=f"Choose one of: {', '.join(HOSTS)}.")
    module, _, name = HOSTS[host].partition(":")
    made: Backend = getattr(import_module(module), name)()
    return made


def backend_for(flavor: str, on: str | None = None) -> Backend:
    """The backend that runs a flavor.

    Args:
        flavor: The plan's.
        on: What was asked for besides; it may only repeat it.

    Raises:
        LaunchError: It contradicts, or there is no such host.
    """
    found = backend(host_of(flavor))
    other = found if on is None else backend(on)
    if other is found:
        return found
    raise LaunchError(
        f"The plan is for {flavor} ({found.title}), but on={on!r} is {other.title}.",
        why="Its batch size, time and price are those of its flavor.",
        remedy=f"Leave on= away, or plan it with {'flavor=' + repr(on) if other.is_local else 'one of its flavors'}.",
    )


def paid_backend(host: Backend) -> PaidBackend | None:
    """The host, if what it runs costs; None: it is free. Raises LaunchError: it costs, and does not say how much."""
    if not host.is_paid:
        return None
    if not isinstance(host, PaidBackend):
        raise LaunchError(f"{host.title} does not say what a run costs.", remedy="Nothing is started without a price.")
    return host


def launch(submission: Submission, *, allowance: Allowance | None = None, attempt: int | None = None) -> Run:
    """Start a script where its flavor says, and return its run, which goes on whatever becomes of this process.

    Whoever launches, what can cost is allowed here, and written into the ledger before it is made.

    Args:
        submission: What to run.
        allowance: What a person allowed before; what the environment says of a person's own launches if not given.
        attempt: Which launch of its fingerprint this is, from 1: asked for again, the same run comes back. None: the
            next one.

    Raises:
        LaunchError: Nothing was started: an unknown host, too little disk, no permission, no price allowed, or the
            plan is live already.
        MissingExtraError: A module that the script imports is not installed.
    """
    return launch_once(submission, allowance or money.from_environment(), attempt)[0]


def launch_once(submission: Submission, allowance: Allowance, attempt: int | None) -> tuple[Run, bool]:
    """The same, and whether it was started now: of an attempt that was made before, its run comes back."""
    host = backend_for(submission.flavor)
    with ledger.one_launch(host.name):
        if attempt is not None and (known := attempted(submission, attempt)):
            return known, False
        entry = _entered(host, submission, allowance, attempt)
        try:
            run = Run(host, host.submit(submission))
        except HfftError as error:
            ledger.refused(entry, str(error))
            raise
        ledger.started(entry, run.id, run.attempt)
        return run, True


def _entered(host: Backend, submission: Submission, allowance: Allowance, attempt: int | None) -> ledger.Entry:
    """The launch in the ledger, allowed; what is not allowed stands there as well."""
    entered = partial(
        ledger.begin, title=submission.title, fingerprint=submission.fingerprint, flavor=submission.flavor,
        stall_seconds=submission.stall_seconds,
    )  # fmt: skip
    usd = 0.0
    try:
        allowance.check_changes("started")
        paid = paid_backend(host)
        guards.check_reward(submission) if paid else guards.check_held(submission)
        if not allowance.has_yes(submission.fingerprint, attempt):
            guards.check_destination(submission)
        usd = paid.allowed_ceiling(submission).usd if paid else 0.0
        who = money.allowed_by(allowance, submission.fingerprint, attempt, usd)
    except HfftError as error:
        ledger.refused(entered(ceiling_usd=usd), str(error))
        raise
    return entered(ceiling_usd=usd, allowed_by=who)


def attempted(submission: Submission, attempt: int) -> Run | None:
    """The run of an attempt; None if it is the next one, from 1.

    Raises:
        LaunchError: It is neither: the next one must be made before it, or the run was deleted.
    """
    host = backend_for(submission.flavor)
    attempts = dict(_attempts(host, submission.fingerprint))
    following = max(attempts, default=0) + 1
    if attempt in attempts:
        return Run(host, attempts[attempt])
    if attempt == following:
        return None
    raise LaunchError(
        f"There is no attempt {attempt} of {submission.fingerprint}.",
        why=f"It was started {following - 1} times." if attempts else "It was never started, or its run was deleted.",
        remedy=f"The next one is attempt {following}.",
    )


def _attempts(host: Backend, fingerprint: str) -> Iterator[tuple[int, str]]:
    for job_id in reversed(host.ids()):
        with contextlib.suppress(HubError, RunNotFoundError):  # deleted meanwhile, or never seen
            kept = host.submission(job_id)
            if kept.fingerprint == fingerprint:
                yield kept.attempt, job_id


def runs(*, on: str | None = None, damaged: bool = False) -> list[Run]:
    """Every run that is known, the newest first.

    Args:
        on: A host's name: only its runs, and only it is asked.
        damaged: Those that cannot be read instead: all that can be done with them is `run.delete()`.

    Raises:
        LaunchError: There is no such host.
    """
    hosts = map(backend, HOSTS if on is None else [on])
    found = [(host, job_id) for host in hosts for job_id in (host.damaged() if damaged else host.ids())]
    found.sort(key=lambda item: item[0].created(item[1]), reverse=True)
    return [Run(host, job_id) for host, job_id in found]


def attach(run_id: str) -> Run:
    """The run with that id, from this or another process, now or long ago.

    Raises:
        RunNotFoundError: There is none; the message lists those known.
        RunError: It cannot be read.
        HubError: It was never seen here, and the Hub does not answer.
    """
    name, colon, job_id = run_id.partition(":")
    if not colon or name not in HOSTS:
        known = [run.id for run in runs()][:10]
        raise RunNotFoundError(
            f"{run_id!r} is not the id of a run.",
            why="It is local:20261122-135301-8000a1b2 on this machine, jobs:namespace/job on Hugging Face Jobs, "
            "replay:name of a recording.",
            remedy=f"Known runs: {', '.join(known)}." if known else "No run is kept here.",
        )
    host = backend(name)
    for pause in (*_PAUSES, None):
        try:
            host.submission(job_id)  # raises here rather than at the first look
            break
        except OSError as error:  # of a disk that is busy for a moment
            if pause is None:
                raise RunError(
                    f"The run {run_id} cannot be read now.",
                    why=f"The system said: {error.strerror or error}.",
                    remedy="Look whether its disk is there, then attach again.",
                ) from error
            time.sleep(pause)
    return Run(host, job_id)


# ---- Many runs as a table --------------------------------------------------------------------------


def runs_frame(of: Iterable[Run] | None = None) -> pd.DataFrame:
    """Runs as a pandas table, a row each, the newest first: `hfft.runs_frame().to_csv("runs.csv")`.

    Args:
        of: These runs; None: all that are known, see `hfft.runs`.

    Returns:
        What each is (id, title, kind, method, model, data), how it stands, what it came to (verdict, last values of its
        curves), what it cost, and its settings, whose names begin with "settings.". Runs that cannot be read now have
        their id alone.
    """
    pandas = import_module("pandas")  # which `datasets` brings; by name: importing it takes a while
    return pandas.DataFrame([_row(run) for run in (runs() if of is None else of)])


def _row(run: Run) -> dict[str, Any]:
    try:
        values, plan = run.to_dict(), run.plan
    except (HubError, RunError, OSError):
        return {"id": run.id}
    verdict, best = values["verdict"], values["best"]
    return {
        "id": run.id, "title": values["title"], "kind": run.kind, "stage": str(values["stage"]),
        "verdict": verdict["outcome"] if verdict else None, "method": plan.get("method"), "model": plan.get("model"),
        "data": (plan.get("data") or {}).get("name"), "peft": plan.get("peft"), "flavor": plan.get("flavor"),
        "started": values["since"], "seconds": values["seconds"], "step": values["step"],
        "total_steps": values["total_steps"], "cost_usd": values["cost_usd"],
        "best_step": best["step"] if best else None, "best": best["value"] if best else None,
        **{name: float(ends[-1]) for name, ends in values["metrics"].items() if ends},
        **{f"settings.{name}": value for name, value in (plan.get("settings") or {}).items()},
    }  # fmt: skip
