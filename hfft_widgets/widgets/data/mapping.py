"""The mapping, by clicking: for each column a trainer reads, where its values come from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hfft_widgets.cards.parts import fold, icon
from hfft_widgets.cards.report import mapping as card
from hfft_widgets.cards.report.words import shown
from hfft_widgets.core.html import Markup, el, join
from hfft_widgets.widgets.form import Form, actions, fields

if TYPE_CHECKING:
    from hfft_widgets.core.data.mapping.column_mapping import ColumnMapping
    from hfft_widgets.core.data.mapping.form import Layout
    from hfft_widgets.core.data.mapping.transforms import Transform
    from hfft_widgets.core.data.report import ValidationReport
    from hfft_widgets.widgets.panel import Panel

_MOST_FIELDS = 4
CHOOSE = "choose a column"


class MappingPart:
    """The columns of one method, a list of choices for each, and three rows before and after."""

    def __init__(self, panel: Panel) -> None:
        self._values = panel.values
        self._report: ValidationReport | None = None
        self._layouts: tuple[Layout, ...] = ()
        self._before_after: tuple[Any, Markup] = (None, Markup())
        panel.has("columns", "0", lambda _: self._fill())
        for number in range(_MOST_FIELDS):
            panel.has(f"field{number}", "")

    def show(self, report: ValidationReport, method: str) -> None:
        """The method's columns, the proposed choices first."""
        self._report, self._layouts = report, report.layouts(method)
        self._values["columns"] = "0"
        self._fill()

    @property
    def layout(self) -> Layout:
        """The columns to fill."""
        return self._layouts[int(self._values["columns"])]

    @property
    def mapping(self) -> ColumnMapping | None:
        """The mapping that is chosen; None while something is missing."""
        if self._report is None or self.missing:
            return None
        return self.layout.mapping(self._report.schema, [one for one in self._chosen().values() if one is not None])

    @property
    def missing(self) -> str:
        """What keeps the choice from being a mapping, as a sentence; "": nothing."""
        if not self._layouts:
            return "There are no columns to choose."
        from hfft_widgets.core.data.mapping.form import conflict  # a page opens without it

        chosen = self._chosen()
        if empty := [f"'{target}'" for target, transform in chosen.items() if transform is None]:
            return f"Choose where {' and '.join(empty)} {'comes' if len(empty) == 1 else 'come'} from."
        if alike := conflict(chosen):
            return f"'{alike[0]}' and '{alike[1]}' read the same: choose another column for one of them."
        return ""

    @property
    def usable(self) -> bool:
        """Whether the choice is a mapping, and not the one in use."""
        mapping = self.mapping
        return mapping is not None and bool(mapping.words) and mapping != self._agreed

    @property
    def _agreed(self) -> ColumnMapping | None:
        assert self._report is not None
        return self._report.mappings.get(self.layout.method)

    def _chosen(self) -> dict[str, Transform | None]:
        places = (str(self._values[f"field{number}"]) for number in range(len(self.layout.fields)))
        return {
            field.target: field.choices[int(place)].transform if place and int(place) < len(field.choices) else None
            for field, place in zip(self.layout.fields, places, strict=True)
        }

    def _fill(self) -> None:
        """What is proposed or likely is chosen already, and no source twice."""
        for number, place in enumerate(self.layout.defaults()):
            self._values[f"field{number}"] = "" if place is None else str(place)

    def button(self, form: Form, *, primary: bool = False) -> Markup:
        """Uses the mapping; it rests while something is missing."""
        words = f"Use this mapping for {self.layout.method}"
        return form.button(words, "map", off=not self.usable, primary=primary)

    def view(self, form: Form, method: str, *, button: bool) -> Markup:
        """The lists, and what comes of them.

        Args:
            form: The panel's fields.
            method: The method that reads the columns.
            button: Whether the button stands here, too.
        """
        columns = [(layout.label, str(number)) for number, layout in enumerate(self._layouts)]
        lists = [self._list(form, number) for number in range(len(self.layout.fields))]
        use = self.button(form) if button and (self.usable or self.missing) else None
        back = form.button("Read the columns as they are", "unmap", value=method, quiet=True) if self._agreed else None
        return join(
            [
                self._question(form, method),
                fields(
                    form.choice("columns", "Columns to fill", columns, half=True) if len(columns) > 1 else None, *lists
                ),
                self._preview(method),
                actions(use, back) if use or back else None,
            ]
        )

    def _question(self, form: Form, method: str) -> Markup | None:
        """What either answer to the verdict's question would make of two rows of their own, and its two buttons."""
        assert self._report is not None
        proposed = self._report.verdicts[method].mapping
        if proposed is None or not proposed.asks or self._agreed:
            return None
        rows = card.html(self._report.preview(proposed.better("highest"))[:2])
        answers = [form.button(f"The {wins} is better", "better", value=wins) for wins in ("highest", "lowest")]
        return el(
            "div", el("div", "If the highest is:", class_="sub"), rows, actions(*answers),
            role="group", aria_label=proposed.asks, data_key="question",
        )  # fmt: skip

    def _list(self, form: Form, number: int) -> Markup:
        field = self.layout.fields[number]
        options = [(shown(choice.label), str(place)) for place, choice in enumerate(field.choices)]
        return form.choice(
            f"field{number}", field.target, [(CHOOSE if options else "no column fits", ""), *options], half=True
        )

    def _preview(self, method: str) -> Markup:
        mapping = self.mapping
        if mapping is None:
            return el("div", icon("info"), " ", self.missing, class_="fix", role="status", data_key="missing")
        if not mapping.words:
            return el("div", f"Nothing to do: {method} reads these columns under these names.", class_="fix")
        if self._before_after[0] != (mapping, self._report):  # rows are read once, not at every step of a meter
            assert self._report is not None
            code = el("pre", el("bdi", mapping.code(self._report.columns)), class_="code")
            made = join([card.html(self._report.preview(mapping)), fold("As Python", code)])
            self._before_after = (mapping, self._report), made
        return self._before_after[1]
