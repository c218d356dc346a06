"""Which answer is the better one, and which was wanted: what scores, votes and labels in a dataset say."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from statistics import median

from hfft_widgets.core.data.picks import Pick
from hfft_widgets.core.data.shapes import Column, Schema, Shape
from hfft_widgets.core.data.spellings import CHOICE, LABEL, NO, SCORES, YES, flat, spelled

# How names of two answers differ: response_a and response_b, answer_0 and answer_1.
_TWINS = (("a", "b"), ("0", "1"), ("1", "2"), ("first", "second"), ("left", "right"))
_FIRST = {"a", "0", "first", "left", "model_a", "response_a", "response_0", "answer_a", "answer_0", "modela"}
_WORDS = ("text", "response", "answer", "content", "output", "completion")


def labels(schema: Schema) -> Iterator[Pick]:
    """Columns that say whether an answer was wanted, as true or false."""
    for name in spelled(schema, LABEL, {Shape.BOOLEAN, Shape.NUMBER, Shape.TEXT}):
        if pick := _label(schema.columns[name]):
            yield pick


def _label(column: Column) -> Pick | None:
    values = [value for value in column.values if value is not None]
    if column.shape is Shape.BOOLEAN:
        return Pick("column", (column.name,))
    if column.shape is Shape.NUMBER:
        return _rating(column.name, column.values)
    said = {value: str(value).strip().lower().replace(" ", "_") for value in values}
    yes = [value for value, word in said.items() if word in YES]
    return Pick("one_of", (column.name,), values=tuple(yes)) if yes and set(said.values()) <= {*YES, *NO} else None


def _rating(name: str, values: Mapping[float, int]) -> Pick | None:
    """0 and 1 are no and yes already; of other numbers the upper part of the scale counts as yes."""
    numbers = sorted(value for value in values if isinstance(value, (int, float)) and not isinstance(value, bool))
    if set(numbers) <= {0, 1} and numbers:
        return Pick("column", (name,))
    if not numbers:
        return Pick("at_least", (name,), values=(0.5,))
    low, high = numbers[0], numbers[-1]
    if low < 0 < high or high <= 0:
        return Pick("at_least", (name,), values=(1 if all(n == int(n) for n in numbers) else 0.0,))
    whole = all(number == int(number) for number in numbers)
    least = low + 0.6 * (high - low) if len(numbers) > 1 else median(numbers)
    return Pick("at_least", (name,), values=(int(least) + (least != int(least)) if whole else round(least, 3),))


def ranked(schema: Schema, shapes: Collection[Shape]) -> Iterator[tuple[Pick, Pick]]:
    """The better and the worse answer, where a score or a choice says which is which."""
    for first, second in _two(schema, shapes):
        for score_1, score_2 in _two(schema, {Shape.NUMBER}):
            if _stem(score_1) in SCORES or any(word in score_1.lower() for word in ("score", "rating")):
                yield _picks(first, second, score_1, score_2)
        for choice in spelled(schema, CHOICE, {Shape.NUMBER, Shape.BOOLEAN, Shape.TEXT}):
            if values := _meaning_first(schema.columns[choice], first):
                yield _picks(first, second, choice, values=values)
    for name, column in schema.columns.items():
        if column.shape is Shape.LIST and (keys := column.records):
            text = next((key for key in _WORDS if key in keys), None)
            score = next((key for key in keys if flat(key) in SCORES or "score" in key.lower()), None)
            if text and score:
                yield Pick("best", (name,), (text, score)), Pick("worst", (name,), (text, score))


def _picks(first: str, second: str, *last: str, values: tuple[str | int | float, ...] = ()) -> tuple[Pick, Pick]:
    columns = (first, second, *last)
    return Pick("better", columns, values=values), Pick("worse", columns, values=values)


def _two(schema: Schema, shapes: Collection[Shape]) -> Iterator[tuple[str, str]]:
    """Columns whose names differ only in saying which of two they are."""
    names = {name.lower(): name for name in schema.columns if schema.shape(name) in shapes}
    for lower, name in names.items():
        for one, other in _TWINS:
            pattern = rf"(?<![a-z0-9]){one}(?![a-z0-9])" if one.isalpha() else rf"(?<![0-9]){one}(?![0-9])"
            twin = names.get(re.sub(pattern, other, lower))
            if twin and twin != name:
                yield name, twin


def _meaning_first(column: Column, first: str) -> tuple[str | int | float, ...]:
    """The values by which a column says that the first answer is the better one."""
    values = [value for value in column.values if value is not None]
    if column.shape is Shape.TEXT:
        named = {*_FIRST, first.lower()}
        return tuple(value for value in values if str(value).strip().lower() in named)
    if not set(values) <= {0, 1, 2}:
        return ()
    if flat(column.name) in {"labels", "label"}:
        return (1,)  # as in SHP: 1 says that answer A is preferred
    return (0,) if 0 in values or not set(values) <= {1, 2} else (1,)


def _stem(name: str) -> str:
    return flat(re.sub(r"[_\W]*(a|b|0|1|2)$", "", name.lower()))
