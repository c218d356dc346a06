"""From rows to verdicts: which columns matter, one pass over the rows, what each method makes of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

import numpy as np

from hfft_widgets.core.data import rules
from hfft_widgets.core.data.columns import Column, Row, Schema, Shape, schema_of
from hfft_widgets.core.data.emulators import Reading
from hfft_widgets.core.data.findings import Finding, Status, Verdict
from hfft_widgets.core.data.fixes import Fix
from hfft_widgets.core.data.grouping import Grouping, Looks, Progress, Source, group_rows
from hfft_widgets.core.data.mapping import column_names as spellings
from hfft_widgets.core.data.mapping.column_mapping import MAPPING_ERRORS, ColumnMapping
from hfft_widgets.core.data.mapping.places import widened
from hfft_widgets.core.data.mapping.preferences import scores_of_pair
from hfft_widgets.core.data.mapping.suggest import propose
from hfft_widgets.core.data.mapping.transforms import Transform
from hfft_widgets.core.data.match import Model, fitted, fitted_after
from hfft_widgets.core.data.match_columns import ColumnRole, Match
from hfft_widgets.core.data.method_report import MethodReport, findings, method_report, sources
from hfft_widgets.core.data.rows import Rows, numbered, prepared
from hfft_widgets.core.data.rules.base import DROPPED, Scope, problem_of
from hfft_widgets.core.data.token_lengths import SAMPLE_ROWS, Counter, Lengths, lengths_of, noticed, spoiled
from hfft_widgets.core.data.unread import asides
from hfft_widgets.core.method import METHODS

_SAMPLE_ROWS, _RUNS, _RUN_ROWS = 400, 4, 100
ALL_ROWS = "all rows"
_SAMPLED = (
    "Seen in a sample: whether other rows stop the trainer or repeat each other only a look at all of them can tell."
)
_REWARDED = {"answer", "tests"}  # what the rewards here read
_NO_CHECK = "It needs a reward of your choice: no column holds short answers that can be checked."
_NO_HEADER = "The columns have names like cells: the first line of the file seems to be a row, and no header."
_GUESS = "A guess by the kinds of the columns alone: look at the rows before you use it."
_UNREAD, _CHECKED_ROWS, _SHORT_ANSWER = 12, 40, 40
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
    grouping: Grouping


@dataclass(frozen=True)
class MethodCase:
    """One method before the rows are judged: what it reads, through which mapping, and whether anybody agreed to it."""

    method: str
    fit: Match
    mapping: ColumnMapping | None
    open: bool
    reason: str
    guess: bool = False

    @property
    def status(self) -> Status:
        """The status as far as columns decide it."""
        if not self.fit.fits:
            return Status.INCOMPATIBLE
        return Status.NEEDS_MAPPING if self.open else Status.READY

    @property
    def made(self) -> dict[str, Transform]:
        """The parts of which the outlines of the dataset's columns do not tell enough."""
        filled = self.mapping.targets if self.mapping else {}
        return {name: made for name, made in filled.items() if made.derived}

    @property
    def reads(self) -> dict[ColumnRole, tuple[str, ...]]:
        """The dataset's own columns behind each part."""
        found: dict[ColumnRole, tuple[str, ...]] = {}
        for part in self.fit.parts:
            found[part.duty] = (*found.get(part.duty, ()), *sources((part.column,), self.mapping))
        return found

    @property
    def used(self) -> set[str]:
        """The dataset's own columns that are read."""
        return {name for columns in self.reads.values() for name in columns}

    @property
    def related(self) -> Iterator[tuple[Source, Source]]:
        """Columns, or what is made of them, whose likeness decides about a row."""
        prompt, chosen, rejected = ColumnRole.PROMPT, ColumnRole.CHOSEN, ColumnRole.REJECTED
        made, reads = self.made, self.reads
        by_role: dict[ColumnRole, tuple[Source, ...]] = {
            part.duty: (made[part.column],) if part.column in made else reads[part.duty] for part in self.fit.parts
        }
        for a, b in ((chosen, rejected), (prompt, chosen), (prompt, rejected), (prompt, ColumnRole.COMPLETION)):
            yield from ((x, y) for x in by_role.get(a, ()) for y in by_role.get(b, ()) if x != y)


