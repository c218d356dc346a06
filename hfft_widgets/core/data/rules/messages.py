"""What can be wrong with a conversation, seen by its outline: who speaks, and what kind of content a turn has."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from hfft_widgets.core.data.columns import ROLES, Shape, calls_with_null, shape_of
from hfft_widgets.core.data.match_columns import ColumnRole
from hfft_widgets.core.data.rules.base import SPOKEN, WARN, WORDS, Rule, Scope, Uses
from hfft_widgets.core.method import Method

_UNSURE = ". What becomes of it depends on the chat template: most render nothing, Qwen2.5's refuses"
_USER, _ANSWER = {"role": "user", "content": "Why?"}, {"role": "assistant", "content": "So it is."}
_CHAT = [_USER, _ANSWER]


def _no_conversation(cell: Any) -> bool:
    """Something else than a list of turns where a conversation is read, or a turn without `role`."""
    if cell == []:
        return False
    return shape_of(cell) is not Shape.MESSAGES or not all(isinstance(turn, Mapping) for turn in cell)


def _no_content(cell: Any) -> bool:
    return any(turn.get("content") is None and not turn.get("tool_calls") for turn in cell)


def _not_text(cell: Any) -> bool:
    return any(turn.get("content") is not None and not isinstance(turn.get("content"), str) for turn in cell)


def _not_parts(cell: Any) -> bool:
    """Beside pictures a content may be text or a list of parts with a type, and nothing else."""
    contents = [turn.get("content") for turn in cell]
    return not all(c is None or isinstance(c, str) or (isinstance(c, list) and all(map(_is_part, c))) for c in contents)


def _is_part(part: Any) -> bool:
    return isinstance(part, Mapping) and part.get("type") in {"text", "image"}


def _blank_content(cell: Any) -> bool:
    return any(
        isinstance(c := turn.get("content"), str) and not c.strip() and not turn.get("tool_calls") for turn in cell
    )


def _unknown_role(cell: Any) -> bool:
    return any(not isinstance(role := turn.get("role"), str) or role not in ROLES for turn in cell)


def _broken_calls(cell: Any) -> bool:
    calls = [turn.get("tool_calls") for turn in cell if turn.get("tool_calls")]
    return not all(isinstance(c, list) and all(isinstance(call, Mapping) for call in c) for c in calls)


def _ends(cell: Any) -> Any:
    return cell[-1].get("role")


def _sees(method: Method, uses: Uses) -> bool:  # noqa: ARG001 - what every rule may ask
    return ColumnRole.PICTURES in uses


def _reads(method: Method, uses: Uses) -> bool:
    return not _sees(method, uses)


def _content_not_text(facet: Callable[[Any], bool], fits: Callable[[Method, Uses], bool], other: Any) -> Rule:
    return Rule("content_not_text", Scope.MESSAGES, facet, bool, "A turn whose content is not text in {column}",
                fix="has_contents", explains=1, unsure=_UNSURE, fits=fits,
                examples=(([_USER, {"role": "assistant", "content": other}], _CHAT),))  # fmt: skip


MESSAGE_RULES = (
    Rule("no_value", Scope.MESSAGES, lambda cell: cell is None, bool, "No value in {column}", fix="is_conversation",
         ends=True, explains=2, examples=((None, _CHAT),)),
    Rule("not_a_conversation", Scope.MESSAGES, _no_conversation, bool, "No list of turns with roles in {column}",
         fix="is_conversation", ends=True, explains=2, examples=(("Why?", _CHAT), ([{"content": "Why?"}], []))),
    Rule("no_turns", Scope.MESSAGES, lambda cell: not cell, bool, "No turn in {column}", fix="is_conversation",
         ends=True, explains=2, examples=(([], _CHAT),)),
    Rule("no_content", Scope.MESSAGES, _no_content, bool, "A turn without content in {column}", fix="has_contents",
         explains=1, unsure=_UNSURE, examples=(([_USER, {"role": "assistant", "content": None}], _CHAT),)),
    _content_not_text(_not_text, _reads, ["So it is."]),
    _content_not_text(_not_parts, _sees, 5),
    Rule("blank_content", Scope.MESSAGES, _blank_content, bool, "A blank turn in {column}", fix="has_contents",
         examples=(([_USER, {"role": "assistant", "content": " "}], _CHAT),)),
    Rule("unknown_role", Scope.MESSAGES, _unknown_role, bool,
         "A role in {column} that chat templates do not know: they leave such turns out, or refuse them",
         fix="has_roles", explains=1, examples=(([{"role": "human", "content": "Why?"}, _ANSWER], _CHAT),)),
    Rule("broken_tool_calls", Scope.MESSAGES, _broken_calls, bool,
         "Tool calls in {column} that are no list of records: chat templates cannot read them", fix="has_tool_calls",
         explains=1, examples=(([_USER, {**_ANSWER, "tool_calls": "f()"}], [_USER, {**_ANSWER, "tool_calls": []}]),)),
    Rule("null_arguments", Scope.MESSAGES, calls_with_null, bool,
         "Tool calls in {column} with arguments without a value: the model learns to write null", fix="usual_turns",
         examples=(([_USER, {**_ANSWER, "tool_calls": [{"function": {"name": "f", "arguments": {"a": None}}}]}],
                    [_USER, {**_ANSWER, "tool_calls": [{"function": {"name": "f", "arguments": {"a": 1}}}]}]),)),
    Rule("no_answer", Scope.MESSAGES, _ends, lambda role: role != "assistant",
         "The last turn in {column} is not the assistant's: there is no answer to learn", SPOKEN,
         fix="ends_with_answer", examples=(([*_CHAT, _USER], _CHAT),)),
    Rule("ends_with_answer", Scope.MESSAGES, _ends, lambda role: role == "assistant",
         "The prompt in {column} ends with an answer", WORDS - SPOKEN, WARN, examples=((_CHAT, [_USER]),)),
)  # fmt: skip
