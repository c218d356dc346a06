"""DatasetValidator: check a dataset, apply the mapping and the fixes that the report offers."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import ipywidgets as W  # noqa: N812

from hfft_widgets import api
from hfft_widgets.core.data.values import Status
from hfft_widgets.errors import DataError
from hfft_widgets.widgets.panel import Panel, shown

if TYPE_CHECKING:
    from hfft_widgets.core.data.report import ValidationReport

SAMPLES = ("sample:messages", "sample:prompt_completion", "sample:preference", "sample:verifiable")


class DatasetValidator(Panel):
    """Answers: can this be trained on, with which method, and which rows hurt?

    Args:
        data: Whatever `hfft.validate` takes; shown in the text field if it is a name or path.
        model: Hub id or folder whose chat template decides.
    """

    def __init__(self, data: Any = None, *, model: Any = None) -> None:
        super().__init__()
        self._given = None if data is None or isinstance(data, str) else data
        wide = W.Layout(width="100%", max_width="860px")
        style = {"description_width": "70px"}
        self.dataset = W.Combobox(
            value=data
            if isinstance(data, str)
            else ""
            if data is None
            else f"({type(data).__name__} in this notebook)",
            options=SAMPLES,
            ensure_option=False,
            description="Dataset",
            layout=wide,
            style=style,
            continuous_update=False,
            placeholder="a Hub id, a file (JSON, JSONL, Parquet, CSV), or a sample",
        )
        self.model = W.Text(
            value="" if model is None else str(model),
            description="Model",
            layout=wide,
            style=style,
            continuous_update=False,
            placeholder="optional: a Hub id or folder, e.g. Qwen/Qwen3-0.6B",
        )
        self.dataset.observe(self._forget, "value")
        self.check_button = self.button(
            "Check dataset", self.validate, doing="Opening the dataset", primary=True, icon="check"
        )
        self.cancel_button = W.Button(description="Stop", layout=W.Layout(width="auto", height="32px", display="none"))
        self.cancel_button.on_click(lambda _: self.stop())
        self.observe(lambda change: setattr(self.cancel_button.layout, "display", "" if change.new else "none"), "busy")
        self.top.children = (self.dataset, self.model, W.HBox([self.check_button, self.cancel_button]))
        self._offers: list[W.Button] = []
        self._history: list[ValidationReport] = []

    def _forget(self, _: Any) -> None:
        self._given = None

    @shown
    def validate(self) -> ValidationReport:
        """Check the dataset in the text field (or the object given) and show the report."""
        data = self._given if self._given is not None else self.dataset.value.strip()
        if isinstance(data, str) and not data:
            raise DataError("No dataset is given.", remedy="Type a Hub id, a file or a sample into the field above.")
        report = api.validate(data, model=self.model.value.strip() or None, progress=self.progress)
        self._history = []
        self._accept(report)
        return report

    @shown
    def apply_mapping(self, method: str) -> ValidationReport:
        """Use the mapping that the report proposes for a method."""
        report = self._report()
        mapping = report.verdicts[method].mapping
        if mapping is None:
            raise DataError(f"There is no mapping for {method}.", remedy=f"{report.verdicts[method].reason}.")
        return self._change(report.with_mapping(method, mapping))

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
    def undo(self) -> ValidationReport:
        """Take back the last mapping or fix."""
        if not self._history:
            raise DataError("There is nothing to undo.", remedy="Apply a mapping or a fix first.")
        report = self._history.pop()
        self._accept(report)
        return report

    def _report(self) -> ValidationReport:
        if self.result is None:
            raise DataError("No dataset was checked yet.", remedy="Check one first.")
        report: ValidationReport = self.result
        return report

    def _change(self, report: ValidationReport) -> ValidationReport:
        self._history.append(self._report())
        self._accept(report)
        return report

    def _accept(self, report: ValidationReport) -> None:
        self.card.show(report._repr_html_())
        self.bottom.children = (W.HBox(self._make_offers(report), layout=W.Layout(flex_flow="row wrap")),)
        self.clear_status()
        self.result = report

    def _make_offers(self, report: ValidationReport) -> list[W.Button]:
        """A button per mapping and fix on offer, and one to undo."""
        self._buttons = [b for b in self._buttons if b not in self._offers]
        self._offers = [
            self.button(
                f"Use the mapping for {method}",
                partial(self.apply_mapping, method),
                doing="Applying the mapping",
                icon="random",
                tooltip=verdict.reason,
            )
            for method, verdict in report.verdicts.items()
            if verdict.status is Status.NEEDS_MAPPING and verdict.mapping is not None
        ]
        self._offers += [
            self.button(
                finding.fix.label,
                partial(self.apply_fix, index),
                doing="Applying the fix",
                icon="wrench",
                tooltip=finding.message,
            )
            for index, finding in enumerate(report.findings)
            if finding.fix is not None
        ]
        if self._history:
            self._offers.append(self.button("Undo", self.undo, icon="undo"))
        return self._offers
