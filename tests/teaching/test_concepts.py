"""Each of the eleven concepts is met, asked and checked in the course."""

from __future__ import annotations

import pytest

from hfft_widgets import teaching
from hfft_widgets.teaching.concepts import CONCEPTS
from hfft_widgets.teaching.glossary import entry
from hfft_widgets.teaching.source import lessons

FOUND = {one.name: one for one in teaching.concepts().concepts}
# what the lessons on running and exporting bring
IN_A_RUN = {"learning rate", "evaluation", "overfitting", "DPO/SFT/GRPO", "KL"}
IN_AN_EXPORT = {"quantization", "template"}
THERE = {
    name
    for name in CONCEPTS
    if (name not in IN_A_RUN or "run" in lessons()) and (name not in IN_AN_EXPORT or "export" in lessons())
}


@pytest.mark.parametrize("name", sorted(THERE))
def test_a_concept_is_met_asked_and_checked(name):
    assert FOUND[name].missing == ()


def test_each_has_its_word():
    assert len(CONCEPTS) == 11
    assert all(entry(word).word == word for word in CONCEPTS.values())


def test_what_a_question_names_is_a_concept():
    named = {name for one in lessons().values() for part in (*one.questions, *one.exercises) for name in part.concepts}
    assert named <= set(CONCEPTS)


def test_the_table_is_read_everywhere():
    table = teaching.concepts()
    assert table.to_markdown().count("\n") == 12
    assert "loss mask" in str(table)
    assert "data-3" in table._repr_html_()
