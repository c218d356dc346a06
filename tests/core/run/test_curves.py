"""Which metrics share a plot, the figure as plotly sees it, the static chart as a browser does, and thinning."""

from __future__ import annotations

import math
import xml.etree.ElementTree as ET

import plotly.graph_objects as go
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hfft_widgets.core.html import Markup
from hfft_widgets.core.run.curves import COLORS, figure, groups, svg, ticks
from hfft_widgets.core.run.history import Point
from hfft_widgets.core.run.thinning import thin

NAN = float("nan")

# What TRL 1.16's trainers log, as their output in a real run had it.
SHARED = ["loss", "grad_norm", "learning_rate", "epoch", "num_tokens"]
EVAL = ["eval_loss", "eval_runtime", "eval_samples_per_second", "eval_steps_per_second"]
SUMMARY = ["train_runtime", "train_loss", "train_samples_per_second", "train_steps_per_second", "total_flos"]
METRICS = {
    "SFT": [*SHARED, "entropy", "mean_token_accuracy", *EVAL, "eval_entropy", "eval_mean_token_accuracy", *SUMMARY],
    "DPO": [
        *SHARED,
        *(f"{kind}/{side}" for kind in ("rewards", "logps", "logits") for side in ("chosen", "rejected")),
        "rewards/accuracies",
        "rewards/margins",
        "entropy",
        "mean_token_accuracy",
        "eval_rewards/chosen",
        *EVAL,
    ],
    "GRPO": [
        *SHARED,
        "reward",
        "reward_std",
        "rewards/exact_answer/mean",
        "rewards/exact_answer/std",
        "frac_reward_zero_std",
        *(f"completions/{name}_length" for name in ("mean", "min", "max")),
        *(f"completions/{name}_terminated_length" for name in ("mean", "min", "max")),
        "completions/clipped_ratio",
        "clip_ratio/low_mean",
        "entropy",
        "step_time",
        "eval_reward",
    ],
    "Reward": [*SHARED, "accuracy", "margin", "mean_reward", "min_reward", "max_reward"],
}
FIRST = {
    "SFT": [("loss", "eval_loss"), ("learning_rate",), ("grad_norm",)],
    "DPO": [
        ("loss", "eval_loss"),
        ("learning_rate",),
        ("grad_norm",),
        ("rewards/chosen", "rewards/rejected", "rewards/margins", "eval_rewards/chosen"),
    ],
    "GRPO": [("reward", "reward_std", "eval_reward"), ("loss",)],
    "Reward": [("loss",), ("learning_rate",), ("grad_norm",), ("margin", "mean_reward", "min_reward", "max_reward")],
}
HOSTILE = "</text><script>alert(1)</script> & <b>"


def points(values: list[float], first: int = 1) -> list[Point]:
    return [Point(step, value, None, float(step)) for step, value in enumerate(values, first)]


@pytest.mark.parametrize("method", METRICS)
def test_the_telling_plots_come_first_and_bookkeeping_on_none(method: str) -> None:
    found = groups(METRICS[method])
    assert [group.names for group in found[: len(FIRST[method])]] == FIRST[method]
    shown = [name for group in found for name in group.names]
    assert len(shown) == len(set(shown))
    assert not {"epoch", "num_tokens", "step_time", *EVAL[1:], *SUMMARY} & set(shown)
    assert all(group.title and group.y_title for group in found)


def test_unknown_metrics_get_a_plot_each() -> None:
    assert [(group.title, group.names) for group in groups(["eval_bleu", "bleu", "a", "loss"])[1:]] == [
        ("a", ("a",)),
        ("bleu", ("bleu", "eval_bleu")),
    ]


def test_plotly_accepts_the_figure_and_each_group_has_its_panel() -> None:
    history = {name: points([1.0, NAN, 3.0, math.inf]) for name in METRICS["SFT"]}
    drawn = go.Figure(figure(history, title="Run <1>"))
    found = groups(history)
    assert len(drawn.data) == sum(len(group.names) for group in found)
    assert drawn.data[0].y == (1.0, None, 3.0, None)
    assert drawn.data[0].x == (1, 2, 3, 4)
    assert drawn.layout.title.text == "Run &lt;1&gt;"
    panels = [drawn.layout[f"yaxis{i or ''}"] for i in [0, *range(2, len(found) + 1)]]
    assert [panel.title.text for panel in panels] == [group.y_title for group in found]
    edges = [edge for panel in panels for edge in reversed(panel.domain)]
    assert edges == sorted(edges, reverse=True), "below each other, none over another"
    assert {trace.yaxis for trace in drawn.data} == {f"y{i or ''}" for i in [0, *range(2, len(found) + 1)]}


def test_one_panel_for_the_names_asked_for() -> None:
    history = {"loss": points([3.0, 2.0]), HOSTILE: points([1.0] * 5000)}
    drawn = go.Figure(figure(history, ["loss", HOSTILE, "absent"], y_log=True, cap=100))
    assert [trace.mode for trace in drawn.data] == ["lines+markers", "lines"]
    assert len(drawn.data[1].x) <= 100
    assert "<" not in drawn.data[1].name
    assert drawn.layout.yaxis.type == "log"


def test_an_empty_history_is_an_empty_figure() -> None:
    assert go.Figure(figure({})).data == ()


def luminance(color: str) -> float:
    """WCAG 2.2 relative luminance."""
    channels = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("ground", ["#ffffff", "#111111", "#1e1e1e"])
