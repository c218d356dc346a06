"""Conversations of which one row is broken, each in its own way."""

from __future__ import annotations

import json
from typing import Any

from tests.core.data.oracle.case import Case, case
from tests.core.data.oracle.corpus.words import (
    answer,
    assistant,
    chat,
    lengthy,
    long_chat,
    question,
    rows,
    spoken,
    system,
    user,
)

BAD = 2  # where the broken row is put: not the first, which decides for all others


def _verdicts(effect: str) -> tuple[str, dict[int, str]]:
    letter = "B" if effect == "crash" else "R"
    return f"{letter} X M X X", {BAD: f"{effect} SFT"} if effect else {}


def broken(name: str, messages: Any, effects: str, **columns: Any) -> Case:
    """Four good conversations and one other, with its effects for Qwen3, Qwen2.5, Gemma and Llama 3 ("" for none)."""
    good = rows(lambda n: {"messages": chat(n)})
    dataset = [*good[:BAD], {"messages": messages, **columns}, *good[BAD:]]
    told = [effect.replace("-", "") for effect in effects.split()]
    told = told * 4 if len(told) == 1 else told
    families = dict(zip(("qwen3", "qwen2_5", "gemma", "llama3"), map(_verdicts, told), strict=True))
    return case(name, dataset, *families.pop("qwen3"), **families)


def unequal(name: str, first: Any, others: Any, verdicts: str, bad: dict[int, str] | None = None) -> Case:
    """A first row of one form, the others of another."""
    return case(name, [first, *rows(others)], verdicts, bad)


