"""What a validation found, as one frozen value that renders itself, and the function that makes it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any

from hfft_widgets.core.data.examine import Examination, examine, findings, prepared
from hfft_widgets.core.data.fixes import Fix
from hfft_widgets.core.data.mapping import ColumnMapping
from hfft_widgets.core.data.methods import FITS, Fit
from hfft_widgets.core.data.propose import fit_after, propose
from hfft_widgets.core.data.shapes import Row, Schema, schema_of
from hfft_widgets.core.data.templates import ChatTemplate
from hfft_widgets.core.data.values import METHODS, Finding, Status, Verdict
from hfft_widgets.core.script import comment
from hfft_widgets.errors import DataError, EmptyDatasetError

__all__ = ["METHODS", "Finding", "Progress", "Status", "ValidationReport", "Verdict", "validate_rows"]

Progress = Callable[[int, int], None]

_SAMPLE_ROWS = 1000  # to try a proposed mapping on
_TOLD_EVERY = 1000


@dataclass(frozen=True)
class ValidationReport:
    """Can this be trained on, with which method, and which rows hurt?

    It shows itself as text, Markdown, HTML and JSON values; all of them say the same. Reports never change: mappings
    and fixes make new ones, validated again.

    Attributes:
        name: The dataset's name, for people.
        total: Its rows, before fixes.
        columns: Column -> what it holds, in words.
        verdicts: Method -> verdict.
        findings: What some rows have, the worst first. Of methods that need a mapping nobody agreed to yet, only the
            recommended one's rows are looked at, as the proposed mapping would make them.
        recommended: The method that suits this dataset best, or None if none does.
        mappings: Method -> column mapping, those agreed to.
        fixes: The fixes agreed to, in order.
        reference: Keyword arguments of `datasets.load_dataset` that give a script the same rows, or None.
        statistics: Method -> rows after mapping and fixes, and characters per row of the text the model reads
            (`characters_median`, `characters_p99`, `characters_max`, `characters_total`).
        model: The model whose chat template was asked, or None.
        template: That chat template; "" if the model has none, None if that is not known.
        coverage: Which rows were looked at.
        rows: The rows themselves.
    """

    name: str
    total: int
    columns: Mapping[str, str]
    verdicts: Mapping[str, Verdict]
    findings: tuple[Finding, ...]
    recommended: str | None
    mappings: Mapping[str, ColumnMapping] = field(default_factory=dict)
    fixes: tuple[Fix, ...] = ()
    reference: Mapping[str, Any] | None = None
    statistics: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    model: str | None = None
    template: str | None = field(default=None, repr=False)
    coverage: str = "all rows"
    rows: Sequence[Row] = field(default=(), repr=False, compare=False)

    def with_mapping(self, method: str, mapping: ColumnMapping | None) -> ValidationReport:
        """A new report in which this method gets its rows through this mapping (None: as they are).

        Raises:
            DataError: There is no such method, or the mapping reads a column that the dataset does not have.
        """
        self._verdict(method)
        kept = {name: agreed for name, agreed in self.mappings.items() if name != method}
        if mapping is None:
            return self._again(mappings=kept)
        if missing := mapping.missing(self.columns):
            raise DataError(
                f"The mapping for {method} reads {', '.join(map(repr, missing))}, which {self.name} does not have.",
                remedy=f"Its columns are {', '.join(map(repr, self.columns))}.",
            )
        return self._again(mappings=kept | {method: mapping})

    def with_fixes(self, *fixes: Fix | None) -> ValidationReport:
        """A new report with these fixes after those it has; None (a finding without a fix) and repeats are left out."""
        new = [fix for fix in dict.fromkeys(fixes) if fix is not None and fix not in self.fixes]
        return self._again(fixes=(*self.fixes, *new))

    def without_fixes(self) -> ValidationReport:
        """A new report without any fix."""
        return self._again(fixes=())

    def for_model(self, model: str, template: str) -> ValidationReport:
        """A new report for another model, whose chat template decides; mappings and fixes stay."""
        return self._again(model=model, template=template)

    def _again(self, **changes: Any) -> ValidationReport:
        return _validated(replace(self, **changes))

    def rows_for(self, method: str, limit: int | None = None) -> list[dict[str, Any]]:
        """The rows this method would train on, after its mapping (agreed to or proposed) and fixes.

        Args:
            method: "SFT", "DPO" or "GRPO".
            limit: At most so many; None: all.
        """
        mapping = self._verdict(method).mapping
        numbered = ((number, dict(row)) for number, row in enumerate(self.rows))
        return [row for _, row in islice(prepared(numbered, method, mapping, self.fixes), limit)]

    def code(self, method: str) -> str:
        """Lines of a training script that give `dataset` the same mapping and fixes; "" if there are none."""
        mapping = self._verdict(method).mapping
        fixes = [fix for fix in self.fixes if fix.concerns(method)]
        before, after = ([_fix_code(fix) for fix in fixes if fix.first is first] for first in (True, False))
        mapped = [f"# {method} reads other columns.\n{mapping.code(self.columns)}"] if mapping else []
        return "\n".join([*before, *mapped, *after])

    def _verdict(self, method: str) -> Verdict:
        try:
            return self.verdicts[method]
        except KeyError:
            raise DataError(
                f"There is no method {method!r}.", remedy=f"Choose one of {', '.join(self.verdicts)}."
            ) from None

    def to_dict(self) -> dict[str, Any]:
        """JSON values: everything but the rows and the template."""
        return {
            "name": self.name,
            "total": self.total,
            "columns": dict(self.columns),
            "recommended": self.recommended,
            "verdicts": {method: verdict.to_dict() for method, verdict in self.verdicts.items()},
            "findings": [finding.to_dict() for finding in self.findings],
            "mappings": {method: mapping.to_dict() for method, mapping in self.mappings.items()},
            "fixes": [fix.to_dict() for fix in self.fixes],
            "reference": dict(self.reference) if self.reference is not None else None,
            "statistics": {method: dict(numbers) for method, numbers in self.statistics.items()},
            "model": self.model,
            "coverage": self.coverage,
        }

    def __str__(self) -> str:
        from hfft_widgets.core.data import views

        return views.text(self)

    def to_markdown(self) -> str:
        """The report as Markdown; nothing of the dataset is markup in it."""
        from hfft_widgets.core.data import views

        return views.markdown(self)

    def _repr_html_(self) -> str:
        from hfft_widgets.core.data import views

        return str(views.html(self))


def _fix_code(fix: Fix) -> str:
    return f"# {comment(fix.label)}.\n{fix.code()}"


def validate_rows(
    rows: Iterable[Row],
    *,
    name: str,
    reference: Mapping[str, Any] | None = None,
    model: str | None = None,
    template: str | None = None,
    coverage: str = "all rows",
    progress: Progress | None = None,
) -> ValidationReport:
    """Say for each method whether it can train on these rows, and what is wrong with which of them.

    Args:
        rows: Rows as mappings from column to cell. A sequence (a list, a `datasets.Dataset`) is kept and read
            several times, anything else is read into a list.
        name: The dataset's name, for people.
        reference: Keyword arguments of `load_dataset` that give the same rows.
        model: The model whose chat template is `template`.
        template: The chat template's Jinja source; "": the model has none; None: not known, which the report says.
        coverage: Which rows these are.
        progress: Called with (rows read, all rows) now and then.

    Raises:
        EmptyDatasetError: There is no row.
        ModelError: The template cannot be read.
    """
    kept = rows if isinstance(rows, Sequence) or _readable_again(rows) else list(rows)
    total = len(kept)  # type: ignore[arg-type] # a Dataset is a sequence in all but name
    if not total:
        raise EmptyDatasetError(f"{name} has no row.", remedy="Choose a dataset, split or file with at least one row.")
    empty = ValidationReport(
        name, total, {}, {}, (), None,
        reference=reference, model=model, template=template, coverage=coverage, rows=kept,  # type: ignore[arg-type]
    )  # fmt: skip
    return _validated(empty, progress)


def _readable_again(rows: object) -> bool:
    return hasattr(rows, "__len__") and hasattr(rows, "__getitem__") and hasattr(rows, "__iter__")


# ---- validation ------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Case:
    """One method before a report: what it reads, through which mapping, and whether anybody agreed to that."""

    method: str
    fit: Fit
    mapping: ColumnMapping | None
    open: bool
    reason: str

    @property
    def status(self) -> Status:
        if not self.fit.fits:
            return Status.INCOMPATIBLE
        return Status.NEEDS_MAPPING if self.open else Status.READY


def _validated(report: ValidationReport, progress: Progress | None = None) -> ValidationReport:
    """The report again, from its rows, mappings, fixes and template."""
    template = ChatTemplate(report.template) if report.template else None
    schema = schema_of(_told(report.rows, report.total, progress))
    sample = [dict(row) for row in islice(report.rows, _SAMPLE_ROWS)]
    cases = {
        method: _case(method, schema, sample, report.mappings.get(method), report.template != "") for method in METHODS
    }
    found = {m: _examined(report, case, template) for m, case in cases.items() if case.status is Status.READY}
    verdicts = {method: _verdict(case, found.get(method), report.template) for method, case in cases.items()}
    recommended = _recommended(verdicts)
    if recommended and recommended not in found:
        found[recommended] = _examined(report, cases[recommended], template)
    return replace(
        report,
        columns={name: str(column.shape) for name, column in schema.columns.items()},
        verdicts=verdicts,
        findings=findings(found.values(), report.coverage),
        recommended=recommended,
        statistics={method: examination.statistics for method, examination in found.items()},
    )


def _told(rows: Iterable[Row], total: int, progress: Progress | None) -> Iterator[Row]:
    for number, row in enumerate(rows, 1):
        yield row
        if progress and (number % _TOLD_EVERY == 0 or number == total):
            progress(number, total)


def _case(method: str, schema: Schema, sample: Sequence[Row], agreed: ColumnMapping | None, chat: bool) -> _Case:
    if agreed:
        fit = fit_after(method, agreed, sample)
        return _Case(method, fit, agreed, open=False, reason=fit.reason)
    fit = FITS[method](schema)
    proposed = None if fit.fits else propose(method, schema, sample, chat=chat)
    if proposed is None:
        return _Case(method, fit, None, open=False, reason=fit.reason)
    return _Case(method, fit_after(method, proposed, sample), proposed, open=True, reason=fit.reason)


def _examined(report: ValidationReport, case: _Case, template: ChatTemplate | None) -> Examination:
    rows = ((number, dict(row)) for number, row in enumerate(report.rows))
    return examine(case.method, case.fit, rows, mapping=case.mapping, fixes=report.fixes, template=template)


def _verdict(case: _Case, found: Examination | None, template: str | None) -> Verdict:
    details = list(case.fit.details) if case.fit.fits else []
    if case.open and case.mapping:
        details.insert(0, f"Proposed: {case.mapping.words}.")
    turns = any(part.turns for part in case.fit.parts)
    if turns and template is None and not case.open:
        details.append("Which rows the chat template refuses is not known until a model is chosen.")
    status, reason = case.status, case.reason
    if turns and template == "":
        status, reason = Status.INCOMPATIBLE, f"{reason}, but the model has no chat template"
    elif found and found.rows == 0:
        status, reason = Status.INCOMPATIBLE, "No row is left after the fixes"
    elif found and found.broken:
        of_these = "the only row" if found.rows == 1 else f"{found.broken:,} of {found.rows:,} rows"
        status, reason = Status.BLOCKED_BY_ROWS, f"{reason}, but the trainer stops at {of_these}"
    return Verdict(status, reason, case.mapping, tuple(details))


def _recommended(verdicts: Mapping[str, Verdict]) -> str | None:
    """Pairs of answers are made for DPO; else the method that needs least, SFT before GRPO."""
    usable = {
        method: verdict.status for method, verdict in verdicts.items() if verdict.status is not Status.INCOMPATIBLE
    }
    if "DPO" in usable:
        return "DPO"
    by_effort = sorted(usable, key=lambda method: list(Status).index(usable[method]))  # a stable sort: SFT first
    return by_effort[0] if by_effort else None
