"""What a run printed, for who opens it: it can be scrolled, read and selected while it grows."""

from __future__ import annotations

import zlib
from collections import Counter

from hfft_widgets.core.html import Markup, el
from hfft_widgets.widgets.panel import Panel

LOG_LINES = 200


class LogPart:
    """The log below a run: closed, nothing of it travels; open, its new lines do.

    Args:
        panel: Whose part it is.
    """

    def __init__(self, panel: Panel) -> None:
        self._panel = panel
        self.open = False
        panel.can("log", self.toggle, always=True)

    def toggle(self) -> None:
        """Open it, or close it."""
        self.open = not self.open

    def view(self, log: str) -> Markup:
        """The button, and the last lines below it."""
        toggle = self._panel.form.button("What it printed", "log", expanded=self.open, always=True)
        return el("div", toggle, _lines(log) if self.open else None, class_="log", data_key="log")


def _lines(log: str) -> Markup:
    """Each line is an element with a name of its own: those that stay are not touched, and keep a selection."""
    seen: Counter[str] = Counter()
    made = []
    for line in log.splitlines()[-LOG_LINES:] or ["nothing yet"]:
        seen[line] += 1
        made.append(el("span", line + "\n", data_key=f"{zlib.crc32(line.encode()):x}.{seen[line]}"))
    return el("pre", el("code", made), tabindex=0, role="log", aria_label="What it printed", aria_live="off")
