"""Rows that look alike and are not: pictures, answers that nobody gave, texts by turns, blank exchanges."""

from __future__ import annotations

import io
from typing import Any

import numpy as np

from hfft_widgets.core.data.fixes import Fix
from hfft_widgets.core.data.mapping.column_mapping import ColumnMapping
from hfft_widgets.core.data.mapping.transforms import Transform
from hfft_widgets.core.data.report import validate_rows
from tests.core.data.small import CHATML


def noise(number: int) -> bytes:
    from PIL import Image

    pixels = np.random.default_rng(number).integers(0, 255, (32, 32, 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=95)
    return file.getvalue()


def pictured(numbers: list[int]) -> Any:
    from datasets import Dataset, Features, Image, Value

    rows = [{"img": {"bytes": noise(n), "path": None}, "question": "Which?", "answer": "This."} for n in numbers]
    return Dataset.from_list(rows, features=Features(img=Image(), question=Value("string"), answer=Value("string")))


def raw(dataset: Any, column: str) -> list[bytes]:
    return [cell["bytes"] for cell in dataset.data.table.column(column).to_pylist()]


def test_different_pictures_with_the_same_words_are_different_rows() -> None:
    scope = {"dataset": pictured([*range(30), 3, 7])}
    exec(Fix("deduplicate", ("question", "answer", "img")).code(), scope)
    assert len(scope["dataset"]) == 30


def test_a_picture_that_gets_another_name_stays_as_it_is() -> None:
    picks = {
        "prompt": Transform("column", ("question",), turn="user"),
        "completion": Transform("column", ("answer",), turn="assistant"),
        "image": Transform("column", ("img",)),
    }
    mapping = ColumnMapping(picks)
    scope = {"dataset": pictured([0, 1])}
    exec(mapping.code(["img", "question", "answer"]), scope)
    assert raw(scope["dataset"], "image") == [noise(0), noise(1)]
    assert set(scope["dataset"].column_names) == {"prompt", "completion", "image"}


def test_no_mark_is_neither_yes_nor_no() -> None:
    rows = [{"query": f"Is {n} odd?", "response": str(n), "thumbs": "up" if n % 2 else "down"} for n in range(20)]
    report = validate_rows([*rows, {"query": "Is 0 odd?", "response": "maybe", "thumbs": None}], name="thumbs")
    report = report.with_mapping("KTO", report.verdicts["KTO"].mapping)
    assert {found.fix.rule: list(found.rows) for found in report.findings if found.fix} == {"is_label": [20]}


def test_nobody_chose_is_no_choice() -> None:
    rows = [{"history": f"{n}?", "human_ref_A": f"a{n}", "human_ref_B": f"b{n}", "labels": n % 2} for n in range(20)]
    report = validate_rows([*rows, {**rows[0], "history": "x?", "labels": None}], name="pairs")
    report = report.with_mapping("DPO", report.verdicts["DPO"].mapping)
    assert {found.rule: found.rows for found in report.findings} == {"no_better_answer": (20,)}
    assert report.verdicts["DPO"].status == "READY"
    assert len(report.rows_for("DPO")) == 20


def test_texts_by_turns_end_with_a_question_where_their_number_is_odd() -> None:
    rows = [{"dialog": ["Hi?", "Yes.", "Sure?", "Sure."][: 4 if n % 2 else 3]} for n in range(20)]
    report = validate_rows(rows, name="dialogues")
    report = report.with_mapping("SFT", report.verdicts["SFT"].mapping)
    found = next(found for found in report.findings if found.fix and found.fix.rule == "ends_with_answer")
    assert list(found.rows) == list(range(0, 20, 2))


def test_a_blank_answer_of_an_exchange_is_seen() -> None:
    rows = [{"conversation": [{"human": f"{n}?", "assistant": " " if n == 7 else "Yes."}]} for n in range(20)]
    report = validate_rows(rows, name="exchanges")
    report = report.with_mapping("SFT", report.verdicts["SFT"].mapping)
    assert [found.rows for found in report.findings if found.rule == "blank_content"] == [(7,)]


def test_a_pictures_bytes_may_be_words_beside_real_ones() -> None:
    cells = [{"bytes": None, "path": "a.png"}, {"bytes": None, "path": "b.png"}, {"bytes": "words", "path": None}]
    turns = [{"role": "user", "content": "Which?"}, {"role": "assistant", "content": "That."}]
    report = validate_rows([{"messages": turns, "image": cell} for cell in cells], name="pictures", vision=True)
    assert report.total == 3


def test_turns_that_name_no_role_are_no_traceback() -> None:
    """They are lists like turns, and no conversation to any trainer."""
    row = {name: [{"content": f"{name} {n}"}] for n, name in enumerate(("prompt", "chosen", "rejected"))}
    for template in (CHATML, "{% for m in messages %}{{ m.content }}{% endfor %}"):
        report = validate_rows([row] * 3, name="turns", model="m", template=template)
        assert report.verdicts["Reward"].status != "READY" or report.reading("Reward", 0).passages


def test_a_choice_that_is_infinite_is_no_traceback() -> None:
    rows = [{"question": f"{n}?", "choices": ["So.", "No."], "answer": float("inf") if n == 2 else 0} for n in range(6)]
    report = validate_rows(rows, name="choices")
    report = report.with_mapping("SFT", report.verdicts["SFT"].mapping)
    assert [found.rows for found in report.findings if found.rule == "mapping_fails"] == [(2,)]
