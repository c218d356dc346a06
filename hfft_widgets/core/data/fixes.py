"""Remedies that keep meaning: leave out broken rows, repeated rows or a column, or call the roles by their names.

A fix works on rows as the trainer would get them, after the column mapping; only rows that no mapping can take are
left out before it. Like a mapping it is a value that applies itself and writes the same as code.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from hfft_widgets.core.data.shapes import NOTHING_BYTES, PLACEHOLDERS, ROLES, Row, says_nothing
from hfft_widgets.core.script import literal
from hfft_widgets.errors import DataError

Numbered = tuple[int, dict[str, Any]]


@dataclass(frozen=True)
class Keep:
    """Which rows stay: as a function of a row and the columns, as an expression, and in words."""

    test: Callable[[Row, tuple[str, ...]], bool]
    code: str  # {0} and {1} stand for the cells
    words: str


def _turns(cell: object) -> list[Any] | None:
    """The turns of a cell if all of them are mappings; None otherwise."""
    return cell if isinstance(cell, list) and all(isinstance(turn, Mapping) for turn in cell) else None


def _is_text(row: Row, columns: tuple[str, ...]) -> bool:
    return isinstance(row.get(columns[0]), str)


def _has_text(row: Row, columns: tuple[str, ...]) -> bool:
    cell = row.get(columns[0])
    return isinstance(cell, str) and cell.strip() != ""


def _is_conversation(row: Row, columns: tuple[str, ...]) -> bool:
    turns = _turns(row.get(columns[0]))
    return bool(turns) and all("role" in turn for turn in turns or [])


def _has_turns(row: Row, columns: tuple[str, ...]) -> bool:
    cell = row.get(columns[0])
    return cell is None or _turns(cell) is not None


def _has_contents(row: Row, columns: tuple[str, ...]) -> bool:
    turns = _turns(row.get(columns[0]))
    return turns is not None and all(
        turn.get("tool_calls") or (isinstance(turn.get("content"), str) and turn["content"].strip() != "")
        for turn in turns
    )


def _has_roles(row: Row, columns: tuple[str, ...]) -> bool:
    turns = _turns(row.get(columns[0]))
    return turns is not None and all(turn.get("role") in ROLE_ORDER for turn in turns)


def _ends_with_answer(row: Row, columns: tuple[str, ...]) -> bool:
    turns = _turns(row.get(columns[0]))
    return bool(turns) and (turns or [{}])[-1].get("role") == "assistant"


def _says_something(row: Row, columns: tuple[str, ...]) -> bool:
    cell = row.get(columns[0])
    last = cell[-1] if isinstance(cell, list) and cell else None
    text = last.get("content") if isinstance(last, Mapping) else cell
    return not isinstance(text, str) or not says_nothing(text)


def _has_tool_calls(row: Row, columns: tuple[str, ...]) -> bool:
    calls = [turn.get("tool_calls") or [] for turn in _turns(row.get(columns[0])) or []]
    return all(isinstance(c, list) and all(isinstance(call, Mapping) for call in c) for c in calls)


def _is_label(row: Row, columns: tuple[str, ...]) -> bool:
    return row.get(columns[0]) in [0, 1]


def _is_number(row: Row, columns: tuple[str, ...]) -> bool:
    return isinstance(row.get(columns[0]), (int, float))


def _answers_differ(row: Row, columns: tuple[str, ...]) -> bool:
    return bool(row.get(columns[0]) != row.get(columns[1]))


def _share_a_start(row: Row, columns: tuple[str, ...]) -> bool:
    first, second = (row.get(name) for name in columns[:2])
    return isinstance(first, list) and isinstance(second, list) and first[:1] == second[:1] != []


ROLE_ORDER = tuple(sorted(ROLES))
_DICTS = "isinstance({0}, list) and all(isinstance(turn, dict) and "

KEEPS: dict[str, Keep] = {
    "is_text": Keep(_is_text, "isinstance({0}, str)", "Leave out rows without text in {0}"),
    "has_text": Keep(
        _has_text, 'isinstance({0}, str) and {0}.strip() != ""', "Leave out rows with blank or no text in {0}"
    ),
    "is_conversation": Keep(
        _is_conversation,
        "isinstance({0}, list) and {0} != [] and all(isinstance(turn, dict) and 'role' in turn for turn in {0})",
        "Leave out rows without a conversation in {0}",
    ),
    "has_turns": Keep(
        _has_turns,
        "{0} is None or isinstance({0}, list) and all(isinstance(turn, dict) for turn in {0})",
        "Leave out rows with something else than turns in {0}",
    ),
    "has_contents": Keep(
        _has_contents,
        _DICTS + '(turn.get("tool_calls") or isinstance(turn.get("content"), str) and turn["content"].strip() != "")'
        " for turn in {0})",
        "Leave out rows with a turn without text in {0}",
    ),
    "has_roles": Keep(
        _has_roles,
        _DICTS + f'turn.get("role") in {ROLE_ORDER!r} for turn in {{0}})',
        "Leave out rows with an unknown role in {0}",
    ),
    "ends_with_answer": Keep(
        _ends_with_answer,
        "isinstance({0}, list) and all(isinstance(turn, dict) for turn in {0}) and {0} != []"
        ' and {0}[-1].get("role") == "assistant"',
        "Leave out rows that do not end with an answer in {0}",
    ),
    "says_something": Keep(_says_something, "says_something({0})", "Leave out rows whose answer in {0} says nothing"),
    "has_tool_calls": Keep(
        _has_tool_calls,
        "not isinstance({0}, list) or not all(isinstance(turn, dict) for turn in {0}) or "
        'all(isinstance(turn.get("tool_calls") or [], list) and'
        ' all(isinstance(call, dict) for call in turn.get("tool_calls") or []) for turn in {0})',
        "Leave out rows with broken tool calls in {0}",
    ),
    "is_label": Keep(_is_label, "{0} in [0, 1]", "Leave out rows without true or false in {0}"),
    "is_number": Keep(_is_number, "isinstance({0}, (int, float))", "Leave out rows without a number in {0}"),
    "answers_differ": Keep(_answers_differ, "{0} != {1}", "Leave out rows where {0} and {1} are the same"),
    "share_a_start": Keep(
        _share_a_start,
        "isinstance({0}, list) and isinstance({1}, list) and {0}[:1] == {1}[:1] != []",
        "Leave out rows where {0} and {1} share no first turn",
    ),
}
OTHERS = {
    "deduplicate": "Keep the first of rows that are the same in {0}",
    "drop_column": "Remove the column {0}",
    "rename_roles": "Call the roles in {0} by their usual names",
    "merge_system": "Put the system turn of {0} at the start of the first question",
    "leave_out": "Leave out the rows concerned",
}


@dataclass(frozen=True)
class Fix:
    """One remedy.

    >>> fix = Fix("has_text", ("text",))
    >>> fix.apply([{"text": "Hello"}, {"text": " "}, {"text": None}])
    [{'text': 'Hello'}]
    >>> print(fix.code())
    dataset = dataset.filter(lambda row: isinstance(row["text"], str) and row["text"].strip() != "")

    Attributes:
        rule: One of `KEEPS` (rows that fail it are left out), "deduplicate", "drop_column" or "rename_roles".
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
        if self.rule not in KEEPS and self.rule not in OTHERS:
            raise DataError(f"{self.rule!r} is no fix.", remedy=f"Choose one of {', '.join([*KEEPS, *OTHERS])}.")
        needed = {"answers_differ": 2, "share_a_start": 2, "leave_out": 0}.get(self.rule, 1)
        if len(self.columns) < needed:
            raise DataError(f"The fix {self.rule!r} needs {needed} column(s), got {self.columns!r}.")

    @property
    def label(self) -> str:
        """What it does, for a button, e.g. "Leave out rows without text in 'prompt'"."""
        if self.rule == "leave_out":
            shown = ", ".join(f"{number:,}" for number in self.rows[:3])
            return f"Leave out {'row' if len(self.rows) == 1 else 'rows'} {shown}" + " …" * (len(self.rows) > 3)
        words = KEEPS[self.rule].words if self.rule in KEEPS else OTHERS[self.rule]
        if self.rule == "deduplicate":
            return words.format(" and ".join(f"'{name}'" for name in self.columns))
        return words.format(*(f"'{name}'" for name in self.columns))

    def concerns(self, method: str) -> bool:
        """Whether it is for this method."""
        return not self.methods or method in self.methods

    def apply(self, rows: Iterable[Row]) -> list[dict[str, Any]]:
        """The rows that are left, changed where the fix changes them."""
        return [row for _, row in self.numbered((n, dict(row)) for n, row in enumerate(rows))]

    def numbered(self, rows: Iterable[Numbered]) -> Iterator[Numbered]:
        """The same for (number, row) pairs, one by one; the numbers stay with their rows."""
        if self.rule == "deduplicate":
            yield from self._first_ones(rows)
        elif self.rule == "drop_column":
            yield from ((n, {k: v for k, v in row.items() if k not in self.columns}) for n, row in rows)
        elif self.rule == "rename_roles":
            yield from ((n, row | {name: self._renamed(n, row.get(name)) for name in self.columns}) for n, row in rows)
        elif self.rule == "merge_system":
            yield from ((n, row | {name: merged(row.get(name)) for name in self.columns}) for n, row in rows)
        elif self.rule == "leave_out":
            gone = set(self.rows)
            yield from ((n, row) for n, row in rows if n not in gone)
        else:
            keeps = KEEPS[self.rule].test
            yield from ((n, row) for n, row in rows if keeps(row, self.columns))

    def _first_ones(self, rows: Iterable[Numbered]) -> Iterator[Numbered]:
        seen: set[str] = set()
        for number, row in rows:
            key = repr([row.get(name) for name in self.columns])
            if key not in seen:
                seen.add(key)
                yield number, row

    def _renamed(self, number: int, cell: Any) -> Any:
        names = dict(self.roles)
        try:
            return [{**turn, "role": names.get(turn["role"], turn["role"])} for turn in cell or []]
        except (TypeError, KeyError) as error:
            raise DataError(
                f"The roles of row {number} cannot be renamed: it holds no conversation.",
                remedy="Leave out such rows first.",
            ) from error

    def code(self) -> str:
        """Lines of Python that do the same to `dataset`."""
        cells = [f"row[{literal(name)}]" for name in self.columns]
        if self.rule == "says_something":
            return f"{_SAYS_CODE}\n\n\ndataset = dataset.filter(lambda row: says_something({cells[0]}))"
        if self.rule in KEEPS:
            return f"dataset = dataset.filter(lambda row: {KEEPS[self.rule].code.format(*cells)})"
        if self.rule == "drop_column":
            return f"dataset = dataset.remove_columns({literal(list(self.columns))})"
        if self.rule == "leave_out":
            kept = "n for n in range(len(dataset)) if n not in left_out"
            return f"left_out = {set(self.rows)!r}\ndataset = dataset.select([{kept}])"
        if self.rule == "merge_system":
            return self._merge_code()
        return self._rename_code() if self.rule == "rename_roles" else _first_ones_code(self.columns)

    def _merge_code(self) -> str:
        cells = ", ".join(f"{literal(name)}: merged(row[{literal(name)}])" for name in self.columns)
        return f"{_MERGED_CODE}\n\n\ndataset = dataset.map(lambda row: {{{cells}}})"

    def _rename_code(self) -> str:
        turn = f'{{**turn, "role": {literal(dict(self.roles))}.get(turn["role"], turn["role"])}}'
        cells = [f"{literal(name)}: [{turn} for turn in row[{literal(name)}] or []]" for name in self.columns]
        return f"dataset = dataset.map(lambda row: {{{', '.join(cells)}}})"

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


