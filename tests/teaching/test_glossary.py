"""About forty words, each in plain sentences; each picture has words."""

from __future__ import annotations

import pytest

import hfft_widgets as hfft
from hfft_widgets.teaching.glossary import entries, entry
from hfft_widgets.teaching.notebooks import linked_words
from hfft_widgets.teaching.pictures import PICTURES, picture
from hfft_widgets.teaching.source import lessons


def test_about_forty_words_and_a_dozen_pictures():
    assert 38 <= len(entries()) <= 50
    used = {one.picture for one in entries().values() if one.picture}
    assert used == set(PICTURES)
    assert len(used) >= 12
    assert all(len(one.means) <= 200 and one.means.endswith(".") for one in entries().values())


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_is_said_in_words(name):
    caption, _ = PICTURES[name]
    drawn = picture(name)
    assert drawn.count(caption) == 2  # for the eye, and for a screen reader
    assert 'role="img"' in drawn


def test_a_word_is_found_in_any_form():
    assert entry("Tokens").word == "token"
    assert entry("LORA").word == "LoRA"
    assert entry("batches").word == "batch"
    with pytest.raises(hfft.errors.LessonError, match="no word 'horse'"):
        entry("horse")


def test_words_of_a_lesson():
    made = hfft.glossary("data")
    assert [one.word for one in made.entries] == list(linked_words(lessons()["data"]))
    assert "loss mask: " in str(made)
    assert "<svg" in made._repr_html_()
    assert len(hfft.glossary().entries) == len(entries())
    assert [one.word for one in hfft.glossary("KL", "row", "KL").entries] == ["KL", "row"]
