"""Why a plan is as it is, in words that know what they speak of."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Reason:
    """One sentence about a choice.

    Attributes:
        words: The sentence.
        about: Names of the plan's attributes and settings it speaks of: once they change, it is no longer true.
        alternative: What else could be chosen, and what that takes; "" if there is nothing to say.
        alternative_about: The same names for the alternative, which often holds a price.
    """

    words: str
    about: tuple[str, ...] = ()
    alternative: str = ""
    alternative_about: tuple[str, ...] = ()

    def after(self, changed: AbstractSet[str]) -> Reason | None:
        """What is still true of it once these names have changed; None: nothing."""
        if not changed.isdisjoint(self.about):
            return None
        return self if changed.isdisjoint(self.alternative_about) else replace(self, alternative="")

    def __str__(self) -> str:
        return self.words
