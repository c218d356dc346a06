"""A person points at the texts of one row; the places are those of all rows."""

from __future__ import annotations

import json
from typing import Any

import pytest

from hfft_widgets.core.data.mapping.column_mapping import ColumnMapping
from hfft_widgets.core.data.mapping.transforms import Transform
from hfft_widgets.core.data.report import validate_rows
from hfft_widgets.errors import DataError
from tests.core.data.small import assistant, user


def row(n: int) -> tuple[str, str, str]:
    return f"How far is it to town {n}?", f"It is {n} miles to there.", f"Nobody knows {n}."


@pytest.mark.parametrize(
    "layout",
    [
        lambda q, a, b: {"x": {"y": {"z": q}}, "w": [b, {"v": a}]},
        lambda q, a, b: {"x": json.dumps({"y": q, "z": [b, a]}), "id": 3},
        lambda q, a, b: {"one": b, "two": q, "three": a},
        lambda q, a, b: {"deep": [[[q]], {"k": a}]},
        lambda q, a, b: {"x": [{"who": "me", "what": q}, {"who": "it", "what": a}]},
        lambda q, a, b: {"log": f"USER: {q}\nASSISTANT: {a}"},
        lambda q, a, b: {"log": repr([{"role": "user", "content": q}, {"role": "assistant", "content": a}])},
    ],
)
def test_the_places_are_those_of_all_rows(layout: Any) -> None:
    report = validate_rows([layout(*row(n)) for n in range(6)], name="any")
    mapping = report.by_example("SFT", 2, prompt=row(2)[0], completion=row(2)[1])
    assert ColumnMapping.from_dict(json.loads(json.dumps(mapping.to_dict()))) == mapping
    report = report.with_mapping("SFT", mapping)
    assert report.verdicts["SFT"].status == "READY"
    for n in range(6):
        made = report.rows_for("SFT")[n]
        assert made.get("messages", [*made.get("prompt", []), *made.get("completion", [])]) == [
            user(row(n)[0]),
            assistant(row(n)[1]),
        ]


def test_pairs_and_numbers() -> None:
    rows = [{"a": {"q": row(n)[0]}, "b": [row(n)[2], row(n)[1]], "c": n} for n in range(6)]
    report = validate_rows(rows, name="any")
    pair = report.by_example("DPO", 0, prompt=row(0)[0], chosen=row(0)[1], rejected=row(0)[2])
    assert pair.apply(rows[3])["chosen"] == [assistant(row(3)[1])]
    counted = report.by_example("SFT", 4, prompt=row(4)[0], completion="4")
    assert counted.apply(rows[5])["completion"] == [assistant("5")]


def test_what_is_not_there_is_told() -> None:
    report = validate_rows([{"a": "Why?", "b": "So."}], name="any")
    with pytest.raises(DataError, match="nowhere in this row"):
        report.by_example("SFT", 0, prompt="How?", completion="So.")
    with pytest.raises(DataError, match="no row 7"):
        report.by_example("SFT", 7, prompt="Why?", completion="So.")
    with pytest.raises(DataError, match="does not take"):
        report.by_example("DPO", 0, prompt="Why?", chosen="So.")


def test_a_typed_prompt_names_columns() -> None:
    rows = [{"target": 3 + n, "nums": [1, n], "solution": f"1 + {n}"} for n in range(3)]
    prompt = Transform.filling("Using {nums} make {target}. {other}")
    mapping = ColumnMapping({"prompt": prompt, "completion": Transform("column", ("solution",), turn="assistant")})
    with pytest.raises(DataError, match="'other'"):
        validate_rows(rows, name="countdown").with_mapping("SFT", mapping)
    prompt = Transform.filling("Using {nums} make {target}.")
    mapping = ColumnMapping({**mapping.targets, "prompt": prompt})
    assert mapping.apply(rows[1])["prompt"] == [user("Using [1, 1] make 4.")]
    scope = {"dataset": _listed(rows)}
    exec(mapping.code(rows[0]), scope)
    assert scope["dataset"][1]["prompt"] == [user("Using [1, 1] make 4.")]
    with pytest.raises(DataError):
        Transform.filling("No column")


def _listed(rows: list[dict[str, Any]]) -> Any:
    from datasets import Dataset

    return Dataset.from_list(rows)
