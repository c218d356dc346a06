"""A chosen file, and the text of a question."""

from __future__ import annotations

import pytest

from hfft_widgets.teaching.checks import check
from hfft_widgets.teaching.tables import quantizations

OWN = quantizations().forms["its own template"].template


@pytest.mark.parametrize(
    ("choice", "words"),
    [("Q4_K_M", ""), ("Q2_K", "changes 5 answers"), ("F16", "a smaller file"), ("Q9", "none of the files")],
)
def test_the_smallest_file_that_is_good_enough(choice, words):
    outcome = check("export-ex1", choice)
    assert bool(outcome) is not bool(words)
    assert words in str(outcome)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (OWN.replace("{question}", "isleap(year)"), ""),
        (OWN.removeprefix("<s>").replace("{question}", "isleap(year)"), ""),
        ("isleap(year)", "does not end with the mark"),
        (OWN.partition("{question}")[0] + "isleap(year)", "does not end with the mark"),
        (OWN, "{question} is still"),
        (OWN.replace("{question}", "hello"), "is not in the text"),
        (7, "This is a int"),
    ],
)
def test_a_question_in_the_models_own_template(text, words):
    outcome = check("export-ex2", text)
    assert bool(outcome) is not bool(words), str(outcome)
    assert words in str(outcome)
