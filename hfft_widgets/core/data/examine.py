"""One method on one dataset: what its trainer makes of every group of rows, and what is wrong with which rows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from hfft_widgets.core.data.census import REAL_START, Census
from hfft_widgets.core.data.checks import CRASH, SILENT, WARN
from hfft_widgets.core.data.families import AS_OF, families
from hfft_widgets.core.data.fitting import Model, first_row
from hfft_widgets.core.data.fixes import KEEPS, Fix
from hfft_widgets.core.data.mapping import MAPPING_ERRORS, ColumnMapping
from hfft_widgets.core.data.methods import Duty, Fit, Part
from hfft_widgets.core.data.problems import Problem, problems
from hfft_widgets.core.data.shapes import ROLE_NAMES, ROLES, Row
from hfft_widgets.core.data.shortening import shortened
from hfft_widgets.core.data.trainers import Reading, Twin
from hfft_widgets.core.data.values import EFFECTS, Finding

if TYPE_CHECKING:
    from numpy.typing import NDArray

KEPT_ROWS = 1000
_FIRST_TRIED = 40


@dataclass
class Hit:
    """The groups of rows in which one check found one thing."""

    problem: Problem
    groups: set[int] = field(default_factory=set)
    rows: set[int] = field(default_factory=set)
    speakers: set[str] = field(default_factory=set)

    def add(self, group: int, problem: Problem) -> None:
        """Take one more group."""
        self.groups.add(group)
        if problem.rule == "unknown_role":
            self.speakers |= {str(turn.get("role")) for turn in problem.cell} - ROLES

    @property
    def other_names(self) -> tuple[tuple[str, str], ...]:
        """The unknown speakers and the roles they mean, if all of them are known under other names; else nothing."""
        meant = {name: ROLE_NAMES.get(name.strip().lower(), name.strip().lower()) for name in self.speakers}
        return tuple(sorted(meant.items())) if set(meant.values()) <= ROLES else ()


@dataclass
class Examination:
    """What was found for one method.

    Attributes:
        method: The method.
        parts: The columns its trainer reads.
        kept: Which rows are left after the fixes and could be mapped; shape (total,).
        of: Row -> group; shape (total,).
        hits: By rule, columns and message.
        refused: Groups the trainer stops at.
        dropped: Groups the trainer leaves out.
        unmapped: Rows the mapping cannot be applied to.
        first: Whether the very first row leads the trainer astray.
        bytes: Bytes of the text the model reads, per kept row (its longest sequence).
        twin: The trainer, once it has seen a usual row.
        too_long: Rows that are left out for their length, as far as they were counted.
    """

    method: str
    parts: tuple[Part, ...]
    kept: NDArray[np.bool_]
    of: NDArray[np.int32]
    hits: dict[tuple[object, ...], Hit] = field(default_factory=dict)
    refused: set[int] = field(default_factory=set)
    dropped: set[int] = field(default_factory=set)
    unmapped: int = 0
    first: bool = False
    bytes: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    twin: Twin | None = None
    too_long: set[int] = field(default_factory=set)

    def add(self, group: int, problem: Problem) -> Hit:
        """Take one problem of one group."""
        hit = self.hits.setdefault((problem.rule, problem.columns, problem.message, problem.effect), Hit(problem))
        hit.add(group, problem)
        return hit

    def in_groups(self, groups: Iterable[int], among: NDArray[np.bool_] | None = None) -> NDArray[np.int64]:
        """The numbers of the rows of some groups, of those kept or of others."""
        flags = np.zeros(int(self.of.max(initial=-1)) + 1, bool)
        flags[list(groups)] = True
        return np.flatnonzero(flags[self.of] & (self.kept if among is None else among))

    @property
    def rows(self) -> int:
        """Rows the trainer gets."""
        return int(self.kept.sum())

    @property
    def broken(self) -> int:
        """Rows that end the training, or cannot be mapped."""
        refused = len(self.in_groups(self.refused))
        return refused + self.unmapped + bool(self.first and not refused)

    @property
    def left_out(self) -> int:
        """Rows the trainer leaves out."""
        return len(self.too_long.union(self.in_groups(self.dropped).tolist()))

    @property
    def statistics(self) -> dict[str, int]:
        """Rows, and the bytes of the text the model reads per row (its longest sequence)."""
        numbers = self.bytes if len(self.bytes) else np.zeros(1, np.int64)
        median, p99, most = (int(np.quantile(numbers, at, method="higher")) for at in (0.5, 0.99, 1.0))
        return {"rows": self.rows, "bytes_median": median, "bytes_p99": p99, "bytes_max": most,
                "bytes_total": int(numbers.sum())}  # fmt: skip


def examine(
    method: str, fit: Fit, census: Census, model: Model, mapping: ColumnMapping | None = None, fixes: Sequence[Fix] = ()
) -> Examination:
    """Look at every group of rows as this method's trainer would get it."""
    found = Examination(method, fit.parts, np.ones(census.total, bool), census.of)
    rows = _through(found, census, mapping, [fix for fix in fixes if fix.concerns(method)])
    left = np.unique(census.of[found.kept])
    rows = {group: row for group, row in rows.items() if group in set(left.tolist())}
    if rows:
        _read(found, rows, model, census)
    _duplicates(found, census, mapping)
    found.bytes = _sizes(found, census, mapping)
    return found


