"""A sentence while it is read: its names stand as single signs, and what a rule has read is blanked.

Names and quoted text become one sign each before any rule looks, so that no rule can read what stands inside them: a
limit in a quoted row of a dataset is no limit. What no rule has blanked at the end was not understood.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

Kind = Literal["dataset", "model", "hub", "folder", "quoted"]

SIGNS = "\ue000-\uefff"  # one sign per name; a person's own are taken out
GAP = "\uf8ff"  # what was read
MOST_NAMES = 200

_UNITS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"]
_TENS = {"fifteen": 15, "twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "hundred": 100}
WORDS = {**{word: float(n) for n, word in enumerate(_UNITS)}, **_TENS, "thousand": 1000, "a": 1, "an": 1, "half": 0.5}
NUMBER = rf"(?:(?<![\d.,])\d[\d,]*(?:\.\d+)?(?:e[-+]?\d+)?|(?<!\w)\.\d+|\b(?:{'|'.join(WORDS)})\b)"

_RULED_OUT = re.compile(
    r"(?:\b(?:don't|dont|do not|never|not|no|without|instead of|rather than|except|avoid|exclude|skip"
    r"|isn't)\s+)(?:[\w'-]+\s+){0,3}$",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Name:
    """A name as it stands in a sentence.

    Attributes:
        text: As it was written.
        value: What it names: an id on the Hub, a file, a folder or a sample.
        kind: What its form tells: "hub" is a dataset's, a model's or a new repository's.
        candidates: Of a model named without its owner: the ids it could have, the likeliest first.
    """

    text: str
    value: str
    kind: Kind
    candidates: tuple[str, ...] = ()


@dataclass
class Draft:
    """What was read so far.

    Attributes:
        text: The sentence, each name a sign, what was read blanked; positions never move.
        names: Sign -> name.
        values: The fields found.
        assumed: Field -> why it is as it is, and what else it could be.
        unread: What was not understood, with why or "".
    """

    text: str
    names: dict[str, Name]
    values: dict[str, Any] = field(default_factory=dict)
    assumed: dict[str, tuple[str, tuple[str, ...]]] = field(default_factory=dict)
    unread: list[tuple[str, str]] = field(default_factory=list)

    def search(self, pattern: str) -> re.Match[str] | None:
        """Where it stands first."""
        return re.search(pattern, self.text, re.IGNORECASE)

    def take(self, pattern: str, *, keep: str = "") -> re.Match[str] | None:
        """The first place of it, blanked; `keep` is a word that stays there for other rules to see."""
        found = self.search(pattern)
        if found:
            self.blank(*found.span(), keep=keep)
        return found

    def take_all(self, pattern: str, *, keep: str = "") -> Iterator[re.Match[str]]:
        """Every place of it, each blanked."""
        while found := self.take(pattern, keep=keep):
            yield found

    def ruled_out(self, at: int) -> bool:
        """Whether the words before this place rule out what stands there: "not with DPO"."""
        return _RULED_OUT.search(self.text[:at]) is not None

    def blank(self, start: int, end: int, *, keep: str = "") -> None:
        """Mark as read."""
        size = end - start
        left = keep if size > len(keep) + 1 else ""
        self.text = self.text[:start] + (GAP + left).ljust(size)[:size] + self.text[end:]

    def plain(self, start: int, end: int) -> str:
        """A part as the person wrote it, as far as it was not read."""
        return _spelled(self.text[start:end], self.names)

    def refuse(self, what: str, why: str = "") -> None:
        """Say that something was not understood."""
        what = " ".join(_spelled(what, self.names).split())
        if what and what not in (said for said, _ in self.unread):
            self.unread.append((what, why))

    def set(self, name: str, value: Any, why: str = "", others: tuple[str, ...] = ()) -> None:
        """Fill in a field; with `why` it is an assumption."""
        self.values[name] = value
        if why:
            self.assumed[name] = why, others

    def decide(self, name: str, found: dict[str, str]) -> None:
        """Fill in a field where one value was found; several are for the person to choose from.

        Args:
            name: The field.
            found: Value -> the words for it.
        """
        if len(found) == 1:
            self.set(name, next(iter(found)))
        elif found:
            self.refuse(", ".join(words.strip() for words in found.values()), "several: say which one")


def _spelled(text: str, names: dict[str, Name]) -> str:
    return "".join(names[sign].text if sign in names else sign for sign in text).replace(GAP, " ")


def number(text: str) -> float:
    """A number in digits or a word."""
    word = text.strip().lower()
    return float(WORDS[word]) if word in WORDS else float(word.replace(",", ""))
