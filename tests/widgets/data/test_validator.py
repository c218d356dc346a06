"""The data panel as a whole, headless: what is checked, what becomes of it, and that hostile rows stay text."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest

import hfft_widgets as hfft
from hfft_widgets.core.data.report import validate_rows
from hfft_widgets.errors import DataError
from tests.widgets.data.panels import BROKEN, PAIRS, checked, row_of
from tests.widgets.html import page, press

ROWS = [{"good": f"yes {i}", "bad": f"no {i}", "question": f"why {i}?"} for i in range(60)]
HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)>\u202e\x1b[2J"


def test_no_dataset_says_what_to_do():
    panel = hfft.DatasetValidator()
    with pytest.raises(DataError, match="Type a Hub id"):
        panel.validate()
    assert "Type a Hub id" in page(panel).field("Dataset").error


def test_before_a_dataset_is_checked_there_is_nothing_to_click() -> None:
    panel = hfft.DatasetValidator()
    assert page(panel).buttons == ["Check dataset"]
    for method in (panel.validate_all, panel.apply_fixes, panel.undo_all, panel.next_row):
        with pytest.raises(DataError, match="Check one first"):
            method()
    assert "Check one first" in page(panel).status


def test_the_method_on_show_stays_until_another_dataset_is_checked() -> None:
    panel = checked(PAIRS)
    panel.show_method("SFT")
    panel.apply_mapping("SFT")
    assert panel.method == "SFT"
    assert row_of(panel, "SFT").words.endswith("READY")
    panel.validate()
    assert panel.method == "DPO"


def test_a_dataset_in_the_notebook_is_checked_and_mapped_and_that_can_be_undone():
    panel = hfft.DatasetValidator(ROWS)
    report = panel.validate()
    assert report.verdicts["DPO"].status == "NEEDS MAPPING"
    assert page(panel).primary == ["Use this mapping for DPO"]
    mapped = panel.apply_mapping("DPO")
    assert mapped.verdicts["DPO"].status == "READY"
    assert panel.result is mapped
    assert panel.undo() is report
    with pytest.raises(DataError, match="nothing to undo"):
        panel.undo()


def test_the_split_of_large_data_is_looked_at_by_a_click(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [{"prompt": f"Which is {n}?", "completion": f"It is {n} of them all here and now"} for n in range(60)]
    assert "Check the split" not in page(checked(rows)).buttons
    monkeypatch.setattr("hfft_widgets.core.data.held_out._QUICK_BYTES", 10)
    panel = checked(rows)
    press(panel, "Check the split")
    assert "No held-out row is nearly the same" in page(panel).status
    assert panel.result.recommended == "SFT"


def test_a_sample_can_be_made_whole() -> None:
    def whole(progress: Any) -> Any:
        return validate_rows(BROKEN, name="x", progress=progress)

    coverage = "a sample: the first 3 rows of 12"
    sample = validate_rows(BROKEN[:3], name="x", coverage=coverage, all_rows=12, whole=whole)
    panel = hfft.DatasetValidator()
    panel._start_again(sample)
    press(panel, "Check all rows")
    assert panel.result.total == 12
    assert not page(panel).has_button("Check all rows")


def test_a_check_of_all_rows_can_be_stopped_and_loses_nothing() -> None:
    started = threading.Event()

    def whole(progress: Any) -> Any:
        for done in range(1000):
            progress(done, 1000)
            started.set()
            time.sleep(0.01)
        raise AssertionError("was not stopped")

    coverage = "a sample: the first 3 rows of 12"
    sample = validate_rows(BROKEN[:3], name="x", coverage=coverage, all_rows=12, whole=whole)
    panel = hfft.DatasetValidator()
    panel._start_again(sample)
    thread = panel.start(panel.validate_all, doing="Reading all rows")
    assert started.wait(10)
    assert page(panel).all(tag="progress")[0]["max"] == "1000"
    press(panel, "Stop")
    thread.join(10)
    assert not panel.busy
    assert "Stopped" in page(panel).status
    assert panel.result is sample
    assert not page(panel).has_button("Stop")


def test_hostile_content_is_escaped_in_the_card():
    rows = [{"prompt": "<img src=x onerror=alert(1)>", "completion": "<script>alert(2)</script>"}] * 3
    panel = hfft.DatasetValidator(rows)
    panel.validate()
    for html in (str(panel.html()), str(panel.report())):
        assert "<img" not in html
        assert "<script" not in html


def test_hostile_content_is_text_in_every_part() -> None:
    rows = [{"q": HOSTILE + str(n), "good_response": HOSTILE, "bad_response": str(n), HOSTILE: n} for n in range(3)]
    rows[1]["good_response"] = rows[1]["bad_response"]
    rows.append(rows[0])
    panel = checked(rows)
    shown = []
    for method in panel.result.verdicts:
        panel.show_method(method)
        shown.append(str(panel.html()))
    panel.show_row(0)
    previews = [panel.preview_fix(n) for n, finding in enumerate(panel.result.findings) if finding.fix]
    assert previews
    shown.append(str(panel.html()))
    panel.apply_mapping("DPO")
    panel.apply_fixes()
    shown += [str(panel.html()), str(panel.report()), panel.summary()]
    assert any("&lt;script" in html for html in shown)
    for html in shown:
        assert "<script" not in html
        assert "<img" not in html
        assert "\u202e" not in html
        assert "\x1b" not in html


def test_in_one_line_it_says_what_it_is_ready_for():
    assert hfft.DatasetValidator().summary() == ""
    assert checked(PAIRS).summary() == "in-memory dataset, 12 rows, DPO after a change"
    assert checked(BROKEN[:3]).summary() == "in-memory dataset, 3 rows, ready for SFT"


def test_rows_are_not_read_again_at_every_step_of_a_meter(monkeypatch):
    panel = checked(PAIRS)
    page(panel)
    read = []
    monkeypatch.setattr(type(panel.result), "preview", lambda *_: read.append(1) or [])
    monkeypatch.setattr(type(panel.result), "to_dict", lambda *_: read.append(1) or {})
    for done in range(5):
        panel.progress(done, 5)
        page(panel)
    assert read == []


def test_a_report_is_proven_by_a_button(sample_folders, monkeypatch) -> None:
    from hfft_widgets.jobs.asking import proof

    monkeypatch.setattr(proof, "_MODULES", {"a_package_of_nobody": "train"})  # the real one takes seconds
    panel = checked(PAIRS, model="sample:model")
    press(panel, "Prove it")
    panel._thread.join(30)
    assert 'pip install "hfft-widgets[train]"' in page(panel).text
    panel.apply_mapping("DPO")
    assert panel.proof is None
    assert "Prove it" not in page(checked(PAIRS)).text
