"""From rows to verdicts: which columns matter, one pass over the rows, what each method makes of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

from hfft_widgets.core.data import spellings
from hfft_widgets.core.data.census import Census, Progress, take_census
from hfft_widgets.core.data.checks import DROPPED, SILENT, WARN
from hfft_widgets.core.data.examine import Examination, examine, findings, sources
from hfft_widgets.core.data.fitting import Model, fitted, fitted_after
from hfft_widgets.core.data.fixes import Fix
from hfft_widgets.core.data.lengths import SAMPLE_ROWS, Counter, Lengths, lengths_of, spoiled
from hfft_widgets.core.data.mapping import ColumnMapping
from hfft_widgets.core.data.methods import SPECIAL, Duty, Fit
from hfft_widgets.core.data.preparing import prepared
from hfft_widgets.core.data.problems import Problem
from hfft_widgets.core.data.propose import propose
from hfft_widgets.core.data.reading import numbered
from hfft_widgets.core.data.rows import Rows
from hfft_widgets.core.data.shapes import Column, Row, Schema, Shape, schema_of
from hfft_widgets.core.data.trainers import Reading
from hfft_widgets.core.data.values import MAX_LENGTH, METHODS, Finding, Status, Verdict

_SAMPLE_ROWS, _RUNS, _RUN_ROWS = 400, 4, 100
ALL_ROWS = "all rows"
_SAMPLED = (
    "Seen in a sample: whether other rows stop the trainer or repeat each other only a look at all of them can tell."
)
_CHATS = {Shape.MESSAGES, Shape.TURNS, Shape.TURNS_AS_JSON}


@dataclass(frozen=True)
class Judgement:
    """What is known after a look at all rows."""

    columns: Mapping[str, str]
    verdicts: Mapping[str, Verdict]
    findings: tuple[Finding, ...]
    recommended: str | None
    statistics: Mapping[str, Mapping[str, int]]
    lengths: Mapping[str, Lengths]
    schema: Schema
    census: Census


@dataclass(frozen=True)
class Case:
    """One method before the rows are judged: what it reads, through which mapping, and whether anybody agreed to it."""

    method: str
    fit: Fit
    mapping: ColumnMapping | None
    open: bool
    reason: str

    @property
    def status(self) -> Status:
        """The status as far as columns decide it."""
        if not self.fit.fits:
            return Status.INCOMPATIBLE
        return Status.NEEDS_MAPPING if self.open else Status.READY

    @property
    def reads(self) -> dict[Duty, tuple[str, ...]]:
        """The dataset's own columns behind each part."""
        found: dict[Duty, tuple[str, ...]] = {}
        for part in self.fit.parts:
            found[part.duty] = (*found.get(part.duty, ()), *sources((part.column,), self.mapping))
        return found


def judged(
    rows: Rows,
    model: Model,
    *,
    mappings: Mapping[str, ColumnMapping],
    fixes: Sequence[Fix],
    coverage: str,
    counter: Counter | None = None,
    census: Census | None = None,
    progress: Progress | None = None,
) -> Judgement:
    """Say for each method whether it can train on these rows, and what is wrong with which of them.

    Args:
        rows: The dataset.
        model: What of the model decides.
        mappings: Method -> mapping, those agreed to.
        fixes: Those agreed to.
        coverage: Which rows these are, for the findings.
        counter: The model's tokenizer, from texts to numbers of tokens; None: lengths stay unknown.
        census: An earlier pass over the same rows: it is used again where it looked at enough.
        progress: Called with (rows read, all rows; 0 if not known).
    """
    sample = sample_of(rows)
    schema = schema_of(sample)
    cases = _cases(schema, sample, mappings, model)
    census = _seen(rows, schema, cases, census, progress)
    whole = _whole(schema, census)
    if any(whole.shape(name) is not schema.shape(name) for name in schema.columns):
        cases = _cases(whole, [*census.groups[:_SAMPLE_ROWS], *sample], mappings, model)
        census = _seen(rows, whole, cases, census, progress)
    found = {m: _examined(case, census, model, fixes) for m, case in cases.items() if case.fit.fits}
    measures = {m: Measure(rows, cases[m].mapping, fixes, examination) for m, examination in found.items()}
    if counter:
        for method, measure in measures.items():
            _too_long(method, found[method], measure, counter)
    sampled = coverage != ALL_ROWS
    verdicts = {method: _verdict(case, found.get(method), model, sampled) for method, case in cases.items()}
    recommended = _recommended(verdicts, cases)
    told = [found[m] for m, case in cases.items() if m in found and (not case.open or m == recommended)]
    return Judgement(
        columns={name: str(column.shape) for name, column in whole.columns.items()},
        verdicts=verdicts,
        findings=findings(told, coverage),
        recommended=recommended,
        statistics={examination.method: examination.statistics for examination in told},
        lengths=_lengths(recommended, found, measures, counter),
        schema=whole,
        census=census,
    )


