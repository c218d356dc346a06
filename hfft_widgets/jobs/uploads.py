"""A dataset of this machine as a private one on the Hub, where a job can read it; and away again."""

from __future__ import annotations

import re
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hfft_widgets import folders
from hfft_widgets.core.plan.data_stats import lies_here
from hfft_widgets.errors import DataError, HubError, RunError
from hfft_widgets.jobs import index
from hfft_widgets.jobs.local.supervisor import read_json, write_json

if TYPE_CHECKING:
    from hfft_widgets.core.data.report import ValidationReport

_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9._-]+")


def upload(
    report: ValidationReport, to: str | None = None, *, progress: Callable[[int, int], None] | None = None
) -> ValidationReport:
    """Upload a dataset of this machine to the Hub, private, so that a job can read it.

    >>> report = upload(report, "me/talk")  # doctest: +SKIP

    Its rows go as one Parquet file, as they are: mappings and fixes stay in the script. The dataset stays on the Hub
    until `delete_upload` deletes it.

    Args:
        report: Of the dataset, from `validate`, with its mappings and fixes.
        to: The dataset repository, new or of an earlier upload; the account's own, named after the data, if not given.
        progress: Called with (bytes uploaded, all bytes); what it raises ends the upload.

    Returns:
        The same report, whose plans read the rows from the Hub: `plan_training` takes it.

    Raises:
        DataError: The dataset is on the Hub already, only a part of it is known, or it cannot be read.
        HubError: Nobody is signed in, the repository holds something else or is public, or the Hub refuses.
    """
    from hfft_widgets.hub import repos
    from hfft_widgets.hub.account import account
    from hfft_widgets.sources.rows import copy_to_parquet

    if report.reference is None or not lies_here(report.reference):
        raise DataError(f"{report.name} is not a dataset of this machine.", remedy="A job reads it by its Hub id.")
    who = account()
    repo_id = to or f"{who.name}/{upload_name(report)}"
    repos.check_uploadable(who.token, repo_id)  # before the rows are copied
    with tempfile.TemporaryDirectory(prefix="hfft-upload-") as folder:
        file = Path(folder, "rows.parquet")
        copy_to_parquet(report.reference, file)
        _remember(repo_id)
        commit = repos.upload_dataset(who.token, repo_id, file, progress)
    return replace(report, reference={"path": repo_id, "name": None, "split": "train", "revision": commit})


def delete_upload(repo_id: str) -> None:
    """Delete a dataset that `upload` put on the Hub; runs that read it keep what they made.

    Args:
        repo_id: The dataset repository.

    Raises:
        RunError: A run that reads it has not ended, as far as it can be seen.
        HubError: It was not uploaded by this package, or the Hub refuses.
    """
    from hfft_widgets.hub import repos
    from hfft_widgets.hub.account import account

    if readers := [run.id for run in index.runs() if _may_read(run, repo_id)]:
        raise RunError(
            f"The dataset {repo_id} is read by {', '.join(readers)}.",
            why="A job loads its data after it has started.",
            remedy="Wait for its end, or cancel it first.",
        )
    repos.delete_upload(account().token, repo_id)
    _path(repo_id).unlink(missing_ok=True)


def uploaded_for(plan: Mapping[str, Any]) -> str | None:
    """The dataset that was uploaded from this machine for a plan (its JSON values), and is not deleted; else None."""
    repo_id = str(((plan.get("data") or {}).get("reference") or {}).get("path") or "")
    known = read_json(_path(repo_id)) if repo_id else None
    return repo_id if known and known.get("repo") == repo_id else None


def upload_name(report: ValidationReport) -> str:
    """What a repository for a dataset is called, without its owner: its own name, and that it is a copy."""
    stem = report.name.removeprefix("sample:").partition(".")[0]
    return f"{_NOT_IN_NAMES.sub('-', stem).strip('-.')[:60] or 'rows'}-for-jobs"


def _may_read(run: Any, repo_id: str) -> bool:
    """Whether a run reads it and may need it yet; of one that cannot be looked at now nobody knows."""
    try:
        if ((run.plan.get("data") or {}).get("reference") or {}).get("path") != repo_id:
            return False
    except (HubError, RunError):  # what it reads is not known here: it was not started from here
        return False
    try:
        return not run.stage.final
    except (HubError, RunError):
        return True


def _path(repo_id: str) -> Path:
    return folders.data("uploads", _NOT_IN_NAMES.sub("--", repo_id) + ".json")


def _remember(repo_id: str) -> None:
    """Written before anything is sent: what may be there can be deleted later."""
    path = _path(repo_id)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_json(path, {"repo": repo_id, "time": time.time()})
