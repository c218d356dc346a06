"""What chat services export, other names of speakers, and other ways to say which answer is the better one.

A line is as in `mine`.
"""

from __future__ import annotations

import json
from typing import Any

from tests.core.data.cases.mine import BAD, BETTER, GRPO, SFT, A, Q, Row, case, chat


def _spoken(asks: str, answers: str) -> Any:
    return lambda n: {"turns": [{"speaker": asks, "text": Q[n]}, {"speaker": answers, "text": A[n]}]}


def _node(name: str, role: str | None, text: str, parent: str | None, *children: str) -> Row:
    content = {"content_type": "text", "parts": [text]}
    said = {"id": name, "author": {"role": role, "name": None}, "content": content} if role else None
    return {name: {"id": name, "message": said, "parent": parent, "children": list(children)}}


def _exported(n: int) -> Row:
    """A question with two answers: the second one was asked for anew."""
    nodes = [
        _node(f"r{n}", None, "", None, f"s{n}"),
        _node(f"s{n}", "system", "", f"r{n}", f"u{n}"),
        _node(f"u{n}", "user", Q[n], f"s{n}", f"b{n}", f"a{n}"),
        _node(f"b{n}", "assistant", BAD[n], f"u{n}"),
        _node(f"a{n}", "assistant", A[n], f"u{n}"),
    ]
    mapping = {name: node for each in nodes for name, node in each.items()}
    return {"title": "A talk", "mapping": mapping, "current_node": f"a{n}", "conversation_id": f"c{n}"}


def _request(n: int, *turns: Row) -> Row:
    return {"model": "gpt-4o", "messages": [{"role": "system", "content": "Be brief."}, *turns], "max_tokens": 9}


def _response(n: int) -> Row:
    message = {"role": "assistant", "content": A[n], "refusal": None}
    choices = [{"index": 0, "message": message, "finish_reason": "stop"}]
    return {"status_code": 200, "body": {"id": f"r{n}", "choices": choices, "usage": {"total_tokens": 9}}}


def _of_two(names: tuple[str, str]) -> Any:
    return lambda n: {"question": Q[n], names[1]: BAD[n], names[0]: A[n]}


OPPOSITES = [
    ("answer_high", "answer_low"), ("good", "bad"), ("winner", "loser"), ("strong", "weak"),
    ("response_w", "response_l"), ("helpful_response", "unhelpful_response"),
    ("correctAnswer", "incorrectAnswer"), ("output_pos", "output_neg"),
]  # fmt: skip

EXPORTED = [
    case("speakers of capitals", _spoken("USER", "ASSISTANT"), "M X M X X", SFT),
    case("the system answers", _spoken("USER", "SYSTEM"), "M X M X X", SFT, GRPO),
    case("the system asks for brevity",
         lambda n: {"messages": [{"role": "SYSTEM", "content": "Be brief."}, *chat(n)]}, "M X . X X",
         ("SFT", 0, "", ("system\nBe brief.", Q[0], A[0]), ())),
    case("a system turn before questions",
         lambda n: {"messages": [{"role": "system", "content": "Be brief."}, chat(n)[0]]}, "X X M X X",
         ("GRPO", 0, "", ("system\nBe brief.", Q[0]), ())),
    case("an export of ChatGPT", _exported, "M X M X X", ("SFT", 0, "", (Q[0], A[0]), (BAD[0],))),
    case("a batch of requests", lambda n: {"custom_id": f"q{n}", "body": _request(n, chat(n)[0])}, "X X M X X",
         ("GRPO", 0, "", ("Be brief.", Q[0]), ())),
    case("a batch with its answers",
         lambda n: {"custom_id": f"q{n}", "body": _request(n, chat(n)[0]), "response": _response(n), "error": None},
         "M X . X X", ("SFT", 0, "", ("Be brief.", Q[0], A[0]), ())),
    case("a log of calls",
         lambda n: {"request": {"messages": chat(n)[:1]}, "response": {"choices": [{"message": chat(n)[1]}]}},
         "M X . X X", SFT),
    case("scores as text", lambda n: {"prompt": Q[n], "completions": [BAD[n], A[n]], "scores": "[3, 5]"}, ". M . . M",
         *BETTER),
    case("answers and ratings as text",
         lambda n: {"question": Q[n], "responses": json.dumps([BAD[n], A[n]]), "ratings": '["3", "5"]'}, ". M . . M",
         *BETTER),
    case("scores as texts in a list", lambda n: {"prompt": Q[n], "answers": [BAD[n], A[n]], "scores": ["3", "5"]},
         ". M . . M", *BETTER),
    case("the text of the better one of a list",
         lambda n: {"question": Q[n], "answers": [BAD[n], A[n]], "best_answer": A[n]}, "M M . . M", *BETTER),
    case("the text of the better one of two",
         lambda n: {"question": Q[n], "response_a": (A, BAD)[n % 2][n], "response_b": (BAD, A)[n % 2][n],
                    "preferred_response": f"{A[n]} "}, "M M . . M",
         *BETTER, ("DPO", 1, "chosen", (A[1],), (BAD[1],))),
    *(case(f"{one} and {other}", _of_two((one, other)), "M M . . M", *BETTER) for one, other in OPPOSITES),
]  # fmt: skip
