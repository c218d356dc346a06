"""Notebooks of a lesson: one for learners, without an answer in it, and a solved one, which proves its claims.

Both are made from the lesson's one text; the solved one is run by the tests and by whoever changes a lesson.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, metadata
from typing import Any

from hfft_widgets import hosts
from hfft_widgets.teaching.glossary import entry
from hfft_widgets.teaching.questions import Question
from hfft_widgets.teaching.source import Code, Exercise, Lesson, Text, lessons

_PACKAGE = "hfft-widgets"
_WORD = re.compile(r"\[\[([^\]|]+)(?:\|([^\]]+))?\]\]")
_WORDS = "Words of this lesson"
_HOW = (
    "Run each cell with Shift + Enter. A question comes before its answer: choose what you believe, then look. "
    "A wrong answer costs nothing, and shows you where to look."
)
_TYPES: dict[str, dict[str, Any]] = {"markdown": {}, "code": {"execution_count": None, "outputs": []}}
Cell = tuple[str, str]  # "markdown" or "code", and its source


def notebook(lesson: Lesson, *, solved: bool = False) -> dict[str, Any]:
    """A lesson's notebook, as JSON values of nbformat 4.5.

    Args:
        lesson: The lesson.
        solved: Whether exercises are solved in it and claims are asserted.

    Raises:
        LessonError: The text links a word that the glossary does not have.
    """
    made = [("markdown", _opening(lesson)), ("code", hosts.first_cell(_install(lesson)))]
    made += [*_cells(lesson, solved), *_closing(lesson)]
    cells: list[dict[str, Any]] = [
        {"cell_type": kind, "id": f"{lesson.name.replace('_', '-')}-{at}", "metadata": {}, **_TYPES[kind],
         "source": source.splitlines(keepends=True)}
        for at, (kind, source) in enumerate(_linked(made))
    ]  # fmt: skip
    kernel = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
    return {
        "cells": cells,
        "metadata": {"kernelspec": kernel, "language_info": {"name": "python"}},
        "nbformat": 4,
        "nbformat_minor": 5,
    }


def file_text(lesson: Lesson, *, solved: bool = False) -> str:
    """The notebook as its file holds it."""
    return json.dumps(notebook(lesson, solved=solved), indent=1, ensure_ascii=False) + "\n"


def linked_words(lesson: Lesson) -> tuple[str, ...]:
    """The words of the glossary that a lesson links, in their order."""
    texts = [source for kind, source in [("markdown", _opening(lesson)), *_cells(lesson, False)] if kind == "markdown"]
    found = [entry(one[2] or one[1]).word for text in texts for one in _WORD.finditer(text)]
    return tuple(dict.fromkeys(found))


# ---- its cells ------------------------------------------------------------------------------------


def _opening(lesson: Lesson) -> str:
    front = lesson.front
    needs = front.get("needs", "No account, no network and no GPU.")
    parts = [
        f"# {lesson.title}",
        _badges(f"{lesson.stem}.ipynb"),
        "**After this lesson you can**\n\n" + "\n".join(f"* {one}" for one in front["verbs"]),
        f"**Time**: {front['talk']} minutes to read and talk, {front['do']} minutes to do. **You need**: {needs}",
        _HOW,
    ]
    return "\n\n".join(part for part in parts if part)


def _cells(lesson: Lesson, solved: bool) -> Iterator[Cell]:
    for part in lesson.parts:
        if isinstance(part, Text):
            yield "markdown", part.source
        elif isinstance(part, Question):
            yield "code", f'hfft.quiz("{part.name}")'
            if solved:
                yield "code", f'assert hfft.quiz("{part.name}").answer("{part.right}")'
        elif isinstance(part, Exercise):
            yield from _exercise(part, solved)
        elif isinstance(part, Code) and part.kind in ({"", "solved", "claim"} if solved else {"", "learner"}):
            yield "code", part.source


def _exercise(part: Exercise, solved: bool) -> Iterator[Cell]:
    levels = [("With clicks", part.click), ("With Python", part.line), ("With your own data", part.own)]
    listed = "\n".join(f"* **{name}**: {how}" for name, how in levels)
    yield "markdown", f"### Your turn: {part.name}\n\n{part.task}\n\n{listed}"
    asks = f'hfft.check("{part.name}", {part.result})'
    yield "code", part.start
    yield "code", asks
    if solved:
        yield "code", f"assert not {asks}, 'it is solved from the start'"
        yield "code", part.solution
        yield "code", f"outcome = {asks}\nassert outcome, str(outcome)\noutcome"


def _closing(lesson: Lesson) -> Iterator[Cell]:
    front = lesson.front
    take = "\n".join(f"* {one}" for one in front["take_along"])
    yield (
        "markdown",
        f"## To take along\n\n{take}\n\n**Many believe**: {front['thought']} **It is so**: {front['true']}",
    )
    words = linked_words(lesson)
    listed = "\n".join(f"* **{entry(word).word}**: {entry(word).means}" for word in words)
    yield "markdown", f"## {_WORDS}\n\n{listed}"
    if any(entry(word).picture for word in words):
        yield "code", f'hfft.glossary("{lesson.name}")  # the same words, with pictures'
    yield "markdown", _next(front.get("next", ""))
    yield "code", f'hfft.lesson_end("{lesson.name}")'


def _next(stem: str) -> str:
    following = next((one for one in lessons().values() if one.stem == stem), None)
    link = f"Next lesson: [{following.title}]({stem}.ipynb). " if following else ""
    return f"{link}The last cell shows your class code, and has a button that frees this notebook's memory."


# ---- links and addresses --------------------------------------------------------------------------


def _linked(cells: list[Cell]) -> Iterator[Cell]:
    """Words of the glossary lead to the list at the end, at their first use."""
    seen: set[str] = set()

    def link(found: re.Match[str]) -> str:
        word = entry(found[2] or found[1]).word
        if word in seen:
            return found[1]
        seen.add(word)
        return f"[{found[1]}](#{_WORDS.replace(' ', '-')})"

    for kind, source in cells:
        yield kind, _WORD.sub(link, source) if kind == "markdown" else source


def _install(lesson: Lesson) -> str:
    extras = lesson.front.get("extras", "")
    return f"{_PACKAGE}[{extras}]" if extras else _PACKAGE


def _badges(file: str) -> str:
    """Links that open a notebook on Binder and Colab; "" while the project has no public address."""
    name = _repository()
    if not name:
        return ""
    binder = f"https://mybinder.org/v2/gh/{name}/HEAD?urlpath=notebooks/notebooks/{file}"
    colab = f"https://colab.research.google.com/github/{name}/blob/HEAD/notebooks/{file}"
    return (
        f"[![Open on Binder](https://mybinder.org/badge_logo.svg)]({binder}) "
        f"[![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)]({colab})"
    )


def _repository() -> str:
    try:
        urls = metadata(_PACKAGE).get_all("Project-URL") or []
    except PackageNotFoundError:
        return ""
    address = next((one.partition(", ")[2] for one in urls if one.startswith("Repository, ")), "")
    return address.removeprefix("https://github.com/").strip("/")
