from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hfft_widgets.core.data.fixes import FILTERS, OTHERS, Fix
from hfft_widgets.errors import DataError
from tests.core.data.mapping.test_column_mapping import executed
from tests.core.data.strategies import conversations, json_rows, maybe_texts, tables

ROW = {"text": maybe_texts, "messages": conversations, "chosen": conversations, "rejected": conversations}
ROLES = (("human", "user"), ("gpt", "assistant"))

fixes = (
    st.builds(
        lambda rule, first, second: Fix(rule, (first, second) if rule in PAIRED else (first,), (), ROLES),
        st.sampled_from([rule for rule in [*FILTERS, *OTHERS] if rule not in {"leave_out", "keep_apart"}]),
        st.sampled_from(["messages", "chosen"]),
        st.just("rejected"),
    )
    | st.sampled_from([Fix("is_text", ("text",)), Fix("has_text", ("text",)), Fix("deduplicate", ("text", "messages"))])
    | st.builds(
        lambda rows: Fix("leave_out", (), first=True, rows=tuple(rows)), st.lists(st.integers(0, 6), min_size=1)
    )
)
PAIRED = {"answers_differ", "share_a_start"}


@given(fixes, tables(**ROW))
@settings(max_examples=60, deadline=None)
def test_the_code_does_what_apply_does(fix: Fix, rows: list[dict[str, Any]]) -> None:
    held, after = executed(fix.code(), rows)
    assert fix.apply(held) == after


@given(st.sampled_from(sorted(FILTERS)), json_rows)
def test_the_code_of_a_filter_agrees_on_any_rows(rule: str, rows: list[dict[str, Any]]) -> None:
    fix = Fix(rule, ("messages", "text"))
    whole = [{"messages": None, "text": None} | row for row in rows]
    scope: dict[str, Any] = {"dataset": Listed(whole)}
    exec(fix.code(), scope)
    assert fix.apply(whole) == scope["dataset"].rows or any(_has_nan(row) for row in whole)


class Listed:
    """A dataset of any rows, also of those that fit no Arrow table."""

    def __init__(self, rows: list[dict[str, Any]]) -> None:
        self.rows = rows

    def filter(self, test: Callable[[dict[str, Any]], bool]) -> Listed:
        return Listed([row for row in self.rows if test(row)])


def _has_nan(row: dict[str, Any]) -> bool:
    return "nan" in repr(row)


@given(fixes)
def test_dict_and_back(fix: Fix) -> None:
    assert Fix.from_dict(json.loads(json.dumps(fix.to_dict()))) == fix


def test_every_rule_has_words() -> None:
    assert Fix("leave_out", (), rows=(3, 5, 7, 9)).label == "Leave out rows 3, 5, 7 …"
    for rule in [rule for rule in [*FILTERS, *OTHERS] if rule not in {"leave_out", "keep_apart"}]:
        label = Fix(rule, ("a", "b")).label
        assert "'a'" in label
        assert "{" not in label


def test_row_numbers_stay_with_their_rows() -> None:
    rows = [(n, {"text": text}) for n, text in enumerate(["a", None, "a", "b"])]
    assert [n for n, _ in Fix("is_text", ("text",)).numbered(rows)] == [0, 2, 3]
    assert [n for n, _ in Fix("deduplicate", ("text",)).numbered(rows)] == [0, 1, 3]


@pytest.mark.parametrize(("rule", "columns"), [("magic", ("a",)), ("is_text", ()), ("answers_differ", ("chosen",))])
def test_what_is_no_fix_is_refused(rule: str, columns: tuple[str, ...]) -> None:
    with pytest.raises(DataError):
        Fix(rule, columns)


def test_roles_of_a_broken_row_are_not_guessed() -> None:
    with pytest.raises(DataError, match="row 1"):
        Fix("rename_roles", ("messages",), (), ROLES).apply([{"messages": []}, {"messages": ["text"]}])


def test_a_system_turn_goes_into_the_first_question() -> None:
    turns = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Why?"}]
    fix = Fix("merge_system", ("messages",))
    assert fix.apply([{"messages": turns}]) == [{"messages": [{"role": "user", "content": "Be brief.\n\nWhy?"}]}]
    assert fix.apply([{"messages": turns[:1]}, {"messages": None}]) == [{"messages": turns[:1]}, {"messages": None}]


def test_rows_left_out_by_number_are_those_of_the_dataset_as_given() -> None:
    rows = [(n, {"text": str(n)}) for n in range(5)]
    first = Fix("has_text", ("text",)).numbered(rows[1:])
    assert [n for n, _ in Fix("leave_out", (), rows=(1, 3)).numbered(first)] == [2, 4]


@pytest.mark.parametrize(("text", "kept"), [("n/a", 0), ("...", 0), ("42", 1), ("No.", 1), ("!" * 40, 1), ("はい", 1)])
def test_answers_that_say_nothing(text: str, kept: int) -> None:
    fix = Fix("says_something", ("messages",))
    assert len(fix.apply([{"messages": [{"role": "assistant", "content": text}]}])) == kept
