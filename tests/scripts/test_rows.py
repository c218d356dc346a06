"""What each step makes of a cell; that all of them together make what was made before, test_transforms shows."""

from __future__ import annotations

import ast
import sys
from typing import Any

import pytest

from hfft_widgets.core.script import runtime
from hfft_widgets.scripts import rows
from hfft_widgets.scripts.rows import choose, from_json, items, last_text, one_of

USER, ASSISTANT = {"role": "user", "content": "Why?"}, {"role": "assistant", "content": "So."}
CHAT = [USER, ASSISTANT]
SYSTEM = {"role": "system", "content": "Be brief."}


def test_a_missing_list_has_no_items():
    assert items(None) == from_json(None) == from_json("") == []
    assert items(CHAT) is CHAT
    assert from_json('[{"role": "user"}]') == [{"role": "user"}]


def test_what_is_no_json_is_an_error():
    with pytest.raises(ValueError, match="Expecting"):
        from_json("So.")


@pytest.mark.parametrize(
    ("made", "meant"),
    [
        (rows.turns([{"from": "human", "value": "Why?", "id": 3}], ["from", "value"], {"human": "user"}), [USER]),
        (rows.turns([{"from": "user", "value": "Why?"}], ["from", "value"]), [USER]),
        (rows.rename_roles([{**ASSISTANT, "role": "gpt", "id": 3}], {"gpt": "assistant"}), [{**ASSISTANT, "id": 3}]),
        (rows.without_marks([{"role": "user", "content": "<image>\nWhy?"}]), [USER]),
        (rows.one_turn("user", "Why?"), [USER]),
        (rows.exchanges([{"q": "Why?", "a": "So."}], "q", "a"), CHAT),
        (rows.alternating(["Why?", "So.", "Why?"]), [*CHAT, USER]),
        (rows.merge_system([SYSTEM, *CHAT]), [{"role": "user", "content": "Be brief.\n\nWhy?"}, ASSISTANT]),
        (rows.merge_system([SYSTEM]), [SYSTEM]),
        (rows.merge_system(None), None),
    ],
)
def test_turns_are_those_of_chat_templates(made: Any, meant: Any):
    assert made == meant


@pytest.mark.parametrize(
    ("made", "meant"),
    [
        (rows.at({"a": ["x", {"b": "y"}]}, "a", 1, "b"), "y"),
        (rows.at({"a": ["x"]}, "a", -1), "x"),
        ([rows.at(cell, "a", 0) for cell in (None, {}, {"a": None}, {"a": []}, "a", 5)], [None] * 6),
        (rows.each([{"a": 1}, {}, None], "a"), [1, None, None]),
        (rows.each(None, "a"), []),
        (rows.parsed('{"a": [1]}'), {"a": [1]}),
        (rows.parsed("[{'a': None}]"), [{"a": None}]),
        (rows.parsed("[{'a': 1}\n {'a': 2}]"), [{"a": 1}, {"a": 2}]),
        (
            [rows.parsed(cell) for cell in ("So.", None, 5, "[1", "__import__('os')")],
            ["So.", None, 5, "[1", "__import__('os')"],
        ),
        (rows.each_parsed(['{"a": 1}']), [{"a": 1}]),
        ([rows.decoded(cell) for cell in (b"\xc3\xa4", "a", None)], ["\xe4", "a", None]),
        ([rows.written(cell) for cell in (7.0, 7, 0.5, True, False, None)], ["7", "7", "0.5", "yes", "no", None]),
        (rows.transposed({"role": ["user"], "content": ["Why?"]}), [USER]),
        (rows.listed(USER), [USER]),
        ([rows.listed(cell) for cell in (None, CHAT)], [[], CHAT]),
        (rows.present("a", None, " ", 0), ["a", 0]),
        (rows.conversation([{"role": "system", "content": None}], CHAT, [USER]), [*CHAT, USER]),
        (rows.conversation([SYSTEM], None, []), [SYSTEM]),
        (rows.filled("{a} and {b} or {c}", ["a", "b"], 1, None), "1 and  or {c}"),
        (rows.filled("{a}", ["a"], "{a}{b.__class__}"), "{a}{b.__class__}"),
        (rows.options({"text": ["x", "y"], "label": ["1", "2"]}), "1. x\n2. y"),
        ([rows.option(["x", "y"], answer) for answer in (1, "B", "b.", 1.0, 9, "Z")], ["y", "y", "y", "y", None, None]),
        (rows.option({"text": ["x", "y"], "label": ["1", "2"]}, "2"), "y"),
    ],
)
def test_values_are_reached_and_read(made: Any, meant: Any):
    assert made == meant


