from __future__ import annotations

import io
import json
from typing import Any

import pytest

from hfft_widgets.core.data.columns import schema_of
from hfft_widgets.core.data.mapping.available import Available, turns_of
from hfft_widgets.core.data.mapping.column_mapping import ColumnMapping
from hfft_widgets.core.data.mapping.suggest import in_the_way, propose
from hfft_widgets.core.data.mapping.transforms import Transform
from hfft_widgets.core.data.match import Model
from hfft_widgets.core.data.templates import ChatTemplate


def png() -> bytes:
    from PIL import Image

    file = io.BytesIO()
    Image.new("RGB", (8, 8)).save(file, "PNG")
    return file.getvalue()


Q, A = [{"role": "user", "content": "Why?"}], [{"role": "assistant", "content": "So."}]
NO = [{"role": "assistant", "content": "No."}]
SHAREGPT = [{"from": "human", "value": "Why?"}, {"from": "gpt", "value": "So."}]
ROLES = (("gpt", "assistant"), ("human", "user"))
PICTURE = {"bytes": png(), "path": None}


def proposed(method: str, row: dict[str, Any], *, chat: bool = True, vision: bool | None = None) -> Any:
    model = Model(ChatTemplate(None), chat=chat, vision=vision)
    found = propose(method, schema_of([row] * 3), [row] * 3, model)
    return found and found.mapping


@pytest.mark.parametrize(
    ("method", "row", "prepared"),
    [
        ("SFT", {"conversations": SHAREGPT, "id": 1}, {"id": 1, "messages": Q + A}),
        ("SFT", {"chat": json.dumps(SHAREGPT)}, {"messages": Q + A}),
        ("SFT", {"instruction": "Why?", "input": "", "output": "So."}, {"prompt": Q, "completion": A}),
        ("SFT", {"dialog": ["Why?", "So."]}, {"messages": Q + A}),
        ("SFT", {"conversation": [{"input": "Why?", "output": "So."}]}, {"messages": Q + A}),
        ("SFT", {"content": "Why? So."}, {"text": "Why? So."}),
        ("DPO", {"question": "Why?", "good": "So.", "bad": "No."}, {"prompt": Q, "chosen": A, "rejected": NO}),
        ("DPO", {"question": "Why?", "response_j": "So.", "response_k": "No."},
         {"prompt": Q, "chosen": A, "rejected": NO}),
        ("Reward", {"question": "Why?", "good": "So.", "bad": "No."}, {"prompt": Q, "chosen": A, "rejected": NO}),
        ("KTO", {"query": "Why?", "response": "So.", "thumbs": "up"}, {"prompt": Q, "completion": A, "label": True}),
        ("GRPO", {"question": "Why?", "answer": "So."}, {"answer": "So.", "prompt": Q}),
        ("RLOO", {"messages": Q + A}, {"prompt": Q, "answer": "So."}),
    ],
)  # fmt: skip
def test_a_mapping_gives_the_trainer_what_is_meant(method: str, row: dict[str, Any], prepared: Any) -> None:
    mapping = proposed(method, row)
    assert isinstance(mapping, ColumnMapping)
    assert mapping.apply(row) == prepared


@pytest.mark.parametrize(
    ("method", "row"), [("SFT", {"a": 1}), ("DPO", {"question": "Why?", "answer": "So."}), ("KTO", {"prompt": "Why?"})]
)
def test_where_nothing_fits_nothing_is_proposed(method: str, row: dict[str, Any]) -> None:
    assert proposed(method, row) is None


def test_without_a_chat_template_questions_and_answers_stay_text() -> None:
    row = {"question": "Why?", "answer": "So."}
    assert proposed("SFT", row, chat=False).apply(row) == {"prompt": "Why?", "completion": "So."}


def test_pictures_are_seen_by_models_that_see() -> None:
    row = {"img": PICTURE, "question": "Why?", "answer": "So."}
    assert proposed("SFT", row, vision=True).apply(row) == {"image": PICTURE, "prompt": Q, "completion": A}
    assert proposed("SFT", row, vision=False) is None


def test_a_method_without_pictures_learns_from_the_words_alone() -> None:
    row = {"img": PICTURE, "question": "Why?", "good": "So.", "bad": "No."}
    mapping = proposed("Reward", row, vision=False)
    assert mapping.apply(row) == {"img": PICTURE, "prompt": Q, "chosen": A, "rejected": NO}


def test_marks_go_where_the_trainer_puts_its_own() -> None:
    marked = [{"from": "human", "value": "<image>\nWhy?"}, SHAREGPT[1]]
    row = {"image": PICTURE, "conversations": marked}
    assert proposed("SFT", row, vision=True).apply(row) == {"image": PICTURE, "messages": Q + A}


@pytest.mark.parametrize(
    ("method", "gone"),
    [
        ("SFT", ("labels", "text", "chosen", "image")),
        ("GRPO", ("image", "completions")),
        ("Reward", ("chosen",)),
    ],
)
def test_columns_that_would_lead_a_trainer_astray_go_away(method: str, gone: tuple[str, ...]) -> None:
    row = {
        "q": "Why?", "labels": [1], "text": "a", "chosen": "a", "image": "a.png", "completions": ["a"], "tools": "[]",
        "source": "me",
    }  # fmt: skip
    assert in_the_way(method, schema_of([row]), {"prompt": Transform("column", ("q",))}) == gone


def test_turns_are_left_as_they_are_where_nothing_is_to_change() -> None:
    schema = schema_of([{"messages": Q + A, "chat": json.dumps(SHAREGPT)}])
    assert turns_of(Available(schema), "messages") == Transform("column", ("messages",))
    assert turns_of(Available(schema, marked=True), "messages").unmark
    assert turns_of(Available(schema), "chat", "answer_turn") == Transform(
        "answer_turn", ("chat",), ("from", "value"), ROLES, json=True
    )
