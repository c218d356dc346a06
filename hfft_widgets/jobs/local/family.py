"""Processes as the system lists them: who started whom, and who carries a run's word.

With the standard library alone, like the supervisor, which loads it by path.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path


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
