"""Tokens per row as a picture: an inline SVG in the colours of the page, with the limit marked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hfft_widgets.core import html as h
from hfft_widgets.core.data.values import MAX_LENGTH
from hfft_widgets.core.data.views_words import limit_words, token_words

if TYPE_CHECKING:
    from hfft_widgets.core.data.lengths import Lengths

_WIDTH, _HEIGHT = 800, 96


def histogram(lengths: Lengths, limit: int = MAX_LENGTH) -> h.Markup | None:
    """Bars of rows by tokens, those beyond the limit in another colour; None where no row was counted.

    The labels stand outside the SVG, which fills any width: inside they would be stretched.
    """
    bars = [bar for bar in lengths.histogram() if bar[2]]
    if not bars:
        return None
    start, top, longest = bars[0][0], bars[-1][1], lengths.quantile(1.0)
    here = 100 * (limit - start) / (top - start)
    title = f"Rows by tokens for {lengths.method}: {token_words(lengths)}. {limit_words(lengths, limit)}."
    picture = h.el(
        "svg",
        h.el("title", title),
        [_bar(bar, bars, limit) for bar in bars],
        h.el("line", x1=0, x2=_WIDTH, y1=_HEIGHT, y2=_HEIGHT, class_="base"),
        class_="hist",
        role="img",
        aria_label=title,
        view_box=f"0 0 {_WIDTH} {_HEIGHT}",
        preserveAspectRatio="none",
    )
    words = h.el("span", f"max_length {limit:,}", class_="at end" if here > 60 else "at")
    mark = h.el("div", words, class_="limit", style=f"left:{here:.2f}%") if start < limit <= top else None
    end = f"{top:,} and more" if longest > top else f"{top:,}"
    axis = h.el("div", h.el("span", f"{start:,} tokens"), " ", h.el("span", end), class_="axis")
    return h.join([h.el("div", picture, mark, class_="plot"), axis])


def _bar(bar: tuple[int, int, int], bars: list[tuple[int, int, int]], limit: int) -> h.Markup:
    low, high, rows = bar
    start, top = bars[0][0], bars[-1][1]
    scale = _WIDTH / (top - start)
    # bars of whole tokens are not equally wide: by their area they compare
    height = max(1.5, _HEIGHT * rows / (high - low) / max(rows / (high - low) for low, high, rows in bars))
    return h.el(
        "rect",
        x=f"{(low - start) * scale + 1:.1f}",
        width=f"{max(1.0, (high - low) * scale - 2):.1f}",
        y=f"{max(0.0, _HEIGHT - height):.1f}",
        height=f"{height:.1f}",
        class_="over" if low >= limit else None,
    )


def section(lengths: Lengths, limit: int = MAX_LENGTH) -> h.Markup:
    """The picture with its sentences."""
    title = f"Tokens per row for {lengths.method}, after the chat template"
    words = [h.el("div", f"{line}.", class_="fix") for line in (token_words(lengths), limit_words(lengths, limit))]
    return h.join([h.el("div", title, class_="sub"), histogram(lengths, limit), words])