MARKS = {"Human:": "user", "Assistant:": "assistant", "USER:": "user", "ASSISTANT:": "assistant", "### Input:": "user"}


@pytest.mark.parametrize(
    ("text", "turns"),
    [
        ("\n\nHuman: Why?\n\nAssistant: So.", CHAT),
        ("Be brief. USER: Why? ASSISTANT: So.</s>", [SYSTEM, *CHAT]),
        ("Human: Why?\n### Input:\nHere.\nAssistant: So.", [{"role": "user", "content": "Why?\n\nHere."}, ASSISTANT]),
        ("Human: Why, Human: why?\nAssistant: So.", [{"role": "user", "content": "Why, Human: why?"}, ASSISTANT]),
        ("Human: Why?\nAssistant:", [USER, {"role": "assistant", "content": ""}]),
        ("", []),
        (None, []),
    ],
)
def test_a_dialogue_is_read_by_its_marks(text: Any, turns: Any):
    assert rows.dialogue(text, MARKS) == turns


def call(**arguments: Any) -> dict[str, Any]:
    return {"type": "function", "function": {"name": "f", "arguments": arguments}}


CALLS = {"role": "assistant", "content": "", "tool_calls": [call(a=1)]}


@pytest.mark.parametrize(
    ("turn", "usual"),
    [
        (USER, [USER]),
        ({"role": "developer", "content": "Be brief."}, [SYSTEM]),
        ({"role": "user", "content": [{"type": "text", "text": "Why?"}]}, [USER]),
        ({"role": "user", "parts": [{"text": "Why?", "functionCall": None}]}, [USER]),
        ({"role": "assistant", "content": [{"type": "tool_use", "name": "f", "input": {"a": 1, "b": None}}]}, [CALLS]),
        ({"role": "model", "parts": [{"functionCall": {"name": "f", "args": {"a": 1}}}]}, [CALLS]),
        ({"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": '{"a": 1}'}}, [CALLS]),
        ({"from": "function_call", "value": '{"name": "f", "arguments": {"a": 1}}'}, [CALLS]),
        ({"role": "assistant", "tool_calls": [{"function": {"name": "f", "arguments": '{"a": 1}'}}]}, [CALLS]),
        ({"role": "user", "content": [{"type": "tool_result", "content": [{"type": "text", "text": "3"}]}]},
         [{"role": "tool", "content": "3"}]),
        ({"role": "function", "name": "f", "content": "3"}, [{"role": "tool", "content": "3", "name": "f"}]),
        ({"role": "assistant", "content": [{"type": "thinking", "thinking": "Hm"}, {"type": "text", "text": "So."}]},
         [{**ASSISTANT, "reasoning_content": "Hm"}]),
        ({"role": "assistant", "content": None}, [{"role": "assistant", "content": ""}]),
    ],
)  # fmt: skip
def test_turns_of_any_form_become_the_usual_ones(turn: Any, usual: Any):
    assert rows.usual_turns([turn]) == usual
    assert rows.usual_turns(rows.usual_turns([turn])) == usual


def test_what_is_no_turn_of_any_form():
    assert rows.usual_turns("Why?") == "Why?"
    assert rows.usual_turns(None) is None
    for part in ({"type": "image"}, 5):
        with pytest.raises((ValueError, TypeError)):
            rows.usual_turns([{"role": "user", "content": [part]}])


