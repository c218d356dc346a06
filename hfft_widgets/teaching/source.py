"""A lesson as one text: what is said, what runs, what is asked, and what is claimed.

The text is Markdown between two `+++` lines of TOML and fenced parts, which an info word names:

    ```python            a cell for everybody
    ```python learner    a cell of the learner's notebook alone
    ```python solved     a cell of the solved notebook alone
    ```python claim      what the text says, as assertions: in the solved notebook, never shown to a learner
    ```quiz data-1       a question, as TOML
    ```exercise data-ex1 an exercise in three levels, as TOML

Every other fence is text.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from hfft_widgets.errors import LessonError
from hfft_widgets.teaching.questions import Question

_FENCE = re.compile(r"```(python|quiz|exercise)(?: +([\w-]+))?")
_FRONT = ("title", "verbs", "talk", "do", "take_along", "thought", "true")
_KINDS = ("learner", "solved", "claim")


@dataclass(frozen=True)
class Text:
    """A cell of words, in Markdown."""

    source: str


@dataclass(frozen=True)
class Code:
    """A cell of Python; `kind` is "" for everybody, else "learner", "solved" or "claim"."""

    source: str
    kind: str = ""


@dataclass(frozen=True)
class Exercise:
    """Something to do, whose result is judged.

    Attributes:
        name: What `check` knows it by, e.g. "data-ex1".
        task: What to do, and why.
        click: How it is done by clicks.
        line: How it is done in a line of Python.
        own: How it is done with data of one's own.
        start: The cell in which a learner begins; it leaves `result` behind.
        solution: A cell that does it.
        result: The name of the variable that is judged.
        hint: What to look at, without the answer.
        concepts: Which of the eleven concepts it checks.
    """

    name: str
    task: str
    click: str
    line: str
    own: str
    start: str
    solution: str
    result: str
    hint: str
    concepts: tuple[str, ...] = ()


Part = Text | Code | Question | Exercise


@dataclass(frozen=True)
class Lesson:
    """One lesson.

    Attributes:
        stem: Its file's name, e.g. "1_data": its notebook has the same.
        front: What stands above it: title, verbs, talk, do (minutes), take_along, thought and true (a common belief,
            and what is so), and where given needs, extras, words, next, cell_ids, replaces.
        parts: What it is made of, in order.
    """

    stem: str
    front: Mapping[str, Any]
    parts: tuple[Part, ...]

    @property
    def name(self) -> str:
        """What its questions begin with, e.g. "data"."""
        return self.stem.partition("_")[2] if self.stem[:1].isdigit() else self.stem

    @property
    def title(self) -> str:
        """What it is called."""
        return str(self.front["title"])

    @property
    def questions(self) -> tuple[Question, ...]:
        """What it asks, in order."""
        return tuple(part for part in self.parts if isinstance(part, Question))

    @property
    def exercises(self) -> tuple[Exercise, ...]:
        """What it gives to do, in order."""
        return tuple(part for part in self.parts if isinstance(part, Exercise))

    def asked(self, name: str) -> tuple[Question, ...]:
        """The question of that name; all, where it is the lesson's own.

        Raises:
            LessonError: There is none.
        """
        found = tuple(one for one in self.questions if name in {one.name, self.name, self.stem})
        if not found:
            names = ", ".join(one.name for one in self.questions)
            raise LessonError(f"There is no question {name!r}.", remedy=f"Choose one of: {names}.")
        return found

    @property
    def words(self) -> str:
        """All its text."""
        return "\n\n".join(part.source for part in self.parts if isinstance(part, Text))


def parse(stem: str, text: str) -> Lesson:
    """A lesson from its text.

    Args:
        stem: Its file's name without ".md".
        text: What the file holds.

    Raises:
        LessonError: A part is not as it should be; the message names it.
    """
    opening, _, rest = text.partition("+++\n")
    front_text, _, body = rest.partition("\n+++\n")
    if opening.strip() or not body:
        raise LessonError(f"Lesson {stem} does not begin with +++.", remedy="Put its title and the rest between +++.")
    front = _toml(front_text, f"the head of {stem}")
    missing = [name for name in _FRONT if name not in front]
    if missing:
        raise LessonError(f"The head of lesson {stem} has no {', '.join(missing)}.")
    return Lesson(stem, front, tuple(_parts(stem, body)))


@cache
def lessons() -> dict[str, Lesson]:
    """Every lesson of the package by its name, in the order of the course."""
    folder = files("hfft_widgets.teaching") / "lessons"  # not as a module, which would take this function's name
    found = sorted(one.name for one in folder.iterdir() if one.name.endswith(".md"))
    read = [parse(name[:-3], (folder / name).read_text("utf-8").replace("\r\n", "\n")) for name in found]
    return {one.name: one for one in read}


def lesson(name: str) -> Lesson:
    """The lesson of that name, e.g. "data"; its number, its file's name and a question of it lead there as well.

    Raises:
        LessonError: There is none.
    """
    every = lessons()
    for one in every.values():
        if name in {one.name, one.stem, one.stem.partition("_")[0]} or name.rpartition("-")[0] == one.name:
            return one
    raise LessonError(f"There is no lesson {name!r}.", remedy=f"Choose one of: {', '.join(every)}.")


def _parts(stem: str, body: str) -> Iterator[Part]:
    words: list[str] = []
    fence: re.Match[str] | None = None
    inside: list[str] = []
    for line in body.splitlines():
        if fence is not None:
            if line == "```":
                yield _part(stem, fence, "\n".join(inside))
                fence, inside = None, []
            else:
                inside.append(line)
        elif found := _FENCE.fullmatch(line):
            yield from _text(words)
            fence, words = found, []
        else:
            words.append(line)
    if fence is not None:
        raise LessonError(f"In lesson {stem} the part {fence[0]} does not end.", remedy="End it with ``` alone.")
    yield from _text(words)


def _text(words: list[str]) -> Iterator[Text]:
    whole = "\n".join(words).strip()
    if whole:
        yield Text(whole)


def _part(stem: str, fence: re.Match[str], source: str) -> Part:
    kind, word = fence[1], fence[2] or ""
    if kind == "python":
        if word and word not in _KINDS:
            raise LessonError(f"Lesson {stem} has a cell of kind {word!r}.", remedy=f"Use {', '.join(_KINDS)} or none.")
        return Code(source, word)
    values = _toml(source, f"{kind} {word}")
    try:
        if kind == "quiz":
            return Question.from_dict(word, values)
        concepts = tuple(values.pop("concepts", ()))
        texts = {name: value.strip("\n") for name, value in values.items()}
        return Exercise(word, **texts, concepts=concepts)
    except (TypeError, KeyError, AttributeError) as error:
        raise LessonError(f"In lesson {stem} the {kind} {word!r} is not whole: {error}.") from error


def _toml(text: str, where: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise LessonError(f"Not TOML in {where}: {error}.") from error
