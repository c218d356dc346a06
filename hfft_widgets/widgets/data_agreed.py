"""What can be agreed to in one click, and what was agreed to."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

import ipywidgets as W  # noqa: N812

from hfft_widgets.core.data.views_words import agreements, offered_mapping, safe
from hfft_widgets.core.html import icon
from hfft_widgets.widgets.data_parts import Part, show_part, visible, wrapped

if TYPE_CHECKING:
    from hfft_widgets.widgets.data import DatasetValidator


class OffersPart(Part):
    """What most people want next, in one click."""

    def __init__(self, panel: DatasetValidator) -> None:
        super().__init__(panel)
        self.buttons: list[W.Button] = []

    def fill(self) -> None:
        """A button for the recommended method's mapping, and one for all fixes."""
        self.panel.release(self.buttons)
        self.buttons = []
        if method := offered_mapping(self.report):
            self._offer(
                f"Use the mapping for {method}",
                partial(self.panel.apply_mapping, method),
                "Applying the mapping",
                "random",
            )
        count = sum(finding.fix is not None for finding in self.report.findings)
        if count:
            label = "Apply the fix" if count == 1 else f"Apply all {count} fixes"
            self._offer(label, self.panel.apply_fixes, "Applying the fixes", "wrench")
        self.children = (wrapped(*self.buttons),)
        visible(self, bool(self.buttons))

    def _offer(self, label: str, method: Callable[[], object], doing: str, icon: str) -> None:
        primary = not self.buttons
        self.buttons.append(self.panel.button(label, method, doing=doing, icon=icon, primary=primary))


class AgreedPart(Part):
    """What was agreed to, each with a button that takes it back."""

    def __init__(self, panel: DatasetValidator) -> None:
        super().__init__(panel)
        self.buttons: list[W.Button] = []
        self.undo_button = panel.button("Undo", panel.undo, icon="undo", tooltip="Take back the last change")
        self.undo_all_button = panel.button("Undo all", panel.undo_all, tooltip="The dataset as it was given")
        self.entries = W.VBox()
        self.children = (self.entries, wrapped(self.undo_button, self.undo_all_button))

    def fill(self) -> None:
        """One line per mapping and fix."""
        self.panel.release(self.buttons)
        undo = [partial(self.panel.remove_mapping, method) for method in self.report.mappings]
        undo += [partial(self.panel.remove_fix, index) for index in range(len(self.report.fixes))]
        self.buttons = [self.panel.button("Take back", method, icon="times") for method in undo]
        listed = zip(agreements(self.report), self.buttons, strict=True)
        self.entries.children = tuple(self._entry(words, button) for words, button in listed)

    def _entry(self, words: str, button: W.Button) -> W.HBox:
        line = W.HTML()
        show_part(line, icon("ok"), " ", safe(words, 300))
        return wrapped(line, button)

    def settle(self) -> None:
        """Without an earlier report there is nothing to go back to."""
        agreed = bool(self.buttons)
        visible(self, agreed or self.panel.changed)
        self.undo_button.disabled = self.panel.busy or not self.panel.changed
        self.undo_all_button.disabled = self.panel.busy or not agreed
