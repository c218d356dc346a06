"""The wrong answers of the recorded run, all and no other; and a run that learned."""

from __future__ import annotations

import math

import pytest

import hfft_widgets as hfft
from hfft_widgets.teaching.checks import quickstart


@pytest.fixture(scope="module")
def rows():
    return hfft.replay("sft", speed=math.inf).wait().to_dict()["answers"]["rows"]


def test_all_that_are_wrong_and_no_other(rows):
    wrong = [row for row in rows if row["after"] != row["expected"]]
    assert quickstart.still_wrong(wrong) == []
    assert quickstart.still_wrong(wrong[1:]) == ["1 row with a wrong answer is not among them."]
    assert "has the right answer" in quickstart.still_wrong(rows)[0]
    assert "are no rows" in quickstart.still_wrong([1])[0]
    assert "This is a int" in quickstart.still_wrong(1)[0]


def test_a_run_of_ones_own_must_have_learned():
    assert quickstart.own_run(hfft.replay("sft", speed=math.inf)) == []
    assert "not ended" in quickstart.own_run(hfft.replay("sft", speed=1))[0]
    assert "This is a list" in quickstart.own_run([])[0]
