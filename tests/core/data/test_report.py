from __future__ import annotations

import json
import re
import time
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given, settings

from hfft_widgets.cards import report as views
from hfft_widgets.core.data.fixes import Fix
from hfft_widgets.core.data.mapping.column_mapping import ColumnMapping
from hfft_widgets.core.data.report import METHODS, Status, ValidationReport, validate_rows
from hfft_widgets.errors import DataError, EmptyDatasetError
from tests.core.data.oracle.corpus import CASES
from tests.core.data.small import CHATML, ROWS, assistant, chat, chats, user
from tests.core.data.strategies import json_rows


def report_on(name: str) -> ValidationReport:
    return validate_rows(ROWS[name], name=name)


class Seen(HTMLParser):
    """What a browser would see of a page: its words, and its tags."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.feed(page)
        self.text = re.sub(r"\s+", " ", "".join(self.words))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        self.words.append(data)


# ---- the text --------------------------------------------------------------------------------


def test_the_short_text() -> None:
    report = validate_rows([{"messages": chat(n)} for n in range(2)], name="my-org/conversation-data")
    lines = str(report).split("\n")
    assert lines[:4] == [
        "Dataset validation for my-org/conversation-data:",
        "",
        "SFT: ✓ READY",
        "  Found 'messages' column with conversation format",
    ]
    assert "\n\nDPO: ✗ INCOMPATIBLE\n  Missing 'chosen' and 'rejected' columns\n\n" in str(report)


# ---- one value, many renderings --------------------------------------------------------------


@pytest.mark.parametrize("case", [case for case in CASES if case.rows], ids=lambda case: case.name)
def test_renderings_agree(case: Any) -> None:
    report = validate_rows(case.rows, name=case.name)
    values = json.loads(json.dumps(report.to_dict()))
    seen, text, markdown = Seen(report._repr_html_()).text, str(report), _unescaped(report.to_markdown())
    for method in METHODS:
        verdict = values["verdicts"][method]
        for line in (verdict["status"], verdict["reason"], *verdict["details"]):
            assert views.shown(line, 1000) in seen
            assert views.shown(line, 1000) in text
            assert views.shown(line, 1000) in markdown
    for finding in values["findings"]:
        for rendering in (seen, text, markdown):
            assert views.shown(finding["message"], 1000) in rendering
    assert seen.count("Show an example") == len(values["findings"])


def _unescaped(markdown: str) -> str:
    return re.sub(r"\\(.)", r"\1", markdown)


HOSTILE = "<script>alert('x')</script>\x00\x1b[2J\u202e\u2066![a](http://evil.invalid)|`b`" + "long " * 500


def hostile_report() -> ValidationReport:
    rows = [{"prompt": HOSTILE + str(n), HOSTILE: n, "chosen": HOSTILE, "rejected": HOSTILE} for n in range(2)] + [
        {"prompt": None, HOSTILE: 1, "chosen": "a", "rejected": "b"}
    ]
    return validate_rows(rows, name=HOSTILE, model=HOSTILE, reference={"path": HOSTILE})


def test_hostile_content_is_escaped_everywhere() -> None:
    report = hostile_report()
    page = report._repr_html_()
    seen = Seen(page)
    assert not {"script", "img", "a", "iframe"} & set(seen.tags)
    assert not any(name.startswith("on") or name == "href" for name, _ in seen.attributes)
    for rendering in (page, str(report), report.to_markdown()):
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069]", rendering)
        assert len(max(rendering.split("\n"), key=len)) < 48_000  # of which the stylesheet takes 30
    assert "\\u202e" in seen.text
    assert "](" not in report.to_markdown().replace("\\]\\(", "")
    assert "<script" not in report.to_markdown().replace("\\<", "")


def test_right_to_left_text_is_isolated() -> None:
    page = validate_rows([{"text": "שלום <b>"}, {"text": None}], name="עברית")._repr_html_()
    assert "<bdi>שלום &lt;b&gt;</bdi>" in page


@given(json_rows)
@settings(max_examples=150, deadline=None)
def test_any_rows_give_a_report(rows: list[dict[str, Any]]) -> None:
    report = validate_rows(rows, name="any")
    json.dumps(report.to_dict())
    assert str(report)
    assert report.to_markdown()
    assert not {"script", "img"} & set(Seen(report._repr_html_()).tags)
    for method, verdict in report.verdicts.items():
        compile(report.code(method), "<code>", "exec")
        if verdict.mapping and not verdict.mapping.asks:
            report.with_mapping(method, verdict.mapping)


# ---- mappings and fixes make new reports -----------------------------------------------------


def test_an_agreed_mapping_makes_a_method_ready() -> None:
    before = report_on("good and bad response")
    mapping = before.verdicts["DPO"].mapping
    after = before.with_mapping("DPO", mapping)
    assert before.verdicts["DPO"].status is Status.NEEDS_MAPPING
    assert after.verdicts["DPO"].status is Status.READY
    assert after.mappings == {"DPO": mapping}
    assert after.rows_for("DPO", limit=1) == [{"prompt": "Why 0?", "chosen": " So.", "rejected": " No."}]
    assert "rename_columns" in after.code("DPO")
    assert after.with_mapping("DPO", None).verdicts == before.verdicts


def test_a_mapping_that_leaves_columns_missing_is_told() -> None:
    report = report_on("good and bad response")
    half = report.with_mapping("DPO", ColumnMapping.rename({"good_response": "chosen"}))
    assert half.verdicts["DPO"].status is Status.INCOMPATIBLE
    assert half.verdicts["DPO"].reason == "Missing 'rejected' column"
    with pytest.raises(DataError, match="'nope'"):
        report.with_mapping("DPO", ColumnMapping.rename({"nope": "chosen"}))
    with pytest.raises(DataError, match="Choose one of SFT"):
        report.with_mapping("PPO", half.mappings["DPO"])


def test_a_fix_clears_its_finding_and_changes_what_is_trained_on() -> None:
    report = report_on("empty messages in a row")
    fixed = report.with_fixes(report.findings[0].fix)
    assert fixed.verdicts["SFT"].status is Status.READY
    assert fixed.findings == ()
    assert fixed.total == 4
    assert fixed.statistics["SFT"]["rows"] == 3
    assert len(fixed.rows_for("SFT")) == 3
    assert "dataset.filter(" in fixed.code("SFT")
    assert fixed.code("DPO") == ""
    assert fixed.without_fixes() == report


def test_rows_a_mapping_cannot_take_are_left_out_before_it() -> None:
    report = report_on("a text among conversations")
    report = report.with_mapping("GRPO", report.verdicts["GRPO"].mapping)
    finding = next(f for f in report.findings if f.rule == "mapping_fails")
    assert (report.verdicts["GRPO"].status, finding.rows) == (Status.BLOCKED_BY_ROWS, (3,))
    fixed = report.with_fixes(finding.fix)
    assert fixed.verdicts["GRPO"].status is Status.READY
    assert len(fixed.rows_for("GRPO")) == 3
    assert fixed.code("GRPO").index("filter") < fixed.code("GRPO").index("map(")


def test_fixes_are_not_taken_twice_and_a_missing_one_changes_nothing() -> None:
    report = report_on("duplicates")
    fix = report.findings[0].fix
    assert report.with_fixes(fix, fix, None).with_fixes(fix).fixes == (fix,)


def test_fixes_that_leave_nothing() -> None:
    report = validate_rows([{"text": " "}, {"text": "  "}], name="blank")
    fixed = report.with_fixes(report.findings[0].fix)
    assert fixed.verdicts["SFT"].reason == "No row is left after the mapping and the fixes"
    assert fixed.recommended is None


def test_roles_in_a_few_rows_are_renamed_not_dropped() -> None:
    report = report_on("one unknown role")
    fix = report.findings[0].fix
    assert fix == Fix("rename_roles", ("messages",), ("SFT",), (("human", "user"),))
    fixed = report.with_fixes(fix)
    assert fixed.findings == ()
    assert fixed.rows_for("SFT")[-1]["messages"][0]["role"] == "user"


def test_findings_name_rows_of_the_dataset_as_it_was_given() -> None:
    rows = [{"text": None}, {"text": "a"}, {"text": " "}, {"text": "b"}]
    report = validate_rows(rows, name="x")
    fixed = report.with_fixes(Fix("is_text", ("text",)))
    assert [(f.rule, f.rows) for f in fixed.findings] == [("blank_text", (2,))]


def test_what_depends_on_the_template_is_said_only_while_it_is_not_known() -> None:
    rows = ROWS["content without a value"]
    unknown, known = (validate_rows(rows, name="x", template=template).findings[0] for template in (None, CHATML))
    assert unknown.message.startswith(f"{known.message}. What becomes of it depends on the chat template")


def test_many_rows_are_counted_in_full_and_numbered_to_a_thousand() -> None:
    report = validate_rows([{"text": "a"}] * 2000 + [{"text": None}] * 1500, name="x")
    finding = next(f for f in report.findings if f.rule == "no_value")
    assert finding.count == 1500
    assert finding.rows == tuple(range(2000, 3000))


@pytest.mark.parametrize(
    ("name", "recommended"),
    [("messages", "SFT"), ("preference", "DPO"), ("verifiable", "GRPO"), ("question and answer", "SFT"),
     ("good and bad response", "DPO"), ("prompt and completion", "SFT"), ("thumbs", "KTO"), ("numbers", None)],
)  # fmt: skip
def test_recommended(name: str, recommended: str | None) -> None:
    assert report_on(name).recommended == recommended


def test_statistics_count_what_the_model_reads() -> None:
    rows = [{"messages": [user("12345"), assistant("67890")]}] * 3 + [{"messages": [user("1"), assistant("2" * 99)]}]
    assert validate_rows(rows, name="x").statistics["SFT"] == {
        "rows": 4, "bytes_median": 10, "bytes_p99": 100, "bytes_max": 100, "bytes_total": 130,
    }  # fmt: skip
    pair = validate_rows([{"prompt": "123", "chosen": "45", "rejected": "6789"}], name="x")
    assert pair.statistics["DPO"]["bytes_median"] == 7


def test_no_rows() -> None:
    with pytest.raises(EmptyDatasetError, match="nothing has no row"):
        validate_rows([], name="nothing")


def test_an_iterator_is_read_once_and_kept() -> None:
    report = validate_rows(iter([{"text": "a"}]), name="x")
    assert report.rows_for("SFT") == [{"text": "a"}]


def test_progress_is_told() -> None:
    told: list[tuple[int, int]] = []
    validate_rows(
        [{"text": str(n)} for n in range(25_000)], name="x", progress=lambda done, total: told.append((done, total))
    )
    assert told == [(10_000, 25_000), (20_000, 25_000), (25_000, 25_000)]


def test_what_progress_raises_ends_the_validation() -> None:
    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        validate_rows([{"text": "a"}], name="x", progress=stop)


def test_five_thousand_rows_take_less_than_two_cpu_seconds() -> None:
    from datasets import Dataset

    rows = Dataset.from_list([{"messages": [*chat(n), user("And " * 50), assistant("So " * 100)]} for n in range(5000)])
    started = time.process_time()
    validate_rows(rows, name="x")
    assert time.process_time() - started < 2


def test_rows_of_one_turn_each_become_conversations() -> None:
    from datasets import Dataset

    turns = [{"talk": n // 2, **turn} for n, turn in enumerate([user("Why?"), assistant("So.")] * 3)]
    report = validate_rows(turns, name="turns", template=CHATML)
    assert report.verdicts["SFT"].status == "INCOMPATIBLE"
    assert validate_rows([{"talk_id": t.pop("talk"), **t} for t in map(dict, turns)], name="x").recommended is None
    gathered = report.gathered("talk")
    assert (gathered.total, gathered.verdicts["SFT"].status) == (3, "READY")
    scope = {"dataset": Dataset.from_list(turns)}
    exec(gathered.code("SFT"), scope)
    assert list(scope["dataset"]) == gathered.rows_for("SFT")
    assert gathered.code("SFT") in "".join(gathered.to_dict("card")["card"]["code"])
    with pytest.raises(DataError, match="cannot be gathered"):
        gathered.gathered("talk")
    with pytest.raises(DataError, match="cannot be gathered"):
        report.gathered("topic")


def test_a_mapping_that_asks_is_answered_first() -> None:
    rows = [
        {"prompt": f"Why {n}?", "response_a": "So.", "response_b": f"No {n}.", "harm_a": n, "harm_b": 2}
        for n in range(5)
    ]
    report = validate_rows(rows, name="asks")
    mapping = report.verdicts["DPO"].mapping
    assert mapping is not None
    assert mapping.asks
    assert report.recommended != "DPO"
    with pytest.raises(DataError, match=r"mapping\.better"):
        report.with_mapping("DPO", mapping)
    with pytest.raises(DataError):
        mapping.better("more")
    lowest = report.with_mapping("DPO", mapping.better("lowest"))
    assert lowest.recommended == "DPO"
    assert [row["chosen"] for row in lowest.rows_for("DPO")] == ["So.", "So.", "No 3.", "No 4."]
    assert [(f.rule, f.rows) for f in lowest.findings if f.rule == "no_better_answer"] == [("no_better_answer", (2,))]


def test_a_fix_that_would_leave_out_most_rows_is_not_pressed_with_all() -> None:
    rows = [*chats([user("Why?"), assistant(" ")], None), *[{"messages": chat(n, "n/a")} for n in range(9)]]
    report = validate_rows(rows, name="broken")
    assert [f.rule for f in report.findings if f.sweeping] == ["near_empty"]
    assert "most rows" in next(f.message for f in report.findings if f.sweeping)
    assert {fix.rule for fix in report.safe_fixes} >= {"is_conversation", "has_contents"}
    assert report.with_fixes(*report.safe_fixes).verdicts["SFT"].status
