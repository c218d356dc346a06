"""One method on one dataset: what its trainer makes of every group of rows, and what is wrong with which rows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from hfft_widgets.core.data.columns import ROLE_NAMES, ROLES, Row
from hfft_widgets.core.data.emulators import Reading, TrainerEmulator
from hfft_widgets.core.data.emulators.outline import REAL_START
from hfft_widgets.core.data.findings import EFFECTS, Finding
from hfft_widgets.core.data.fixes import Fix
from hfft_widgets.core.data.grouping import Grouping
from hfft_widgets.core.data.mapping.column_mapping import MAPPING_ERRORS, ColumnMapping
from hfft_widgets.core.data.match import Model, first_row
from hfft_widgets.core.data.match_columns import ColumnRole, ColumnUse, Match
from hfft_widgets.core.data.rows import shortened
from hfft_widgets.core.data.rules import EMPTY
from hfft_widgets.core.data.rules.base import CRASH, SILENT, WARN, Problem, problem_of
from hfft_widgets.core.data.rules.dataset import DUPLICATE, FIRST_ROW
from hfft_widgets.core.data.rules.explain import problems
from hfft_widgets.core.data.rules.families import AS_OF, families
from hfft_widgets.scripts.rows import has_contents, has_turns, is_label, usual_turns

if TYPE_CHECKING:
    from numpy.typing import NDArray

KEPT_ROWS = 1000
_MENDED = {"content_not_text", "no_content"}  # turns of another form, perhaps
_FIRST_TRIED = 40
_MOST = "; the fix would leave out most rows"
_TIE = "No answer is the better one (a tie, equal scores or no choice): the mapping leaves the row out"


@dataclass
class RuleHits:
    """The groups of rows in which one check found one thing."""

    problem: Problem
    groups: set[int] = field(default_factory=set)
    rows: set[int] = field(default_factory=set)
    speakers: set[str] = field(default_factory=set)
    mended: bool = True

    def add(self, group: int, problem: Problem) -> None:
        """Take one more group."""
        self.groups.add(group)
        self.mended = self.mended and problem.rule in _MENDED and _mends(problem.cell)
        if problem.rule == "unknown_role":
            self.speakers |= {str(turn.get("role")) for turn in problem.cell} - ROLES

    @property
    def other_names(self) -> tuple[tuple[str, str], ...]:
        """The unknown speakers and the roles they mean, if all of them are known under other names; else nothing."""
        meant = {name: ROLE_NAMES.get(name.strip().lower(), name.strip().lower()) for name in self.speakers}
        return tuple(sorted(meant.items())) if set(meant.values()) <= ROLES else ()


def _mends(cell: Any) -> bool:
    """Whether all turns say something once they are in the usual form."""
    try:
        return bool(has_contents(usual_turns(cell)))
    except MAPPING_ERRORS:
        return False


@dataclass
class MethodReport:
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
        emulator: The trainer, once it has seen a usual row.
        too_long: Rows that are left out for their length, as far as they were counted.
        labels: What the rows' labels say, where the method reads labels.
    """

    method: str
    parts: tuple[ColumnUse, ...]
    kept: NDArray[np.bool_]
    of: NDArray[np.int32]
    hits: dict[tuple[object, ...], RuleHits] = field(default_factory=dict)
    refused: set[int] = field(default_factory=set)
    dropped: set[int] = field(default_factory=set)
    unmapped: int = 0
    first: bool = False
    bytes: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    emulator: TrainerEmulator | None = None
    too_long: set[int] = field(default_factory=set)
    labels: set[bool] = field(default_factory=set)

    @property
    def nothing(self) -> str:
        """Why the rows all together teach nothing, though the trainer takes them; "": they do."""
        empty = [hit for hit in self.hits.values() if hit.problem.rule in EMPTY]
        whole = next((hit for hit in empty if len(self.in_groups(hit.groups)) == self.rows), None)
        if whole:
            return f"of every row: {whole.problem.message}"
        return f"every label is {str(*self.labels).lower()}" if len(self.labels) == 1 and self.rows > 1 else ""

    def add(self, group: int, problem: Problem) -> RuleHits:
        """Take one problem of one group."""
        hit = self.hits.setdefault((problem.rule, problem.columns, problem.message, problem.effect), RuleHits(problem))
        hit.add(group, problem)
        return hit

    def in_groups(self, groups: Iterable[int], among: NDArray[np.bool_] | None = None) -> NDArray[np.int64]:
        """The numbers of the rows of some groups, of those kept or of others."""
        flags = np.zeros(int(np.max(self.of, initial=-1)) + 1, np.bool_)
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


