from __future__ import annotations

from typing import Any

import pytest

from hfft_widgets.core.data.mapping.column_mapping import ColumnMapping
from hfft_widgets.core.data.mapping.transforms import Transform
from hfft_widgets.core.data.match import Model, first_row, fitted, fitted_after, repeats
from hfft_widgets.core.data.templates import ChatTemplate

Q, A = [{"role": "user", "content": "Why?"}], [{"role": "assistant", "content": "So."}]
MODEL = Model(ChatTemplate(None))


def test_rows_like_these_fit() -> None:
    assert fitted("SFT", [{"messages": Q + A}] * 3, MODEL).fits


def test_answers_that_begin_with_the_prompt_are_not_what_is_meant() -> None:
    rows = [{"prompt": "Why?", "chosen": "Why? So.", "rejected": "Why? No."}] * 3
    assert "begin with the prompt" in fitted("DPO", rows, MODEL).reason
    assert fitted("DPO", [*rows[:1], *[{"prompt": "Why?", "chosen": "So.", "rejected": "No."}] * 2], MODEL).fits


def test_conversations_without_an_answer_have_nothing_to_learn() -> None:
    rows = [{"prompt": Q, "completion": Q}] * 3
    assert "there is no answer to learn" in fitted("SFT", rows, MODEL).reason


def test_a_few_rows_that_no_mapping_takes_do_not_decide() -> None:
    mapping = ColumnMapping({"messages": Transform("turns", ("chat",), ("from", "value"))}, ())
    good = {"chat": [{"from": "user", "value": "Why?"}, {"from": "assistant", "value": "So."}]}
    assert fitted_after("SFT", mapping, [good, good, {"chat": "none"}], MODEL).fits
    assert "cannot be applied to most rows" in fitted_after("SFT", mapping, [good, *[{"chat": 3}] * 2], MODEL).reason


def test_the_trainer_had_better_see_a_usual_row_first() -> None:
    text, turns = {"prompt": "Why?", "completion": "So."}, {"prompt": Q, "completion": A}
    assert first_row("SFT", [text, turns, turns, turns], MODEL) == turns
    assert first_row("SFT", [text, turns], MODEL, [9, 1]) == text


@pytest.mark.parametrize(
    ("prompt", "answer", "expected"),
    [
        ("Why?", "Why? So.", True),
        ("Why?", "Why?", False),
        ("a", "a b", False),
        (Q, Q + A, True),
        (Q, Q, False),
        ([], A, False),
        (None, "Why?", False),
        (Q, "Why?", False),
    ],
)
def test_what_repeats_a_prompt(prompt: Any, answer: Any, expected: bool) -> None:
    assert repeats(prompt, answer) is expected
