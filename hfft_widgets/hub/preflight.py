"""What is looked at before money is spent: each check says what was found and what to do about it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hfft_widgets.errors import HubError
from hfft_widgets.hub import repos
from hfft_widgets.hub.outcomes import HubRefusedError

if TYPE_CHECKING:
    from hfft_widgets.hub.account import Account


@dataclass(frozen=True)
class Check:
    """One thing that was looked at.

    Attributes:
        name: In two or three words.
        passed: True or False; None: it cannot be known before the launch.
        message: What was found.
        remedy: What to do, "" if nothing.
    """

    name: str
    passed: bool | None
    message: str
    remedy: str = ""


def preflight(
    account: Account, namespace: str, *, push_to: str | None = None, models: tuple[str, ...] = (),
    datasets: tuple[str, ...] = (),
) -> Iterator[Check]:  # fmt: skip
    """Look at everything the Hub can tell before a launch.

    Args:
        account: Who launches.
        namespace: Who pays.
        push_to: Repository that the job writes to, or None.
        models: Hub ids that the job reads.
        datasets: Hub ids of data sets that the job reads.
    """
    yield Check("Account", True, f"{str(account)[0].upper()}{str(account)[1:]}.")
    yield _namespace(account, namespace)
    yield _credits(account, namespace)
    if push_to is not None:
        yield _target(account, push_to)
    for kind, names in (("model", models), ("dataset", datasets)):
        for name in names:
            yield _readable(account, kind, name)


def _namespace(account: Account, namespace: str) -> Check:
    if namespace not in account.namespaces:
        allowed = ", ".join(account.namespaces)
        return Check(
            "Namespace", False, f"{account.name} does not belong to {namespace!r}.", f"Choose one of {allowed}."
        )
    may = account.can_run_jobs(namespace)
    if may is False:
        remedy = "Make a token that may: https://huggingface.co/settings/tokens."
        return Check("Namespace", False, f"This token cannot run jobs in {namespace}.", remedy)
    return Check("Namespace", may, f"This token can run jobs in {namespace}." if may else "Its rights are not known.")


def _credits(account: Account, namespace: str) -> Check:
    if account.pays.get(namespace):
        return Check("Credits", True, f"{namespace} can pay; how many credits are left is not known.")
    return Check(
        "Credits",
        None,
        "How many credits are left is not known; without enough, the launch is refused and costs nothing.",
        "See https://huggingface.co/settings/billing.",
    )


def _target(account: Account, push_to: str) -> Check:
    may = repos.can_write(account, push_to)
    if may is False:
        remedy = f"Choose a name that starts with one of {', '.join(account.namespaces)}, and a token that can write."
        return Check("Result", False, f"This token cannot write to {push_to}.", remedy)
    try:
        there = repos.pushed(account.token, push_to)
    except HubError as error:
        return _failed("Result", error)
    if there and not there.private:
        message = f"The model goes to {push_to}, which exists and is public: everybody can see and download it."
        return Check("Result", None, message, "For a private one choose a new name, or make this one private.")
    known = "It exists, private; the run adds to it." if there else "It will be made, private."
    return Check("Result", may, f"The model goes to {push_to}. {known}")


def _readable(account: Account, kind: str, name: str) -> Check:
    title = "Model" if kind == "model" else "Dataset"
    try:
        repos.readable(account.token, kind, name)
    except HubError as error:
        return _failed(title, error)
    return Check(title, True, f"The job can read {name}.")


def _failed(title: str, error: HubError) -> Check:
    refused = isinstance(error, HubRefusedError) and error.status
    message = " ".join(part for part in (error.what, error.why) if part)
    return Check(title, False if refused else None, message, error.remedy)
