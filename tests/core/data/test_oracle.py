"""Verdicts against the truth: TRL's real trainers, one epoch each on a tiny random model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from hfft_widgets.core.data.report import METHODS, Status, ValidationReport, validate_rows
from tests.core.data.corpus import BY_NAME, CASES
from tests.core.data.trainers import CHATML, save_model, train

pytest.importorskip("trl")

# One of each kind in the fast tier, all pairs in the full one.
FAST = {
    ("messages", "SFT"),
    ("messages beside prompt", "SFT"),
    ("preference", "DPO"),
    ("good and bad response", "DPO"),
    ("empty messages in a row", "SFT"),
    ("no chosen in a row", "DPO"),
    ("question and answer", "GRPO"),
    ("empty prompt in a row", "GRPO"),
    ("text", "DPO"),
}
PAIRS = [
    pytest.param(case.name, method, marks=() if (case.name, method) in FAST else pytest.mark.full)
    for case in CASES
    for method in METHODS
]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model")
    save_model(folder)
    return folder


def judged(name: str) -> tuple[Any, ValidationReport]:
    from datasets import Dataset

    rows = Dataset.from_list(BY_NAME[name].rows, on_mixed_types="use_json")
    return rows, validate_rows(rows, name=name, model="tiny", template=CHATML)


def prepared(rows: Any, report: ValidationReport, method: str) -> Any:
    scope = {"dataset": rows}
    exec(report.code(method), scope)
    return scope["dataset"]


def crash_fixes(report: ValidationReport, method: str) -> list[Any]:
    return [finding.fix for finding in report.findings if finding.effects.get(method) == "crash"]


@pytest.mark.parametrize(("name", "method"), PAIRS)
def test_the_trainer_agrees(name: str, method: str, model: Path, tmp_path: Path) -> None:
    rows, report = judged(name)
    verdict = report.verdicts[method]
    raised = train(method, rows, model, tmp_path, BY_NAME[name].batch)
    if verdict.status is Status.READY:
        assert raised is None
    elif method in dict(BY_NAME[name].accepted):
        assert raised is None, "listed as accepted, so that the list stays true"
    else:
        assert raised is not None


@pytest.mark.parametrize(("name", "method"), PAIRS)
def test_what_is_offered_is_accepted_by_the_trainer(name: str, method: str, model: Path, tmp_path: Path) -> None:
    rows, report = judged(name)
    if report.verdicts[method].status is Status.NEEDS_MAPPING:
        report = report.with_mapping(method, report.verdicts[method].mapping)
    if report.verdicts[method].status is Status.BLOCKED_BY_ROWS:
        fixes = crash_fixes(report, method)
        assert all(fixes)
        report = report.with_fixes(*fixes)
    if report.verdicts[method].status is Status.INCOMPATIBLE:
        assert report.verdicts[method].mapping is None
        return
    assert report.verdicts[method].status is Status.READY
    assert train(method, prepared(rows, report, method), model, tmp_path) is None
