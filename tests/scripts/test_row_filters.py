"""Which cells a filter keeps."""

from __future__ import annotations

from typing import Any

import pytest

from hfft_widgets.scripts.rows import filters
from hfft_widgets.scripts.rows.filters import first_of_each

USER, ASSISTANT = {"role": "user", "content": "Why?"}, {"role": "assistant", "content": "So."}
CHAT = [USER, ASSISTANT]


def test_the_first_of_equal_items_stays_and_others_are_read_one_by_one():
    def endless():
        number = 0
        while True:
            yield number
            number += 1

    found = first_of_each(endless(), lambda number: number // 3)
    assert [next(found) for _ in range(4)] == [0, 3, 6, 9]
    assert list(first_of_each([[1], [1], ["1"]], lambda item: item)) == [[1], ["1"]]


CALL = {"role": "assistant", "tool_calls": [{"name": "f"}]}


@pytest.mark.parametrize(
    ("test", "kept", "left_out"),
    [
        (filters.is_text, ["", "a"], [None, 3, CHAT]),
        (filters.has_text, ["a"], ["", " \n", None, 3]),
        (filters.are_turns, [[], CHAT], [None, "a", [None]]),
        (filters.has_turns, [None, [], CHAT], ["a", ["a"]]),
        (filters.is_conversation, [CHAT], [None, [], "a", [{"content": "a"}]]),
        (filters.has_contents, [CHAT, [CALL]], [None, [{"role": "user"}], [{**USER, "content": " "}]]),
        (filters.has_roles, [CHAT, []], [None, [{"content": "a"}], [{"role": ["user"]}], [{"role": "gpt"}]]),
        (filters.ends_with_answer, [CHAT], [None, [], [USER], "a"]),
        (filters.has_tool_calls, [CHAT, [CALL], None, "a"], [[{"tool_calls": "f"}], [{"tool_calls": ["f"]}]]),
        (filters.says_something, ["42", "No.", "!" * 17, CHAT, None, []], ["n/a", " TODO ", "...", [{"content": "?"}]]),
        (filters.is_label, [True, False, 0, 1.0], [None, 2, "yes"]),
        (filters.is_number, [1, 0.5, True], [None, "1"]),
    ],
)
def test_which_cells_a_filter_keeps(test: Any, kept: list[Any], left_out: list[Any]):
    assert [test(cell) for cell in kept] == [True] * len(kept)
    assert [test(cell) for cell in left_out] == [False] * len(left_out)


def test_which_pairs_a_filter_keeps():
    assert filters.answers_differ("a", "b")
    assert not filters.answers_differ(CHAT, [*CHAT])
    assert filters.share_a_start(CHAT, [USER])
    for pair in ((CHAT, [ASSISTANT]), ([], []), (CHAT, None), ("ab", "ab")):
        assert not filters.share_a_start(*pair)
