"""Tokens per row, once, and what a limit on them costs, by moving it."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Any

from hfft_widgets.cards.report.lengths import CUT, chart_values, section
from hfft_widgets.cards.report.words import LEARNED_WORDS, length_words
from hfft_widgets.core.html import Markup, el, join
from hfft_widgets.widgets.form import Form, actions, fields

if TYPE_CHECKING:
    from hfft_widgets.core.data.report import ValidationReport
    from hfft_widgets.core.data.token_lengths import Lengths
    from hfft_widgets.widgets.chart import Chart
    from hfft_widgets.widgets.panel import Panel

MAX_LENGTH = 1024  # TRL's default limit in tokens
_HEIGHT = 220  # pixels


class LengthsPart:
    """A limit in the histogram, to drag, slide or type, and the rows and trained tokens that go with it.

    Args:
        panel: Whose fields these are.
        learn: Learns the "answers" of conversations alone, or "all".

    Attributes:
        costs: Says what a limit of so many tokens makes of time and price; "" where no plan tells it.
    """

    def __init__(self, panel: Panel, learn: Callable[[Any], Any]) -> None:
        self.costs: Callable[[int], str] = lambda _: ""
        self._longest = self._top = 0
        self._panel, self._values = panel, panel.values
        panel.has("max_length", MAX_LENGTH, self._moved)
        panel.suggests("max_length", self._moving)
        panel.has("limit", str(MAX_LENGTH), self._typed)
        panel.has("learned", "answers", learn)

    def show(self, report: ValidationReport) -> None:
        """Where the limit stands: where it was chosen, else at TRL's own, else where it cuts nothing."""
        longest = next((lengths.quantile(1.0) for lengths in report.lengths.values()), MAX_LENGTH)
        self._set(report.max_length or max(1, min(MAX_LENGTH, longest)))
        self._values["learned"] = report.learned

    def switch(self, form: Form, report: ValidationReport) -> Markup | None:
        """Which words of conversations are learned, where there is a choice: report and plan follow."""
        method = report.recommended
        if method is None or not report.chooses_learned(method):
            return None
        words = f"{LEARNED_WORDS[report.learns(method)].format(method)}. Plans follow."
        choices = [("Answers only", "answers"), ("Whole conversation", "all")]
        return form.segments("learned", "Learned", choices, help_=words)

    def view(self, form: Form, report: ValidationReport) -> Markup | None:
        """The lengths of the recommended method; what would tell them, where they are not known."""
        method = next(iter(report.lengths), None)
        if method is None:
            words = "Tokens are counted with the model's own tokenizer: name a model above and check again."
            return el("div", words, class_="note") if report.recommended else None
        lengths = report.lengths[method]
        values = lengths.to_dict("card", self._limit)
        costs = el("div", told, class_="fix") if (told := self.costs(self._limit)) else None
        chooser = self._chooser(form, report, lengths)
        return join([section(method, values, self._drawn(method, values) if chooser else None), costs, chooser])

    @cached_property
    def chart(self) -> Chart:
        """The live histogram, made when lengths are first shown."""
        from hfft_widgets.widgets.chart import Chart  # a page opens without it

        return Chart(clicked=self._dragged, moved=self._dragged, height=_HEIGHT, line_words="max_length")

    def _drawn(self, method: str, values: dict[str, Any]) -> Markup | None:
        """Where the page puts the histogram; a single bar is no picture."""
        from hfft_widgets.widgets.chart import slot

        drawn = chart_values(method, values)
        if len(drawn["data"][0]["x"]) < 2:
            return None
        self._longest, self._top = values["max"], drawn["layout"]["xaxis"]["range"][1]
        label = f"Rows by tokens for {method}. {'. '.join(length_words(method, values))}."
        layout = {**drawn["layout"], "margin": {"t": 36}, "showlegend": False}
        self.chart.show(figure={"data": list(map(_coloured, drawn["data"])), "layout": layout}, label=label,
                        line=self._limit)  # fmt: skip
        return slot(self.chart)

    def _dragged(self, tokens: Any) -> None:
        """At the right end stands what cuts nothing."""
        self._moving(str(max(1, self._longest if tokens >= self._top - 1 else int(tokens))))

    def _chooser(self, form: Form, report: ValidationReport, lengths: Lengths) -> Markup | None:
        """Where every row is as long as every other, there is nothing to choose."""
        longest, limit = lengths.quantile(1.0), self._limit
        if lengths.quantile(0.0) == longest and report.max_length is None:
            return None
        use = form.button("Plan with this limit", "limit", value=limit, off=report.max_length == limit)
        slider = form.slider("max_length", "Cut rows after (max_length)", 1, max(longest, limit), limit)
        chooser = fields(slider, form.text("limit", "Tokens", number=True), actions(use))
        return el("div", chooser, class_="limit-row")

    @property
    def _limit(self) -> int:
        return int(self._values["max_length"])

    def _set(self, tokens: int) -> None:
        self._values["max_length"], self._values["limit"] = tokens, str(tokens)

    def _moved(self, value: str) -> None:
        self._panel.errors.pop("limit", None)
        self._set(int(value))

    def _moving(self, value: str) -> None:
        self._moved(value)
        self._panel.refresh()

    def _typed(self, text: str) -> None:
        digits = text.replace(",", "").strip()
        if not digits.isdigit() or not int(digits):
            self._panel.errors["limit"] = "Type a whole number of tokens, from 1 on."
        else:
            self._set(int(digits))


def _coloured(trace: dict[str, Any]) -> dict[str, Any]:
    colour = "--c1" if trace["name"].endswith(CUT) else "--c0"
    marker = trace.get("marker", {})
    pattern = {**marker.get("pattern", {}), "fgcolor": "--bg"}
    return {**trace, "marker": {**marker, "color": colour, **({"pattern": pattern} if "pattern" in marker else {})}}
