"""Held-out rows stay held out: whatever the order, along a chain of trainings, and copies of a question with them."""

from __future__ import annotations

import json
import random

from datasets import Dataset

from hfft_widgets.scripts.proof.held_out import CHAIN, bare_text, hold_out, keep_chain


def rows(count=200, start=0):
    return [{"prompt": f"What comes after {n}?", "completion": str(n + 1)} for n in range(start, start + count)]


def asked(part):
    return {row["prompt"] for row in part}


def split(some, count=20, model=""):
    return hold_out(Dataset.from_list(some), count, model)


def test_the_order_of_rows_changes_nothing():
    mixed = rows()
    random.Random(1).shuffle(mixed)
    one, other = split(rows()), split(mixed)
    assert asked(one["test"]) == asked(other["test"])
    assert len(one["test"]) == 20
    assert len(one["train"]) == 180


def test_copies_of_a_question_stand_on_one_side():
    copies = [{"prompt": f"  what comes AFTER {n} ", "completion": "?"} for n in range(200)]
    parts = split(rows() + copies, 40)
    own, other = ({bare_text(prompt) for prompt in asked(parts[side])} for side in ("train", "test"))
    assert not own & other


def test_where_all_rows_ask_the_same_their_answers_tell_them_apart():
    parts = split([{"prompt": "Write a line.", "completion": f"line {n}"} for n in range(100)])
    assert len(parts["test"]) == 20


def test_the_same_questions_in_another_form_are_held_out():
    turns = [
        {"messages": [{"role": "user", "content": row["prompt"]}, {"role": "assistant", "content": row["completion"]}]}
        for row in rows()
    ]
    pairs = [{"prompt": row["prompt"], "chosen": row["completion"], "rejected": "no"} for row in rows()]
    said = {row["messages"][0]["content"] for row in split(turns)["test"]}
    assert said == asked(split(rows())["test"]) == asked(split(pairs)["test"])


def test_a_chain_judges_by_rows_that_none_of_it_was_trained_on(tmp_path):
    first = split(rows())
    keep_chain(tmp_path, first["held_out"])
    again = split(rows(), model=str(tmp_path))
    assert asked(again["test"]) == asked(first["test"])
    assert again["held_out"]["trained_on"] == 0
    wider = split(rows(), 60, str(tmp_path))  # forty of the sixty were trained on
    assert asked(wider["test"]) <= asked(first["test"])
    assert wider["held_out"]["trained_on"] == 0
    keep_chain(tmp_path / "checkpoint-9", wider["held_out"])
    assert len(json.loads((tmp_path / "checkpoint-9" / CHAIN).read_text())["chain"]) == 2


def test_a_chain_with_too_few_clean_rows_says_so(tmp_path):
    keep_chain(tmp_path, split(rows(), 3)["held_out"])
    parts = split(rows(), 40, str(tmp_path))
    assert len(parts["test"]) == 40
    assert parts["held_out"]["trained_on"] == 37


def test_other_data_is_fresh_for_a_model_that_was_trained_before(tmp_path):
    first = split(rows(), 3)
    keep_chain(tmp_path, first["held_out"])
    parts = split(rows(start=1000), 40, str(tmp_path))
    assert parts["held_out"]["trained_on"] == 0
    half = split(rows(start=100), 40, str(tmp_path))  # half of them it knows
    assert half["held_out"]["trained_on"] == 0
    assert not asked(half["test"]) & asked(first["train"])


def test_of_large_data_a_part_is_known_and_the_rest_is_believed_where_it_is_the_same(tmp_path, monkeypatch):
    monkeypatch.setattr("hfft_widgets.scripts.proof.held_out.MOST_TOLD", 50)
    keep_chain(tmp_path, split(rows(2000), 3)["held_out"])
    assert split(rows(500), 100, str(tmp_path))["held_out"]["trained_on"] >= 97
    assert split(rows(500, start=5000), 100, str(tmp_path))["held_out"]["trained_on"] == 0


def test_a_damaged_chain_is_none(tmp_path):
    (tmp_path / CHAIN).write_text("{")
    assert len(split(rows(), model=str(tmp_path))["test"]) == 20
