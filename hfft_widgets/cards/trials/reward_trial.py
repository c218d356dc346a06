"""The trial of a reward as text, Markdown and HTML: what it pays for right answers and for wrong ones, side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hfft_widgets.cards import known
from hfft_widgets.cards.parts import card, chip, icon, table
from hfft_widgets.core.html import Markup, el, join
from hfft_widgets.core.units import plural

Values = Mapping[str, Any]

_BINS = 12
_WIDTH, _HEIGHT = 240, 48


def _mean(paid: Sequence[float]) -> str:
    return f"{sum(paid) / len(paid):.2f}" if paid else "not tried"


def _rows(trial: Values) -> list[tuple[str, str]]:
    """(kind of answer, what it is paid in the mean)."""
    return [("right", _mean(trial["right"])), *((f"wrong: {kind}", _mean(v)) for kind, v in trial["wrong"].items())]


def _verdict(trial: Values) -> str:
    if trial["problems"]:
        return "Refused"
    return (
        "It tells right from wrong" if trial["right"] else "Only wrong answers were tried: the rows hold no right one"
    )


def _tried(trial: Values) -> str:
    form = str(trial["form"]).replace("\n", " ").replace("{}", "...")
    written = f", right answers written as {form}" if form not in {"", "..."} else ""
    return f"{plural(trial['rows'], 'row')} of {trial['data']}{written}"


def text(trial: Values) -> str:
    """The trial for a terminal."""
    lines = [f"{trial['title']}: {_verdict(trial)}", _tried(trial)]
    lines += [f"  {kind}: {paid}" for kind, paid in _rows(trial)]
    return "\n".join([*lines, *(f"  - {problem}." for problem in trial["problems"])])


def markdown(trial: Values) -> str:
    """The trial for a README or an issue."""
    lines = [f"## {trial['title']}", "", f"{_verdict(trial)}. {_tried(trial)}.", "", "| answer | paid |", "|---|---|"]
    lines += [f"| {kind} | {paid} |" for kind, paid in _rows(trial)]
    return "\n".join([*lines, "", *(f"- {problem}." for problem in trial["problems"])])


def html(trial: Values) -> Markup:
    """The trial as a card."""
    status = chip("bad", "Refused") if trial["problems"] else chip("ok", "Tells right from wrong")
    return card(trial["title"], known(_tried, trial), status, known(section, trial), label=trial["title"])


def section(trial: Values) -> Markup:
    """What it pays, as two small histograms over the same axis and a table; problems first."""
    problems = [el("li", icon("bad"), el("div", f"{problem}.")) for problem in trial["problems"]]
    wrong = [value for paid in trial["wrong"].values() for value in paid]
    everything = [*trial["right"], *wrong]
    low, high = (min(everything), max(everything)) if everything else (0.0, 0.0)
    pictures = [_histogram(words, paid, low, high) for words, paid in (("right", trial["right"]), ("wrong", wrong))]
    return join(
        [
            el("ul", problems, class_="f warned") if problems else None,
            el("div", [one for one in pictures if one], class_="pays"),
            table(("Answer", "Paid in the mean"), _rows(trial)),
        ]
    )


def _histogram(kind: str, paid: Sequence[float], low: float, high: float) -> Markup | None:
    """How often each reward was paid."""
    if not paid:
        return None
    counts = [0] * _BINS
    for value in paid:
        counts[min(_BINS - 1, int((value - low) / ((high - low) or 1.0) * _BINS))] += 1
    title = f"What {plural(len(paid), f'{kind} answer')} were paid, from {low:g} to {high:g}: {_mean(paid)} in the mean"
    step = _WIDTH / _BINS
    bars = [
        el(
            "rect", x=f"{at * step + 1:.1f}", width=f"{step - 2:.1f}", y=f"{_HEIGHT * (1 - n / max(counts)):.1f}",
            height=f"{_HEIGHT * n / max(counts):.1f}", class_="over" if kind == "wrong" else None,
        )
        for at, n in enumerate(counts)
        if n
    ]  # fmt: skip
    base = el("line", x1=0, x2=_WIDTH, y1=_HEIGHT, y2=_HEIGHT, class_="base")
    picture = el(
        "svg", el("title", title), bars, base,
        class_="hist", role="img", aria_label=title, view_box=f"0 0 {_WIDTH} {_HEIGHT}", preserveAspectRatio="none",
    )  # fmt: skip
    ends = el("div", el("span", f"{low:g}"), " ", el("span", f"{high:g}"), class_="axis")
    return el("div", el("div", f"{plural(len(paid), f'{kind} answer')}", class_="sub"), picture, ends)
