"""DatasetValidator: check a dataset, map its columns, fix its rows, look at what the model will see."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import ipywidgets as W  # noqa: N812

from hfft_widgets import api
from hfft_widgets.core.data.values import METHODS
from hfft_widgets.core.data.views_rows import Change, changes
from hfft_widgets.errors import DataError, HfftError
from hfft_widgets.widgets.data_agreed import AgreedPart, OffersPart
from hfft_widgets.widgets.data_details import DetailsPart
from hfft_widgets.widgets.data_parts import Part, visible, wrapped
from hfft_widgets.widgets.data_source import SourcePart
from hfft_widgets.widgets.panel import Panel, shown

if TYPE_CHECKING:
    from hfft_widgets.core.data.mapping import ColumnMapping
    from hfft_widgets.core.data.report import ValidationReport


class DatasetValidator(Panel):
    """Answers: can this be trained on, with which method, and which rows hurt?

    Args:
        data: Whatever `hfft.validate` takes; shown in the text field if it is a name or path.
        model: Hub id or folder whose chat template decides.
    """

    def __init__(self, data: Any = None, *, model: Any = None) -> None:
        super().__init__()
        self.source = SourcePart(data, model)
        self.dataset, self.model = self.source.dataset, self.source.model
        self.config, self.split = self.source.config, self.source.split
        self._history: list[ValidationReport] = []
        self._make_top()
        self._make_bottom()

    def _make_top(self) -> None:
        self.check_button = self.button(
            "Check dataset", self.validate, doing="Opening the dataset", primary=True, icon="check"
        )
        self.all_button = self.button("Check all rows", self.validate_all, doing="Reading all rows", icon="list")
        visible(self.all_button, False)
        self.cancel_button = W.Button(description="Stop", layout=W.Layout(width="auto", height="32px", display="none"))
        self.cancel_button.on_click(lambda _: self.stop())
        self.observe(lambda change: visible(self.cancel_button, change.new), "busy")
        self.top.children = (self.source, wrapped(self.check_button, self.all_button, self.cancel_button))

    def _make_bottom(self) -> None:
        self.offers, self.agreed, self.details = OffersPart(self), AgreedPart(self), DetailsPart(self)
        self._parts: tuple[Part, ...] = (self.offers, self.agreed, self.details)
        self.bottom.children = self._parts
        for part in self._parts:
            visible(part, False)

    # ---- checking -----------------------------------------------------------------------------

    @shown
    def validate(self) -> ValidationReport:
        """Check the dataset in the text field (or the object given): of a Hub dataset the first rows, at once."""
        data = self.source.data
        if isinstance(data, str) and not data:
            raise DataError("No dataset is given.", remedy="Type a Hub id, a file or a sample into the field above.")
        self.source.offer_choices(self._choices(data))
        report = api.validate(
            data,
            model=self.model.value.strip() or None,
            config=self.config.value,
            split=self.split.value,
            sample=True,
            progress=self.progress,
        )
        return self._start_again(report)

    @shown
    def validate_all(self) -> ValidationReport:
        """Check all rows of a dataset of which only the first were seen; mappings and fixes stay."""
        return self._start_again(self._report().full(self.progress))

    def _choices(self, data: Any) -> dict[str, list[str]]:
        try:
            return api.splits(data)
        except HfftError:  # a dataset that cannot be asked may still be read; if not, validate says why
            return {}

    # ---- mappings and fixes -------------------------------------------------------------------

    @shown
    def apply_mapping(self, method: str, mapping: ColumnMapping | None = None) -> ValidationReport:
        """Use this mapping for a method; without one, the one that the report proposes."""
        report = self._report()
        mapping = mapping or report.verdicts[method].mapping
        if mapping is None:
            raise DataError(f"There is no mapping for {method}.", remedy=f"{report.verdicts[method].reason}.")
        return self._change(report.with_mapping(method, mapping))

    @shown
    def remove_mapping(self, method: str) -> ValidationReport:
        """Let a method read the columns as they are."""
        return self._change(self._report().with_mapping(method, None))

    @shown
    def apply_fix(self, index: int) -> ValidationReport:
        """Use the fix of the finding with this index."""
        report = self._report()
        fix = report.findings[index].fix
        if fix is None:
            raise DataError(
                "This finding has no fix that keeps the meaning.", remedy="Correct the rows at their source."
            )
        return self._change(report.with_fixes(fix))

    @shown
    def apply_fixes(self) -> ValidationReport:
        """Use the fixes of all findings."""
        report = self._report()
        return self._change(report.with_fixes(*(finding.fix for finding in report.findings)))

    @shown
    def remove_fix(self, index: int) -> ValidationReport:
        """Take back the fix with this index among those agreed to."""
        report = self._report()
        kept = (*report.fixes[:index], *report.fixes[index + 1 :])
        return self._change(report.without_fixes().with_fixes(*kept))

    @shown
    def preview_fix(self, index: int) -> list[Change]:
        """Show what the fix of the finding with this index does to the first of its rows."""
        report = self._report()
        made = changes(report, report.findings[index])
        self.details.fixes.show_preview(index, made)
        self.clear_status()
        return made

    @shown
    def limit_length(self, tokens: int | None) -> ValidationReport:
        """Let plans cut rows longer than so many tokens; None: by their own rule."""
        return self._change(self._report().with_max_length(tokens))

    @shown
    def undo(self) -> ValidationReport:
        """Take back the last mapping or fix."""
        if not self._history:
            raise DataError("There is nothing to undo.", remedy="Apply a mapping or a fix first.")
        report = self._history.pop()
        self._accept(report)
        return report

    @shown
    def undo_all(self) -> ValidationReport:
        """Take back every mapping and fix; that, too, can be undone."""
        return self._change(self._report().again(mappings={}, fixes=()))

    @property
    def changed(self) -> bool:
        """Whether there is an earlier report to go back to."""
        return bool(self._history)

    # ---- looking ------------------------------------------------------------------------------

    @shown
    def show_method(self, method: str) -> None:
        """Show another method's mapping, lengths, and what its model sees."""
        if method not in self._report().verdicts:
            raise DataError(f"There is no method {method!r}.", remedy=f"Choose one of {', '.join(METHODS)}.")
        self._turn(self._report(), method)

    @shown
    def show_row(self, number: int) -> None:
        """Show a row as it is and as the model sees it."""
        self._report()
        self.details.rows.show_row(number)

    def next_row(self) -> None:
        """Show the next row of the finding picked."""
        self.show_row(self.details.rows.after(1))

    def previous_row(self) -> None:
        """Show the row before of the finding picked."""
        self.show_row(self.details.rows.after(-1))

    def attempt(self, method: Callable[[], object]) -> None:
        """Run a public method for a click at once; its error is shown by itself, and has nobody else to go to."""
        with suppress(Exception):
            method()

    # ---- inside -------------------------------------------------------------------------------

    def release(self, buttons: Iterable[W.Button]) -> None:
        """Forget buttons that are no longer shown."""
        gone = set(buttons)
        self._buttons = [button for button in self._buttons if button not in gone]

    def _enable(self, on: bool) -> None:
        super()._enable(on)
        for part in self._parts:
            part.settle()

    def _report(self) -> ValidationReport:
        if self.result is None:
            raise DataError("No dataset was checked yet.", remedy="Check one first.")
        report: ValidationReport = self.result
        return report

    def _start_again(self, report: ValidationReport) -> ValidationReport:
        self._history = []
        self._accept(report)
        return report

    def _change(self, report: ValidationReport) -> ValidationReport:
        self._history.append(self._report())
        self._accept(report)
        return report

    def _accept(self, report: ValidationReport) -> None:
        same = self.result is not None and report.rows is self.result.rows
        self.result = report  # first: a click on what is shown next needs it
        self.card.show(report._repr_html_())
        visible(self.details, True)
        # the method on show stays until another dataset is checked
        self._turn(report, self.details.method if same else report.recommended or METHODS[0])
        visible(self.all_button, report.sampled)
        self.clear_status()

    def _turn(self, report: ValidationReport, method: str) -> None:
        for part in self._parts:
            part.show(report, method)
