"""What never reaches the model is said, and decides the verdict where it is what should be learned."""

from __future__ import annotations

import json
from typing import Any

import pytest

from hfft_widgets.core.data.fixes import Fix
from hfft_widgets.core.data.report import ValidationReport, validate_rows
from hfft_widgets.core.data.unread import found, leaves
from tests.core.data.small import CHATML, assistant, chat, user

TOOLS = (
    "{% for m in messages %}<{{ m.role }}>{% if m.content is string %}{{ m.content }}{% endif %}"
    "{% if m.tool_calls %}{{ m.tool_calls | tojson }}{% endif %}\n{% endfor %}"
    "{% if tools %}{{ tools | tojson }}{% endif %}"
)


def report(*rows: Any, template: str = TOOLS) -> ValidationReport:
    return validate_rows(list(rows), name="x", template=template)


def unread(found: ValidationReport, method: str = "SFT") -> str:
    return " ".join(line for line in found.verdicts[method].details if line.startswith("Not read"))


def test_texts_that_say_something_are_leaves() -> None:
    cell = [{"role": "user", "type": "x", "content": [{"type": "text", "text": " Why? "}], "n": 3, "a": '{"b": "c"}'}]
    assert list(leaves(cell)) == ["Why?", "c"]
    assert list(leaves(["", None, 5, {"id": "7"}])) == []


@pytest.mark.parametrize(
    ("leaf", "text", "place"),
    [
        ("So.", "x So.", 2),
        ('a "b"', 'x a \\"b\\"', 2),
        ("a\nb", "b - a", 0),
        ("<think>x</think>\n\nSo.", "So.", 0),
        ("<image>\nWhy?", "Why?", 0),
        ("No", "yes", -1),
        ("So.", "So. x", -1),
    ],
)
def test_where_words_are_found(leaf: str, text: str, place: int) -> None:
    assert found(leaf, text, 1 if place == -1 else 0) == place


@pytest.mark.parametrize("key", ["weight", "train", "note"])
def test_keys_of_turns_that_change_nothing_are_named(key: str) -> None:
    rows = [{"messages": [user("Why?"), {**assistant("So."), key: n % 2}]} for n in range(4)]
    assert f"'{key}' of the turns in 'messages'" in unread(report(*rows))
    read = TOOLS.replace("\n{% endfor %}", f"{{{{ m.{key} }}}}\n{{% endfor %}}")
    assert unread(report(*rows, template=read)) == ""


def test_columns_that_nobody_reads_are_named_and_tools_only_where_the_template_leaves_them_out() -> None:
    rows = [{"messages": chat(n), "tools": [{"name": "look"}], "topic": "x"} for n in range(3)]
    assert unread(report(*rows)) == "Not read: 'topic'."
    assert "'tools'" in unread(report(*rows, template=CHATML))
    assert unread(report(*rows), "GRPO") == ""  # reward functions get them


def test_a_column_that_repeats_what_the_turns_say_is_not_missed() -> None:
    rows = [
        {"system": "Be brief.", "messages": [{"role": "system", "content": "Be brief."}, *chat(n)]} for n in range(3)
    ]
    assert report(*rows).verdicts["SFT"].status == "READY"
    rows = [{"system": "Be brief.", "messages": chat(n)} for n in range(3)]
    assert report(*rows).verdicts["SFT"].status == "NEEDS MAPPING"
    forgets = TOOLS.replace("<{{ m.role }}>", "{% if m.role == 'system' %}{{ raise_exception('no') }}{% endif %}")
    assert report(*rows, template=forgets).verdicts["SFT"].status == "READY"  # no mapping would help


def test_what_a_turn_says_must_stand_behind_what_the_one_before_it_said() -> None:
    called = {"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": '{"q": "Why?"}'}}
    rows = [{"messages": [user("Why?"), called, assistant("So.")]} for _ in range(3)]
    verdict = report(*rows).verdicts["SFT"]
    assert verdict.status == "NEEDS MAPPING"
    assert verdict.mapping
    assert verdict.mapping.apply(rows[0])["messages"][1]["tool_calls"][0]["function"]["arguments"] == {"q": "Why?"}


