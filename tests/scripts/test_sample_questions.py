"""Held-out questions, whatever form the rows have: a question that cannot be asked is left out and ends no run."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest

import hfft_widgets as hfft
from hfft_widgets.scripts.sample_questions import compare_answers, exact, held_out_questions

ASKED = [{"role": "user", "content": "What comes after 3?"}]
CALLED = {"role": "assistant", "content": None, "tool_calls": [{"function": {"name": "next", "arguments": {}}}]}


def answer(content: Any) -> list[dict[str, Any]]:
    return [{"role": "assistant", "content": content}]


def pairs(*rows: dict[str, Any], count: int = 8) -> list[tuple[Any, str]]:
    from datasets import Dataset

    return held_out_questions(Dataset.from_list(list(rows), on_mixed_types="use_json"), count)


@pytest.mark.parametrize(
    ("row", "pair"),
    [
        ({"messages": ASKED + answer("4")}, (ASKED, "4")),
        ({"prompt": ASKED, "completion": answer("4")}, (ASKED, "4")),
        ({"prompt": ASKED, "chosen": answer("4"), "rejected": answer("5")}, (ASKED, "4")),
        ({"chosen": ASKED + answer("4"), "rejected": ASKED + answer("5")}, (ASKED, "4")),
        ({"prompt": "After 3 comes", "completion": " 4"}, ("After 3 comes", " 4")),
        ({"prompt": ASKED, "answer": "4"}, (ASKED, "4")),
        ({"prompt": ASKED, "answer": "4", "messages": answer("Hello!")}, (ASKED, "4")),
        ({"prompt": ASKED, "answer": 4}, (ASKED, "4")),
        ({"prompt": ASKED, "answer": ["4", "four"]}, (ASKED, "4")),
        ({"messages": ASKED + answer([{"type": "text", "text": "4"}])}, (ASKED, "4")),
    ],
)
def test_a_row_becomes_a_question_and_its_answer(row, pair):
    assert pairs(row) == [pair]


@pytest.mark.parametrize(
    "row",
    [
        {"text": "After 3 comes 4."},
        {"messages": []},
        {"messages": answer("4")},
        {"messages": ASKED},
        {"messages": [*ASKED, CALLED]},
        {"messages": [*ASKED, {"role": "assistant", "tool_calls": CALLED["tool_calls"]}]},
        {"prompt": [], "completion": answer("4")},
        {"prompt": ASKED, "completion": []},
        {"prompt": ASKED, "completion": answer(None)},
        {"prompt": ASKED, "answer": []},
        {"prompt": ASKED, "answer": None},
        {"prompt": ASKED, "answer": ""},
        {"prompt": ASKED, "answer": [["4"], ["four"]]},
        {"prompt": None, "answer": "4"},
        {"prompt": ASKED, "answer": {"value": "4"}},
        {"prompt": ASKED, "tests": ["assert True"]},
        {"chosen": "Human: 3? Assistant: 4", "rejected": "Human: 3? Assistant: 5"},
    ],
)
def test_what_is_no_question_with_an_answer_is_not_asked(row):
    assert pairs(row, {**row}) == []


def test_no_more_than_asked_for():
    rows = [{"prompt": ASKED, "answer": str(n)} for n in range(5)]
    assert [wanted for _, wanted in pairs(*rows, count=2)] == ["0", "1"]
    assert len(pairs(*rows)) == 5
    assert pairs(*rows, count=0) == []


def test_an_exact_answer_is_one_of_the_same_words():
    assert exact([" 4\n", "5"], [(ASKED, "4"), (ASKED, "4")]) == 0.5


SWITCHES = (
    "{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}assistant:"
    "{% if enable_thinking is defined and not enable_thinking %}<think>\n\n</think>{% endif %}"
)
ANSWERED, THOUGHT = [(ASKED, "4")], [(ASKED, "<think>3 + 1</think>4")]


def trainer(**arguments: Any) -> SimpleNamespace:
    """What is asked of a trainer, with the sample model and a template that can switch thoughts."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    folder = hfft.samples.model()
    tokenizer = AutoTokenizer.from_pretrained(folder)
    tokenizer.chat_template = SWITCHES
    model = AutoModelForCausalLM.from_pretrained(folder)
    return SimpleNamespace(
        args=SimpleNamespace(**arguments), processing_class=tokenizer, model=model,
        accelerator=SimpleNamespace(unwrap_model=lambda one: one),
        state=SimpleNamespace(global_step=1, max_steps=1, epoch=1.0),
    )  # fmt: skip


@pytest.mark.ci
@pytest.mark.parametrize(
    ("arguments", "questions", "thinks"),
    [
        ({"chat_template_kwargs": {"enable_thinking": True}}, ANSWERED, True),
        ({"chat_template_kwargs": {"enable_thinking": False}}, THOUGHT, False),
        ({"chat_template_kwargs": None}, THOUGHT, True),
        ({}, ANSWERED, False),
    ],
)
def test_it_asks_with_or_without_thoughts_as_it_was_trained(
    sample_folders, capsys, monkeypatch, arguments, questions, thinks
):
    monkeypatch.setenv("HFFT_WORD", "")
    made, seen = trainer(**arguments), []
    generate = made.model.generate
    monkeypatch.setattr(
        made.model, "generate", lambda input_ids, **more: seen.append(input_ids) or generate(input_ids, **more)
    )
    compare_answers(made, questions, ["5"])
    told = [json.loads(line.removeprefix("@hfft ")) for line in capsys.readouterr().out.split("\n") if "@hfft" in line]
    (row,) = told[-1]["rows"]
    assert ("</think>" not in row["asked"]) == thinks
    assert made.processing_class.decode(seen[0][0]) == row["asked"]  # what is told is what was asked
