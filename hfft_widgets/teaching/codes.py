"""A class code: ten letters and digits that hold what was answered in one lesson, and nobody's name.

First and last answer of each question in base 25, a bit per exercise, the lesson's number, and five bits of checksum,
in Crockford's base 32 (no letter that reads like a digit; https://www.crockford.com/base32.html).
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hfft_widgets.errors import LessonError
from hfft_widgets.teaching.before_after import WHEN, questions_of
from hfft_widgets.teaching.progress import Answered, kept
from hfft_widgets.teaching.questions import Question
from hfft_widgets.teaching.source import lesson, lessons

LENGTH = 10
MOST_QUESTIONS = 8

_SIGNS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_LOOKS_LIKE = str.maketrans({"O": "0", "I": "1", "L": "1", "-": None, " ": None})
_LETTERS = " abcd"
_CAPSTONE = 7  # the lessons have the numbers 0 to 6


@dataclass(frozen=True)
class Asked:
    """What a code is about: a lesson, or the eight questions before or after the course.

    Attributes:
        name: E.g. "data", "before".
        number: 0 to 9.
        title: In words.
        questions: In order.
        exercises: Their names, in order.
    """

    name: str
    number: int
    title: str
    questions: tuple[Question, ...]
    exercises: tuple[str, ...]


@dataclass(frozen=True)
class Given:
    """What one code holds.

    Attributes:
        asked: What it is about.
        answers: Question -> first and last letter; "" where none was given.
        done: The exercises whose result was right.
    """

    asked: Asked
    answers: Mapping[str, tuple[str, str]]
    done: frozenset[str]


def class_code(name: str, state: Answered | None = None) -> str:
    """The code of a lesson for the teacher's board, e.g. "1A2B3-C4D5E".

    Args:
        name: The lesson, e.g. "data"; or "before", "after".
        state: What was answered; by default what is kept on this machine.

    Raises:
        LessonError: There is no such lesson.
    """
    asked = _asked(name)
    given = state or kept()
    value = 0
    for question in asked.questions:
        letters = given.answers.get(question.name, ()) or (" ",)
        value = (value * 25) + _LETTERS.index(letters[0]) * 5 + _LETTERS.index(letters[-1])
    for exercise in asked.exercises:
        value = value * 2 + (exercise in given.done)
    whole = (value * 16 + asked.number) * 32
    whole += _checksum(asked, value)
    signs = "".join(_SIGNS[whole >> 5 * at & 31] for at in reversed(range(LENGTH)))
    return f"{signs[:5]}-{signs[5:]}"


def read(code: str) -> Given:
    """What a code holds.

    Raises:
        LessonError: It is no code of these lessons: mistyped, or of another release.
    """
    signs = code.strip().upper().translate(_LOOKS_LIKE)
    if len(signs) != LENGTH or any(sign not in _SIGNS for sign in signs):
        raise LessonError(f"{code!r} is no class code.", remedy="It has ten letters and digits, e.g. 1A2B3-C4D5E.")
    whole = 0
    for sign in signs:
        whole = whole * 32 + _SIGNS.index(sign)
    rest, checksum = divmod(whole, 32)
    value, number = divmod(rest, 16)
    asked = next((one for one in _everything() if one.number == number), None)
    wrong = LessonError(f"{code!r} was mistyped, or is of another release.", remedy="Ask for the code once more.")
    if asked is None or _checksum(asked, value) != checksum:
        raise wrong
    done, answers = set(), {}
    for exercise in reversed(asked.exercises):
        value, bit = divmod(value, 2)
        done |= {exercise} if bit else set()
    for question in reversed(asked.questions):
        value, both = divmod(value, 25)
        first, last = divmod(both, 5)
        answers[question.name] = (_LETTERS[first].strip(), _LETTERS[last].strip())
    if value:
        raise wrong
    return Given(asked, answers, frozenset(done))


def _asked(name: str) -> Asked:
    if name in WHEN:
        return Asked(name, 8 + WHEN.index(name), f"Eight questions, {name} the course", questions_of(name), ())
    one = lesson(name)
    number = int(one.stem[0]) if one.stem[:1].isdigit() else _CAPSTONE
    return Asked(one.name, number, one.title, one.questions, tuple(exercise.name for exercise in one.exercises))


def _everything() -> Sequence[Asked]:
    return [_asked(name) for name in (*lessons(), *WHEN)]


def _checksum(asked: Asked, value: int) -> int:
    """Five bits over the answers and over what was asked: another release asks something else."""
    shape = [asked.name, *(question.name for question in asked.questions), *asked.exercises]
    return zlib.crc32(" ".join((*shape, str(value))).encode()) & 31
