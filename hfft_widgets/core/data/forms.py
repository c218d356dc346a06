"""The form of a cell: all that decides what trainers and checks make of it, without its words.

Two cells of one form are taken or refused alike, so each form is looked at once.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from hfft_widgets.core.data.shapes import is_picture, picture_opens, says_nothing

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Codes = NDArray[np.uint64]

NULL, EMPTY, BLANK, TEXT = range(4)
_NOTHING, EDGE, _THINK, _CONTROL, _JSON = 4, 8, 16, 32, 64
_JSON_LIMIT = 200_000
_LONG_LIST = 64
_CONTROL_MARKS = ("<|", "<start_of_turn>", "<end_of_turn>", "<s>", "</s>", "<bos>", "<eos>")
WORD_ROLES, WORD_CONTENTS = ("role", "from", "speaker", "author"), ("content", "value", "text", "message")


def text_kind(text: str | None) -> int:
    """What of a text matters: nothing, empty, blank, its size where tiny, its edges, marks that templates know."""
    if text is None:
        return NULL
    bare = text.strip()
    if not bare:
        return BLANK | (EDGE * text.endswith(" ")) if text else EMPTY
    kind = TEXT | _NOTHING * says_nothing(text) | EDGE * text.endswith(" ") | _THINK * ("</think>" in text)
    if "<" in text:
        kind |= _CONTROL * any(mark in text for mark in _CONTROL_MARKS)
    return kind | _JSON * _json_kind(bare)


def _json_kind(bare: str) -> int:
    """0: no JSON; 1: broken; 2: other JSON; 3: a list of records; 4: a list of turns."""
    if bare[0] not in "[{" or len(bare) > _JSON_LIMIT:
        return 0
    try:
        value = json.loads(bare)
    except (ValueError, RecursionError):
        return 1
    if not isinstance(value, list) or not value or not all(isinstance(item, dict) for item in value):
        return 2
    return 4 if {"role", "from"} & value[0].keys() else 3


def form_of(cell: Any, depth: int = 0) -> object:
    """The form of any cell, as something that can be compared.

    >>> form_of([{"role": "user", "content": "Hi there"}]) == form_of([{"role": "user", "content": "Good day"}])
    True
    """
    if cell is None or isinstance(cell, str):
        return text_kind(cell)
    if isinstance(cell, (bool, int, float)):
        return type(cell), cell if cell in {-100, -1, 0, 1} else None  # no and yes; tokens without a loss
    if is_picture(cell):
        return "picture", picture_opens(cell)
    if isinstance(cell, Mapping):
        speaks = any(name in cell for name in WORD_ROLES)
        return tuple((key, _value_form(key, value, depth + 1, speaks)) for key, value in cell.items())
    if isinstance(cell, (list, tuple)):
        forms = [form_of(item, depth + 1) for item in cell]
        ordered = len(forms) <= _LONG_LIST and cell and isinstance(cell[0], (Mapping, list, tuple))
        # texts by turns: an odd number of them ends with a question
        return ("list", *forms) if ordered else ("set", len(forms) % 2, *sorted(set(map(repr, forms))))
    return type(cell)


def _value_form(key: Any, value: Any, depth: int, speaks: bool) -> object:
    """Who speaks is kept as it is; the words of deeper records, and those beside a turn's, are text or not."""
    if isinstance(value, str) and key in {*WORD_ROLES, "type"}:
        return value
    if isinstance(value, str) and key not in WORD_CONTENTS and depth > (1 if speaks else 2):
        return bool(value)
    return form_of(value, depth)
