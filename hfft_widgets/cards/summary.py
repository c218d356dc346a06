"""A plan in words: title, facts, reasons and warnings, for a terminal and as Markdown; the reasons for a card."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from hfft_widgets.cards import known
from hfft_widgets.cards.parts import heading, icon
from hfft_widgets.core.html import Markup, el

Facts = Sequence[tuple[str, str]]


def facts_known(facts: Mapping[str, Callable[[Any], str | None]], values: Mapping[str, Any]) -> list[tuple[str, str]]:
    """(name, value) of the facts that these values know."""
    found = ((name, known(say, values)) for name, say in facts.items())
    return [(name, value) for name, value in found if value]


def summary_text(title: str, facts: Facts, reasons: Iterable[str], warnings: Sequence[str]) -> str:
    """The plan for a terminal."""
    lines = [title, ""]
    lines += [f"  {name + ':':<8} {value}" for name, value in facts]
    lines += ["", "Why:", *[f"  - {reason}" for reason in reasons]]
    if warnings:
        lines += ["", "Note:", *[f"  ! {warning}" for warning in warnings]]
    return "\n".join(lines)


def summary_markdown(title: str, facts: Facts, reasons: Iterable[str], warnings: Sequence[str]) -> str:
    """The plan for a README or an issue."""
    rows = [f"| {name} | {_cell(value)} |" for name, value in facts]
    parts = [f"### {title}", "\n".join(["| | |", "|---|---|", *rows])]
    parts.append("\n".join(f"- {reason}" for reason in reasons))
    if warnings:
        parts.append("\n".join(f"- **Note:** {warning}" for warning in warnings))
    return "\n\n".join(parts)


def reasons_html(reasons: Iterable[str], warnings: Sequence[str]) -> Markup:
    """Why the plan is as it is, what could disappoint first."""
    warned = [el("li", icon("warn"), el("div", words), class_="warned") for words in warnings]
    return el(
        "div",
        heading("Why this plan"),
        el("ul", warned, class_="f") if warned else None,
        el("ul", [el("li", reason) for reason in reasons], class_="why"),
    )


def _cell(value: str) -> str:
    return value.replace("|", "\\|").replace("\n", " ")
