"""The ways to fill a column of a trainer from the columns of a dataset, each a composition of four steps.

The steps are path, parse, turn and choose (`steps`, `scripts.rows`): they run here, and a training script calls the
same functions by name.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from hfft_widgets.core.data.columns import STANDARD_KEYS, Row
from hfft_widgets.core.data.mapping.steps import Call, Cell, Item, Path, Step, followed, parses, path_of, place_words
from hfft_widgets.errors import DataError
from hfft_widgets.scripts import rows


@dataclass(frozen=True)
class Transform:
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
        paths: For each column the way from its cell to what is meant; none: the cells themselves.
        before: What comes before its turns as turns: a system prompt, an earlier exchange.
        others: For the better of two answers: the values that choose the second one; any else is no choice.
        wins: Which score is the better one: "highest", "lowest", or "ask" where nobody knows yet; "": the highest, and
            of equal ones the first. "same": the answer whose text the last column repeats.
    """

    how: str
    columns: tuple[str, ...]
    keys: tuple[str, str] = STANDARD_KEYS
    roles: tuple[tuple[str, str], ...] = ()
    values: tuple[str | int | float | bool, ...] = ()
    json: bool = False
    unmark: bool = False
    turn: str = ""
    paths: tuple[Path, ...] = ()
    before: tuple[Transform, ...] = ()
    others: tuple[str | int | float | bool, ...] = ()
    wins: str = ""

    def __post_init__(self) -> None:
        if self.how not in HOWS:
            raise DataError(f"{self.how!r} is no way to fill a column.", remedy=f"Choose one of {', '.join(HOWS)}.")
        needed = HOWS[self.how].needs
        if len(self.columns) < needed:
            raise DataError(
                f"{self.how!r} fills a column from at least {needed} column(s), got {len(self.columns)}.",
                remedy="Name the source columns.",
            )

    @cached_property
    def step(self) -> Step:
        """The last of its steps; IndexError: it lacks a column or a value."""
        step = HOWS[self.how].step(self)
        step = Call(rows.one_turn, self.turn, step) if self.turn else step
        return Call(rows.conversation, *(made.step for made in self.before), step) if self.before else step

    @cached_property
    def decision(self) -> Step | None:
        """What says which answer is the better one; None of a row without a better one. None: nothing decides."""
        if self.how in {"better", "worse"} and (self.wins or self.others):
            return _wins(self)
        return _ranking(self) if self.how in {"best", "worst"} and self.wins else None

    def because(self, row: Row) -> str:
        """Why an answer of this row is the better one, e.g. "score_a 9 against score_b 2"; "": nothing is chosen."""
        if self.decision is None:
            return ""
        first = 2 if self.how in _OF_TWO else 1
        places = [(name, self.path(n)) for n, name in enumerate(self.columns)]
        said = [(place_words(*places[n]), _cell(self, n)) for n in range(first, len(places)) if places[n] != places[0]]
        return " against ".join(f"{name} {step.value(row)}" for name, step in said)

    @classmethod
    def filling(cls, template: str, turn: str = "user") -> Transform:
        """A prompt that a person typed, with columns in it: "{context}: {question}".

        >>> Transform.filling("Use {nums}.", turn="").value({"nums": [1, 2]})
        'Use [1, 2].'

        Raises:
            DataError: It names no column.
        """
        names = tuple(dict.fromkeys(re.findall(r"\{([^{}]+)\}", template)))
        return cls("filled", names, values=(template, *names), turn=turn)

    def better(self, wins: str) -> Transform:
        """The same, once it is known which score is the better one."""
        return replace(self, wins=wins) if self.wins == "ask" else self

    def value(self, row: Row) -> Any:
        """The value for this row; a missing column counts as None."""
        return self.step.value(row)

    @property
    def code(self) -> str:
        """The same as a Python expression over `row`."""
        return self.step.code

    @property
    def words(self) -> str:
        """The same for people, e.g. "question" or "the turns of 'messages' before the answer"."""
        names = [place_words(name, self.path(n)) for n, name in enumerate(self.columns)]
        values = ", ".join(map(repr, self.values))
        words = HOWS[self.how].words.format(" and ".join(names), *names, values=values, score=self.keys[1])
        if self.wins == _SAME or (self.how in {"best", "worst"} and (self.values or names[2:])):
            words += f" (as {names[-1]} says)"
        elif self.wins:
            words += f" ({_WINS[self.wins]} {' and '.join(names[2 if self.how in _OF_TWO else 1 :])} is better)"
        renamed = ", ".join(f"{old} as {new}" for old, new in self.roles)
        words = f"{words} without <image> marks" if self.unmark else words
        words = f"{words} as one {self.turn} turn" if self.turn else words
        words = f"{words}, after {' and '.join(made.words for made in self.before)}" if self.before else words
        return f"{words} ({renamed})" if renamed else words

    @property
    def scores(self) -> str:
        """What says which answer is the better one, for people, e.g. "'score_a' or 'score_b'"."""
        names = [place_words(name, self.path(n)) for n, name in enumerate(self.columns)]
        return " or ".join(names[2 if self.how in _OF_TWO else 1 :])

    @property
    def plain(self) -> bool:
        """Whether it is one column under another name."""
        return self.how == "column" and not (self.turn or self.paths or self.before)

    @property
    def derived(self) -> bool:
        """Whether its value is more than what the outlines of its columns tell."""
        return bool(
            any(self.paths)
            or self.before
            or self.others
            or self.wins
            or self.how in {"filled", "option", "one_of", "at_least"}
        )

    @property
    def sources(self) -> tuple[str, ...]:
        """The columns it reads, those before its turns too."""
        return (*self.columns, *(name for made in self.before for name in made.sources))

    def path(self, number: int) -> Path:
        """The way into one of its columns."""
        return self.paths[number] if number < len(self.paths) else ()

    @property
    def reads_turns(self) -> bool:
        """Whether it looks into the turns of a conversation."""
        return self.how in {"turns", "turns_before_answer", "answer_turn", "answer_text"}

    @property
    def loose(self) -> bool:
        """Whether its turns may differ in their keys: a table would give each turn the keys of all, without a value."""
        turns = self.reads_turns and self.how != "answer_text" and self.keys == STANDARD_KEYS
        return (turns and (self.json or parses(self.path(0)))) or any(made.loose for made in self.before)

    def to_dict(self) -> dict[str, Any]:
        """JSON values; `from_dict` takes them back."""
        more = {
            "paths": [list(path) for path in self.paths],
            "before": [made.to_dict() for made in self.before],
            "others": list(self.others),
            "wins": self.wins,
        }
        return {
            "how": self.how,
            "columns": list(self.columns),
            "keys": list(self.keys),
            "roles": [list(pair) for pair in self.roles],
            "values": list(self.values),
            "json": self.json,
            "unmark": self.unmark,
            "turn": self.turn,
            **{name: value for name, value in more.items() if value},
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Transform:
        """The transform `to_dict` described."""
        role, content = values.get("keys", STANDARD_KEYS)
        pairs = tuple((str(old), str(new)) for old, new in values.get("roles", ()))
        columns, chosen = tuple(map(str, values["columns"])), tuple(values.get("values", ()))
        flags = (bool(values.get("json")), bool(values.get("unmark")))
        paths = tuple(map(path_of, values.get("paths", ())))
        before = tuple(map(cls.from_dict, values.get("before", ())))
        more = (paths, before, tuple(values.get("others", ())), str(values.get("wins", "")))
        rest = (pairs, chosen, *flags, str(values.get("turn", "")), *more)
        return cls(str(values["how"]), columns, (str(role), str(content)), *rest)


# ---- the ways to fill a column ---------------------------------------------------------------


@dataclass(frozen=True)
class How:
    """One way to fill a column: its steps, and words around the source's name."""

    step: Callable[[Transform], Step]
    words: str
    needs: int = 1


_OF_TWO = {"better", "worse"}
_SAME = "same"
_WINS = {"highest": "the highest", "lowest": "the lowest", "ask": "it is not known whether the highest or the lowest"}


def _cell(transform: Transform, number: int = 0) -> Step:
    return followed(Cell(transform.columns[number]), transform.path(number))


def _cells(transform: Transform) -> list[Step]:
    return [_cell(transform, number) for number in range(len(transform.columns))]


def _items(transform: Transform) -> Step:
    path = transform.path(0)
    if path and isinstance(path[-1], tuple):
        return _cell(transform)
    return Call(rows.from_json if transform.json else rows.items, _cell(transform))


def _turns(transform: Transform) -> Step:
    step, roles = _items(transform), dict(transform.roles)
    if transform.keys != STANDARD_KEYS:
        step = Call(rows.turns, step, keys=list(transform.keys), roles=roles or None)
    elif roles:
        step = Call(rows.rename_roles, step, roles)
    return Call(rows.without_marks, step) if transform.unmark else step


def _better(transform: Transform, better: int = 0) -> Call:
    """Of the first two columns the one that the last ones choose, by its values or by two scores."""
    return Call(rows.choose, _cell(transform, better), _cell(transform, 1 - better), _wins(transform))


def _wins(transform: Transform) -> Call:
    last = _cells(transform)[2:]
    if transform.values and transform.others:
        return Call(rows.side, last[0], list(transform.values), list(transform.others))
    if transform.values:
        return Call(rows.one_of, last[0], list(transform.values))
    if transform.wins == _SAME:
        return Call(rows.same, last[0], *_cells(transform)[:2])
    if transform.wins:  # one number alone is below 0 where the first is better, or above
        both = last[0], last[1] if last[1:] else 0
        return Call(rows.higher, *(both[::-1] if transform.wins == "lowest" else both))
    return Call(rows.at_least, last[0], last[1])


def _ranking(transform: Transform) -> Call:
    return Call(rows.ranked, _cell(transform), _scores(transform), lowest=transform.wins == "lowest" or None)


def _scores(transform: Transform) -> Step:
    """The scores of several answers; where a number or an id names one of them, 1 for it and 0 for the others."""
    items, *by = _cells(transform)
    if transform.values:
        return Call(rows.named, items, by[0], transform.values[0])
    return Call(rows.named, *by) if by[1:] else by[0]


def _ranked(function: Callable[..., Any], place: int) -> Callable[[Transform], Step]:
    """The best or worst by its score, from items and their scores, or from records whose `keys` name text and score."""

    def step(transform: Transform) -> Step:
        if transform.wins:
            return Call(rows.at, _ranking(transform), place)
        return Item(Call(function, _cell(transform), transform.keys[1]), transform.keys[0])

    return step


def _alternating(transform: Transform) -> Step:
    several = len(transform.columns) > 1
    return Call(rows.alternating, Call(rows.present, *_cells(transform)) if several else _items(transform))


def _filled(transform: Transform) -> Step:
    template, *names = transform.values
    return Call(rows.filled, template, names, *_cells(transform))


HOWS: dict[str, How] = {
    "column": How(_cell, "{0}"),
    "joined": How(lambda t: Call(rows.joined, *_cells(t)), "{0}, joined"),
    "turns": How(_turns, "the turns of {0}"),
    "turns_before_answer": How(lambda t: Item(_turns(t), slice(None, -1)), "the turns of {0} before the answer"),
    "answer_turn": How(lambda t: Item(_turns(t), slice(-1, None)), "the last turn of {0}"),
    "answer_text": How(lambda t: Call(rows.last_text, _items(t), t.keys[1]), "the text of the last turn of {0}"),
    "exchanges": How(lambda t: Call(rows.exchanges, _items(t), *t.keys), "the questions and answers of {0} as turns"),
    "alternating": How(_alternating, "the texts of {0} as turns of user and assistant by turns"),
    "filled": How(_filled, "{0} in a template"),
    "option": How(lambda t: Call(rows.option, *_cells(t)[:2]), "the one of {1} that {2} names", needs=2),
    "field": How(lambda t: Item(_cell(t), t.keys[0]), "a field of {0}"),
    "one_of": How(lambda t: Call(rows.one_of, _cell(t), list(t.values)), "whether {0} is one of {values}"),
    "at_least": How(lambda t: Call(rows.at_least, _cell(t), t.values[0]), "whether {0} is at least {values}"),
    "better": How(_better, "the better one of {1} and {2}", needs=3),
    "worse": How(lambda t: _better(t, 1), "the worse one of {1} and {2}", needs=3),
    "best": How(_ranked(rows.best, 0), "the best of {1}"),
    "worst": How(_ranked(rows.worst, -1), "the worst of {1}"),
}
