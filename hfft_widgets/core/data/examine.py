"""One pass over the rows for one method: what is wrong with which rows, and how long the texts are."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from hfft_widgets.core.data.checks import CRASH, WARN, Problem, problems
from hfft_widgets.core.data.fixes import KEEPS, Fix, Numbered
from hfft_widgets.core.data.mapping import MAPPING_ERRORS, ColumnMapping
from hfft_widgets.core.data.methods import Duty, Fit, Part
from hfft_widgets.core.data.shapes import ROLE_NAMES, ROLES, Row, turn_keys
from hfft_widgets.core.data.templates import ChatTemplate
from hfft_widgets.core.data.values import Finding

KEPT_ROWS = 1000
_EXAMPLE_CHARACTERS = 400


@dataclass
class Hit:
    """The rows in which one check found one thing."""

    problem: Problem
    count: int = 0
    rows: list[int] = field(default_factory=list)
    speakers: set[str] = field(default_factory=set)

    def add(self, number: int, problem: Problem) -> None:
        """Count one more row; the first 1,000 numbers are kept."""
        self.count += 1
        if len(self.rows) < KEPT_ROWS:
            self.rows.append(number)
        if problem.rule == "unknown_role":
            self.speakers |= {str(turn.get("role")) for turn in problem.cell} - ROLES

    @property
    def other_names(self) -> tuple[tuple[str, str], ...]:
        """The unknown speakers and the roles they mean, if all of them are known under other names; else nothing."""
        meant = {name: ROLE_NAMES.get(name.strip().lower(), name.strip().lower()) for name in self.speakers}
        return tuple(sorted(meant.items())) if set(meant.values()) <= ROLES else ()


@dataclass
class Examination:
    """What one pass over the rows found for one method.

    Attributes:
        method: The method.
        hits: By rule and columns.
        rows: Rows after mapping and fixes.
        broken: Of these, rows at which the trainer raises.
        characters: Length of each row's longest sequence, in characters.
    """

    method: str
    hits: dict[tuple[object, ...], Hit] = field(default_factory=dict)
    rows: int = 0
    broken: int = 0
    characters: list[int] = field(default_factory=list)

    def add(self, number: int, problem: Problem) -> None:
        """Take one problem of one row."""
        key = (problem.rule, problem.columns, problem.message)
        self.hits.setdefault(key, Hit(problem)).add(number, problem)

    @property
    def statistics(self) -> dict[str, int]:
        """Rows, and the characters of the text the model reads per row (its longest sequence)."""
        lengths = sorted(self.characters) or [0]
        at = {"median": 0.5, "p99": 0.99, "max": 1.0}
        cut = {
            f"characters_{name}": lengths[min(len(lengths) - 1, int(share * len(lengths)))]
            for name, share in at.items()
        }
        return {"rows": self.rows, **cut, "characters_total": sum(self.characters)}


def prepared(
    rows: Iterable[Numbered],
    method: str,
    mapping: ColumnMapping | None,
    fixes: Iterable[Fix],
    found: Examination | None = None,
) -> Iterator[Numbered]:
    """The rows as this method's trainer would get them: after its mapping and the fixes that are for it, in order.

    A row the mapping cannot be applied to is told to `found`; without one it raises.
    """
    concerned = [fix for fix in fixes if fix.concerns(method)]
    for fix in concerned:
        rows = fix.numbered(rows) if fix.first else rows
    if mapping:
        rows = _mapped(rows, mapping, found)
    for fix in concerned:
        rows = rows if fix.first else fix.numbered(rows)
    yield from rows


def _mapped(rows: Iterable[Numbered], mapping: ColumnMapping, found: Examination | None) -> Iterator[Numbered]:
    for number, row in rows:
        try:
            yield number, mapping.apply(row)
        except MAPPING_ERRORS as error:
            if found is None:
                raise
            found.broken += 1
            found.add(number, _unmappable(row, mapping, error))


def _unmappable(row: Row, mapping: ColumnMapping, error: Exception) -> Problem:
    message, keeps = "The column mapping cannot be applied", KEEPS["has_turns"].test
    turns = [name for pick in mapping.targets.values() if pick.reads_turns for name in pick.columns]
    for name in turns:
        if not keeps(row, (name,)):
            return Problem("mapping_fails", f"{message}: no turns in '{name}'", (name,), CRASH, row[name], "has_turns")
    return Problem("mapping_fails", message, mapping.sources, CRASH, repr(error))


def examine(
    method: str,
    fit: Fit,
    rows: Iterable[Numbered],
    *,
    mapping: ColumnMapping | None = None,
    fixes: Sequence[Fix] = (),
    template: ChatTemplate | None = None,
) -> Examination:
    """Look at every row as this method's trainer would get it."""
    found = Examination(method)
    seen: set[int] = set()
    columns = tuple(part.column for part in fit.parts)
    for number, row in prepared(rows, method, mapping, fixes, found):
        found.rows += 1
        found.characters.append(_characters(row, fit.parts))
        crashes = False
        for problem in problems(method, row, fit.parts, template):
            found.add(number, problem)
            crashes |= problem.effect == CRASH
        found.broken += crashes
        # a hash of what the row says: two of a million rows meet by chance once in 40 million datasets
        content = hash(repr([row.get(name) for name in columns]))
        if content in seen:
            found.add(number, Problem("duplicate", "The same as an earlier row", columns, WARN, row, "deduplicate"))
        seen.add(content)
    return found


