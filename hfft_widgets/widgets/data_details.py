"""Below the card: a toggle for each method, and for the one chosen its mapping, fixes, rows and lengths."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import ipywidgets as W  # noqa: N812

from hfft_widgets.core.data.values import METHODS
from hfft_widgets.core.data.views import status_line
from hfft_widgets.core.data.views_words import method_labels
from hfft_widgets.widgets.data_fixes import FixesPart
from hfft_widgets.widgets.data_lengths import LengthsPart
from hfft_widgets.widgets.data_mapping import MappingPart
from hfft_widgets.widgets.data_parts import Part, wide
from hfft_widgets.widgets.data_rows import RowsPart

if TYPE_CHECKING:
    from hfft_widgets.widgets.data import DatasetValidator

_TABS = ("Mapping", "Fixes", "Rows", "Lengths")


class DetailsPart(Part):
    """The verdicts as toggles, the chosen one's reason, and four tabs."""

    def __init__(self, panel: DatasetValidator) -> None:
        super().__init__(panel)
        self.toggle = W.ToggleButtons(options=METHODS, style={"button_width": "auto"})
        self.toggle.observe(lambda change: self._toggled(change.new), "value")
        self.reason = W.HTML()
        self.mapping, self.fixes = MappingPart(panel), FixesPart(panel)
        self.rows, self.lengths = RowsPart(panel), LengthsPart(panel)
        self.parts: tuple[Part, ...] = (self.mapping, self.fixes, self.rows, self.lengths)
        self.tabs = W.Tab(self.parts, titles=_TABS, layout=wide())
        self.tabs.observe(lambda _: self._opened(), "selected_index")
        self.children = (self.toggle, self.reason, self.tabs)

    def turn(self) -> None:
        """The method's verdict, and what each tab has to say about it."""
        self.toggle.options = method_labels(self.report)
        self.toggle.value = self.method
        self.reason.value = status_line(self.report, self.method)
        for part in self.parts:
            part.show(self.report, self.method)

    def settle(self) -> None:
        """Each tab knows what cannot be used."""
        for part in self.parts:
            part.settle()

    def _toggled(self, method: str) -> None:
        if not self._filling:
            self.panel.attempt(partial(self.panel.show_method, method))

    def _opened(self) -> None:
        """Rows are read for who looks at them."""
        self.rows.open_tab = self.tabs.selected_index == _TABS.index("Rows")
        if self.rows.open_tab and self.rows.report is not None:
            self.panel.attempt(partial(self.panel.show_row, self.rows.number.value))