def judged(
    rows: Rows,
    model: Model,
    *,
    mappings: Mapping[str, ColumnMapping],
    fixes: Sequence[Fix],
    coverage: str,
    roles: Mapping[str, str] | None = None,
    counter: Counter | None = None,
    grouping: Grouping | None = None,
    progress: Progress | None = None,
) -> Judgement:
    """Say for each method whether it can train on these rows, and what is wrong with which of them.

    Args:
        rows: The dataset.
        model: What of the model decides.
        mappings: Method -> mapping, those agreed to.
        fixes: Those agreed to.
        coverage: Which rows these are, for the findings.
        roles: Names of speakers with the chat role that a person gave each.
        counter: The model's tokenizer, from texts to numbers of tokens; None: lengths stay unknown.
        grouping: An earlier pass over the same rows: it is used again where it looked at enough.
        progress: Called with (rows read, all rows; 0 if not known).
    """
    sample = sample_of(rows)
    schema = schema_of(sample, speakers=roles)
    cases = _cases(schema, sample, mappings, model)
    grouping = _seen(rows, schema, cases, grouping, progress)
    whole = _whole(schema, grouping)
    if any(whole.shape(name) is not schema.shape(name) for name in schema.columns):
        cases = _cases(whole, [*grouping.groups[:_SAMPLE_ROWS], *sample], mappings, model)
        grouping = _seen(rows, whole, cases, grouping, progress)
    found = {m: _examined(case, grouping, model, fixes) for m, case in cases.items() if case.fit.fits}
    measures = {m: Measure(rows, cases[m].mapping, fixes, examination) for m, examination in found.items()}
    if counter and progress:
        counter = noticed(counter, progress, grouping.total)
    if counter:
        for method, measure in measures.items():
            _too_long(method, found[method], measure, counter)
    sampled = coverage != ALL_ROWS
    verdicts = {method: _verdict(case, found.get(method), model, sample, sampled) for method, case in cases.items()}
    recommended = _recommended(verdicts, cases, sample)
    told = [found[m] for m, case in cases.items() if m in found and (not case.open or m == recommended)]
    return Judgement(
        columns={name: str(column.shape) for name, column in whole.columns.items()},
        verdicts=verdicts,
        findings=findings(told, coverage),
        recommended=recommended,
        statistics={examination.method: examination.statistics for examination in told},
        lengths=_lengths(recommended, found, measures, counter),
        schema=whole,
        grouping=grouping,
    )


@dataclass(frozen=True)
class Measure:
    """What a trainer makes of rows by number, for counting their tokens."""

    rows: Rows
    mapping: ColumnMapping | None
    fixes: Sequence[Fix]
    found: MethodReport

    def __call__(self, numbers: Sequence[int]) -> list[Reading]:
        """The reading of each of these rows."""
        taken = zip(numbers, self.rows.take(numbers), strict=True)
        emulator, method = self.found.emulator, self.found.method
        alone = [fix for fix in self.fixes if fix.rule != "deduplicate"]
        ready = dict(prepared(taken, method, self.mapping, alone))
        return [emulator.read(ready[number]) if emulator and number in ready else Reading() for number in numbers]


def _too_long(method: str, found: MethodReport, measure: Measure, counter: Counter) -> None:
    """The rows that the default limit spoils, as findings. With pictures there is none: it would cut them."""
    uses = {part.duty: part for part in found.parts}
    asked = [rule for rule in rules.RULES if rule.scope is Scope.LENGTH and rule.fits(METHODS[method], uses)]
    if ColumnRole.PICTURES in uses or not asked:
        return
    numbers, tokens, whole = spoiled(method, found.kept, found.bytes, measure, counter)
    columns = tuple(part.column for part in found.parts)
    for rule in asked:
        spoilt = numbers[np.asarray(rule.applies(rule.facet(tokens)), bool)]
        if not len(spoilt):
            continue
        problem = problem_of(rule, columns, measure.rows.take([int(spoilt[0])])[0])
        if not whole:
            problem = replace(problem, message=f"{problem.message} (seen in a sample of {SAMPLE_ROWS:,})")
        hit = found.add(int(found.of[spoilt[0]]), problem)
        hit.rows = set(spoilt.tolist())
        if rule.effect == DROPPED:
            found.too_long |= hit.rows


def _lengths(
    method: str | None, found: Mapping[str, MethodReport], measures: Mapping[str, Measure], counter: Counter | None
) -> dict[str, Lengths]:
    """The recommended method's lengths; those of others are counted when somebody asks."""
    if counter is None or method is None or found[method].emulator is None:
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
) -> dict[str, MethodCase]:
    wide = widened(schema, sample)
    return {method: _case(method, schema, sample, mappings.get(method), model, wide) for method in METHODS}


