"""What is said about each dataset of the corpus."""

from __future__ import annotations

import pytest

from hfft_widgets.core.data.report import METHODS, Status, validate_rows
from tests.core.data.corpus import CASES, Case


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_verdicts(case: Case) -> None:
    from datasets import Dataset

    report = validate_rows(Dataset.from_list(case.rows, on_mixed_types="use_json"), name=case.name)
    assert tuple(str(report.verdicts[method].status) for method in METHODS) == case.verdicts
    for verdict in report.verdicts.values():
        assert (verdict.mapping is not None) == (verdict.status is Status.NEEDS_MAPPING)
        assert verdict.reason
        assert "\n" not in verdict.reason


@pytest.mark.parametrize("case", [case for case in CASES if case.rules], ids=lambda case: case.name)
def test_findings(case: Case) -> None:
    from datasets import Dataset

    report = validate_rows(Dataset.from_list(case.rows, on_mixed_types="use_json"), name=case.name)
    assert {finding.rule for finding in report.findings} == set(case.rules)
