"""Single rows, changes and mappings as a person sees them."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given, settings

from hfft_widgets.cards.report import mapping as mapping_card
from hfft_widgets.cards.report.rows import changes_view, row_table, seen
from hfft_widgets.core.data.mapping.column_mapping import ColumnMapping
from hfft_widgets.core.data.preview import mapped_rows, texts
from hfft_widgets.core.data.report import METHODS, validate_rows
from tests.core.data.small import CHATML, ROWS, assistant, chat, user
from tests.core.data.strategies import json_rows
from tests.core.data.test_report import HOSTILE, Seen

UNSEEN = ("\u202e", "\u2066", "\x1b", "\x00")


def learned(page: str) -> list[str]:
    return re.findall(r'<mark title="[^"]*learned"[^>]*><span class="heard">[^<]*</span>(.*?)</mark>', page, re.DOTALL)


# ---- what the model sees ---------------------------------------------------------------------


def test_only_the_completion_is_marked() -> None:
    report = validate_rows(ROWS["prompt and completion"], name="x", model="m", template=CHATML)
    page = seen(report.look("SFT", 1))
    assert "Why 1?" in page
    assert learned(page)[0].startswith(" So.")
    assert "Why" not in learned(page)[0]
    assert "through the chat template of m" in page


def test_every_word_says_who_wrote_it_and_whether_it_is_learned() -> None:
    rows = [{"messages": [{"role": "system", "content": "Be kind."}, *chat(n)]} for n in range(3)]
    report = validate_rows(rows, name="x", model="m", template=CHATML)
    page = seen(report.look("SFT", 1))
    for says in ("system, only read", "user, only read", "assistant, learned", "the chat template, only read"):
        assert f'title="{says}"' in page  # on hover
        assert f'<span class="heard">[{says}] </span>' in page  # to who hears it read
    assert learned(page)[0] == chat(1)[1]["content"]
    whole = seen(report.with_learned("all").look("SFT", 1))
    assert "only read" not in whole.partition("underlined")[0]


def test_both_answers_of_a_pair_are_shown() -> None:
    report = validate_rows(ROWS["preference"], name="x")
    page = Seen(seen(report.look("DPO", 0))).text
    assert page.index("chosen") < page.index("Since.") < page.index("rejected") < page.index("No.")
    assert "no model is chosen" in page


def test_prompts_of_grpo_are_not_learned() -> None:
    page = seen(validate_rows(ROWS["verifiable"], name="x", model="m", template=CHATML).look("GRPO", 0))
    assert learned(page) == []
    assert "writes its own answers" in page


def test_why_a_row_is_not_read() -> None:
    strict = (
        "{% for m in messages %}{% if m['role'] == 'human' %}{{ raise_exception('no humans') }}{% endif %}{% endfor %}"
    )
    report = validate_rows(ROWS["one unknown role"], name="x", model="m", template=strict)
    assert "The trainer refuses this row: " in seen(report.look("SFT", 3))
    assert "no humans" in seen(report.look("SFT", 3))
    report = validate_rows(ROWS["empty messages in a row"], name="x")
    fixed = report.with_fixes(report.findings[0].fix)
    assert "left out by a fix" in seen(fixed.look("SFT", 3))
    report = validate_rows(ROWS["a text among conversations"], name="x")
    assert "mapping for GRPO cannot be applied" in seen(report.look("GRPO", 3))


# ---- changes ---------------------------------------------------------------------------------


def change_of(rows: list[dict[str, Any]], rule: str) -> Any:
    report = validate_rows(rows, name="x")
    finding = next(finding for finding in report.findings if finding.fix and finding.fix.rule == rule)
    return report.changes(finding)


def test_a_renamed_role_is_one_line_less_and_one_more() -> None:
    (change,) = change_of(ROWS["one unknown role"], "rename_roles")
    assert change.number == 3
    page = changes_view([change.to_dict()])
    assert page.count('class="gone"') == page.count('class="came"') == 1
    assert "-    &quot;role&quot;: &quot;human&quot;" in page
    assert "+    &quot;role&quot;: &quot;user&quot;" in page


def test_repeated_rows_are_left_out() -> None:
    made = change_of(ROWS["duplicates"], "deduplicate")
    assert [(change.number, change.after) for change in made] == [(3, None), (4, None)]
    assert Seen(changes_view([change.to_dict() for change in made])).text.count("is left out") == 2


# ---- mappings --------------------------------------------------------------------------------


def test_before_and_after_stand_side_by_side() -> None:
    mapping = ColumnMapping.rename({"question": "prompt"}, drop=["id"])
    page = Seen(mapping_card.html(mapped_rows(mapping, [{"id": 1, "question": "Why?"}]))).text
    assert page.index("question") < page.index("Why?") < page.index("prompt")


def test_a_row_that_a_mapping_cannot_take_says_so() -> None:
    report = validate_rows(ROWS["a text among conversations"], name="x")
    page = mapping_card.html(mapped_rows(report.verdicts["GRPO"].mapping, report.rows.take([0, 3])))
    assert page.count("cannot be applied to this row") == 1


# ---- any rows --------------------------------------------------------------------------------


@pytest.mark.ci
@given(json_rows)
@settings(max_examples=80, deadline=None)
def test_any_rows_can_be_looked_at(rows: list[dict[str, Any]]) -> None:
    report = validate_rows(rows, name="any")
    pages = [row_table(0, texts(report.rows.take([0])[0]))]
    for finding in report.findings:
        pages.append(changes_view([change.to_dict() for change in report.changes(finding)]))
    for method in METHODS:
        pages.append(seen(report.look(method, len(rows) - 1)))
        for layout in report.layouts(method):
            if layout.usable:
                mapping = layout.mapping(report.schema, [field.choices[0].transform for field in layout.fields])
                pages.append(mapping_card.html(mapped_rows(mapping, report.rows.take(range(min(3, report.total))))))
    assert not {"script", "img"} & {tag for page in pages for tag in Seen(page).tags}


@pytest.mark.parametrize("method", METHODS)
def test_hostile_rows_are_text(method: str) -> None:
    rows = [{"prompt": [user(HOSTILE)], "chosen": [assistant(HOSTILE)], "rejected": [assistant(str(n))], HOSTILE: n}
            for n in range(3)]  # fmt: skip
    report = validate_rows(rows, name="x", model=HOSTILE, template=CHATML)
    pages = [row_table(0, texts(rows[0])), seen(report.look(method, 0))]
    pages += [mapping_card.html(mapped_rows(ColumnMapping.rename({HOSTILE: "label"}), rows))]
    for page in pages:
        assert not {"script", "img", "a"} & set(Seen(page).tags)
        assert not any(letter in page for letter in UNSEEN)
        assert "&lt;script" in page


def test_long_cells_are_cut_in_the_middle() -> None:
    page = row_table(0, texts({"text": "start " + "x" * 100_000 + " end"}))
    assert len(page) < 5000
    assert "start " in page
    assert " end" in page
    assert "characters left out" in page


def test_turns_are_readable_in_a_row() -> None:
    page = Seen(row_table(7, texts({"messages": chat(1)}))).text
    assert "Row 7" in page
    assert '"content": "Why is 1?"' in page
