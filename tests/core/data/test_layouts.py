"""Random layouts: what is READY or mapped, the trainer takes, and it learns the answers and reads the questions."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import hfft_widgets as hfft
from tests.core.data.oracle.asking import quiet
from tests.core.data.oracle.trainers import as_dataset, train

pytest.importorskip("torch")

ASKS = ("instruction", "question", "prompt", "query", "problem", "Input", "user_message")
TELLS = ("output", "answer", "completion", "response", "solution", "Reply", "target")
CHATS = ("messages", "conversation", "chat", "conversations", "dialogue")
GOOD, POOR = ("chosen", "good_answer", "preferred", "winning"), ("rejected", "bad_answer", "dispreferred", "losing")
WRAPS = ("plain", "record", "two records", "JSON", "lists", "more columns", "cells as text")


def wrapped(wrap: str, draw: random.Random) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """What makes a row of the words' columns."""
    name, write = draw.choice(["data", "sample", "x"]), draw.choice([json.dumps, repr])
    made: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
        "plain": lambda row: row,
        "record": lambda row: {name: row, "id": 3},
        "two records": lambda row: {"a": {"b": row}},
        "JSON": lambda row: {name: json.dumps(row)},
        "lists": lambda row: {k: [v] if isinstance(v, str) else v for k, v in row.items()},
        "more columns": lambda row: {"id": "a-7", "source": "web", **row, "level": 3, "url": "http://x.y/z"},
        "cells as text": lambda row: {k: v if isinstance(v, str) else write(v) for k, v in row.items()},
    }
    return made[wrap]


def qa(draw: random.Random) -> Callable[[str, str, str], dict[str, Any]]:
    ask, tell = draw.choice(ASKS), draw.choice(TELLS)
    return lambda q, a, _: {ask: q, tell: a}


def chat(draw: random.Random) -> Callable[[str, str, str], dict[str, Any]]:
    name, keys = draw.choice(CHATS), draw.choice([("role", "content"), ("from", "value"), ("speaker", "text")])
    roles = draw.choice([("user", "assistant"), ("human", "gpt"), ("customer", "agent")])
    return lambda q, a, _: {name: [dict(zip(keys, pair, strict=True)) for pair in zip(roles, (q, a), strict=True)]}


def parts(draw: random.Random) -> Callable[[str, str, str], dict[str, Any]]:
    name = draw.choice(CHATS[:3])
    return lambda q, a, _: {
        name: [{"role": r, "content": [{"type": "text", "text": t}]} for r, t in (("user", q), ("assistant", a))]
    }


def pairs(draw: random.Random) -> Callable[[str, str, str], dict[str, Any]]:
    ask, place = draw.choice(ASKS), draw.randrange(4)
    return lambda q, a, b: {ask: q, GOOD[place]: a, POOR[place]: b}


def scored(draw: random.Random) -> Callable[[str, str, str], dict[str, Any]]:
    ask, (one, two) = draw.choice(ASKS), draw.choice([("a", "b"), ("1", "2")])
    score, best, worst = draw.choice([("score", 9, 2), ("rank", 1, 2), ("rating", 5, 1)])
    turned = draw.random() < 0.5
    x, y = (two, one) if turned else (one, two)
    return lambda q, a, b: {
        ask: q, f"response_{x}": a, f"response_{y}": b, f"{score}_{x}": best, f"{score}_{y}": worst
    }  # fmt: skip


def listed(draw: random.Random) -> Callable[[str, str, str], dict[str, Any]]:
    ask, (score, best, worst) = draw.choice(ASKS), draw.choice([("score", 0.9, 0.1), ("rank", 0, 1)])
    name = draw.choice(["answers", "completions", "responses"])
    return lambda q, a, b: {ask: q, name: [{"text": b, score: worst}, {"text": a, score: best}]}


KINDS: dict[str, tuple[Any, str]] = {
    "qa": (qa, "SFT"), "chat": (chat, "SFT"), "parts": (parts, "SFT"), "pairs": (pairs, "DPO"),
    "scored": (scored, "DPO"), "listed": (listed, "DPO"),
}  # fmt: skip


def layout(seed: int) -> tuple[str, list[dict[str, Any]], list[tuple[str, str, str]], str]:
    """Words, rows, the texts in them, and the method that they are for."""
    draw = random.Random(seed)
    kind, wrap = draw.choice(list(KINDS)), draw.choice(WRAPS)
    make, method = KINDS[kind]
    made, around = make(draw), wrapped(wrap, draw)
    texts = [(f"How far is town {n}?", f"It is {n} miles to it.", f"Nobody knows that of {n}.") for n in range(6)]
    return f"{seed}: {kind} in {wrap}", [around(made(*text)) for text in texts], texts, method


def wrong(seed: int, models: Path, *, trained: bool) -> str:
    """What is not as it should be, in words; "": all is."""
    words, rows, texts, method = layout(seed)
    with quiet():
        report = hfft.validate(rows, model=str(models / "qwen3"))
    verdict = report.verdicts[method]
    if verdict.status not in {"READY", "NEEDS MAPPING"}:
        return f"{words}: {verdict.status}, {verdict.reason} {rows[0]}"
    for number, (question, answer, other) in enumerate(texts):
        read = {passage.name: passage for passage in report.reading(method, number).passages}
        good = read.get("chosen") or next(iter(read.values()))
        fine = question in good.text and answer in good.learned and other not in good.learned
        if not fine or ("rejected" in read and other not in read["rejected"].learned):
            return f"{words}: {verdict.mapping and verdict.mapping.words} {read}"
    if trained:
        report = report.with_mapping(method, verdict.mapping) if verdict.mapping else report
        scope = {"dataset": as_dataset(rows)}
        with quiet():
            exec(report.code(method), scope)
            refusal = train(method, scope["dataset"], "qwen3", models).raised
        return f"{words}: {refusal}" if refusal else ""
    return ""


MANY, PART = 1000, 50


@pytest.mark.parametrize(
    ("seeds", "trained"),
    [
        pytest.param(range(50), False, marks=pytest.mark.ci, id="few"),
        *(
            pytest.param(range(at, at + PART), True, marks=pytest.mark.full, id=f"trained, {at}-{at + PART}")
            for at in range(0, MANY, PART)
        ),
    ],
)
def test_the_right_words_are_learned_whatever_the_layout(seeds: range, trained: bool, models: Path) -> None:
    found = [words for seed in seeds if (words := wrong(seed, models, trained=trained))]
    assert found == []
