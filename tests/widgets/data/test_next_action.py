"""What most people want next is one primary button in the bar."""

from __future__ import annotations

import hfft_widgets as hfft
from tests.widgets.data.panels import BROKEN, PAIRS, checked, row_of
from tests.widgets.html import fill, page, press


def test_the_mapping_of_the_recommended_method_is_one_click() -> None:
    panel = checked(PAIRS)
    assert page(panel).primary == ["Use this mapping for DPO"]
    assert page(panel).buttons.count("Use this mapping for DPO") == 1
    panel._act({"do": row_of(panel, "DPO")["data-do"], "value": "DPO"})  # closed
    assert page(panel).primary == ["Use the mapping for DPO"]
    press(panel, "Use the mapping for DPO")
    assert set(panel.result.mappings) == {"DPO"}
    assert page(panel).primary == []


def test_all_fixes_are_one_click_and_rest_while_something_is_going_on() -> None:
    panel = checked([*BROKEN, {"messages": []}])
    assert panel.result.verdicts["SFT"].status == "BLOCKED BY ROWS"
    assert page(panel).primary == ["Apply all 3 fixes"]
    panel.busy = True
    assert page(panel).button("Apply all 3 fixes").off
    panel.busy = False
    press(panel, "Apply all 3 fixes")
    assert len(panel.result.fixes) == 3
    assert page(panel).primary == []


def test_where_the_training_would_run_the_fixes_stand_by_the_findings() -> None:
    panel = checked(BROKEN)
    assert panel.result.verdicts["SFT"].status == "READY"
    assert page(panel).primary == []
    press(panel, "Apply all 2 fixes")
    assert panel.result.findings == ()


def test_where_nothing_is_wanted_nothing_is_offered() -> None:
    panel = checked(BROKEN[:3])
    assert page(panel).primary == []
    assert page(panel).button("Check again").classes >= {"quiet"}


def test_another_name_asks_for_a_check(tmp_path) -> None:
    (tmp_path / "a.jsonl").write_text('{"text": "a"}\n')
    panel = checked(BROKEN)
    fill(panel, "Dataset", str(tmp_path / "a.jsonl"))
    assert page(panel).primary == ["Check dataset"]
    press(panel, "Check dataset")
    assert panel.result.total == 1
    assert page(panel).primary == []
    fill(panel, "Model that learns", "acme/it")
    assert page(panel).primary == ["Check dataset"]
    assert hfft.DatasetValidator().next_action() is not None
