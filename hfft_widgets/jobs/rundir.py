"""The folder of a run on this machine: written once, read by anybody."""

from __future__ import annotations

import contextlib
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

from hfft_widgets.core.run.journal import last_word
from hfft_widgets.errors import LaunchError
from hfft_widgets.jobs import processes, supervisor
from hfft_widgets.jobs.base import Submission
from hfft_widgets.jobs.verdict import Facts

TAIL_BYTES = 2**20  # where a script's last word is looked for
_KEPT = ("kind", "title", "plan", "fingerprint", "disk_bytes", "timeout_seconds", "modules")


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
        kept = {name: getattr(submission, name) for name in _KEPT} | {"version": 1, "created": created}
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


def start(folder: Path, environment: Mapping[str, str]) -> None:
    """Start the supervisor; returns once the script runs.

    Raises:
        LaunchError: It did not start; the folder is gone then.
    """
    command = [sys.executable, "-I", "-S", supervisor.__file__, "launch", str(folder)]
    try:
        done = subprocess.run(
            command,
            env={**os.environ, **environment},
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
        _withdraw(folder, state)
        raise LaunchError(
            "The script could not be started.",
            why=f"The supervisor said: {said.splitlines()[-1]}",
            remedy=f"Check that {sys.executable} runs, then launch again.",
        )


def _withdraw(folder: Path, state: Mapping[str, Any]) -> None:
    """A start that failed, or was too slow to be believed in, leaves nothing that runs."""
    with contextlib.suppress(OSError):
        supervisor.write_json(folder / supervisor.CANCEL, {"grace_seconds": 0})
    for name in ("supervisor", "script"):
        if processes.alive(state.get(name)):
            processes.end_tree(int(state[name]["pid"]), grace_seconds=1)
    shutil.rmtree(folder, ignore_errors=True)


def kept(folder: Path) -> dict[str, Any] | None:
    """What submission.json holds; None if the folder cannot be read as a run."""
    values = supervisor.read_json(folder / supervisor.SUBMISSION)
    whole = values is not None and all(name in values for name in (*_KEPT, "created"))
    return values if whole and (folder / supervisor.SCRIPT).is_file() else None


def submission(folder: Path, values: Mapping[str, Any]) -> Submission:
    """What was submitted, without the environment."""
    script = (folder / supervisor.SCRIPT).read_bytes().decode("utf-8", "replace")
    return Submission(script=script, **{name: values[name] for name in _KEPT})


def state(folder: Path) -> dict[str, Any] | None:
    """What the supervisor wrote last, or None if it has not written yet."""
    return supervisor.read_json(folder / supervisor.STATE)


def facts(folder: Path, values: Mapping[str, Any], state: Mapping[str, Any] | None) -> Facts:
    """Everything that can be seen of the run now."""
    known = state or {}
    place = known.get("place") or {}
    here = processes.here(place)
    watcher_lives = here and processes.alive(known.get("supervisor"))
    script_lives = here and processes.alive(known.get("script"))
    lives = watcher_lives or script_lives
    over = known.get("finished") is not None
    last_seen = max(_modified(folder / name) for name in (supervisor.HEARTBEAT, supervisor.LOG, supervisor.SUBMISSION))
    return Facts(
        state=state,
        now=time.time(),
        created=float(values["created"]),
        last_seen=last_seen,
        told="" if lives and not over else last_word(_tail(folder / supervisor.LOG)),
        cancel_asked=(folder / supervisor.CANCEL).exists(),
        here=here,
        script_lives=script_lives,
        watcher_lives=watcher_lives,
        restarted=not here and processes.restarted(place, last_seen),
        timeout_seconds=values["timeout_seconds"],
    )


def size_bytes(folder: Path) -> int:
    """What the files below a folder hold; a file that goes away meanwhile counts as nothing."""
    return sum(_size(os.path.join(where, name)) for where, _, names in os.walk(folder) for name in names)  # noqa: PTH118


def _size(path: str) -> int:
    try:
        return os.lstat(path).st_size
    except OSError:
        return 0


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
