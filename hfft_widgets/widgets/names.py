"""Names that could be meant while one is typed: those known here at once, the Hub's when they come."""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import TYPE_CHECKING

from hfft_widgets import choices
from hfft_widgets.errors import HubError

if TYPE_CHECKING:
    from hfft_widgets.choices import Kind
    from hfft_widgets.widgets.panel import Panel


class Names:
    """The suggestions of one field.

    The Hub is asked in the background, one question at a time: of what is typed meanwhile only the last.

    Args:
        panel: Whose field it is.
        kind: What the field names; the field is called so too.
    """

    def __init__(self, panel: Panel, kind: Kind) -> None:
        self._panel, self._kind = panel, kind
        self._text: str | None = None
        self._asking: threading.Thread | None = None
        self._lock = threading.Lock()
        self.offered: list[str] = []
        panel.suggests(kind, self.suggest)

    def suggest(self, text: str = "") -> None:
        """Offer what could be meant by what is being typed."""
        self._offer(text, [])
        if not text.strip():
            return
        with self._lock:
            self._text = text
            if self._asking is None:
                self._asking = threading.Thread(target=self._ask, name="hfft-names", daemon=True)
                self._asking.start()

    def remember(self, name: object) -> None:
        """What was of use is suggested first from now on."""
        if isinstance(name, str) and name:
            choices.remember(self._kind, name)
            self.offered = choices.suggestions(self._kind)

    def _ask(self) -> None:
        while (text := self._next()) is not None:
            with suppress(HubError):  # a suggestion less
                found = choices.hub_names(self._kind, text)
                if found and self._text is None:
                    self._offer(text, found)

    def _next(self) -> str | None:
        with self._lock:
            text, self._text = self._text, None
            if text is None:
                self._asking = None
            return text

    def _offer(self, text: str, found: list[str]) -> None:
        self.offered = list(dict.fromkeys((*choices.suggestions(self._kind, text), *found)))
        self._panel.refresh()
