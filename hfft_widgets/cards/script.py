"""Scripts on a card: Python in colours, and what changed between two of them."""

from __future__ import annotations

import io
import keyword
import tokenize
from collections.abc import Iterator, Mapping
from typing import Any

from hfft_widgets.core.diff import difference as differing
from hfft_widgets.core.html import Markup, el, join

_KINDS = {tokenize.COMMENT: "tc", tokenize.STRING: "ts", tokenize.NUMBER: "tn"}
for _name in ("FSTRING_START", "FSTRING_MIDDLE", "FSTRING_END"):  # since Python 3.12
    if hasattr(tokenize, _name):
        _KINDS[getattr(tokenize, _name)] = "ts"


def highlighted(source: str) -> Markup:
    """Python as `<pre>`: comments, strings, numbers and keywords each in a colour; plain where it is no Python."""
    return el("pre", join(_coloured(source)), class_="code", tabindex=0)


def _coloured(source: str) -> Iterator[Markup | str]:
    lines = source.splitlines(keepends=True)
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line))
    done = 0
    try:
        for token in tokenize.generate_tokens(io.StringIO(source).readline):
            kind = "tk" if token.type == tokenize.NAME and keyword.iskeyword(token.string) else _KINDS.get(token.type)
            if kind is None:
                continue
            begin = starts[token.start[0] - 1] + token.start[1]
            end = starts[token.end[0] - 1] + token.end[1]
            yield source[done:begin]
            yield el("span", source[begin:end], class_=kind)
            done = end
    except (tokenize.TokenError, SyntaxError, IndexError):
        pass  # half a script, while it is being edited: the rest stays plain
    yield source[done:]


def difference(before: str, after: str) -> Markup | None:
    """What of two scripts differs, line by line; None where nothing does."""
    return diff(changed) if (changed := differing(before, after)) else None


def diff(changed: Mapping[str, Any]) -> Markup:
    """What of two texts differs, from what `core.diff.difference` gives."""
    more = el("span", f"and {changed['left']} more lines\n") if changed["left"] else None
    return el("pre", [diff_line(*line) for line in changed["lines"]], more, class_="diff", tabindex=0)


def diff_line(sign: str, line: str) -> Markup:
    """A line that goes (-), that comes (+) or that stays, for a `<pre class="diff">`."""
    return el("span", f"{sign} {line}\n", class_={"-": "gone", "+": "came"}.get(sign))