def method_report(
    method: str,
    fit: Match,
    grouping: Grouping,
    model: Model,
    mapping: ColumnMapping | None = None,
    fixes: Sequence[Fix] = (),
) -> MethodReport:
    """Look at every group of rows as this method's trainer would get it."""
    turned = {name for fix in fixes if fix.rule == "as_turns" and fix.concerns(method) for name in fix.columns}
    parts = tuple(replace(part, turns=part.turns or part.column in turned) for part in fit.parts)
    found = MethodReport(method, parts, np.ones(grouping.total, bool), grouping.of)
    rows = _through(found, grouping, mapping, [fix for fix in fixes if fix.concerns(method)])
    left = np.unique(grouping.of[found.kept])
    rows = {group: row for group, row in rows.items() if group in set(left.tolist())}
    if rows:
        _read(found, rows, model, grouping)
    _duplicates(found, grouping, mapping)
    found.bytes = _sizes(found, grouping, mapping)
    return found


# ---- mapping and fixes, on one row per group -------------------------------------------------


def _through(
    found: MethodReport, grouping: Grouping, mapping: ColumnMapping | None, fixes: Sequence[Fix]
) -> dict[int, dict[str, Any]]:
    """The groups' rows after mapping and fixes; rows that are gone are marked so."""
    rows = dict(enumerate(map(dict, grouping.groups)))
    for fix in fixes:
        if fix.first:
            rows = _fixed(found, grouping, None, fix, rows)
    if mapping:
        rows = _mapped(found, rows, mapping)
    for fix in fixes:
        if not fix.first:
            rows = _fixed(found, grouping, mapping, fix, rows)
    return rows


def _fixed(
    found: MethodReport, grouping: Grouping, mapping: ColumnMapping | None, fix: Fix, rows: dict[int, dict[str, Any]]
) -> dict[int, dict[str, Any]]:
    if fix.rule == "deduplicate":
        found.kept &= ~_repeats(found.kept, grouping.digest(sources(fix.columns, mapping)))
        return rows
    if fix.rule == "leave_out":
        found.kept[[number for number in fix.rows if number < grouping.total]] = False
        return rows
    left = dict(fix.numbered(rows.items()))
    gone = rows.keys() - left.keys()
    if gone:
        found.kept[found.in_groups(gone)] = False
    return left


def _mapped(found: MethodReport, rows: dict[int, dict[str, Any]], mapping: ColumnMapping) -> dict[int, dict[str, Any]]:
    made: dict[int, dict[str, Any]] = {}
    failed: set[int] = set()
    ties: set[int] = set()
    for group, row in rows.items():
        try:
            if mapping.keeps(row):
                made[group] = mapping.apply(row)
            else:
                ties.add(group)
                found.add(group, Problem("no_better_answer", _TIE, mapping.sources, WARN, row))
        except MAPPING_ERRORS as error:
            failed.add(group)
            found.add(group, _unmappable(row, mapping, error))
    numbers = found.in_groups(failed)
    found.unmapped = len(numbers)
    for hit in found.hits.values():
        hit.rows = set(found.in_groups(hit.groups).tolist())
    found.kept[numbers] = False
    found.kept[found.in_groups(ties)] = False
    return made


