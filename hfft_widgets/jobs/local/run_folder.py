"""The folder of a run on this machine: written once, read by anybody."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hfft_widgets.core.run.events import PREFIX
from hfft_widgets.core.run.journal import last_word
from hfft_widgets.errors import LaunchError
from hfft_widgets.jobs.base import Submission
from hfft_widgets.jobs.local import processes, supervisor, turns
from hfft_widgets.jobs.local.stage import RunFacts

TAIL_BYTES = 2**20  # where a script's last word is looked for
_KEPT = ("kind", "title", "plan", "fingerprint", "disk_bytes", "timeout_seconds", "modules")


_KEPT_LATER = ("attempt", "stall_seconds")  # which earlier versions did not


def new_id(seconds: float) -> str:
    """A name that sorts by time: UTC to the second, four hex digits that go on with the time, four random ones.

    >>> new_id(1795355581.5)[:20]
    '20261122-135301-8000'
    """
    moment = datetime.fromtimestamp(seconds, UTC)
    return f"{moment:%Y%m%d-%H%M%S}-{int(moment.microsecond * 65536 / 1e6):04x}{secrets.token_hex(2)}"


def write(root: Path, submission: Submission) -> Path:
    """Make the folder of a new run; it appears under its name whole or not at all. Raises OSError."""
    created = time.time()
    folder = root / new_id(created)
    fresh = root / f".new-{folder.name}"
    try:
        fresh.mkdir()
        (fresh / supervisor.SCRIPT).write_bytes(submission.script.encode())
        kept = {name: getattr(submission, name) for name in (*_KEPT, *_KEPT_LATER)} | {"version": 1, "created": created}
        kept["word"] = secrets.token_hex(4)  # of its event lines: no row knows it
        kept |= {"python": sys.executable, "needed_bytes": submission.memory_bytes or submission.expected_bytes}
        supervisor.write_json(fresh / supervisor.SUBMISSION, kept | {"modules": dict(submission.modules)})
        fresh.rename(folder)
    except BaseException:
        shutil.rmtree(fresh, ignore_errors=True)
        raise
    return folder


def clear_leftovers(root: Path) -> None:
    """Remove folders of starts and deletions that were cut short. Only under the lock of starts."""
    for pattern in (".new-*", ".gone-*"):
        for folder in root.glob(pattern):
            shutil.rmtree(folder, ignore_errors=True)


def checkpoints(folder: Path) -> dict[int, Path]:
    """The complete checkpoints of a run, by their step: the trainer writes its state last. Raises OSError."""
    found = {}
    for path in (folder / supervisor.OUTPUT).glob("checkpoint-*"):
        step = (supervisor.read_json(path / "trainer_state.json") or {}).get("global_step")
        if isinstance(step, int) and not isinstance(step, bool):
            found[step] = path
    return found


def finished_part(folder: Path) -> bool:
    """Whether an export that was killed had finished a part, from which its script goes on (`scripts.gguf`)."""
    return any((folder / supervisor.OUTPUT / "work").glob("*.whole.json"))


def go_on(folder: Path, step: int, submission: Submission | None) -> None:
    """Make a run that has ended ready to start again from a checkpoint. Raises OSError.

    Args:
        folder: The run's.
        step: The checkpoint's.
        submission: What is to run from now on, where that changes.
    """
    now = time.time()
    before = (supervisor.read_json(folder / supervisor.RESUMED) or {}).get("resumes") or []
    if submission is not None:
        values = {**(kept(folder) or {}), **{name: getattr(submission, name) for name in _KEPT}}
        supervisor.write_json(folder / supervisor.SUBMISSION, values | {"modules": dict(submission.modules)})
        (folder / supervisor.SCRIPT).write_bytes(submission.script.encode())
    for name in (supervisor.CANCEL, supervisor.FINISH, supervisor.NOW, supervisor.SWEPT):
        (folder / name).unlink(missing_ok=True)
    with (folder / supervisor.LOG).open("ab") as log:
        event = json.dumps({"n": 0, "t": now, "event": "resumed", "step": step})
        word = (kept(folder) or {}).get("word")
        log.write(f"\n{PREFIX}{f':{word}' if word else ''} {event}\n".encode())
    supervisor.write_json(folder / supervisor.RESUMED, {"resumes": [*before, {"step": step, "seconds": now}]})
    with contextlib.suppress(FileNotFoundError):
        (folder / supervisor.STATE).replace(folder / f"state-{len(before) + 1}.json")


def _begun(folder: Path, values: Mapping[str, Any]) -> float:
    """Unix time of its last launch or going on."""
    resumes = (supervisor.read_json(folder / supervisor.RESUMED) or {}).get("resumes") or [{}]
    return max(float(values["created"]), float(resumes[-1].get("seconds") or 0))


def start(folder: Path, environment: Mapping[str, str], *, again: bool = False) -> None:
    """Start the supervisor; returns once the script runs, or waits for its turn.

    Args:
        folder: The run's.
        environment: More variables for the script.
        again: Whether it ran before: then its folder stays, whatever happens.

    Raises:
        LaunchError: It did not start; a new folder is gone then.
    """
    python = str((kept(folder) or {}).get("python") or sys.executable)  # that of its notebook, whoever lets it go on
    command = [python, "-I", "-S", supervisor.__file__, "launch", str(folder)]
    # what a run starts may not wait for that run: it would wait for ever
    inside = {turns.QUEUE: turns.OFF} if os.environ.get(supervisor.WORD) else {}
    try:
        done = subprocess.run(
            command,
            # without the word of a run that starts this one: what carries it ends with that run
            env={name: value for name, value in os.environ.items() if name != supervisor.WORD}
            | {**inside, **environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            timeout=supervisor.START_SECONDS + 30,
            **supervisor.detached(),
        )
        said = done.stderr.strip() if done.returncode else ""
    except (OSError, subprocess.SubprocessError) as error:
        said = str(error)
    state = supervisor.read_json(folder / supervisor.STATE) or {}
    said = said or str(state.get("message") or "")
    if said:
        _withdraw(folder, state, gone=not again)
        raise LaunchError(
            "The script could not be started.",
            why=f"The supervisor said: {said.splitlines()[-1]}",
            remedy=f"Check that {python} runs, then launch again.",
        )


def _withdraw(folder: Path, state: Mapping[str, Any], *, gone: bool) -> None:
    """A start that failed, or was too slow to be believed in, leaves nothing that runs."""
    with contextlib.suppress(OSError):
        supervisor.write_json(folder / supervisor.CANCEL, {"grace_seconds": 0})
    for name in ("supervisor", "script"):
        if processes.alive(state.get(name)):
            processes.end_tree(int(state[name]["pid"]), grace_seconds=1)
    if gone:
        shutil.rmtree(folder, ignore_errors=True)
        return
    ends = (supervisor.read_json(folder / supervisor.RESUMED) or {}).get("resumes") or []
    with contextlib.suppress(OSError):  # it has ended as it had before
        (folder / f"state-{len(ends)}.json").replace(folder / supervisor.STATE)
        (folder / supervisor.CANCEL).unlink(missing_ok=True)


def kept(folder: Path) -> dict[str, Any] | None:
    """What submission.json holds; None if the folder cannot be read as a run."""
    values = supervisor.read_json(folder / supervisor.SUBMISSION)
    whole = values is not None and all(name in values for name in (*_KEPT, "created"))
    return values if whole and (folder / supervisor.SCRIPT).is_file() else None


def submission(folder: Path, values: Mapping[str, Any]) -> Submission:
    """What was submitted, without the environment."""
    script = (folder / supervisor.SCRIPT).read_bytes().decode("utf-8", "replace")
    known = {name: values[name] for name in _KEPT}
    return Submission(script=script, attempt=attempt(values), stall_seconds=values.get("stall_seconds"), **known)


def attempt(values: Mapping[str, Any]) -> int:
    """Which launch of its fingerprint a run is; those of versions that did not count are the first."""
    return int(values.get("attempt", 1))


_NUMBER = (int, float)
_TYPES: Mapping[str, type | tuple[type, ...]] = {
    **dict.fromkeys(("place", "supervisor", "script", "waiting"), dict),
    **dict.fromkeys(("started", "finished", "exit_code"), _NUMBER),
    **dict.fromkeys(("stopped_for", "message"), str),
}


def state(folder: Path) -> dict[str, Any] | None:
    """What the supervisor wrote last; None if it has not written yet, or what stands there makes no sense.

    Raises:
        OSError: It cannot be read now.
    """
    found = supervisor.read_json(folder / supervisor.STATE)
    odd = found and any(found.get(name) is not None and not isinstance(found[name], _TYPES[name]) for name in _TYPES)
    return None if odd else found


def facts(folder: Path, values: Mapping[str, Any], state: Mapping[str, Any] | None) -> RunFacts:
    """Everything that can be seen of the run now."""
    known = state or {}
    machine = known.get("place") or {}
    here = processes.here(machine)
    watcher_lives = here and processes.alive(known.get("supervisor"))
    script_lives = here and processes.alive(known.get("script"))
    lives = watcher_lives or script_lives
    over = known.get("finished") is not None
    seen = last_seen(folder)
    return RunFacts(
        state=state,
        now=time.time(),
        created=_begun(folder, values),
        last_seen=seen,
        last_word=""
        if lives and not over
        else last_word(_tail(folder / supervisor.LOG), str(values.get("word") or "")),
        cancel_asked=(folder / supervisor.CANCEL).exists(),
        here=here,
        script_lives=script_lives,
        watcher_lives=watcher_lives,
        restarted=not here and processes.restarted(machine, seen),
        timeout_seconds=values["timeout_seconds"],
        stall_seconds=values.get("stall_seconds"),
        damaged=state is None and os.path.lexists(folder / supervisor.STATE),
    )


def last_seen(folder: Path) -> float:
    """Unix time, by the run's own clock, of its last heartbeat or output."""
    return max(_modified(folder / name) for name in (supervisor.HEARTBEAT, supervisor.LOG, supervisor.SUBMISSION))


def _modified(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def _tail(log: Path) -> bytes:
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - TAIL_BYTES))
            return file.read()
    except OSError:
        return b""