def _case(
    method: str, schema: Schema, sample: Sequence[Row], agreed: ColumnMapping | None, model: Model, wide: Schema
) -> MethodCase:
    if agreed:
        fit = fitted_after(method, agreed, sample, model)
        return MethodCase(method, fit, agreed, open=False, reason=fit.reason)
    fit = fitted(method, sample, model, schema)
    proposed = propose(method, schema, sample, model, wide) if not fit.fits or fit.misses else None
    after = fitted_after(method, proposed.mapping, sample, model) if proposed else None
    if proposed is None or after is None or (fit.fits and after.misses):
        return MethodCase(method, fit, None, open=False, reason=fit.reason)
    reason = f"The model would never see {' and '.join(map(repr, fit.misses))}" if fit.fits else fit.reason
    return MethodCase(method, after, proposed.mapping, open=True, reason=reason, guess=proposed.guess)


# ---- the pass over the rows ------------------------------------------------------------------


def _seen(
    rows: Rows, schema: Schema, cases: Mapping[str, MethodCase], grouping: Grouping | None, progress: Progress | None
) -> Grouping:
    reads = [case.reads for case in cases.values() if case.fit.fits]
    read = frozenset(name for duties in reads for columns in duties.values() for name in columns)
    fitting = [case for case in cases.values() if case.fit.fits]
    related = frozenset(pair for case in fitting for pair in case.related)
    made = frozenset(transform for case in fitting for transform in case.made.values())
    scored = scores_of_pair(list(schema.columns))
    if scored and any(ColumnRole.CHOSEN in duties for duties in reads):
        related, read = related | {scored[:2]}, read | set(scored[:2])
    focus = read | _matter(schema) | {name for transform in made for name in transform.sources}
    looks = Looks(frozenset(focus), read, related, _written(schema, cases), made)
    if grouping and grouping.covers(looks):
        return grouping
    return group_rows(rows, looks | grouping.looks if grouping else looks, progress)


def _written(schema: Schema, cases: Mapping[str, MethodCase]) -> frozenset[str]:
    """Columns that are read as the JSON they write: turns, tools, and what a mapping reads so."""
    turns = {name for name, column in schema.columns.items() if Shape.TURNS_AS_JSON in column.shapes}
    picks = [pick for case in cases.values() if case.mapping for pick in case.mapping.targets.values() if pick.json]
    return frozenset({*turns, "tools", *(name for pick in picks for name in pick.columns)})


def _matter(schema: Schema) -> set[str]:
    """Columns that trainers treat specially, and those of conversations."""
    special = {name for method in METHODS.values() for name in method.special_columns}
    known = {*spellings.PROMPT, *spellings.COMPLETION, *spellings.MESSAGES, *spellings.TEXT}
    return {
        name
        for name, column in schema.columns.items()
        if name in special or column.shape in _CHATS or spellings.flat(name) in known
    }


def _whole(schema: Schema, grouping: Grouping) -> Schema:
    """The schema with the shapes of all rows, where all were looked at."""
    seen = schema_of(grouping.groups, grouping.counts.tolist())
    columns = {name: _merged(column, seen.columns.get(name)) for name, column in schema.columns.items()}
    return Schema(columns, grouping.total)


def _merged(column: Column, seen: Column | None) -> Column:
    """Groups know the shapes of all rows, the sample knows single values."""
    return column if seen is None else replace(seen, values=column.values, speakers=column.speakers)


# ---- verdicts --------------------------------------------------------------------------------


def _examined(case: MethodCase, grouping: Grouping, model: Model, fixes: Sequence[Fix]) -> MethodReport:
    return method_report(case.method, case.fit, grouping, model, case.mapping, fixes)


def _verdict(
    case: MethodCase, found: MethodReport | None, model: Model, sample: Sequence[Row], sampled: bool
) -> Verdict:
    details = list(case.fit.details) if case.fit.fits else []
    if not case.fit.fits and (by := _gathers(sample)):
        details.append(f"Each row seems to be one turn: report.gathered({by!r}) makes conversations of them.")
    if not case.fit.fits and sample and all(map(_like_a_cell, sample[0])):
        details.append(_NO_HEADER)
    if case.open and case.mapping:
        details.insert(0, f"Proposed: {case.mapping.words}.")
        details += filter(None, [_GUESS if case.guess else "", case.mapping.asks])
    if case.fit.fits and METHODS[case.method].generates:
        checked = answer_to_check(case.mapping, sample)
        details.append(f"The answers in '{checked}' can be checked." if checked else _NO_CHECK)
    if case.fit.unread:
        details.append(f"Not read: {_few(case.fit.unread)}.")
    details += asides(sample, case.used) if case.fit.fits else []
    turns = any(part.turns for part in case.fit.parts)
    if turns and model.chat and not model.template.known and not case.open:
        details.append("Which rows the chat template refuses is not known until a model is chosen.")
    status, reason = case.status, case.reason
    if turns and not model.chat:
        status, reason = Status.INCOMPATIBLE, f"{reason}, but the model has no chat template"
    elif found and not case.open:
        status, reason, more = _by_rows(status, reason, found, sampled)
        details += more
    if sampled and status is not Status.INCOMPATIBLE:
        details.append(_SAMPLED)
    return Verdict(status, reason, case.mapping, tuple(details))