def _characters(row: dict[str, Any], parts: Sequence[Part]) -> int:
    lengths = {part.duty: _length(row.get(part.column)) for part in parts}
    pair = max(lengths.pop(Duty.CHOSEN, 0), lengths.pop(Duty.REJECTED, 0))
    return pair + sum(lengths.values())


def _length(cell: Any) -> int:
    if isinstance(cell, str):
        return len(cell)
    if isinstance(cell, dict):
        return _length(cell.get("content", cell.get("value")))
    return sum(map(_length, cell)) if isinstance(cell, list) else 0


# ---- hits become findings --------------------------------------------------------------------


def findings(examinations: Iterable[Examination], coverage: str) -> tuple[Finding, ...]:
    """The findings of all methods: the same rows under the same rule are one finding; the worst come first."""
    merged: dict[tuple[object, ...], tuple[Hit, dict[str, str]]] = {}
    for examination in examinations:
        for key, hit in examination.hits.items():
            _, effects = merged.setdefault((*key, hit.count, *hit.rows[:10]), (hit, {}))
            effects[examination.method] = hit.problem.effect
    found = [_finding(hit, effects, coverage) for hit, effects in merged.values()]
    return tuple(sorted(found, key=lambda f: (("crash", "dropped", "silent", "warn").index(f.severity), -f.count)))


def _finding(hit: Hit, effects: dict[str, str], coverage: str) -> Finding:
    problem = hit.problem
    first = problem.rule == "mapping_fails"
    fix = Fix(problem.fix, problem.columns, tuple(effects), first=first) if problem.fix else None
    if hit.other_names:
        fix = Fix("rename_roles", problem.columns, tuple(effects), hit.other_names)
    return Finding(
        rule=problem.rule,
        message=problem.message,
        effects=effects,
        count=hit.count,
        rows=tuple(hit.rows),
        example=shortened(problem.cell),
        fix=fix,
        coverage=coverage,
    )


def shortened(cell: Any, characters: int = _EXAMPLE_CHARACTERS) -> str:
    """A cell as text of bounded length, whatever it holds."""
    text = cell if isinstance(cell, str) else _written(cell)
    return text if len(text) <= characters else text[:characters] + "…"


def _written(cell: Any) -> str:
    """Conversations as their turns, anything else as JSON."""
    keys = turn_keys(cell)
    if keys:
        return " ⏎ ".join(_spoken(turn, *keys) for turn in cell)
    try:
        return json.dumps(cell, ensure_ascii=False, default=str)
    except (TypeError, ValueError, RecursionError):
        return repr(cell)


def _spoken(turn: Any, role: str, content: str) -> str:
    return f"{turn.get(role)}: {turn.get(content or 'content')}" if isinstance(turn, dict) else repr(turn)
