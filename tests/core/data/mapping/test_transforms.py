"""Each way to fill a column makes of any row what it made before the ways were put together from steps."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hfft_widgets.core.data.fixes import FILTERS, Fix
from hfft_widgets.core.data.mapping.column_mapping import MAPPING_ERRORS
from hfft_widgets.core.data.mapping.transforms import HOWS, Transform
from hfft_widgets.core.script import with_functions
from hfft_widgets.errors import DataError
from hfft_widgets.scripts import rows

# Written by commit f16fab4, in which each way was a function and beside it a text: rows, and what became of them.
# An outcome is a value or the name of an error, with the numbers of the rows it was the outcome of.
OUTCOMES = json.loads(Path(__file__).with_name("row_outcomes.json").read_text("utf-8"))
ROWS: list[dict[str, Any]] = OUTCOMES["rows"]


def outcome(make: Callable[[], Any]) -> Any:
    try:
        return {"value": make()}
    except MAPPING_ERRORS as error:
        return type(error).__name__
    except DataError as error:
        return type(error).__name__


def expected(grouped: list[Any]) -> list[Any]:
    by_row = {number: made for made, numbers in grouped for number in numbers}
    return [by_row[number] for number in range(len(ROWS))]


@pytest.mark.parametrize("saved", OUTCOMES["transforms"], ids=lambda saved: json.dumps(saved[0]))
def test_a_saved_transform_makes_what_it_made(saved: Any) -> None:
    values, grouped = saved
    transform = Transform.from_dict(values)
    assert transform.to_dict() == values
    made = [outcome(lambda row=row: transform.value(copy.deepcopy(row))) for row in ROWS]
    assert made == expected(grouped)


@pytest.mark.parametrize("saved", OUTCOMES["transforms"], ids=lambda saved: json.dumps(saved[0]))
def test_the_code_of_a_transform_makes_the_same(saved: Any) -> None:
    values, grouped = saved
    transform = Transform.from_dict(values)
    scope: dict[str, Any] = {}
    exec(with_functions(f"def made(row):\n    return ({transform.code})", "rows"), scope)
    there = [n for n, row in enumerate(ROWS) if {*transform.columns} <= row.keys()]
    made = [outcome(lambda n=n: scope["made"](copy.deepcopy(ROWS[n]))) for n in there]
    assert made == [expected(grouped)[n] for n in there]


@pytest.mark.parametrize("saved", OUTCOMES["filters"], ids=lambda saved: str(saved[0]["rule"]))
def test_a_saved_filter_keeps_the_rows_it_kept(saved: Any) -> None:
    values, kept = saved
    fix = Fix.from_dict(values)
    assert [number for number, _ in fix.numbered(enumerate(copy.deepcopy(ROWS)))] == kept


@pytest.mark.parametrize("saved", OUTCOMES["changes"], ids=lambda saved: str(saved[0]["rule"]))
def test_a_saved_change_of_turns_makes_what_it_made(saved: Any) -> None:
    values, grouped = saved
    fix = Fix.from_dict(values)
    made = [outcome(lambda row=row: fix.apply([copy.deepcopy(row)])[0].get("a")) for row in ROWS]
    assert made == expected(grouped)


def test_all_ways_and_all_filters_are_among_the_saved_ones() -> None:
    assert {values["how"] for values, _ in OUTCOMES["transforms"]} == set(HOWS) - {"filled", "option"}  # came later
    assert {values["rule"] for values, _ in OUTCOMES["filters"]} == {*FILTERS, "deduplicate"}


def test_every_filter_is_a_function_of_the_scripts() -> None:
    assert all(callable(getattr(rows, name)) for name in FILTERS)


@pytest.mark.parametrize(
    ("transform", "code"),
    [
        (Transform("column", ("q",)), 'row["q"]'),
        (Transform("column", ("q",), turn="user"), 'one_turn("user", row["q"])'),
        (
            Transform("turns_before_answer", ("chat",), ("from", "value"), (("human", "user"),)),
            'turns(items(row["chat"]), keys=["from", "value"], roles={"human": "user"})[:-1]',
        ),
        (Transform("answer_turn", ("chat",), json=True, unmark=True), 'without_marks(from_json(row["chat"]))[-1:]'),
        (Transform("better", ("a", "b", "s", "t")), 'choose(row["a"], row["b"], at_least(row["s"], row["t"]))'),
        (
            Transform("worse", ("a", "b", "w"), values=("left",)),
            'choose(row["b"], row["a"], one_of(row["w"], ["left"]))',
        ),
        (Transform("best", ("answers",), ("text", "score")), 'best(row["answers"], "score")["text"]'),
    ],
)
def test_the_code_reads_as_the_steps_are(transform: Transform, code: str) -> None:
    assert transform.code == code


@pytest.mark.parametrize(
    ("how", "columns"), [("magic", ("a",)), ("column", ()), ("better", ("a", "b")), ("worse", ("a", "b"))]
)
def test_what_fills_no_column_is_refused(how: str, columns: tuple[str, ...]) -> None:
    with pytest.raises(DataError):
        Transform(how, columns)


def test_a_choice_without_values_and_scores_is_an_error_of_the_mapping() -> None:
    with pytest.raises(MAPPING_ERRORS):
        Transform("better", ("a", "b", "c")).value({"a": 1, "b": 2, "c": 3})


def test_equal_transforms_stay_equal_once_used() -> None:
    used, fresh = (Transform("turns", ("chat",), ("from", "value")) for _ in range(2))
    used.value({"chat": []})
    assert used == fresh
    assert hash(used) == hash(fresh)
