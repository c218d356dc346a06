"""What a validation found, as one frozen value that renders itself, and the function that makes it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any, cast

from hfft_widgets.core.data.census import Census, Progress
from hfft_widgets.core.data.fitting import Model
from hfft_widgets.core.data.fixes import Fix
from hfft_widgets.core.data.judge import judged
from hfft_widgets.core.data.lengths import Counter, Lengths, remembering
from hfft_widgets.core.data.mapping import MAPPING_ERRORS, ColumnMapping
from hfft_widgets.core.data.preparing import prepared
from hfft_widgets.core.data.reading import numbered
from hfft_widgets.core.data.rows import PythonRows, Rows
from hfft_widgets.core.data.shapes import Row, Schema
from hfft_widgets.core.data.templates import ChatTemplate
from hfft_widgets.core.data.trainers import Reading, Twin
from hfft_widgets.core.data.values import METHODS, Finding, Status, Verdict
from hfft_widgets.core.script import comment
from hfft_widgets.errors import DataError, EmptyDatasetError

__all__ = ["METHODS", "Finding", "Progress", "Status", "ValidationReport", "Verdict", "validate_rows"]


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
        statistics: Method -> rows after mapping and fixes, and bytes (UTF-8) per row of the text the model reads
            (`bytes_median`, `bytes_p99`, `bytes_max`, `bytes_total`).
        model: The model whose chat template was asked, or None.
        template: That chat template; "" if the model has none, None if that is not known.
        tokens: The model's special tokens by name.
        vision: Whether the model reads pictures; None: not known.
        lengths: Method -> tokens per row, for the recommended one; empty without a model.
        coverage: Which rows were looked at.
        max_length: The limit in tokens that a person chose; plans take it over. None: none.
        all_rows: Rows of the whole dataset; None: not known.
        whole: Makes a report on all rows, where this is one on a sample.
        counter: The model's tokenizer, from texts to numbers of tokens, or None.
        rows: The rows themselves.
        schema: What its columns hold.
        census: The pass over the rows, from which new reports are made.
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
    tokens: Mapping[str, str] = field(default_factory=dict, repr=False)
    vision: bool | None = None
    lengths: Mapping[str, Lengths] = field(default_factory=dict, repr=False, compare=False)
    coverage: str = "all rows"
    max_length: int | None = None
    all_rows: int | None = None
    whole: Callable[[Progress | None], ValidationReport] | None = field(default=None, repr=False, compare=False)
    counter: Counter | None = field(default=None, repr=False, compare=False)
    rows: Rows = field(default_factory=lambda: PythonRows([]), repr=False, compare=False)
    schema: Schema = field(default_factory=lambda: Schema({}, 0), repr=False, compare=False)
    census: Census | None = field(default=None, repr=False, compare=False)

    def with_mapping(self, method: str, mapping: ColumnMapping | None) -> ValidationReport:
        """A new report in which this method gets its rows through this mapping (None: as they are).

        Raises:
            DataError: There is no such method, or the mapping reads a column that the dataset does not have.
        """
        self._verdict(method)
        kept = {name: agreed for name, agreed in self.mappings.items() if name != method}
        if mapping is None:
            return self.again(mappings=kept)
        if missing := mapping.missing(self.columns):
            raise DataError(
                f"The mapping for {method} reads {', '.join(map(repr, missing))}, which {self.name} does not have.",
                remedy=f"Its columns are {', '.join(map(repr, self.columns))}.",
            )
        return self.again(mappings=kept | {method: mapping})

    def with_fixes(self, *fixes: Fix | None) -> ValidationReport:
        """A new report with these fixes after those it has; None (a finding without a fix) and repeats are left out."""
        new = [fix for fix in dict.fromkeys(fixes) if fix is not None and fix not in self.fixes]
        return self.again(fixes=(*self.fixes, *new))

    def without_fixes(self) -> ValidationReport:
        """A new report without any fix."""
        return self.again(fixes=())

    def with_max_length(self, tokens: int | None) -> ValidationReport:
        """A new report whose plans cut longer rows at so many tokens; None: by the plan's own rule.

        Raises:
            DataError: It is no whole number of at least 1.
        """
        if tokens is not None and (isinstance(tokens, bool) or not isinstance(tokens, int) or tokens < 1):
            raise DataError(f"max_length is {tokens!r}.", remedy="It must be a whole number of at least 1, or None.")
        return replace(self, max_length=tokens)

    @property
    def sampled(self) -> bool:
        """Whether there are rows that nobody looked at."""
        return self.whole is not None

    def full(self, progress: Progress | None = None) -> ValidationReport:
        """The report on all rows, with the same mappings and fixes; itself if it is that already.

        Args:
            progress: Called with (rows read, all rows; 0 if not known); what it raises ends the validation.

        Raises:
            DataError: The rows cannot be read.
        """
        if self.whole is None:
            return self
        report = replace(self.whole(progress), max_length=self.max_length)
        if not self.mappings and not self.fixes:
            return report
        return report.again(mappings=self.mappings, fixes=tuple(fix for fix in self.fixes if not fix.rows))

    def for_model(
        self,
        model: str,
        template: str,
        *,
        tokens: Mapping[str, str] | None = None,
        vision: bool | None = None,
        counter: Counter | None = None,
    ) -> ValidationReport:
        """A new report for another model, whose chat template decides; mappings and fixes stay."""
        counter = remembering(counter) if counter else None
        return self.again(model=model, template=template, tokens=tokens or {}, vision=vision, counter=counter)

    def again(self, *, progress: Progress | None = None, **changes: Any) -> ValidationReport:
        """A new report with these attributes changed, judged anew; the rows are read again only if need be."""
        report = replace(self, **changes)
        judgement = judged(
            report.rows,
            report.judge,
            mappings=report.mappings,
            fixes=report.fixes,
            coverage=report.coverage,
            counter=report.counter,
            census=report.census,
            progress=progress,
        )
        return replace(report, total=judgement.census.total, **vars(judgement))

    @property
    def judge(self) -> Model:
        """What of the model decides about the rows."""
        template = ChatTemplate(self.template or None, self.tokens)
        return Model(template, self.model, self.template != "", self.vision)

    def rows_for(self, method: str, limit: int | None = None) -> list[dict[str, Any]]:
        """The rows this method would train on, after its mapping (agreed to or proposed) and fixes.

        Args:
            method: One of METHODS.
            limit: At most so many; None: all.
        """
        mapping = self._verdict(method).mapping
        return [row for _, row in islice(prepared(numbered(self.rows), method, mapping, self.fixes), limit)]

    def reading(self, method: str, number: int) -> Reading:
        """What the method's trainer makes of one row: the texts the model gets, and what of them is learned.

        Args:
            method: One of METHODS.
            number: The row's number in the dataset as it was given.

        Raises:
            DataError: There is no such row, a fix leaves it out, or the mapping cannot be applied to it.
        """
        mapping = self._verdict(method).mapping
        if not 0 <= number < self.total:
            raise DataError(f"There is no row {number:,}.", remedy=f"Rows go from 0 to {self.total - 1:,}.")
        alone = [fix for fix in self.fixes if fix.rule != "deduplicate"]
        try:
            ready = list(prepared([(number, self.rows.take([number])[0])], method, mapping, alone))
        except MAPPING_ERRORS as error:
            raise DataError(
                f"The column mapping for {method} cannot be applied to row {number:,}.",
                why=f"{error!r}.",
                remedy="Leave out such rows, or choose another mapping.",
            ) from error
        if not ready:
            raise DataError(f"Row {number:,} is left out by a fix.", remedy="Choose another row, or undo the fix.")
        row = ready[0][1]
        return Twin(method, row, self.judge.template, self.vision).read(row)

    def code(self, method: str) -> str:
        """Lines of a training script that give `dataset` the same mapping and fixes; "" if there are none."""
        mapping = self._verdict(method).mapping
        fixes = [fix for fix in self.fixes if fix.concerns(method)]
        numbers = [_fix_code(fix) for fix in fixes if fix.rows]  # they are those of the rows as given
        before, after = ([_fix_code(f) for f in fixes if f.first is first and not f.rows] for first in (True, False))
        mapped = [f"# {method} reads other columns.\n{mapping.code(self.columns)}"] if mapping else []
        return "\n".join([*numbers, *before, *mapped, *after])

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
            "lengths": {method: lengths.to_dict() for method, lengths in self.lengths.items()},
            "model": self.model,
            "coverage": self.coverage,
            "max_length": self.max_length,
            "all_rows": self.all_rows,
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
    rows: Rows | Iterable[Row],
    *,
    name: str,
    reference: Mapping[str, Any] | None = None,
    model: str | None = None,
    template: str | None = None,
    tokens: Mapping[str, str] | None = None,
    vision: bool | None = None,
    counter: Counter | None = None,
    coverage: str = "all rows",
    all_rows: int | None = None,
    whole: Callable[[Progress | None], ValidationReport] | None = None,
    progress: Progress | None = None,
) -> ValidationReport:
    """Say for each method whether it can train on these rows, and what is wrong with which of them.

    Args:
        rows: Rows that can be read several times (`Rows`), or any rows as mappings from column to cell.
        name: The dataset's name, for people.
        reference: Keyword arguments of `load_dataset` that give the same rows.
        model: The model whose chat template is `template`.
        template: The chat template's Jinja source; "": the model has none; None: not known, which the report says.
        tokens: The model's special tokens by name, e.g. {"eos_token": "<|im_end|>"}.
        vision: Whether the model reads pictures; None: not known.
        counter: The model's tokenizer, from texts to numbers of tokens; None: lengths stay unknown.
        coverage: Which rows these are.
        all_rows: Rows of the whole dataset; None: not known.
        whole: Makes a report on all rows, where these are a sample.
        progress: Called with (rows read, all rows; 0 if not known) now and then; what it raises ends the validation.

    Raises:
        EmptyDatasetError: There is no row.
        ModelError: The template cannot be read.
    """
    kept = cast("Rows", rows) if hasattr(rows, "batches") else PythonRows([dict(row) for row in rows])
    if kept.total == 0:
        raise EmptyDatasetError(f"{name} has no row.", remedy="Choose a dataset, split or file with at least one row.")
    empty = ValidationReport(
        name, kept.total or 0, {}, {}, (), None, reference=reference, model=model, template=template,
        tokens=tokens or {}, vision=vision, coverage=coverage, rows=kept,
        all_rows=all_rows, whole=whole, counter=remembering(counter) if counter else None,
    )  # fmt: skip
    return empty.again(progress=progress)
