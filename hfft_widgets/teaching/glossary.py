"""About forty words of the field, each in one or two plain sentences, some with a picture."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from hfft_widgets.errors import LessonError
from hfft_widgets.teaching import views


@dataclass(frozen=True)
class GlossaryWord:
    """One word.

    Attributes:
        word: The word.
        means: What it means.
        picture: The name of its picture in `teaching.pictures`; "" if it needs none.
    """

    word: str
    means: str
    picture: str = ""


@dataclass(frozen=True)
class Glossary:
    """Some words, to look at."""

    entries: tuple[GlossaryWord, ...]

    def to_dict(self) -> dict[str, Any]:
        """JSON values."""
        return {"entries": [asdict(one) for one in self.entries]}

    def __str__(self) -> str:
        return "\n".join(f"{one.word}: {one.means}" for one in self.entries)

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        return str(views.page(views.words(asdict(one) for one in self.entries)))


@cache
def entries() -> Mapping[str, GlossaryWord]:
    """Every word, in alphabetical order."""
    text = (files("hfft_widgets.teaching") / "glossary.toml").read_text("utf-8")
    made = [GlossaryWord(word, **values) for word, values in tomllib.loads(text).items()]
    return {one.word: one for one in sorted(made, key=lambda one: one.word.casefold())}


def entry(word: str) -> GlossaryWord:
    """One word; its plural and its first letter do not matter.

    Raises:
        LessonError: The glossary does not have it.
    """
    plain = word.strip().casefold()
    found = {one.casefold(): value for one, value in entries().items()}
    for form in (plain, plain.removesuffix("s"), plain.removesuffix("es")):
        if form in found:
            return found[form]
    raise LessonError(f"The glossary has no word {word!r}.", remedy="print(hfft.glossary()) shows all.")


def glossary(*names: str) -> Glossary:
    """Words and what they mean.

    Args:
        names: Words, or names of lessons for the words that they link; none: all.

    Raises:
        LessonError: Neither a word nor a lesson has that name.
    """
    from hfft_widgets.teaching.notebooks import linked_words  # that reads this
    from hfft_widgets.teaching.source import lessons

    if not names:
        return Glossary(tuple(entries().values()))
    listed = [word for name in names for word in (linked_words(lessons()[name]) if name in lessons() else (name,))]
    return Glossary(tuple(entry(word) for word in dict.fromkeys(listed)))
