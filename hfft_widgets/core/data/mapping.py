"""Column mappings: which columns of a dataset become the columns a trainer reads, as values that apply and write code.

Every way of filling a column is here twice, side by side: as a function of a row and as the expression a training
script gets. A property test runs the script's lines on real datasets and compares.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from textwrap import indent
from typing import Any

from hfft_widgets.core.data.shapes import STANDARD_KEYS, Row
from hfft_widgets.core.script import literal
from hfft_widgets.errors import DataError

# What applying a mapping to a row of another shape may raise.
MAPPING_ERRORS = (TypeError, KeyError, AttributeError, IndexError)


@dataclass(frozen=True)
class Pick:
    """Where the values of one column come from.

    Attributes:
        how: One of `HOWS`.
        columns: The columns it reads: one, or, for "joined" and single turns, several that are joined.
        keys: How turns name their speaker and text in the data.
        roles: Speakers to rename: pairs of (name in the data, chat role).
    """

    how: str
    columns: tuple[str, ...]
    keys: tuple[str, str] = STANDARD_KEYS
    roles: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        if self.how not in HOWS:
            raise DataError(f"{self.how!r} is no way to fill a column.", remedy=f"Choose one of {', '.join(HOWS)}.")
        if not self.columns:
            raise DataError("A column cannot be filled from no column.", remedy="Name at least one source column.")

    def value(self, row: Row) -> Any:
        """The value for this row; a missing column counts as None."""
        return HOWS[self.how].value(self, row)

    @property
    def code(self) -> str:
        """The same as a Python expression over `row`."""
        return HOWS[self.how].code(self)

    @property
    def words(self) -> str:
        """The same for people, e.g. "question" or "the turns of 'messages' before the answer"."""
        words = HOWS[self.how].words.format(" and ".join(f"'{name}'" for name in self.columns))
        renamed = ", ".join(f"{old} as {new}" for old, new in self.roles)
        return f"{words} ({renamed})" if renamed else words

    @property
    def plain(self) -> bool:
        """Whether it is one column under another name."""
        return self.how == "column"

    @property
    def reads_turns(self) -> bool:
        """Whether it looks into the turns of a conversation."""
        return self.how in {"turns", "turns_before_answer", "answer_turn", "answer_text"}

    def to_dict(self) -> dict[str, Any]:
        """JSON values; `from_dict` takes them back."""
        return {
            "how": self.how,
            "columns": list(self.columns),
            "keys": list(self.keys),
            "roles": [list(pair) for pair in self.roles],
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Pick:
        """The pick `to_dict` described."""
        role, content = values.get("keys", STANDARD_KEYS)
        pairs = tuple((str(old), str(new)) for old, new in values.get("roles", ()))
        return cls(str(values["how"]), tuple(map(str, values["columns"])), (str(role), str(content)), pairs)


# ---- the ways to fill a column ---------------------------------------------------------------


@dataclass(frozen=True)
class How:
    """One way to fill a column: as a function, as an expression, and in words around the source's name."""

    value: Callable[[Pick, Row], Any]
    code: Callable[[Pick], str]
    words: str


def _cell(pick: Pick, row: Row) -> Any:
    return row.get(pick.columns[0])


def _cell_code(pick: Pick) -> str:
    return f"row[{literal(pick.columns[0])}]"


def _joined(pick: Pick, row: Row) -> str:
    return "\n\n".join(str(part) for part in [row.get(name) for name in pick.columns] if part)


def _joined_code(pick: Pick) -> str:
    parts = ", ".join(f"row[{literal(name)}]" for name in pick.columns)
    return rf'"\n\n".join(str(part) for part in [{parts}] if part)'


def _turns(pick: Pick, row: Row) -> Any:
    turns = _cell(pick, row) or []
    roles, (speaker, text) = dict(pick.roles), pick.keys
    if pick.keys != STANDARD_KEYS:
        return [{"role": roles.get(turn[speaker], turn[speaker]), "content": turn[text]} for turn in turns]
    if roles:
        return [{**turn, "role": roles.get(turn["role"], turn["role"])} for turn in turns]
    return turns


def _turns_code(pick: Pick) -> str:
    cell, (speaker, text) = _cell_code(pick), (f"turn[{literal(key)}]" for key in pick.keys)
    role = f"{literal(dict(pick.roles))}.get({speaker}, {speaker})" if pick.roles else speaker
    if pick.keys == STANDARD_KEYS and not pick.roles:
        return f"({cell} or [])"
    turn = f'{{**turn, "role": {role}}}' if pick.keys == STANDARD_KEYS else f'{{"role": {role}, "content": {text}}}'
    return f"[\n    {turn}\n    for turn in {cell} or []\n]"


def _answer_text(pick: Pick, row: Row) -> Any:
    text = pick.keys[1]
    return (_cell(pick, row) or [{text: None}])[-1][text]


def _answer_text_code(pick: Pick) -> str:
    text = literal(pick.keys[1])
    return f"({_cell_code(pick)} or [{{{text}: None}}])[-1][{text}]"


def _turn(role: str) -> How:
    def content(pick: Pick, row: Row) -> Any:
        return _joined(pick, row) if len(pick.columns) > 1 else _cell(pick, row)

    def code(pick: Pick) -> str:
        return _joined_code(pick) if len(pick.columns) > 1 else _cell_code(pick)

    return How(
        lambda pick, row: [{"role": role, "content": content(pick, row)}],
        lambda pick: f'[{{"role": "{role}", "content": {code(pick)}}}]',
        f"{{}} as one {role} turn",
    )


