"""What the parts of the data panel share."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import ipywidgets as W  # noqa: N812

from hfft_widgets.core.html import Child, el

if TYPE_CHECKING:
    from hfft_widgets.core.data.report import ValidationReport
    from hfft_widgets.widgets.data import DatasetValidator

LABEL = {"description_width": "110px"}


def wide() -> W.Layout:
    """As wide as the card."""
    return W.Layout(width="auto", max_width="860px")


def wrapped(*children: W.Widget) -> W.HBox:
    """Side by side, on as many lines as that takes."""
    return W.HBox(children, layout=W.Layout(flex_flow="row wrap", max_width="862px", align_items="center"))


def show_part(slot: W.HTML, *children: Child) -> None:
    """Fill a piece of HTML below the card, in the card's style."""
    slot.value = el("div", *children, class_="hfft part") if any(children) else ""


def visible(widget: W.Widget, yes: bool) -> None:
    """Show or hide a widget."""
    widget.layout.display = "" if yes else "none"


class Part(W.VBox):
    """One part of the panel below the card, made once, filled for each report and method."""

    def __init__(self, panel: DatasetValidator) -> None:
        super().__init__(layout=W.Layout(max_width="862px"))
        self.panel = panel
        self.report: Any = None
        self.method = ""
        self._filling = False

    def show(self, report: ValidationReport, method: str) -> None:
        """Take a report and a method."""
        new = report is not self.report
        self.report, self.method = report, method
        with self.filling():
            if new:
                self.fill()
            self.turn()
        self.settle()

    def fill(self) -> None:
        """Show what a new report says, whatever the method."""

    def turn(self) -> None:
        """Show what it says about the method."""

    def settle(self) -> None:
        """Disable what cannot be used now."""

    @contextmanager
    def filling(self) -> Iterator[None]:
        """While values are set by the program, not by a person."""
        before, self._filling = self._filling, True
        try:
            yield
        finally:
            self._filling = before