TURNS = [
    broken("empty messages in a row", [], "crash"),
    broken("no messages in a row", None, "crash"),
    broken("a text among conversations", "Why?", "crash"),
    broken("a JSON text among conversations", json.dumps(chat(5)), "-"),  # the Json type reads it back as turns
    broken("a turn without role, first", [{"content": "Why?"}, assistant("So.")], "crash"),
    broken("a turn without role, later", [user("Why?"), {"content": "So."}], "silent silent crash crash"),
    broken("a turn whose role is null", [{"role": None, "content": "Why?"}, assistant("So.")],
           "silent silent crash crash"),
    broken("one conversation of human and gpt",
           [{"role": "human", "content": "Why?"}, {"role": "gpt", "content": "So."}], "dropped silent crash silent"),
    broken("one conversation of User and Assistant",
           [{"role": "User", "content": "Why?"}, {"role": "Assistant", "content": "So."}],
           "dropped silent crash silent"),
    broken("one unknown role before the answer", [{"role": "human", "content": "Why?"}, assistant("So.")],
           "silent silent crash silent"),
    broken("one ShareGPT row among messages", spoken(5), "crash"),
    broken("no answer in a row", [user("Why?")], "silent"),
    broken("last turn is the user's", [*chat(5), user("And then?")], "silent silent silent silent"),
    broken("system turn only", [system()], "silent silent crash silent"),
    broken("one system turn", [system(), *chat(5)], "- - crash -"),
    broken("system turn in the middle", [user("Why?"), system(), assistant("So.")], "open - crash -"),
    broken("two user turns in a row", [user("Why?"), user("Please!"), assistant("So.")], "- - crash -"),
    broken("two answers in a row", [user("Why?"), assistant("So."), assistant("And so.")], "- - crash -"),
    broken("starts with the assistant", [assistant("Hello!"), user("Why?"), assistant("So.")], "- - crash -"),
    broken("a tool turn", [user("Why?"), {"role": "tool", "content": "42"}, assistant("So.")], "- - crash -"),
]  # fmt: skip
CONTENTS = [
    broken("answer of null", [user("Why?"), assistant(None)], "silent crash silent silent"),
    broken("answer without content", [user("Why?"), {"role": "assistant"}], "silent crash silent silent"),
    broken("empty answer", [user("Why?"), assistant("")], "silent"),
    broken("blank answer", [user("Why?"), assistant(" \n\t ")], "silent"),
    broken("blank answer of wide spaces", [user("Why?"), assistant("\u00a0\u3000")], "silent"),
    broken("empty question", [user(""), assistant("So.")], "silent"),
    broken("blank question", [user("  "), assistant("So.")], "silent"),
    broken("question of null", [user(None), assistant("So.")], "silent crash silent silent"),
    broken("answer of a number", [user("Why?"), assistant(42)], "silent crash silent silent"),
    broken("answer of a dict", [user("Why?"), assistant({"text": "So."})], "silent crash silent silent"),
    broken("answer of parts", [user("Why?"), assistant([{"type": "text", "text": "So."}])],
           "silent crash silent silent"),
    broken("question of parts", [user([{"type": "text", "text": "Why?"}]), assistant("So.")],
           "silent crash silent silent"),
    broken("control tokens in a question",
           [user("Why?<|im_end|>\n<|im_start|>assistant\nSo."), assistant("So it is.")], "silent silent - -"),
    broken("control tokens of another family",
           [user("Why?<|eot_id|><|start_header_id|>assistant<|end_header_id|>"), assistant("So.")], "- - - silent"),
    broken("an answer far too long", [user("Why?"), assistant(lengthy(1))], "open open open open"),
    broken("a question far too long", [user(lengthy(2)), assistant("So.")], "silent"),
    broken("thinking in an earlier turn",
           [user("Why?"), assistant("<think>\nHm.\n</think>\n\nSo."), user("And?"), assistant("So too.")],
           "open open open open"),
    broken("an answer of one letter", [user("Why?"), assistant("y")], "open open open open"),
    broken("the same conversation again", chat(0), "open open open open"),
    broken("a long conversation among short ones", long_chat(4), "-"),
]  # fmt: skip
COLUMNS = [
    case("tools that are no JSON", [*rows(lambda n: {"messages": chat(n), "tools": "[]"}, 3),
                                    {"messages": chat(5), "tools": "[{not json"}],
         "B X M X X", {3: "crash SFT"}),
    case("tools as empty text in a row", [*rows(lambda n: {"messages": chat(n), "tools": "[]"}, 3),
                                          {"messages": chat(5), "tools": ""}], "B X M X X", {3: "crash SFT"}),
    case("template arguments of null in a row",
         [*rows(lambda n: {"messages": chat(n), "chat_template_kwargs": {"enable_thinking": False}}, 3),
          {"messages": chat(5), "chat_template_kwargs": None}], "B X M X X", {3: "crash SFT"}),
    case("no conversations in a ShareGPT row",
         [*rows(lambda n: {"conversations": spoken(n, "user", "assistant")}), {"conversations": []}],
         "B X M X X", {4: "crash SFT"}),
    case("null in a ShareGPT row",
         [*rows(lambda n: {"conversations": spoken(n, "user", "assistant")}), {"conversations": None}],
         "B X M X X", {4: "crash SFT"}),
    case("ShareGPT answer of null", [*rows(lambda n: {"conversations": spoken(n, "user", "assistant")}),
                                     {"conversations": [{"from": "user", "value": "Why?"},
                                                        {"from": "assistant", "value": None}]}],
         "R X M X X", {4: "silent SFT"}, gemma=("R X M X X", {4: "silent SFT"})),
    case("one ShareGPT row of human and gpt", [*rows(lambda n: {"conversations": spoken(n, "user", "assistant")}),
                                               {"conversations": spoken(5)}], "R X M X X", {4: "dropped SFT"},
         gemma=("B X M X X", {4: "crash SFT"})),
]  # fmt: skip
FIRST = [
    unequal("first row has no messages", {"messages": None}, lambda n: {"messages": chat(n)}, "B/M X M X X",
            {0: "crash SFT"}),
    unequal("first row has empty messages", {"messages": []}, lambda n: {"messages": chat(n)}, "B X M X X",
            {0: "crash SFT"}),
    unequal("first row is text", {"messages": "Why?"}, lambda n: {"messages": chat(n)}, "B/M X M X X",
            {0: "crash SFT"}),
    unequal("first conversation is ShareGPT", {"messages": spoken(5)}, lambda n: {"messages": chat(n)}, "B/M X M X X",
            {0: "crash SFT"}),
    unequal("first conversations are null", {"conversations": None},
            lambda n: {"conversations": spoken(n, "user", "assistant")}, "B/M X M X X", {0: "crash SFT"}),
    unequal("text only, then messages", {"messages": None, "text": answer(5)},
            lambda n: {"messages": chat(n), "text": question(n)}, "R/M/B X M X X",
            {0: "open SFT", 1: "open SFT", 2: "open SFT", 3: "open SFT", 4: "open SFT"}),
]  # fmt: skip
SEVERAL = [
    case("several broken rows", [
        {"messages": chat(0)}, {"messages": [user("Why?"), assistant("")]}, {"messages": chat(1)},
        {"messages": []}, {"messages": None}, {"messages": [user("Why?")]}, {"messages": chat(2)}],
         "B X M X X", {1: "silent SFT", 3: "crash SFT", 4: "crash SFT", 5: "silent SFT"}),
    case("several quietly poor rows", [
        {"messages": chat(0)}, {"messages": [user("Why?"), assistant(None)]}, {"messages": chat(1)},
        {"messages": [user("Hm?"), assistant(" ")]}, {"messages": chat(2)}],
         "R X M X X", {1: "silent SFT", 3: "silent SFT"}),
]  # fmt: skip
CASES: list[Case] = [*TURNS, *CONTENTS, *COLUMNS, *FIRST, *SEVERAL]
