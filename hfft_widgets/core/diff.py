"""What changed between two texts, line by line."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from typing import Any


def changed_lines(before: Sequence[str], after: Sequence[str], context: int) -> Iterator[tuple[str, str]]:
    """Each line that goes ("-"), that comes ("+"), and up to `context` that stand on either side (" ").

    >>> list(changed_lines(["a", "b", "c"], ["a", "x", "c"], context=1))
    [(' ', 'a'), ('-', 'b'), ('+', 'x'), (' ', 'c')]
    """
    for group in SequenceMatcher(None, before, after, autojunk=False).get_grouped_opcodes(context):
        for kind, low, high, new_low, new_high in group:
            if kind == "equal":
                yield from ((" ", line) for line in before[low:high])
                continue
            yield from (("-", line) for line in before[low:high])
            yield from (("+", line) for line in after[new_low:new_high])


def difference(before: str, after: str, context: int = 1, most: int = 200) -> dict[str, Any] | None:
    """What of two texts differs, as JSON values: `lines` of [sign, line], and how many more are `left`; None: nothing.

    Args:
        before: The one.
        after: The other.
        context: Lines that stay, shown on either side of what changes.
        most: Lines to show.
    """
    lines = [list(line) for line in changed_lines(before.splitlines(), after.splitlines(), context)]
    if all(sign == " " for sign, _ in lines):
        return None
    return {"lines": lines[:most], "left": max(0, len(lines) - most)}