def _gathers(sample: Sequence[Row]) -> str:
    """The column that says to which conversation a row's one turn belongs; "": rows are no turns."""
    names = [*sample[0]] if sample else []
    if not {"role", "from", "speaker"} & {*names} or not {"content", "value", "text"} & {*names}:
        return ""
    for name in (name for name in names if spellings.flat(name).endswith("id") or "conversation" in name.lower()):
        known = {cell for row in sample if isinstance(cell := row.get(name), (str, int))}
        if known and 2 * len(known) <= len(sample):
            return name
    return ""


def _like_a_cell(name: str) -> bool:
    return len(name.split()) > 2


def _few(words: Sequence[str]) -> str:
    return ", ".join(words[:_UNREAD]) + (f" and {len(words) - _UNREAD:,} more" if len(words) > _UNREAD else "")


def _by_rows(status: Status, reason: str, found: MethodReport, sampled: bool) -> tuple[Status, str, list[str]]:
    rows = found.rows + found.unmapped
    if rows == 0:
        return Status.INCOMPATIBLE, "No row is left after the mapping and the fixes", []
    if found.broken:
        of_these = "the only row" if rows == 1 else f"{found.broken:,} of {rows:,} rows"
        return Status.BLOCKED_BY_ROWS, f"{reason}, but the trainer stops at {of_these}", []
    if found.left_out == rows:
        return Status.BLOCKED_BY_ROWS, f"{reason}, but the trainer leaves out every row", []
    if found.nothing and not sampled:
        return Status.INCOMPATIBLE, f"{reason}, but nothing can be learned: {found.nothing}", []
    more = [f"The trainer leaves out {found.left_out:,} of {rows:,} rows."] if found.left_out else []
    return status, reason, more


def _recommended(verdicts: Mapping[str, Verdict], cases: Mapping[str, MethodCase], sample: Sequence[Row]) -> str | None:
    """Pairs of answers are made for DPO, answers with a label for KTO; else what needs least.

    Nothing is recommended whose mapping asks which answer is the better one, and no method by reward whose answers
    cannot be checked: SFT learns from examples, and needs no reward.
    """
    usable = [m for m, verdict in verdicts.items() if verdict.status is not Status.INCOMPATIBLE and not _asks(cases[m])]
    for method in usable:
        if METHODS[method].recommended_for == "pairs":
            return method
    for method in usable:
        if METHODS[method].recommended_for == "labels" and _plainly_labelled(cases[method]):
            return method
    sound = [m for m in usable if not METHODS[m].generates or answer_to_check(cases[m].mapping, sample) in _REWARDED]
    # a few broken rows are no reason to train something else
    order = {method: place for place, method in enumerate(METHODS)}
    mapped = {method: verdicts[method].status is Status.NEEDS_MAPPING for method in sound}
    return min(sound, key=lambda method: (mapped[method], order[method]), default=None)


def answer_to_check(mapping: ColumnMapping | None, sample: Sequence[Row]) -> str:
    """The column with answers that a reward can check: numbers, short ones, or such as end in one; "": none."""
    rows = sample[:_CHECKED_ROWS]
    names: dict[str, None] = dict.fromkeys([*(mapping.targets if mapping else ()), *(n for row in rows for n in row)])
    for name in (name for name in names if spellings.flat(name) in spellings.CHECKED):
        made = mapping.targets.get(name) if mapping else None
        fine = sum(_short(_value(made, row) if made else row.get(name)) for row in rows)
        if 2 * fine > len(rows):
            return name
    return ""


def _value(made: Transform, row: Row) -> Any:
    try:
        return made.value(row)
    except MAPPING_ERRORS:
        return None


def _short(cell: Any) -> bool:
    if isinstance(cell, str):
        return 0 < len(cell) <= _SHORT_ANSWER or "####" in cell or "\\boxed{" in cell
    return isinstance(cell, (int, float))


def _asks(case: MethodCase) -> bool:
    return bool(case.open and case.mapping and case.mapping.asks)


def _plainly_labelled(case: MethodCase) -> bool:
    """Whether the data itself says yes or no; a rating above some number is our reading of it."""
    filled = case.mapping.targets.get("label") if case.mapping else None
    return ColumnRole.LABEL in case.reads and (filled is None or filled.how != "at_least")
