"""Rows are counted by what they hold themselves, however the rows that stand for their groups look."""

from __future__ import annotations

import json
from typing import Any

import pytest

from hfft_widgets.core.data import rules
from hfft_widgets.core.data.findings import Status
from hfft_widgets.core.data.match_columns import ColumnRole
from hfft_widgets.core.data.report import ValidationReport, validate_rows
from hfft_widgets.core.data.rules.base import SILENT, Rule, Scope
from tests.core.data.small import CHATML, assistant, chat, user

ALTERNATE = (
    "{% for m in messages %}{% if (m.role == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('alternate') }}"
    "{% endif %}{{ m.role }}: {{ m.content }}\n{% endfor %}"
)
FORGETS = (
    "{% for m in messages %}{{ m.role }}: {{ m.content if loop.last else m.content.split('</think>')[-1] }}\n"
    "{% endfor %}{% if add_generation_prompt %}assistant: {% endif %}"
)


def counted(report: ValidationReport) -> dict[str, tuple[int, ...]]:
    return {finding.rule: finding.rows for finding in report.findings}


def answers(*texts: str) -> list[dict[str, Any]]:
    return [{"messages": [user(f"Why {n}?"), assistant(text)]} for n, text in enumerate(texts)]


@pytest.mark.parametrize("broken_first", [True, False])
def test_a_control_token_is_one_whatever_other_answers_hold(broken_first: bool) -> None:
    texts = ["so <|im_end|>", *[f"xs <| f {n}" for n in range(200)]]
    rows = answers(*(texts if broken_first else texts[1:] + texts[:1]))
    report = validate_rows(rows, name="x", template=CHATML)
    assert counted(report) == {"control_tokens": (0,) if broken_first else (200,)}
    fixed = report.with_fixes(*(finding.fix for finding in report.findings))
    assert fixed.statistics["SFT"]["rows"] == 200


def test_control_tokens_behind_other_marks_are_found() -> None:
    rows = answers(*[f"xs <| f {n}" for n in range(5)], *[f"so {n} <|im_end|>" for n in range(5)])
    assert counted(validate_rows(rows, name="x", template=CHATML)) == {"control_tokens": (5, 6, 7, 8, 9)}


def test_another_model_has_other_control_tokens_and_reads_no_row_again() -> None:
    rows = answers("so <|im_end|>", "so <|eot_id|>", *[f"so {n}" for n in range(5)])
    report = validate_rows(rows, name="x", template=CHATML)
    other = report.for_model("llama", CHATML.replace("<|im_end|>", "<|eot_id|>"))
    assert (counted(report), counted(other)) == ({"control_tokens": (0,)}, {"control_tokens": (1,)})
    assert other.grouping is report.grouping


@pytest.mark.parametrize("written", [json.dumps, lambda turns: turns])
def test_turns_as_json_text_are_judged_as_the_lists_they_write(written: Any) -> None:
    rows = [{"messages": written(chat(n))} for n in range(20)]
    rows += [{"messages": written([user(f"Why {n}?"), user("Why?"), assistant("So.")])} for n in range(3)]
    report = validate_rows(rows, name="x", template=ALTERNATE)
    report = report.with_mapping("SFT", report.verdicts["SFT"].mapping)
    assert report.verdicts["SFT"].status is Status.BLOCKED_BY_ROWS
    assert "3 of 23 rows" in report.verdicts["SFT"].reason
    assert counted(report) == {"template_refuses": (20, 21, 22)}


@pytest.mark.parametrize("place", [0, 100])
def test_one_json_conversation_without_an_answer_is_one(place: int) -> None:
    rows = [{"messages": json.dumps(chat(n))} for n in range(100)]
    rows.insert(place, {"messages": json.dumps([user("Why?")])})
    report = validate_rows(rows, name="x", template=CHATML)
    report = report.with_mapping("SFT", report.verdicts["SFT"].mapping)
    assert counted(report) == {"no_answer": (place,)}


def test_tools_as_json_text_are_read_before_they_are_grouped() -> None:
    rows = [{"messages": chat(n), "tools": tools} for n, tools in enumerate(['[{"name": "f"}]', "[]", "[1]", "[]"])]
    report = validate_rows(rows, name="x", template=CHATML)
    assert counted(report) == {"broken_tools": (2,)}
    assert counted(validate_rows(rows[:2] + rows[3:], name="x", template=CHATML)) == {}


def test_thinking_is_found_behind_a_row_that_quotes_its_end() -> None:
    rows = [{"messages": [*chat(0, "a lone </think> is no thinking"), *chat(1)]}]
    rows += [{"messages": [*chat(n, f"<think>{n}</think>So."), *chat(n)]} for n in range(1, 10)]
    report = validate_rows(rows, name="x", template=FORGETS)
    assert counted(report) == {"thinking_removed": tuple(range(1, 10))}


@pytest.mark.parametrize("where", [lambda n: n < 50, lambda n: n >= 50, lambda n: n % 2 == 0])
@pytest.mark.parametrize("needles", [(), (b"http",)])
@pytest.mark.parametrize("arrow", [False, True])
def test_a_new_rule_counts_the_cells_that_have_it(
    where: Any, needles: Any, arrow: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    has_url = Rule(
        "has_url", Scope.TEXT, lambda text: "http" in text, bool, "An address in {column}", frozenset(ColumnRole),
        SILENT, needles=needles, examples=(("see http://x", "see x"),),
    )  # fmt: skip
    monkeypatch.setattr(rules, "RULES", (*rules.RULES, has_url))
    texts = [f"Text number {n}" + " at http://x" * where(n) for n in range(100)]
    for rows in ([{"text": text} for text in texts], answers(*texts)):
        given: Any = rows
        if arrow:
            datasets = pytest.importorskip("datasets")
            from hfft_widgets.sources.rows_arrow import DatasetRows

            given = DatasetRows(datasets.Dataset.from_list(rows))
        report = validate_rows(given, name="x", template=CHATML)
        assert counted(report)["has_url"] == tuple(n for n in range(100) if where(n))


def test_thinking_in_the_turn_that_a_mapping_makes_the_last_is_no_earlier_one() -> None:
    """GRPO's prompt is a conversation without its answer, so the turn before it is the last that is read."""
    thought = "<think>a</think>b"
    rows = [{"messages": [*chat(n), user(thought), assistant("So.")]} for n in range(3)]
    rows += [{"messages": [*chat(n, thought), user("Why?"), assistant("So.")]} for n in range(3, 5)]
    report = validate_rows(rows, name="x", template=FORGETS)
    report = report.with_mapping("GRPO", report.verdicts["GRPO"].mapping)
    found = [f.rows for f in report.findings if f.rule == "thinking_removed" and "GRPO" in f.effects]
    assert found == [(3, 4)]
