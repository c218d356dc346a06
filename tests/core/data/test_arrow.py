from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hfft_widgets.core.data import arrow as columnar
from hfft_widgets.core.data.arrow.arrays import values
from hfft_widgets.core.data.emulators.outline import outline, parsed
from hfft_widgets.core.data.rules.facets import text_facets

MARKS = [
    "<|im_start|>",
    "<think>",
    "</think>",
    "<image>",
    "n/a",
    "<s>",
    "<span>",
    "[{}]",
    '[{"role": 1}]',
    "{",
    " ",
    "\u00a0",
    "\u3000",
    "a",
    "x" * 20,
]
texts = st.none() | st.lists(st.sampled_from(MARKS) | st.text(max_size=4), max_size=4).map("".join)
texts = texts.filter(lambda text: text is None or not any("\ud800" <= letter <= "\udfff" for letter in text))
turns = st.fixed_dictionaries(
    {"role": st.none() | st.sampled_from(["user", "assistant", "human"]), "content": texts, "name": st.none() | texts}
)
chats = st.none() | st.lists(turns, max_size=4)
ARRAYS: list[tuple[str, Callable[[list[Any]], pa.Array], Any]] = [
    ("text", lambda cells: pa.array(cells, pa.string()), texts),
    ("large text", lambda cells: pa.array(cells, pa.large_string()), texts),
    ("dictionary", lambda cells: pa.array(cells, pa.string()).dictionary_encode(), texts),
    ("turns", lambda cells: pa.array(cells, pa.list_(_struct())), chats),
    ("large turns", lambda cells: pa.array(cells, pa.large_list(_struct())), chats),
]


def _struct() -> pa.DataType:
    return pa.struct([("role", pa.string()), ("content", pa.string()), ("name", pa.string())])


def classes(numbers: Any) -> list[int]:
    """Numbers as the place of the first equal one: two lists are equal if they group alike."""
    listed = np.asarray(numbers).tolist()
    return [listed.index(number) for number in listed]


def coded(column: Any) -> list[int]:
    return classes(np.bitwise_xor(*columnar.codes(column)))


def grouped(cells: list[Any]) -> list[int]:
    seen = [repr((outline(cell), text_facets().of_cell(cell))) for cell in cells]
    return [seen.index(form) for form in seen]


@pytest.mark.parametrize(("name", "array", "cells"), ARRAYS, ids=[name for name, _, _ in ARRAYS])
@given(st.data())
@settings(max_examples=150, deadline=None)
def test_arrow_columns_group_as_plain_values_do(name: str, array: Any, cells: Any, data: Any) -> None:
    drawn = data.draw(st.lists(cells, max_size=8))
    column = array([*drawn, *drawn]).slice(len(drawn) // 2)  # an array that begins in the middle of its buffers
    listed = column.to_pylist()
    mine, plain = coded(column), grouped(listed)
    # Arrow may tell apart more (which extra field has a value), never less
    assert all(plain[a] == plain[b] for a in range(len(mine)) for b in range(a) if mine[a] == mine[b])
    if name.endswith("text") or name == "dictionary":
        assert mine == plain
    repeated = [listed.index(cell) for cell in listed]
    assert classes(columnar.digests(column)) == repeated
    if "turns" not in name:
        assert columnar.sizes(column).tolist() == [len((text or "").encode()) for text in listed]


@given(
    st.lists(
        st.recursive(st.none() | st.booleans() | st.integers() | texts, lambda x: st.lists(x, max_size=2)), max_size=5
    )
)
def test_lists_of_anything_have_forms(cells: list[Any]) -> None:
    assert coded(cells) == grouped(cells)


def test_json_columns_are_read() -> None:
    column = pa.array(['{"role": "user"}', None, "5"], pa.json_())
    assert values(column) == [{"role": "user"}, None, 5]
    nested = pa.array([[{"a": "1"}]], pa.list_(pa.struct([("a", pa.string())])))
    assert values(nested) == [[{"a": "1"}]]
    many = "9" * 5000  # more digits than Python makes a number of
    assert values(pa.array(["007", "-", "1e", many, f"-{many}", "x"], pa.json_())) == [7, 0, 1.0, many, f"-{many}", "x"]


def test_pictures_that_cannot_be_opened_are_another_form() -> None:
    good = {"bytes": _png(1), "path": None}
    cells = [good, {"bytes": b"no picture", "path": None}, {"bytes": None, "path": None}, None, good]
    assert coded(cells) == [0, 1, 1, 3, 0]
    assert classes(columnar.digests(cells)) == [0, 1, 2, 3, 0]


def test_rows_with_broken_pictures_are_named() -> None:
    from hfft_widgets.core.data.report import validate_rows
    from tests.core.data.small import chat

    rows = [{"messages": chat(n), "image": {"bytes": _png(n), "path": None}} for n in range(3)]
    rows += [{"messages": chat(3), "image": {"bytes": b"no picture", "path": None}}]
    report = validate_rows(rows, name="x", vision=True)
    assert [(f.rule, f.rows) for f in report.findings if f.effects.get("SFT") == "crash"] == [("no_picture", (3,))]
    fixed = report.with_fixes(next(f.fix for f in report.findings if f.rule == "no_picture"))
    assert str(fixed.verdicts["SFT"].status) == "READY"


def _png(shade: int) -> bytes:
    from io import BytesIO

    from PIL import Image

    buffer = BytesIO()
    Image.new("L", (4, 4), shade).save(buffer, "PNG")
    return buffer.getvalue()


@given(
    st.lists(
        chats
        | st.sampled_from(["[broken", [{"role": "user", "content": "\ud800"}]])
        | st.sampled_from([[1], {"role": "user"}, [{"role": "user"}]]),
        max_size=8,
    )
)
@settings(max_examples=100, deadline=None)
def test_json_text_groups_as_what_it_writes(cells: list[Any]) -> None:
    written = [cell if isinstance(cell, str) else json.dumps(cell, sort_keys=True) for cell in cells]
    column, read = columnar.read_json(written), [parsed(cell) for cell in written]
    mine, plain = coded(column), grouped(read)
    assert all(plain[a] == plain[b] for a in range(len(mine)) for b in range(a) if mine[a] == mine[b])
    assert classes(columnar.digests(column)) == [read.index(cell) for cell in read]
    assert columnar.sizes(column).tolist() == columnar.sizes(read).tolist()
    assert list(columnar.listed(column)) == read
