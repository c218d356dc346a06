"""Datasets as people publish them: columns of other names and forms, and rows that no trainer takes.

Every case says by hand what shall become of it, so that a report, a mapping and a script can be held against it.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from itertools import chain
from typing import Any

Row = dict[str, Any]
GOOD = 24


@dataclass(frozen=True)
class Case:
    """One dataset for one method.

    Attributes:
        name: What it is.
        method: One of METHODS.
        peft: "lora" or "none".
        good: Makes row number n, all `GOOD` of which are trained on.
        first: What the trainer shall get of the good row 0.
        odd: Rows that come after them and are to be left out.
        kept: Odd rows that stay, and what the trainer shall get of them.
        rules: The fixes that the report shall offer for the odd rows.
        mapped: Whether the columns need a mapping.
        trained: Rows that the trainer makes of one.
        template: Chat template of the model, "" for its own.
    """

    name: str
    method: str
    peft: str
    good: Callable[[int], Row]
    first: Row
    odd: tuple[Row, ...] = ()
    kept: tuple[tuple[Row, Row], ...] = ()
    rules: frozenset[str] = frozenset()
    mapped: bool = True
    trained: int = 1
    template: str = ""

    @property
    def rows(self) -> list[Row]:
        """All of its rows; the odd ones do not come first, as the first row decides the path of a trainer."""
        return [*map(self.good, range(GOOD)), *(row for row, _ in self.kept), *self.odd]

    @property
    def left(self) -> int:
        """Rows after mapping and fixes."""
        return GOOD + len(self.kept)


def asks(n: int) -> str:
    """A question."""
    return f"What comes after {n}?"


def user(text: str | None) -> list[Row]:
    """A conversation of one question."""
    return [{"role": "user", "content": text}]


def answer(text: str | None) -> list[Row]:
    """A conversation of one answer."""
    return [{"role": "assistant", "content": text}]


def chat(n: int, step: int = 1) -> list[Row]:
    """A question and its answer."""
    return user(asks(n)) + answer(str(n + step))


def _sharegpt(n: int) -> Row:
    says = (("system", "Count."), ("human", asks(n)), ("gpt", str(n + 1)), ("human", "Sure?"), ("gpt", "Yes."))
    return {"id": f"row {n}", "conversations": [{"from": who, "value": text} for who, text in says]}


def _alpaca(n: int, more: str | None = "") -> Row:
    return {"instruction": asks(n), "input": more, "output": str(n + 1)}


# As Gemma's: a system turn is an error.
NO_SYSTEM = (
    "{{ bos_token }}{% for message in messages %}"
    "{% if message['role'] == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}"
    "{{ '<|im_start|>' + message['role'] + '\n' }}{% if message['role'] == 'assistant' %}"
    "{% generation %}{{ message['content'] + '<|im_end|>' }}{% endgeneration %}"
    "{% else %}{{ message['content'] + '<|im_end|>' }}{% endif %}{{ '\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
UNMARKED = NO_SYSTEM.replace("{% generation %}", "").replace("{% endgeneration %}", "")
SYSTEM = [{"role": "system", "content": "Count."}]
BROKEN_CHATS: tuple[Row, ...] = (
    {"messages": None},
    {"messages": []},
    {"messages": user(asks(1)) + answer(None)},
    {"messages": user(asks(2)) + answer("  ")},
    {"messages": user(asks(3))},
    {"messages": [{"role": "narrator", "content": "Once"}, *answer("upon a time")]},
)

_SFT = (
    Case(
        "turns as ShareGPT writes them", "SFT", "none", _sharegpt,
        {"id": "row 0", "messages": SYSTEM + chat(0) + user("Sure?") + answer("Yes.")},
    ),
    Case(
        "instruction, input and output", "SFT", "lora", _alpaca,
        {"prompt": user(asks(0)), "completion": answer("1")},
        kept=(
            (_alpaca(30, "By 1."), {"prompt": user(f"{asks(30)}\n\nBy 1."), "completion": answer("31")}),
            (_alpaca(31, None), {"prompt": user(asks(31)), "completion": answer("32")}),
        ),
        odd=({**_alpaca(32), "output": None}, {**_alpaca(33), "output": " \n"}),
        rules=frozenset({"has_contents"}),
    ),
    Case(
        "turns as JSON text", "SFT", "lora", lambda n: {"messages": json.dumps(chat(n)), "source": "made"},
        {"messages": chat(0), "source": "made"},
        odd=({"messages": None, "source": None}, {"messages": "[]", "source": "made"}),
        rules=frozenset({"is_conversation"}),
    ),
    Case(
        "broken conversations", "SFT", "none", lambda n: {"messages": chat(n)}, {"messages": chat(0)},
        odd=BROKEN_CHATS,
        rules=frozenset({"is_conversation", "has_contents", "ends_with_answer", "has_roles"}),
        mapped=False,
    ),
    Case(
        "roles of other names", "SFT", "lora",
        lambda n: {"messages": chat(n)}, {"messages": chat(0)},
        kept=(({"messages": [{"role": "human", "content": asks(9)}, *answer("10")]}, {"messages": chat(9)}),),
        rules=frozenset({"rename_roles"}),
        mapped=False,
    ),
    Case(
        "system turns that the template refuses", "SFT", "lora",
        lambda n: {"messages": SYSTEM + chat(n)}, {"messages": user(f"Count.\n\n{asks(0)}") + answer("1")},
        kept=(({"messages": chat(9)}, {"messages": chat(9)}),),
        rules=frozenset({"merge_system"}),
        mapped=False,
        template=NO_SYSTEM,
    ),
    Case(
        "conversations of a template that marks no answers", "SFT", "none",
        lambda n: {"dialog": [asks(n), str(n + 1), "Sure?", "Yes."]},
        {"messages": chat(0) + user("Sure?") + answer("Yes.")},
        odd=({"dialog": None}, {"dialog": []}),
        rules=frozenset({"is_conversation"}),
        template=UNMARKED,
    ),
    Case(
        "repeated rows and answers that say nothing", "SFT", "none",
        lambda n: {"prompt": f"After {n} comes", "completion": f" {n + 1}"},
        {"prompt": "After 0 comes", "completion": " 1"},
        odd=(
            {"prompt": "After 3 comes", "completion": " 4"},
            {"prompt": "After 30 comes", "completion": " N/A"},
            {"prompt": "After 31 comes", "completion": "..."},
        ),
        rules=frozenset({"deduplicate", "says_something"}),
        mapped=False,
    ),
    Case(
        "text, some of it blank", "SFT", "none", lambda n: {"text": f"After {n} comes {n + 1}."},
        {"text": "After 0 comes 1."},
        odd=({"text": None}, {"text": "  "}),
        rules=frozenset({"is_text", "has_text"}),
        mapped=False,
    ),
)  # fmt: skip


def _binarized(n: int) -> Row:
    """As in UltraFeedback: the prompt is text, the answers are whole conversations."""
    scores = {"score_chosen": 8.5, "score_rejected": 2.0}
    return {"prompt": asks(n), "prompt_id": f"{n:x}", "chosen": chat(n), "rejected": chat(n, 7), **scores}


def _rated(n: int) -> Row:
    """As in the raw UltraFeedback: some answers with the marks they got."""
    said = ((n + 7, 2.0), (n + 1, 9.0), (n + 3, 4.5))
    answers = [{"model": "some", "response": str(text), "overall_score": mark} for text, mark in said]
    return {"instruction": asks(n), "completions": answers}


def _dialogue(n: int, step: int = 1) -> str:
    return f"\n\nHuman: {asks(n)}\n\nAssistant: {n + step}"


def _pair(prompt: Any, chosen: Any, rejected: Any) -> Row:
    return {"prompt": prompt, "chosen": chosen, "rejected": rejected}


_DPO = (
    Case(
        "a good and a bad answer", "DPO", "lora",
        lambda n: {"question": asks(n), "good_response": str(n + 1), "bad_response": str(n + 7), "topic": "numbers"},
        {"topic": "numbers", **_pair(user(asks(0)), answer("1"), answer("7"))},
    ),
    Case(
        "two answers, and which one was preferred", "DPO", "none",
        lambda n: {"history": asks(n), "human_ref_A": str(n + (1 if n % 2 else 7)),
                   "human_ref_B": str(n + (7 if n % 2 else 1)), "labels": n % 2},
        _pair(user(asks(0)), answer("1"), answer("7")),
    ),
    Case(
        "answers with marks", "DPO", "lora", _rated, _pair(user(asks(0)), answer("1"), answer("7")),
    ),
    Case(
        "a prompt of text beside conversations", "DPO", "none", _binarized,
        {"prompt_id": "0", "score_chosen": 8.5, "score_rejected": 2.0, "chosen": chat(0), "rejected": chat(0, 7)},
        odd=({**_binarized(30), "rejected": chat(30)}, {**_binarized(31), "rejected": chat(5)}),
        rules=frozenset({"answers_differ", "share_a_start"}),
    ),
    Case(
        "dialogues as text, without a prompt", "DPO", "lora",
        lambda n: {"chosen": _dialogue(n), "rejected": _dialogue(n, 7)},
        {"chosen": _dialogue(0), "rejected": _dialogue(0, 7)},
        odd=(
            {"chosen": _dialogue(30), "rejected": _dialogue(30)},
            {"chosen": _dialogue(31), "rejected": None},
            {"chosen": _dialogue(32), "rejected": _dialogue(32) + " and so on"},
        ),
        rules=frozenset({"answers_differ", "is_text", "leave_out"}),
        mapped=False,
    ),
    Case(
        "pairs of which some are the same", "DPO", "none",
        lambda n: _pair(asks(n), f" {n + 1}", f" {n + 7}"), _pair(asks(0), " 1", " 7"),
        odd=(_pair(asks(30), " 31", " 31"), _pair(None, " 31", " 37"), _pair(asks(32), " 33", None)),
        rules=frozenset({"answers_differ", "is_text"}),
        mapped=False,
    ),
)  # fmt: skip


def _thumb(n: int) -> Row:
    return {"query": asks(n), "response": str(n + (1 if n % 2 else 7)), "thumbs": "up" if n % 2 else "down"}


def _marked(n: int, label: Any) -> Row:
    return {"prompt": asks(n), "completion": f" {n + 1}", "label": label}


_KTO = (
    Case(
        "thumbs up and down", "KTO", "lora", _thumb,
        {"prompt": user(asks(0)), "completion": answer("7"), "label": False},
    ),
    Case(
        "ratings of one to five", "KTO", "none",
        lambda n: {"prompt": user(asks(n)), "response": str(n + 1), "rating": n % 5 + 1},
        {"prompt": user(asks(0)), "completion": answer("1"), "label": False},
        odd=({"prompt": user(asks(30)), "response": "31", "rating": None},),
        rules=frozenset({"leave_out"}),
    ),
    Case(
        "labels of which some are missing", "KTO", "none", lambda n: _marked(n, bool(n % 2)), _marked(0, False),
        odd=(_marked(30, None), {**_marked(31, True), "completion": None}),
        rules=frozenset({"is_label", "is_text"}),
        mapped=False,
    ),
    Case(
        "pairs of other names", "KTO", "lora",
        lambda n: {"question": asks(n), "accepted": str(n + 1), "rejected": str(n + 7)},
        _pair(user(asks(0)), answer("1"), answer("7")),
        odd=({"question": asks(30), "accepted": "31", "rejected": None},),
        rules=frozenset({"has_contents"}),
        trained=2,
    ),
)  # fmt: skip


def _duel(n: int, winner: str | None = None) -> Row:
    first = n % 2 == 0
    said = {"response_a": str(n + (1 if first else 7)), "response_b": str(n + (7 if first else 1))}
    return {"prompt": asks(n), **said, "winner": winner or ("model_a" if first else "model_b")}


_REWARD = (
    Case(
        "two answers and the winner", "Reward", "none", _duel, _pair(asks(0), "1", "7"),
        odd=({**_duel(30), "response_b": "31"}, {**_duel(32), "response_a": None}),
        rules=frozenset({"answers_differ", "is_text"}),
    ),
    Case(
        "pairs with a question", "Reward", "lora",
        lambda n: {"question": asks(n), "answer_good": str(n + 1), "answer_bad": str(n + 7)},
        _pair(user(asks(0)), answer("1"), answer("7")),
    ),
    Case(
        "conversations of which some are the same", "Reward", "lora",
        lambda n: {"chosen": chat(n), "rejected": chat(n, 7)}, {"chosen": chat(0), "rejected": chat(0, 7)},
        odd=(
            {"chosen": chat(30), "rejected": chat(30)},
            {"chosen": chat(31), "rejected": None},
            {"chosen": chat(32), "rejected": user(asks(32))},
        ),
        rules=frozenset({"answers_differ", "is_conversation", "ends_with_answer"}),
        mapped=False,
    ),
)  # fmt: skip

_SAID = "so many letters that any answer has some of them"
_ONLINE = (
    Case(
        "questions and answers as in GSM8K", "GRPO", "lora",
        lambda n: {"question": asks(n), "answer": f"It is {n + 1}.\n#### {_SAID}"},
        {"answer": f"It is 1.\n#### {_SAID}", "prompt": user(asks(0))},
        odd=({"question": None, "answer": "31"},),
        rules=frozenset({"has_contents"}),
    ),
    Case(
        "conversations with the answer at their end", "GRPO", "none",
        lambda n: {"messages": user(asks(n)) + answer(_SAID), "source": "made"},
        {"source": "made", "prompt": user(asks(0)), "answer": _SAID},
        odd=({"messages": None, "source": None}, {"messages": [], "source": "made"}),
        rules=frozenset({"is_conversation"}),
    ),
    Case(
        "problems of which some are missing", "RLOO", "none",
        lambda n: {"prompt": asks(n), "answer": _SAID}, {"prompt": asks(0), "answer": _SAID},
        odd=({"prompt": None, "answer": _SAID},),
        rules=frozenset({"is_text"}),
        mapped=False,
    ),
    Case(
        "problems with a source", "RLOO", "lora",
        lambda n: {"problem": asks(n), "answer": _SAID, "completions": ["old"]},
        {"answer": _SAID, "prompt": user(asks(0))},
        odd=({"problem": "", "answer": _SAID, "completions": []},),
        rules=frozenset({"has_contents"}),
    ),
)  # fmt: skip

CASES: tuple[Case, ...] = tuple(chain[Case](_SFT, _DPO, _KTO, _REWARD, _ONLINE))
