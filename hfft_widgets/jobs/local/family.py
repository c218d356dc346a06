"""The processes of a run: who started whom, who carries its word, and how they end.

With the standard library alone, like the supervisor, which loads it by path.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

SWEEP_SECONDS = 2.0  # what a script left behind may end by itself for this long
TICK_SECONDS = 0.2


def birth(pid: int) -> str:
    """What tells a process from a later one with the same id; "" where the standard library has no way.

    On Linux the start time in clock ticks since boot, field 22 of /proc/PID/stat (proc_pid_stat(5)): unlike a date, it
    does not move when the clock is set. A process that has ended but was not collected counts as none.
    """
    try:
        text = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace")
    except OSError:
        return ""
    fields = text[text.rfind(")") + 2 :].split()
    return "" if fields[0] in "ZX" else fields[19]


def processes() -> Iterator[tuple[int, int, str]]:
    """All processes as (id, parent's id, birth). Where there is no /proc, a program of the system lists them."""
    if Path("/proc/self/stat").exists():
        for entry in Path("/proc").iterdir():
            with contextlib.suppress(OSError, ValueError):
                pid = int(entry.name)
                text = (entry / "stat").read_text("utf-8", "replace")
                yield pid, int(text[text.rfind(")") + 2 :].split()[1]), birth(pid)
        return
    with contextlib.suppress(OSError, subprocess.SubprocessError):
        command = _LIST_WINDOWS if sys.platform == "win32" else ["ps", "-axo", "pid=,ppid=,lstart="]
        listing = subprocess.run(command, capture_output=True, text=True, timeout=20, check=True)
        for line in listing.stdout.splitlines():
            pid_text, parent, born = line.split(maxsplit=2)
            yield int(pid_text), int(parent), born.strip()


_LIST_WINDOWS = ["powershell", "-NoProfile", "-Command"]
_LIST_WINDOWS += [
    'Get-CimInstance Win32_Process | % { "$($_.ProcessId) $($_.ParentProcessId) x$($_.CreationDate.Ticks)" }'
]


def descendants(pid: int) -> dict[int, str]:
    """The births, by id, of everything the process started, and of what that started."""
    children: dict[int, list[tuple[int, str]]] = {}
    for child, parent, born in processes():
        children.setdefault(parent, []).append((child, born))
    found: dict[int, str] = {}
    waiting = [pid]
    while waiting:
        for child, born in children.get(waiting.pop(), []):
            if child not in found:
                found[child] = born
                waiting.append(child)
    return found


def bearers(name: str, word: str) -> dict[int, str]:
    """The births, by id, of processes in whose environment a run's word stands: also those of other sessions.

    What it launched as a run of its own, with a supervisor like this one, is not among them.
    """
    found = {}
    for entry in Path("/proc").glob("[0-9]*/environ") if word else ():
        with contextlib.suppress(OSError):
            variables = entry.read_bytes().split(b"\0")
            if f"{name}={word}".encode() in variables and int(entry.parent.name) != os.getpid():
                found[int(entry.parent.name)] = birth(int(entry.parent.name))
    return {pid: born for pid, born in found.items() if born}


# ---- Ending them -------------------------------------------------------------------------------


def ask(pid: int) -> None:
    """Ask the script to stop: SIGTERM, on Windows Ctrl-Break.

    Its children are left to it: a data loader that died here would take away the step that is to be saved.
    """
    with contextlib.suppress(OSError):
        if sys.platform == "win32":
            os.kill(pid, signal.CTRL_BREAK_EVENT)
        else:
            os.kill(pid, signal.SIGTERM)


def kill(pid: int, members: dict[int, str]) -> None:
    """End the script with its group, and what is left of its family (which may have moved out of the group)."""
    if sys.platform == "win32":
        subprocess.run(["taskkill", "/F", "/T", "/PID", str(pid)], capture_output=True, check=False)
    else:
        with contextlib.suppress(OSError):
            os.killpg(pid, signal.SIGKILL)
    living = {member: born for member, _, born in processes()} if members else {}
    for member, born in members.items():
        if born and living.get(member) == born:  # not a later process with the same id
            _kill_one(member)


def _kill_one(pid: int) -> None:
    with contextlib.suppress(OSError):
        if sys.platform == "win32":
            os.kill(pid, signal.SIGTERM)  # ends it at once there
        else:
            os.kill(pid, signal.SIGKILL)


def sweep(pid: int, members: dict[int, str], name: str, word: str = "") -> None:
    """After the script's end: what it started does not outlive it. Helpers that are about to end get a moment."""
    if sys.platform != "win32":
        deadline = time.monotonic() + SWEEP_SECONDS
        while time.monotonic() < deadline and (_group_lives(pid) or bearers(name, word)):
            time.sleep(TICK_SECONDS)
    kill(pid, members | bearers(name, word))


def _group_lives(pid: int) -> bool:
    if sys.platform != "win32":
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, 0)
            return True
    return False
