from __future__ import annotations

import io
import json
from typing import Any

import pytest

from hfft_widgets.core.data.columns import (
    ROLE_NAMES,
    ROLES,
    Shape,
    json_turns,
    picture_opens,
    picture_size,
    schema_of,
    shape_of,
    turn_keys,
)

CHAT = [{"role": "user", "content": "Why?"}]
SHAREGPT = [{"from": "human", "value": "Why?"}, {"from": "gpt", "value": "So."}]


def png() -> bytes:
    from PIL import Image

    file = io.BytesIO()
    Image.new("RGB", (8, 4)).save(file, "PNG")
    return file.getvalue()


@pytest.mark.parametrize(
    ("cell", "shape"),
    [
        (None, Shape.NULL),
        ("Why?", Shape.TEXT),
        ("[1, 2]", Shape.TEXT),
        ("[broken", Shape.TEXT),
        (json.dumps(SHAREGPT), Shape.TURNS_AS_JSON),
        (CHAT, Shape.MESSAGES),
        ([{"role": "assistant", "tool_calls": []}], Shape.MESSAGES),
        ([{"role": "user", "text": "Why?"}], Shape.TURNS),
        (SHAREGPT, Shape.TURNS),
        ([], Shape.EMPTY_LIST),
        ([1, 2.5], Shape.NUMBERS),
        (["a"], Shape.TEXTS),
        ([{"a": 1}], Shape.LIST),
        (True, Shape.BOOLEAN),
        (3, Shape.NUMBER),
        ({"a": 1}, Shape.RECORD),
        ({"bytes": b"", "path": None}, Shape.PICTURE),
        ([{"bytes": b"", "path": None}], Shape.PICTURES),
        (b"", Shape.OTHER),
    ],
)
def test_the_shape_of_a_cell(cell: Any, shape: Shape) -> None:
    assert shape_of(cell) is shape


def test_pictures_open_or_are_trusted_where_they_lie_elsewhere() -> None:
    assert picture_opens({"bytes": png(), "path": None})
    assert picture_opens({"bytes": None, "path": "elsewhere.png"})
    assert not picture_opens({"bytes": b"none", "path": None})
    assert not picture_opens({"bytes": None, "path": None})
    assert not picture_opens(None)


def test_the_size_of_a_picture_is_height_and_width() -> None:
    assert picture_size({"bytes": png(), "path": None}) == (4, 8)
    assert picture_size({"bytes": b"none", "path": None}) is None
    assert picture_size("Why?") is None


@pytest.mark.parametrize("cell", [None, 3, "", "{}", "3", "[", "[" * 100_000])
def test_what_writes_no_list_as_json_has_no_turns(cell: Any) -> None:
    assert json_turns(cell) is None


@pytest.mark.parametrize(
    ("cell", "keys"),
    [
        (CHAT, ("role", "content")),
        ([{"speaker": "a", "text": "b"}], ("speaker", "text")),
        ([{"role": "user"}], ("role", "")),
        ([{"from": "human"}], None),
        (["Why?"], None),
        ([], None),
    ],
)
def test_the_keys_of_turns(cell: Any, keys: tuple[str, str] | None) -> None:
    assert turn_keys(cell) == keys


def test_other_names_lead_to_the_four_roles() -> None:
    assert set(ROLE_NAMES.values()) == ROLES
    assert not ROLES & ROLE_NAMES.keys()
    column = schema_of([{"chat": [{"from": " Human", "value": "a"}, {"from": "narrator", "value": "b"}]}]).columns[
        "chat"
    ]
    assert column.renamed_roles == {" Human": "user"}


def test_a_schema_counts_what_the_rows_stand_for() -> None:
    schema = schema_of([{"a": "x", "b": CHAT}, {"a": None}, {"a": "y", "b": SHAREGPT}], [5, 2, 1])
    a, b = schema.columns.values()
    assert schema.rows == 8
    assert (a.shapes, a.values) == ({Shape.TEXT: 6, Shape.NULL: 2}, {"x": 5, "y": 1})
    assert (b.shape, b.shapes[Shape.NULL], b.turn_keys) == (Shape.MESSAGES, 2, ("role", "content"))
    assert b.roles == {"user": 5, "human": 1, "gpt": 1}
    assert schema.named("b", "c", "a") == ["b", "a"]


def test_values_are_kept_while_they_are_few() -> None:
    assert len(schema_of([{"n": n} for n in range(64)]).columns["n"].values) == 64
    assert schema_of([{"n": n} for n in range(100)]).columns["n"].values == {}
