"""Curves of a run as plain data: which metrics share a plot, a plotly figure as a dict, a small static chart."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from math import ceil, floor, isfinite, log10
from typing import Any

from hfft_widgets.core.html import Markup, el
from hfft_widgets.core.run.history import Point
from hfft_widgets.core.run.thinning import thin

History = Mapping[str, Sequence[Point]]

COLORS = ("#3b82c4", "#c9741a", "#2f8f7d", "#9a6bb5", "#c4504f", "#6b7f2a", "#8a6d5c", "#5b6fd0")
"""Line colours with a contrast of at least 3:1 (WCAG 1.4.11) on white, #1e1e1e and #111 alike."""


# ---- which metrics share a plot -------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Group:
    """Metrics that belong on one plot.

    Attributes:
        title: What they show, for people.
        names: The metrics, those of the training before those of the evaluation.
        y_title: What the vertical axis counts.
    """

    title: str
    names: tuple[str, ...]
    y_title: str = ""


# (title, y title, metrics without "eval_"), the first plot first; the names are those TRL's trainers log
_PLOTS = (
    ("Loss", "loss", "loss"),
    ("Learning rate", "learning rate", "learning_rate"),
    ("Gradient norm", "gradient norm", "grad_norm"),
    ("Rewards", "reward", r"rewards/(chosen|rejected|margins)|(mean|min|max)_reward|margin"),
    ("Reward functions", "mean reward", r"rewards/.+/mean"),
    ("Accuracy", "share", r"rewards/accuracies|accuracy|mean_token_accuracy"),
    ("Groups with equal rewards", "share", "frac_reward_zero_std"),
    ("Completion length", "tokens", r"completions/(mean|min|max)_length"),
    ("Clipped completions", "share", "completions/clipped_ratio"),
    ("KL divergence", "nats", "kl"),
    ("Entropy", "nats", "entropy"),
    ("Log probabilities", "nats", r"logps/(chosen|rejected)"),
    ("Logits", "logit", r"logits/(chosen|rejected)"),
)
_REWARD = ("Reward", "reward", r"reward(_std)?")
# bookkeeping and finer print of what is shown already; in the history, on no plot
_HIDDEN = re.compile(
    r"epoch|num_tokens|step_time|total_flos|train_.*|.*_runtime|.*_per_second|runtime|clip_ratio/.*"
    r"|completions/.*_terminated_length|rewards/.+/std|sampling/.*"
)


def groups(names: Iterable[str]) -> tuple[Group, ...]:
    """Sort metric names into plots, the most telling plot first.

    Loss comes first, except where a trainer logs `reward` (GRPO, RLOO): there the loss is about 0 by design and the
    reward tells how it goes. Metrics that are not known get a plot each; bookkeeping gets none.

    >>> [group.names for group in groups(["epoch", "eval_loss", "learning_rate", "loss", "my_metric"])]
    [('loss', 'eval_loss'), ('learning_rate',), ('my_metric',)]
    >>> [group.title for group in groups(["loss", "reward", "reward_std", "rewards/exact/mean"])]
    ['Reward', 'Loss', 'Reward functions']
    """
    left = {name: None for name in names if not _HIDDEN.fullmatch(_train_name(name))}
    found = []
    for title, y_title, pattern in (_REWARD, *_PLOTS):
        members = [name for name in left if re.fullmatch(pattern, _train_name(name))]
        for name in members:
            del left[name]
        if members:
            found.append(Group(title, tuple(sorted(members, key=_is_eval)), y_title))
    for base, rest in groupby(sorted(left, key=_train_name), key=_train_name):
        found.append(Group(base, tuple(sorted(rest, key=_is_eval)), base))
    return tuple(found)


def _train_name(name: str) -> str:
    return name.removeprefix("eval_")


def _is_eval(name: str) -> bool:
    return name.startswith("eval_")


# ---- a plotly figure ------------------------------------------------------------------------------

_PANEL_PIXELS = 230
_FEW_POINTS = 30  # up to here points are marked: one evaluation alone would be an invisible line


def figure(
    history: History, names: Iterable[str] | None = None, *, title: str = "", y_log: bool = False, cap: int = 2000
) -> dict[str, Any]:
    """Draw curves as a plotly figure in plain dicts: `plotly.graph_objects.Figure(figure(run.history))`.

    Args:
        history: Points by metric.
        names: The metrics of one plot; None: one plot per group of `groups`, below each other, over the same steps.
            Names the history does not have are left out.
        title: Shown above the plots.
        y_log: Whether the vertical axes are logarithmic.
        cap: About how many points per curve are kept (see `thinning.thin`).

    Returns:
        `{"data": [...], "layout": {...}}`; nan and infinities are None, which plotly draws as gaps.
    """
    panels = groups(history) if names is None else (Group(title, tuple(names)),)
    traces: list[dict[str, Any]] = []
    layout: dict[str, Any] = {
        "height": _PANEL_PIXELS * max(1, len(panels)) + 90,
        "hovermode": "x unified" if len(panels) == 1 else "x",
        "margin": {"l": 70, "r": 20, "t": 60 if title else 40, "b": 50},
        "legend": {"orientation": "h", "x": 0, "y": 1.0, "yanchor": "bottom"},
        "xaxis": {"title": {"text": "step"}, "anchor": _axis("y", max(0, len(panels) - 1)), "zeroline": False},
    }
    if title:
        layout["title"] = {"text": _literal(title)}
    for i, panel in enumerate(panels):
        layout[_axis("yaxis", i)] = _y_axis(panel, i, len(panels), y_log=y_log)
        traces += [_trace(name, history[name], i, len(traces) + k, cap) for k, name in enumerate(_held(panel, history))]
    return {"data": traces, "layout": layout}


