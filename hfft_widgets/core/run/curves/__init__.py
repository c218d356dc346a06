"""Curves of a run as plain data: which metrics share a plot, a plotly figure as a dict, thinned points."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle, groupby
from math import isfinite
from typing import Any

from hfft_widgets.core.html import COLORS
from hfft_widgets.core.run.curves.thinning import thin
from hfft_widgets.core.run.history import Point

History = Mapping[str, Sequence[Point]]


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
    r"epoch|num_tokens|gpu_memory_bytes|step_time|total_flos|train_.*|.*_runtime|.*_per_second|runtime|clip_ratio/.*"
    r"|completions/.*_terminated_length|rewards/.+/std|sampling/.*"
)


def groups(names: Iterable[str], telling: Sequence[str] = ()) -> tuple[Group, ...]:
    """Sort metric names into plots, the most telling plot first.

    Loss comes first, except where a trainer logs `reward`: there the loss is about 0 by design and the reward tells
    how it goes. Metrics that are not known get a plot each; bookkeeping gets none.

    Args:
        names: The metrics.
        telling: Those whose plots come next, in this order: `Method.curves`.

    >>> [group.names for group in groups(["epoch", "eval_loss", "learning_rate", "loss", "my_metric"])]
    [('loss', 'eval_loss'), ('learning_rate',), ('my_metric',)]
    >>> [group.title for group in groups(["loss", "reward", "reward_std", "rewards/exact/mean"])]
    ['Reward', 'Loss', 'Reward functions']
    >>> [group.title for group in groups(["loss", "grad_norm", "entropy", "eval_entropy"], ["entropy"])]
    ['Loss', 'Entropy', 'Gradient norm']
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
    order = {name: rank for rank, name in reversed(list(enumerate(telling)))}
    return (*found[:1], *sorted(found[1:], key=lambda group: _rank(group, order)))


def _rank(group: Group, order: Mapping[str, int]) -> int:
    return min(order.get(_train_name(name), len(order)) for name in group.names)


def _train_name(name: str) -> str:
    return name.removeprefix("eval_")


def _is_eval(name: str) -> bool:
    return name.startswith("eval_")


# ---- a plotly figure ------------------------------------------------------------------------------

_PANEL_PIXELS = 230
_DASHES = ("dash", "dot", "dashdot", "longdash")  # of runs beside, as the page draws them
_FEW_POINTS = 30  # up to here points are marked: one evaluation alone would be an invisible line


def figure(
    history: History,
    names: Iterable[str] | None = None,
    *,
    panels: Sequence[Group] = (),
    beside: Mapping[str, History] | None = None,
    title: str = "",
    y_log: bool = False,
    cap: int = 2000,
) -> dict[str, Any]:
    """Draw curves as a plotly figure in plain dicts: `plotly.graph_objects.Figure(figure(run.history))`.

    Args:
        history: Points by metric.
        names: The metrics of one plot; None: one plot per group of `groups`, below each other, over the same steps.
            Names the history does not have are left out.
        panels: These groups instead.
        beside: Points of other runs, by what each is called: dashed beside the curve of the same metric.
        title: Shown above the plots.
        y_log: Whether the vertical axes are logarithmic.
        cap: About how many points per curve are kept (see `thinning.thin`).

    Returns:
        `{"data": [...], "layout": {...}}`; nan and infinities are None, which plotly draws as gaps.
    """
    panels = panels or (groups(history) if names is None else (Group(title, tuple(names)),))
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
        for name in _held(panel, history):
            color = sum("dash" not in trace["line"] for trace in traces)
            traces.append(_trace(name, history[name], i, color, cap))
            for (other, points), dash in zip((beside or {}).items(), cycle(_DASHES), strict=False):
                if points.get(name):
                    trace = _trace(f"{name} ({other})", points[name], i, color, cap)
                    traces.append({**trace, "opacity": 0.6, "line": {**trace["line"], "dash": dash}})
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


def drawn(history: History, names: Iterable[str], cap: int = 400) -> dict[str, list[list[Any]]]:
    """Curves as JSON values: metric -> [step, value] pairs, thinned; nan and the infinities as texts.

    Args:
        history: Points by metric.
        names: The metrics; those the history does not have are left out.
        cap: About how many points per curve are kept.
    """
    held = {name: _thinned(history[name], cap) for name in names if history.get(name)}
    return {name: [[point.step, json_number(point.value)] for point in points] for name, points in held.items()}


def json_number(value: float) -> float | str:
    """A number that JSON gives back as it was: nan and the infinities as texts, which `float` reads."""
    return value if isfinite(value) else str(value)
