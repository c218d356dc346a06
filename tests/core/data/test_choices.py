from __future__ import annotations

import pytest

from hfft_widgets.core.data.choices import LAYOUTS, choices
from hfft_widgets.core.data.mapping import ColumnMapping
from hfft_widgets.core.data.picks import Pick
from hfft_widgets.core.data.report import METHODS, Status, ValidationReport, validate_rows
from hfft_widgets.core.data.views_mapping import Field, Layout
from tests.core.data.small import ROWS


def filled(report: ValidationReport, method: str, picks: dict[str, Pick]) -> ColumnMapping:
    layout = Layout(method, tuple(Field(target, choices(target, report.schema)) for target in picks))
    return layout.mapping(report, list(picks.values()))


def test_every_method_has_a_layout() -> None:
    assert set(LAYOUTS) == set(METHODS)


def test_the_surest_choice_comes_first() -> None:
    schema = validate_rows([{"instruction": "Why?", "input": "x", "output": "So.", "id": "7"}], name="x").schema
    prompt, completion = (choices(target, schema) for target in ("prompt", "completion"))
    assert prompt[0].label == "'instruction' (likely)"
    assert ("joined", ("instruction", "input")) in [(choice.pick.how, choice.pick.columns) for choice in prompt]
    assert completion[0].pick.columns == ("output",)
    assert completion[-1].confidence == "a guess"


@pytest.mark.parametrize("name", ROWS)
def test_what_can_be_chosen_can_be_applied(name: str) -> None:
    report = validate_rows(ROWS[name], name=name)
    for method, layouts in LAYOUTS.items():
        for layout in layouts:
            firsts = {target: found[0].pick for target in layout if (found := choices(target, report.schema))}
            if len(firsts) == len(layout):
                mapping = filled(report, method, firsts)
                assert report.with_mapping(method, mapping).verdicts[method].mapping == mapping


def test_a_choice_by_hand_makes_a_method_ready() -> None:
    rows = [{"q": f"Why {n}?", "a1": "So.", "a2": "No."} for n in range(3)]
    report = validate_rows(rows, name="x")
    assert report.verdicts["DPO"].status is Status.INCOMPATIBLE
    picks = {
        target: next(c.pick for c in choices(target, report.schema) if c.pick.columns == (name,) and not c.pick.turn)
        for target, name in (("prompt", "q"), ("chosen", "a1"), ("rejected", "a2"))
    }
    chosen = report.with_mapping("DPO", filled(report, "DPO", picks))
    assert chosen.verdicts["DPO"].status is Status.READY


def test_scores_are_offered_for_the_answers() -> None:
    rows = [{"question": "Why?", "answer_0": "So.", "answer_1": "No.", "score_0": 0.5, "score_1": -0.5}] * 2
    schema = validate_rows(rows, name="x").schema
    assert choices("chosen", schema)[0].pick.how == "better"
    assert choices("rejected", schema)[0].pick.how == "worse"
