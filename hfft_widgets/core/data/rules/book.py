"""The rule book: a page for every rule, with rows that a validation judged and the trainer's line it stands on.

The pages are made from the rules (`python -m tests.core.data.rules.book` writes them anew) and ship as a file, so that
they can be read where nothing else is at hand.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Any

from hfft_widgets.core.card import Detail, HasCard
from hfft_widgets.errors import DataError

FILE = Path(__file__).with_name("book.json")


@dataclass(frozen=True)
class RuleBook(HasCard):
    """Pages of the rule book; it shows itself as text, Markdown, HTML and JSON values.

    Attributes:
        pages: Each with `id`, `part`, `message`, `why`, `effects` (method -> effect), `fix`, a `bad` and a `good` row
            with the `method` that reads them, and the line of TRL that it stands on (`trl`).
    """

    pages: tuple[Mapping[str, Any], ...] = field(repr=False)

    def to_dict(self, detail: Detail = "plain") -> dict[str, Any]:  # noqa: ARG002 - both show all
        """JSON values."""
        return {"kind": "rules", "rules": [dict(page) for page in self.pages]}


@cache
def pages() -> Mapping[str, Mapping[str, Any]]:
    """All pages by the rule's id."""
    return {page["id"]: page for page in json.loads(FILE.read_text("utf-8"))}


def rules(name: str | None = None) -> RuleBook:
    """The rule book: what is looked for in rows, why, what each does to which training, a bad and a good row.

    >>> print(str(rules("duplicate")).splitlines()[0])
    duplicate (dataset): The same as an earlier row

    Args:
        name: A rule's id, as findings name it, or a part: "text", "value", "messages", "pair", "row",
            "length", "dataset" or "trainer"; all if not given.

    Raises:
        DataError: There is no such rule or part.
    """
    parts = dict.fromkeys(page["part"] for page in pages().values())
    if name is not None and name in pages():
        return RuleBook((pages()[name],))
    if name is not None and name not in parts:
        near = get_close_matches(name, pages(), 1)
        meant = f" Did you mean {near[0]!r}?" if near else ""
        raise DataError(
            f"There is no rule {name[:80]!r}.{meant}", remedy=f"Name a rule, or one of the parts {', '.join(parts)}."
        )
    return RuleBook(tuple(page for page in pages().values() if name in {None, page["part"]}))
