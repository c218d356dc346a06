"""Processes of runs as this machine sees them, on every system."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Mapping
from typing import Any

import psutil

from hfft_widgets.jobs.local import family, supervisor

# between a process' creation and the moment in which its watcher wrote its identity
_WRITTEN_WITHIN_SECONDS = 30.0


def alive(identity: Mapping[str, Any] | None) -> bool:
    """Whether the very process lives that a state names: a later one with the same id does not count.

    Args:
        identity: What `supervisor.identity` wrote on this start of this machine, or None.
    """
    try:
        process = psutil.Process(int((identity or {})["pid"]))
        if process.status() == psutil.STATUS_ZOMBIE:
            return False
        if identity and identity.get("birth"):
            return family.birth(process.pid) == str(identity["birth"])
        age = float((identity or {})["seconds"]) - float(process.create_time())
        return -1.0 <= age <= _WRITTEN_WITHIN_SECONDS
    except psutil.AccessDenied:
        return False  # a run's processes are the user's own
    except (psutil.NoSuchProcess, KeyError, TypeError, ValueError, OverflowError):
        return False


def restarted(then: Mapping[str, Any], last_seen: float) -> bool:
    """Whether this machine was started again since a state was written.

    Args:
        then: What `supervisor.machine` said when the run started.
        last_seen: Unix time at which the run was last known to live.
    """
    now = supervisor.machine()
    if then.get("host") != now["host"]:
        return False
    if then.get("boot") and now["boot"]:
        return str(then["boot"]) != now["boot"]
    return float(psutil.boot_time()) > last_seen


def here(then: Mapping[str, Any]) -> bool:
    """Whether the process ids of a state mean something here: same machine, container and start."""
    now = supervisor.machine()
    same = all(then.get(key) == now[key] for key in ("boot", "namespace"))
    return same and (bool(now["boot"]) or then.get("host") == now["host"])


def end_tree(pid: int, grace_seconds: float) -> None:
    """Ask a process to stop, wait, then kill it and everything it started. For a script without its watcher.

    Args:
        pid: The script's process id, which is also its group's.
        grace_seconds: How long the script may take to save its work.
    """
    with contextlib.suppress(psutil.NoSuchProcess):
        script = psutil.Process(pid)
        family = script.children(recursive=True)
        supervisor.family.ask(pid)
        _, slow = psutil.wait_procs([script], timeout=grace_seconds)
        for process in slow:
            family += process.children(recursive=True)
        _kill([script, *family])


def _kill(family: list[Any]) -> None:
    if sys.platform != "win32":
        with contextlib.suppress(OSError):
            os.killpg(family[0].pid, signal.SIGKILL)
    for process in family:
        with contextlib.suppress(psutil.Error):
            process.kill()
    psutil.wait_procs(family, timeout=5)