# ---- mapping and fixes, on one row per group -------------------------------------------------


def _through(
    found: Examination, census: Census, mapping: ColumnMapping | None, fixes: Sequence[Fix]
) -> dict[int, dict[str, Any]]:
    """The groups' rows after mapping and fixes; rows that are gone are marked so."""
    rows = dict(enumerate(map(dict, census.groups)))
    for fix in fixes:
        if fix.first:
            rows = _fixed(found, census, None, fix, rows)
    if mapping:
        rows = _mapped(found, rows, mapping)
    for fix in fixes:
        if not fix.first:
            rows = _fixed(found, census, mapping, fix, rows)
    return rows


def _fixed(
    found: Examination, census: Census, mapping: ColumnMapping | None, fix: Fix, rows: dict[int, dict[str, Any]]
) -> dict[int, dict[str, Any]]:
    if fix.rule == "deduplicate":
        found.kept &= ~_repeats(found.kept, census.digest(sources(fix.columns, mapping)))
        return rows
    if fix.rule == "leave_out":
        found.kept[[number for number in fix.rows if number < census.total]] = False
        return rows
    left = dict(fix.numbered(rows.items()))
    gone = rows.keys() - left.keys()
    if gone:
        found.kept[found.in_groups(gone)] = False
    return left


def _mapped(found: Examination, rows: dict[int, dict[str, Any]], mapping: ColumnMapping) -> dict[int, dict[str, Any]]:
    made: dict[int, dict[str, Any]] = {}
    failed: set[int] = set()
    for group, row in rows.items():
        try:
            made[group] = mapping.apply(row)
        except MAPPING_ERRORS as error:
            failed.add(group)
            found.add(group, _unmappable(row, mapping, error))
    numbers = found.in_groups(failed)
    found.unmapped = len(numbers)
    for hit in found.hits.values():
        hit.rows = set(found.in_groups(hit.groups).tolist())
    found.kept[numbers] = False
    return made


def _unmappable(row: Row, mapping: ColumnMapping, error: Exception) -> Problem:
    message, keeps = "The column mapping cannot be applied", KEEPS["has_turns"].test
    turns = [name for pick in mapping.targets.values() if pick.reads_turns and not pick.json for name in pick.columns]
    for name in turns:
        if not keeps(row, (name,)):
            return Problem("mapping_fails", f"{message}: no turns in '{name}'", (name,), CRASH, row[name], "has_turns")
    return Problem("mapping_fails", message, mapping.sources, CRASH, repr(error), "leave_out")


def sources(columns: Iterable[str], mapping: ColumnMapping | None) -> tuple[str, ...]:
    """The dataset's own columns behind these."""
    filled = mapping.targets if mapping else {}
    return tuple(dict.fromkeys(s for name in columns for s in (filled[name].columns if name in filled else (name,))))


def _repeats(kept: NDArray[np.bool_], digest: NDArray[np.uint64]) -> NDArray[np.bool_]:
    """Rows that say the same as an earlier one of those kept."""
    numbers = np.flatnonzero(kept)
    _, first = np.unique(digest[numbers], return_index=True)
    repeated = kept.copy()
    repeated[numbers[first]] = False
    return repeated


# ---- what the trainer makes of them ----------------------------------------------------------


def _read(found: Examination, rows: dict[int, dict[str, Any]], model: Model, census: Census) -> None:
    counts = np.bincount(found.of[found.kept], minlength=len(census.groups))
    frequent = sorted(rows, key=lambda group: -counts[group])
    tried = frequent[:_FIRST_TRIED]
    normal = first_row(found.method, [rows[g] for g in tried], model, [int(counts[g]) for g in tried])
    twin = found.twin = Twin(found.method, normal, model.template, model.vision)
    readings = {group: twin.read(row) for group, row in rows.items()}
    for group, reading in readings.items():
        if reading.refusal:
            found.refused.add(group)
        elif reading.dropped:
            found.dropped.add(group)
        for problem in problems(found.method, rows[group], found.parts, model.template, reading):
            found.add(group, problem)
    _first_row(found, rows, readings, model)
    _without_prompts(found, rows, counts)
    if not model.template.known and model.chat and any(part.turns for part in found.parts):
        _families(found, rows, readings, normal, model)


def _families(
    found: Examination, rows: dict[int, dict[str, Any]], readings: dict[int, Reading], normal: Row, model: Model
) -> None:
    """Which families of templates refuse which groups, for as long as no model is chosen."""
    twins = {name: Twin(found.method, normal, template, model.vision) for name, template in families().items()}
    for group, row in rows.items():
        if readings[group].refusal:
            continue
        refusing = [name for name, twin in twins.items() if twin.read(row).by_template]
        if refusing:
            words = f"Chat templates like those of {' and '.join(refusing)} refuse the conversation ({AS_OF})"
            columns = tuple(part.column for part in found.parts if part.turns)
            found.add(group, Problem("families_refuse", words, columns, WARN, row[columns[0]]))


