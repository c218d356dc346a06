"""What a fix does to a row, before anybody draws it."""

from __future__ import annotations

from hfft_widgets.cards.report.mapping import html
from hfft_widgets.core.data.report import validate_rows
from tests.core.data.small import ROWS, assistant, user


def test_a_fix_before_the_mapping_is_shown_on_the_row_as_given() -> None:
    report = validate_rows(ROWS["a text among conversations"], name="x")
    report = report.with_mapping("GRPO", report.verdicts["GRPO"].mapping)
    finding = next(f for f in report.findings if f.rule == "mapping_fails")
    (change,) = report.changes(finding)
    assert (change.before, change.after) == ({"messages": "Why?"}, None)


def test_a_fix_after_a_mapping_shows_the_columns_that_are_trained_on() -> None:
    rows = [{"q": f"Why {n}?", "good_response": "So.", "bad_response": "No."} for n in range(4)]
    rows[2]["good_response"] = "No."
    report = validate_rows(rows, name="x")
    finding = next(f for f in report.findings if f.fix and f.fix.rule == "answers_differ")
    (change,) = report.changes(finding)
    assert set(change.before) >= {"chosen", "rejected"}
    assert change.after is None


def test_a_finding_without_a_fix_changes_nothing() -> None:
    report = validate_rows([{"messages": [user("Why?"), assistant("So.")]}] * 2, name="x")
    finding = report.findings[0]
    assert report.changes(type(finding)(finding.rule, "", finding.effects, 1, (0,))) == []


def test_a_mapping_says_why_an_answer_is_the_better_one() -> None:
    rows = [{"prompt": "Why?", "response_a": "So.", "response_b": "No.", "score_a": n, "score_b": 2} for n in (9, 2, 1)]
    report = validate_rows(rows, name="scored")
    mapping = report.verdicts["DPO"].mapping
    assert mapping is not None
    shown = report.preview(mapping)
    assert [row.get("why") for row in shown] == [
        "better because of 'score_a' 9 against 'score_b' 2", None, "better because of 'score_a' 1 against 'score_b' 2",
    ]  # fmt: skip
    assert "left out" in shown[1]["error"]
    assert "better because of" in html(shown)
