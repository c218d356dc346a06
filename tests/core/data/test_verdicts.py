"""What is said about each dataset of the oracle's corpus; that the corpus is right, test_oracle shows."""

from __future__ import annotations

from pathlib import Path

import pytest

import hfft_widgets as hfft
from tests.core.data.oracle.case import Case
from tests.core.data.oracle.corpus import CASES
from tests.core.data.oracle.scoring import flagged_rows
from tests.core.data.oracle.trainers import METHODS, as_dataset

pytest.importorskip("torch")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_verdicts_and_rows(case: Case, models: Path) -> None:
    for template, expected in case.by_template.items():
        report = hfft.validate(as_dataset(case.rows), model=str(models / template), learned="all")  # as TRL by itself
        assert tuple(report.verdicts) == METHODS
        for method, verdict in report.verdicts.items():
            assert verdict.status in expected.verdicts[method], (template, method, verdict)
            assert (verdict.mapping is not None) == (verdict.status == "NEEDS MAPPING")
            assert verdict.reason
            assert "\n" not in verdict.reason
            if verdict.status in {"READY", "BLOCKED BY ROWS"}:
                bad = {row for row, told in expected.bad.items() if method in told}
                left_open = {row for row, methods in expected.open.items() if method in methods}
                assert flagged_rows(report, method) - left_open == bad, (template, method)


# How many tokens a text has, only a model's tokenizer knows.
SHORT = [case for case in CASES if "far too long" not in case.name]


@pytest.mark.parametrize("case", SHORT, ids=lambda case: case.name)
def test_without_a_model_nothing_is_promised_that_a_template_breaks(case: Case) -> None:
    """Without a template the report may say less, and never READY where every template makes the trainer raise."""
    report = hfft.validate(as_dataset(case.rows))
    for method, verdict in report.verdicts.items():
        if any("READY" in told.verdicts[method] for told in case.by_template.values()):
            continue
        assert verdict.status != "READY", method
