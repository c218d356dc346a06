"""The mapping, by clicking: for each column a trainer reads, where its values come from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ipywidgets as W  # noqa: N812

from hfft_widgets.core.data.views_mapping import Field, Layout, layouts
from hfft_widgets.core.data.views_rows import mapping_view
from hfft_widgets.core.data.views_words import shown
from hfft_widgets.core.html import el, fold
from hfft_widgets.widgets.data_parts import LABEL, Part, show_part, wide, wrapped

if TYPE_CHECKING:
    from hfft_widgets.core.data.mapping import ColumnMapping
    from hfft_widgets.widgets.data import DatasetValidator

_PREVIEWED_ROWS = 3


class MappingPart(Part):
    """The columns of one method, a list of choices for each, and three rows before and after."""

    def __init__(self, panel: DatasetValidator) -> None:
        super().__init__(panel)
        self._layouts: tuple[Layout, ...] = ()
        self._rows: tuple[Any, list[dict[str, Any]]] = (None, [])
        self.columns = W.Dropdown(description="Columns", layout=wide(), style=LABEL)
        self.columns.observe(lambda _: self._choose_layout(), "value")
        self.fields = W.VBox()
        self.preview = W.HTML()
        self.apply_button = panel.button("Use this mapping", self._apply, doing="Applying the mapping", icon="check")
        self.reset_button = panel.button("Read the columns as they are", self._reset, doing="Taking the mapping back")
        self.children = (self.columns, self.fields, wrapped(self.apply_button, self.reset_button), self.preview)

    @property
    def mapping(self) -> ColumnMapping | None:
        """The mapping that is chosen; None while a column has nothing to fill it."""
        if not self._layouts or not self.layout_chosen.usable:
            return None
        return self.layout_chosen.mapping(self.report, [picker.value for picker in self.fields.children])

    @property
    def layout_chosen(self) -> Layout:
        """The columns to fill."""
        return self._layouts[self.columns.value]

    def turn(self) -> None:
        """The method's columns, the proposed choices first."""
        self._layouts = layouts(self.report, self.method)
        self.columns.options = [(layout.label, number) for number, layout in enumerate(self._layouts)]
        self.columns.value = 0
        self._make_fields()
        self._show()

    def settle(self) -> None:
        """What is agreed to already cannot be agreed to again."""
        agreed = self.report.mappings.get(self.method) if self.report else None
        self.apply_button.description = f"Use this mapping for {self.method}"
        mapping = self.mapping
        nothing_new = mapping is None or not mapping.words or mapping == agreed
        self.apply_button.disabled = self.panel.busy or nothing_new
        self.reset_button.disabled = self.panel.busy or agreed is None

    def _choose_layout(self) -> None:
        if not self._filling:
            with self.filling():
                self._make_fields()
            self._changed()

    def _make_fields(self) -> None:
        for picker in self.fields.children:
            picker.close()
        self.fields.children = tuple(map(self._picker, self.layout_chosen.fields))

    def _picker(self, field: Field) -> W.Dropdown:
        options: list[tuple[str, Any]] = [(shown(choice.label), choice.pick) for choice in field.choices]
        picker = W.Dropdown(
            options=options or [("nothing fits", None)], description=field.target, layout=wide(), style=LABEL
        )
        picker.disabled = not field.choices
        picker.observe(lambda _: self._changed(), "value")
        return picker

    def _changed(self) -> None:
        if not self._filling:
            self._show()
            self.settle()

    def _show(self) -> None:
        mapping = self.mapping
        if mapping is None:
            self._say(f"{self.method} needs a column that nothing here can fill.")
        elif not mapping.words:
            self._say(f"Nothing to do: {self.method} reads these columns under these names.")
        else:
            code = el("pre", el("bdi", mapping.code(self.report.columns)), class_="code")
            show_part(self.preview, mapping_view(mapping, self._first_rows()), fold("As Python", code))

    def _say(self, words: str) -> None:
        show_part(self.preview, el("div", words, class_="fix"))

    def _first_rows(self) -> list[dict[str, Any]]:
        """The first rows, read once per dataset."""
        rows = self.report.rows
        if self._rows[0] is not rows:
            self._rows = (rows, rows.take(range(min(_PREVIEWED_ROWS, self.report.total))))
        return self._rows[1]

    def _apply(self) -> None:
        self.panel.apply_mapping(self.method, self.mapping)

    def _reset(self) -> None:
        self.panel.remove_mapping(self.method)
