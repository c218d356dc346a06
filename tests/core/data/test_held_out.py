"""Held-out rows that are nearly the same as a row to train on are found in the split that the script makes."""

from __future__ import annotations

from typing import Any

import pytest

import hfft_widgets as hfft
from hfft_widgets.core.data.held_out import held_out_rows, split_places
from hfft_widgets.core.data.report import ValidationReport, validate_rows
from hfft_widgets.core.plan.choose import PlanRequest, recommend
from hfft_widgets.core.plan.data_stats import data_stats
from hfft_widgets.scripts.proof.held_out import hold_out
from tests.core.plan.reports import MACHINES, model

WORDS = [
    "river",
    "bridge",
    "number",
    "winter",
    "town",
    "road",
    "stone",
    "tower",
    "garden",
    "market",
    "harbour",
    "island",
    "forest",
    "valley",
    "lantern",
]


def said(n: int, more: str = "") -> str:
    return " ".join(f"{word}{(n * 7 + place) % 97}" for place, word in enumerate(WORDS * 2)) + more


def chat(n: int, more: str = "") -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": f"Which {n}?"}, {"role": "assistant", "content": said(n, more)}]}


ROWS = [chat(n) for n in range(97)]


def report_on(rows: list[dict[str, Any]]) -> ValidationReport:
    return validate_rows(rows, name="rows", reference={"path": "org/rows"})


def rows_with_copies() -> tuple[list[dict[str, Any]], list[int]]:
    """Rows, some asked and answered twice in nearly the same words; and the held-out ones whose twin is trained on."""
    twice = [chat(n, " now") for n in range(40)]
    for n, row in enumerate(twice):
        row["messages"][0]["content"] = f"And which, {n}?"
    rows = [*ROWS, *twice, ROWS[50]]
    held = set(split_places(rows))
    alike = [(n, len(ROWS) + n) for n in range(40)]
    return rows, sorted(own for pair in alike for own, other in (pair, pair[::-1]) if own in held and other not in held)


def test_the_split_is_the_one_that_the_script_makes() -> None:
    from datasets import Dataset

    rows, _ = rows_with_copies()
    numbered = Dataset.from_list([{**row, "n": n} for n, row in enumerate(rows)])
    assert hold_out(numbered, held_out_rows(len(rows)))["test"]["n"] == split_places(rows)
    assert held_out_rows(120) == 12


def test_near_copies_are_a_finding_with_a_fix_that_the_script_carries() -> None:
    rows, leaked = rows_with_copies()
    report = report_on(rows)
    found = {finding.rule: finding for finding in report.findings}
    assert len(leaked) > 2
    assert found["leakage"].rows == tuple(leaked)
    assert found["leakage"].effects == {"SFT": "warn"}
    assert found["duplicate"].count == 1  # what is wholly the same is told once
    fixed = report.with_fixes(found["leakage"].fix)
    assert "leakage" not in {finding.rule for finding in fixed.findings}
    assert fixed.statistics["SFT"]["rows"] == len(rows)
    assert hfft.core.data.fixes.Fix.from_dict(found["leakage"].fix.to_dict()) == found["leakage"].fix


def test_a_plan_says_it_and_its_script_leaves_them_out() -> None:
    rows, leaked = rows_with_copies()
    report = report_on(rows)
    finding = next(finding for finding in report.findings if finding.rule == "leakage")
    plan, mended = (
        recommend(model("Qwen3-0.6B"), one, data_stats(one, "SFT"), MACHINES, PlanRequest())
        for one in (report, report.with_fixes(finding.fix))
    )
    assert any(f"{len(leaked)} held-out rows" in words for words in plan.warnings)
    assert not any("held-out rows would" in words for words in mended.warnings)
    assert " apart(" not in plan.script
    assert 'parts["test"] = apart(parts["train"], parts["test"], ' in mended.script
    compile(mended.script, "script.py", "exec")


def test_few_rows_and_distinct_ones_are_no_finding_and_a_method_must_exist() -> None:
    assert report_on([*ROWS[:20], chat(3, " and so on")]).findings == ()
    assert "leakage" not in {finding.rule for finding in report_on(ROWS).findings}
    with pytest.raises(hfft.errors.DataError, match="no method"):
        hfft.check_split(report_on(ROWS), "Nope")


def test_large_rows_are_split_as_few_ones_are_and_it_can_be_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    rows, leaked = rows_with_copies()
    from hfft_widgets.sources.rows import open_rows

    few = report_on(rows)
    monkeypatch.setattr("hfft_widgets.core.data.held_out._QUICK_BYTES", 100)
    arrow = validate_rows(open_rows(rows).rows, name="rows")
    bare = [{"good": row["messages"][1]["content"], "question": row["messages"][0]["content"]} for row in rows]
    mapped = report_on(bare)
    assert mapped.offered_mapping == "SFT"
    steps: list[tuple[int, int]] = []
    for report, found in ((arrow, leaked), (mapped, None)):
        assert report.split_waits
        assert not few.split_waits
        steps.clear()
        monkeypatch.setattr("hfft_widgets.core.data.held_out._NUMBERS", 50)
        checked = report.check_split(progress=lambda *step: steps.append(step))
        assert {finding.rule for finding in checked.findings} == {"leakage", "duplicate"}
        assert found is None or next(one for one in checked.findings if one.rule == "leakage").rows == tuple(found)
        assert not checked.split_waits
        assert steps[0] == (50, 2 * len(rows))
        assert steps[-1][0] > len(rows)

    def stop(_done: int, _total: int) -> None:
        raise RuntimeError("stopped")

    with pytest.raises(RuntimeError, match="stopped"):
        arrow.check_split(progress=stop)
