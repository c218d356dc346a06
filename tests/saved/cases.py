"""The rows, mappings and fixes of which `make` keeps what a version says.

Literals alone: every way to fill a column and every rule of a fix that version 0.1.0 knew.
"""

from __future__ import annotations

from typing import Any

Rows = list[dict[str, Any]]

_ASKED = {"role": "user", "content": "Why?"}
_SAID = {"role": "assistant", "content": "Because."}
_SYSTEM = {"role": "system", "content": "Be short."}
_TURNS = [_SYSTEM, _ASKED, _SAID]
_GPT = [{"from": "human", "value": "Why?"}, {"from": "gpt", "value": "Because."}]
_GPT_TEXT = '[{"from": "human", "value": "Why?"}, {"from": "gpt", "value": "Because."}]'
_ROLES = [["human", "user"], ["gpt", "assistant"]]


def _mapped(how: str, columns: list[str], rows: Rows, **more: Any) -> tuple[dict[str, Any], Rows]:
    return {"targets": {"made": {"how": how, "columns": columns, **more}}, "drop": []}, rows


MAPPINGS: list[tuple[dict[str, Any], Rows]] = [
    ({"targets": {"prompt": {"how": "column", "columns": ["question"]}}, "drop": ["id"]},
     [{"id": 1, "question": "Why?", "level": 2}, {"id": 2, "question": None, "level": 0}]),
    _mapped("column", ["q"], [{"q": "Why?"}], turn="user"),
    _mapped("joined", ["a", "b"], [{"a": "So", "b": "it is"}, {"a": "", "b": "it is"}, {"a": None, "b": 7}]),
    _mapped("turns", ["chat"], [{"chat": _TURNS}, {"chat": None}]),
    _mapped("turns", ["chat"], [{"chat": _GPT}], keys=["from", "value"], roles=_ROLES),
    _mapped("turns", ["chat"], [{"chat": _GPT_TEXT}, {"chat": None}], keys=["from", "value"], roles=_ROLES, json=True),
    _mapped("turns", ["chat"], [{"chat": [{"role": "human", "content": "Why?", "weight": 1}]}], roles=_ROLES),
    _mapped("turns", ["chat"], [{"chat": [{"role": "user", "content": "<image> What is it? "}]}], unmark=True),
    _mapped("turns_before_answer", ["chat"], [{"chat": _TURNS}]),
    _mapped("answer_turn", ["chat"], [{"chat": _TURNS}]),
    _mapped("answer_text", ["chat"], [{"chat": _TURNS}, {"chat": []}]),
    _mapped("exchanges", ["log"], [{"log": [{"q": "Why?", "a": "So."}, {"q": "Yes?", "a": "No."}]}], keys=["q", "a"]),
    _mapped("alternating", ["log"], [{"log": ["Why?", "So.", "Yes?"]}, {"log": None}]),
    _mapped("field", ["answer"], [{"answer": {"text": "So.", "score": 1}}], keys=["text", "score"]),
    _mapped("one_of", ["vote"], [{"vote": "up"}, {"vote": "down"}, {"vote": None}], values=["up", "good"]),
    _mapped("at_least", ["stars"], [{"stars": 5}, {"stars": 3}, {"stars": 1}], values=[3]),
    _mapped("better", ["a", "b", "won"], [{"a": "A", "b": "B", "won": "a"}, {"a": "A", "b": "B", "won": "b"},
                                          {"a": "A", "b": "B", "won": None}], values=["a"]),
    _mapped("worse", ["a", "b", "won"], [{"a": "A", "b": "B", "won": "a"}, {"a": "A", "b": "B", "won": "b"}],
            values=["a"]),
    _mapped("better", ["a", "b", "x", "y"], [{"a": "A", "b": "B", "x": 1, "y": 2},
                                             {"a": "A", "b": "B", "x": 2, "y": 1}]),
    _mapped("worse", ["a", "b", "x", "y"], [{"a": "A", "b": "B", "x": 1, "y": 2}], turn="assistant"),
    _mapped("best", ["all"], [{"all": [{"t": "A", "s": 1}, {"t": "B", "s": 3}]}], keys=["t", "s"]),
    _mapped("worst", ["all"], [{"all": [{"t": "A", "s": 1}, {"t": "B", "s": 3}]}], keys=["t", "s"]),
]  # fmt: skip

