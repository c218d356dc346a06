"""Verdicts, meaning and words on cases with known answers; that the mappings train, TRL's own trainers show."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import hfft_widgets as hfft
from tests.core.data.cases.exported import EXPORTED
from tests.core.data.cases.mine import MINE
from tests.core.data.cases.scoring import Known, public, scored
from tests.core.data.oracle.asking import quiet
from tests.core.data.oracle.trainers import as_dataset, train

pytest.importorskip("torch")
OWN = [*MINE, *EXPORTED]


@pytest.mark.parametrize(("name", "cases"), [("public", public()), ("mine", OWN)])
def test_what_is_said_is_what_a_careful_person_says(name: str, cases: list[Known], models: Path) -> None:
    score = scored(cases, str(models / "qwen3"))
    print(score, *score.wrong, sep="\n")
    assert score.faults["tracebacks"] == score.faults["false READY"] == 0
    assert score.share("verdicts") >= 0.98
    assert score.share("meaning") >= 0.90
    assert score.share("said") >= 0.90


TRAINED = ["glaive"]


@pytest.mark.parametrize(
    "case",
    [pytest.param(case, marks=pytest.mark.ci if case.id in TRAINED else pytest.mark.full) for case in OWN],
    ids=lambda case: case.id,
)
def test_the_trainer_takes_what_is_ready_and_what_is_proposed(case: Known, models: Path) -> None:
    pytest.importorskip("trl")
    methods = [one.upper() if one != "reward" else "Reward" for one in case.expected]
    report = hfft.validate(case.data, model=str(models / "qwen3"))
    wanted = [m for m in methods if report.verdicts[m].status in {"READY", "NEEDS MAPPING"}]
    refused = {method: error for method in wanted if (error := _refusal(case, report, method, models))}
    assert refused == {}


def _refusal(case: Known, report: Any, method: str, models: Path) -> str | None:
    mapping = report.verdicts[method].mapping
    if mapping:
        report = report.with_mapping(method, mapping.better("highest") if mapping.asks else mapping)
    scope = {"dataset": as_dataset(case.data)}
    with quiet():
        exec(report.code(method), scope)
        assert list(scope["dataset"]) == list(as_dataset(report.rows_for(method)))
        return train(method, scope["dataset"], "qwen3", models).raised
