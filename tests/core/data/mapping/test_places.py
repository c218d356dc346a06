"""Places inside columns: what they are called, what they hold, and which of them lie in each other."""

from __future__ import annotations

import json
from typing import Any

import pytest

from hfft_widgets.core.data.columns import Shape, schema_of
from hfft_widgets.core.data.mapping.places import column_at, made, overlap, widened
from tests.core.data.small import assistant, chat, user

CHAT = chat(1)
CASES: list[tuple[Any, str, Shape, Any]] = [
    ({"b": {"c": "x"}}, "'a.b.c'", Shape.TEXT, "x"),
    ({"text": ["x", "y"]}, "'a.text[0]'", Shape.TEXT, "x"),
    ({"role": ["user"], "content": ["x"]}, "the turns of 'a'", Shape.MESSAGES, [user("x")]),
    (user("x"), "'a'", Shape.MESSAGES, [user("x")]),
    (json.dumps({"b": CHAT}), "what 'a' writes.b", Shape.MESSAGES, CHAT),
    (repr(CHAT), "what 'a' writes", Shape.MESSAGES, CHAT),
    (["x", "y"], "'a', lettered", Shape.TEXT, "A. x\nB. y"),
    ([{"b": "x", "c": 2}], "'a'.b of each", Shape.TEXTS, ["x"]),
    ([{"b": "x", "c": 2}], "'a'.c of each", Shape.NUMBERS, [2]),
    ([["x", "y"]], "the questions and answers of 'a'", Shape.MESSAGES, [user("x"), assistant("y")]),
    (["{}", '{"b": 1}'], "what 'a' write", Shape.LIST, [{}, {"b": 1}]),
    (b"x", "the text of 'a'", Shape.TEXT, "x"),
    (7.0, "'a' as text", Shape.TEXT, "7"),
    ("Human: x\n\nAssistant: y", "the dialogue in 'a'", Shape.MESSAGES, [user("x"), assistant("y")]),
    ([user([{"type": "text", "text": "x"}])], "'a' in the usual form", Shape.MESSAGES, [user("x")]),
]


@pytest.mark.parametrize(("cell", "name", "shape", "value"), CASES)
def test_what_lies_in_a_cell(cell: Any, name: str, shape: Shape, value: Any) -> None:
    rows = [{"a": cell}] * 3
    wide = widened(schema_of(rows), rows)
    found = {column.name if column.name != "a" else "'a'": column for column in wide.columns.values()}
    place = found[name]
    transform = made(wide, "column", place.name)
    assert (place.shape, transform.value(rows[0])) == (shape, value)
    assert column_at(wide, transform) == place


def test_texts_that_only_write_lists_give_way_and_records_stay() -> None:
    rows = [{"a": '["x", "y"]', "b": '{"x": 1}', "c": "[not a list"}] * 3
    assert [name for name in widened(schema_of(rows), rows).columns if name in {"a", "b", "c"}] == ["b", "c"]


def test_a_place_lies_in_what_holds_it_read_in_any_way() -> None:
    rows = [{"a": {"b": {"c": "x"}, "d": "y"}, "e": json.dumps({"f": "x"})}] * 3
    at = {column.name: column for column in widened(schema_of(rows), rows).columns.values()}
    assert overlap(at["a"], at["'a.b.c'"])
    assert overlap(at["'a.b'"], at["'a.b.c'"])
    assert not overlap(at["'a.b'"], at["'a.d'"])
    assert overlap(at["e"], at["what 'e' writes.f"])


@pytest.mark.parametrize("cell", [None, 5, [], {}, "", [None], [[]], {"a": None}, "[", b"\xff", [5, "x"], {"role": 3}])
def test_odd_cells_have_no_place_and_raise_nothing(cell: Any) -> None:
    rows = [{"a": cell}] * 3
    assert "a" in widened(schema_of(rows), rows).columns


def test_a_column_without_a_name_is_one() -> None:
    rows = [{"": {"b": "x"}}] * 3
    wide = widened(schema_of(rows), rows)
    place = next(column for column in wide.columns.values() if column.path)
    assert made(wide, "column", place.name).columns == ("",)


def test_a_cell_that_is_no_list_among_turns_is_no_traceback() -> None:
    for odd in ({"role": None}, 1, "x", []):
        rows = [{"prompt": odd}, {"prompt": [{"role": None}]}, {"prompt": [{"role": None}]}]
        assert "prompt" in widened(schema_of(rows), rows).columns
