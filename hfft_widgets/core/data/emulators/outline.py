"""What of a cell, and of two cells beside each other, can change what a trainer makes of a row.

Rows that look alike here are read once. What else a rule wants to know, it says by a facet of its own (`rules.base`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hfft_widgets.core.data.columns import CONTENT_KEYS, ROLE_KEYS, Shape, is_picture, picture_opens, shape_of

NEEDLES = (b"</think>", b"<image>")
"""Texts with none of these that begin with neither white space nor a bracket are "text" or ""."""


@dataclass(frozen=True)
class Json:
    """What a text writes as JSON, and whether a bracket begins it."""

    value: Any
    bracket: bool


@dataclass(frozen=True)
class Picture:
    """Stands for a picture."""

    opens: bool


def parsed(cell: Any) -> Any:
    """The cell as `Json`, if it is a text that is JSON; else as it is."""
    try:
        return Json(json.loads(cell), cell[:1] == "[") if isinstance(cell, str) else cell
    except (ValueError, RecursionError):
        return cell


# ---- one cell --------------------------------------------------------------------------------


def outline(cell: Any, depth: int = 0) -> Any:
    """The cell with stand-ins for its words, numbers and pictures: all that trainers and templates decide by.

    >>> outline([{"role": "user", "content": "Hi there"}, {"role": "assistant", "content": " "}])
    [{'role': 'user', 'content': 'text'}, {'role': 'assistant', 'content': ' '}]
    """
    if isinstance(cell, str):
        return stand_in(cell, whole=depth == 0)
    if cell is None or isinstance(cell, bool):
        return cell
    if isinstance(cell, (int, float)):
        return cell if cell in {-100, -1, 0, 1} else type(cell)(2)  # no and yes; tokens without a loss
    if is_picture(cell):
        return Picture(picture_opens(cell))
    return _listed(cell, depth) if isinstance(cell, (list, tuple)) else _recorded(cell, depth)


def _recorded(cell: Any, depth: int) -> Any:
    if isinstance(cell, Json):
        return Json(outline(cell.value), cell.bracket)
    if not isinstance(cell, Mapping):
        return type(cell)
    speaks = any(name in cell for name in ROLE_KEYS)
    return {key: _value(key, value, depth + 1, speaks) for key, value in cell.items()}


def stand_in(text: str, *, whole: bool = False) -> str:
    """What of a text decides: nothing, blank, only thinking, a picture's mark; of a whole cell, whether it is turns."""
    if not text.strip():
        return " " if text else ""
    if whole and text[0] in "[{" and shape_of(text) is Shape.TURNS_AS_JSON:
        return "[turns]"
    thought = "</think>" in text and not text.rpartition("</think>")[2].strip()
    return "text" + "</think>" * thought + "<image>" * ("<image>" in text)


def _value(key: Any, value: Any, depth: int, speaks: bool) -> Any:
    """Who speaks is kept as it is; the words of deeper records, and those beside a turn's, are text or not."""
    if isinstance(value, str) and key in {*ROLE_KEYS, "type"}:
        return value
    if isinstance(value, str) and key not in CONTENT_KEYS and depth > (1 if speaks else 2):
        return "text" if value else ""
    return outline(value, depth)


def _listed(cell: list[Any] | tuple[Any, ...], depth: int) -> Any:
    made = [outline(item, depth + 1) for item in cell]
    if not cell or isinstance(cell[0], (Mapping, list, tuple)) or isinstance(made[0], Picture):
        return [*made, *_ranks(cell)]
    # texts by turns: an odd number of them ends with a question
    return ("set", len(made) % 2, made[-1], *sorted(set(map(repr, made))))


def _ranks(cell: list[Any] | tuple[Any, ...]) -> list[Any]:
    """Of scored records, which is best and which worst."""
    first = cell[0] if cell else None
    if not isinstance(first, Mapping) or any(name in first for name in ROLE_KEYS):
        return []
    ranks = []
    for key in first:
        scores: list[Any] = [item.get(key) for item in cell if isinstance(item, Mapping)]
        if len(scores) == len(cell) > 1 and all(isinstance(score, (int, float)) for score in scores):
            ranks.append((key, scores.index(max(scores)), scores.index(min(scores))))
    return [tuple(ranks)] if ranks else []


# ---- two cells of a row ----------------------------------------------------------------------

REAL_START = 12  # characters that two texts seldom begin with by chance


@dataclass(frozen=True)
class Pair:
    """How two cells relate.

    Attributes:
        equal: Whether they are the same.
        begin: Whether both begin with the same turn or character.
        inside: Whether one is the start of the other.
        repeats: Whether the second begins with the first, and goes on.
    """

    equal: bool = False
    begin: bool = False
    inside: bool = False
    repeats: bool = False


def pair_of(a: Any, b: Any) -> Pair:
    """How two texts or two lists relate.

    >>> pair_of("Why?", "Why? So.")
    Pair(equal=False, begin=True, inside=True, repeats=True)
    """
    if not (isinstance(a, str) and isinstance(b, str)) and not (isinstance(a, list) and isinstance(b, list)):
        return Pair(equal=bool(a == b))
    short = min(len(a), len(b))
    begin = short > 0 and a[0] == b[0]
    return Pair(a == b, begin, not short or (begin and a[:short] == b[:short]), repeats(a, b))


def repeats(prompt: Any, answer: Any) -> bool:
    """Whether an answer begins with its prompt."""
    if isinstance(prompt, str) and isinstance(answer, str):
        return len(prompt.strip()) > 1 and answer.startswith(prompt) and len(answer) > len(prompt)
    if isinstance(prompt, list) and isinstance(answer, list):
        return bool(prompt) and len(answer) > len(prompt) and answer[: len(prompt)] == prompt
    return False
