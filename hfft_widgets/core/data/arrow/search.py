"""Which texts of a buffer may be more than plain text, found without reading them one by one."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def odd_start(data: NDArray[np.uint8], starts: NDArray[np.int64], ends: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Texts that begin with white space or a bracket of JSON."""
    first = data[starts]
    second = data[np.minimum(starts + 1, ends - 1)]
    space = (first <= 0x20) | ((first == 0xC2) & ((second == 0x85) | (second == 0xA0)))
    space |= ((first == 0xE1) & (second == 0x9A)) | ((first == 0xE2) & ((second == 0x80) | (second == 0x81)))
    space |= (first == 0xE3) & (second == 0x80)
    odd: NDArray[np.bool_] = space | (first == ord("[")) | (first == ord("{"))
    return odd


def holding(data: NDArray[np.uint8], at: NDArray[np.int64], needles: tuple[bytes, ...]) -> NDArray[np.int64]:
    """The cells that hold one of these."""
    start = int(at[0])
    text = data[start : int(at[-1])].tobytes()
    found = (
        place for _, alike in groupby(sorted(needles), lambda needle: needle[:1]) for place in _places(text, alike)
    )
    return np.unique(np.searchsorted(at, np.fromiter(found, np.int64) + start, "right") - 1)


def _places(text: bytes, needles: Iterable[bytes]) -> Iterator[int]:
    """Python finds a letter in bytes at the speed of memory; where it is frequent, the pattern alone is faster."""
    listed = list(needles)
    sought = listed[0] if len(listed) == 1 else listed[0][:1]
    pattern = re.compile(b"|".join(map(re.escape, listed)))
    place, tries = text.find(sought), len(text) // 100
    while place >= 0 and tries:
        if pattern.match(text, place):
            yield place
        place, tries = text.find(sought, place + 1), tries - 1
    if place >= 0:
        yield from (mark.start() for mark in pattern.finditer(text, place))
