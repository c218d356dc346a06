"""Which metrics share a plot, the figure as plotly sees it, the static chart as a browser does, and thinning."""

from __future__ import annotations

import math

import plotly.graph_objects as go
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hfft_widgets.core.html import COLORS
from hfft_widgets.core.method import METHODS
from hfft_widgets.core.run.curves import figure, groups
from hfft_widgets.core.run.curves.thinning import thin
from hfft_widgets.core.run.history import Point

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
    "KTO": [
        *SHARED,
        *(f"{kind}/{side}" for kind in ("rewards", "logps", "logits") for side in ("chosen", "rejected")),
        "rewards/margins",
        "kl",
        "entropy",
        *EVAL,
        "eval_rewards/margins",
        "eval_kl",
    ],
    "Reward": [*SHARED, "accuracy", "margin", "mean_reward", "min_reward", "max_reward"],
}
METRICS["GRPO"].append("kl")  # where beta is not 0
METRICS["RLOO"] = [*METRICS["GRPO"], "clip_ratio/region_mean"]
FIRST = {
    "SFT": [("loss", "eval_loss"), ("learning_rate",), ("grad_norm",)],
    "DPO": [
        ("loss", "eval_loss"),
        ("learning_rate",),
        ("grad_norm",),
        ("rewards/chosen", "rewards/rejected", "rewards/margins", "eval_rewards/chosen"),
    ],
    "GRPO": [("reward", "reward_std", "eval_reward"), ("loss",)],
    "KTO": [
        ("loss", "eval_loss"),
        ("learning_rate",),
        ("grad_norm",),
        (*(f"rewards/{k}" for k in ("chosen", "rejected", "margins")), "eval_rewards/margins"),
    ],
    "RLOO": [("reward", "reward_std", "eval_reward"), ("loss",)],
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


# the three plots that a method's own metrics come to first
TELLING = {
    "SFT": ["Loss", "Accuracy", "Entropy"],
    "DPO": ["Loss", "Accuracy", "Rewards"],
    "GRPO": ["Reward", "Groups with equal rewards", "Completion length"],
    "KTO": ["Loss", "Rewards", "KL divergence"],
    "Reward": ["Loss", "Accuracy", "Rewards"],
    "RLOO": ["Reward", "Groups with equal rewards", "Completion length"],
}


@pytest.mark.parametrize("method", METHODS)
def test_the_metrics_that_tell_most_of_a_method_are_logged_and_come_first(method: str) -> None:
    telling = METHODS[method].curves
    assert set(telling) <= set(METRICS[method])
    found = groups(METRICS[method], telling)
    assert [group.title for group in found[:3]] == TELLING[method]
    assert set(found) == set(groups(METRICS[method]))


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
