"""Lessons are written for people who read English as a second language (level B1): known words, short sentences.

`words.txt` holds the base forms of plain words and, after them, the terms of the field that no lesson can do without. A
word that it lacks is replaced by a plain one, or, where it is as plain as the others, added.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from statistics import mean

import pytest

from hfft_widgets.teaching.before_after import questions_of
from hfft_widgets.teaching.glossary import entries
from hfft_widgets.teaching.pictures import PICTURES
from hfft_widgets.teaching.source import Lesson, lessons

WORDS = frozenset((Path(__file__).with_name("words.txt")).read_text("utf-8").split())
LONGEST_SENTENCE = 32
MEAN_SENTENCE = 12
IDIOMS = re.compile(
    r"quietly poison|that is how it sticks|eaten in bites|bear a learning|rule of thumb|out of the box|under the hood|"
    r"in a nutshell|piece of cake|hands.on|deep dive|silver bullet|low.hanging|at the end of the day|a bit of a|"
    r"ballpark|cutting.edge|game.chang|kick off|nitty|leverage|utili[sz]e|boils down|gotcha|sanity check|no.brainer",
    re.IGNORECASE,
)
# code, links and what is typed are not read as English
_CODE = re.compile(r"```.*?```|`[^`]*`|https?://\S+|\[\[[^\]|]*\||\[\[|\]\]|<[^>]*>", re.DOTALL)
_WORD = re.compile(r"[A-Za-z]+(?:['\u2019][a-z]+)?")


def texts(lesson: Lesson) -> Iterator[str]:
    """All that a learner reads of a lesson."""
    front = lesson.front
    yield from (front["title"], front["thought"], front["true"], *front["verbs"], *front["take_along"])
    yield from lesson.words.split("\n\n")
    for question in lesson.questions:
        yield from (question.ask, question.because, question.hint)
        yield from (one for answer in question.answers for one in (answer.says, answer.thinks, answer.look))
    for exercise in lesson.exercises:
        yield from (exercise.task, exercise.click, exercise.line, exercise.own, exercise.hint)


def other_texts() -> Iterator[str]:
    """The glossary, its pictures, and the eight questions around the course."""
    yield from (one.means for one in entries().values())
    yield from (caption for caption, _ in PICTURES.values())
    for question in questions_of("before"):
        yield from (question.ask, question.because, question.hint)
        yield from (one for answer in question.answers for one in (answer.says, answer.thinks, answer.look))


SOURCES = {**{name: list(texts(one)) for name, one in lessons().items()}, "other": list(other_texts())}
EVERY = pytest.mark.parametrize("source", SOURCES)


def bases(word: str) -> Iterator[str]:
    """A word and what it may be a form of."""
    plain = re.sub(r"['\u2019].*", "", word.casefold())
    yield plain
    for ending, others in (
        ("s", ("",)), ("es", ("", "e")), ("ies", ("y",)), ("ed", ("", "e")), ("d", ("",)), ("ing", ("", "e")),
        ("er", ("", "e")), ("est", ("", "e")), ("ly", ("", "le")), ("ied", ("y",)), ("ier", ("y",)), ("iest", ("y",)),
    ):  # fmt: skip
        if plain.endswith(ending):
            stem = plain[: -len(ending)]
            yield from (stem + other for other in others)
            if ending in {"ed", "ing", "er", "est"} and stem[-1:] == stem[-2:-1]:
                yield stem[:-1]  # stopped, bigger


def is_known(word: str) -> bool:
    """Whether it is on the list, in some form; names and abbreviations count as known."""
    return len(word) == 1 or not word[1:].islower() or any(base in WORDS for base in bases(word))


@EVERY
def test_words_are_plain(source):
    unknown = {word for text in SOURCES[source] for word in _WORD.findall(_CODE.sub(" ", text)) if not is_known(word)}
    assert sorted(unknown) == []


@EVERY
def test_no_idioms(source):
    assert [found[0] for text in SOURCES[source] for found in IDIOMS.finditer(text)] == []


@EVERY
def test_sentences_are_short(source):
    lengths = {sentence: len(_WORD.findall(sentence)) for text in SOURCES[source] for sentence in sentences(text)}
    assert [sentence for sentence, count in lengths.items() if count > LONGEST_SENTENCE] == []
    assert mean(lengths.values()) <= MEAN_SENTENCE


def sentences(text: str) -> Iterator[str]:
    """A text's sentences; a line of a list or a table is one of its own."""
    plain = _CODE.sub("x", text)
    for block in re.split(r"\n(?=[*#|\d-])|\|", plain):
        yield from (one for one in re.split(r"(?<=[.!?:;])\s+", " ".join(block.split())) if _WORD.search(one))


def test_the_list_is_in_order():
    words = Path(__file__).with_name("words.txt").read_text("utf-8").split()
    assert len(words) == len(set(words))


@pytest.mark.parametrize(
    ("word", "known"),
    [("stopped", True), ("bigger", True), ("cities", True), ("makes", True), ("GPU", True), ("heteroscedastic", False)],
)
def test_forms_of_a_word_are_known(word, known):
    assert is_known(word) is known