@pytest.mark.parametrize("color", COLORS)
def test_lines_can_be_seen_on_light_and_dark(color: str, ground: str) -> None:
    light, dark = sorted((luminance(color), luminance(ground)), reverse=True)
    assert (light + 0.05) / (dark + 0.05) >= 3


def parsed(markup: Markup) -> ET.Element:
    return ET.fromstring(str(markup))


def test_the_static_chart_breaks_at_gaps_and_tells_the_last_values() -> None:
    history = {"loss": points([3.0, 2.5, NAN, 2.0, math.inf, 1.5, 1.25]), "eval_loss": points([2.75], first=4)}
    chart = parsed(svg(history, ["loss", "eval_loss", "absent"], label="Loss of a run"))
    lines = chart.findall("polyline")
    assert [len(line.get("points", "").split()) for line in lines] == [2, 2]
    assert len(chart.findall("circle")) == 2, "a lone point is a dot: step 4 of loss, and the one evaluation"
    assert chart.get("aria-label") == "Loss of a run. Step 7: loss 1.25, eval_loss 2.75."
    words = [node.text for node in chart.findall("text")]
    assert {"loss 1.25 ", "eval_loss 2.75 ", "step "} <= set(words)
    assert all(word is not None and word.endswith(" ") for word in words)
    assert chart.find("title") is None


def test_the_static_chart_stays_inside_its_frame() -> None:
    chart = parsed(svg({"loss": points([1e6, -5.0, 1e-9])}, ["loss"], width=400, height=150))
    for line in chart.findall("polyline"):
        for place in line.get("points", "").split():
            x, y = map(float, place.split(","))
            assert 0 <= x <= 400
            assert 0 <= y <= 150


def test_every_curve_of_the_static_chart_is_in_its_legend() -> None:
    names = [f"a rather long name of metric {i}" for i in range(5)]
    chart = parsed(svg({name: points([1.0, 2.0]) for name in names}, names, width=400))
    entries = [node for node in chart.findall("text") if node.text and node.text.startswith("a rather")]
    assert [node.text for node in entries] == [f"{name} 2 " for name in names]
    assert len({node.get("y") for node in entries}) == 5, "one below the other where there is no room beside"
    top = min(float(place.split(",")[1]) for line in chart.findall("polyline") for place in line.get("points").split())
    assert top > max(float(node.get("y")) for node in entries)


def test_the_static_chart_escapes_names() -> None:
    chart = svg({HOSTILE: points([1.0, 2.0])}, [HOSTILE], label=HOSTILE)
    assert "<script" not in chart
    assert "<b>" not in chart
    assert HOSTILE in (parsed(chart).get("aria-label") or "")


@pytest.mark.parametrize("history", [{}, {"loss": []}, {"loss": points([NAN, math.inf])}])
def test_nothing_to_draw_is_said(history: dict[str, list[Point]]) -> None:
    assert "No values" in svg(history, ["loss"])


@pytest.mark.parametrize("values", [[5.0], [0.0, 0.0], [1e-12] * 3, [-1e299, 1e299], [1.0, 1.7e308, -1.7e308, 2.0]])
def test_odd_ranges_are_drawn(values: list[float]) -> None:
    assert parsed(svg({"loss": points(values)}, ["loss"])).get("role") == "img"


def test_a_long_curve_stays_a_small_chart() -> None:
    history = {"loss": points([math.sin(k / 300) for k in range(100_000)])}
    assert len(svg(history, ["loss"])) < 10_000


@given(st.floats(-1e9, 1e9), st.floats(1e-6, 1e9), st.integers(1, 10))
def test_ticks_lie_inside_and_are_few(low: float, span: float, count: int) -> None:
    span = max(span, abs(low) * 1e-6)
    high = low + span
    found = ticks(low, high, count)
    assert len(found) <= count + 1
    assert all(low - 1e-6 * span <= tick <= high + 1e-6 * span for tick in found)


CURVES = st.integers(0, 300).flatmap(
    lambda n: st.tuples(
        st.lists(st.integers(0, 10_000), min_size=n, max_size=n, unique=True).map(sorted),
        st.lists(st.one_of(st.floats(-1e6, 1e6), st.just(NAN), st.just(math.inf)), min_size=n, max_size=n),
    )
)


@given(CURVES, st.integers(4, 120))
def test_thinning_keeps_ends_extremes_and_gaps(curve: tuple[list[int], list[float]], cap: int) -> None:
    x, y = curve
    kept = thin(x, y, cap)
    assert kept == sorted(set(kept))
    if len(x) <= cap:
        assert kept == list(range(len(x)))
        return
    assert len(kept) <= 1.5 * cap
    assert {0, len(x) - 1} <= set(kept)
    finite = [value for value in y if math.isfinite(value)]
    kept_finite = [y[i] for i in kept if math.isfinite(y[i])]
    if finite:
        assert (min(kept_finite), max(kept_finite)) == (min(finite), max(finite))
    assert any(not math.isfinite(y[i]) for i in kept) == any(not math.isfinite(value) for value in y)


@given(CURVES)
def test_thinning_again_after_more_points_loses_no_extreme(curve: tuple[list[int], list[float]]) -> None:
    x, y = curve
    held_x: list[int] = []
    held_y: list[float] = []
    for start in range(0, len(x), 20):
        held_x += x[start : start + 20]
        held_y += y[start : start + 20]
        kept = thin(held_x, held_y, 30)
        held_x, held_y = [held_x[i] for i in kept], [held_y[i] for i in kept]
    finite = [value for value in y if math.isfinite(value)]
    if finite:
        held_finite = [value for value in held_y if math.isfinite(value)]
        assert (min(held_finite), max(held_finite)) == (min(finite), max(finite))
