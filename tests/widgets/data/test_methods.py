"""The list of methods is the control: a click opens what belongs to one, in place."""

from __future__ import annotations

import pytest

from hfft_widgets.errors import DataError
from tests.widgets.data.panels import BROKEN, PAIRS, checked, opened, row_of
from tests.widgets.html import page


def click(panel, method: str) -> None:
    panel._act({"do": row_of(panel, method)["data-do"], "value": method})


def test_each_method_is_a_line_with_its_verdict_that_opens_in_place() -> None:
    panel = checked(PAIRS)
    line = row_of(panel, "DPO")
    assert line["aria-expanded"] == "true"
    assert line.words.endswith("NEEDS MAPPING")
    assert page(panel).all(tag="button", class_="row")[0]["data-value"] == "DPO"  # the recommended one first
    click(panel, "SFT")
    assert (row_of(panel, "SFT")["aria-expanded"], row_of(panel, "DPO")["aria-expanded"]) == ("true", "false")
    assert "Missing 'messages' or 'text'" in row_of(panel, "SFT").words
    assert opened(panel).has_field("prompt")
    click(panel, "SFT")
    assert not page(panel).all(class_="open")
    with pytest.raises(DataError, match="Choose one of SFT"):
        panel.show_method("PPO")


def test_the_list_is_there_once() -> None:
    html = str(checked(PAIRS).html())
    assert html.count(">NEEDS MAPPING<") == 6


def test_methods_that_cannot_use_the_rows_are_folded_until_one_is_looked_at() -> None:
    panel = checked(BROKEN)
    fold = next(one for one in page(panel).all(tag="details") if "cannot use these rows: DPO" in one.words)
    assert "open" not in fold.attributes
    assert {one["data-value"] for one in fold.all(tag="button", class_="row")} == {"DPO", "KTO", "Reward"}
    click(panel, "DPO")
    fold = next(one for one in page(panel).all(tag="details") if "cannot use these rows: DPO" in one.words)
    assert "open" in fold.attributes


def test_what_a_mapping_shows_already_is_not_said_again() -> None:
    panel = checked(PAIRS)
    assert "Proposed:" not in opened(panel).words


def test_the_panel_is_silent_about_what_is_going_on_only_while_nothing_is() -> None:
    panel = checked(PAIRS)
    assert page(panel).status == ""
    panel.busy = True
    panel.progress(3, 12)
    status = page(panel).one(data_key="status")
    assert "3 of 12 rows" in status.words
    assert status.one(tag="progress")["value"] == "3"
    assert status.buttons == ["Stop"]
