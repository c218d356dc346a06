"""What is looked at before a run on Hugging Face Jobs, and its launch."""

from __future__ import annotations

from hfft_widgets.errors import LaunchError
from hfft_widgets.hub import repos
from hfft_widgets.hub.account import Account, forget_accounts
from hfft_widgets.hub.jobs_api import JobsApi
from hfft_widgets.hub.preflight import Check, preflight
from hfft_widgets.jobs import launching
from hfft_widgets.jobs.base import Submission
from hfft_widgets.jobs.ceiling import Ceiling, ceiling, check_allowed


def look(api: JobsApi, who: Account, submission: Submission) -> tuple[Ceiling, tuple[Check, ...]]:
    """The most it can cost, and every check; nothing is changed.

    Raises:
        LaunchError: The flavor is not known.
        HubError: The Hub cannot be reached.
    """
    limit = ceiling(submission)
    paid = submission.paid
    assert paid is not None  # or there were no ceiling
    namespace = paid.namespace or who.name
    checks = tuple(preflight(who, namespace, push_to=paid.push_to, models=paid.models, datasets=paid.datasets))
    if any(check.passed is False for check in checks):
        forget_accounts()  # the person may give the token more rights now
    return limit, (*checks, _price(limit, submission), _twin(api, submission, namespace))


def launch(api: JobsApi, who: Account, submission: Submission) -> str:
    """Look, then start the job once; returns `namespace/job`.

    Raises:
        LaunchError: Nothing was started.
        HubError: The Hub cannot be reached; nothing was started.
    """
    limit, checks = look(api, who, submission)
    check_allowed(limit, submission)  # the price may have been asked anew
    failed = next((check for check in checks if check.passed is False), None)
    if failed is not None:
        raise LaunchError(f"{failed.name}: {failed.message}", remedy=failed.remedy)
    paid = submission.paid
    if paid and paid.push_to:  # made now, so that a right that is missing shows before it costs
        repos.create_model_repo(who.token, paid.push_to)
    namespace = (paid.namespace if paid else "") or who.name
    try:
        return f"{namespace}/{launching.start(api, submission, namespace, limit)}"
    except OSError as error:
        raise LaunchError(
            "The launch could not be written down on this machine, so it was not made.",
            why=f"The system said: {error.strerror or error}.",
            remedy="Free some disk, or set HFFT_HOME to a folder that can be written.",
        ) from error


def _price(limit: Ceiling, submission: Submission) -> Check:
    try:
        check_allowed(limit, submission)
    except LaunchError as error:
        message = " ".join(filter(None, (error.what, error.why)))
        return Check("Price", passed=False, message=message, remedy=error.remedy)
    return Check("Price", passed=True, message=f"It costs {limit}.")


def _twin(api: JobsApi, submission: Submission, namespace: str) -> Check:
    try:
        launching.refuse_twin(api, submission.fingerprint, namespace)
    except LaunchError as error:
        return Check("Not running yet", passed=False, message=f"{error.what} {error.why}", remedy=error.remedy)
    return Check("Not running yet", passed=True, message="No run of this plan is live.")
