"""The facets of all rules of texts, of one text or of all in a cell: what grouping keeps beside the outlines."""

from __future__ import annotations

import re
from collections.abc import Hashable, Mapping
from functools import lru_cache
from typing import Any

from hfft_widgets.core.data import rules
from hfft_widgets.core.data.columns import CONTENT_KEYS, ROLE_KEYS
from hfft_widgets.core.data.emulators.outline import Json
from hfft_widgets.core.data.rules.base import Rule, Scope

_PLAIN = "A long text with nothing of what any rule looks for."


class TextFacets:
    """What these rules know of texts.

    Attributes:
        needles: Bytes of which a text must hold some, to be more than plain.
        longest: Texts of at most so many bytes may be more than plain as well.
        reads_all: Whether a rule names neither, so that every text must be read.
    """

    def __init__(self, of: tuple[Rule, ...]) -> None:
        self.facets = tuple(rule.facet for rule in of if rule.scope is Scope.TEXT)
        guarded = [rule for rule in of if rule.scope is Scope.TEXT]
        self.needles = tuple(dict.fromkeys(needle for rule in guarded for needle in rule.needles))
        self.longest = max((rule.longest for rule in guarded), default=0)
        self.reads_all = any(not rule.needles and not rule.longest for rule in guarded)
        self._needle = re.compile("|".join(re.escape(needle.decode()) for needle in self.needles) or "(?!)")
        self._plain = self._all(_PLAIN)

    def _all(self, text: str) -> tuple[Hashable, ...]:
        return tuple(facet(text) for facet in self.facets)

    def of_text(self, text: str) -> Hashable:
        """The facets of a text; None where they are those of a plain one."""
        if len(text) > self.longest and not self.reads_all and not self._needle.search(text):
            return None
        found = self._all(text)
        return None if found == self._plain else found

    def of_cell(self, cell: Any) -> Hashable:
        """The facets of all texts of a cell, as far as any rule or mapping can tell their places apart.

        Of turns and lists of texts these are the facets of any earlier one, and those of the last two.
        """
        if isinstance(cell, str):
            return self.of_text(cell)
        if isinstance(cell, Json):
            return self.of_cell(cell.value)
        if isinstance(cell, Mapping):
            if any(name in cell for name in ROLE_KEYS):
                return self.of_cell(next((cell[name] for name in CONTENT_KEYS if name in cell), None))
            return tuple((key, found) for key, value in cell.items() if (found := self.of_cell(value))) or None
        return self._of_list(cell) if isinstance(cell, (list, tuple)) and cell else None

    def _of_list(self, cell: list[Any] | tuple[Any, ...]) -> Hashable:
        if not any(isinstance(item, (str, Mapping, list, tuple)) for item in cell):
            return None
        each = [self.of_cell(item) for item in cell]
        if not any(each):
            return None
        if isinstance(cell[0], Mapping) and not any(name in cell[0] for name in ROLE_KEYS):
            return tuple((place, found) for place, found in enumerate(each) if found)
        return joined(each)


def joined(each: list[Hashable]) -> Hashable:
    """The facets of texts that follow each other: the last two by themselves, for a mapping may take off one."""
    return tuple(sorted({repr(found) for found in each[:-2] if found})), tuple(each[-2:])


@lru_cache(maxsize=4)
def _of(registered: tuple[Rule, ...]) -> TextFacets:
    return TextFacets(registered)


def text_facets() -> TextFacets:
    """Those of the rules there are now."""
    return _of(rules.RULES)
