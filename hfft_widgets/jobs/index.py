"""All runs, wherever they run, by one kind of id: `local:...`, `jobs:namespace/...`."""

from __future__ import annotations

from functools import cache

from hfft_widgets.errors import LaunchError, RunNotFoundError
from hfft_widgets.jobs.base import Backend, Submission
from hfft_widgets.jobs.local import LocalBackend
from hfft_widgets.jobs.run import Run

PLACES = ("local", "jobs")


@cache
def backend(name: str) -> Backend:
    """The place of that name.

    Raises:
        LaunchError: There is no such place.
    """
    if name == "local":
        return LocalBackend()
    if name == "jobs":
        from hfft_widgets.jobs.remote import JobsBackend

        return JobsBackend()
    raise LaunchError(
        f"There is no place called {name!r} to run a script.", remedy=f"Choose one of: {', '.join(PLACES)}."
    )


def launch(submission: Submission, on: str = "local") -> Run:
    """Start a script and return its run, which goes on whatever becomes of this process.

    Raises:
        LaunchError: Nothing was started: an unknown place, too little disk, no permission, no price allowed, or the
            plan is live already.
        MissingExtraError: A module that the script imports is not installed.
    """
    place = backend(on)
    return Run(place, place.submit(submission))


def runs() -> list[Run]:
    """Every run that is known, the newest first. Folders that cannot be read as a run are left out: see `damaged`."""
    found = [(place, job_id) for place in map(backend, PLACES) for job_id in place.ids()]
    found.sort(key=lambda item: item[0].created(item[1]), reverse=True)
    return [Run(place, job_id) for place, job_id in found]


def damaged() -> list[str]:
    """The ids of local runs whose folder cannot be read; `forget` removes them."""
    return [f"local:{job_id}" for job_id in LocalBackend().damaged()]


def attach(run_id: str) -> Run:
    """The run with that id, from this or another process, now or long ago.

    Raises:
        RunNotFoundError: There is none; the message lists those known.
    """
    place, job_id = _find(run_id)
    place.submission(job_id)  # raises here rather than at the first look
    return Run(place, job_id)


def forget(run_id: str) -> None:
    """Delete what is kept of a run, its output too.

    Raises:
        RunNotFoundError: There is no such run.
        RunError: It is live.
    """
    place, job_id = _find(run_id)
    place.forget(job_id)


def disk_bytes() -> int:
    """What all runs hold on this machine's disk."""
    return LocalBackend().disk_bytes()


def _find(run_id: str) -> tuple[Backend, str]:
    name, colon, job_id = run_id.partition(":")
    if colon and name in PLACES:
        return backend(name), job_id
    known = [run.id for run in runs()][:10]
    raise RunNotFoundError(
        f"{run_id!r} is not the id of a run.",
        why="It is local:20261122-135301-8000a1b2 on this machine, jobs:namespace/job on Hugging Face Jobs.",
        remedy=f"Known runs: {', '.join(known)}." if known else "No run is kept here.",
    )
