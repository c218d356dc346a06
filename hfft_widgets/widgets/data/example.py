"""The mapping by example: a row is shown, and the person clicks the text that is the question, then the answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hfft_widgets.cards.parts import icon
from hfft_widgets.cards.report import mapping as card
from hfft_widgets.cards.report.words import safe, shown
from hfft_widgets.core.html import Markup, el, join
from hfft_widgets.core.method import METHODS
from hfft_widgets.errors import DataError
from hfft_widgets.widgets.form import Form, actions

if TYPE_CHECKING:
    from hfft_widgets.core.data.mapping.column_mapping import ColumnMapping
    from hfft_widgets.core.data.report import ValidationReport

_WORDS = {
    "prompt": "the question", "completion": "the answer", "chosen": "the better answer",
    "rejected": "the worse answer", "answer": "the right answer",
}  # fmt: skip
_MOST_TEXTS, _CHARACTERS = 60, 400


class ExamplePart:
    """The texts of one row, each a button, and what comes of those that were clicked."""

    def __init__(self) -> None:
        self._report: ValidationReport | None = None
        self._method, self.number = "", 0
        self._texts: list[tuple[str, str]] = []
        self._picked: dict[str, int] = {}
        self._found: tuple[dict[str, int], ColumnMapping] | None = None

    def show(self, report: ValidationReport, method: str, number: int = 0) -> None:
        """Another report, method or row: nothing is clicked yet."""
        self._report, self._method, self.number = report, method, number
        self._texts, self._picked = report.pointable(number)[:_MOST_TEXTS], {}
        self._found = None

    @property
    def targets(self) -> tuple[str, ...]:
        """What the method wants to be shown, in order."""
        layouts = METHODS[self._method].layouts
        return next(layout for layout in layouts if "prompt" in layout and "label" not in layout)

    @property
    def wanted(self) -> str | None:
        """What is to be clicked next; None: everything was."""
        return next((target for target in self.targets if target not in self._picked), None)

    def point(self, place: int) -> None:
        """Click a text: it is what was asked for; a second click takes it back."""
        again = [target for target, picked in self._picked.items() if picked == place]
        if again:
            del self._picked[again[0]]
        elif self.wanted is not None and 0 <= place < len(self._texts):
            self._picked[self.wanted] = place

    @property
    def mapping(self) -> ColumnMapping:
        """The mapping that follows from what was clicked; raises DataError where there is none."""
        if self._report is None or self.wanted is not None:
            raise DataError("Not everything was clicked yet.", remedy=f"Click {_WORDS[self.wanted or 'prompt']}.")
        picked = dict(self._picked)
        if self._found is None or self._found[0] != picked:  # once for each choice, not at every drawing
            self._found = picked, self._report.by_places(self._method, self.number, picked)
        return self._found[1]

    @property
    def ready(self) -> bool:
        """Whether all is clicked, and the method takes what is made so."""
        if self._report is None or self.wanted is not None:
            return False
        try:
            return bool(self.mapping)
        except DataError:
            return False

    def button(self, form: Form, *, primary: bool = False) -> Markup:
        """The button that uses what was clicked."""
        return form.button(f"Use this mapping for {self._method}", "use_example", primary=primary)

    def view(self, form: Form) -> Markup:
        """What is asked, the row's texts, and three rows as they become; the button is the panel's next action."""
        if self.wanted:
            asked = el("div", icon("info"), " Click ", el("b", _WORDS[self.wanted]), f" in row {self.number:,}.",
                       role="status", data_key="asked")  # fmt: skip
        else:
            asked = el("div", icon("ok"), " Everything is clicked: look at the rows below.", role="status",
                       data_key="asked")  # fmt: skip
        texts = [self._text(form, place) for place in range(len(self._texts))]
        other = form.button("Another row", "example_row", quiet=True)
        return join([asked, el("div", texts, class_="pointable"), actions(other), self._made()])

    def _text(self, form: Form, place: int) -> Markup:
        words, text = self._texts[place]
        taken = next((target for target, picked in self._picked.items() if picked == place), None)
        tag = el("span", _WORDS[taken], class_="tag") if taken else None
        return el(
            "button", el("span", safe(words, 80), class_="sub"), tag, el("span", shown(text, _CHARACTERS), dir="auto"),
            type="button", class_="point", data_do=form.prefix + "point", data_value=place, data_key=f"point {place}",
            aria_pressed="true" if taken else "false",
        )  # fmt: skip

    def _made(self) -> Markup | None:
        if self._report is None or self.wanted is not None:
            return None
        try:
            mapping = self.mapping
            rows = card.html(self._report.preview(mapping))
        except DataError as error:
            return el("div", icon("warn"), " ", str(error), class_="fix")
        return join([el("div", safe(mapping.words, 300), class_="fix"), rows])
