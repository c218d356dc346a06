from __future__ import annotations

import pytest

from hfft_widgets.core.data.mapping.column_mapping import ColumnMapping
from hfft_widgets.core.data.mapping.form import Field, Layout
from hfft_widgets.core.data.mapping.options import choices
from hfft_widgets.core.data.mapping.transforms import Transform
from hfft_widgets.core.data.report import Status, ValidationReport, validate_rows
from hfft_widgets.core.method import METHODS
from tests.core.data.small import ROWS


def filled(report: ValidationReport, method: str, transforms: dict[str, Transform]) -> ColumnMapping:
    layout = Layout(method, tuple(Field(target, choices(target, report.schema)) for target in transforms))
    return layout.mapping(report.schema, list(transforms.values()))


def test_the_surest_choice_comes_first() -> None:
    schema = validate_rows([{"instruction": "Why?", "input": "x", "output": "So.", "id": "7"}], name="x").schema
    prompt, completion = (choices(target, schema) for target in ("prompt", "completion"))
    assert prompt[0].label == "'instruction' (likely)"
    assert ("joined", ("instruction", "input")) in [
        (choice.transform.how, choice.transform.columns) for choice in prompt
    ]
    assert completion[0].transform.columns == ("output",)
    assert completion[-1].confidence == "a guess"


@pytest.mark.parametrize("name", ROWS)
def test_what_can_be_chosen_can_be_applied(name: str) -> None:
    report = validate_rows(ROWS[name], name=name)
    for method in METHODS.values():
        for layout in method.layouts:
            firsts = {target: found[0].transform for target in layout if (found := choices(target, report.schema))}
            if len(firsts) == len(layout):
                mapping = filled(report, method.name, firsts)
                assert report.with_mapping(method.name, mapping).verdicts[method.name].mapping == mapping


def test_a_choice_by_hand_makes_a_method_ready() -> None:
    rows = [{"q": f"Why {n}?", "a1": "So.", "a2": "No."} for n in range(3)]
    report = validate_rows(rows, name="x")
    assert report.verdicts["DPO"].status is Status.INCOMPATIBLE
    transforms = {
        target: next(
            c.transform
            for c in choices(target, report.schema)
            if c.transform.columns == (name,) and not c.transform.turn
        )
        for target, name in (("prompt", "q"), ("chosen", "a1"), ("rejected", "a2"))
    }
    chosen = report.with_mapping("DPO", filled(report, "DPO", transforms))
    assert chosen.verdicts["DPO"].status is Status.READY


def test_scores_are_offered_for_the_answers() -> None:
    rows = [{"question": "Why?", "answer_0": "So.", "answer_1": "No.", "score_0": 0.5, "score_1": -0.5}] * 2
    schema = validate_rows(rows, name="x").schema
    assert choices("chosen", schema)[0].transform.how == "better"
    assert choices("rejected", schema)[0].transform.how == "worse"