def _unmappable(row: Row, mapping: ColumnMapping, error: Exception) -> Problem:
    message = "The column mapping cannot be applied"
    turns = [name for pick in mapping.targets.values() if pick.reads_turns and not pick.json for name in pick.columns]
    for name in turns:
        if not has_turns(row.get(name)):
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


def _read(found: MethodReport, rows: dict[int, dict[str, Any]], model: Model, grouping: Grouping) -> None:
    counts = np.bincount(found.of[found.kept], minlength=len(grouping.groups))
    frequent = sorted(rows, key=lambda group: -counts[group])
    tried = frequent[:_FIRST_TRIED]
    weights = [int(counts[group]) for group in tried]
    normal = first_row(found.method, [rows[group] for group in tried], model, weights, tried)
    emulator = found.emulator = model.emulator(found.method, normal)
    template = model.rendering(found.method, normal)
    kinds = {group: int(grouping.kinds[group]) for group in rows}
    members = {kind: rows[group] for group, kind in reversed(kinds.items())}  # the first group's row of each kind
    readings = {kind: emulator.read(row) for kind, row in members.items()}
    for group, row in rows.items():
        reading = readings[kinds[group]]
        if reading.refusal:
            found.refused.add(group)
        elif reading.dropped:
            found.dropped.add(group)
        for problem in problems(found.method, row, found.parts, template, reading):
            found.add(group, problem)
    for part in (part for part in found.parts if part.duty is ColumnRole.LABEL):
        found.labels = {bool(row[part.column]) for row in rows.values() if is_label(row.get(part.column))}
    _first_row(found, rows, members, readings, kinds, model)
    _without_prompts(found, rows, counts)
    if not model.template.known and model.chat and any(part.turns for part in found.parts):
        taken = {kind: row for kind, row in members.items() if not readings[kind].refusal}
        _families(found, rows, kinds, _refusing(found.method, normal, taken, model))


def _refusing(method: str, normal: Row, members: dict[int, dict[str, Any]], model: Model) -> dict[int, list[str]]:
    """Kind of rows -> the families of templates that refuse it."""
    emulators = {name: replace(model, template=one).emulator(method, normal) for name, one in families().items()}
    return {
        kind: [name for name, emulator in emulators.items() if emulator.read(row).by_template]
        for kind, row in members.items()
    }


def _families(
    found: MethodReport, rows: dict[int, dict[str, Any]], kinds: dict[int, int], refusing: dict[int, list[str]]
) -> None:
    """Which families of templates refuse which groups, for as long as no model is chosen."""
    columns = tuple(part.column for part in found.parts if part.turns)
    for group, row in rows.items():
        if names := refusing.get(kinds[group]):
            words = f"Chat templates like those of {' and '.join(names)} refuse the conversation ({AS_OF})"
            found.add(group, Problem("families_refuse", words, columns, WARN, row[columns[0]]))


def _without_prompts(found: MethodReport, rows: dict[int, dict[str, Any]], counts: NDArray[np.int64]) -> None:
    """Answers alone need not begin alike; only among answers that begin with their prompt is another start a fault."""
    odd = [key for key in found.hits if key[0] == "no_shared_start" and key[3] == SILENT]
    if not odd:
        return
    chosen, rejected = (p.column for p in found.parts if p.duty in {ColumnRole.CHOSEN, ColumnRole.REJECTED})
    starts = {group: [str(row.get(name))[:REAL_START] for name in (chosen, rejected)] for group, row in rows.items()}
    alike = [group for group, (one, other) in starts.items() if one == other]
    if 2 * sum(counts[alike]) <= found.rows:
        for key in odd:
            del found.hits[key]


def _first_row(
    found: MethodReport,
    rows: dict[int, dict[str, Any]],
    members: dict[int, dict[str, Any]],
    readings: dict[int, Reading],
    kinds: dict[int, int],
    model: Model,
) -> None:
    """Whether the dataset's own first row leads the trainer to refuse rows that it takes otherwise."""
    number = int(np.argmax(found.kept))
    group = int(found.of[number])
    emulator = model.emulator(found.method, rows[group])
    found.first = any(not readings[kind].refusal and emulator.read(row).refusal for kind, row in members.items())
    if found.first and not readings[kinds[group]].refusal:
        columns = tuple(part.column for part in found.parts)
        found.add(group, problem_of(FIRST_ROW, columns, rows[group])).rows = {number}


