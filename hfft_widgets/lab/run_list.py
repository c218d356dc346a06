"""The runs that a panel shows, looked at only when somebody asks, and only where something may have changed."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from hfft_widgets import folders
from hfft_widgets.core.units import plural
from hfft_widgets.errors import HubError, RunNotFoundError
from hfft_widgets.jobs.run import names
from hfft_widgets.lab.summary import is_settled, summary

if TYPE_CHECKING:
    from hfft_widgets.jobs.run import Run

MOST = 50
"""Runs of a host that are shown; of older ones only their number."""
_TRUSTED_SECONDS = 2.0  # a folder changed this lately may change again without another time
_LISTED_SECONDS = 15.0  # and on some disks it has no time that can be trusted
_JOBS_SECONDS = 4.0  # between two looks at the jobs, which the Hub's client spares further

Values = dict[str, Any]
Host = Literal["local", "jobs"]


class HostRuns:
    """The newest runs of one host as summaries. A run that has ended is read once, and what it wrote is let go.

    One that goes on again (`run.resume()`) shows by its folder's time.

    Args:
        host: "local" or "jobs".
        unchanged: Whether the runs that were listed at this Unix time are still all there are.

    Attributes:
        older: How many more there are than are shown.
        note: Why some that there are cannot be shown now, or "".
    """

    def __init__(self, host: Host, unchanged: Callable[[float], bool]) -> None:
        self._host: Host = host
        self._unchanged = unchanged
        self._listed = 0.0
        self._ids: list[str] = []
        self._open: dict[str, Run] = {}
        self._settled: dict[str, tuple[Values, float]] = {}  # and when its folder changed
        self._named = names.stamp()
        self.older = 0
        self.note = ""

    def look(self) -> list[Values]:
        """Each run as it stands now, the newest first."""
        if (named := names.stamp()) != self._named:
            self._named = named
            self._settled.clear()
            self._list()
        elif not self._unchanged(self._listed):
            self._list()
        unread: list[HubError] = []
        found = [values for run_id in self._ids if (values := self._summary(run_id, unread)) is not None]
        self.note = f"{plural(len(unread), 'job')} cannot be read now. {unread[0]}" if unread else ""
        return found

    def _list(self) -> None:
        from hfft_widgets import api

        listed = time.time()
        found = {run.id: run for run in api.runs(on=self._host)}
        self._ids = list(found)[:MOST]
        self._settled = {run_id: self._settled[run_id] for run_id in self._ids if run_id in self._settled}
        # one that is known has read its output already
        self._open = {name: self._open.get(name, found[name]) for name in self._ids if name not in self._settled}
        self.older = max(0, len(found) - MOST)
        self._listed = listed

    def _summary(self, run_id: str, unread: list[HubError]) -> Values | None:
        """None of a run that is gone, or that nobody can say anything about now."""
        changed = _folder_time(run_id)
        if run_id in self._settled:
            values, then = self._settled[run_id]
            if changed == then:
                return values
            self._open[run_id] = _attached(run_id)
        run = self._open[run_id]
        try:
            values = summary(run)
        except RunNotFoundError:
            return None
        except HubError as error:
            unread.append(error)
            return None
        if values["stage"] == "DELETED":
            return None
        if is_settled(run, values):
            self._settled[run_id] = values, changed
            del self._open[run_id]
        else:
            self._settled.pop(run_id, None)
        return values


class RunList:
    """The runs of this machine, and those of Hugging Face Jobs as they were a few seconds ago.

    The disk is looked at when asked; the Hub in a thread, which ends when nobody asks any more: a Hub that does not
    answer keeps nobody waiting.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._here = HostRuns("local", _folder_unchanged)
        self._far = HostRuns("jobs", lambda _: False)
        self._jobs: list[Values] = []
        self._jobs_looked = float("-inf")
        self._looking: threading.Thread | None = None
        self._known: dict[str, tuple[Values, int]] = {}  # as last seen, and the revision in which it became so
        self._revision = int(time.time() * 1000)  # above those of a server that was here before

    def look(self, shown: str = "all", since: int = 0) -> Values:
        """What has changed of the runs.

        Args:
            shown: "all", "local" or "jobs".
            since: The `revision` of the last answer; 0: everything.

        Returns:
            order: The ids, the newest first. runs: Those that changed. older: How many more there are. note: Why some
            cannot be shown. revision: What to ask with next. ledger: Another text once the ledger has grown; "": none.
        """
        with self._lock:
            here = self._here.look() if shown != "jobs" else []
            if shown != "local":
                self._look_at_jobs()
            far = self._jobs if shown != "local" else []
            runs = sorted([*here, *far], key=lambda run: run["created"], reverse=True)
            self._note_changes(runs, {"local", "jobs"} if shown == "all" else {shown})
            return {
                "order": [run["id"] for run in runs],
                "runs": [run for run in runs if self._known[run["id"]][1] > since],
                "older": (self._here.older if shown != "jobs" else 0) + (self._far.older if shown != "local" else 0),
                "note": self._far.note if shown != "local" else "",
                "revision": self._revision,
                "ledger": _changed(folders.data("ledger", "ledger.jsonl")),
            }

    def _note_changes(self, runs: list[Values], hosts: set[str]) -> None:
        """Give each run that is new or has changed the next revision; forget those of these hosts that are gone."""
        ids = {run["id"] for run in runs}
        kept = {name: held for name, held in self._known.items() if name in ids or name.partition(":")[0] not in hosts}
        for run in runs:
            if run["id"] not in kept or kept[run["id"]][0] != run:
                self._revision += 1
                kept[run["id"]] = (run, self._revision)
        self._known = kept

    def _look_at_jobs(self) -> None:
        busy = self._looking is not None and self._looking.is_alive()
        if not busy and time.monotonic() - self._jobs_looked >= _JOBS_SECONDS:
            self._looking = threading.Thread(target=self._read_jobs, name="hfft jobs", daemon=True)
            self._looking.start()

    def _read_jobs(self) -> None:
        try:
            with contextlib.suppress(HubError):  # what was known stays
                self._jobs = self._far.look()
        finally:
            self._jobs_looked = time.monotonic()


def _changed(path: Path) -> str:
    try:
        return str(path.stat().st_mtime_ns)
    except OSError:
        return ""


def _attached(run_id: str) -> Run:
    from hfft_widgets import api

    return api.attach(run_id)


def _folder_time(run_id: str) -> float:
    """When something was made or replaced in the folder of a run of this machine; 0: it is gone, or of another host."""
    host, _, name = run_id.partition(":")
    try:
        return folders.data("runs", name).stat().st_mtime if host == "local" else 0.0
    except OSError:
        return 0.0


def _folder_unchanged(listed: float) -> bool:
    """Whether no run was started or deleted on this machine since then: the folder of runs says when it changed."""
    try:
        changed = folders.data("runs").stat().st_mtime
    except OSError:
        return False  # there is none, so listing it costs nothing
    return listed - changed > _TRUSTED_SECONDS and time.time() - listed < _LISTED_SECONDS
