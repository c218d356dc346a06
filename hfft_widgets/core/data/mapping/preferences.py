"""Which answer is the better one, and which was wanted: what scores, votes and labels in a dataset say."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from hfft_widgets.core.data.columns import Column, Schema, Shape
from hfft_widgets.core.data.mapping.column_names import (
    ANSWER_WORDS,
    CHOICE,
    HARMS,
    LABEL,
    NO,
    OPPOSITES,
    PLACES,
    SCORES,
    TAKEN,
    YES,
    flat,
    spelled,
    words_of,
)
from hfft_widgets.core.data.mapping.places import made
from hfft_widgets.core.data.mapping.steps import parses
from hfft_widgets.core.data.mapping.transforms import Transform

# How names of two answers differ: response_a and response_b, answer_0 and answer_1.
_NAME_PAIRS = (("a", "b"), ("0", "1"), ("1", "2"), ("first", "second"), ("left", "right"), ("one", "two"))
_LISTED = {f"{word}{s}" for word in (*ANSWER_WORDS, "text", "content", "candidate", "generation") for s in ("", "s")}
_COMPARED = re.compile(r"\W*(\w+)\s*([<>])+=?\s*(\w+)\W*")
_MOST = 1e300
_PLACES = (("a", "first", "left"), ("b", "second", "right"))
Better = tuple[Transform, Transform]


def labels(schema: Schema) -> Iterator[Transform]:
    """Columns that say whether an answer was wanted, as true or false."""
    for name in spelled(schema, LABEL, {Shape.BOOLEAN, Shape.NUMBER, Shape.TEXT}):
        if transform := _label(schema, schema.columns[name]):
            yield transform


def _label(schema: Schema, column: Column) -> Transform | None:
    values = [value for value in column.values if value is not None]
    if column.shape is Shape.BOOLEAN:
        return made(schema, "column", column.name)
    if column.shape is Shape.NUMBER:
        return _rating(schema, column.name, column.values)
    said = {value: str(value).strip().lower().replace(" ", "_") for value in values}
    yes = [value for value, word in said.items() if word in YES]
    if not yes or not set(said.values()) <= {*YES, *NO}:
        return None
    return made(schema, "one_of", column.name, values=tuple(yes))


def _rating(schema: Schema, name: str, values: Mapping[float, int]) -> Transform | None:
    """0 and 1 are no and yes already; of other numbers the upper part of the scale counts as yes."""
    numbers = sorted(v for v in values if not isinstance(v, bool) and _finite(v))
    if set(numbers) <= {0, 1} and numbers:
        return made(schema, "column", name)
    if not numbers:
        return made(schema, "at_least", name, values=(0.5,))
    low, high = numbers[0], numbers[-1]
    if low < 0 < high or high <= 0:
        return made(schema, "at_least", name, values=(1 if all(n == int(n) for n in numbers) else 0.0,))
    whole = all(number == int(number) for number in numbers)
    least = low + 0.6 * (high - low) if len(numbers) > 1 else median(numbers)
    return made(schema, "at_least", name, values=(int(least) + (least != int(least)) if whole else round(least, 3),))


# ---- which of several answers is the better one ----------------------------------------------


@dataclass(frozen=True)
class _Pair:
    """Two columns whose names differ only in saying which of two they are: `tags`, e.g. ("a", "b")."""

    first: str
    second: str
    tags: tuple[str, str]
    stem: str


def direction(name: str) -> str | None:
    """Which of two scores of this name is the better one: "highest", "lowest", "ask"; None: it is no score.

    >>> direction("overall_rating"), direction("rank"), direction("toxicity_score"), direction("length")
    ('highest', 'lowest', 'ask', None)
    """
    words = words_of(name)
    if any(word.startswith(harm) for word in words for harm in HARMS):
        return "ask"
    if any(word in PLACES for word in words):
        return "lowest"
    known = flat(name)
    return "highest" if any(word in SCORES for word in words) or known.endswith(SCORES) or "score" in known else None


def scores_of_pair(names: Collection[str]) -> tuple[str, str, str] | None:
    """The columns with the scores of a chosen and a rejected answer, and which score is the better one."""
    for name in names:
        lower = name.lower()
        other = next((n for n in names if n.lower() == lower.replace("chosen", "rejected") and n != name), None)
        wins = direction(name)
        if "chosen" in lower and other and wins in {"highest", "lowest"}:
            return name, other, wins
    return None


def ranked(schema: Schema, shapes: Collection[Shape]) -> Iterator[Better]:
    """The better and the worse answer, where a score or a choice says which is which; what must be asked comes last."""
    found = [*_of_two(schema, shapes), *_of_many(schema), *_by_name(schema)]
    yield from sorted(found, key=lambda both: both[0].wins == "ask")


def _of_two(schema: Schema, shapes: Collection[Shape]) -> Iterator[Better]:
    for pair in _two(schema, shapes):
        for scores in _two(schema, {Shape.NUMBER, Shape.BOOLEAN}):
            wins = direction(scores.stem)
            if wins and scores.tags == pair.tags:
                yield _both(schema, pair, scores.first, scores.second, wins=wins)
        for name in spelled(schema, CHOICE, {Shape.NUMBER, Shape.BOOLEAN, Shape.TEXT}):
            if meant := _meaning(schema.columns[name], pair):
                yield _both(schema, pair, name, **meant)
            elif schema.shape(name) is Shape.TEXT:
                yield _both(schema, pair, name, wins="same")
        for name, column in schema.columns.items():
            if column.shape is Shape.NUMBER and "preference" in column.known_as.lower() and _signed(column):
                yield _both(schema, pair, name, wins="lowest")  # as in HelpSteer: below 0 the first is better


def _both(schema: Schema, pair: _Pair, *last: str, **how: Any) -> Better:
    columns = (pair.first, pair.second, *last)
    return made(schema, "better", *columns, **how), made(schema, "worse", *columns, **how)


def _of_many(schema: Schema) -> Iterator[Better]:
    """Lists of answers and lists of their scores, side by side or in one list of records."""
    answers = [*_listed(schema, lambda c: c.shape is Shape.TEXTS or (c.shape is Shape.LIST and bool(c.items)))]
    scores = [column for column in schema.columns.values() if column.shape is Shape.NUMBERS]
    for one in answers:
        for other in scores:
            taken = "highest" if {*words_of(other.known_as)} & {*TAKEN} else None
            wins = direction(re.sub(r"s$", "", other.known_as)) or taken
            if wins and _beside(one, other):
                yield _first_and_last(schema, one.name, other.name, wins=wins)


def _beside(one: Column, other: Column) -> bool:
    """Whether two lists lie side by side, whether or not one of them, or both, are written as text."""
    ways = [[key for key in column.path if not parses((key,))] for column in (one, other)]
    alike = len(ways[0]) == len(ways[1]) and ways[0][:-1] == ways[1][:-1]
    return alike and (one.home == other.home or not any(ways))


def _by_name(schema: Schema) -> Iterator[Better]:
    """Lists of answers, and the number (from 0, or from 1), the id or the text of the better one."""
    for one in _listed(schema, lambda column: column.shape is Shape.TEXTS):
        for name in spelled(schema, CHOICE, {Shape.NUMBER}):
            numbers = [value for value in schema.columns[name].values if _finite(value)]
            if numbers and all(number == int(number) for number in numbers):
                start = 1 if min(numbers) == 1 and max(numbers) > 1 else 0
                yield _first_and_last(schema, one.name, name, values=(start,), wins="highest")
        for name in spelled(schema, CHOICE, {Shape.NUMBER, Shape.TEXT}):
            if schema.shape(name) is Shape.TEXT:
                yield _first_and_last(schema, one.name, one.name, name, wins="highest")
            for ids in schema.columns.values():
                if flat(ids.known_as).endswith("id") and ids.home == one.home and ids.path[:-1] == one.path[:-1]:
                    yield _first_and_last(schema, one.name, ids.name, name, wins="highest")


def _first_and_last(schema: Schema, *names: str, **how: Any) -> Better:
    return made(schema, "best", *names, **how), made(schema, "worst", *names, **how)


def _listed(schema: Schema, fits: Callable[[Column], bool]) -> Iterator[Column]:
    """Lists of answers."""
    return (one for one in schema.columns.values() if fits(one) and flat(one.known_as) in _LISTED)


def opposites(schema: Schema, shapes: Collection[Shape]) -> Iterator[tuple[str, str]]:
    """The better and the worse of two columns whose names are opposites."""
    yield from ((pair.first, pair.second) for pair in _two(schema, shapes, OPPOSITES))


def pairs_of_names(schema: Schema, shapes: Collection[Shape]) -> set[str]:
    """The columns that are one of two."""
    return {name for pair in _two(schema, shapes) for name in (pair.first, pair.second)}


def _two(schema: Schema, shapes: Collection[Shape], tagged: Sequence[tuple[str, str]] = _NAME_PAIRS) -> Iterator[_Pair]:
    names = {
        (_around(column), "_".join(words_of(column.known_as))): name
        for name, column in schema.columns.items()
        if column.shape in shapes and column.path[-1:] != (("written",),)
    }
    for (around, lower), name in names.items():
        for tags in tagged:
            one, other = tags
            pattern = rf"(?<![a-z0-9]){one}(?![a-z0-9])" if one.isalpha() else rf"(?<![0-9]){one}(?![0-9])"
            second = names.get((around, re.sub(pattern, other, lower)))
            if second and second != name:
                yield _Pair(name, second, tags, re.sub(pattern, "", lower))


def _around(column: Column) -> tuple[Any, ...]:
    """Where a place lies, but for its own name."""
    known = column.known_as
    if known == column.home:
        return column.path
    return column.home, tuple(key for key in column.path if key not in (known, ("each", known)))


def _finite(value: Any) -> bool:
    """Whether it is a number that can be counted with."""
    return isinstance(value, (int, float)) and abs(value) < _MOST  # neither infinite nor NaN


def _signed(column: Column) -> bool:
    numbers = [value for value in column.values if _finite(value)]
    return bool(numbers) and min(numbers) < 0 < max(numbers)


def _meaning(column: Column, pair: _Pair) -> dict[str, Any] | None:
    """The values by which a column says that the first answer is the better one, and those that mean the second."""
    values = [value for value in column.values if value is not None]
    if column.shape is Shape.TEXT:
        first, second = ([v for v in values if _says(v, pair, n)] for n in (0, 1))
        others = second or [_counterpart(value, pair.tags) for value in first]
        first = first or [_counterpart(value, pair.tags[::-1]) for value in second]
        return {"values": tuple(first), "others": tuple(others)} if first else None
    if not set(values) <= {-1, 0, 1, 2, 3} or column.shape is Shape.BOOLEAN:
        return None
    if pair.tags[0].isdigit():  # the digits of the names
        return {"values": (int(pair.tags[0]),), "others": (int(pair.tags[1]),)}
    if flat(column.known_as) == "labels":
        return {"values": (1,), "others": (0,)}  # as in SHP: 1 says that answer A is preferred
    if flat(column.known_as) == "label":
        return {"values": (0.5,), "wins": "ask"}
    return {"values": (0,), "others": (1,)} if 0 in values else {"values": (1,), "others": (2,)}


def _says(value: Any, pair: _Pair, number: int) -> bool:
    """Whether a value names the first (0) or the second (1) of two."""
    tag, said = pair.tags[number], flat(str(value))
    if found := _COMPARED.fullmatch(str(value)):  # "A>B", "[[B>>A]]"
        said = flat(found[1] if ">" in found[2] else found[3]) if flat(found[1]) != flat(found[3]) else ""
    name = (pair.first, pair.second)[number]
    tags = (tag, _PLACES[number][0]) if tag.isalpha() or not said.isdigit() else (tag,)
    named = {f"{word}{tag}" for word in ("", "model", "assistant", *ANSWER_WORDS) for tag in tags}
    return said in {flat(name), *named, *_PLACES[number][1:]}


def _counterpart(value: Any, tags: tuple[str, str]) -> str:
    """A value that names the first, naming the second."""

    def other(found: re.Match[str]) -> str:
        return tags[1].upper() if found[0].isupper() else tags[1]

    return re.sub(rf"(?i)(?<![a-z0-9]){tags[0]}(?![a-z0-9])", other, str(value))
