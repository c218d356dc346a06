"""Nearly the same texts are found as two loops over all pairs find them, and left out of the held-out part."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from hfft_widgets.scripts.leakage import nearly_same, row_text, shingles

WORD = st.sampled_from(["a", "b", "c", "d", "e", "f", "g", "h"])
TEXT = st.lists(WORD, max_size=30).map(" ".join)


@st.composite
def texts(draw: st.DrawFn) -> tuple[list[str], list[str]]:
    """Texts to train on, and held-out ones of which some are edits of them."""
    train = draw(st.lists(TEXT, max_size=8))
    held = draw(st.lists(TEXT, max_size=3))
    for text in draw(st.lists(st.sampled_from(train), max_size=4)) if train else []:
        words = text.split()
        for _ in range(draw(st.integers(0, 2))):
            if words:
                place = draw(st.integers(0, len(words) - 1))
                words[place : place + 1] = draw(st.lists(WORD, max_size=2))
        held.append(" ".join(words))
    return train, held


def by_brute_force(train: list[str], held: list[str]) -> set[int]:
    sets = [[shingles(text.split()) for text in part] for part in (train, held)]
    return {n for n, b in enumerate(sets[1]) for a in sets[0] if a and b and 5 * len(a & b) >= 4 * len(a | b)}


@given(texts())
@example((["a b c d e f g h i"], ["b c d e f g h i"]))
@example((["a b c d e f g h a b c d e f g h"], ["a b c d e f g h a b c d e f g h"]))
def test_those_are_found_that_a_comparison_of_all_pairs_finds(parts: tuple[list[str], list[str]]) -> None:
    train, held = parts
    found = nearly_same(iter(train), held)
    assert found.keys() == by_brute_force(train, held)
    for number, same in found.items():
        alike = [text for text in train if by_brute_force([text], [held[number]])]
        assert same is all(text == held[number] for text in alike)


def test_long_texts_with_a_few_other_words_are_found_and_a_shared_system_prompt_is_no_likeness() -> None:
    long = [f"word{n}" for n in range(300)]
    edited = [*long[:40], "other", *long[41:200], "another", *long[201:]]
    assert nearly_same([" ".join(long)], [" ".join(edited), "nothing of it all is here"]) == {0: False}
    system = {"role": "system", "content": " ".join(long)}
    turns = [[system, {"role": "user", "content": f"Why {n}?"}] for n in range(2)]
    one, other = (row_text({"messages": each}, ["messages"]) for each in turns)
    assert nearly_same([one], [other]) == {}
    assert nearly_same([one], [one]) == {0: True}


def test_the_script_leaves_them_out_of_the_held_out_part() -> None:
    from datasets import Dataset

    from hfft_widgets.scripts.leakage import apart

    text = "the river has seven bridges and each of them bears a number that was painted in spring before the snow went"
    train = Dataset.from_list([{"text": f"{text} of this year", "id": 1}, {"text": "nothing of it", "id": 2}])
    held = Dataset.from_list([{"text": f"{text} of that year", "id": 3}, {"text": "all of it is new here", "id": 4}])
    assert apart(train, held, ["text"])["id"] == [4]
    assert apart(train, held.select([0]), ["text"])["id"] == [3]  # something must be left
