"""The sets of columns a person can fill for a method, in order."""

from __future__ import annotations

import dataclasses

import pytest

from hfft_widgets.core.data.mapping.form import conflict
from hfft_widgets.core.data.mapping.transforms import Transform
from hfft_widgets.core.data.report import validate_rows
from tests.core.data.small import ROWS


def test_the_proposed_layout_comes_first() -> None:
    report = validate_rows(ROWS["good and bad response"], name="x")
    first, *others = report.layouts("DPO")
    mapping = report.verdicts["DPO"].mapping
    assert first.mapping(report.schema, [field.choices[0].transform for field in first.fields]) == mapping
    assert [layout.label for layout in others] == ["chosen + rejected"]


def test_a_layout_that_cannot_be_filled_comes_last_and_says_why() -> None:
    report = validate_rows(ROWS["question and answer"], name="x")
    last = report.layouts("KTO")[-1]
    assert not last.usable
    assert "nothing for label" in last.label


def chosen(rows, method: str) -> dict[str, str | None]:
    layout = validate_rows(rows, name="x").layouts(method)[0]
    places = zip(layout.fields, layout.defaults(), strict=True)
    return {field.target: None if n is None else field.choices[n].transform.words for field, n in places}


def test_what_is_proposed_is_chosen_already() -> None:
    assert chosen(ROWS["good and bad response"], "DPO") == {
        "prompt": "'prompt'", "chosen": "'good_response'", "rejected": "'bad_response'",
    }  # fmt: skip


def test_nothing_is_chosen_by_a_score_of_which_nobody_knows_which_end_is_good() -> None:
    row = {"prompt": "Why?", "response_a": "So.", "response_b": "No.", "toxicity_a": 0.1, "toxicity_b": 0.9}
    assert chosen([row] * 3, "DPO") == {"prompt": "'prompt'", "chosen": None, "rejected": None}
    report = validate_rows([row] * 3, name="x")
    asked = report.verdicts["DPO"].mapping.asks
    assert asked == ("Which answer is better, the one with the highest or the lowest 'toxicity_a' or 'toxicity_b'?")


def test_chosen_and_rejected_are_never_chosen_by_a_guess() -> None:
    talk = [{"messages": [{"role": "user", "content": "Why?"}, {"role": "assistant", "content": "So."}]}] * 3
    assert chosen(talk, "DPO") == {
        "prompt": "the turns of 'messages' before the answer", "chosen": None, "rejected": None,
    }  # fmt: skip
    assert chosen([{"a": "Why?", "b": "So.", "c": "No."}] * 3, "DPO") == {
        "prompt": "'a'", "chosen": None, "rejected": None,
    }  # fmt: skip


def test_one_source_is_not_chosen_for_two_columns() -> None:
    found = chosen([{"only": "Why?", "n": 1}] * 3, "SFT")
    assert len([words for words in found.values() if words]) <= 1


@pytest.mark.parametrize(
    ("targets", "found"),
    [
        ({"chosen": ("column", "a"), "rejected": ("column", "a")}, ("chosen", "rejected")),
        ({"prompt": ("column", "a"), "chosen": ("column", "a"), "rejected": ("column", "b")}, ("prompt", "chosen")),
        ({"prompt": ("turns_before_answer", "m"), "completion": ("answer_turn", "m")}, None),
        ({"chosen": ("better", "a", "b", "n"), "rejected": ("worse", "a", "b", "n")}, None),
        ({"chosen": ("column", "a"), "rejected": None}, None),
    ],
)
def test_columns_that_would_say_the_same_are_found(targets, found) -> None:
    made = {name: way and Transform(way[0], way[1:], values=(1,)) for name, way in targets.items()}
    assert conflict(made) == found
    turned = {name: way and dataclasses.replace(way, turn="assistant") for name, way in made.items()}
    assert conflict({**made, **{name: turned[name] for name in list(made)[1:]}}) == found