_CHATS: Rows = [
    {"chat": [_ASKED, _SAID]},
    {"chat": [_ASKED]},
    {"chat": []},
    {"chat": None},
    {"chat": "no turns"},
    {"chat": [_ASKED, {"role": "assistant", "content": "  "}]},
    {"chat": [_ASKED, {"role": "assistant", "content": None, "tool_calls": [{"name": "f"}]}]},
    {"chat": [_ASKED, {"role": "assistant", "content": "x", "tool_calls": ["f"]}]},
    {"chat": [_ASKED, {"role": "gpt", "content": "n/a"}]},
    {"chat": [_ASKED, {"role": "assistant", "content": "n/a"}]},
]
_TEXTS: Rows = [{"text": text} for text in ("So it is.", "", "  ", None, 7, "n/a", "...", "So it is.")]
_LABELS: Rows = [{"label": label} for label in (True, False, 1, 0, "yes", None, 2, 0.5)]
_PAIRS: Rows = [
    {"chosen": [_ASKED, _SAID], "rejected": [_ASKED, {"role": "assistant", "content": "No."}]},
    {"chosen": [_ASKED, _SAID], "rejected": [_ASKED, _SAID]},
    {"chosen": [_SAID], "rejected": [_ASKED]},
    {"chosen": [], "rejected": []},
]

FIXES: list[tuple[dict[str, Any], Rows]] = [
    *(({"rule": rule, "columns": ["chat"]}, _CHATS) for rule in (
        "is_conversation", "has_turns", "has_contents", "has_roles", "ends_with_answer", "says_something",
        "has_tool_calls")),
    *(({"rule": rule, "columns": ["text"]}, _TEXTS) for rule in ("is_text", "has_text", "says_something")),
    *(({"rule": rule, "columns": ["label"]}, _LABELS) for rule in ("is_label", "is_number")),
    *(({"rule": rule, "columns": ["chosen", "rejected"], "methods": ["DPO"]}, _PAIRS) for rule in (
        "answers_differ", "share_a_start")),
    ({"rule": "deduplicate", "columns": ["text"]}, _TEXTS),
    ({"rule": "drop_column", "columns": ["chosen"], "first": True}, _PAIRS),
    ({"rule": "rename_roles", "columns": ["chat"], "roles": _ROLES},
     [{"chat": [{"role": "human", "content": "Why?"}]}, {"chat": None}]),
    ({"rule": "merge_system", "columns": ["chat"]}, [{"chat": _TURNS}, {"chat": [_ASKED, _SAID]}, {"chat": None}]),
    ({"rule": "leave_out", "columns": [], "rows": [1, 3]}, _TEXTS),
]  # fmt: skip


def _chat(number: int) -> list[dict[str, str]]:
    asked, said = f"What is {number} and {number}?", f"It is {2 * number}, as you can count."
    return [{"role": "user", "content": asked}, {"role": "assistant", "content": said}]


def _broken() -> Rows:
    rows: Rows = [{"messages": _chat(number)} for number in range(40)]
    rows[3]["messages"][1]["content"] = "  "
    rows[7]["messages"] = rows[6]["messages"]
    rows[11]["messages"] = rows[11]["messages"][:1]
    rows[15]["messages"][0]["role"] = "human"
    rows[19]["messages"][1]["content"] = "n/a"
    rows[23]["messages"] = None
    rows[27]["messages"] = []
    return rows


def _votes() -> Rows:
    rows: Rows = [{"id": n, "question": f"What is {n} and {n}?", "good_response": f"It is {2 * n}.",
                   "bad_response": f"It is {2 * n + 1}."} for n in range(30)]  # fmt: skip
    rows[4]["bad_response"] = rows[4]["good_response"]
    rows[9]["question"] = " "
    rows[13]["good_response"] = None
    return rows


def _as_text() -> Rows:
    turn = '[{{"from": "human", "value": "What is {0} and {0}?"}}, {{"from": "gpt", "value": "It is {1}."}}]'
    return [{"source": "forum", "conversations": turn.format(n, 2 * n)} for n in range(30)]


# name: rows, the method whose mapping is agreed to, whether all fixes are applied
REPORTS: dict[str, tuple[Rows, str, bool]] = {
    "broken": (_broken(), "SFT", True),
    "votes": (_votes(), "DPO", True),
    "as_text": (_as_text(), "SFT", False),
}
