"""Scripts on a card: Python in colours, and what changed between two of them."""

from __future__ import annotations

import io
import keyword
import tokenize
from collections.abc import Iterator

from hfft_widgets.core.diff import changed_lines, diff_line
from hfft_widgets.core.html import Markup, el, join
from hfft_widgets.core.script import LESSON_END

_KINDS = {tokenize.COMMENT: "tc", tokenize.STRING: "ts", tokenize.NUMBER: "tn"}
for _name in ("FSTRING_START", "FSTRING_MIDDLE", "FSTRING_END"):  # since Python 3.12
    if hasattr(tokenize, _name):
        _KINDS[getattr(tokenize, _name)] = "ts"
_CONTEXT_LINES = 1
_MOST_LINES = 200


def lesson_of(script: str) -> str:
    """The part of a script that a person reads; all of it where nothing says where that ends."""
    return script.partition(LESSON_END)[0].rstrip()


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
    lines = list(changed_lines(before.splitlines(), after.splitlines(), _CONTEXT_LINES))
    if not any(sign != " " for sign, _ in lines):
        return None
    shown = [diff_line(sign, line) for sign, line in lines[:_MOST_LINES]]
    left = len(lines) - _MOST_LINES
    more = el("span", f"and {left} more lines\n") if left > 0 else None
    return el("pre", shown, more, class_="diff", tabindex=0)
