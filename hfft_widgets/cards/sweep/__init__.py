"""A sweep as text, Markdown and HTML: a row for each value, what it costs, and how its held-out score went."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hfft_widgets.cards import known
from hfft_widgets.cards.chart import svg
from hfft_widgets.cards.parts import card, chip, failure, figures, table
from hfft_widgets.core.html import Markup, el, join
from hfft_widgets.core.units import duration_text, usd_text

Values = Mapping[str, Any]


def _ran(sweep: Values) -> bool:
    return "complete" in sweep


def _head(sweep: Values) -> tuple[str, ...]:
    return (
        ("Value", "Stage", f"Best {sweep['metric']}", "At step", "Cost") if _ran(sweep) else ("Value", "Cost", "Time")
    )


def _cells(sweep: Values, row: Values) -> tuple[str, ...]:
    if not _ran(sweep):
        fits = "" if row["fits"] else ", memory too small"
        return row["value"], usd_text(row["usd"]), f"{duration_text(row['seconds'])}{fits}"
    score, step = row.get(sweep["metric"]), row.get("step")
    shown = "" if score is None else f"{score:.4g}"
    return row["value"], row["stage"], shown, "" if step is None else f"{step:,}", usd_text(row["cost_usd"])


def _rows(sweep: Values) -> list[tuple[str, ...]]:
    return [_cells(sweep, row) for row in sweep["rows"]]


def _words(sweep: Values) -> str:
    if not _ran(sweep):
        how = "beside each other" if sweep["paid"] else "one after the other"
        cost = (
            f"about {usd_text(sweep['usd'])}, {usd_text(sweep['ceiling_usd'])} at most" if sweep["paid"] else "nothing"
        )
        where = "this machine" if sweep["flavor"] == "local" else sweep["flavor"]
        return f"{len(sweep['rows'])} runs on {where}, {how}: {duration_text(sweep['seconds'])}, costs {cost}."
    best = f"Best so far: {sweep['setting']} {sweep['best']}." if sweep["best"] is not None else "No score yet."
    return f"{best.replace(' so far', '') if sweep['complete'] else best} Cost: {usd_text(sweep['cost_usd'])}."


def text(sweep: Values) -> str:
    """The sweep for a terminal."""
    rows = [_head(sweep), *_rows(sweep)]
    widths = [max(len(row[at]) for row in rows) for at in range(len(rows[0]))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    error = [sweep["error"]] if sweep.get("error") else []
    return "\n".join([sweep["title"], _words(sweep), "", *lines, "", sweep["rule"], *error])


def markdown(sweep: Values) -> str:
    """The sweep for a README or an issue."""
    head = _head(sweep)
    rows = [head, tuple("---" for _ in head), *_rows(sweep)]
    lines = [f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |" for row in rows]
    return "\n".join([f"### {sweep['title']}", "", _words(sweep), "", *lines, "", sweep["rule"]])


def html(sweep: Values) -> Markup:
    """The sweep as a card."""
    done = sweep.get("complete")
    status = chip("ok", "Done") if done else chip("run", "Running") if _ran(sweep) else chip("info", "Not started")
    return card(sweep["title"], known(_words, sweep), status, *_parts(sweep), label=sweep["title"])


def lines(sweep: Values) -> Markup:
    """The same as a part of another card."""
    return join([el("p", known(_words, sweep)), *_parts(sweep)])


def _parts(sweep: Values) -> list[Markup | None]:
    best = next((at for at, row in enumerate(sweep["rows"]) if row["value"] == sweep.get("best")), None)
    price = figures((usd_text(sweep["ceiling_usd"]), "at most, all runs together")) if sweep["paid"] else None
    return [
        price if not _ran(sweep) else None,
        known(_overlay, sweep) if _ran(sweep) else None,
        table(_head(sweep), _rows(sweep), selected=best),
        el("p", sweep["rule"], class_="sub"),
        failure(sweep["error"]) if sweep.get("error") else None,
    ]


def _overlay(sweep: Values) -> Markup:
    curves = {f"{sweep['setting']} {row['value']}": row["curve"] for row in sweep["rows"] if row["curve"]}
    return svg(curves, label=sweep["metric"])


def figure(sweep: Values) -> dict[str, Any]:
    """Held-out scores over the steps, a line for each value."""
    lines = [
        {"type": "scatter", "mode": "lines+markers", "name": f"{sweep['setting']} {row['value']}",
         "x": [step for step, _ in row["curve"]], "y": [score for _, score in row["curve"]]}
        for row in sweep["rows"]
        if row.get("curve")
    ]  # fmt: skip
    return {
        "data": lines,
        "layout": {"xaxis": {"title": {"text": "step"}}, "yaxis": {"title": {"text": sweep["metric"]}}},
    }