def _duplicates(found: MethodReport, grouping: Grouping, mapping: ColumnMapping | None) -> None:
    columns = tuple(part.column for part in found.parts)
    read = sources(columns, mapping)
    if not set(read) & grouping.digests.keys():
        return
    repeated = np.flatnonzero(_repeats(found.kept, grouping.digest(read)))
    if len(repeated):
        group = int(found.of[repeated[0]])
        found.add(group, problem_of(DUPLICATE, columns, grouping.groups[group])).rows = set(repeated.tolist())


def _sizes(found: MethodReport, grouping: Grouping, mapping: ColumnMapping | None) -> NDArray[np.int64]:
    def of(duties: Iterable[ColumnRole]) -> NDArray[np.int64]:
        columns = [part.column for part in found.parts if part.duty in set(duties)]
        kept = [grouping.sizes[name] for name in sources(columns, mapping) if name in grouping.sizes]
        return np.sum(kept, axis=0, dtype=np.int64) if kept else np.zeros(grouping.total, np.int64)

    texts = {ColumnRole.PROMPT, ColumnRole.COMPLETION, ColumnRole.CONVERSATION, ColumnRole.TEXT}
    pair = np.maximum(of({ColumnRole.CHOSEN}), of({ColumnRole.REJECTED}))
    return (of(texts) + pair)[found.kept]


# ---- hits become findings --------------------------------------------------------------------


def findings(examinations: Iterable[MethodReport], coverage: str) -> tuple[Finding, ...]:
    """The findings of all methods: the same rows under the same rule are one finding; the worst come first."""
    examinations = list(examinations)
    total = max((len(examination.of) for examination in examinations), default=0)
    merged: dict[tuple[object, ...], tuple[RuleHits, NDArray[np.int64], dict[str, str]]] = {}
    for examination in examinations:
        for (rule, columns, message, _), hit in examination.hits.items():
            rows = np.array(sorted(hit.rows), np.int64) if hit.rows else examination.in_groups(hit.groups)
            if not len(rows):
                continue
            key = (rule, columns, message, len(rows), *rows[:10].tolist())
            _, _, effects = merged.setdefault(key, (hit, rows, {}))
            effects[examination.method] = hit.problem.effect
    found = [_finding(hit, rows, effects, coverage, total) for hit, rows, effects in merged.values()]
    return tuple(sorted(found, key=lambda finding: (EFFECTS.index(finding.severity), -finding.count)))


def _finding(hit: RuleHits, rows: NDArray[np.int64], effects: dict[str, str], coverage: str, total: int) -> Finding:
    problem, fix = hit.problem, _fix(hit, rows, tuple(effects))
    sweeping = bool(fix and fix.leaves_out and 2 * len(rows) > total)
    return Finding(
        rule=problem.rule,
        message=problem.message + (_MOST if sweeping else ""),
        effects=effects,
        count=len(rows),
        rows=tuple(rows[:KEPT_ROWS].tolist()),
        example=shortened(problem.cell),
        fix=fix,
        sweeping=sweeping,
        coverage=coverage,
    )


def _fix(hit: RuleHits, rows: NDArray[np.int64], methods: tuple[str, ...]) -> Fix | None:
    problem = hit.problem
    if problem.rule in _MENDED and hit.mended:
        return Fix("usual_turns", problem.columns, methods)
    if hit.other_names:
        return Fix("rename_roles", problem.columns, methods, hit.other_names)
    if problem.fix == "leave_out":
        return Fix("leave_out", (), methods, first=True, rows=tuple(rows.tolist())) if len(rows) <= KEPT_ROWS else None
    if problem.fix is None:
        return None
    return Fix(problem.fix, problem.columns, methods, first=problem.rule == "mapping_fails")
