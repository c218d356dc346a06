"""What is applied can be taken back, one by one and as a whole."""

from __future__ import annotations

from hfft_widgets.core.data.report import Status
from tests.widgets.data.panels import BROKEN, PAIRS, checked
from tests.widgets.html import page, press


def test_every_fix_can_be_taken_back_alone() -> None:
    panel = checked(BROKEN)
    first = panel.result
    assert not page(panel).has_button("Undo")
    press(panel, "Apply all 2 fixes")
    assert panel.result.verdicts["SFT"].status is Status.READY
    assert page(panel).buttons.count("Take back") == 2
    assert "2 changes so far" in page(panel).text
    both = panel.result.fixes
    press(panel, "Take back")
    assert panel.result.fixes == both[1:]
    press(panel, "Undo")
    assert panel.result.fixes == both
    press(panel, "Take everything back")
    assert panel.result.fixes == ()
    assert panel.result.findings == first.findings
    assert not page(panel).has_button("Take everything back")
    press(panel, "Undo")
    assert panel.result.fixes == both


def test_a_mapping_is_among_what_can_be_taken_back() -> None:
    panel = checked(PAIRS)
    press(panel, "Use this mapping for DPO")
    assert "DPO: prompt from 'question'" in page(panel).text
    press(panel, "Take back")
    assert panel.result.mappings == {}
