"""What changed between two texts, line by line."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher

from hfft_widgets.core.html import Markup, el

_KINDS = {"-": "gone", "+": "came", " ": None}


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


def diff_line(sign: str, line: str) -> Markup:
    """One of these lines for a `<pre class="diff">`."""
    return el("span", f"{sign} {line}\n", class_=_KINDS[sign])
