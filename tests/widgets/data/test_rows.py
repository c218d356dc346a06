"""The browser for rows."""

from __future__ import annotations

import re

import pytest

from hfft_widgets.errors import DataError
from tests.widgets.data.panels import BROKEN, PAIRS, checked, opened
from tests.widgets.html import fill, page, press


def show_rows(panel) -> None:
    field = opened(panel).field("What")
    fill(panel, field.label, field.choices["Rows, as the model sees them"])


def test_flagged_rows_are_walked_through() -> None:
    panel = checked(BROKEN)
    panel.show_method("SFT")
    show_rows(panel)
    assert opened(panel).field("Row number").value == "3"
    assert "Row 3 as it is" in opened(panel).words
    assert '<pre dir="auto" class="seen">' in str(panel.html())
    assert page(panel).button("Previous").off
    assert "1 of 2" in opened(panel).words
    press(panel, "Next")
    assert opened(panel).field("Row number").value == "5"
    assert page(panel).button("Next").off
    fill(panel, "Row number", "4")
    assert "Why 4?" in opened(panel).words
    press(panel, "Previous")
    assert opened(panel).field("Row number").value == "3"
    fill(panel, "Rows", "")
    assert "1 of 12" in opened(panel).words
    with pytest.raises(DataError, match="Rows go from 0 to 11"):
        panel.show_row(12)


@pytest.mark.parametrize("text", ["12", "-1", "three", ""])
def test_a_row_that_is_not_there_is_said_under_the_field(text: str) -> None:
    panel = checked(BROKEN)
    panel.show_row(3)
    fill(panel, "Row number", text)
    assert page(panel).field("Row number").error == "Rows go from 0 to 11."
    assert panel.error is None
    press(panel, "Next")
    assert page(panel).field("Row number").error == ""


def test_a_row_is_shown_as_each_methods_model_sees_it() -> None:
    panel = checked(PAIRS)
    panel.show_row(2)
    assert re.search(r'<mark title="assistant, learned"[^>]*><span[^>]*>[^<]*</span>So 2\.', str(panel.html()))
    assert "rejected" in opened(panel).words
    panel.show_method("GRPO")
    assert "What the model sees with GRPO" in opened(panel).words
    assert "Why 2?" in opened(panel).words
    assert "writes its own answers" in opened(panel).words