@dataclass(frozen=True)
class Measure:
    """What a trainer makes of rows by number, for counting their tokens."""

    rows: Rows
    mapping: ColumnMapping | None
    fixes: Sequence[Fix]
    found: Examination

    def __call__(self, numbers: Sequence[int]) -> list[Reading]:
        """The reading of each of these rows."""
        taken = zip(numbers, self.rows.take(numbers), strict=True)
        twin, method = self.found.twin, self.found.method
        alone = [fix for fix in self.fixes if fix.rule != "deduplicate"]
        ready = dict(prepared(taken, method, self.mapping, alone))
        return [twin.read(ready[number]) if twin and number in ready else Reading() for number in numbers]


_LENGTH_RULES = {
    "too_long": ("Longer than {limit} tokens", DROPPED),
    "answer_lost": ("The question alone fills the {limit} tokens of TRL's default limit", DROPPED),
    "same_when_cut": ("Cut at {limit} tokens, TRL's default limit, both answers are the same", SILENT),
    "truncated": ("Longer than the {limit} tokens of TRL's default limit: the end is cut off", WARN),
}


def _too_long(method: str, found: Examination, measure: Measure, counter: Counter) -> None:
    """The rows that the default limit spoils, as findings. With pictures there is none: it would cut them."""
    if any(part.duty is Duty.PICTURES for part in found.parts):
        return
    rules, whole = spoiled(method, found.kept, found.bytes, measure, counter)
    for rule, numbers in rules.items():
        if not len(numbers):
            continue
        words, effect = _LENGTH_RULES[rule]
        conversation = any(part.duty is Duty.CONVERSATION for part in found.parts)
        if rule == "answer_lost" and conversation:  # every token is learned there, so the question stays
            effect = SILENT
        message = words.format(limit=f"{MAX_LENGTH:,}") + ("" if whole else f" (seen in a sample of {SAMPLE_ROWS:,})")
        columns = tuple(part.column for part in found.parts)
        cell = measure.rows.take([int(numbers[0])])[0]
        fix = None if effect == WARN else "leave_out"
        hit = found.add(int(found.of[numbers[0]]), Problem(rule, message, columns, effect, cell, fix))
        hit.rows = set(numbers.tolist())
        if effect == DROPPED:
            found.too_long |= hit.rows


def _lengths(
    method: str | None, found: Mapping[str, Examination], measures: Mapping[str, Measure], counter: Counter | None
) -> dict[str, Lengths]:
    """The recommended method's lengths; those of others are counted when somebody asks."""
    if counter is None or method is None or found[method].twin is None:
        return {}
    return {method: lengths_of(method, found[method].kept, measures[method], counter)}


def sample_of(rows: Rows) -> list[dict[str, Any]]:
    """Some rows: the first, and a few runs of others from the rest, since single rows of a file cost whole blocks."""
    if rows.total is None:
        return [row for _, row in islice(numbered(rows), _SAMPLE_ROWS)]
    places = [round(rows.total * share / _RUNS) for share in range(1, _RUNS + 1)]
    runs = [range(max(0, place - _RUN_ROWS), place) for place in places]
    return rows.take(sorted({*range(min(_SAMPLE_ROWS, rows.total)), *(number for run in runs for number in run)}))


def _cases(
    schema: Schema, sample: Sequence[Row], mappings: Mapping[str, ColumnMapping], model: Model
) -> dict[str, Case]:
    return {method: _case(method, schema, sample, mappings.get(method), model) for method in METHODS}


def _case(method: str, schema: Schema, sample: Sequence[Row], agreed: ColumnMapping | None, model: Model) -> Case:
    if agreed:
        fit = fitted_after(method, agreed, sample, model)
        return Case(method, fit, agreed, open=False, reason=fit.reason)
    fit = fitted(method, sample, model, schema)
    proposed = None if fit.fits else propose(method, schema, sample, model)
    if proposed is None:
        return Case(method, fit, None, open=False, reason=fit.reason)
    return Case(method, fitted_after(method, proposed, sample, model), proposed, open=True, reason=fit.reason)


# ---- the pass over the rows ------------------------------------------------------------------


