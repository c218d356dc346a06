"""Starting a job exactly once, whatever the network, the person's clicks or a crash do meanwhile.

Starting a job cannot be repeated safely: the Hub starts, and bills, one more each time. So a launch is written down
before it is asked for; an answer that does not come is replaced by looking for the run's own id among the labels; and
where that finds nothing, nobody tries again: the run is shown as unconfirmed.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from hfft_widgets.errors import HubError, LaunchError
from hfft_widgets.hub.jobs_api import IMAGE, JobFacts, JobRequest, JobsApi, label
from hfft_widgets.hub.outcomes import HubRefusedError, HubUnsureError
from hfft_widgets.jobs import records
from hfft_widgets.jobs.base import Submission
from hfft_widgets.jobs.board import LABELS
from hfft_widgets.jobs.ceiling import Ceiling
from hfft_widgets.jobs.lock import one_at_a_time

UNCONFIRMED = "unconfirmed-"
LOOKS = (0.0, 1.0, 2.0, 4.0)  # seconds before each look for a job whose start was not answered
SETTLED_SECONDS = 900.0  # a request that has had no effect by then will have none


def request_of(submission: Submission, namespace: str, limit: Ceiling, run: str) -> JobRequest:
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
            "hfft_kind": label(submission.kind),
            **({"hfft_model": label(model)} if model else {}),
        },
        # a driver that does not fit would otherwise let it train on the processor, at the price of a GPU
        environment={**({"HFFT_NEEDS_GPU": "1"} if limit.gpus else {}), **submission.environment},
    )


def start(api: JobsApi, submission: Submission, namespace: str, limit: Ceiling) -> str:
    """Start the job of a submission; returns its id, or `unconfirmed-` and the run's own id.

    Raises:
        LaunchError: Nothing was started: the Hub refused, or the plan is live or unconfirmed already.
    """
    folder = records.root()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with one_at_a_time(folder / ".lock"):
        refuse_twin(api, submission.fingerprint, namespace)
        launch = records.begin(
            submission,
            namespace,
            flavor=limit.flavor,
            gpus=limit.gpus,
            usd_per_hour=limit.usd_per_hour,
            ceiling_usd=limit.usd,
            push_to=submission.paid.push_to if submission.paid else None,
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
        HubError: The last look was not answered. Only after several looks this is not told: nothing is known either.
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


def refuse_twin(api: JobsApi, fingerprint: str, namespace: str) -> None:
    """Refuse a plan that is live already, from this or another machine, or may be.

    Raises:
        LaunchError: It is, or nobody can tell.
    """
    try:
        for launch in records.launches():
            if launch.get("fingerprint") == fingerprint and launch["namespace"] == namespace:
                _refuse_launch(api, launch)
        found = api.labelled(namespace, {"hfft_plan": label(fingerprint)})
        live = [facts for facts in found if not facts.final]  # also in a stage that is not known here
    except HubError as error:
        raise LaunchError(
            "It cannot be told whether this plan is running already.", why=error.why, remedy=error.remedy
        ) from None
    if live:
        raise _twin(namespace, live[0].id)


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
        raise _twin(namespace, job_id)


def _lives(api: JobsApi, namespace: str, job_id: str) -> bool:
    try:
        return not api.inspect(namespace, job_id).final
    except HubRefusedError as error:
        if error.status == 404:
            return False
        raise


def _twin(namespace: str, job_id: str) -> LaunchError:
    run_id = f"jobs:{namespace}/{job_id}"
    return LaunchError(
        f"This plan is already running, as {run_id}.",
        why="Two runs of the same plan would cost twice.",
        remedy=f'Watch it with hfft.attach("{run_id}"), cancel it first, or change the plan.',
    )
