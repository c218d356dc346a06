"""Remedies that keep meaning: leave out broken rows, repeated rows or a column, or call the roles by their names.

A fix works on rows as the trainer would get them, after the column mapping; only rows that no mapping can take are
left out before it. Like a mapping it is a value that applies itself with functions of `scripts.rows`, which the code
it writes calls by name.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from hfft_widgets.core.data.columns import Row
from hfft_widgets.core.data.mapping.column_mapping import ColumnMapping
from hfft_widgets.core.data.mapping.steps import Call, Cell
from hfft_widgets.core.script import as_json, comment, from_json, literal, with_functions
from hfft_widgets.errors import DataError
from hfft_widgets.scripts import rows as row_code

KEEP_APART = "keep_apart"  # a fix of the split, which a training script makes
GATHERED = "messages"  # the column of conversations that single turns were gathered to
Numbered = tuple[int, dict[str, Any]]


# Filters of `scripts.rows`: rows that fail one of them are left out.
FILTERS = {
    "is_text": "Leave out rows without text in {0}",
    "has_text": "Leave out rows with blank or no text in {0}",
    "is_conversation": "Leave out rows without a conversation in {0}",
    "has_turns": "Leave out rows with something else than turns in {0}",
    "has_contents": "Leave out rows with a turn without text in {0}",
    "has_roles": "Leave out rows with an unknown role in {0}",
    "ends_with_answer": "Leave out rows that do not end with an answer in {0}",
    "says_something": "Leave out rows whose answer in {0} says nothing",
    "has_tool_calls": "Leave out rows with broken tool calls in {0}",
    "is_label": "Leave out rows without true or false in {0}",
    "is_number": "Leave out rows without a number in {0}",
    "answers_differ": "Leave out rows where {0} and {1} are the same",
    "share_a_start": "Leave out rows where {0} and {1} share no first turn",
}
OTHERS = {
    "deduplicate": "Keep the first of rows that are the same in {0}",
    "drop_column": "Remove the column {0}",
    "rename_roles": "Call the roles in {0} by their usual names",
    "usual_turns": "Bring the turns of {0} into the form that chat templates read",
    "as_turns": "Make {0} and the answers turns of a conversation",
    "merge_system": "Put the system turn of {0} at the start of the first question",
    "leave_out": "Leave out the rows concerned",
    KEEP_APART: "Hold no row out that is nearly the same as one to train on",
}
_COLUMNS = {"answers_differ": 2, "share_a_start": 2, "leave_out": 0}  # at least; 1 for the others


# as Arrow holds them: Python writes an opened picture as its address in memory, which the next one may get
_DEDUPLICATE = """rows = enumerate(dataset.with_format("arrow"))
kept = first_of_each(rows, key=lambda pair: pair[1].select({}).to_pylist())
dataset = dataset.select([number for number, _ in kept])"""


@dataclass(frozen=True)
class Fix:
    """One remedy.

    >>> fix = Fix("has_text", ("text",))
    >>> fix.apply([{"text": "Hello"}, {"text": " "}, {"text": None}])
    [{'text': 'Hello'}]
    >>> print(fix.lines())
    dataset = dataset.filter(lambda row: has_text(row["text"]))

    Attributes:
        rule: One of `FILTERS` (rows that fail it are left out), "deduplicate", "drop_column" or "rename_roles".
        columns: The columns it looks at, names after the mapping.
        methods: The methods it is for; none named: all.
        roles: For "rename_roles": pairs of (name in the data, chat role).
        first: Whether it comes before the column mapping, and `columns` are names before it.
        rows: For "leave_out": their numbers in the dataset as it was given.
    """

    rule: str
    columns: tuple[str, ...]
    methods: tuple[str, ...] = ()
    roles: tuple[tuple[str, str], ...] = ()
    first: bool = False
    rows: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if self.rule not in FILTERS and self.rule not in OTHERS:
            raise DataError(f"{self.rule!r} is no fix.", remedy=f"Choose one of {', '.join([*FILTERS, *OTHERS])}.")
        needed = _COLUMNS.get(self.rule, 1)
        if len(self.columns) < needed:
            raise DataError(f"The fix {self.rule!r} needs {needed} column(s), got {self.columns!r}.")

    @property
    def label(self) -> str:
        """What it does, for a button, e.g. "Leave out rows without text in 'prompt'"."""
        if self.rule == "leave_out":
            shown = ", ".join(f"{number:,}" for number in self.rows[:3])
            return f"Leave out {'row' if len(self.rows) == 1 else 'rows'} {shown}" + " …" * (len(self.rows) > 3)
        words = {**FILTERS, **OTHERS}[self.rule]
        if self.rule == "deduplicate":
            return words.format(" and ".join(f"'{name}'" for name in self.columns))
        return words.format(*(f"'{name}'" for name in self.columns))

    @property
    def leaves_out(self) -> bool:
        """Whether rows go by it."""
        return self.rule in FILTERS or self.rule in {"leave_out", "deduplicate"}

    def concerns(self, method: str) -> bool:
        """Whether it is for this method."""
        return not self.methods or method in self.methods

    def apply(self, rows: Iterable[Row]) -> list[dict[str, Any]]:
        """The rows that are left, changed where the fix changes them."""
        return [row for _, row in self.numbered((n, dict(row)) for n, row in enumerate(rows))]

    def numbered(self, rows: Iterable[Numbered]) -> Iterator[Numbered]:
        """The same for (number, row) pairs, one by one; the numbers stay with their rows."""
        if self.rule == "deduplicate":
            yield from row_code.first_of_each(rows, lambda pair: [pair[1].get(name) for name in self.columns])
        elif self.rule == "drop_column":
            yield from ((n, {k: v for k, v in row.items() if k not in self.columns}) for n, row in rows)
        elif self.rule == "leave_out":
            gone = set(self.rows)
            yield from ((n, row) for n, row in rows if n not in gone)
        elif self.rule == KEEP_APART:
            yield from rows
        elif self.rule in FILTERS:
            keeps = self._filter
            yield from ((n, row) for n, row in rows if keeps.value(row))
        else:
            yield from ((n, row | self._changed(n, row)) for n, row in rows)

    @cached_property
    def _filter(self) -> Call:
        return Call(getattr(row_code, self.rule), *map(Cell, self.columns[: _COLUMNS.get(self.rule, 1)]))

    @cached_property
    def _changes(self) -> dict[str, Call]:
        """What becomes of the columns where turns change."""
        if self.rule in {"merge_system", "usual_turns"}:
            return {name: Call(getattr(row_code, self.rule), Cell(name)) for name in self.columns}
        if self.rule == "as_turns":
            said = zip(self.columns, ("user", *["assistant"] * len(self.columns)), strict=False)
            return {name: Call(row_code.one_turn, role, Cell(name)) for name, role in said}
        turns = {name: Call(row_code.items, Cell(name)) for name in self.columns}
        return {name: Call(row_code.rename_roles, turns[name], dict(self.roles)) for name in self.columns}

    def _changed(self, number: int, row: Row) -> dict[str, Any]:
        try:
            return {name: change.value(row) for name, change in self._changes.items()}
        except (TypeError, KeyError, AttributeError, ValueError) as error:
            if self.rule == "merge_system":
                raise
            raise DataError(
                f"The turns of row {number} cannot be changed: {error}.",
                remedy="Leave out such rows first.",
            ) from error

    def code(self) -> str:
        """Lines of Python that do the same to `dataset`, with the functions they call."""
        return with_functions(self.lines(), "rows")

    def lines(self) -> str:
        """The same without the functions, which are those of `scripts.rows`."""
        if self.rule == "deduplicate":
            return _DEDUPLICATE.format(literal(list(self.columns)))
        if self.rule == KEEP_APART:
            return ""
        if self.rule == "drop_column":
            return f"dataset = dataset.remove_columns({literal(list(self.columns))})"
        if self.rule == "leave_out":
            kept = "n for n in range(len(dataset)) if n not in left_out"
            return f"left_out = {set(self.rows)!r}\ndataset = dataset.select([{kept}])"
        if self.rule in FILTERS:
            return f"dataset = dataset.filter(lambda row: {self._filter.code})"
        loose = self.columns if self.rule == "usual_turns" else ()  # its turns may differ in their keys
        codes = {name: change.code for name, change in self._changes.items()}
        written = {name: as_json(code) if name in loose else code for name, code in codes.items()}
        cells = ", ".join(f"{literal(name)}: {code}" for name, code in written.items())
        return "\n".join([f"dataset = dataset.map(lambda row: {{{cells}}})", *map(from_json, loose)])

    def to_dict(self) -> dict[str, Any]:
        """JSON values, the label among them; `from_dict` takes them back."""
        return {
            "rule": self.rule,
            "columns": list(self.columns),
            "methods": list(self.methods),
            "roles": [list(pair) for pair in self.roles],
            "first": self.first,
            "rows": list(self.rows),
            "label": self.label,
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Fix:
        """The fix `to_dict` described.

        Raises:
            DataError: These values describe no fix.
        """
        try:
            pairs = tuple((str(old), str(new)) for old, new in values.get("roles", ()))
            methods = tuple(map(str, values.get("methods", ())))
            columns = tuple(map(str, values["columns"]))
            rows = tuple(map(int, values.get("rows", ())))
            return cls(str(values["rule"]), columns, methods, pairs, bool(values.get("first", False)), rows)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise DataError(
                f"These values describe no fix: {error!r}.", remedy="Use what Fix.to_dict() returned."
            ) from error


def script_lines(
    method: str,
    mapping: ColumnMapping | None,
    fixes: Iterable[Fix],
    columns: Iterable[str],
    gathered_by: str | None = None,
) -> str:
    """Lines that give `dataset` what the report's rows got: gathered turns, a mapping, fixes; "" of nothing."""
    concerned = [fix for fix in fixes if fix.concerns(method) and fix.rule != KEEP_APART]
    numbers = [_commented(fix) for fix in concerned if fix.rows]  # they are those of the rows as given
    before, after = ([_commented(f) for f in concerned if f.first is first and not f.rows] for first in (True, False))
    mapped = [f"# {method} reads other columns.\n{mapping.lines(columns)}"] if mapping else []
    call = f"gathered(dataset, {literal(gathered_by)}, {literal(GATHERED)})"
    gathered = [f"# Each row is one turn.\ndataset = type(dataset).from_list({call})"] if gathered_by else []
    return "\n".join([*gathered, *numbers, *before, *mapped, *after])


def _commented(fix: Fix) -> str:
    return f"# {comment(fix.label)}.\n{fix.lines()}"
