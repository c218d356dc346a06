"""A report from one row per group must be the report from every row."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from datasets import Dataset
from hypothesis import example, given, settings
from hypothesis import strategies as st

from hfft_widgets.core.data import validate as judge
from hfft_widgets.core.data.fixes import Fix
from hfft_widgets.core.data.grouping import Grouping, Looks, group_rows
from hfft_widgets.core.data.report import ValidationReport, validate_rows
from hfft_widgets.core.data.rows import PythonRows
from hfft_widgets.core.data.rules import RULES
from hfft_widgets.core.data.rules.base import Rule, Scope
from hfft_widgets.sources.rows_arrow import DatasetRows
from tests.core.data.small import CHATML, assistant, chats, user
from tests.core.data.test_method_report import ALTERNATE, FORGETS


def by_row(rows: Any, *how: Any) -> Grouping:
    """The grouping in which every row is a group and a kind of its own."""
    grouping = group_rows(rows, *how)
    members = tuple({name: row[name] for name in grouping.columns if name in grouping.focus} for row in rows)
    each = np.arange(grouping.total, dtype=np.int32)
    return replace(grouping, groups=members, of=each, kinds=each)


def told(report: ValidationReport) -> dict[str, Any]:
    values = report.to_dict()
    for finding in values["findings"]:  # of equal forms any may be the example
        finding.pop("example")
    values["findings"].sort(key=repr)
    return values


ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "prompt": st.sampled_from(["Why?", "", " ", None, [user("Why?")]]),
            "chosen": st.sampled_from(["So it is.", "So it was.", "", None, "Why? So."]),
            "rejected": st.sampled_from(["So it is.", "So not.", "Why? No.", None]),
            "label": st.sampled_from([True, False, None, 1, 3]),
        }
    ),
    max_size=5,
)
GOOD = {"prompt": "Why?", "chosen": "So it is.", "rejected": "So not.", "label": True}


TURNS = {"prompt": [user("Why?")], "chosen": "So it is.", "rejected": "So it is.", "label": True}


@pytest.mark.full
@given(ROWS, st.booleans(), st.sampled_from([CHATML, None, ""]))
@example([{**TURNS, "prompt": "Why?"}, *[TURNS] * 4], False, CHATML)  # as many prompts of one kind as of the other
@settings(max_examples=60, deadline=None)
def test_groups_say_what_rows_say(rows: list[dict[str, Any]], fixed: bool, template: str | None) -> None:
    rows = [GOOD] * 6 + rows + rows  # of rows that are all odd, none is the usual one that a trainer should see first
    grouped = validate_rows(rows, name="x", template=template)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(judge, "group_rows", by_row)
        single = validate_rows(rows, name="x", template=template)
    assert told(grouped) == told(single)
    if fixed:
        fixes = [finding.fix for finding in grouped.findings]
        assert told(grouped.with_fixes(*fixes)) == told(single.with_fixes(*fixes))


def test_rows_of_one_form_are_one_group() -> None:
    rows = PythonRows(chats() * 100)
    grouping = group_rows(rows, Looks(frozenset({"messages"}), frozenset({"messages"})))
    assert (len(grouping.groups), grouping.total) == (1, 300)
    assert len(np.unique(grouping.digests["messages"])) == 3


def test_arrow_and_plain_rows_make_one_report() -> None:
    rows = chats([], None, [user("Why?")], [{"role": "human", "content": "Why?"}])

    class ArrowRows(PythonRows):
        def batches(self, columns: Any = None) -> Any:
            yield pa.Table.from_pylist(list(self)).to_batches()[0]

    plain, arrow = (validate_rows(kind(rows), name="x", template=CHATML) for kind in (PythonRows, ArrowRows))
    assert told(plain) == told(arrow)


def test_a_new_mapping_or_fix_reads_no_rows_again() -> None:
    class Once(PythonRows):
        read = 0

        def batches(self, columns: Any = None) -> Any:
            self.read += 1
            return super().batches(columns)

    rows = Once(chats([]))
    report = validate_rows(rows, name="x")
    before = rows.read
    report.with_mapping("GRPO", report.verdicts["GRPO"].mapping).with_fixes(Fix("is_conversation", ("messages",)))
    assert rows.read == before


# ---- any rows, of cells that some rule looks for ---------------------------------------------


def examples(*scopes: Scope) -> Iterator[Any]:
    found: Iterator[Rule] = (rule for rule in RULES if rule.scope in scopes)
    return (cell for rule in found for pair in rule.examples for cell in pair)


MARKED = [
    *examples(Scope.TEXT),
    *("f <| x", "x</think>y", "<think>a</think>b", "<think>a</think>", "[1, 2]", "[broken"),
]
OTHERS = [
    *[cell for cell in examples(Scope.VALUE) if isinstance(cell, str) or cell is None],
    *[text for pair in examples(Scope.PAIR) for text in pair if isinstance(text, str)],
]
CHATS = [cell for cell in examples(Scope.MESSAGES) if isinstance(cell, list)]
TOOLS = [row["tools"] for row in examples(Scope.ROW)]
Draw = Callable[[random.Random], Any]


def text(draw: random.Random) -> Any:
    return draw.choice(draw.choice([MARKED, OTHERS, [f"Fine, {draw.randrange(3)}."]]))


def turns(draw: random.Random) -> Any:
    """Mostly a chat of drawn texts, at times another, at times an example."""
    if draw.random() < 0.2:
        return draw.choice([*CHATS, [], None])
    made = [turn(text(draw)) for _ in range(draw.randint(1, 2)) for turn in (user, assistant)]
    return made if draw.random() < 0.8 else made + draw.choice([[user(text(draw))], [assistant("So.")]])


def from_value(draw: random.Random) -> Any:
    names = {"user": "human", "assistant": "gpt"}
    cell = turns(draw)
    return cell and [{"from": names.get(t.get("role"), "x"), "value": t.get("content")} for t in cell]


def continued(draw: random.Random) -> dict[str, Any]:
    start = text(draw) or ""
    return {
        "chosen": start + (text(draw) or ""),
        "rejected": (start if draw.random() < 0.8 else "") + (text(draw) or ""),
    }


KINDS: dict[str, Callable[[random.Random], dict[str, Any]]] = {
    "text": lambda draw: {"text": text(draw)},
    "prompt and completion": lambda draw: {"prompt": text(draw), "completion": text(draw)},
    "DPO": lambda draw: {"prompt": text(draw), "chosen": text(draw), "rejected": text(draw)},
    "implicit prompt": continued,
    "KTO": lambda draw: {
        "prompt": text(draw), "completion": text(draw), "label": draw.choice([*examples(Scope.VALUE), True, False, 1])
    },
    "messages": lambda draw: {"messages": turns(draw)},
    "JSON turns": lambda draw: {"messages": json.dumps(turns(draw))},
    "JSON tools": lambda draw: {"messages": turns(draw), "tools": draw.choice(TOOLS)},
    "from and value": lambda draw: {"conversations": from_value(draw)},
    "scores": lambda draw: {
        "prompt": text(draw), "response_a": text(draw), "response_b": text(draw),
        "score_a": draw.randrange(5), "score_b": draw.randrange(5),
    },
}  # fmt: skip
TEMPLATES = {"none": None, "alternating": ALTERNATE, "forgetful": FORGETS}


def same(kind: str, seed: int) -> None:
    """The report on ten rows of this kind, and on what its fixes leave, is the one from each row by itself."""
    draw = random.Random(f"{kind} {seed}")
    rows = _held([KINDS[kind](draw) for _ in range(10)], in_arrow=draw.random() < 0.5)
    template = draw.choice(list(TEMPLATES.values()))
    grouped = _agreed(validate_rows(rows, name="x", template=template))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(judge, "group_rows", by_row)
        single = _agreed(validate_rows(rows, name="x", template=template))
    assert _said(grouped) == _said(single), list(rows)
    fixes = [finding.fix for finding in single.findings]
    assert _said(grouped.with_fixes(*fixes)) == _said(single.with_fixes(*fixes)), list(rows)


def _held(rows: list[dict[str, Any]], *, in_arrow: bool) -> Any:
    """As a file would give them, where Arrow can hold them; else as Python's values."""
    try:
        return DatasetRows(Dataset(pa.Table.from_pylist(rows))) if in_arrow else PythonRows(rows)
    except pa.ArrowException:
        return PythonRows(rows)


def _agreed(report: ValidationReport) -> ValidationReport:
    """With every mapping that was proposed."""
    for method, verdict in report.verdicts.items():
        report = report.with_mapping(method, verdict.mapping) if verdict.mapping else report
    return report


def _said(report: ValidationReport) -> tuple[Any, Any]:
    """The statuses, and rows by method, rule and effect: what a trainer raises may name the very row."""
    rows: dict[tuple[str, str, str], set[int]] = {}
    for finding in report.findings:
        for method, effect in finding.effects.items():
            rows.setdefault((method, finding.rule, effect), set()).update(finding.rows)
    return {method: verdict.status for method, verdict in report.verdicts.items()}, rows


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "seeds",
    [pytest.param(range(10), marks=pytest.mark.ci), pytest.param(range(10, 200), marks=pytest.mark.full)],
    ids=["few", "many"],
)
def test_groups_of_any_rows_say_what_each_row_says(kind: str, seeds: range) -> None:
    for seed in seeds:
        same(kind, seed)