def _held(panel: Group, history: History) -> list[str]:
    return [name for name in panel.names if history.get(name)]


def _axis(base: str, i: int) -> str:
    return base if i == 0 else f"{base}{i + 1}"


def _y_axis(panel: Group, i: int, count: int, *, y_log: bool) -> dict[str, Any]:
    top = 1 - i / count
    return {
        "domain": [top - 0.88 / count, top],
        "title": {"text": _literal(panel.y_title)},
        "type": "log" if y_log else "linear",
        "zeroline": False,
        "tickformat": "~g",
        "anchor": "x",
    }


def _trace(name: str, points: Sequence[Point], panel: int, color: int, cap: int) -> dict[str, Any]:
    kept = _thinned(points, cap)
    return {
        "type": "scatter",
        "name": _literal(name),
        "mode": "lines+markers" if len(kept) <= _FEW_POINTS else "lines",
        "x": [point.step for point in kept],
        "y": [point.value if isfinite(point.value) else None for point in kept],
        "line": {"color": COLORS[color % len(COLORS)], "width": 1.75},
        "marker": {"size": 5},
        "yaxis": _axis("y", panel),
    }


def _thinned(points: Sequence[Point], cap: int) -> list[Point]:
    kept = thin([float(point.step) for point in points], [point.value for point in points], cap)
    return [points[i] for i in kept]


def _literal(text: str) -> str:
    """Plotly reads a small HTML in every text; metric names come from scripts."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


# ---- a static chart -------------------------------------------------------------------------------

_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 12, 10, 34  # pixels around the plot, without the legend
_ROW = 16  # pixels per row of the legend
_CHARACTER = 6.2  # pixels, about, at font size 11
_DASHES = (None, "6 3", "2 3", "8 3 2 3")


def _drawable(point: Point) -> bool:
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


def svg(history: History, names: Iterable[str], *, label: str = "", width: int = 640, height: int = 220) -> Markup:
    """Draw curves as a small chart that needs no script: what a saved notebook shows.

    Colours are the variables of the card's stylesheet, so it belongs inside `core.html.card`. Curves differ by dash
    as well as by colour, and the legend gives their newest values.

    Args:
        history: Points by metric.
        names: The metrics to draw; those the history does not have are left out.
        label: What the chart shows, for people who cannot see it.
        width: Pixels, and the widest it gets.
        height: Pixels.

    Returns:
        One `<svg>` element; a `<p>` that says so where there is no finite value to draw.
    """
    curves = {name: _thinned(history[name], 400) for name in names if history.get(name)}
    finite = [point for points in curves.values() for point in points if _drawable(point)]
    if not finite:
        return el("p", "No values to draw yet.", class_="sub")
    words = [f"{name} {_number(points[-1].value)}" for name, points in curves.items()]
    places = _legend_places(words, width)
    frame = _frame(finite, width, height, _TOP + _ROW * (places[-1][1] + 1))
    last_step = max(points[-1].step for points in curves.values())
    return el(
        "svg",
        _grid(frame),
        [_curve(points, frame, i) for i, points in enumerate(curves.values())],
        [_legend_entry(*place, entry, i) for i, (place, entry) in enumerate(zip(places, words, strict=True))],
        view_box=f"0 0 {width} {height}",
        width="100%",
        style=f"max-width:{width}px;height:auto;display:block",
        role="img",
        aria_label=f"{label or 'Curves'}. Step {last_step:,}: {', '.join(words)}.",
        font_size=11,
        fill="var(--mute, currentColor)",
    )


def _frame(finite: Sequence[Point], width: int, height: int, top: int) -> _Frame:
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


def _curve(points: Sequence[Point], frame: _Frame, i: int) -> list[Markup]:
    """One line per stretch between gaps; a stretch of one point is a dot."""
    parts = []
    for stretch in _stretches(points):
        places = [(round(frame.x(point.step), 1), round(frame.y(point.value), 1)) for point in stretch]
        if len(places) == 1:
            parts.append(el("circle", cx=places[0][0], cy=places[0][1], r=2.5, fill=_color(i)))
        else:
            parts.append(el("polyline", points=" ".join(f"{x:g},{y:g}" for x, y in places), fill="none", **_stroke(i)))
    return parts


def _stretches(points: Sequence[Point]) -> Iterator[list[Point]]:
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
