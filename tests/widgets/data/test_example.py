"""Columns mapped by clicking the texts of a row."""

from __future__ import annotations

from typing import Any

import pytest

from hfft_widgets.errors import DataError
from tests.widgets.data.panels import checked
from tests.widgets.html import fill, page, press

ROWS = [
    {"id": n, "doc": {"ask": {"words": f"Why {n}?"}, "replies": [{"note": "x", "body": f"So {n}."}]}, "n": n}
    for n in range(6)
]


def place_of(panel: Any, text: str, nth: int = 0) -> int:
    return [n for n, (_, one) in enumerate(panel.result.pointable(0)) if one == text][nth]


def point(panel: Any, place: int) -> None:
    panel._act({"do": panel._prefix + "point", "value": str(place)})


def test_a_nested_answer_is_mapped_by_two_clicks() -> None:
    panel = checked(ROWS)
    assert panel.method == "SFT"
    fill(panel, "What SFT reads", "example")
    assert "Click the question in row 0" in page(panel).text
    point(panel, place_of(panel, "Why 0?"))
    assert "Click the answer in row 0" in page(panel).text
    point(panel, place_of(panel, "x"))
    point(panel, place_of(panel, "x"))  # not that one
    assert "Click the answer" in page(panel).text
    point(panel, place_of(panel, "So 0."))
    shown = page(panel).text
    assert "Why 2?" in shown  # three rows, as they become
    assert "So 2." in shown
    assert page(panel).primary == ["Use this mapping for SFT"]  # what was clicked, not what was proposed
    press(panel, "Use this mapping for SFT")
    panel._thread.join(30)
    assert panel.result.verdicts["SFT"].status == "READY"
    made = panel.result.rows_for("SFT")[4]
    assert "Why 4?" in str(made)
    assert "So 4." in str(made)
    press(panel, "Undo")
    assert panel.result.mappings == {}
    panel.next_example()
    assert panel.example.number == 1


def test_the_place_is_meant_and_not_the_text() -> None:
    rows = [{"question": f"How many are {n}?", "id": n, "count": n} for n in range(1, 7)]
    report = checked(rows).result
    assert report.pointable(0)[1][1] == report.pointable(0)[2][1] == "1"
    mapping = report.by_places("SFT", 0, {"prompt": 0, "completion": 2})
    assert "'count'" in mapping.words
    assert "'id'" not in mapping.words
    with pytest.raises(DataError, match="no place 9"):
        report.by_places("SFT", 0, {"prompt": 9})


def test_pairs_ask_for_the_better_and_the_worse_answer() -> None:
    rows = [{"q": f"Why {n}?", "a": [f"So {n}.", f"No {n}."]} for n in range(6)]
    panel = checked(rows)
    panel.show_method("DPO")
    panel.put("tab", "example")
    for words, text in (("the question", "Why 0?"), ("the better answer", "So 0."), ("the worse answer", "No 0.")):
        assert f"Click {words}" in page(panel).text
        point(panel, place_of(panel, text))
    press(panel, "Use this mapping for DPO")
    panel._thread.join(30)
    assert panel.result.verdicts["DPO"].status == "READY"
    assert "No 3." in str(panel.result.rows_for("DPO")[3]["rejected"])