def test_single_turns_of_another_form_are_mended_by_a_fix() -> None:
    parts = [{"type": "text", "text": "So."}]
    rows = [*({"messages": chat(n)} for n in range(9)), {"messages": [user("Why?"), assistant(parts)]}]
    first = report(*rows)
    fixes = {finding.rule: finding.fix for finding in first.findings}
    assert fixes["content_not_text"] == Fix("usual_turns", ("messages",), ("SFT",))
    fixed = first.with_fixes(fixes["content_not_text"])
    assert fixed.findings == ()
    assert fixed.rows_for("SFT")[-1]["messages"][1]["content"] == "So."


def test_arguments_without_a_value_are_found_in_every_row_and_taken_out() -> None:
    from datasets import Dataset

    def calls(*arguments: dict[str, Any]) -> list[Any]:
        made = [{"type": "function", "function": {"name": "f", "arguments": each}} for each in arguments]
        return [user("Why?"), {"role": "assistant", "content": "", "tool_calls": made}, assistant("So.")]

    rows = [{"messages": calls({"a": 1, "b": None if n % 2 else 2})} for n in range(6)]
    for given in (rows, Dataset.from_list(rows)):
        import hfft_widgets as hfft

        first = hfft.validate(given)
        finding = next(f for f in first.findings if f.rule == "null_arguments")
        assert finding.rows == (1, 3, 5)
        fixed = first.with_fixes(finding.fix)
        assert "null_arguments" not in {f.rule for f in fixed.findings}
        assert "None" not in str(fixed.rows_for("SFT"))


def _calls(**arguments: Any) -> list[Any]:
    function = {"name": "f", "arguments": arguments}
    return [user("Why?"), assistant("") | {"tool_calls": [{"type": "function", "function": function}]}]


def test_arguments_that_mostly_have_no_value_are_mapped_away_also_in_the_script() -> None:
    from datasets import Dataset

    given = [{"city": "Lima"}, {"n": 3}, {"at": {"x": 1}}, {"at": {"y": [{"z": None, "w": 1}]}}]
    dataset = Dataset.from_list([{"messages": _calls(**arguments)} for arguments in given])
    first = validate_rows(list(dataset), name="x")
    verdict = first.verdicts["SFT"]
    assert (verdict.status, "null" in verdict.reason) == ("NEEDS MAPPING", True)
    report = first.with_mapping("SFT", verdict.mapping)
    scope = {"dataset": dataset}
    exec(report.code("SFT"), scope)
    made = [row["messages"][-1]["tool_calls"][0]["function"]["arguments"] for row in scope["dataset"]]
    assert made == [{"city": "Lima"}, {"n": 3}, {"at": {"x": 1}}, {"at": {"y": [{"w": 1}]}}]
    assert list(scope["dataset"]) == report.rows_for("SFT")


def test_calls_written_as_text_may_differ_in_any_row() -> None:
    from datasets import Dataset

    rows = [{"messages": json.dumps(_calls(**{f"a{n // 1_100}": n}))} for n in range(1_200)]
    report = validate_rows(rows, name="x")
    report = report.with_mapping("SFT", report.verdicts["SFT"].mapping)
    scope = {"dataset": Dataset.from_list(rows)}
    exec(report.code("SFT"), scope)
    assert list(scope["dataset"]) == report.rows_for("SFT")


def test_plain_text_on_a_model_with_a_template_gets_a_remedy() -> None:
    rows = [{"prompt": f"Why {n}?", "completion": " So."} for n in range(3)]
    assert validate_rows(rows, name="x", template="").findings == ()  # it is asked without a template, too
    first = report(*rows)
    assert [(f.rule, f.severity, f.count) for f in first.findings] == [("plain_text", "warn", 3)]
    fixed = first.with_fixes(first.findings[0].fix)
    assert fixed.findings == ()
    assert fixed.rows_for("SFT")[0] == {"prompt": [user("Why 0?")], "completion": [assistant(" So.")]}
    scope = {"dataset": _dataset(rows)}
    exec(fixed.code("SFT"), scope)
    assert list(scope["dataset"]) == fixed.rows_for("SFT")


