"""The ways to fill a column of a trainer from the columns of a dataset.

Every way of filling a column is here twice, side by side: as a function of a row and as the expression a training
script gets. A property test runs the script's lines on real datasets and compares.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from hfft_widgets.core.data.shapes import STANDARD_KEYS, Row
from hfft_widgets.core.script import literal
from hfft_widgets.errors import DataError


@dataclass(frozen=True)
class Pick:
    """Where the values of one column come from.

    Attributes:
        how: One of `HOWS`.
        columns: The columns it reads: one, or, for "joined" and single turns, several that are joined.
        keys: How turns name their speaker and text in the data.
        roles: Speakers to rename: pairs of (name in the data, chat role).
        values: For labels: the values that mean yes, or the least number that does. For the better and the worse of
            two answers: the values of the last column that choose the first one; none: the higher score does.
        json: Whether the column writes its turns as JSON text.
        unmark: Whether `<image>` is taken out of its turns: the trainer puts its own mark beside each picture.
        turn: The chat role that says the value, as a conversation of one turn; "": the value as it is.
    """

    how: str
    columns: tuple[str, ...]
    keys: tuple[str, str] = STANDARD_KEYS
    roles: tuple[tuple[str, str], ...] = ()
    values: tuple[str | int | float | bool, ...] = ()
    json: bool = False
    unmark: bool = False
    turn: str = ""

    def __post_init__(self) -> None:
        if self.how not in HOWS:
            raise DataError(f"{self.how!r} is no way to fill a column.", remedy=f"Choose one of {', '.join(HOWS)}.")
        needed = HOWS[self.how].needs
        if len(self.columns) < needed:
            raise DataError(
                f"{self.how!r} fills a column from at least {needed} column(s), got {len(self.columns)}.",
                remedy="Name the source columns.",
            )

    def value(self, row: Row) -> Any:
        """The value for this row; a missing column counts as None."""
        value = HOWS[self.how].value(self, row)
        return [{"role": self.turn, "content": value}] if self.turn else value

    @property
    def code(self) -> str:
        """The same as a Python expression over `row`."""
        code = HOWS[self.how].code(self)
        return f'[{{"role": {literal(self.turn)}, "content": {code}}}]' if self.turn else code

    @property
    def words(self) -> str:
        """The same for people, e.g. "question" or "the turns of 'messages' before the answer"."""
        names = [f"'{name}'" for name in self.columns]
        values = ", ".join(map(repr, self.values))
        words = HOWS[self.how].words.format(" and ".join(names), *names, values=values, score=self.keys[1])
        renamed = ", ".join(f"{old} as {new}" for old, new in self.roles)
        words = f"{words} without <image> marks" if self.unmark else words
        words = f"{words} as one {self.turn} turn" if self.turn else words
        return f"{words} ({renamed})" if renamed else words

    @property
    def plain(self) -> bool:
        """Whether it is one column under another name."""
        return self.how == "column" and not self.turn

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
            "values": list(self.values),
            "json": self.json,
            "unmark": self.unmark,
            "turn": self.turn,
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Pick:
        """The pick `to_dict` described."""
        role, content = values.get("keys", STANDARD_KEYS)
        pairs = tuple((str(old), str(new)) for old, new in values.get("roles", ()))
        columns, chosen = tuple(map(str, values["columns"])), tuple(values.get("values", ()))
        flags = (bool(values.get("json")), bool(values.get("unmark")))
        rest = (pairs, chosen, *flags, str(values.get("turn", "")))
        return cls(str(values["how"]), columns, (str(role), str(content)), *rest)


# ---- the ways to fill a column ---------------------------------------------------------------


@dataclass(frozen=True)
class How:
    """One way to fill a column: as a function, as an expression, and in words around the source's name."""

    value: Callable[[Pick, Row], Any]
    code: Callable[[Pick], str]
    words: str
    needs: int = 1


def _cell(pick: Pick, row: Row) -> Any:
    return row.get(pick.columns[0])


def _cell_code(pick: Pick) -> str:
    return f"row[{literal(pick.columns[0])}]"


def _joined(pick: Pick, row: Row) -> str:
    return "\n\n".join(str(part) for part in [row.get(name) for name in pick.columns] if part)


def _joined_code(pick: Pick) -> str:
    parts = ", ".join(f"row[{literal(name)}]" for name in pick.columns)
    return rf'"\n\n".join(str(part) for part in [{parts}] if part)'


def _listed(pick: Pick, row: Row) -> Any:
    cell = _cell(pick, row)
    return json.loads(cell) if pick.json and cell else cell or []


def _listed_code(pick: Pick) -> str:
    cell = _cell_code(pick)
    return f'json.loads({cell} or "[]")' if pick.json else f"{cell} or []"


def _turns(pick: Pick, row: Row) -> Any:
    turns = _listed(pick, row)
    roles, (speaker, text) = dict(pick.roles), pick.keys
    if pick.keys != STANDARD_KEYS:
        turns = [{"role": roles.get(turn[speaker], turn[speaker]), "content": turn[text]} for turn in turns]
    elif roles:
        turns = [{**turn, "role": roles.get(turn["role"], turn["role"])} for turn in turns]
    if pick.unmark:
        return [{**turn, "content": turn["content"].replace("<image>", "").strip()} for turn in turns]
    return turns