NAN = float("nan")


def test_ties_and_what_cannot_be_compared_are_no_choice():
    assert [rows.higher(*pair) for pair in ((2, 1), (1, 2), (1, 1), (None, 1), (NAN, 1), ("2", 1))] == [
        True, False, None, None, None, None
    ]  # fmt: skip
    assert rows.named(["x", "y"], "y") == rows.named(["A", "B"], 2, 1) == [0, 1]
    assert rows.named(None, 0, 0) == []
    assert [rows.side(cell, ["a"], ["b"]) for cell in ("a", "b", "tie", None, [])] == [True, False, None, None, None]
    assert rows.ranked(["x", "y", "z"], [1, 3, 2]) == ["y", "z", "x"]
    assert rows.ranked(["x", "y", "z"], [1, None, 2], lowest=True) == ["x", "z"]
    assert [rows.ranked(["x", "y"], scores) for scores in ([1, 1], [1], None, [NAN, NAN])] == [None] * 4


def test_single_turns_are_gathered_by_their_group_in_the_order_of_its_first():
    turns = [{"id": 2, **USER}, {"id": 1, **USER}, {"id": 2, **ASSISTANT}]
    assert rows.gathered(turns, "id", "messages") == [{"id": 2, "messages": CHAT}, {"id": 1, "messages": [USER]}]


def test_of_a_tree_of_messages_the_newest_branch_is_the_conversation():
    def node(parent: str | None, *children: str, **said: Any) -> Any:
        message = {"author": {"role": said["role"]}, "content": {"parts": said["parts"]}} if said else None
        return {"message": message, "parent": parent, "children": [*children]}

    nodes = {
        "a": node("q", role="assistant", parts=["No."]),
        "q": node("s", "a", "b", role="user", parts=[{"asset": 1}, "Why?"]),
        "s": node("top", "q", role="system", parts=[""]),
        "top": node(None, "s"),
        "b": node("q", role="assistant", parts=["So."]),
        "of another row": None,
    }
    assert rows.newest_branch(nodes) == CHAT
    assert rows.newest_branch(None) == []


def test_the_text_of_the_better_one_says_which_it_is():
    assert [rows.same(text, "a", " b") for text in ("a ", "b", "c", None)] == [True, False, None, None]
    assert rows.same("a", "a", "a") is None


def test_what_has_no_value_is_taken_out_of_records_at_any_depth():
    assert rows.without_null({"a": None, "b": [{"c": None, "d": 0}, None], "e": {}}) == {"b": [{"d": 0}, None], "e": {}}


def test_the_missing_is_left_out_where_texts_are_joined():
    assert rows.joined("Why", None, "", 3) == "Why\n\n3"


def test_the_last_turn_is_the_answer():
    assert last_text(CHAT, "content") == "So."
    assert last_text([], "content") is None
    with pytest.raises(KeyError):
        last_text(CHAT, "value")


def test_of_two_answers_the_one_that_wins_is_chosen_and_none_where_nobody_chose():
    assert choose("a", "b", rows.at_least(2, 1)) == "a"
    assert choose("a", "b", one_of("model_b", ["model_a"])) == "b"
    assert choose("a", "b", one_of(None, ["model_a"])) is None
    with pytest.raises(TypeError):
        rows.at_least(None, 1)


def test_of_many_answers_the_first_of_the_best_ones_is_chosen():
    rated = [{"text": "a", "score": 2}, {"text": "b", "score": 5}, {"text": "c", "score": 5}]
    assert rows.best(rated, "score")["text"] == "b"
    assert rows.worst(rated, "score")["text"] == "a"


def test_it_stands_alone():
    source = runtime("rows")
    imported = [node for node in ast.walk(ast.parse(source)) if isinstance(node, (ast.Import, ast.ImportFrom))]
    assert {alias.name for node in imported for alias in node.names} <= sys.stdlib_module_names
    assert source.isascii()
