from __future__ import annotations

from hfft_widgets.core.data.columns import Shape, schema_of
from hfft_widgets.core.data.mapping.column_names import (
    CHOSEN_WORDS,
    NO,
    PROMPT,
    REJECTED_WORDS,
    YES,
    flat,
    spelled,
    worded,
)

SCHEMA = schema_of([{"id": "7", "Query": "Why?", "user-prompt": "Why?", "INSTRUCTION": "Why?", "question": 3}])


def test_names_are_compared_without_case_and_separators_and_the_surest_comes_first() -> None:
    assert flat("User-Prompt_2") == "userprompt2"
    assert list(spelled(SCHEMA, PROMPT, {Shape.TEXT})) == ["INSTRUCTION", "Query", "user-prompt"]
    assert list(spelled(SCHEMA, PROMPT, {Shape.NUMBER})) == ["question"]


def test_of_columns_that_are_spelled_alike_the_first_comes_first() -> None:
    schema = schema_of([{"User_Prompt": "Why?", "userprompt": "Why?"}])
    assert list(spelled(schema, PROMPT, {Shape.TEXT})) == ["User_Prompt", "userprompt"]


def test_one_word_of_a_name_is_enough_for_preferences_and_the_shortest_name_comes_first() -> None:
    schema = schema_of([{"the_good_response": "a", "chosen": "b", "goodness": "c", "better": 3}])
    assert list(worded(schema, CHOSEN_WORDS, {Shape.TEXT})) == ["chosen", "the_good_response"]


def test_no_word_means_both() -> None:
    assert not {*YES} & {*NO}
    assert not CHOSEN_WORDS & REJECTED_WORDS
