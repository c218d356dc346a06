"""Why a plan is as it is, in words that know what they speak of."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Reason:
    """One sentence about a choice.

    Attributes:
        words: The sentence.
        about: Names of the plan's attributes and settings it speaks of: once they change, it is no longer true.
        alternative: What else could be chosen, and what that takes; "" if there is nothing to say.
    """

    words: str
    about: tuple[str, ...] = ()
    alternative: str = ""

    def __str__(self) -> str:
        return self.words
