from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hfft_widgets.core.data.columns import STANDARD_KEYS
from hfft_widgets.core.data.mapping.column_mapping import ColumnMapping
from hfft_widgets.core.data.mapping.transforms import Transform
from hfft_widgets.errors import DataError
from tests.core.data.strategies import ROW, tables

ROLES = (("human", "user"), ("gpt", "assistant"))
TEXTS = ["prompt", "a'b\"c", "extra"]
CHATS = ["messages", "chosen"]
TURN_HOWS = ["turns", "turns_before_answer", "answer_turn", "answer_text"]

transforms = st.one_of(
    st.builds(lambda name: Transform("column", (name,)), st.sampled_from(list(ROW))),
    st.builds(
        lambda how, names, turn: Transform(how, tuple(names), turn=turn),
        st.sampled_from(["joined", "column"]),
        st.lists(st.sampled_from(TEXTS), min_size=1, max_size=3, unique=True),
        st.sampled_from(["", "user", "assistant"]),
    ),
    st.lists(st.text(max_size=3), min_size=1).map(lambda said: Transform("one_of", ("prompt",), values=tuple(said))),
    st.builds(
        lambda how, values: Transform(how, ("prompt", "a'b\"c", "extra"), values=tuple(values)),
        st.sampled_from(["better", "worse"]), st.lists(st.integers(-2, 2), min_size=1),
    ),
    st.builds(
        lambda how, name, roles: Transform(how, (name,), STANDARD_KEYS, roles),
        st.sampled_from(TURN_HOWS), st.sampled_from(CHATS), st.sampled_from([(), ROLES]),
    ),
    st.builds(
        lambda how, roles: Transform(how, ("conversations",), ("from", "value"), roles),
        st.sampled_from(TURN_HOWS), st.sampled_from([(), ROLES]),
    ),
)  # fmt: skip
targets = st.sampled_from(["prompt", "completion", "messages", "chosen", "text", "new'\n\"name"])
mappings = st.builds(
    lambda filled, drop: ColumnMapping(filled, tuple(drop)),
    st.dictionaries(targets, transforms, max_size=3),
    st.lists(st.sampled_from(list(ROW)), max_size=2, unique=True),
)


def executed(code: str, rows: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The rows as a dataset holds them, and after the code."""
    from datasets import Dataset, disable_progress_bars

    disable_progress_bars()
    dataset = Dataset.from_list(rows)
    scope = {"dataset": dataset}
    exec(code, scope)
    return list(dataset), list(scope["dataset"])


@given(mappings, tables(), st.booleans())
@settings(max_examples=60, deadline=None)
def test_the_code_does_what_apply_does(mapping: ColumnMapping, rows: list[dict[str, Any]], known: bool) -> None:
    if set(mapping.removed) == set(ROW) and not mapping.targets:
        return  # a dataset without columns has no rows either
    held, after = executed(mapping.code(ROW if known else ()), rows)
    assert mapping.apply(held) == after


@given(mappings)
def test_dict_and_back(mapping: ColumnMapping) -> None:
    assert ColumnMapping.from_dict(json.loads(json.dumps(mapping.to_dict()))) == mapping


@given(mappings)
def test_the_code_holds_values_as_literals_only(mapping: ColumnMapping) -> None:
    code = mapping.code(ROW)
    assert code.isascii()
    compile(code, "<mapping>", "exec")


def test_a_rename_is_written_as_one() -> None:
    mapping = ColumnMapping.rename({"good_response": "chosen", "bad_response": "rejected"})
    code = mapping.code(["prompt", "good_response", "bad_response"])
    assert code == 'dataset = dataset.rename_columns({"good_response": "chosen", "bad_response": "rejected"})'


def test_one_row_and_many() -> None:
    mapping = ColumnMapping.rename({"q": "prompt"})
    assert mapping.apply({"q": "Why?"}) == {"prompt": "Why?"}
    assert mapping.apply([{"q": "Why?"}]) == [{"prompt": "Why?"}]


SCORED = {"a": "left", "b": "right", "sa": 1.5, "sb": 2.5, "list": [{"t": "x", "s": 1}, {"t": "y", "s": 3}], "r": 4}


@pytest.mark.parametrize(
    ("transform", "value"),
    [
        (Transform("better", ("a", "b", "sa", "sb")), "right"),
        (Transform("worse", ("a", "b", "sa", "sb")), "left"),
        (Transform("better", ("a", "b", "r"), values=(4,)), "left"),
        (Transform("best", ("list",), ("t", "s")), "y"),
        (Transform("worst", ("list",), ("t", "s"), turn="assistant"), [{"role": "assistant", "content": "x"}]),
        (Transform("at_least", ("r",), values=(5,)), False),
        (Transform("one_of", ("a",), values=("left", "up")), True),
    ],
)
def test_scores_choices_and_labels(transform: Transform, value: Any) -> None:
    mapping = ColumnMapping({"made": transform})
    _, after = executed(mapping.code(SCORED), [SCORED])
    assert [row["made"] for row in after] == [value] == [mapping.apply(SCORED)["made"]]


@pytest.mark.parametrize(
    ("row", "transform"),
    [
        ({"chat": [{"input": "Why?", "output": "So."}]}, Transform("exchanges", ("chat",), ("input", "output"))),
        ({"chat": ["Why?", "So."]}, Transform("alternating", ("chat",))),
    ],
)
def test_other_ways_to_write_a_conversation(row: dict[str, Any], transform: Transform) -> None:
    mapping = ColumnMapping({"messages": transform}, ())
    _, after = executed(mapping.code(row), [row])
    expected = [{"role": "user", "content": "Why?"}, {"role": "assistant", "content": "So."}]
    assert after == mapping.apply([row]) == [{"messages": expected}]


def test_turns_written_as_json() -> None:
    row = {"chat": json.dumps([{"from": "human", "value": "Why?"}, {"from": "gpt", "value": "So."}])}
    mapping = ColumnMapping({"messages": Transform("turns", ("chat",), ("from", "value"), ROLES, json=True)})
    _, after = executed(mapping.code(row), [row])
    expected = [{"role": "user", "content": "Why?"}, {"role": "assistant", "content": "So."}]
    assert after == mapping.apply([row]) == [{"messages": expected}]


def test_marks_of_pictures_are_taken_out() -> None:
    row = {"chat": [{"from": "human", "value": "<image>\nWhy?"}]}
    mapping = ColumnMapping({"messages": Transform("turns", ("chat",), ("from", "value"), ROLES, unmark=True)})
    _, after = executed(mapping.code(row), [row])
    assert after == mapping.apply([row]) == [{"messages": [{"role": "user", "content": "Why?"}]}]


def test_words() -> None:
    mapping = ColumnMapping({"prompt": Transform("turns_before_answer", ("chat",), roles=ROLES)}, ("id",))
    assert mapping.words == (
        "prompt from the turns of 'chat' before the answer (human as user, gpt as assistant); without 'id'"
    )


@pytest.mark.parametrize(
    "values", [{"targets": {"prompt": {"how": "magic", "columns": ["x"]}}}, {"targets": 3}, {"targets": {"a": {}}}]
)
def test_damaged_values_are_refused(values: Any) -> None:
    with pytest.raises(DataError):
        ColumnMapping.from_dict(values)


def test_columns_that_are_not_there_are_named() -> None:
    assert ColumnMapping.rename({"q": "prompt"}, drop=["id"]).missing(["q"]) == ["id"]
