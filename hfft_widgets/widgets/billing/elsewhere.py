"""Runs that others start while a page is open: an agent, a command, another notebook. They are offered, never taken."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal

from hfft_widgets import api
from hfft_widgets.cards.parts import icon
from hfft_widgets.core.html import Markup, el
from hfft_widgets.errors import HubError, RunError
from hfft_widgets.widgets.form import actions

if TYPE_CHECKING:
    from hfft_widgets.jobs.run import Run

_HOSTS: tuple[Literal["local"] | None, ...] = (
    "local",
    None,
)  # this machine's first: the Hub may take its time to answer


class ElsewherePart:
    """What was started elsewhere, and the way to it.

    Args:
        panel: Whose runs these are: of its kind.
        idle: Whether the panel shows nothing that a person could be looking at.
    """

    def __init__(self, panel: Any, idle: Callable[[], bool]) -> None:
        self._panel, self._idle = panel, idle
        self._known: set[str] = set()
        self.new: list[Run] = []
        panel.can("see_new", self._see, doing="Opening the run")
        panel.can("leave_new", self.new.clear)

    def begin(self, known: set[str]) -> None:
        """From now on, tell of runs whose id is not among these."""
        from hfft_widgets.jobs.follower import watch

        self._known |= known
        watch.tell(self.look)

    def look(self) -> None:
        """Look for runs that were not there before; in whichever thread."""
        for host in _HOSTS:
            if found := [run for run in api.runs(on=host) if run.id not in self._known and self._is_ours(run)]:
                self._known |= {run.id for run in found}
                self.new[:0] = found
                self._panel.refresh()
        self._panel.list_earlier()
        if self.offered and not self._panel.busy and self._idle():
            self._see(self.offered[0].id)
        self._panel.refresh()

    @property
    def offered(self) -> list[Run]:
        """Those that are not on show, the newest first."""
        shown = self._panel.run
        return [run for run in self.new if shown is None or run.id != shown.id]

    def view(self) -> Markup | None:
        """The offer; while the panel itself starts something, it may be that."""
        offered = self.offered
        if not offered or self._panel.busy:
            return None
        first, form = offered[0], self._panel.form
        watch = form.button("Watch it", "see_new", value=first.id)
        more = f" And {len(offered) - 1} more: see the list below." if len(offered) > 1 else ""
        return el(
            "div", icon("info"), f" Started elsewhere: {first.title}.{more}",
            actions(watch, form.button("Leave it", "leave_new", quiet=True)),
            class_="hfft elsewhere", role="status", data_key="elsewhere",
        )  # fmt: skip

    def _see(self, run_id: str) -> None:
        self.new.clear()
        self._panel.watch(run_id)

    def _is_ours(self, run: Run) -> bool:
        try:
            return bool(run.kind == self._panel.run_kind)
        except (HubError, RunError):  # not whole yet, or not to be seen now: the next look tells
            return False