def _seen(
    rows: Rows, schema: Schema, cases: Mapping[str, Case], census: Census | None, progress: Progress | None
) -> Census:
    reads = [case.reads for case in cases.values() if case.fit.fits]
    read = {name for duties in reads for columns in duties.values() for name in columns}
    focus = {*read, *_matter(schema)}
    related = {pair for duties in reads for pair in _related(duties)}
    if census and census.covers(focus, read, related):
        return census
    if census:
        focus, read, related = focus | census.focus, read | census.read, related | census.related
    return take_census(rows, focus=focus, read=read, related=related, progress=progress)


def _matter(schema: Schema) -> set[str]:
    """Columns that trainers treat specially, and those of conversations."""
    special = {name for names in SPECIAL.values() for name in names}
    known = {*spellings.PROMPT, *spellings.COMPLETION, *spellings.MESSAGES, *spellings.TEXT}
    return {
        name
        for name, column in schema.columns.items()
        if name in special or column.shape in _CHATS or spellings.flat(name) in known
    }


def _related(duties: Mapping[Duty, tuple[str, ...]]) -> Iterable[tuple[str, str]]:
    """Columns whose likeness decides about a row."""
    pairs = ((Duty.CHOSEN, Duty.REJECTED), (Duty.PROMPT, Duty.CHOSEN), (Duty.PROMPT, Duty.REJECTED),
             (Duty.PROMPT, Duty.COMPLETION))  # fmt: skip
    for a, b in pairs:
        yield from ((x, y) for x in duties.get(a, ()) for y in duties.get(b, ()) if x != y)


def _whole(schema: Schema, census: Census) -> Schema:
    """The schema with the shapes of all rows, where all were looked at."""
    seen = schema_of(census.groups, census.counts.tolist())
    columns = {name: _merged(column, seen.columns.get(name)) for name, column in schema.columns.items()}
    return Schema(columns, census.total)


def _merged(column: Column, seen: Column | None) -> Column:
    """Groups know the shapes of all rows, the sample knows single values."""
    return column if seen is None else replace(seen, values=column.values)


# ---- verdicts --------------------------------------------------------------------------------


def _examined(case: Case, census: Census, model: Model, fixes: Sequence[Fix]) -> Examination:
    return examine(case.method, case.fit, census, model, case.mapping, fixes)


def _verdict(case: Case, found: Examination | None, model: Model, sampled: bool) -> Verdict:
    details = list(case.fit.details) if case.fit.fits else []
    if case.open and case.mapping:
        details.insert(0, f"Proposed: {case.mapping.words}.")
    turns = any(part.turns for part in case.fit.parts)
    if turns and model.chat and not model.template.known and not case.open:
        details.append("Which rows the chat template refuses is not known until a model is chosen.")
    status, reason = case.status, case.reason
    if turns and not model.chat:
        status, reason = Status.INCOMPATIBLE, f"{reason}, but the model has no chat template"
    elif found and not case.open:
        status, reason, more = _by_rows(status, reason, found)
        details += more
    if sampled and status is not Status.INCOMPATIBLE:
        details.append(_SAMPLED)
    return Verdict(status, reason, case.mapping, tuple(details))


def _by_rows(status: Status, reason: str, found: Examination) -> tuple[Status, str, list[str]]:
    rows = found.rows + found.unmapped
    if rows == 0:
        return Status.INCOMPATIBLE, "No row is left after the fixes", []
    if found.broken:
        of_these = "the only row" if rows == 1 else f"{found.broken:,} of {rows:,} rows"
        return Status.BLOCKED_BY_ROWS, f"{reason}, but the trainer stops at {of_these}", []
    if found.left_out == rows:
        return Status.BLOCKED_BY_ROWS, f"{reason}, but the trainer leaves out every row", []
    more = [f"The trainer leaves out {found.left_out:,} of {rows:,} rows."] if found.left_out else []
    return status, reason, more


def _recommended(verdicts: Mapping[str, Verdict], cases: Mapping[str, Case]) -> str | None:
    """Pairs of answers are made for DPO, answers with a label for KTO; else what needs least, SFT before GRPO."""
    usable = [method for method, verdict in verdicts.items() if verdict.status is not Status.INCOMPATIBLE]
    if "DPO" in usable:
        return "DPO"
    if "KTO" in usable and _plainly_labelled(cases["KTO"]):
        return "KTO"
    # a few broken rows are no reason to train something else
    mapped = {method: verdicts[method].status is Status.NEEDS_MAPPING for method in usable}
    return min(usable, key=lambda method: (mapped[method], METHODS.index(method)), default=None)


def _plainly_labelled(case: Case) -> bool:
    """Whether the data itself says yes or no; a rating above some number is our reading of it."""
    filled = case.mapping.targets.get("label") if case.mapping else None
    return Duty.LABEL in case.reads and (filled is None or filled.how != "at_least")