def _first_ones_code(columns: Iterable[str]) -> str:
    # as Arrow holds them: an opened picture is told by its place in memory, which the next one may get
    return f"""first = {{}}
for number, row in enumerate(dataset.with_format("arrow")):
    first.setdefault(repr(row.select({literal(list(columns))}).to_pylist()), number)
dataset = dataset.select(first.values())"""


def merged(turns: Any) -> Any:
    """A conversation with its system turn at the start of the first question."""
    if not isinstance(turns, list) or len(turns) < 2 or turns[0]["role"] != "system":
        return turns
    system, question, *rest = turns
    texts = [str(turn["content"]) for turn in (system, question) if turn["content"]]
    return [{**question, "content": "\n\n".join(texts)}, *rest]


_MERGED_CODE = """def merged(turns):
    if not turns or len(turns) < 2 or turns[0]["role"] != "system":
        return turns
    system, question, *rest = turns
    texts = [str(turn["content"]) for turn in (system, question) if turn["content"]]
    return [{**question, "content": "\\n\\n".join(texts)}, *rest]"""

_SAYS_CODE = f"""def says_something(answer):
    last = answer[-1] if isinstance(answer, list) and answer else None
    text = last.get("content") if isinstance(last, dict) else answer
    if not isinstance(text, str) or len(text.encode("utf-8", "surrogatepass")) > {NOTHING_BYTES}:
        return True
    nothing = {literal(list(PLACEHOLDERS))}
    return text.strip().lower() not in nothing and any(letter.isalnum() for letter in text)"""
