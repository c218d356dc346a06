from __future__ import annotations

from typing import Any

import pytest

from hfft_widgets.core.data.columns import Shape, schema_of
from hfft_widgets.core.data.mapping.places import widened
from hfft_widgets.core.data.mapping.preferences import labels, ranked
from hfft_widgets.core.data.mapping.transforms import Transform


def label(name: str, cells: list[Any]) -> list[Transform]:
    return list(labels(schema_of([{name: cell} for cell in cells])))


@pytest.mark.parametrize(
    ("name", "cells", "transform"),
    [
        ("liked", [True, False, None], Transform("column", ("liked",))),
        ("label", [0, 1, 1], Transform("column", ("label",))),
        ("Thumbs", ["Thumbs Up", "thumbs down", None], Transform("one_of", ("Thumbs",), values=("Thumbs Up",))),
        ("stars", [1, 2, 3, 4, 5], Transform("at_least", ("stars",), values=(4,))),
        ("score", [0.0, 0.5, 1.0, 0.25], Transform("at_least", ("score",), values=(0.6,))),
        ("vote", [-1, 1], Transform("at_least", ("vote",), values=(1,))),
        ("score", [-0.5, 0.5], Transform("at_least", ("score",), values=(0.0,))),
        ("rating", [4, 4], Transform("at_least", ("rating",), values=(4,))),
    ],
)
def test_what_says_that_an_answer_was_wanted(name: str, cells: list[Any], transform: Transform) -> None:
    assert label(name, cells) == [transform]


@pytest.mark.parametrize(("name", "cells"), [("label", ["cat", "dog"]), ("label", ["no"]), ("age", [1, 2, 3])])
def test_what_says_nothing_of_the_kind(name: str, cells: list[Any]) -> None:
    assert label(name, cells) == []


Row = dict[str, Any]


def better(*rows: Row) -> list[Transform]:
    found = list(ranked(widened(schema_of(rows), rows), (Shape.TEXT,)))
    assert all((one.columns, one.values, one.keys) == (w.columns, w.values, w.keys) for one, w in found)
    assert {one.how for one, _ in found} <= {"better", "best"}
    assert {worse.how for _, worse in found} <= {"worse", "worst"}
    return [one for one, _ in found]


PAIR = {"response_a": "So.", "response_b": "No."}


def test_scores_choose() -> None:
    scored = {**PAIR, "score_a": 1.5, "score_b": 0.5}
    columns = ("response_a", "response_b", "score_a", "score_b")
    assert Transform("better", columns, wins="highest") in better(scored)
    assert better({**PAIR, "length_a": 3, "length_b": 4}) == []


@pytest.mark.parametrize(
    ("name", "cells", "values", "others"),
    [
        ("winner", ["model_a", "model_b", "tie"], ("model_a",), ("model_b",)),
        ("winner", ["A", "tie"], ("A",), ("B",)),
        ("winner", ["response_a", None], ("response_a",), ("response_b",)),
        ("labels", [0, 1], (1,), (0,)),
        ("better_response_id", [0, 1], (0,), (1,)),
        ("choice", [1, 2], (1,), (2,)),
    ],
)
def test_a_choice_chooses(name: str, cells: list[Any], values: tuple[Any, ...], others: tuple[Any, ...]) -> None:
    transform = Transform("better", ("response_a", "response_b", name), values=values, others=others)
    assert transform in better(*({**PAIR, name: cell} for cell in cells))


def test_of_many_answers_their_scores_choose() -> None:
    answers = [{"response": "So.", "overall_score": 3}, {"response": "No.", "overall_score": 1}]
    way = (("each", "response"),), (("each", "overall_score"),)
    columns = ("completions", "completions")
    assert better({"completions": answers}) == [Transform("best", columns, paths=way, wins="highest")]
    assert better({"completions": [{"response": "So."}]}) == []


@pytest.mark.parametrize(
    ("rows", "wins"),
    [
        ([{**PAIR, "rank_a": 1, "rank_b": 2}], "lowest"),
        ([{**PAIR, "position_a": 1, "position_b": 2}], "lowest"),
        ([{**PAIR, "toxicity_score_a": 0.1, "toxicity_score_b": 0.2}], "ask"),
        ([{**PAIR, "loss_a": 0.1, "loss_b": 0.2}], "ask"),
        ([{**PAIR, "label": 0}, {**PAIR, "label": 1}], "ask"),
        ([{**PAIR, "overall_preference": -2}, {**PAIR, "overall_preference": 3}], "lowest"),
        ([{"answers": [{"answer": "So.", "rank": 0}, {"answer": "No.", "rank": 1}]}], "lowest"),
        ([{"completions": ["So.", "No."], "scores": [2.0, 1.0]}], "highest"),
        ([{"responses": ["So.", "No."], "harm_scores": [2.0, 1.0]}], "ask"),
        ([{"winner_model_a": 1, "winner_model_b": 0, "winner_tie": 0, **PAIR}], "highest"),
    ],
)
def test_which_score_is_the_better_one_is_known_by_its_name_or_asked(rows: list[Row], wins: str) -> None:
    assert {transform.wins for transform in better(*rows)} == {wins}


def test_the_digits_of_names_say_which_answer_a_label_means() -> None:
    named = {"response_0": "So.", "response_1": "No."}
    found = better({**named, "label": 0}, {**named, "label": 1})
    assert [(one.values, one.others) for one in found] == [((0,), (1,))]
    assert found[0].value({**named, "label": 0}) == "So."
    assert found[0].value({**named, "label": 2}) is None


@pytest.mark.parametrize(
    "pair", [("answer_0", "answer_1"), ("text 1", "text 2"), ("first_reply", "second_reply"), ("LeftText", "RightText")]
)
def test_names_of_two_answers_differ_in_one_word(pair: tuple[str, str]) -> None:
    found = better({pair[0]: "So.", pair[1]: "No.", "winner": "left"}, {pair[0]: "So.", pair[1]: "No.", "winner": "b"})
    assert {transform.columns[:2] for transform in found} == {pair}
