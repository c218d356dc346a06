"""The fixes, each a button beside its finding, with a look at what it does."""

from __future__ import annotations

import hfft_widgets as hfft
from tests.widgets.data.panels import BROKEN, checked
from tests.widgets.html import Element, page, press


def entry(panel, index: int) -> Element:
    return page(panel).one(class_="f").all(tag="li")[index]


def test_a_fix_shows_what_it_does_and_folds_it_away_again() -> None:
    panel = checked(BROKEN)
    index = next(n for n, finding in enumerate(panel.result.findings) if finding.rows == (3, 5))
    label = panel.result.findings[index].fix.label
    assert entry(panel, index).buttons == [label, "Preview"]
    assert entry(panel, index).words.count(label) == 1
    made = panel.preview_fix(index)
    assert [(change.number, change.after) for change in made] == [(3, None), (5, None)]
    assert "Row 3 is left out" in entry(panel, index).words
    press(panel, "Hide the preview")
    assert "is left out" not in entry(panel, index).words
    press(panel, label)
    assert [fix.label for fix in panel.result.fixes] == [label]


def test_rows_that_hurt_are_dropped_by_a_click(tmp_path):
    rows = [
        {"messages": [{"role": "user", "content": f"q{i}"}, {"role": "assistant", "content": f"a{i}"}]}
        for i in range(30)
    ]
    rows[7]["messages"] = []
    panel = hfft.DatasetValidator(rows)
    report = panel.validate()
    assert report.verdicts["SFT"].status == "BLOCKED BY ROWS"
    index = next(i for i, finding in enumerate(report.findings) if finding.fix and "crash" in finding.effects.values())
    fixed = panel.apply_fix(index)
    assert fixed.verdicts["SFT"].status == "READY"
    assert len(fixed.rows_for("SFT")) == 29
