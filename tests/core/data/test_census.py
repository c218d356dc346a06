"""A report from one row per group must be the report from every row."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hfft_widgets.core.data import judge
from hfft_widgets.core.data.census import Census, take_census
from hfft_widgets.core.data.fixes import Fix
from hfft_widgets.core.data.report import ValidationReport, validate_rows
from hfft_widgets.core.data.rows import PythonRows
from tests.core.data.small import CHATML, chats, user


def by_row(rows: Any, **how: Any) -> Census:
    """The census in which every row is a group of its own."""
    census = take_census(rows, **how)
    members = tuple({name: row[name] for name in census.columns if name in census.focus} for row in rows)
    return replace(census, groups=members, of=np.arange(census.total, dtype=np.int32))


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


@given(ROWS, st.booleans(), st.sampled_from([CHATML, None, ""]))
@settings(max_examples=60, deadline=None)
def test_groups_say_what_rows_say(rows: list[dict[str, Any]], fixed: bool, template: str | None) -> None:
    rows = [GOOD] * 6 + rows + rows  # of rows that are all odd, none is the usual one that a trainer should see first
    grouped = validate_rows(rows, name="x", template=template)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(judge, "take_census", by_row)
        single = validate_rows(rows, name="x", template=template)
    assert told(grouped) == told(single)
    if fixed:
        fixes = [finding.fix for finding in grouped.findings]
        assert told(grouped.with_fixes(*fixes)) == told(single.with_fixes(*fixes))


def test_rows_of_one_form_are_one_group() -> None:
    rows = PythonRows(chats() * 100)
    census = take_census(rows, focus={"messages"}, read={"messages"})
    assert (len(census.groups), census.total) == (1, 300)
    assert len(np.unique(census.digests["messages"])) == 3


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
