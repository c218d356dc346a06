"""Runs on this machine: one folder each, under a small supervisor that outlives the notebook."""

from __future__ import annotations

import re
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hfft_widgets import folders
from hfft_widgets.errors import LaunchError, RunError, RunNotFoundError
from hfft_widgets.jobs import checks, processes, rundir, supervisor
from hfft_widgets.jobs.base import JobStatus, Submission
from hfft_widgets.jobs.lock import one_at_a_time
from hfft_widgets.jobs.verdict import judge

if TYPE_CHECKING:
    from hfft_widgets.core.run.journal import Journal

READ_BYTES = 4 * 2**20  # one read of a log
_ID = re.compile(r"\d{8}-\d{6}-[0-9a-f]{8}")


class LocalBackend:
    """Runs scripts on this machine.

    A run is a folder below `folders.data("runs")`, named by its id: submission.json, script.py, log, state.json,
    heartbeat, output. Every look reads the folder, so any process sees the same.

    Args:
        grace_seconds: Time between asking a script to stop and killing it.
    """

    name = "local"
    near = True

    def __init__(self, grace_seconds: float = supervisor.GRACE_SECONDS) -> None:
        self.grace_seconds = grace_seconds

    # ---- Starting ----

    def submit(self, submission: Submission) -> str:
        """Start the script in its own process group, detached; returns the run's id once the script runs.

        Raises:
            MissingExtraError: A module that the script imports is not installed.
            LaunchError: Too little disk, no permission, or the same plan is live here already.
        """
        what = "Exporting" if submission.kind == "export" else "Training"
        checks.check_modules(submission.modules, f"{what} on this machine")
        root = folders.data("runs")
        try:
            checks.check_disk(submission.disk_bytes, root)
            root.mkdir(mode=0o700, parents=True, exist_ok=True)  # logs may quote private data
            # held until the script runs: a second launch sees either nothing or a live run
            with one_at_a_time(root / ".lock"):
                rundir.clear_leftovers(root)
                self._refuse_twin(submission.fingerprint)
                folder = rundir.write(root, submission)
                rundir.start(folder, submission.environment)
        except OSError as error:
            raise checks.refused(error, root) from error
        return folder.name

    def _refuse_twin(self, fingerprint: str) -> None:
        for job_id in self.ids():
            folder, values = self._existing(job_id)
            over = (rundir.state(folder) or {}).get("finished") is not None
            if values["fingerprint"] == fingerprint and not over and not self.status(job_id).stage.final:
                raise LaunchError(
                    f"This plan is already running here, as local:{job_id}.",
                    why="Two runs of the same plan would do the same work twice.",
                    remedy=f'Watch it with hfft.attach("local:{job_id}"), cancel it first, or change the plan.',
                )

    # ---- Looking ----

    def status(self, job_id: str) -> JobStatus:
        """The state now; raises RunNotFoundError."""
        folder, values = self._existing(job_id)
        state = rundir.state(folder)
        facts = rundir.facts(folder, values, state)
        if state and state.get("finished") is None and not (facts.script_lives or facts.watcher_lives):
            # it may have ended, and its supervisor may have said so, between the two looks
            state = rundir.state(folder)
            facts = rundir.facts(folder, values, state)
        stage, message = judge(facts)
        state = state or {}
        return JobStatus(
            stage=stage,
            created=facts.created,
            started=state.get("started"),
            finished=state.get("finished") or (facts.last_seen if stage.final else None),
            exit_code=state.get("exit_code"),
            message=message,
            heartbeat=facts.now if facts.script_lives and not stage.final else facts.last_seen,
            output=str(folder / supervisor.OUTPUT),
        )

    def submission(self, job_id: str) -> Submission:
        """What was submitted, without the environment; raises RunNotFoundError."""
        return rundir.submission(*self._existing(job_id))

    def read(self, job_id: str, position: int) -> bytes:
        """The output's bytes from `position` on, at most 4 MiB; b"" if there is nothing new."""
        try:
            with (self._existing(job_id)[0] / supervisor.LOG).open("rb") as log:
                log.seek(position)
                return log.read(READ_BYTES)
        except FileNotFoundError:
            return b""

    def peek(self, job_id: str) -> bytes:  # noqa: ARG002 -- the protocol's
        """Nothing: what is on this disk is read at once."""
        return b""

    def use(self, job_id: str) -> None:
        """Not known."""

    def pushed(self, job_id: str) -> None:
        """Not known."""

    def created(self, job_id: str) -> float:
        """Unix time of the launch, to the second and a part of it, from the id."""
        moment = datetime.strptime(job_id[:15], "%Y%m%d-%H%M%S").replace(tzinfo=UTC)
        return moment.timestamp() + int(job_id[16:20], 16) / 65536

    def conclude(self, job_id: str, journal: Journal) -> None:
        """Nothing to learn: this machine costs nothing."""

    def ids(self) -> list[str]:
        """All runs known here, the newest first; damaged folders are left out."""
        return [job_id for job_id in _names() if rundir.kept(_folder(job_id))]

    def damaged(self) -> list[str]:
        """The ids of folders that cannot be read as a run; `forget` removes them."""
        return [job_id for job_id in _names() if not rundir.kept(_folder(job_id))]

    def disk_bytes(self, job_id: str | None = None) -> int:
        """What one run, or all runs together, hold on disk; raises RunNotFoundError."""
        return rundir.size_bytes(folders.data("runs") if job_id is None else self._existing(job_id)[0])

    # ---- Ending ----

    def cancel(self, job_id: str) -> None:
        """Ask it to stop; after the grace period it is killed, with everything it started.

        Returns at once where the supervisor lives. A script that has lost its own is ended from here, which may take
        the grace period. A run that has ended stays as it is; asking again changes nothing.

        Raises:
            RunNotFoundError: There is no such run.
            RunError: The request cannot be written.
        """
        folder, _ = self._existing(job_id)
        if self.status(job_id).stage.final:
            return
        try:
            supervisor.write_json(folder / supervisor.CANCEL, {"grace_seconds": self.grace_seconds})
        except OSError as error:
            raise RunError(
                f"The run local:{job_id} could not be asked to stop.",
                why=f"The system said: {error.strerror or error}.",
                remedy="Free some disk and cancel again.",
            ) from error
        state = rundir.state(folder) or {}
        script = state.get("script") or {}
        lost = processes.here(state.get("place") or {}) and not processes.alive(state.get("supervisor"))
        if lost and processes.alive(script):
            processes.end_tree(int(script["pid"]), self.grace_seconds)

    def forget(self, job_id: str) -> None:
        """Delete the folder of a run, its output too; of a damaged one as well.

        Raises:
            RunNotFoundError: There is no such run.
            RunError: It is live, or the system refuses.
        """
        folder = _folder(job_id)
        if job_id not in self.damaged() and not self.status(job_id).stage.final:
            raise RunError(f"The run local:{job_id} is live.", remedy="Cancel it first: run.cancel().")
        try:
            # moved first, so that nobody finds a run with half of its files
            hidden = folder.with_name(f".gone-{job_id}")
            folder.replace(hidden)
            shutil.rmtree(hidden, ignore_errors=True)  # what stays is removed at the next start
        except OSError as error:
            raise RunError(
                f"The run local:{job_id} could not be deleted.",
                why=f"The system said: {error.strerror or error}.",
                remedy=f"Close what uses its files and delete {folder} by hand.",
            ) from error

    def _existing(self, job_id: str) -> tuple[Path, dict[str, Any]]:
        """The folder of a run and what submission.json in it holds."""
        folder = _folder(job_id)
        values = rundir.kept(folder) if _ID.fullmatch(job_id) else None
        if values is not None:
            return folder, values
        known = self.ids()
        listed = ", ".join(f"local:{name}" for name in known[:10]) + (" and older ones" if len(known) > 10 else "")
        remedy = f"Known runs: {listed}." if known else "No run is kept here."
        if _ID.fullmatch(job_id) and folder.exists():
            what = f"The folder of the run local:{job_id} is damaged."
            why = f"Its {supervisor.SUBMISSION} or {supervisor.SCRIPT} is missing or broken, in {folder}."
            raise RunNotFoundError(what, why=why, remedy=f"hfft_widgets.jobs.index.forget removes it. {remedy}")
        raise RunNotFoundError(f"There is no run local:{job_id} here.", remedy=remedy)


def _folder(job_id: str) -> Path:
    return folders.data("runs", job_id)


def _names() -> list[str]:
    try:
        found = [entry.name for entry in folders.data("runs").iterdir() if _ID.fullmatch(entry.name)]
    except OSError:
        return []
    return sorted(found, reverse=True)
