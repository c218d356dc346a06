"""One plotly figure in a page, in the host's colours: points that can be clicked, and a line that can be dragged."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import traitlets as T  # noqa: N812 - the usual short name

from hfft_widgets.core.html import Markup, el
from hfft_widgets.widgets.plotly_page import PlotlyWidget
from hfft_widgets.widgets.surface import loader


class Chart(PlotlyWidget):
    """A figure of plain values, as wide as its place. What it shows also stands beside it, in words or as a table.

    A colour of the figure may be a name of the stylesheet, e.g. "--acc": the page knows what it is there.

    Args:
        clicked: Called with the `customdata` of a point that was clicked; points without any cannot be.
        moved: Called with the whole number at which the line stands, while it is dragged and at the end.
        **traits: Initial values of the traits.

    Attributes:
        figure: `{"data": [...], "layout": {...}}`; texts as plotly reads them, so `<` is written `&lt;`.
        label: What it shows, for people who cannot see it.
        line: Where on the horizontal axis the line stands; None: there is none.
        line_words: What stands beside the line, before its number.
    """

    _esm = loader("plotly_page", "chart")
    figure = T.Dict({"data": [], "layout": {}}).tag(sync=True)
    label = T.Unicode("").tag(sync=True)
    line = T.Int(None, allow_none=True).tag(sync=True)
    line_words = T.Unicode("").tag(sync=True)

    def __init__(
        self, *, clicked: Callable[[Any], Any] | None = None, moved: Callable[[int], Any] | None = None, **traits: Any
    ) -> None:
        self._clicked, self._moved = clicked, moved
        super().__init__(**traits)

    def show(self, **traits: Any) -> None:
        """Show another figure, label or place of the line; what is as before is not sent."""
        with self.hold_sync():
            for name, value in traits.items():
                setattr(self, name, value)

    def _answer(self, _widget: object, message: Mapping[str, Any], _buffers: object) -> None:
        """What a person did; what else a page asks."""
        if self._clicked and "click" in message:
            self._clicked(message["click"])
        elif self._moved and isinstance(message.get("line"), int):
            self._moved(message["line"])
        else:
            super()._answer(_widget, message, _buffers)


def slot(chart: Chart) -> Markup:
    """Where the page puts a chart."""
    key = f"plot {chart.model_id}"
    return el("div", data_widget=chart.model_id, class_="plot-slot", style=f"min-height:{chart.height}px", data_key=key)
