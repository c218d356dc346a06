"""The fixes on offer, each with a look at what it does to the rows concerned."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import ipywidgets as W  # noqa: N812

from hfft_widgets.core.data.views_rows import Change, changes_view
from hfft_widgets.core.data.views_words import effects_of, rows_of, safe, shown
from hfft_widgets.core.html import el
from hfft_widgets.core.units import plural
from hfft_widgets.widgets.data_parts import Part, show_part, wrapped

if TYPE_CHECKING:
    from hfft_widgets.widgets.data import DatasetValidator


class FixesPart(Part):
    """A line, two buttons and a folded preview per fix."""

    def __init__(self, panel: DatasetValidator) -> None:
        super().__init__(panel)
        self.buttons: list[W.Button] = []
        self.previews: dict[int, W.HTML] = {}

    def fill(self) -> None:
        """One entry per finding that has a fix."""
        self.panel.release(self.buttons)
        self.buttons, self.previews = [], {}
        entries = [self._entry(n) for n, finding in enumerate(self.report.findings) if finding.fix]
        left = len(self.report.findings) - len(entries)
        note = W.HTML()
        without = f"{plural(left, 'finding')} can only be corrected at the source." if left else ""
        nothing = "" if self.report.findings else "Nothing was found that would need a fix."
        show_part(note, el("div", without or nothing, class_="fix") if without or nothing else None)
        self.children = (*entries, note)

    def _entry(self, index: int) -> W.VBox:
        finding = self.report.findings[index]
        words = W.HTML()
        where = el("div", f"{plural(finding.count, 'row')} · {effects_of(finding)} · {rows_of(finding)}", class_="fix")
        show_part(words, el("b", safe(finding.message)), where)
        apply = self.panel.button(
            shown(finding.fix.label), partial(self.panel.apply_fix, index), doing="Applying the fix", icon="wrench"
        )
        look = self.panel.button(
            "Preview", partial(self.panel.preview_fix, index), doing="Reading the rows", icon="eye"
        )
        self.buttons += [apply, look]
        self.previews[index] = W.HTML()
        return W.VBox([words, wrapped(apply, look), self.previews[index]])

    def show_preview(self, index: int, made: list[Change]) -> None:
        """Rows before and after; a second look folds them away."""
        slot = self.previews[index]
        show_part(slot, None if slot.value else changes_view(made))