def _without_prompts(found: Examination, rows: dict[int, dict[str, Any]], counts: NDArray[np.int64]) -> None:
    """Answers alone need not begin alike; only among answers that begin with their prompt is another start a fault."""
    odd = [key for key in found.hits if key[0] == "no_shared_start" and key[3] == SILENT]
    if not odd:
        return
    chosen, rejected = (p.column for p in found.parts if p.duty in {Duty.CHOSEN, Duty.REJECTED})
    starts = {group: [str(row.get(name))[:REAL_START] for name in (chosen, rejected)] for group, row in rows.items()}
    alike = [group for group, (one, other) in starts.items() if one == other]
    if 2 * sum(counts[alike]) <= found.rows:
        for key in odd:
            del found.hits[key]


def _first_row(found: Examination, rows: dict[int, dict[str, Any]], readings: dict[int, Reading], model: Model) -> None:
    """Whether the dataset's own first row leads the trainer to refuse rows that it takes otherwise."""
    number = int(np.argmax(found.kept))
    group = int(found.of[number])
    twin = Twin(found.method, rows[group], model.template, model.vision)
    led = [other for other, reading in readings.items() if not reading.refusal and twin.read(rows[other]).refusal]
    found.first = bool(led)
    if led and not readings[group].refusal:
        words = "The first row decides how TRL reads all, and this one leads it astray"
        columns = tuple(part.column for part in found.parts)
        hit = found.add(group, Problem("first_row", words, columns, CRASH, rows[group], "leave_out"))
        hit.rows = {number}


def _duplicates(found: Examination, census: Census, mapping: ColumnMapping | None) -> None:
    columns = tuple(part.column for part in found.parts)
    read = sources(columns, mapping)
    if not set(read) & census.digests.keys():
        return
    repeated = np.flatnonzero(_repeats(found.kept, census.digest(read)))
    if len(repeated):
        group = int(found.of[repeated[0]])
        problem = Problem("duplicate", "The same as an earlier row", columns, WARN, census.groups[group], "deduplicate")
        found.add(group, problem).rows = set(repeated.tolist())


def _sizes(found: Examination, census: Census, mapping: ColumnMapping | None) -> NDArray[np.int64]:
    def of(duties: Iterable[Duty]) -> NDArray[np.int64]:
        columns = [part.column for part in found.parts if part.duty in set(duties)]
        kept = [census.sizes[name] for name in sources(columns, mapping) if name in census.sizes]
        return np.sum(kept, axis=0, dtype=np.int64) if kept else np.zeros(census.total, np.int64)

    texts = {Duty.PROMPT, Duty.COMPLETION, Duty.CONVERSATION, Duty.TEXT}
    pair = np.maximum(of({Duty.CHOSEN}), of({Duty.REJECTED}))
    return (of(texts) + pair)[found.kept]


# ---- hits become findings --------------------------------------------------------------------


def findings(examinations: Iterable[Examination], coverage: str) -> tuple[Finding, ...]:
    """The findings of all methods: the same rows under the same rule are one finding; the worst come first."""
    merged: dict[tuple[object, ...], tuple[Hit, NDArray[np.int64], dict[str, str]]] = {}
    for examination in examinations:
        for (rule, columns, message, _), hit in examination.hits.items():
            rows = np.array(sorted(hit.rows), np.int64) if hit.rows else examination.in_groups(hit.groups)
            if not len(rows):
                continue
            key = (rule, columns, message, len(rows), *rows[:10].tolist())
            _, _, effects = merged.setdefault(key, (hit, rows, {}))
            effects[examination.method] = hit.problem.effect
    found = [_finding(hit, rows, effects, coverage) for hit, rows, effects in merged.values()]
    return tuple(sorted(found, key=lambda finding: (EFFECTS.index(finding.severity), -finding.count)))


def _finding(hit: Hit, rows: NDArray[np.int64], effects: dict[str, str], coverage: str) -> Finding:
    problem = hit.problem
    return Finding(
        rule=problem.rule,
        message=problem.message,
        effects=effects,
        count=len(rows),
        rows=tuple(rows[:KEPT_ROWS].tolist()),
        example=shortened(problem.cell),
        fix=_fix(hit, rows, tuple(effects)),
        coverage=coverage,
    )


def _fix(hit: Hit, rows: NDArray[np.int64], methods: tuple[str, ...]) -> Fix | None:
    problem = hit.problem
    if hit.other_names:
        return Fix("rename_roles", problem.columns, methods, hit.other_names)
    if problem.fix == "leave_out":
        return Fix("leave_out", (), methods, first=True, rows=tuple(rows.tolist())) if len(rows) <= KEPT_ROWS else None
    if problem.fix is None:
        return None
    return Fix(problem.fix, problem.columns, methods, first=problem.rule == "mapping_fails")
