"""Other runs beside the one on show: their curves dashed, and in what they differ, as a table."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from hfft_widgets.cards.runs.comparison import table_of
from hfft_widgets.core.html import Markup, el
from hfft_widgets.widgets.form import actions

if TYPE_CHECKING:
    from hfft_widgets.jobs.run import Run
    from hfft_widgets.widgets.curves import Curves
    from hfft_widgets.widgets.form import Form
    from hfft_widgets.widgets.panel import Panel

MOST = 4  # dashes that can be told apart
_READ_SECONDS = 20.0  # at most, for a run that ended far away and whose output is still being fetched


class Comparing:
    """The choice of other runs whose curves stand beside, and in what they differ from the one on show.

    Args:
        panel: Whose field it is.
        curves: Where they are drawn.
        find: Gives a run by its id.
        name: What a run is called in the legends, shorter than in the list.
    """

    def __init__(self, panel: Panel, curves: Curves, find: Callable[[str], Run], name: Callable[[Run], str]) -> None:
        self._panel, self._curves, self._find, self._name = panel, curves, find, name
        self._own: Run | None = None
        self.beside: dict[str, Run] = {}
        panel.has("compare", "", self._chose)
        panel.can("apart", self.take_away)

    def show(self, run: Run) -> None:
        """Another run is on show: it is compared with none."""
        self._own, self.beside = run, {}
        self._panel.values["compare"] = ""

    def take_away(self, run_id: str) -> None:
        """One of those beside goes again."""
        self.beside = {one: run for one, run in self.beside.items() if one != run_id}
        self._draw()

    def view(self, form: Form, listed: Iterable[tuple[str, str]]) -> Markup | None:
        """The list of earlier runs, given as (words, id), without those on show; below it, what differs."""
        own = self._own.id if self._own is not None else None
        others = [(words, one) for words, one in listed if one != own and one not in self.beside]
        if not others and not self.beside:
            return None
        words = "Compare with" if not self.beside else "and with"
        field = form.choice("compare", words, [("nothing" if not self.beside else "no other", ""), *others], half=True)
        return el("div", field if len(self.beside) < MOST else None, self._told(form), data_key="compare")

    def _told(self, form: Form) -> Markup | None:
        from hfft_widgets.jobs.comparing import compare

        if self._own is None or not self.beside:
            return None
        own = self._own
        named = compare(own, *self.beside.values(), name=lambda run: "this run" if run is own else self._name(run))
        values = named.to_dict()
        away = [
            form.button(f"Take {run['name']} away", "apart", value=run["id"], quiet=True) for run in values["runs"][1:]
        ]
        none = None if values["ends"] else el("div", "They have no curve in common so far.", class_="note")
        return el("div", none, table_of(values), actions(*away), class_="fix", role="status")

    def _chose(self, run_id: str) -> None:
        if run_id and self._panel.start(lambda: self._add(run_id), doing="Reading the run") is None:
            self._panel.values["compare"] = ""  # something else is going on

    def _add(self, run_id: str) -> None:
        own = self._own
        try:
            other = self._find(run_id)
            _read(other)
        finally:
            self._panel.values["compare"] = ""
        if own is None or self._own is not own:  # meanwhile another one was chosen to be shown
            return
        self.beside = {**self.beside, run_id: other}
        self._draw()
        self._panel.clear_status()

    def _draw(self) -> None:
        from hfft_widgets.jobs.comparing import unlike

        names = unlike([self._name(run) for run in self.beside.values()])
        self._curves.compare({name: run.history for name, run in zip(names, self.beside.values(), strict=True)})


def _read(run: Run) -> None:
    """All that an ended run printed, for a while; of a live one what there is."""
    deadline = time.monotonic() + _READ_SECONDS
    run.refresh()
    while run.stage.final and not run.complete and time.monotonic() < deadline:
        time.sleep(0.2)
        run.refresh()