HOWS: dict[str, How] = {
    "column": How(_cell, _cell_code, "{}"),
    "joined": How(_joined, _joined_code, "{}, joined"),
    "turns": How(_turns, _turns_code, "the turns of {}"),
    "turns_before_answer": How(
        lambda pick, row: _turns(pick, row)[:-1],
        lambda pick: f"{_turns_code(pick)}[:-1]",
        "the turns of {} before the answer",
    ),
    "answer_turn": How(
        lambda pick, row: _turns(pick, row)[-1:],
        lambda pick: f"{_turns_code(pick)}[-1:]",
        "the last turn of {}",
    ),
    "answer_text": How(_answer_text, _answer_text_code, "the text of the last turn of {}"),
    "user_turn": _turn("user"),
    "assistant_turn": _turn("assistant"),
}


# ---- the mapping -----------------------------------------------------------------------------


@dataclass(frozen=True)
class ColumnMapping:
    """How the columns a trainer reads are filled.

    Columns that are read and not filled themselves go away, so do those in `drop`; all others stay.

    >>> mapping = ColumnMapping.rename({"question": "prompt"}, drop=["id"])
    >>> mapping.apply({"id": 7, "question": "Why?", "level": 1})
    {'level': 1, 'prompt': 'Why?'}

    Attributes:
        targets: The trainer's column -> where its values come from.
        drop: Columns to remove.
    """

    targets: Mapping[str, Pick] = field(default_factory=dict)
    drop: tuple[str, ...] = ()

    @classmethod
    def rename(cls, names: Mapping[str, str], *, drop: Iterable[str] = ()) -> ColumnMapping:
        """A mapping that gives columns other names: old -> new."""
        return cls({new: Pick("column", (old,)) for old, new in names.items()}, tuple(drop))

    @property
    def sources(self) -> tuple[str, ...]:
        """The columns it reads, each once."""
        return tuple(dict.fromkeys(name for pick in self.targets.values() for name in pick.columns))

    @property
    def removed(self) -> tuple[str, ...]:
        """The columns that are gone afterwards."""
        return tuple(name for name in dict.fromkeys((*self.drop, *self.sources)) if name not in self.targets)

    @property
    def _filled(self) -> dict[str, Pick]:
        """The targets that are not simply the column they are."""
        return {name: pick for name, pick in self.targets.items() if not (pick.plain and pick.columns == (name,))}

    @property
    def words(self) -> str:
        """The mapping in words, e.g. "chosen from 'good_response'; without 'id'"."""
        parts = [f"{name} from {pick.words}" for name, pick in self._filled.items()]
        if self.drop:
            parts.append("without " + ", ".join(f"'{name}'" for name in self.drop))
        return "; ".join(parts)

    def apply(self, rows: Any) -> Any:
        """One row (a mapping) -> a dict; an iterable of rows -> a list of dicts."""
        return self._row(rows) if isinstance(rows, Mapping) else [self._row(row) for row in rows]

    def _row(self, row: Row) -> dict[str, Any]:
        gone = set(self.removed)
        kept = {name: cell for name, cell in row.items() if name not in gone}
        return kept | {name: pick.value(row) for name, pick in self._filled.items()}

    def code(self, columns: Iterable[str] = ()) -> str:
        """Lines of Python that do the same to `dataset`.

        Args:
            columns: The dataset's columns. With them, a mapping that only renames is written as a rename; without
                them it cannot be known that the new names are free.
        """
        filled = self._filled
        if not filled:
            return f"dataset = dataset.remove_columns({literal(list(self.removed))})" if self.removed else ""
        names = {pick.columns[0]: new for new, pick in filled.items() if pick.plain}
        if len(names) < len(filled) or not columns or {*filled} & {*columns} or {*names} & {*self.targets}:
            return "\n".join(_map_lines(filled, list(self.removed)))
        dropped = [name for name in self.removed if name not in names]
        lines = [f"dataset = dataset.remove_columns({literal(dropped)})"] if dropped else []
        return "\n".join([*lines, f"dataset = dataset.rename_columns({literal(names)})"])

    def to_dict(self) -> dict[str, Any]:
        """JSON values; `from_dict` takes them back."""
        return {"targets": {name: pick.to_dict() for name, pick in self.targets.items()}, "drop": list(self.drop)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> ColumnMapping:
        """The mapping `to_dict` described.

        Raises:
            DataError: These values describe no mapping.
        """
        try:
            targets = {str(name): Pick.from_dict(pick) for name, pick in values.get("targets", {}).items()}
            return cls(targets, tuple(map(str, values.get("drop", ()))))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise DataError(
                f"These values describe no column mapping: {error!r}.",
                remedy="Use what ColumnMapping.to_dict() returned.",
            ) from error

    def missing(self, columns: Iterable[str]) -> list[str]:
        """Columns it reads or drops that the dataset does not have."""
        there = set(columns)
        return [name for name in dict.fromkeys((*self.sources, *self.drop)) if name not in there]


def _map_lines(filled: Mapping[str, Pick], removed: list[str]) -> Iterator[str]:
    yield "dataset = dataset.map("
    yield "    lambda row: {"
    for name, pick in filled.items():
        yield indent(f"{literal(name)}: {pick.code},", " " * 8)
    yield "    },"
    if removed:
        yield f"    remove_columns={literal(removed)},"
    yield ")"
