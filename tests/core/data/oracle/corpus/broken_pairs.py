"""Completions, texts, pairs, labels and prompts of which one row is broken, each in its own way."""

from __future__ import annotations

from typing import Any

from tests.core.data.oracle.case import Case, case
from tests.core.data.oracle.corpus.words import (
    answer,
    assistant,
    chat,
    lengthy,
    poor,
    poor_chat,
    question,
    rows,
    system,
    user,
)

BAD = 2


def among(make: Any, row: dict[str, Any]) -> list[dict[str, Any]]:
    """Four good rows and, in the middle, this one."""
    good = rows(make)
    return [*good[:BAD], row, *good[BAD:]]


def _completion(n: int) -> dict[str, Any]:
    return {"prompt": question(n), "completion": f" {answer(n)}"}


def _said(n: int) -> dict[str, Any]:
    return {"prompt": [user(question(n))], "completion": [assistant(answer(n))]}


def _pair(n: int) -> dict[str, Any]:
    return {"prompt": question(n), "chosen": f" {answer(n)}", "rejected": f" {poor(n)}"}


def _said_pair(n: int) -> dict[str, Any]:
    return {"prompt": [user(question(n))], "chosen": [assistant(answer(n))], "rejected": [assistant(poor(n))]}


def _implicit(n: int) -> dict[str, Any]:
    return {"chosen": chat(n), "rejected": poor_chat(n)}


def _implicit_text(n: int) -> dict[str, Any]:
    return {"chosen": f"Q: {question(n)} A: {answer(n)}", "rejected": f"Q: {question(n)} A: {poor(n)}"}


def _judged(n: int) -> dict[str, Any]:
    return {"prompt": question(n), "completion": f" {answer(n) if n % 2 else poor(n)}", "label": n % 2 == 1}


def _bad(name: str, make: Any, row: dict[str, Any], verdicts: str, effects: str = "", **more: Any) -> Case:
    return case(name, among(make, row), verdicts, {BAD: effects} if effects else None, **more)


