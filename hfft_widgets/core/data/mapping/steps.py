"""Steps from a row to a value, put together: each computes its value, and writes the same as Python.

>>> from hfft_widgets.scripts import rows
>>> answer = Item(Call(rows.turns, Call(rows.items, Cell("chat")), keys=["from", "value"]), slice(-1, None))
>>> answer.value({"chat": [{"from": "user", "value": "Why?"}]})
[{'role': 'user', 'content': 'Why?'}]
>>> print(answer.code)
turns(items(row["chat"]), keys=["from", "value"])[-1:]
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import takewhile
from textwrap import indent
from typing import Any, Protocol

from hfft_widgets.core.data.columns import Row
from hfft_widgets.core.script import literal
from hfft_widgets.scripts import rows

_WIDTH = 100  # characters of a call that stays on one line


class Step(Protocol):
    """One step, with those before it."""

    def value(self, row: Row) -> Any:
        """What it gives for this row."""

    @property
    def code(self) -> str:
        """The same as an expression over `row`, which calls functions of `scripts.rows` by their names."""


@dataclass(frozen=True)
class Cell:
    """Path: a cell of the row; a missing column counts as None."""

    column: str

    def value(self, row: Row) -> Any:
        """The cell."""
        return row.get(self.column)

    @property
    def code(self) -> str:
        """As Python."""
        return f"row[{literal(self.column)}]"


@dataclass(frozen=True)
class Item:
    """Path: a field of a record, or a slice of a list."""

    of: Step
    key: str | slice

    def value(self, row: Row) -> Any:
        """The field or the slice."""
        return self.of.value(row)[self.key]

    @property
    def code(self) -> str:
        """As Python."""
        if isinstance(self.key, str):
            return f"{self.of.code}[{literal(self.key)}]"
        start, stop = ("" if end is None else str(end) for end in (self.key.start, self.key.stop))
        return f"{self.of.code}[{start}:{stop}]"


class Call:
    """Parse, turn or choose: a function of `scripts.rows`.

    Args:
        function: The function.
        arguments: Steps before it, and values.
        options: Values that it gets by name; None is left out.
    """

    def __init__(self, function: Callable[..., Any], *arguments: Any, **options: Any) -> None:
        self.function = function
        self.arguments = arguments
        self.options = {name: value for name, value in options.items() if value is not None}

    def value(self, row: Row) -> Any:
        """What the function returns."""
        given = [argument.value(row) if _is_step(argument) else argument for argument in self.arguments]
        return self.function(*given, **self.options)

    @property
    def code(self) -> str:
        """As Python, over several lines where one would be too long."""
        given = [argument.code if _is_step(argument) else literal(argument) for argument in self.arguments]
        given += [f"{name}={literal(value)}" for name, value in self.options.items()]
        line = f"{self.function.__name__}({', '.join(given)})"
        if len(line) <= _WIDTH:
            return line
        inner = indent("".join(f"{argument},\n" for argument in given), " " * 4)
        return f"{self.function.__name__}(\n{inner})"


def _is_step(argument: Any) -> bool:
    return isinstance(argument, (Cell, Item, Call))


# ---- paths -------------------------------------------------------------------------------------

Path = tuple[Any, ...]
"""The way from a cell to a value in it: fields by name, items by number, and tuples of a function and its arguments."""

# Functions of `scripts.rows` that a path may call, with what they make of a place in words.
PARSERS = {
    "each": "{0}{1} of each", "parsed": "what {0} writes", "each_parsed": "what {0} write",
    "decoded": "the text of {0}", "written": "{0} as text", "transposed": "the turns of {0}",
    "listed": "{0}", "options": "{0}, lettered",
    "exchanges": "the questions and answers of {0}", "alternating": "the texts of {0}, by turns",
    "dialogue": "the dialogue in {0}", "usual_turns": "{0} in the usual form", "items": "{0}",
    "newest_branch": "the newest branch of {0}",
}  # fmt: skip


def followed(step: Step, path: Path) -> Step:
    """The step, and from its value along the path."""
    while path:
        way = list(takewhile(lambda key: isinstance(key, (str, int)), path))
        if way:
            step, path = Call(rows.at, step, *way), path[len(way) :]
        else:
            (name, *arguments), path = path[0], path[1:]
            step = Call(rows.items, step) if name in {"exchanges", "alternating"} else step
            step = Call(getattr(rows, name), step, *(dict(a) if isinstance(a, tuple) else a for a in arguments))
    return step


def place_words(column: str, path: Path) -> str:
    """A place for people.

    >>> print(place_words("answers", ("text", 0)), "|", place_words("chat", (("parsed",), "turns")))
    'answers.text[0]' | what 'chat' writes.turns
    """
    words = f"'{column}'"
    for key in path:
        if isinstance(key, (str, int)):
            more = f".{key}" if isinstance(key, str) else f"[{key}]"
            words = f"{words[:-1]}{more}'" if words.endswith("'") else words + more
        else:
            words = PARSERS[key[0]].format(words, "".join(f".{a}" for a in key[1:] if isinstance(a, str)))
    return words


def parses(path: Path) -> bool:
    """Whether it reads records out of what is written, so that they may differ in their keys from row to row."""
    return any(key[0] in {"parsed", "each_parsed", "usual_turns"} for key in path if isinstance(key, tuple))


def path_of(values: Any) -> Path:
    """The path that JSON values describe.

    Raises:
        ValueError: They call something else than `PARSERS`.
    """
    path = tuple(_frozen(key) for key in values)
    if unknown := [key for key in path if isinstance(key, tuple) and (not key or key[0] not in PARSERS)]:
        raise ValueError(f"no path: {unknown[0]!r}")
    return path


def _frozen(value: Any) -> Any:
    return tuple(map(_frozen, value)) if isinstance(value, (list, tuple)) else value
