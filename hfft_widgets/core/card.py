"""How a result shows itself: its values, rendered by `hfft_widgets.cards`, which nothing here knows."""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib import import_module
from typing import Any, Literal

Detail = Literal["plain", "card"]
"""`plain`: what is kept of a result; `card`: beside it, under "card", what only its card shows."""


class HasCard:
    """A result that shows itself as text, Markdown and HTML, all from `to_dict("card")`."""

    __slots__ = ()

    def to_dict(self, detail: Detail = "plain") -> dict[str, Any]:
        """JSON values; with "card" also what only the card shows."""
        raise NotImplementedError

    def __str__(self) -> str:
        return self._rendered("text")

    def to_markdown(self) -> str:
        """The result as Markdown, for a README or an issue."""
        return self._rendered("markdown")

    def to_html(self) -> str:
        """The card, safe markup, for a page that has its stylesheet already (`_repr_html_` brings it)."""
        return self._rendered("part")

    def _repr_html_(self) -> str:
        # a plain text: marimo shows nothing of a subclass
        return str(self._rendered("html"))

    def _rendered(self, form: str) -> str:
        # by name: the cards stand above the core, and import it
        rendered: str = import_module("hfft_widgets.cards").render(self.to_dict("card"), form)
        return rendered


def figure_of(result: HasCard) -> Any:
    """The chart that a result's card draws, as a `plotly.graph_objects.Figure`."""
    values = import_module("hfft_widgets.cards").figure(result.to_dict("card"))
    return import_module("plotly.graph_objects").Figure(values)


def with_card(values: Mapping[str, Any], **card: Any) -> dict[str, Any]:
    """The values with what only the card shows, as JSON gives them back (a tuple is a list there)."""
    joined: dict[str, Any] = json.loads(json.dumps({**values, "card": card}))
    return joined
