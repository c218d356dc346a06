"""The static chart as a browser sees it."""

from __future__ import annotations

import math
import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hfft_widgets.cards.chart import svg, ticks
from hfft_widgets.core.html import Markup
from hfft_widgets.core.run.curves import drawn
from hfft_widgets.core.run.history import Point
from tests.core.run.test_curves import HOSTILE, NAN, points


def parsed(markup: Markup) -> ET.Element:
    return ET.fromstring(str(markup))


def test_the_static_chart_breaks_at_gaps_and_tells_the_last_values() -> None:
    history = {"loss": points([3.0, 2.5, NAN, 2.0, math.inf, 1.5, 1.25]), "eval_loss": points([2.75], first=4)}
    chart = parsed(svg(drawn(history, ["loss", "eval_loss", "absent"]), label="Loss of a run"))
    lines = chart.findall("polyline")
    assert [len(line.get("points", "").split()) for line in lines] == [2, 2]
    assert len(chart.findall("circle")) == 2, "a lone point is a dot: step 4 of loss, and the one evaluation"
    assert chart.get("aria-label") == "Loss of a run. Step 7: loss 1.25, eval_loss 2.75."
    words = [node.text for node in chart.findall("text")]
    assert {"loss 1.25 ", "eval_loss 2.75 ", "step "} <= set(words)
    assert all(word is not None and word.endswith(" ") for word in words)
    assert chart.find("title") is None


def test_the_static_chart_stays_inside_its_frame() -> None:
    chart = parsed(svg(drawn({"loss": points([1e6, -5.0, 1e-9])}, ["loss"]), width=400, height=150))
    for line in chart.findall("polyline"):
        for place in line.get("points", "").split():
            x, y = map(float, place.split(","))
            assert 0 <= x <= 400
            assert 0 <= y <= 150


def test_every_curve_of_the_static_chart_is_in_its_legend() -> None:
    names = [f"a rather long name of metric {i}" for i in range(5)]
    chart = parsed(svg(drawn({name: points([1.0, 2.0]) for name in names}, names), width=400))
    entries = [node for node in chart.findall("text") if node.text and node.text.startswith("a rather")]
    assert [node.text for node in entries] == [f"{name} 2 " for name in names]
    assert len({node.get("y") for node in entries}) == 5, "one below the other where there is no room beside"
    top = min(float(place.split(",")[1]) for line in chart.findall("polyline") for place in line.get("points").split())
    assert top > max(float(node.get("y")) for node in entries)


def test_the_static_chart_escapes_names() -> None:
    chart = svg(drawn({HOSTILE: points([1.0, 2.0])}, [HOSTILE]), label=HOSTILE)
    assert "<script" not in chart
    assert "<b>" not in chart
    assert HOSTILE in (parsed(chart).get("aria-label") or "")


@pytest.mark.parametrize("history", [{}, {"loss": []}, {"loss": points([NAN, math.inf])}])
def test_nothing_to_draw_is_said(history: dict[str, list[Point]]) -> None:
    assert "No values" in svg(drawn(history, ["loss"]))


@pytest.mark.parametrize("values", [[5.0], [0.0, 0.0], [1e-12] * 3, [-1e299, 1e299], [1.0, 1.7e308, -1.7e308, 2.0]])
def test_odd_ranges_are_drawn(values: list[float]) -> None:
    assert parsed(svg(drawn({"loss": points(values)}, ["loss"]))).get("role") == "img"


def test_a_long_curve_stays_a_small_chart() -> None:
    history = {"loss": points([math.sin(k / 300) for k in range(100_000)])}
    assert len(svg(drawn(history, ["loss"]))) < 10_000


@given(st.floats(-1e9, 1e9), st.floats(1e-6, 1e9), st.integers(1, 10))
def test_ticks_lie_inside_and_are_few(low: float, span: float, count: int) -> None:
    span = max(span, abs(low) * 1e-6)
    high = low + span
    found = ticks(low, high, count)
    assert len(found) <= count + 1
    assert all(low - 1e-6 * span <= tick <= high + 1e-6 * span for tick in found)
