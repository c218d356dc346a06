"""Tokens per row as a picture: an inline SVG in the colours of the page, with the limit marked; and for plotly."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hfft_widgets.cards.parts import plotly_text
from hfft_widgets.cards.report.words import Values, length_words, name_of
from hfft_widgets.core import html as h
from hfft_widgets.core.units import plural
from hfft_widgets.errors import DataError

WHOLE, CUT = "within the limit", "longer, cut"
_PATTERN = {"shape": "/", "fillmode": "overlay", "solidity": 0.3}
_FILL = 0.9  # of a bar's width
_WIDTH, _HEIGHT = 800, 96


def histogram(method: str, lengths: Values) -> h.Markup | None:
    """Bars of rows by tokens, those beyond the limit in another colour; None where there is only one.

    The labels stand outside the SVG, which fills any width: inside they would be stretched.
    """
    bars = _bars(lengths)
    if len(bars) < 2:  # all rows alike: a sentence says it
        return None
    start, top = bars[0][0], bars[-1][1]
    limit = lengths["limit"]["max_length"] if "limit" in lengths else top
    title = f"Rows by tokens for {method}: {'. '.join(length_words(method, lengths))}."
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
    end = f"{top:,} and more" if lengths["max"] > top else f"{top:,}"
    axis = h.el("div", h.el("span", f"{start:,} tokens"), " ", h.el("span", end), class_="axis")
    mark = _mark(limit, start, top) if lengths.get("limit", {}).get("rows_cut") else None
    return h.join([h.el("div", picture, mark, class_="plot"), axis])


def _mark(limit: int, start: int, top: int) -> h.Markup | None:
    if not start < limit < top:
        return None
    here = 100 * (limit - start) / (top - start)
    words = h.el("span", f"max_length {limit:,}", class_="at end" if here > 60 else "at")
    return h.el("div", words, class_="limit", style=f"left:{here:.2f}%")


def _bar(bar: Sequence[int], bars: Sequence[Sequence[int]], limit: int) -> h.Markup:
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


def section(method: str, lengths: Values, chart: h.Markup | None = None) -> h.Markup:
    """The picture with its sentences.

    Args:
        method: The method.
        lengths: Its lengths, as JSON values.
        chart: A live chart of `chart_values`, in the picture's place.
    """
    title = f"Tokens per row for {method}, after the chat template"
    words = [h.el("div", f"{line}.", class_="fix") for line in length_words(method, lengths)]
    return h.join([h.el("div", title, class_="sub"), chart or histogram(method, lengths), words])


def _bars(lengths: Values) -> list[Sequence[int]]:
    return [bar for bar in lengths["histogram"] if bar[2]]


# ---- for plotly -----------------------------------------------------------------------------------


def figure(report: Values) -> dict[str, Any]:
    """Tokens per row of each method, rows that the limit cuts in a pattern of their own; data and layout as values.

    Raises:
        DataError: No lengths are known.
    """
    known = {method: lengths for method, lengths in report["lengths"].items() if _bars(lengths)}
    if not known:
        named = bool(report.get("model"))
        raise DataError(
            f"The token lengths of {name_of(report)} are not known.",
            why="No method can read its rows as they are." if named else "Tokens are counted with a model's tokenizer.",
            remedy="Map its columns or fix its rows first." if named else "Validate it with model= a Hub id or folder.",
        )
    method, lengths = next(iter(known.items()))
    drawn = chart_values(method, lengths)
    more = [trace for name, one in list(known.items())[1:] for trace in chart_values(name, one)["data"]]
    layout = {**drawn["layout"], "title": {"text": f"{plotly_text(name_of(report))}: tokens per row"}}
    return {"data": [*drawn["data"], *more], "layout": {**layout, **_limit_line(lengths)}}


def chart_values(method: str, lengths: Values) -> dict[str, Any]:
    """One method's bars, as plotly draws them: data and layout in plain values.

    `customdata` of a bar is the limit that keeps its rows whole and cuts those of the next.
    """
    bars, cut = _bars(lengths), _cut(lengths)
    start, top = bars[0][0], bars[-1][1]
    more = lengths["max"] > top
    words = [_hovered(bar, cut.get(bar[0], 0), last=more and bar is bars[-1]) for bar in bars]
    common = {
        "type": "bar",
        "x": [(low + high) / 2 for low, high, _ in bars],
        "width": [(high - low) * _FILL for low, high, _ in bars],
        "hovertext": words,
        "customdata": [high - 1 for _, high, _ in bars],
    }
    whole = {**common, "name": f"{method}: {WHOLE}", "y": [rows - cut.get(low, 0) for low, _, rows in bars]}
    long = {**common, "name": f"{method}: {CUT}", "y": [cut.get(low, 0) for low, _, _ in bars]}
    tallest = max(rows for _, _, rows in bars)
    tokens = f"tokens per row; the last bar: {bars[-1][0]:,} and more" if more else "tokens per row"
    return {
        "data": [
            # one of a bar's two parts speaks, the upper one
            {**whole, "hoverinfo": ["skip" if rows else "text" for rows in long["y"]]},
            {**long, "hoverinfo": ["text" if rows else "skip" for rows in long["y"]], "marker": {"pattern": _PATTERN}},
        ],
        "layout": {
            "barmode": "stack",
            "hovermode": "x",
            "showlegend": any(long["y"]),
            "xaxis": {"title": {"text": tokens}, "range": [start, top], "tickformat": ",d"},
            "yaxis": {
                "title": {"text": "rows"},
                "tickformat": ",d",
                **({"dtick": 1} if tallest < 5 else {"nticks": 5}),
            },
        },
    }


def _cut(lengths: Values) -> dict[int, int]:
    """Rows that the limit cuts, by the least tokens of their bar."""
    limit = lengths.get("limit", {})
    bars = zip(lengths["histogram"], limit.get("cut", ()), strict=False)
    return {low: cut for (low, _, _), cut in bars if cut}


def _hovered(bar: Sequence[int], cut: int, *, last: bool) -> str:
    low, high, rows = bar
    tokens = f"{low:,} and more tokens" if last else f"{low:,} to {high - 1:,} tokens" if high - low > 1 else f"{low:,}"
    longer = f", {'all' if cut == rows else f'{cut:,}'} longer than the limit" if cut else ""
    return f"{tokens}: {plural(rows, 'row')}{longer}"


def _limit_line(lengths: Values) -> dict[str, Any]:
    limit: Mapping[str, Any] = lengths.get("limit", {})
    bars = _bars(lengths)
    if not limit or not bars[0][0] < limit["max_length"] < bars[-1][1]:
        return {}
    here = limit["max_length"]
    line = {"type": "line", "x0": here, "x1": here, "y0": 0, "y1": 1, "yref": "paper", "line": {"dash": "dash"}}
    words = {
        "x": here,
        "y": 1,
        "yref": "paper",
        "text": f"max_length {here:,}",
        "showarrow": False,
        "yanchor": "bottom",
    }
    return {"shapes": [line], "annotations": [words]}
