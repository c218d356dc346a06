"""Runs beside each other, as a card: what they came to, in what they differ."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hfft_widgets.cards import known
from hfft_widgets.cards.parts import table
from hfft_widgets.core.html import Markup, el

Values = Mapping[str, Any]


def rows(values: Values) -> list[list[str]]:
    """What each row of the table says: how they ended, the last values, what was set otherwise."""
    runs = values["runs"]
    found = [["Stage", *(str(run["stage"]).lower() for run in runs)]]
    if any(run["verdict"] for run in runs):
        found.append(["Verdict", *(run["verdict"] or "none" for run in runs)])
    found += [[name, *("none" if v is None else f"{float(v):.4g}" for v in ends)] for name, ends in values["ends"][:6]]
    return [*found, *([label, *(str(value) for value in each)] for label, each in values["differences"])]


def table_of(values: Values) -> Markup:
    """The table, and what it cannot say."""
    head = ("", *(run["name"] for run in values["runs"]))
    body = [(el("span", row[0], class_="sub"), *row[1:]) for row in rows(values)]
    same = None if values["differences"] or values["note"] else "Model, data and settings are the same."
    words = values["note"] or same
    return el("div", table(head, body), el("div", words, class_="sub") if words else None)


def html(values: Values) -> Markup:
    """The card."""
    head = el("header", el("div", el("h3", values["title"]), class_="grow"))
    label = f"Runs: {values['title']}"
    return el("article", head, el("section", known(table_of, values)), class_="hfft mathjax_ignore", aria_label=label)


def text(values: Values) -> str:
    """For a terminal: a column each."""
    lines = [["", *(run["name"] for run in values["runs"])], *rows(values)]
    wide = [max(len(line[at]) for line in lines) for at in range(len(lines[0]))]
    shown = ["  ".join(cell.ljust(width) for cell, width in zip(line, wide, strict=True)).rstrip() for line in lines]
    return "\n".join([*shown, *([values["note"]] if values["note"] else [])])


def markdown(values: Values) -> str:
    """For an issue."""
    head = ["", *(run["name"] for run in values["runs"])]
    lines = [head, ["---"] * len(head), *rows(values)]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)
