"""DatasetValidator: check a dataset, map its columns, fix its rows, look at what the model will see."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from hfft_widgets import api
from hfft_widgets.cards.proof import lines as proof_lines
from hfft_widgets.cards.report import method_row, methods, preview, top
from hfft_widgets.cards.report.words import lines_of, safe
from hfft_widgets.core.html import Markup, el, join
from hfft_widgets.core.method import METHODS
from hfft_widgets.core.units import count_text, plural
from hfft_widgets.errors import DataError, HfftError, HubError, ModelError
from hfft_widgets.widgets.data.changes import ReportChanges
from hfft_widgets.widgets.data.example import ExamplePart
from hfft_widgets.widgets.data.findings import FindingsPart, all_fixes, changed_view, fixes_of, kept_changes
from hfft_widgets.widgets.data.lengths import LengthsPart
from hfft_widgets.widgets.data.mapping import MappingPart
from hfft_widgets.widgets.data.roles import RolesPart
from hfft_widgets.widgets.data.rows import RowsPart
from hfft_widgets.widgets.data.source import SourcePart
from hfft_widgets.widgets.data.watch import FileWatch
from hfft_widgets.widgets.form import actions
from hfft_widgets.widgets.panel import report_errors

if TYPE_CHECKING:
    from hfft_widgets.core.data.report import ValidationReport

_MAPPING, _EXAMPLE, _ROWS = "mapping", "example", "rows"
_FIELDS = {"dataset": "Dataset", "model": "Model that learns", "config": "Configuration"}


class DatasetValidator(ReportChanges):
    """Answers: can this be trained on, with which method, and which rows hurt?

    Args:
        data: Whatever `hfft.validate` takes; shown in the text field if it is a name or path.
        model: Hub id or folder whose chat template decides.
    """

    title = "Data"

    def __init__(self, data: Any = None, *, model: Any = None) -> None:
        super().__init__()
        self.source = SourcePart(self, data, model)
        self.mapping, self.lengths, self.findings = MappingPart(self), LengthsPart(self, self.learn), FindingsPart()
        self.rows, self.roles, self.example = RowsPart(self, self.show_row), RolesPart(self), ExamplePart()
        self._watch = FileWatch(self.check_again)
        self.method = ""
        self.proof = None
        self.opens = ""  # the method to open once a dataset is checked; "": as it comes
        self._values = dict[str, Any]()
        self._checked: tuple[Any, ...] | None = None
        self.has("tab", _MAPPING, self._opened_tab)
        self.can("validate", self.validate, doing="Opening the dataset")
        self.can("all", self.validate_all, doing="Reading all rows")
        self.can("method", self.show_method)
        self.can_change()
        self.can("point", lambda place: self.example.point(int(place)))
        self.can("example_row", self.next_example)
        self.can("prove", self.prove, doing="Training two steps")
        self.can("split", self.check_split, doing="Comparing the rows")
        self.can("next", self.next_row, always=True)
        self.can("previous", self.previous_row, always=True)

    def opened(self) -> None:
        """What is here to choose from."""
        self.source.suggest()

    # ---- checking -----------------------------------------------------------------------------

    @report_errors
    def validate(self) -> ValidationReport:
        """Check the dataset in the text field (or the object given): of a Hub dataset the first rows, at once."""
        with self._beside_the_field():
            data = self.source.data
            if isinstance(data, str) and not data:
                raise DataError("No dataset is given.", remedy="Type a Hub id or a file, or choose a sample.")
            self.source.offer_choices(self._choices(data))
            report = api.validate(
                data,
                model=self.source.model,
                config=self.values["config"] or None,
                split=self.values["split"] or None,
                sample=True,
                progress=self.progress,
            )
        self.source.remember()
        return self._start_again(report)

    @report_errors
    def validate_all(self) -> ValidationReport:
        """Check all rows of a dataset of which only the first were seen; mappings and fixes stay."""
        return self._start_again(self._report().full(self.progress))

    def check_again(self) -> ValidationReport | None:
        """Check the file anew that was saved; mappings and fixes stay as far as they still apply, and it is said.

        It goes on where it stands: what fails is said, and the last report stays.
        """
        if self.busy or self.stale:
            return None
        before, method = self._report(), self.method
        try:
            report = kept_changes(before, api.validate(self.source.data, model=self.source.model, sample=True))
        except HfftError as error:  # a file that is half written; the next save is looked at as well
            self.set_status("bad", f"The file changed, and cannot be read now: {error.what}")
            return None
        self._history.keep(before)
        self._accept(report)
        self._open(method)
        self.set_status("info", "The file changed: it was checked again.")
        return report

    def _choices(self, data: Any) -> dict[str, list[str]]:
        try:
            return api.splits(data)
        except HfftError:  # a dataset that cannot be asked may still be read; if not, validate says why
            return {}

    @contextmanager
    def _beside_the_field(self) -> Iterator[None]:
        """What cannot be read is said under the field that names it."""
        self.errors.clear()
        try:
            yield
        except (DataError, ModelError, HubError) as error:
            model = self.source.model
            about_model = isinstance(error, ModelError) or (model is not None and model in error.what)
            field = "model" if about_model else "config" if self.source.undecided else "dataset"
            self.errors[field] = str(error)
            raise

    def show_error(self, error: Exception) -> None:
        """An error that stands under its field is only pointed at here."""
        named = next((words for field, words in _FIELDS.items() if self.errors.get(field) == str(error)), None)
        if named is None:
            return super().show_error(error)
        self.error = error
        return self.set_status("bad", f"Not checked: see “{named}” above.")

    # ---- looking ------------------------------------------------------------------------------

    @report_errors
    def show_method(self, method: str) -> None:
        """Open a method: its mapping, and what its model sees; the one that is open is closed."""
        if method not in self._report().verdicts:
            raise DataError(f"There is no method {method!r}.", remedy=f"Choose one of {', '.join(METHODS)}.")
        self._open("" if method == self.method else method)

    @report_errors
    def show_row(self, number: int) -> None:
        """Show a row as it is and as the model sees it."""
        report = self._report()
        if not self.method:
            self._open(report.recommended or next(iter(METHODS)))
        self.values["tab"] = _ROWS
        self.rows.read(self.method, number)
        self.clear_status()

    def next_row(self) -> None:
        """Show the next row of the finding chosen."""
        self.show_row(self.rows.after(1))

    def previous_row(self) -> None:
        """Show the row before of the finding chosen."""
        self.show_row(self.rows.after(-1))

    def next_example(self) -> None:
        """Show the next row to click in."""
        report = self._report()
        self.example.show(report, self.method, (self.example.number + 1) % report.total)

    # ---- how it looks -------------------------------------------------------------------------

    def body(self) -> Markup:
        """The fields; below them the report, whose list of methods and findings are the controls."""
        return join([el("div", self.source.view(self.form), data_key="source"), self._card()])

    def report(self) -> Markup:
        """The report's card."""
        return Markup(self.result.to_html()) if self.result is not None else Markup()

    def summary(self) -> str:
        """E.g. "python-docs, 2,511 rows, ready for SFT"."""
        if self.result is None:
            return ""
        method = self.result.recommended
        ready = method and self.result.verdicts[method].status == "READY"
        words = f"ready for {method}" if ready else f"{method} after a change" if method else "no method fits"
        return f"{self.result.name}, {plural(self.result.total, 'row')}, {words}"

    def figures(self) -> list[Markup]:
        """Rows and what they are ready for."""
        if self.result is None:
            return []
        return [
            el("span", el("b", count_text(self.result.total)), " rows"),
            el("span", self.summary().rpartition(", ")[2]),
        ]

    def next_action(self) -> Markup | None:
        """Check; then what most people want of what was found."""
        form, report = self.form, self.result
        if self.stale:
            return form.button("Check dataset", "validate", primary=True)
        if self.method and self.values["tab"] == _EXAMPLE and self.example.ready:
            return self.example.button(form, primary=True)
        if self._mapping_is_next:
            return self.mapping.button(form, primary=True)
        if method := report.offered_mapping:
            return form.button(f"Use the mapping for {method}", "use", value=method, primary=True)
        return all_fixes(form, report, primary=True) if self._fixes_are_next else None

    @property
    def stale(self) -> bool:
        """Whether what stands in the fields was not checked yet."""
        return self.result is None or self.source.asked != self._checked

    @property
    def _fixes_are_next(self) -> bool:
        """Whether nothing can go on before rows are fixed."""
        report = self._report()
        method = report.recommended
        return bool(method and fixes_of(report) and report.verdicts[method].status == "BLOCKED BY ROWS")

    @property
    def _mapping_is_next(self) -> bool:
        """Whether the mapping on show is what comes next: its button stands in the bar then, and only there."""
        return bool(self.method) and self.values["tab"] == _MAPPING and self.method == self._report().offered_mapping

    def _card(self) -> Markup | None:
        report = self.result
        if report is None:
            return None
        values, form = self._values, self.form
        again = form.button("Check again", "validate", quiet=True)
        every = form.button("Check all rows", "all") if report.sampled else None
        help_ = "The installed TRL trains two steps on tiny random weights with rows of each kind"
        prove = form.button("Prove it", "prove", help_=help_) if report.prover and report.recommended else None
        help_ = "Held-out rows that are nearly the same as a row to train on make the score too good"
        split = form.button("Check the split", "split", help_=help_) if report.split_waits else None
        sections = {
            "roles": self.roles.view(form),
            "methods": el("div", self._methods(values), class_="methods"),
            "findings": self.findings.view(form, report, button=not self._fixes_are_next),
            "changes": changed_view(form, report, undo=bool(self._history)),
            "learned": self.lengths.switch(form, report),
            "lengths": self.lengths.view(form, report),
            "proof": proof_lines(self.proof.to_dict()) if self.proof else None,
            "again": join([preview(values), actions(every, prove, split, again)]),
        }
        return el(
            "article", top(values), [el("section", part, data_key=name) for name, part in sections.items() if part],
            class_="hfft mathjax_ignore", aria_label=f"Dataset validation for {report.name}", data_key="card",
        )  # fmt: skip

    def _methods(self, values: Any) -> Markup:
        unusable = bool(self.method) and values["verdicts"][self.method]["status"] == "INCOMPATIBLE"
        return methods(values, lambda method: self._method(values, method), open_=unusable)

    def _method(self, values: Any, method: str) -> Markup:
        """One line of the list: a click opens what belongs to the method, in place."""
        open_ = method == self.method
        line = el(
            "button", method_row(values, method), type="button", class_="row", data_do=self._prefix + "method",
            data_value=method, data_key=f"method {method}", aria_expanded="true" if open_ else "false",
        )  # fmt: skip
        part = self._opened_method(method) if open_ else None
        dim = values["verdicts"][method]["status"] == "INCOMPATIBLE"
        return el("div", line, part, class_="method dim" if dim else "method", data_key=method)

    def _opened_method(self, method: str) -> Markup:
        form = self.form
        parts = [("Columns", _MAPPING), ("By clicking texts", _EXAMPLE), ("Rows, as the model sees them", _ROWS)]
        tabs = form.segments("tab", f"What {method} reads", parts)
        said = "Proposed: ", "Mapped: "  # the lists below say it
        details = [line for line in lines_of(self._values, method)[1:] if not line.startswith(said)]
        if self.values["tab"] == _ROWS:
            part = self.rows.view(form)
        elif self.values["tab"] == _EXAMPLE:
            part = self.example.view(form)
        else:
            part = join(
                [
                    *(el("div", safe(line), class_="fix") for line in details),
                    self.mapping.view(form, method, button=not self._mapping_is_next),
                ]
            )
        return el("div", tabs, part, class_="open")

    # ---- inside -------------------------------------------------------------------------------

    def _start_again(self, report: ValidationReport) -> ValidationReport:
        self._history.clear()
        self.method, self._checked = "", self.source.asked
        self._watch.look_at(self.source.data)
        self._accept(report)
        if self.opens:
            self._open(self.opens)
        return report

    def _accept(self, report: ValidationReport) -> None:
        same = self.result is not None and report.rows is self.result.rows
        self.proof = None
        self.findings.show()
        self.lengths.show(report)
        self.roles.show(report)
        self.rows.show(report)
        self._values = report.to_dict("card")  # made once a report, not at every step of a meter
        self.result = report
        waiting = report.recommended if report.offered_mapping else ""
        self._open(self.method if same else waiting or "")
        self.clear_status()

    def _open(self, method: str) -> None:
        """The method whose columns and rows are on show; "": none."""
        self.method = method
        if method:
            self.mapping.show(self._report(), method)
            self.example.show(self._report(), method)
            if self.values["tab"] == _ROWS:
                self.rows.read(method, self.rows.number)

    def _opened_tab(self, tab: str) -> None:
        """Rows are read for who looks at them."""
        if tab == _ROWS and self.method:
            self.rows.read(self.method, self.rows.number)
