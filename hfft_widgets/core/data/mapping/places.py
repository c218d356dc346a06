"""Where values may lie inside a dataset's columns: in records, lists, bytes, and in what a text writes.

A schema widened by them holds a column for each such place, so that names and shapes are matched the same way at any
depth. A transform reads a place by the dataset's own column and the path from its cell.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any

from hfft_widgets.core.data.columns import (
    CONTENT_KEYS,
    ROLE_KEYS,
    ROLES,
    Column,
    Row,
    Schema,
    Shape,
    calls_with_null,
    json_turns,
    schema_of,
)
from hfft_widgets.core.data.mapping.column_names import COMPLETION, MESSAGES, PLACES, PROMPT, SCORES, flat
from hfft_widgets.core.data.mapping.steps import Cell, Path, followed, place_words
from hfft_widgets.core.data.mapping.transforms import Transform

_TRIED_ROWS, _DEPTH, _KEYS, _PLACES = 60, 6, 16, 200
_TURNS = {Shape.MESSAGES, Shape.TURNS}
_LISTS, _FEW = {*_TURNS, Shape.TEXTS, Shape.NUMBERS, Shape.LIST}, 20
# Marks of dialogues in texts: those of a question and of an answer, then others that may come along.
_MARKS = (
    ("Human:", "Assistant:"), ("### Human:", "### Assistant:"), ("USER:", "ASSISTANT:"), ("User:", "Assistant:"),
    ("### Instruction:", "### Response:"), ("### Instruction:", "### Output:"), ("### User:", "### Assistant:"),
    ("[INST]", "[/INST]"), ("Question:", "Answer:"), ("Q:", "A:"), ("<|user|>", "<|assistant|>"), ("Human:", "AI:"),
    ("<human>:", "<bot>:"), ("Instruction:", "Response:"), ("Instruction:", "Output:"), ("Customer:", "Agent:"),
)  # fmt: skip
_MORE_MARKS = {
    "SYSTEM:": "system", "System:": "system", "### System:": "system", "<|system|>": "system",
    "FUNCTION RESPONSE:": "tool", "### Input:": "user", "Input:": "user",
}  # fmt: skip


def made(schema: Schema, how: str, *names: str, **more: Any) -> Transform:
    """A transform of these columns of a widened schema."""
    columns = [schema.columns.get(name) or Column(name, {}) for name in names]
    paths = tuple(column.path for column in columns)
    return Transform(how, tuple(c.home for c in columns), paths=paths if any(paths) else (), **more)


def column_at(schema: Schema, transform: Transform, number: int = 0) -> Column | None:
    """The column of a widened schema that a transform reads."""
    place = transform.columns[number], transform.path(number)
    return next((c for c in schema.columns.values() if (c.home, c.path) == place), None)


def overlap(one: Column, other: Column) -> bool:
    """Whether one of two places lies inside the other."""
    ways = [[key if isinstance(key, str) else key[1] for key in c.path if _leads(key)] for c in (one, other)]
    length = min(map(len, ways))
    return one.home == other.home and ways[0][:length] == ways[1][:length]


def _leads(key: Any) -> bool:
    """Whether a step leads to a field; others read the whole in another way, or choose one of many alike."""
    return isinstance(key, str) or (isinstance(key, tuple) and key[0] == "each")


def read_at(transform: Transform) -> list[Column]:
    """The places that a transform reads, whether or not a schema holds them."""
    return [Column("", {}, source=name, path=transform.path(n)) for n, name in enumerate(transform.columns)]


def widened(schema: Schema, sample: Sequence[Row]) -> Schema:
    """The schema with the places inside its columns behind them; texts that only write lists give way to these."""
    rows = sample[:: max(1, len(sample) // _TRIED_ROWS)]
    kept: dict[str, Column] = {}
    found: dict[str, Column] = {}
    for name, column in schema.columns.items():
        inside = list(islice(_inside(name, (), [row.get(name) for row in rows], column), _PLACES))
        if not any(place.path == (("parsed",),) and place.shape in _LISTS and not _calls(place) for place in inside):
            kept[name] = column
        found |= {place.name: place for place in inside}
    return Schema({**kept, **{name: place for name, place in found.items() if name not in kept}}, schema.rows)


def _calls(column: Column) -> bool:
    """Whether it lists calls of functions: as text they are an answer."""
    return {"name", "arguments"} <= {*column.records}


def _inside(source: str, path: Path, cells: list[Any], column: Column) -> Iterator[Column]:
    for key in _ways(column, [cell for cell in cells if cell is not None]):
        way = (*path, key)
        values = [_value(cell, key) for cell in cells]
        name = place_words(source, way)
        seen = schema_of([{name: value} for value in values], speakers=column.speakers).columns[name]
        place = replace(seen, source=source, path=way)
        if place.shape in {Shape.NULL, Shape.EMPTY_LIST}:
            continue
        yield place
        if len(way) < _DEPTH and key not in {("written",), ("usual_turns",)}:
            yield from _inside(source, way, values, place)


def _value(cell: Any, key: Any) -> Any:
    try:
        return followed(Cell(""), (key,)).value({"": cell})
    except (TypeError, KeyError, AttributeError, IndexError, ValueError):
        return None


def _ways(column: Column, cells: list[Any]) -> Iterator[Any]:
    """Where one can go from these cells."""
    shape = column.shape
    if shape is Shape.RECORD:
        yield from _into_record(column, [cell for cell in cells if isinstance(cell, Mapping)])
    elif shape in {Shape.TEXT, Shape.TURNS_AS_JSON}:
        yield from _into_text(shape, [cell for cell in cells if isinstance(cell, str)])
    elif shape in {Shape.LIST, Shape.TEXTS}:
        yield from _into_list(column, [cell for cell in cells if isinstance(cell, list) and cell])
    elif shape in _TURNS and (scored := _scored(cells)):
        yield from (("each", key) for key in scored)
    elif shape in _TURNS and _mostly(_unusual, cells):
        yield ("usual_turns",)
    elif shape in {Shape.NUMBER, Shape.BOOLEAN}:
        yield ("written",)
    elif cells and isinstance(cells[0], bytes):
        yield ("decoded",)


def _scored(cells: Sequence[Any]) -> tuple[str, ...]:
    """The keys of answers that have an author, a text and a score: they are no turns; (): these are turns."""
    lists = (cell for cell in cells if isinstance(cell, list) and cell and isinstance(cell[0], Mapping))
    keys = tuple(map(str, next(lists, [()])[0]))
    return keys[:_KEYS] if any({*key.lower().split("_")} & {*SCORES, *PLACES} for key in keys) else ()


def _into_record(column: Column, cells: list[Any]) -> Iterator[Any]:
    lists = _mostly(lambda cell: all(isinstance(value, list) for value in cell.values()), cells)
    if _mostly(_branches, cells):
        yield ("newest_branch",)
        return
    if {*ROLE_KEYS} & {*column.records} and {*CONTENT_KEYS} & {*column.records}:
        yield ("transposed",) if lists else ("listed",)
        return
    if {"text", "label"} <= {*column.records} and lists:
        yield ("options",)
    yield from column.records[:_KEYS]


def _branches(cell: Mapping[str, Any]) -> bool:
    """Whether a record holds messages that name what they answer, and what answers them: a tree by their ids."""
    nodes = [node for node in cell.values() if node is not None]
    return bool(nodes) and all(
        isinstance(node, Mapping) and {"message", "parent", "children"} <= {*node} for node in nodes
    )


def _into_text(shape: Shape, cells: list[str]) -> Iterator[Any]:
    written = [cell for cell in cells if cell[:1] in {"[", "{"}]
    usual = _mostly(lambda cell: (turns := json_turns(cell)) and not _unusual(turns), written)
    plain = shape is Shape.TURNS_AS_JSON and usual and written[0][:1] == "["
    if _mostly(lambda cell: isinstance(_value(cell, ("parsed",)), (int, float)), cells[:_FEW]):
        yield ("parsed",)
    if 2 * len(written) > len(cells) and not plain and not isinstance(_value(written[0], ("parsed",)), str):
        yield ("parsed",)
    for asked, answered in _MARKS:
        begins = rf"(?:^|\s|>){re.escape(asked)}[\s\S]*?\s*{re.escape(answered)}"
        if _mostly(re.compile(begins).search, cells):
            more = {mark: role for mark, role in _MORE_MARKS.items() if any(mark in cell for cell in cells)}
            yield ("dialogue", tuple(({asked: "user", answered: "assistant"} | more).items()))
            return


def _into_list(column: Column, cells: list[Any]) -> Iterator[Any]:
    if column.shape is Shape.TEXTS:
        yield 0
        if _mostly(lambda cell: len(cell) > 1, cells):
            yield ("options",)
        if _mostly(lambda cell: isinstance(_value(cell[0], ("parsed",)), (Mapping, int, float)), cells):
            yield ("each_parsed",)
        if any(flat(name) in (*MESSAGES, "data") for name in column.names):
            yield ("alternating",)
        return
    asked, answered = (next((k for k in column.records if flat(k) in names), None) for names in (PROMPT, COMPLETION))
    if asked and answered:
        yield ("exchanges", asked, answered)
    if _mostly(lambda cell: all(isinstance(p, list) and len(p) == 2 and isinstance(p[0], str) for p in cell), cells):
        yield ("exchanges", 0, 1)
    yield from (("each", key) for key in column.records[:_KEYS])
    yield 0


def _mostly(test: Any, cells: Sequence[Any]) -> bool:
    return 2 * sum(bool(test(cell)) for cell in cells) > len(cells)


def _unusual(turns: Any) -> bool:
    """Turns that chat templates do not read as they are meant: parts, calls of another form, other roles."""
    said = [turn for turn in turns if isinstance(turn, Mapping)] if isinstance(turns, list) else []
    return calls_with_null(said) or any(
        not isinstance(turn.get("content", turn.get("value")), (str, type(None)))
        or isinstance(turn.get("parts", turn.get("function_call")), (list, Mapping))
        or str(turn.get("role", turn.get("from"))) in {"developer", "function", "function_call"}
        for turn in said
    )


def speakers(column: Column) -> set[str]:
    """The chat roles that speak in its turns."""
    return {column.renamed_roles.get(role, role) for role in column.roles} & ROLES