COMPLETIONS = [
    _bad("completion of null", _completion, {"prompt": "Why?", "completion": None}, "B X R X X", "crash SFT"),
    _bad("empty completion", _completion, {"prompt": "Why?", "completion": ""}, "R X R X X", "silent SFT"),
    _bad("blank completion", _completion, {"prompt": "Why?", "completion": "  \n"}, "R X R X X", "silent SFT"),
    _bad("completion of a number", _completion, {"prompt": "What?", "completion": 42}, "B X R X X", "crash SFT"),
    _bad("completion of a list", _completion, {"prompt": "What?", "completion": ["So."]}, "B X R X X", "crash SFT"),
    _bad("completion as messages in one row", _completion, {"prompt": "Why?", "completion": [assistant("So.")]},
         "B X R X X", "crash SFT"),
    _bad("prompt of null", _completion, {"prompt": None, "completion": " So."}, "B X B X X", "crash SFT GRPO"),
    _bad("empty prompt", _completion, {"prompt": "", "completion": " So."}, "R X B X X", "open SFT; crash GRPO"),
    _bad("blank prompt", _completion, {"prompt": "   ", "completion": " So."}, "R X R X X", "open SFT GRPO"),
    _bad("prompt of a number", _completion, {"prompt": 42, "completion": " So."}, "B X B X X", "crash SFT GRPO"),
    _bad("prompt far too long", _completion, {"prompt": lengthy(3), "completion": " So."}, "R X R X X",
         "dropped SFT; open GRPO"),
    _bad("prompt and completion as messages in one row", _completion, _said(5), "R/B X B X X", "open SFT; crash GRPO"),
    _bad("said completion of null", _said, {"prompt": [user("Why?")], "completion": None}, "B X R X X", "crash SFT"),
    _bad("said completion without turns", _said, {"prompt": [user("Why?")], "completion": []}, "B X R X X",
         "crash SFT", hashed=True),
    _bad("said completion with null content", _said, {"prompt": [user("Why?")], "completion": [assistant(None)]},
         "R X R X X", "silent SFT", qwen2_5=("B X R X X", {BAD: "crash SFT"})),
    _bad("said completion, empty", _said, {"prompt": [user("Why?")], "completion": [assistant("")]},
         "R X R X X", "silent SFT", llama3=("R X R X X", {BAD: "silent SFT"})),
    _bad("said completion of the user", _said, {"prompt": [user("Why?")], "completion": [user("So?")]},
         "R X R X X", "silent SFT", gemma=("B X R X X", {BAD: "crash SFT"})),
    _bad("said prompt without turns", _said, {"prompt": [], "completion": [assistant("So.")]}, "B X B X X",
         "crash SFT GRPO", hashed=True),
    _bad("said prompt of null", _said, {"prompt": None, "completion": [assistant("So.")]}, "B X B X X",
         "crash SFT GRPO", hashed=True),
    _bad("said prompt that ends with an answer", _said, {"prompt": chat(5), "completion": [assistant("So.")]},
         "R X R X X", "open SFT GRPO", gemma=("B X R X X", {BAD: "crash SFT; open GRPO"})),
    _bad("said prompt with a system turn", _said,
         {"prompt": [system(), user("Why?")], "completion": [assistant("So.")]},
         "R X R X X", gemma=("B X B X X", {BAD: "crash SFT GRPO"})),
    _bad("said prompt far too long", _said, {"prompt": [user(lengthy(4))], "completion": [assistant("So.")]},
         "R X R X X", "dropped SFT; open GRPO"),
    _bad("text prompt in one row", _said, {"prompt": "Why?", "completion": " So."}, "R/B X B X X",
         "open SFT; crash GRPO"),
    case("first prompt of null", [{"prompt": None, "completion": " So."}, *rows(_completion)], "B X B X X",
         {0: "crash SFT GRPO"}),
    case("first completion of null", [{"prompt": "Why?", "completion": None}, *rows(_completion)], "B X R X X",
         {0: "crash SFT"}),
    _bad("same completion again", _completion, _completion(0), "R X R X X", "open SFT GRPO"),
]  # fmt: skip
TEXTS = [
    _bad("text of null", lambda n: {"text": answer(n)}, {"text": None}, "B X M/X X X", "crash SFT"),
    _bad("empty text", lambda n: {"text": answer(n)}, {"text": ""}, "R X M/X X X", "silent SFT"),
    _bad("blank text", lambda n: {"text": answer(n)}, {"text": " \n "}, "R X M/X X X", "silent SFT"),
    _bad("text of a number", lambda n: {"text": answer(n)}, {"text": 5}, "B X M/X X X", "crash SFT"),
    _bad("text of a list", lambda n: {"text": answer(n)}, {"text": ["a", "b"]}, "B X M/X X X", "crash SFT"),
    _bad("text as messages in one row", lambda n: {"text": answer(n)}, {"text": chat(1)}, "B X M/X X X", "crash SFT"),
    _bad("text far too long", lambda n: {"text": answer(n)}, {"text": lengthy(5)}, "R X M/X X X", "open SFT"),
    _bad("text that already ends", lambda n: {"text": answer(n)}, {"text": "So.<|im_end|>"}, "R X M/X X X", "open SFT"),
    case("first text of null", [{"text": None}, *rows(lambda n: {"text": answer(n)})], "B X M/X X X", {0: "crash SFT"}),
    _bad("all masked labels", lambda n: {"input_ids": [65 + n, 66], "labels": [-100, 66]},
         {"input_ids": [65, 66], "labels": [-100, -100]}, "R X X X X", "dropped SFT"),
]  # fmt: skip
PAIRS = [
    _bad("chosen of null", _pair, {"prompt": "Why?", "chosen": None, "rejected": " No."}, "M B R B B",
         "crash DPO KTO Reward"),
    _bad("rejected of null", _pair, {"prompt": "Why?", "chosen": " So.", "rejected": None}, "M B R B B",
         "crash DPO KTO Reward"),
    _bad("pair whose prompt is null", _pair, {"prompt": None, "chosen": " So.", "rejected": " No."}, "M B B B B",
         "crash DPO GRPO KTO Reward"),
    _bad("pair whose prompt is empty", _pair, {"prompt": "", "chosen": " So.", "rejected": " No."}, "M R B R R",
         "open DPO KTO Reward; crash GRPO"),
    _bad("chosen is rejected", _pair, {"prompt": "Why?", "chosen": " So.", "rejected": " So."}, "M R R R R",
         "silent DPO KTO Reward"),
    _bad("empty chosen", _pair, {"prompt": "Why?", "chosen": "", "rejected": " No."}, "M R R R R",
         "silent DPO KTO Reward"),
    _bad("empty rejected", _pair, {"prompt": "Why?", "chosen": " So.", "rejected": ""}, "M R R R R",
         "silent DPO KTO Reward"),
    _bad("blank chosen", _pair, {"prompt": "Why?", "chosen": "   ", "rejected": " No."}, "M R R R R",
         "silent DPO KTO Reward"),
    _bad("chosen of a number", _pair, {"prompt": "What?", "chosen": 42, "rejected": " No."}, "M B R B B",
         "crash DPO KTO Reward"),
    _bad("pair with a prompt far too long", _pair, {"prompt": lengthy(6), "chosen": " So.", "rejected": " No."},
         "M R R R R", "dropped DPO KTO Reward; open GRPO"),
    _bad("pair with an answer far too long", _pair, {"prompt": "Why?", "chosen": lengthy(7), "rejected": " No."},
         "M R R R R", "open DPO KTO; dropped Reward"),
    _bad("pair equal but for its end", _pair, {"prompt": "Why?", "chosen": f"{lengthy(8)} So.",
                                               "rejected": f"{lengthy(8)} No."},
         "M R R R R", "silent DPO; open KTO; dropped Reward"),
    _bad("pair as messages in one row", _pair, _said_pair(5), "M R/B B R/B R/B", "open DPO KTO Reward; crash GRPO"),
    _bad("answers as messages in one row", _pair, _said_pair(5) | {"prompt": "Why?"}, "M B R B B",
         "crash DPO KTO Reward", hashed=True),
    _bad("said chosen is rejected", _said_pair, {"prompt": [user("Why?")], "chosen": [assistant("So.")],
                                                 "rejected": [assistant("So.")]}, "M R R R R", "silent DPO KTO Reward"),
    _bad("said chosen without turns", _said_pair, {"prompt": [user("Why?")], "chosen": [],
                                                   "rejected": [assistant("No.")]}, "M B R B R",
         "crash DPO KTO; silent Reward", hashed=True),
    _bad("said chosen with null content", _said_pair, {"prompt": [user("Why?")], "chosen": [assistant(None)],
                                                       "rejected": [assistant("No.")]}, "M R R R R",
         "silent DPO KTO Reward", qwen2_5=("M B R B B", {BAD: "crash DPO KTO Reward"})),
    _bad("said chosen, empty", _said_pair, {"prompt": [user("Why?")], "chosen": [assistant("")],
                                            "rejected": [assistant("No.")]}, "M R R R R", "silent DPO KTO Reward"),
    _bad("said pair with a system turn", _said_pair, {"prompt": [system(), user("Why?")], "chosen": [assistant("So.")],
                                                      "rejected": [assistant("No.")]}, "M R R R R",
         gemma=("M B B B B", {BAD: "crash DPO GRPO KTO Reward"})),
    _bad("said pair whose prompt has no turns", _said_pair, {"prompt": [], "chosen": [assistant("So.")],
                                                             "rejected": [assistant("No.")]}, "M B B B B",
         "crash DPO GRPO KTO Reward", hashed=True),
    case("first chosen of null", [{"prompt": "Why?", "chosen": None, "rejected": " No."}, *rows(_pair)], "M B R B B",
         {0: "crash DPO KTO Reward"}),
    _bad("margin of null", lambda n: _pair(n) | {"margin": 1.0}, _pair(5) | {"margin": None}, "M R R R B",
         "crash Reward"),
]  # fmt: skip
IMPLICIT = [
    _bad("implicit pair without turns", _implicit, {"chosen": [], "rejected": []}, "M B M B B",
         "crash DPO KTO Reward"),
    _bad("implicit pair whose chosen has no turns", _implicit, {"chosen": [], "rejected": poor_chat(5)}, "M B M B B",
         "crash DPO KTO Reward", hashed=True),
    _bad("implicit pair of null", _implicit, {"chosen": None, "rejected": poor_chat(5)}, "M B M B B",
         "crash DPO KTO Reward"),
    _bad("implicit pair of other questions", _implicit, {"chosen": chat(5), "rejected": poor_chat(6)}, "M B M B R",
         "crash DPO KTO; open Reward", hashed=True),
    _bad("implicit pair of answers alone", _implicit, {"chosen": [assistant("So.")], "rejected": [assistant("No.")]},
         "M B M B R", "crash DPO KTO; open Reward", hashed=True),
    _bad("implicit pair, chosen is rejected", _implicit, {"chosen": chat(5), "rejected": chat(5)}, "M R M R R",
         "silent DPO KTO Reward"),
    _bad("implicit pair, chosen ends with the user", _implicit, {"chosen": [user("Why?"), user("So?")],
                                                                 "rejected": [user("Why?"), assistant("No.")]},
         "M R M R R", "silent DPO KTO Reward"),
    _bad("implicit text without a shared start", _implicit_text, {"chosen": "So.", "rejected": "No."}, "M R X/M R R",
         "silent DPO KTO; open Reward"),
    _bad("implicit text without a shared start, blank end", _implicit_text, {"chosen": "So. ", "rejected": "No. "},
         "M R X/M R R", "silent DPO KTO; open Reward"),
    _bad("implicit text, chosen is rejected", _implicit_text,
         {"chosen": "Q: Why? A: So.", "rejected": "Q: Why? A: So."},
         "M R X/M R R", "silent DPO KTO Reward"),
    _bad("implicit text, empty", _implicit_text, {"chosen": "", "rejected": ""}, "M B X/M B R",
         "crash DPO KTO; silent Reward"),
    _bad("implicit text of null", _implicit_text, {"chosen": None, "rejected": "Q: Why? A: No."}, "M B X/M B B",
         "crash DPO KTO Reward"),
]  # fmt: skip
LABELS = [
    _bad("label of null", _judged, {"prompt": "Why?", "completion": " So.", "label": None}, "R/M X R B X", "crash KTO"),
    _bad("label of text", _judged, {"prompt": "Why?", "completion": " So.", "label": "good"}, "R/M X R B X",
         "crash KTO"),
    _bad("label of a rating", lambda n: _judged(n) | {"label": n % 2},
         {"prompt": "Why?", "completion": " So.", "label": 5},
         "R/M X R R X", "silent KTO"),
    _bad("judged completion, empty", _judged, {"prompt": "Why?", "completion": "", "label": True}, "R/M X R R X",
         "silent SFT KTO"),
    _bad("judged completion of null", _judged, {"prompt": "Why?", "completion": None, "label": True}, "B/M X R B X",
         "crash SFT KTO"),
    _bad("judged prompt far too long", _judged, {"prompt": lengthy(9), "completion": " So.", "label": True},
         "R/M X R R X", "dropped SFT KTO; open GRPO"),
    _bad("the same answer, judged both ways", _judged, _judged(1) | {"label": False}, "R/M X R R X",
         "open SFT KTO GRPO"),
]  # fmt: skip
PROMPTS = [
    _bad("empty prompt among prompts", lambda n: {"prompt": question(n)}, {"prompt": ""}, "X X B X X", "crash GRPO"),
    _bad("blank prompt among prompts", lambda n: {"prompt": question(n)}, {"prompt": "  "}, "X X R X X", "open GRPO"),
    _bad("null among prompts", lambda n: {"prompt": question(n)}, {"prompt": None}, "X X B X X", "crash GRPO"),
    _bad("number among prompts", lambda n: {"prompt": question(n)}, {"prompt": 7}, "X X B X X", "crash GRPO"),
    _bad("messages among text prompts", lambda n: {"prompt": question(n)}, {"prompt": [user("Why?")]}, "X X B X X",
         "crash GRPO"),
    _bad("text among prompts of messages", lambda n: {"prompt": [user(question(n))]}, {"prompt": "Why?"}, "X X B X X",
         "crash GRPO"),
    _bad("no turns among prompts", lambda n: {"prompt": [user(question(n))]}, {"prompt": []}, "X X B X X",
         "crash GRPO"),
    _bad("prompt ends with an answer", lambda n: {"prompt": [user(question(n))]}, {"prompt": chat(5)}, "X X R X X",
         "open GRPO"),
    _bad("prompt of an unknown role", lambda n: {"prompt": [user(question(n))]},
         {"prompt": [{"role": "human", "content": "Why?"}]}, "X X R X X", "silent GRPO",
         gemma=("X X B X X", {BAD: "crash GRPO"})),
    _bad("system turn among prompts", lambda n: {"prompt": [user(question(n))]}, {"prompt": [system(), user("Why?")]},
         "X X R X X", gemma=("X X B X X", {BAD: "crash GRPO"}), llama3=("X X R X X", {})),
    _bad("prompt with null content", lambda n: {"prompt": [user(question(n))]}, {"prompt": [user(None)]}, "X X R X X",
         "silent GRPO", qwen2_5=("X X B X X", {BAD: "crash GRPO"})),
    _bad("prompt with empty content", lambda n: {"prompt": [user(question(n))]}, {"prompt": [user("")]}, "X X R X X",
         "silent GRPO"),
    _bad("answer of null beside a prompt", lambda n: {"prompt": question(n), "answer": str(n)},
         {"prompt": "What?", "answer": None}, "M X R X X", "open GRPO"),
]  # fmt: skip
CASES: list[Case] = [*COMPLETIONS, *TEXTS, *PAIRS, *IMPLICIT, *LABELS, *PROMPTS]