def _turns_code(pick: Pick) -> str:
    speaker, text = (f"turn[{literal(key)}]" for key in pick.keys)
    role = f"{literal(dict(pick.roles))}.get({speaker}, {speaker})" if pick.roles else speaker
    standard = pick.keys == STANDARD_KEYS
    if standard and not pick.roles and not pick.unmark:
        return f"({_listed_code(pick)})"
    content = f'{text}.replace("<image>", "").strip()' if pick.unmark else text
    changed = ["**turn"] if standard else []
    changed += [f'"role": {role}'] if pick.roles or not standard else []
    changed += [f'"content": {content}'] if pick.unmark or not standard else []
    return f"[\n    {{{', '.join(changed)}}}\n    for turn in {_listed_code(pick)}\n]"


def _answer_text(pick: Pick, row: Row) -> Any:
    text = pick.keys[1]
    return (_listed(pick, row) or [{text: None}])[-1][text]


def _answer_text_code(pick: Pick) -> str:
    text = literal(pick.keys[1])
    return f"({_listed_code(pick)} or [{{{text}: None}}])[-1][{text}]"


def _one_of(pick: Pick, row: Row) -> Any:
    cell = _cell(pick, row)
    return None if cell is None else cell in list(pick.values)  # no answer is not a no


def _one_of_code(pick: Pick) -> str:
    return f"None if {_cell_code(pick)} is None else {_cell_code(pick)} in {literal(list(pick.values))}"


def _at_least(pick: Pick, row: Row) -> Any:
    return _cell(pick, row) >= pick.values[0]


def _first_wins(pick: Pick, row: Row) -> Any:
    last: list[Any] = [row.get(name) for name in pick.columns[2:]]
    return last[0] in list(pick.values) if pick.values else last[0] >= last[1]


def _first_wins_code(pick: Pick) -> str:
    last = [f"row[{literal(name)}]" for name in pick.columns[2:]]
    return f"{last[0]} in {literal(list(pick.values))}" if pick.values else f"{last[0]} >= {last[1]}"


def _of_two(places: tuple[int, int], words: str) -> How:
    def code(pick: Pick) -> str:
        first, second = (f"row[{literal(pick.columns[place])}]" for place in places)
        chosen = f"{first} if {_first_wins_code(pick)} else {second}"
        return f"None if row[{literal(pick.columns[2])}] is None else {chosen}" if pick.values else chosen

    def value(pick: Pick, row: Row) -> Any:
        if pick.values and row.get(pick.columns[2]) is None:  # nobody chose
            return None
        return row.get(pick.columns[places[0 if _first_wins(pick, row) else 1]])

    return How(
        value,
        code,
        words,
        needs=3,
    )


def _of_many(choose: Callable[..., Any], words: str) -> How:
    """The text of the record with the best or worst score; `keys` name text and score."""
    return How(
        lambda pick, row: choose(_cell(pick, row), key=lambda answer: answer[pick.keys[1]])[pick.keys[0]],
        lambda pick: (
            f"{choose.__name__}({_cell_code(pick)}, key=lambda answer: answer[{literal(pick.keys[1])}])"
            f"[{literal(pick.keys[0])}]"
        ),
        words,
    )


def _exchanges(pick: Pick, row: Row) -> Any:
    asked, answered = pick.keys
    both = (("user", asked), ("assistant", answered))
    return [{"role": role, "content": item[key]} for item in _listed(pick, row) for role, key in both]


def _exchanges_code(pick: Pick) -> str:
    both = f'(("user", {literal(pick.keys[0])}), ("assistant", {literal(pick.keys[1])}))'
    turn = '{"role": role, "content": item[key]}'
    return f"[\n    {turn}\n    for item in {_listed_code(pick)}\n    for role, key in {both}\n]"


def _alternating(pick: Pick, row: Row) -> Any:
    texts = _listed(pick, row)
    return [{"role": ("user", "assistant")[n % 2], "content": text} for n, text in enumerate(texts)]


def _alternating_code(pick: Pick) -> str:
    turn = '{"role": ("user", "assistant")[n % 2], "content": text}'
    return f"[\n    {turn}\n    for n, text in enumerate({_listed_code(pick)})\n]"


HOWS: dict[str, How] = {
    "column": How(_cell, _cell_code, "{0}"),
    "joined": How(_joined, _joined_code, "{0}, joined"),
    "turns": How(_turns, _turns_code, "the turns of {0}"),
    "turns_before_answer": How(
        lambda pick, row: _turns(pick, row)[:-1],
        lambda pick: f"{_turns_code(pick)}[:-1]",
        "the turns of {0} before the answer",
    ),
    "answer_turn": How(
        lambda pick, row: _turns(pick, row)[-1:],
        lambda pick: f"{_turns_code(pick)}[-1:]",
        "the last turn of {0}",
    ),
    "answer_text": How(_answer_text, _answer_text_code, "the text of the last turn of {0}"),
    "exchanges": How(_exchanges, _exchanges_code, "the questions and answers of {0} as turns"),
    "alternating": How(_alternating, _alternating_code, "the texts of {0} as turns of user and assistant by turns"),
    "field": How(
        lambda pick, row: _cell(pick, row)[pick.keys[0]],
        lambda pick: f"{_cell_code(pick)}[{literal(pick.keys[0])}]",
        "a field of {0}",
    ),
    "one_of": How(_one_of, _one_of_code, "whether {0} is one of {values}"),
    "at_least": How(
        _at_least, lambda pick: f"{_cell_code(pick)} >= {literal(pick.values[0])}", "whether {0} is at least {values}"
    ),
    "better": _of_two((0, 1), "the better one of {1} and {2}"),
    "worse": _of_two((1, 0), "the worse one of {1} and {2}"),
    "best": _of_many(max, "the answer of {0} with the highest '{score}'"),
    "worst": _of_many(min, "the answer of {0} with the lowest '{score}'"),
}
