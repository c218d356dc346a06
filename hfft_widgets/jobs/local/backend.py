"""Runs on this machine: one folder each, under a small supervisor that outlives the notebook."""

from __future__ import annotations

import re
import shutil
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hfft_widgets import folders
from hfft_widgets.core.run.stage import Stage
from hfft_widgets.errors import LaunchError, RunError, RunNotFoundError
from hfft_widgets.hub.token import child_environment
from hfft_widgets.jobs.base import JobStatus, Submission
from hfft_widgets.jobs.local import log_file, preflight, processes, run_folder, supervisor, turns
from hfft_widgets.jobs.local.stage import judge
from hfft_widgets.jobs.lock import one_at_a_time

if TYPE_CHECKING:
    from hfft_widgets.core.run.journal import Journal

READ_BYTES = 4 * 2**20  # one read of a log
LEAST_FREE_BYTES = 2**20  # a disk with less is full
_ID = re.compile(r"\d{8}-\d{6}-[0-9a-f]{8}")


class LocalBackend:
    """Runs scripts on this machine.

    A run is a folder below `folders.data("runs")`, named by its id: submission.json, script.py, log, state.json,
    heartbeat, output. Every look reads the folder, so any process sees the same.

    Args:
        grace_seconds: Time between asking a script to stop and killing it.
    """

    name = "local"
    title = "this machine"
    is_local = True
    is_paid = False

    def __init__(self, grace_seconds: float = supervisor.GRACE_SECONDS) -> None:
        self.grace_seconds = grace_seconds
        self._hearts: dict[str, tuple[float, float]] = {}  # by run: its last beat, and when that was first seen

    # ---- Starting ----

    def submit(self, submission: Submission) -> str:
        """Start the script in its own process group, detached; returns the run's id once it runs, or waits its turn.

        Raises:
            MissingExtraError: A module that the script imports is not installed.
            LaunchError: Too little disk, no permission, or the same plan is live here already.
        """
        what = "Exporting" if submission.kind == "export" else "Training"
        preflight.check_modules(submission.modules, f"{what} on this machine")
        root = folders.data("runs")
        try:
            preflight.check_disk(submission.disk_bytes, root)
            preflight.check_memory(submission.memory_bytes, turns.held_bytes() if submission.memory_bytes else 0)
            root.mkdir(mode=0o700, parents=True, exist_ok=True)  # logs may quote private data
            # held until the script runs: a second launch sees either nothing or a live run
            with one_at_a_time(root / ".lock"):
                run_folder.clear_leftovers(root)
                attempt = self._next_attempt(submission.fingerprint)
                folder = run_folder.write(root, replace(submission, attempt=attempt))
                run_folder.start(folder, _environment(submission))
        except OSError as error:
            raise preflight.refused(error, root) from error
        return folder.name

    def _next_attempt(self, fingerprint: str) -> int:
        """Which launch of the fingerprint the next one is; raises LaunchError while one of them is live."""
        earlier = 0
        for job_id in self.ids():
            values = run_folder.kept(_folder(job_id)) or {}
            if values.get("fingerprint") != fingerprint:
                continue
            if self._may_live(job_id):
                does = "waiting for its turn" if (run_folder.state(_folder(job_id)) or {}).get("waiting") else "running"
                raise LaunchError(
                    f"This plan is already {does} here, as local:{job_id}.",
                    why="Two runs of the same plan would do the same work twice.",
                    remedy=f'Watch it with hfft.attach("local:{job_id}"), cancel it first, or change the plan.',
                )
            earlier = max(earlier, run_folder.attempt(values))
        return earlier + 1

    def _may_live(self, job_id: str) -> bool:
        """Whether a run lives; one whose state cannot be read now is watched for a moment."""
        try:
            if (run_folder.state(_folder(job_id)) or {}).get("finished") is not None:
                return False
            return not self.status(job_id).stage.final
        except OSError:
            before = run_folder.last_seen(_folder(job_id))
            time.sleep(2.5 * supervisor.BEAT_SECONDS)
            return run_folder.last_seen(_folder(job_id)) != before

    def checkpoint(self, job_id: str) -> int | None:
        """The step of the newest complete checkpoint, 0 for what an export had finished, or None.

        Raises:
            RunNotFoundError: There is no such run.
        """
        folder, values = self._existing(job_id)
        if values.get("kind") == "export":
            return 0 if run_folder.finished_part(folder) else None
        return max(run_folder.checkpoints(folder), default=None)

    def resume(self, job_id: str, submission: Submission | None = None) -> None:
        """Start a run that has ended again, in its own folder: its script goes on from the newest checkpoint.

        Raises:
            RunNotFoundError: There is no such run.
            RunError: It is live or complete, it has no checkpoint, or the system refuses.
        """
        folder, values = self._existing(job_id)
        root = folders.data("runs")
        try:
            with one_at_a_time(root / ".lock"):
                step = self._step_to_go_on(job_id)
                preflight.check_disk(int(values["disk_bytes"]), root)
                self._next_attempt((submission or self.submission(job_id)).fingerprint)
                run_folder.go_on(folder, step, submission)
                run_folder.start(folder, _environment(submission or self.submission(job_id)), again=True)
        except OSError as error:
            raise preflight.refused(error, root) from error

    def _step_to_go_on(self, job_id: str) -> int:
        stage = self.status(job_id).stage
        if not stage.final or stage is Stage.COMPLETED:
            what = "is complete" if stage.final else "is live"
            raise RunError(f"The run local:{job_id} {what}.", remedy="Only a run that was ended early can go on.")
        step = self.checkpoint(job_id)
        if step is None:
            raise RunError(
                f"The run local:{job_id} made no checkpoint.",
                why="It ended before its first one, or they were deleted.",
                remedy="Launch its plan again; a training that may be ended again needs a smaller save_steps.",
            )
        return step

    def start_now(self, job_id: str) -> None:
        """Let a run begin that waits for its turn: it shares the cores with those that run.

        Raises:
            RunNotFoundError: There is no such run.
            RunError: It does not wait, or the request cannot be written.
        """
        folder, _ = self._existing(job_id)
        if not self.status(job_id).waiting:
            raise RunError(f"The run local:{job_id} does not wait.", remedy="Watch it, or cancel it.")
        self._request(folder, supervisor.NOW, {}, "told to begin")

    def checkpoint_bytes(self, job_id: str) -> int:
        """What the checkpoints of a run hold; they are needed only to go on."""
        return sum(map(folders.size_bytes, run_folder.checkpoints(self._existing(job_id)[0]).values()))

    def free_checkpoints(self, job_id: str) -> None:
        """Delete the checkpoints of a run that has ended; what it saved at its end stays.

        Raises:
            RunError: It is live, or the system refuses.
        """
        folder = self._existing(job_id)[0]
        if self._may_live(job_id):
            raise RunError(f"The run local:{job_id} is live.", remedy="Its checkpoints can be deleted after its end.")
        try:
            for path in run_folder.checkpoints(folder).values():
                shutil.rmtree(path)
        except OSError as error:
            raise RunError("A checkpoint could not be deleted.", why=f"The system said: {error}.") from error

    # ---- Looking ----

    def status(self, job_id: str) -> JobStatus:
        """The state now; raises RunNotFoundError."""
        folder, values = self._existing(job_id)
        state = run_folder.state(folder)
        facts = run_folder.facts(folder, values, state)
        if state and state.get("finished") is None and not (facts.script_lives or facts.watcher_lives):
            # it may have ended, and its supervisor may have said so, between the two looks
            state = run_folder.state(folder)
            facts = run_folder.facts(folder, values, state)
        stage, message = judge(replace(facts, still_seconds=self._still(job_id, facts.last_seen)))
        state = state or {}
        why = {} if stage.final else state.get("waiting") or {}
        return JobStatus(
            stage=stage,
            created=float(values["created"]),
            started=state.get("started"),
            finished=state.get("finished") or (facts.last_seen if stage.final else None),
            exit_code=state.get("exit_code"),
            message=message or ("" if stage.final else _no_room(folder)),
            heartbeat=facts.now if facts.script_lives and not stage.final else facts.last_seen,
            output=str(folder / supervisor.OUTPUT),
            waiting=str(why.get("words") or ""),
            can_begin=why.get("for") in {"cores", "turn"},  # without memory the system would end it
        )

    def _still(self, job_id: str, beat: float) -> float:
        """For how long no beat of a run's heart was seen here, by this process' own clock."""
        known = self._hearts.get(job_id)
        if known is None or known[0] != beat:
            known = self._hearts[job_id] = (beat, time.monotonic())
        return time.monotonic() - known[1]

    def is_gone(self, job_id: str) -> bool:
        """Whether the folder of all runs can be listed, and the run's is not in it."""
        try:
            return job_id not in {entry.name for entry in folders.data("runs").iterdir()}
        except OSError:
            return False  # a disk that is not mounted shows none of them

    def submission(self, job_id: str) -> Submission:
        """What was submitted, without the environment; raises RunNotFoundError."""
        return run_folder.submission(*self._existing(job_id))

    def read(self, job_id: str, position: int) -> bytes:
        """The output's bytes from `position` on, at most 4 MiB; b"" if there is nothing new."""
        try:
            with (self._existing(job_id)[0] / supervisor.LOG).open("rb") as log:
                log.seek(position)
                return log.read(READ_BYTES)
        except FileNotFoundError:
            return b""

    def tail(self, job_id: str) -> bytes:  # noqa: ARG002 -- the protocol's
        """Nothing: what is on this disk is read at once."""
        return b""

    def hardware_metrics(self, job_id: str) -> None:
        """Not known."""

    def pushed(self, job_id: str) -> None:
        """Not known."""

    def created(self, job_id: str) -> float:
        """Unix time of the launch, to the second and a part of it, from the id."""
        # not strptime, which imports when it is first called: a process without file handles could not
        moment = datetime.fromisoformat(f"{job_id[:8]}T{job_id[9:15]}").replace(tzinfo=UTC)
        return moment.timestamp() + int(job_id[16:20], 16) / 65536

    def on_finished(self, job_id: str, journal: Journal) -> None:  # noqa: ARG002 -- the protocol's
        """Hide secrets in the log of a run whose supervisor was ended before it could."""
        folder = _folder(job_id)
        if not (folder / supervisor.SWEPT).exists():
            log_file.hide_secrets(folder)

    def ids(self) -> list[str]:
        """All runs known here, the newest first; damaged folders are left out."""
        return [job_id for job_id in _names() if _readable(job_id)]

    def damaged(self) -> list[str]:
        """The ids of folders that cannot be read as a run; `delete` removes them."""
        return [job_id for job_id in _names() if not _readable(job_id)]

    def disk_bytes(self, job_id: str) -> int:
        """What the folder of a run holds, of a damaged one too; raises RunNotFoundError."""
        return folders.size_bytes(_folder(job_id) if job_id in self.damaged() else self._existing(job_id)[0])

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
        self._request(folder, supervisor.CANCEL, {"grace_seconds": self.grace_seconds}, "asked to stop")
        state = run_folder.state(folder) or {}
        script = state.get("script") or {}
        lost = processes.here(state.get("place") or {}) and not processes.alive(state.get("supervisor"))
        if lost and processes.alive(script):
            processes.end_tree(int(script["pid"]), self.grace_seconds)

    def finish(self, job_id: str) -> None:
        """Ask a live training to end after its step, with all that comes after the last one.

        Raises:
            RunNotFoundError: There is no such run.
            RunError: It has ended, or the request cannot be written.
        """
        folder, _ = self._existing(job_id)
        if self.status(job_id).stage.final:
            raise RunError(f"The run local:{job_id} has ended.", remedy="Only a live run can be asked to finish.")
        try:
            (folder / supervisor.FINISH).touch()
        except OSError as error:
            why = f"The system said: {error.strerror or error}."
            raise RunError(f"The run local:{job_id} could not be asked to finish.", why=why) from error

    def _request(self, folder: Path, name: str, values: dict[str, Any], what: str) -> None:
        try:
            supervisor.write_json(folder / name, values)
        except OSError as error:
            raise RunError(
                f"The run local:{folder.name} could not be {what}.",
                why=f"The system said: {error.strerror or error}.",
                remedy="Free some disk and ask again.",
            ) from error

    def delete(self, job_id: str) -> None:
        """Delete the folder of a run, its output too; of a damaged one as well.

        Raises:
            RunNotFoundError: There is no such run.
            RunError: It is live, or the system refuses.
        """
        folder = _folder(job_id)
        if job_id not in self.damaged() and self._may_live(job_id):
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
        values = run_folder.kept(folder) if _ID.fullmatch(job_id) else None
        if values is not None:
            return folder, values
        known = self.ids()
        listed = ", ".join(f"local:{name}" for name in known[:10]) + (" and older ones" if len(known) > 10 else "")
        remedy = f"Known runs: {listed}." if known else "No run is kept here."
        if _ID.fullmatch(job_id) and folder.exists():
            what = f"The folder of the run local:{job_id} is damaged."
            why = f"Its {supervisor.SUBMISSION} or {supervisor.SCRIPT} is missing or broken, in {folder}."
            raise RunNotFoundError(
                what, why=why, remedy=f"hfft.runs(damaged=True) lists it, and its delete() removes it. {remedy}"
            )
        raise RunNotFoundError(f"There is no run local:{job_id} here.", remedy=remedy)


def _environment(submission: Submission) -> dict[str, str]:
    """What the script's process gets beside this one's: a token that only this process knows, say."""
    return {**submission.environment, **child_environment(ask=bool(submission.plan.get("push_to")))}


def _no_room(folder: Path) -> str:
    """What to say of a run whose disk is full: it waits (`scripts.events`), and nobody else could say so."""
    try:
        free = shutil.disk_usage(folder).free
    except OSError:
        return ""
    words = "The disk is full: the run pauses as soon as it has something to write, and goes on when there is room."
    return words if free < LEAST_FREE_BYTES else ""


def _folder(job_id: str) -> Path:
    return folders.data("runs", job_id)


def _readable(job_id: str) -> bool:
    try:
        return run_folder.kept(_folder(job_id)) is not None
    except OSError:
        return False


def _names() -> list[str]:
    try:
        found = [entry.name for entry in folders.data("runs").iterdir() if _ID.fullmatch(entry.name)]
    except OSError:
        return []
    return sorted(found, reverse=True)
