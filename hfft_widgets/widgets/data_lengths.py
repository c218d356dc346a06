"""What a limit on tokens costs, by moving it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import ipywidgets as W  # noqa: N812

from hfft_widgets.core.data.values import MAX_LENGTH
from hfft_widgets.core.data.views_lengths import section
from hfft_widgets.core.html import el
from hfft_widgets.widgets.data_parts import LABEL, Part, show_part, visible, wide

if TYPE_CHECKING:
    from hfft_widgets.widgets.data import DatasetValidator


class LengthsPart(Part):
    """A slider for max_length, and the rows and trained tokens that go with it."""

    def __init__(self, panel: DatasetValidator) -> None:
        super().__init__(panel)
        self.max_length = W.IntSlider(
            value=MAX_LENGTH, min=1, max=MAX_LENGTH, description="max_length", style=LABEL, layout=wide()
        )
        self.max_length.observe(lambda _: self._moved(), "value")
        self.use_button = panel.button(
            "Plan with this limit", self._use, doing="Taking the limit", tooltip="Plans cut longer rows there"
        )
        self.use_button.layout.align_self = "flex-start"  # not as wide as the column
        self.words = W.HTML()
        self.children = (self.max_length, self.use_button, self.words)

    def turn(self) -> None:
        """The slider goes as far as the longest row."""
        lengths = self.report.lengths.get(self.method)
        visible(self.max_length, lengths is not None)
        visible(self.use_button, lengths is not None)
        if lengths is not None:
            longest = max(lengths.quantile(1.0), 1)
            self.max_length.max = longest
            self.max_length.value = min(self.report.max_length or MAX_LENGTH, longest)
        self._show()

    def _use(self) -> None:
        self.panel.limit_length(self.max_length.value)

    def _moved(self) -> None:
        if not self._filling:
            self._show()

    def _show(self) -> None:
        lengths = self.report.lengths.get(self.method)
        if lengths is not None:
            show_part(self.words, section(lengths, self.max_length.value))
            return
        known = " and ".join(self.report.lengths)
        words = f"Tokens were counted for {known}, the recommended method." if known else (
            "Tokens are counted with the model's own tokenizer: name a model above and check again."
        )  # fmt: skip
        show_part(self.words, el("div", words, class_="fix"))
