"""Curves as a small static chart: what a saved notebook shows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from math import ceil, floor, isfinite, log10
from typing import NamedTuple

from hfft_widgets.core.html import COLORS, Markup, el

_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 12, 10, 34  # pixels around the plot, without the legend
_ROW = 16  # pixels per row of the legend
_CHARACTER = 6.2  # pixels, about, at font size 11
_DASHES = (None, "6 3", "2 3", "8 3 2 3")


class Mark(NamedTuple):
    """A value of a curve."""

    step: float
    value: float


def _drawable(point: Mark) -> bool:
    """Whether the value is a number whose differences to others are numbers too."""
    return abs(point.value) < 1e300


@dataclass(frozen=True, slots=True)
class _Frame:
    """Where data lie on the drawing."""

    x0: float
    x1: float
    y0: float
    y1: float
    width: int
    height: int
    top: int

    def x(self, step: float) -> float:
        return _LEFT + (step - self.x0) / (self.x1 - self.x0) * (self.width - _LEFT - _RIGHT)

    def y(self, value: float) -> float:
        return self.height - _BOTTOM - (value - self.y0) / (self.y1 - self.y0) * (self.height - self.top - _BOTTOM)


def svg(
    curves: Mapping[str, Sequence[Sequence[float | str]]], *, label: str = "", width: int = 640, height: int = 220
) -> Markup:
    """Draw curves as a small chart that needs no script: what a saved notebook shows.

    Colours are the variables of the card's stylesheet, so it belongs inside `parts.card`. Curves differ by dash
    as well as by colour, and the legend gives their newest values.

    Args:
        curves: What `core.run.curves.drawn` gives: metric -> [step, value] pairs.
        label: What the chart shows, for people who cannot see it.
        width: Pixels, and the widest it gets.
        height: Pixels.

    Returns:
        One `<svg>` element; a `<p>` that says so where there is no finite value to draw.
    """
    lines = {
        name: [Mark(float(step), float(value)) for step, value in pairs] for name, pairs in curves.items() if pairs
    }
    finite = [point for points in lines.values() for point in points if _drawable(point)]
    if not finite:
        return el("p", "No values to draw yet.", class_="sub")
    words = [f"{name} {_number(points[-1].value)}" for name, points in lines.items()]
    places = _legend_places(words, width)
    frame = _frame(finite, width, height, _TOP + _ROW * (places[-1][1] + 1))
    last_step = max(points[-1].step for points in lines.values())
    return el(
        "svg",
        _grid(frame),
        [_curve(points, frame, i) for i, points in enumerate(lines.values())],
        [_legend_entry(*place, entry, i) for i, (place, entry) in enumerate(zip(places, words, strict=True))],
        view_box=f"0 0 {width} {height}",
        width="100%",
        style=f"max-width:{width}px;height:auto;display:block",
        role="img",
        aria_label=f"{label or 'Curves'}. Step {last_step:,.0f}: {', '.join(words)}.",
        font_size=11,
        fill="var(--mute, currentColor)",
    )


def _frame(finite: Sequence[Mark], width: int, height: int, top: int) -> _Frame:
    steps = [point.step for point in finite]
    values = [point.value for point in finite]
    low, high = min(values), max(values)
    room = (high - low) * 0.05 or abs(high) * 0.05 or 1.0
    first, last = min(steps), max(steps)
    return _Frame(first, last if last > first else first + 1, low - room, high + room, width, height, top)


def _grid(frame: _Frame) -> list[Markup]:
    right, bottom = frame.width - _RIGHT, frame.height - _BOTTOM
    parts = []
    for value in ticks(frame.y0, frame.y1, max(2, (bottom - frame.top) // 28)):
        y = round(frame.y(value), 1)
        parts.append(el("line", x1=_LEFT, x2=right, y1=y, y2=y, stroke="var(--line, currentColor)"))
        # a text ends with a space: where the drawing is stripped, its words must not run together
        parts.append(el("text", _number(value), " ", x=_LEFT - 6, y=y + 4, text_anchor="end"))
    parts += [
        el("text", f"{step:,.0f}", " ", x=round(frame.x(step), 1), y=bottom + 15, text_anchor="middle")
        for step in ticks(frame.x0, frame.x1, 6)
        if step.is_integer()
    ]
    parts.append(el("line", x1=_LEFT, x2=right, y1=bottom, y2=bottom, stroke="var(--mute, currentColor)"))
    parts.append(el("text", "step ", x=round((_LEFT + right) / 2), y=frame.height - 4, text_anchor="middle"))
    return parts


def _curve(points: Sequence[Mark], frame: _Frame, i: int) -> list[Markup]:
    """One line per stretch between gaps; a stretch of one point is a dot."""
    parts = []
    for stretch in _stretches(points):
        places = [(round(frame.x(point.step), 1), round(frame.y(point.value), 1)) for point in stretch]
        if len(places) == 1:
            parts.append(el("circle", cx=places[0][0], cy=places[0][1], r=2.5, fill=_color(i)))
        else:
            parts.append(el("polyline", points=" ".join(f"{x:g},{y:g}" for x, y in places), fill="none", **_stroke(i)))
    return parts


def _stretches(points: Sequence[Mark]) -> Iterator[list[Mark]]:
    for drawable, stretch in groupby(points, key=_drawable):
        if drawable:
            yield list(stretch)


def _color(i: int) -> str:
    return "var(--acc, currentColor)" if i == 0 else COLORS[i % len(COLORS)]


def _stroke(i: int) -> dict[str, object]:
    return {
        "stroke": _color(i),
        "stroke_width": 1.75,
        "stroke_dasharray": _DASHES[i % len(_DASHES)],
        "stroke_linejoin": "round",
    }


def _legend_places(words: Sequence[str], width: int) -> list[tuple[float, int]]:
    """Where each entry starts: (x, row); a new row where the next one does not fit."""
    places: list[tuple[float, int]] = []
    x, row = float(_LEFT), 0
    for entry in words:
        entry_width = 26 + _CHARACTER * len(entry)
        if places and x + entry_width > width:
            x, row = float(_LEFT), row + 1
        places.append((x, row))
        x += entry_width + 18
    return places


def _legend_entry(x: float, row: int, words: str, i: int) -> list[Markup]:
    y = 12 + _ROW * row
    return [
        el("line", x1=round(x, 1), x2=round(x + 20, 1), y1=y, y2=y, **_stroke(i)),
        el("text", words, " ", x=round(x + 26, 1), y=y + 4, fill="var(--fg, currentColor)"),
    ]


def ticks(low: float, high: float, count: int) -> list[float]:
    """About `count` round numbers (1, 2 or 5 times a power of ten apart) from low to high, low < high.

    >>> ticks(0, 100, 5)
    [0.0, 20.0, 40.0, 60.0, 80.0, 100.0]
    """
    rough = (high - low) / count
    power = 10.0 ** floor(log10(rough))
    apart = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough * 0.999)
    return [i * apart for i in range(ceil(low / apart - 1e-9), floor(high / apart + 1e-9) + 1)]


def _number(value: float) -> str:
    """A value as people read it beside a curve.

    >>> [_number(v) for v in (0.0, 2.34567, 0.00002, 123456.0, float("nan"))]
    ['0', '2.346', '2e-05', '123,456', 'nan']
    """
    if not isfinite(value):
        return str(value)
    if value and (abs(value) < 1e-3 or abs(value) >= 1e7):
        return f"{value:.3g}"
    return f"{value:,.0f}" if abs(value) >= 1e4 else f"{value:.4g}"