def _dataset(rows: list[dict[str, Any]]) -> Any:
    from datasets import Dataset

    return Dataset.from_list(rows)


@pytest.mark.parametrize(
    ("rows", "method"),
    [
        ([{"prompt": "Why?", "chosen": "So.", "rejected": "So."}] * 3, "DPO"),
        ([{"prompt": "Why?", "completion": "So.", "label": True}] * 3, "KTO"),
        ([{"messages": [user("Why?"), assistant("")]}] * 3, "SFT"),
        ([{"text": " "}] * 3, "SFT"),
    ],
)
def test_rows_that_teach_nothing_are_not_ready(rows: list[Any], method: str) -> None:
    assert report(*rows).verdicts[method].status == "INCOMPATIBLE"


def test_text_that_carries_a_template_already_is_a_case_of_its_own() -> None:
    done = [{"text": f"<|im_start|>user\nWhy {n}?<|im_end|>\n<|im_start|>assistant\nSo.<|im_end|>\n"} for n in range(3)]
    tokens = {"eos_token": "<|im_end|>"}
    own = validate_rows(done, name="x", template=CHATML, tokens=tokens)
    assert [(f.rule, f.severity) for f in own.findings] == [("templated", "warn")]
    other = validate_rows(done, name="x", template=TOOLS)
    assert [(f.rule, f.severity) for f in other.findings] == [("other_template", "silent")]
    stray = validate_rows([{"text": "So <|im_end|> it is"}] * 3, name="x", template=CHATML, tokens=tokens)
    assert "control_tokens" in {f.rule for f in stray.findings}


@pytest.mark.parametrize(
    ("row", "recommended"),
    [
        ({"prompt": "Why?", "generation": "So.", "messages": chat(1)}, "SFT"),
        ({"prompt": "What is 2?", "answer": "2"}, "GRPO"),
        ({"prompt": "Write a poem about the sea, please."}, None),
        ({"prompt": "Why?", "stars": 3}, None),
        ({"question": "What is 2 and 2?", "answer": "They make four. #### 4"}, "SFT"),
    ],
)
def test_reward_methods_are_recommended_only_with_answers_to_check(row: Any, recommended: str | None) -> None:
    found = report(*[row] * 3)
    assert found.recommended == recommended
    checkable = any(line.startswith("The answers in") for line in found.verdicts["GRPO"].details)
    assert checkable == ("answer" in row)


def test_rows_that_are_said_to_be_wrong_are_told() -> None:
    rows = [{"prompt": f"What is {n}?", "completion": f"It is {n}.", "is_correct": n % 3 > 0} for n in range(12)]
    details = " ".join(validate_rows(rows, name="x").verdicts["SFT"].details)
    assert "'is_correct' is false in 4 of 12 rows" in details
    fine = [{**row, "is_correct": True} for row in rows]
    assert "is_correct' is false" not in " ".join(validate_rows(fine, name="x").verdicts["SFT"].details)


def test_pictures_that_are_texts_are_told() -> None:
    for cell in ("https://x.org/a b.png", "photos/7.jpg", "iVBORw0KGgoAAAANSUhEUg", ["https://x.org/7.webp?w=1"]):
        for name in ("image", "photo"):
            rows = [{name: cell, "prompt": f"What is {n}?", "completion": f"A cat {n}."} for n in range(6)]
            details = " ".join(validate_rows(rows, name="x").verdicts["SFT"].details)
            seen = cell[0] if isinstance(cell, list) else cell
            assert ("which no model sees" in details) is (" " not in seen), (cell, name)
    rows = [{"page": "see example.png for it", "prompt": f"{n}?", "completion": "No."} for n in range(6)]
    assert "no model sees" not in " ".join(validate_rows(rows, name="x").verdicts["SFT"].details)
