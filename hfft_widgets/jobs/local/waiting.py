"""A run waits for its turn on this machine: what it would take, what the machine has, and why it does not begin yet.

With the standard library alone, like the supervisor, which loads it by path.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

LOOK_SECONDS = 1.0  # between two looks whether the turn has come
TICK_SECONDS = 0.2  # between two looks whether the run is to end, or to begin all the same
_COUNTS = ("HFFT_THREADS", "OMP_NUM_THREADS")  # a person's own, see scripts/machine/threads.py


class Turn:
    """The turn of one run.

    Args:
        folder: The run's.
        memory_bytes: What it needs; 0: not known.
        load: Gives a module by its path from this folder.
    """

    def __init__(self, folder: Path, memory_bytes: int, load: Callable[[str], Any]) -> None:
        self._folder = folder
        self._turns, self._threads = load("turns"), load("../../scripts/machine/threads")
        self._memory = load("../../scripts/machine/memory")
        self._allowed = max(1, int(min(self._threads.affinity(), self._threads.cpu_quota())))
        self._chosen = any(os.environ.get(name) for name in _COUNTS)
        # as `usable_threads`: a load passes and a run lasts, so it never begins with less than half of what it may use
        least = self._threads.usable_threads() if self._chosen else (self._allowed + 1) // 2
        self._ticket = self._turns.Ticket(folder.name, least, memory_bytes)
        self._waited = False

    @property
    def handle(self) -> int | None:
        """The ticket's open file; None: there are no turns on this machine."""
        handle: int | None = self._ticket.handle
        return handle

    def look(self, *, now: bool = False) -> dict[str, str] | None:
        """Take the turn if it has come.

        Args:
            now: Whether a person said not to wait.

        Returns:
            Why it waits (`for`: "cores", "memory" or "turn", `words`: a sentence); None: it may start.
        """
        # the load of the run that has just ended stands in the average for a minute more
        most = self._allowed if self._waited and not self._chosen else self._threads.usable_threads()
        why: dict[str, str] | None = self._ticket.look(self._room(), self._named, most, now=now)
        self._waited = self._waited or why is not None
        return why

    def _room(self) -> Any:
        groups = self._threads.own_groups("memory")
        cores = max(self._allowed, os.cpu_count() or 1)
        return self._turns.Capacity(
            cores, self._allowed, self._memory.total_bytes(groups), self._memory.free_bytes(groups)
        )  # fmt: skip

    def _named(self, run: str) -> str:
        """Runs that are kept elsewhere are another person's, or of another HFFT_HOME: their ids say nothing here."""
        here = run == Path(run).name and (self._folder.parent / run).is_dir()
        return f"local:{run}" if here else "another run on this machine"

    def environment(self) -> dict[str, str]:
        """Variables for the script: as many threads as its turn gave it; a person's own stay as they are."""
        if not self._chosen and self.handle is not None:
            os.environ[_COUNTS[0]] = str(self._ticket.claim.threads)
        made: dict[str, str] = self._threads.thread_environment()
        return made

    def over(self) -> None:
        """The run has ended, or will not start."""
        self._ticket.give_back()


def wait(turn: Turn, stopper: Any, state: Any, now: Path) -> bool:
    """Until the turn has come; whether it came, or the run is to end before.

    Args:
        turn: The run's.
        stopper: Knows when the run is to end.
        state: Where it is said why the run waits; its heart beats meanwhile.
        now: A file that says not to wait.
    """
    while why := turn.look(now=now.exists()):
        if state.facts.get("waiting") != why:
            state.keep(waiting=why)
        again = time.monotonic() + LOOK_SECONDS
        while time.monotonic() < again and not now.exists():
            state.beat()
            if stopper.reason_to_end():
                return False
            time.sleep(TICK_SECONDS)
    return True
