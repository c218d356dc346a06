"""The repaired log is judged by its findings and its rows."""

from __future__ import annotations

import pytest

import hfft_widgets as hfft
from hfft_widgets.teaching.checks import data

pytestmark = pytest.mark.ci


def talk(n: int, role: str = "user", answer: str = "") -> dict[str, list[dict[str, str]]]:
    return {
        "messages": [
            {"role": role, "content": f"Why is it {n}?"},
            {"role": "assistant", "content": answer or f"Since it is {n}."},
        ]
    }


@pytest.fixture(scope="module")
def log() -> list[dict[str, list[dict[str, str]]]]:
    rows = [talk(n) for n in range(15)] + [talk(20), talk(20), talk(30, answer="n/a")]
    return [*rows, talk(40, role="human")]


def test_what_is_silent_must_go_and_what_is_good_must_stay(log):
    report = hfft.validate(log)
    assert report.total == data.LOG_ROWS
    (problem,) = data.repaired_log(report)
    assert "effect silent (row 18)" in problem
    assert data.repaired_log(report.with_fixes(*[one.fix for one in report.findings])) == []
    assert data.repaired_own(report) == [problem]
    assert data.repaired_own(hfft.validate([talk(n) for n in range(15)])) == []


def test_another_dataset_is_not_the_log():
    assert "the zoo's log has 19" in data.repaired_log(hfft.validate([talk(n) for n in range(15)]))[0]


def test_rows_that_no_method_takes_are_not_repaired():
    assert "No method is READY" in data.repaired_own(hfft.validate([{"n": n} for n in range(5)]))[-1]
