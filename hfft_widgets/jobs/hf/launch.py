"""What is looked at before a job is started; and starting it once, whatever network, clicks or a crash do meanwhile.

Starting a job cannot be repeated safely: the Hub starts, and bills, one more each time. So a launch is written down
before it is asked for; an answer that does not come is replaced by looking for the run's own id among the labels; and
where that finds nothing, nobody tries again: the run is shown as unconfirmed.

What is trained has a fingerprint, and each launch of it an attempt number: of one fingerprint at most one attempt is
live, whatever became of its price, its time limit or its script's form meanwhile.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from hfft_widgets.errors import HubError, LaunchError
from hfft_widgets.hub import preflight as hub_checks
from hfft_widgets.hub import repos
from hfft_widgets.hub.account import Account, forget_accounts
from hfft_widgets.hub.jobs_api import IMAGE, JobFacts, JobRequest, JobsApi, label
from hfft_widgets.hub.outcomes import HubRefusedError, HubUnsureError
from hfft_widgets.hub.preflight import Check
from hfft_widgets.jobs.base import Submission
from hfft_widgets.jobs.hf import records
from hfft_widgets.jobs.hf.cost_limit import CostLimit, ceiling, check_allowed
from hfft_widgets.jobs.hf.job_info import ATTEMPT_LABEL, attempt_of
from hfft_widgets.jobs.hf.poller import LABELS
from hfft_widgets.jobs.hf.records import UNCONFIRMED
from hfft_widgets.jobs.lock import one_at_a_time
from hfft_widgets.jobs.money.guards import ON_JOBS, runs_code
from hfft_widgets.scripts.machine.threads import PASSIVE

LOOKS = (0.0, 1.0, 2.0, 4.0)  # seconds before each look for a job whose start was not answered
SETTLED_SECONDS = 900.0  # a request that has had no effect by then will have none


def preflight(api: JobsApi, who: Account, submission: Submission) -> tuple[CostLimit, tuple[Check, ...]]:
    """The most it can cost, and every check; nothing is changed.

    Raises:
        LaunchError: The flavor is not known.
        HubError: The Hub cannot be reached.
    """
    limit = ceiling(submission)
    target = submission.target
    namespace = target.namespace or who.name
    checks = tuple(
        hub_checks.preflight(who, namespace, push_to=target.push_to, models=target.models, datasets=target.datasets)
    )
    if any(check.passed is False for check in checks):
        forget_accounts()  # the person may give the token more rights now
    price = _check("Price", f"It costs {limit}.", lambda: check_allowed(limit, submission))
    live = partial(next_attempt, api, submission.fingerprint, namespace)
    code = (Check("Code of the model", passed=None, message=ON_JOBS),) if runs_code(submission.plan) else ()
    return limit, (*checks, *code, price, _check("Not running yet", "No run of this plan is live.", live))


def launch(api: JobsApi, who: Account, submission: Submission) -> str:
    """Look, then start the job once; returns `namespace/job`.

    Raises:
        LaunchError: Nothing was started.
        HubError: The Hub cannot be reached; nothing was started.
    """
    limit, checks = preflight(api, who, submission)
    check_allowed(limit, submission)  # the price may have been asked anew
    failed = next((check for check in checks if check.passed is False), None)
    if failed is not None:
        raise LaunchError(f"{failed.name}: {failed.message}", remedy=failed.remedy)
    target = submission.target
    if target.push_to:  # made now, so that a right that is missing shows before it costs
        repos.create_model_repo(who.token, target.push_to)
    namespace = target.namespace or who.name
    try:
        return f"{namespace}/{start(api, submission, namespace, limit)}"
    except OSError as error:
        raise LaunchError(
            "The launch could not be written down on this machine, so it was not made.",
            why=f"The system said: {error.strerror or error}.",
            remedy="Free some disk, or set HFFT_HOME to a folder that can be written.",
        ) from error


def _check(name: str, found: str, look: Callable[[], object]) -> Check:
    try:
        look()
    except LaunchError as error:
        return Check(name, passed=False, message=f"{error.what} {error.why}".strip(), remedy=error.remedy)
    return Check(name, passed=True, message=found)


def request_of(submission: Submission, namespace: str, limit: CostLimit, run: str) -> JobRequest:
    """The job of a submission."""
    model = str(submission.plan.get("model") or "")
    return JobRequest(
        namespace=namespace,
        script=submission.script,
        flavor=limit.flavor,
        image=str(submission.plan.get("image") or IMAGE),
        timeout_seconds=limit.seconds,
        gpus=limit.gpus,
        name=label(f"hfft-{submission.kind}-{model.rsplit('/', 1)[-1]}"[:80]),
        labels={
            **LABELS,
            "hfft_run": run,
            "hfft_plan": label(submission.fingerprint),
            ATTEMPT_LABEL: str(submission.attempt),
            "hfft_kind": label(submission.kind),
            **({"hfft_model": label(model)} if model else {}),
        },
        # a driver that does not fit would otherwise let it train on the processor, at the price of a GPU
        environment={
            **PASSIVE,
            "HFFT_WORD": run[:8],
            **({"HFFT_NEEDS_GPU": "1"} if limit.gpus else {}),
            **({"HFFT_STALL_SECONDS": f"{submission.stall_seconds:g}"} if submission.stall_seconds else {}),
            **submission.environment,
        },
    )


def start(api: JobsApi, submission: Submission, namespace: str, limit: CostLimit) -> str:
    """Start the job of a submission; returns its id, or `unconfirmed-` and the run's own id.

    Raises:
        LaunchError: Nothing was started: the Hub refused, or the plan is live or unconfirmed already.
    """
    folder = records.root()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with one_at_a_time(folder / ".lock"):
        submission = replace(submission, attempt=next_attempt(api, submission.fingerprint, namespace))
        launch = records.begin(
            submission,
            namespace,
            flavor=limit.flavor,
            gpus=limit.gpus,
            usd_per_hour=limit.usd_per_hour,
            ceiling_usd=limit.usd,
            push_to=submission.target.push_to,
        )
        try:
            facts: JobFacts | None = api.submit(request_of(submission, namespace, limit, launch["run"]))
        except HubUnsureError:
            facts = find(api, launch, LOOKS)
        except HubRefusedError as error:
            records.withdraw(launch)
            raise LaunchError(error.what, why=error.why, remedy=error.remedy) from None
        # any other exception (an interrupt, say) leaves the launch written down: it may have taken effect
        if facts is None:
            return UNCONFIRMED + str(launch["run"])
        records.started(launch, facts.id)
        return facts.id


def find(api: JobsApi, launch: Mapping[str, Any], looks: tuple[float, ...] = (0.0,)) -> JobFacts | None:
    """The job of a launch, looked for by the run's own id; None if no look found it.

    Raises:
        HubError: The last look was not answered. After several looks that is no error: nothing is known either.
    """
    for pause in looks:
        time.sleep(pause)
        try:
            found = api.labelled(launch["namespace"], {"hfft_run": launch["run"]})
        except HubError:
            if len(looks) == 1:
                raise
            continue
        if found:
            return found[-1]  # the oldest
    return None


def settle(api: JobsApi, launch: Mapping[str, Any]) -> str | None:
    """Look for an unconfirmed launch once; returns its job id, or None while nobody knows.

    Raises:
        HubError: The Hub did not answer.
    """
    found = find(api, launch)
    if found is not None:
        records.started(launch, found.id)
        return found.id
    if time.time() - float(launch["created"]) > SETTLED_SECONDS:
        records.absent(launch)
    return None


def next_attempt(api: JobsApi, fingerprint: str, namespace: str) -> int:
    """Which launch of a fingerprint the next one is, from 1.

    Raises:
        LaunchError: One is live, from this or another machine, or may be, or nobody can tell.
    """
    launches = [
        launch
        for launch in records.launches()
        if launch.get("fingerprint") == fingerprint and launch["namespace"] == namespace
    ]
    try:
        for launch in launches:
            _refuse_launch(api, launch)
        jobs = api.labelled(namespace, {"hfft_plan": label(fingerprint)})
    except HubError as error:
        raise LaunchError(
            "Nobody can say whether this plan is running already.", why=error.why, remedy=error.remedy
        ) from None
    for job in jobs:
        if not job.final:  # also in a stage that is not known here
            raise _already_running(namespace, job.id)
    return 1 + max([0, *map(records.attempt, launches), *map(attempt_of, jobs)])


def _refuse_launch(api: JobsApi, launch: Mapping[str, Any]) -> None:
    namespace, job_id = launch["namespace"], launch.get("job_id")
    if launch["state"] == records.POSTING:
        job_id = settle(api, launch)
        if job_id is None and (records.launch(launch["run"]) or launch)["state"] == records.POSTING:
            raise LaunchError(
                f"The last launch of this plan is unconfirmed, as jobs:{namespace}/{UNCONFIRMED}{launch['run']}.",
                why="The Hub did not answer it, and shows no such job yet; a second launch could cost twice.",
                remedy="Check it again in a few minutes, or look at https://huggingface.co/settings/jobs.",
            )
    if job_id and not (records.run(namespace, job_id) or {}).get("ended") and _lives(api, namespace, job_id):
        raise _already_running(namespace, job_id)


def _lives(api: JobsApi, namespace: str, job_id: str) -> bool:
    try:
        return not api.inspect(namespace, job_id).final
    except HubRefusedError as error:
        if error.status == 404:
            return False
        raise


def _already_running(namespace: str, job_id: str) -> LaunchError:
    run_id = f"jobs:{namespace}/{job_id}"
    return LaunchError(
        f"This plan is already running, as {run_id}.",
        why="Two runs of the same plan would cost twice.",
        remedy=f'Watch it with hfft.attach("{run_id}"), cancel it first, or change the plan.',
    )
