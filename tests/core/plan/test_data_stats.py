"""The data in numbers: tokens are those of the report, pictures included."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import pytest

from hfft_widgets.core.data.report import validate_rows
from hfft_widgets.core.plan.data_stats import COUNTED, UNSEEN, data_stats
from tests.core.plan.reports import report


def test_tokens_are_those_of_the_report():
    found = report("messages")
    data = data_stats(found, "SFT")
    lengths = found.lengths["SFT"]
    assert data.tokens_per_row == pytest.approx(lengths.tokens / 600)
    assert data.longest_tokens == lengths.quantile(0.99)
    assert data.rows == 600
    assert data.trained_share == 1  # what TRL learns of conversations unless told otherwise


def test_another_methods_tokens_are_counted():
    data = data_stats(report("preference"), "Reward")
    assert data.tokens_source == "the model's tokenizer"
    assert 2 < data.tokens_per_row < 10


def test_without_a_tokenizer_bytes_are_divided():
    data = data_stats(report("messages", counter=None), "SFT")
    assert data.tokens_source == "bytes divided by four"
    assert data.tokens_per_row > 5


def test_a_sample_speaks_for_all_rows():
    found = report("messages", all_rows=60_000, whole=lambda progress: None, coverage="the first 600 rows")
    data = data_stats(found, "SFT")
    assert data.rows == 60_000
    assert data.coverage == "the first 600 rows"


def picture(height: int, width: int) -> dict[str, Any]:
    from PIL import Image

    file = BytesIO()
    Image.new("RGB", (width, height)).save(file, "PNG")
    return {"bytes": file.getvalue(), "path": None}


def rows(**changes: Any) -> list[dict[str, Any]]:
    turns = [{"role": "user", "content": "Which colour?"}], [{"role": "assistant", "content": "Black."}]
    row = {"prompt": turns[0], "completion": turns[1], "images": [picture(20, 30), picture(10, 10)]}
    return [row] * 9 + [{**row, **changes}]


def described(given: list[dict[str, Any]]) -> Any:
    return validate_rows(given, name="seen", vision=True, counter=lambda texts: [7 for _ in texts])


def test_pictures_count_in_the_tokens_of_a_row() -> None:
    report = described(rows(images=[picture(20, 30)]))
    text, seen = data_stats(report, "SFT"), data_stats(report, "SFT", lambda height, width: height * width)
    assert text.pictures == "images"
    assert text.tokens_source == COUNTED
    assert seen.tokens_per_row == text.tokens_per_row + 690
    assert seen.longest_tokens == text.longest_tokens + 700
    assert seen.tokens_source == f"{COUNTED}, and about 363 for each picture"


def test_a_picture_that_cannot_be_opened_counts_as_the_others_do() -> None:
    away = {"bytes": None, "path": "elsewhere/1.png"}
    seen = data_stats(described(rows(images=[away])), "SFT", lambda height, width: 100)
    assert seen.tokens_per_row == 7 + 190


def test_pictures_of_unknown_length_are_not_counted_and_that_is_said() -> None:
    seen = data_stats(described(rows()), "SFT", lambda height, width: None)
    assert seen.tokens_per_row == 7
    assert UNSEEN in seen.tokens_source


def test_a_model_without_eyes_gets_no_tokens_of_pictures() -> None:
    assert data_stats(described(rows()), "SFT").tokens_per_row == 7
