"""The data lesson says what is true: its three datasets are what it calls them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nbformat
import pytest

import hfft_widgets as hfft

LESSON = Path(__file__).parents[3] / "notebooks" / "1_data.ipynb"


@pytest.fixture
def lesson(sample_folders: Path, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """What the lesson's cells leave behind."""
    space: dict[str, Any] = {}
    for cell in nbformat.read(LESSON, as_version=4).cells:
        if cell.cell_type == "code":
            exec(compile(cell.source, LESSON.name, "exec"), space)
    return space


def test_the_lesson_tells_the_truth(lesson: dict[str, Any]) -> None:
    model = lesson["MODEL"]
    good = hfft.validate(lesson["good"], model=model)
    assert {m: str(v.status) for m, v in good.verdicts.items()} == {
        "SFT": "READY", "GRPO": "NEEDS MAPPING", "RLOO": "NEEDS MAPPING",
        "DPO": "INCOMPATIBLE", "KTO": "INCOMPATIBLE", "Reward": "INCOMPATIBLE",
    }  # fmt: skip
    assert good.findings == ()

    rated = hfft.validate(lesson["rated"], model=model)
    assert rated.recommended == "DPO"
    targets = rated.verdicts["DPO"].mapping.targets
    assert [targets[name].columns for name in ("prompt", "chosen", "rejected")] == [
        ("question",), ("good_response",), ("bad_response",),
    ]  # fmt: skip

    poisoned = hfft.validate(lesson["log"], model=model)
    assert poisoned.verdicts["SFT"].status == "READY"
    assert {f.rows: f.effects["SFT"] for f in poisoned.findings} == {
        (4,): "silent", (6,): "silent", (12, 13, 14): "warn", (15, 16, 17, 18): "warn",
    }  # fmt: skip
    assert all(finding.fix for finding in poisoned.findings)
    assert lesson["clean"].findings == ()
    assert len(lesson["clean"].rows_for("SFT")) == 11


def test_what_the_lesson_proposes_to_try_is_found(lesson: dict[str, Any]) -> None:
    found = set()
    for change in (
        lambda rows: rows[3]["messages"][1].update(content=None),
        lambda rows: rows[3]["messages"][1].update(content="so " * 3000),
        lambda rows: rows[3]["messages"][1].update(content="Yes.<|im_end|>"),
        lambda rows: rows[3].update(messages="Why?"),
    ):
        rows = [lesson["talk"](*fact) for fact in lesson["FACTS"]]
        change(rows)
        rules = {finding.rule for finding in hfft.validate(rows, model=lesson["MODEL"]).findings if 3 in finding.rows}
        assert rules - found
        found |= rules
    beside = [row | {"prompt": "Why?"} for row in lesson["good"]]
    assert hfft.validate(beside, model=lesson["MODEL"]).verdicts["SFT"].status == "NEEDS MAPPING"
