"""What a validation found, as one frozen value that renders itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from hfft_widgets.core.card import Detail, HasCard, figure_of, with_card
from hfft_widgets.core.data import held_out as splits
from hfft_widgets.core.data.columns import ROLES, Schema
from hfft_widgets.core.data.emulators.base import ALL
from hfft_widgets.core.data.emulators.learned import CHOICES, Learned, way_of
from hfft_widgets.core.data.findings import MAX_LENGTH, Finding, Status, Verdict
from hfft_widgets.core.data.fixes import Fix
from hfft_widgets.core.data.grouping import Grouping, Progress
from hfft_widgets.core.data.mapping.column_mapping import ColumnMapping
from hfft_widgets.core.data.proof import Proof
from hfft_widgets.core.data.report.views import RowViews
from hfft_widgets.core.data.rows import PythonRows, Rows, gathered_rows, shortened
from hfft_widgets.core.data.token_lengths import Counter, Lengths, remembering
from hfft_widgets.core.data.validate import judged
from hfft_widgets.core.method import METHODS
from hfft_widgets.errors import DataError

Prover = Callable[[Any, Sequence[str] | None, Progress | None], Proof]
_FIRST_ROWS, _FIRST_COLUMNS, _CELL_CHARACTERS = 3, 6, 160  # that a card shows
_PLAIN = ("name", "total", "recommended", "model", "coverage", "max_length", "learned", "all_rows", "gathered_by")


@dataclass(frozen=True)
class ValidationReport(HasCard, RowViews):
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
        training_template: The marked version of it that TRL trains with where answers alone are learned, or None.
        tokens: The model's special tokens by name.
        vision: Whether the model reads pictures; None: not known.
        lengths: Method -> tokens per row, for the recommended one; empty without a model.
        coverage: Which rows were looked at.
        max_length: The limit in tokens that a person chose; plans take it over. None: none.
        roles: Names of speakers with the chat role that a person gave each, e.g. {"Anna": "user"}.
        learned: Which words of conversations SFT learns: the "answers" alone, or "all"; plans take it over.
        all_rows: Rows of the whole dataset; None: not known.
        notes: How the rows were read, where that is not the usual way.
        gathered_by: The column by which rows that were one turn each became conversations, or None.
        whole: Makes a report on all rows, where this is one on a sample.
        prover: Trains two steps with the model's tokenizer, or None.
        counter: The model's tokenizer, from texts to numbers of tokens, or None.
        rows: The rows themselves.
        schema: What its columns hold.
        grouping: The pass over the rows, from which new reports are made.
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
    training_template: str | None = field(default=None, repr=False)
    tokens: Mapping[str, str] = field(default_factory=dict, repr=False)
    vision: bool | None = None
    lengths: Mapping[str, Lengths] = field(default_factory=dict, repr=False, compare=False)
    coverage: str = "all rows"
    max_length: int | None = None
    roles: Mapping[str, str] = field(default_factory=dict)
    learned: Learned = "answers"
    all_rows: int | None = None
    notes: tuple[str, ...] = ()
    gathered_by: str | None = None
    whole: Callable[[Progress | None], ValidationReport] | None = field(default=None, repr=False, compare=False)
    prover: Prover | None = field(default=None, repr=False, compare=False)
    counter: Counter | None = field(default=None, repr=False, compare=False)
    rows: Rows = field(default_factory=lambda: PythonRows([]), repr=False, compare=False)
    schema: Schema = field(default_factory=lambda: Schema({}, 0), repr=False, compare=False)
    grouping: Grouping | None = field(default=None, repr=False, compare=False)

    def with_mapping(self, method: str, mapping: ColumnMapping | None) -> ValidationReport:
        """A new report in which this method gets its rows through this mapping (None: as they are).

        Raises:
            DataError: There is no such method, the mapping reads a column that the dataset does not have, or it is
                not known yet which answer is the better one.
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
        if mapping.asks:
            raise DataError(mapping.asks, remedy='Say it: mapping.better("highest") or mapping.better("lowest").')
        return self.again(mappings=kept | {method: mapping})

    def with_fixes(self, *fixes: Fix | None) -> ValidationReport:
        """A new report with these fixes after those it has; None (a finding without a fix) and repeats are left out."""
        new = [fix for fix in dict.fromkeys(fixes) if fix is not None and fix not in self.fixes]
        return self.again(fixes=(*self.fixes, *new))

    @property
    def safe_fixes(self) -> tuple[Fix, ...]:
        """Those of findings, but for such as would leave out most rows."""
        return tuple(found.fix for found in self.findings if found.fix and not found.sweeping)

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

    def with_learned(self, learned: Learned) -> ValidationReport:
        """A new report in which SFT learns the "answers" of conversations alone, or "all" of them, questions too.

        Raises:
            DataError: It is neither.
        """
        if learned not in CHOICES:
            raise DataError(f"learned is {learned!r}.", remedy=f"Choose one of {', '.join(map(repr, CHOICES))}.")
        return self if learned == self.learned else self.again(learned=learned)

    def with_roles(self, roles: Mapping[str, str]) -> ValidationReport:
        """A new report in which these speakers have these chat roles, beside the names that are known.

        >>> rows = [{"messages": [{"role": "Anna", "content": "Why?"}, {"role": "Bob", "content": "So."}]}] * 3
        >>> from hfft_widgets.core.data.report import validate_rows
        >>> report = validate_rows(rows, name="chats").with_roles({"Anna": "user", "Bob": "assistant"})
        >>> print(report.verdicts["SFT"].mapping.words)
        messages from the turns of 'messages' (Anna as user, Bob as assistant)

        Args:
            roles: Name in the data -> "user", "assistant", "system" or "tool"; those of before stay.

        Raises:
            DataError: One is no chat role.
        """
        if wrong := [role for role in roles.values() if role not in ROLES]:
            raise DataError(f"There is no chat role {wrong[0]!r}.", remedy=f"Choose one of {', '.join(sorted(ROLES))}.")
        return self.again(roles={**self.roles, **roles})

    @property
    def unknown_roles(self) -> tuple[str, ...]:
        """Names of speakers of whom it is not known which chat role they are, for `with_roles`."""
        return tuple(dict.fromkeys(name for column in self.schema.columns.values() for name in column.unknown_roles))

    def learns(self, method: str) -> str:
        """How the method learns its rows, as plans have to bring TRL to it.

        "all" the words that TRL learns by itself; the "marked" answers of a conversation, all of them; or its "last"
        answer, which a script takes apart, where the chat template marks none.

        Args:
            method: One of METHODS.

        Raises:
            DataError: There is no such method.
        """
        return self._way(method, self.learned)

    def chooses_learned(self, method: str) -> bool:
        """Whether `with_learned` changes anything for this method: it reads conversations, and learns all words."""
        return self._way(method, "answers") != ALL

    def _way(self, method: str, learned: Learned) -> str:
        if "messages" not in METHODS[method].columns if self._verdict(method) else ():
            return ALL
        try:
            first = next(iter(self.rows_for(method, 1)), {})
        except DataError:  # its mapping cannot be applied, which the findings say
            return ALL
        return way_of(learned, first, self._for_data.template)

    def gathered(self, by: str) -> ValidationReport:
        """A new report on conversations, where each row is one turn: rows with the same value here become one.

        Args:
            by: The column that says to which conversation a turn belongs.

        Raises:
            DataError: There is no such column, its values are no names, or only some of the rows are known.
        """
        if by not in self.columns or self.gathered_by or self.sampled:
            what = "the rows are a sample" if self.sampled else "there is no such column, or they are gathered already"
            raise DataError(
                f"Turns cannot be gathered by {by!r}: {what}.", remedy=f"Columns: {', '.join(self.columns)}."
            )
        rows = gathered_rows(self.rows, by)
        return self.again(rows=rows, gathered_by=by, mappings={}, fixes=(), grouping=None, all_rows=rows.total)

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
        if not self.mappings and not self.fixes and report.learned == self.learned and not self.roles:
            return report
        fixes = tuple(fix for fix in self.fixes if not fix.rows)
        return report.again(mappings=self.mappings, fixes=fixes, learned=self.learned, roles=self.roles)

    def for_model(
        self,
        model: str,
        template: str,
        *,
        tokens: Mapping[str, str] | None = None,
        vision: bool | None = None,
        counter: Counter | None = None,
        prover: Prover | None = None,
        training_template: str | None = None,
    ) -> ValidationReport:
        """A new report for another model, whose chat template decides; mappings and fixes stay."""
        counter = remembering(counter) if counter else None
        about: dict[str, Any] = {"tokens": tokens or {}, "vision": vision, "counter": counter, "prover": prover}
        return self.again(model=model, template=template, training_template=training_template, **about)

    def prove(self, methods: Sequence[str] | None = None, *, progress: Progress | None = None) -> Proof:
        """Let the installed TRL train two steps on rows of each kind, and say where it does not do what is said here.

        It trains tiny random weights under the model's own tokenizer and chat template, in a process of its own,
        offline, in seconds. Where TRL is not installed the proof says so, with what to install.

        Args:
            methods: Names of METHODS; all that can be trained if not given. A proposed mapping is tried, too.
            progress: Called with (trials done, all trials); what it raises ends it.

        Raises:
            DataError: No model was named, or there is no such method.
        """
        if self.prover is None:
            raise DataError("A proof needs a model's tokenizer.", remedy="Validate with model= a Hub id or folder.")
        return self.prover(self, methods, progress)

    def check_split(self, method: str | None = None, *, progress: Progress | None = None) -> ValidationReport:
        """A new report that also says which held-out rows are nearly the same as a row to train on, with a fix.

        Small datasets were looked at already; 100,000 conversations take some seconds. With a number of rows to hold
        out it is `hfft.check_split`.

        Args:
            method: The method whose rows are split; the recommended one if not given.
            progress: Called with (rows read, rows to read); what it raises ends it.

        Raises:
            DataError: No method can read these rows, or the mapping cannot be applied to a row.
        """
        found: ValidationReport = splits.check_split(self, method, progress=progress)
        return found

    @property
    def split_waits(self) -> bool:
        """Whether nobody looked for such rows yet, for it takes some seconds."""
        return splits.waits(self)

    def again(self, *, progress: Progress | None = None, **changes: Any) -> ValidationReport:
        """A new report with these attributes changed, judged anew; the rows are read again only if need be."""
        report = replace(self, **changes)
        judgement = judged(
            report.rows,
            report._for_data,  # noqa: SLF001 - its own class
            mappings=report.mappings,
            fixes=report.fixes,
            coverage=report.coverage,
            roles=report.roles,
            counter=report.counter,
            grouping=report.grouping,
            progress=progress,
        )
        judged_: ValidationReport = splits.checked(replace(report, total=judgement.grouping.total, **vars(judgement)))
        return judged_

    @property
    def offered_mapping(self) -> str | None:
        """The recommended method, if a mapping for it waits to be agreed to."""
        method = self.recommended
        return method if method and self.verdicts[method].status is Status.NEEDS_MAPPING else None

    def to_dict(self, detail: Detail = "plain") -> dict[str, Any]:
        """JSON values: everything but the template and the rows, of which a card shows the first."""
        limit = self.max_length or MAX_LENGTH
        values = {
            **{name: getattr(self, name) for name in _PLAIN},
            **{name: {m: one.to_dict() for m, one in getattr(self, name).items()} for name in ("verdicts", "mappings")},
            **{name: [one.to_dict() for one in getattr(self, name)] for name in ("findings", "fixes")},
            "columns": dict(self.columns),
            "notes": list(self.notes),
            "roles": dict(self.roles),
            "reference": dict(self.reference) if self.reference is not None else None,
            "statistics": {method: dict(numbers) for method, numbers in self.statistics.items()},
            "lengths": {method: lengths.to_dict(detail, limit) for method, lengths in self.lengths.items()},
        }
        if detail == "plain":
            return values
        names = list(self.columns)[:_FIRST_COLUMNS]
        return with_card(
            {"kind": "report", **values},
            sampled=self.sampled,
            template=bool(self.template),
            mapped={method: mapping.words for method, mapping in self.mappings.items()},
            code=self._applied_code(),
            learns={method: self.learns(method) for method in self.verdicts if self.chooses_learned(method)},
            columns=names,
            rows=[[shortened(row.get(name), _CELL_CHARACTERS) for name in names] for row in self.first_rows],
        )

    def figure(self) -> Any:
        """Tokens per row of each method as a `plotly.graph_objects.Figure`, with the limit that plans would cut at.

        Raises:
            DataError: The lengths are not known: no model was named, or no method can read these rows.
        """
        return figure_of(self)

    def _applied_code(self) -> list[str]:
        """The lines that mappings and fixes become in a script, each once."""
        methods = dict.fromkeys(method for method in self.verdicts if method in self.mappings)
        if (self.fixes or self.gathered_by) and self.recommended:
            methods.setdefault(self.recommended)
        return [code for code in dict.fromkeys(map(self.code, methods)) if code]
