"""Single rows, changes and mappings as a person sees them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings

from hfft_widgets.core.data.mapping import ColumnMapping
from hfft_widgets.core.data.report import METHODS, validate_rows
from hfft_widgets.core.data.views_mapping import layouts
from hfft_widgets.core.data.views_rows import changes, changes_view, mapping_view, row_table, seen
from tests.core.data.small import CHATML, ROWS, assistant, chat, user
from tests.core.data.strategies import json_rows
from tests.core.data.test_report import HOSTILE, Seen

UNSEEN = ("\u202e", "\u2066", "\x1b", "\x00")


def learned(page: str) -> list[str]:
    return [part.split("</mark>")[0] for part in page.split('<mark class="learned">')[1:]]


# ---- what the model sees ---------------------------------------------------------------------


def test_only_the_completion_is_marked() -> None:
    report = validate_rows(ROWS["prompt and completion"], name="x", model="m", template=CHATML)
    page = seen(report, "SFT", 1)
    assert "Why 1?" in page
    assert learned(page)[0].startswith(" So.")
    assert "Why" not in learned(page)[0]
    assert "through the chat template of m" in page


def test_both_answers_of_a_pair_are_shown() -> None:
    report = validate_rows(ROWS["preference"], name="x")
    page = Seen(seen(report, "DPO", 0)).text
    assert page.index("chosen") < page.index("Since.") < page.index("rejected") < page.index("No.")
    assert "no model is chosen" in page


def test_prompts_of_grpo_are_not_learned() -> None:
    page = seen(validate_rows(ROWS["verifiable"], name="x", model="m", template=CHATML), "GRPO", 0)
    assert learned(page) == []
    assert "writes its own answers" in page


def test_why_a_row_is_not_read() -> None:
    strict = (
        "{% for m in messages %}{% if m['role'] == 'human' %}{{ raise_exception('no humans') }}{% endif %}{% endfor %}"
    )
    report = validate_rows(ROWS["one unknown role"], name="x", model="m", template=strict)
    assert "The trainer refuses this row: " in seen(report, "SFT", 3)
    assert "no humans" in seen(report, "SFT", 3)
    report = validate_rows(ROWS["empty messages in a row"], name="x")
    fixed = report.with_fixes(report.findings[0].fix)
    assert "left out by a fix" in seen(fixed, "SFT", 3)
    report = validate_rows(ROWS["a text among conversations"], name="x")
    assert "mapping for GRPO cannot be applied" in seen(report, "GRPO", 3)


# ---- changes ---------------------------------------------------------------------------------


def change_of(rows: list[dict[str, Any]], rule: str) -> Any:
    report = validate_rows(rows, name="x")
    finding = next(finding for finding in report.findings if finding.fix and finding.fix.rule == rule)
    return changes(report, finding)


def test_a_renamed_role_is_one_line_less_and_one_more() -> None:
    (change,) = change_of(ROWS["one unknown role"], "rename_roles")
    assert change.number == 3
    page = changes_view([change])
    assert page.count('class="gone"') == page.count('class="came"') == 1
    assert "-    &quot;role&quot;: &quot;human&quot;" in page
    assert "+    &quot;role&quot;: &quot;user&quot;" in page


def test_repeated_rows_are_left_out() -> None:
    made = change_of(ROWS["duplicates"], "deduplicate")
    assert [(change.number, change.after) for change in made] == [(3, None), (4, None)]
    assert Seen(changes_view(made)).text.count("is left out") == 2


def test_a_fix_before_the_mapping_is_shown_on_the_row_as_given() -> None:
    report = validate_rows(ROWS["a text among conversations"], name="x")
    report = report.with_mapping("GRPO", report.verdicts["GRPO"].mapping)
    finding = next(f for f in report.findings if f.rule == "mapping_fails")
    (change,) = changes(report, finding)
    assert (change.before, change.after) == ({"messages": "Why?"}, None)


def test_a_fix_after_a_mapping_shows_the_columns_that_are_trained_on() -> None:
    rows = [{"q": f"Why {n}?", "good_response": "So.", "bad_response": "No."} for n in range(4)]
    rows[2]["good_response"] = "No."
    report = validate_rows(rows, name="x")
    finding = next(f for f in report.findings if f.fix and f.fix.rule == "answers_differ")
    (change,) = changes(report, finding)
    assert set(change.before) >= {"chosen", "rejected"}
    assert change.after is None


def test_a_finding_without_a_fix_changes_nothing() -> None:
    report = validate_rows([{"messages": [user("Why?"), assistant("So.")]}] * 2, name="x")
    finding = report.findings[0]
    assert changes(report, type(finding)(finding.rule, "", finding.effects, 1, (0,))) == []


# ---- mappings --------------------------------------------------------------------------------


def test_before_and_after_stand_side_by_side() -> None:
    mapping = ColumnMapping.rename({"question": "prompt"}, drop=["id"])
    page = Seen(mapping_view(mapping, [{"id": 1, "question": "Why?"}])).text
    assert page.index("question") < page.index("Why?") < page.index("prompt")


def test_a_row_that_a_mapping_cannot_take_says_so() -> None:
    report = validate_rows(ROWS["a text among conversations"], name="x")
    page = mapping_view(report.verdicts["GRPO"].mapping, report.rows.take([0, 3]))
    assert page.count("cannot be applied to this row") == 1


def test_the_proposed_layout_comes_first() -> None:
    report = validate_rows(ROWS["good and bad response"], name="x")
    first, *others = layouts(report, "DPO")
    mapping = report.verdicts["DPO"].mapping
    assert first.mapping(report, [field.choices[0].pick for field in first.fields]) == mapping
    assert [layout.label for layout in others] == ["chosen + rejected"]


def test_a_layout_that_cannot_be_filled_comes_last_and_says_why() -> None:
    report = validate_rows(ROWS["question and answer"], name="x")
    last = layouts(report, "KTO")[-1]
    assert not last.usable
    assert "nothing for label" in last.label


# ---- any rows --------------------------------------------------------------------------------


@given(json_rows)
@settings(max_examples=80, deadline=None)
def test_any_rows_can_be_looked_at(rows: list[dict[str, Any]]) -> None:
    report = validate_rows(rows, name="any")
    pages = [row_table(0, report.rows.take([0])[0])]
    for finding in report.findings:
        pages.append(changes_view(changes(report, finding)))
    for method in METHODS:
        pages.append(seen(report, method, len(rows) - 1))
        for layout in layouts(report, method):
            if layout.usable:
                mapping = layout.mapping(report, [field.choices[0].pick for field in layout.fields])
                pages.append(mapping_view(mapping, report.rows.take(range(min(3, report.total)))))
    assert not {"script", "img"} & {tag for page in pages for tag in Seen(page).tags}


@pytest.mark.parametrize("method", METHODS)
def test_hostile_rows_are_text(method: str) -> None:
    rows = [{"prompt": [user(HOSTILE)], "chosen": [assistant(HOSTILE)], "rejected": [assistant(str(n))], HOSTILE: n}
            for n in range(3)]  # fmt: skip
    report = validate_rows(rows, name="x", model=HOSTILE, template=CHATML)
    pages = [row_table(0, rows[0]), seen(report, method, 0)]
    pages += [mapping_view(ColumnMapping.rename({HOSTILE: "label"}), rows)]
    for page in pages:
        assert not {"script", "img", "a"} & set(Seen(page).tags)
        assert not any(letter in page for letter in UNSEEN)
        assert "&lt;script" in page


def test_long_cells_are_cut_in_the_middle() -> None:
    page = row_table(0, {"text": "start " + "x" * 100_000 + " end"})
    assert len(page) < 5000
    assert "start " in page
    assert " end" in page
    assert "characters left out" in page


def test_turns_are_readable_in_a_row() -> None:
    page = Seen(row_table(7, {"messages": chat(1)})).text
    assert "Row 7" in page
    assert '"content": "Why is 1?"' in page
