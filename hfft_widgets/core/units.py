"""Bytes, seconds, dollars and counts in words, and long texts shortened, the same everywhere."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

GIB = 2**30


def bytes_text(count: float) -> str:
    """Bytes in decimal units, as disks and the Hub count them.

    >>> bytes_text(3_210_000), bytes_text(512), bytes_text(1.1e9)
    ('3.2 MB', '512 B', '1.1 GB')
    """
    for unit, size in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= size:
            value = count / size
            return f"{value:.0f} {unit}" if value >= 100 else f"{value:.1f} {unit}"
    return f"{count:.0f} B"


def duration_text(seconds: float) -> str:
    """Seconds in the two largest units that matter; seconds matter below ten minutes.

    >>> duration_text(42.4), duration_text(95), duration_text(700), duration_text(3700), duration_text(200_000)
    ('42 s', '1 min 35 s', '12 min', '1 h 2 min', '2 d 7 h')
    """
    if not math.isfinite(seconds):
        return "unknown"
    whole = max(0, round(seconds) if seconds < 600 else 60 * round(seconds / 60))
    if whole < 60:
        return f"{whole} s"
    for big, small, unit, lesser in ((86400, 3600, "d", "h"), (3600, 60, "h", "min"), (60, 1, "min", "s")):
        if whole >= big:
            rest = whole % big // small
            return f"{whole // big} {unit}" + (f" {rest} {lesser}" if rest else "")
    raise AssertionError


def usd_text(amount: float) -> str:
    """Dollars with cents; a sum below one cent says so.

    >>> usd_text(0), usd_text(0.004), usd_text(1.25)
    ('$0', 'under $0.01', '$1.25')
    """
    if amount == 0:
        return "$0"
    return "under $0.01" if amount < 0.01 else f"${amount:,.2f}"


def count_text(number: float) -> str:
    """A count, exact up to 9,999 and rounded above.

    >>> count_text(1984), count_text(1_020_000), count_text(28_400)
    ('1,984', '1.02 M', '28.4 k')
    """
    for unit, size in (("B", 1e9), ("M", 1e6), ("k", 1e3)):
        if number >= size and number >= 1e4:
            return f"{number / size:.3g} {unit}"
    return f"{number:,.0f}"


def plural(count: int, noun: str) -> str:
    """The count with its noun: `1 row`, `2,000 rows`.

    >>> plural(1, "row"), plural(2000, "row")
    ('1 row', '2,000 rows')
    """
    return f"{count:,} {noun}" + ("" if count == 1 else "s")


def ends(span: Mapping[str, float], words: Callable[[float], str]) -> list[str]:
    """Both ends of a range in words; one where they read the same.

    >>> " to ".join(ends({"low": 60, "mid": 90, "high": 120}, duration_text))
    '1 min to 2 min'
    """
    return list(dict.fromkeys((words(span["low"]), words(span["high"]))))


def short(text: str, characters: int, mark: str = "…") -> str:
    """The start of a text, with a mark behind it where more was left out.

    >>> short("abc", 3), short("abcd", 3)
    ('abc', 'abc…')
    """
    return text if len(text) <= characters else text[:characters] + mark


def short_middle(text: str, characters: int) -> str:
    r"""Start and end of a text; what was left out between them is counted.

    >>> short_middle("start" + "x" * 90 + "end", 8)
    'star\n… 90 characters left out …\nxend'
    """
    half = characters // 2
    if len(text) <= characters:
        return text
    return f"{text[:half]}\n… {len(text) - 2 * half:,} characters left out …\n{text[-half:]}"
