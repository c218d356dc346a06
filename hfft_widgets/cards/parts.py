"""The parts that every card is made of, and their stylesheet."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable
from functools import cache
from importlib.resources import files

from hfft_widgets.core.html import Child, Markup, el, join, text
from hfft_widgets.core.units import duration_text


@cache
def style() -> Markup:
    """The package's stylesheet as a `<style>` element; a card alone carries it, a panel has it once a page."""
    return Markup(f"<style>{stylesheet()}</style>")


@cache
def stylesheet() -> str:
    """The package's stylesheet, without comments and the room between its words."""
    css = (files("hfft_widgets.cards") / "style.css").read_text("utf-8")
    return re.sub(r"\s+", " ", re.sub(r"(?s)/\*.*?\*/", "", css)).strip()


_ICONS = {
    "ok": ("Good", ["M1.5 8a6.5 6.5 0 1 0 13 0a6.5 6.5 0 1 0-13 0", "M4.9 8.2l2.2 2.2 4-4.4"]),
    "warn": ("Warning", ["M8 1.8 14.8 14H1.2Z", "M8 6.2v3.6M8 11.7v.3"]),
    "bad": ("Problem", ["M5.2 1.5h5.6l3.7 3.7v5.6l-3.7 3.7H5.2l-3.7-3.7V5.2Z", "M5.6 5.6l4.8 4.8M10.4 5.6l-4.8 4.8"]),
    "info": ("Note", ["M1.5 8a6.5 6.5 0 1 0 13 0a6.5 6.5 0 1 0-13 0", "M8 7.2v3.9M8 4.7v.3"]),
    "run": ("Running", ["M1.5 8a6.5 6.5 0 1 0 13 0a6.5 6.5 0 1 0-13 0", "M6.6 5.2 10.8 8l-4.2 2.8Z"]),
    "wait": ("Waiting", ["M1.5 8a6.5 6.5 0 1 0 13 0a6.5 6.5 0 1 0-13 0", "M8 4.3V8l2.6 1.6"]),
}


def icon(kind: str, *, label: str | None = None) -> Markup:
    """A 16 px outline icon in the colour of its meaning: ok, warn, bad, info, run or wait."""
    name, paths = _ICONS[kind]
    return el(
        "svg",
        *[el("path", d=d) for d in paths],
        class_=f"hfft-icon {kind}",
        role="img",
        aria_label=label or name,
        width=16,
        height=16,
        view_box="0 0 16 16",
        fill="none",
        stroke="currentColor",
        stroke_width="1.5",
        stroke_linejoin="round",
        stroke_linecap="round",
    )


def chip(kind: str, words: str) -> Markup:
    """A status in a pill: icon, shape and word, never colour alone."""
    return el("span", icon(kind), words, class_=f"chip {kind}")


def card(title: str, subtitle: Child, status: Child, *sections: Child, label: str) -> Markup:
    """A titled card: the outer shape of every result. Its stylesheet is `style`."""
    head = el("header", el("div", el("h3", title), el("div", subtitle, class_="sub"), class_="grow"), status)
    body = [el("section", section) for section in sections if section]
    # two prices in a line are no formula: JupyterLab leaves out what has this class
    return el("article", head, *body, class_="hfft mathjax_ignore", aria_label=label)


def figures(*pairs: tuple[str, Child]) -> Markup:
    """The large numbers of a card: (value, what it is)."""
    return el(
        "div",
        [el("div", el("b", value), " ", el("span", words), class_="kpi") for value, words in pairs],
        class_="kpis",
    )


def age(seconds: float, since: float | None = None) -> Markup:
    """Time gone by; where `since`, a Unix time, is given, the page counts on and the markup stays the same."""
    return el("time", data_since=round(since)) if since else text(duration_text(seconds))


def link(words: str, address: str) -> Markup:
    """Words that lead to a page of the web; the words alone where the address is none."""
    if not address.startswith(("https://", "http://")):
        return text(words)
    return el("a", words, href=address, target="_blank", rel="noopener")


def plotly_text(words: object) -> str:
    """Words for a figure: plotly reads a small HTML in every text."""
    return html.escape(str(words), quote=False)


def copy_button(words: str) -> Markup:
    """Copies a text; it works where the page has a panel's code, and is not shown elsewhere."""
    return el("button", "Copy", type="button", class_="hfft-button quiet copy", data_copy=words)


def heading(words: str, more: str = "") -> Markup:
    """What a section of a card is about, and what is to be known of it."""
    return el("h4", words, [" ", el("span", more, class_="sub")] if more else None)


_INSTALL = re.compile(r'pip install "[^"]+"|pip install \S+\b')


def failure(words: str, remedy: str = "") -> Markup:
    """What went wrong and what to do; what is to be typed can be copied."""
    command = _INSTALL.search(f"{words} {remedy}")
    copied = el("div", el("code", command[0]), copy_button(command[0])) if command else None
    said = el("div", el("b", "What happened: "), words, el("div", remedy) if remedy else None, copied)
    return el("div", icon("bad"), said, class_="failed")


def fold(summary: Child, *children: Child, open_: bool = False) -> Markup:
    """A part that opens on click, without JavaScript."""
    return el("details", el("summary", summary), *children, open=open_)


def items(rows: Iterable[tuple[str, Child, Child, Child]]) -> Markup:
    """A list of findings: (icon kind, title, explanation, count at the right)."""
    return el(
        "ul",
        [
            el(
                "li",
                icon(kind),
                el("div", el("b", title), el("div", more, class_="fix") if more else None),
                el("span", count, class_="n"),
            )
            for kind, title, more, count in rows
        ],
        class_="f",
    )


def table(
    head: Iterable[Child], rows: Iterable[tuple[Child, ...]], *, selected: int | None = None, class_: str | None = None
) -> Markup:
    """A table with hairlines; the first column is left, the others right."""
    return el(
        "table",
        el("thead", el("tr", [el("th", cell, scope="col") for cell in head])),
        el(
            "tbody",
            [
                el("tr", [el("td", cell) for cell in row], class_="sel" if i == selected else None)
                for i, row in enumerate(rows)
            ],
        ),
        class_=class_,
    )


def bar(parts: Iterable[tuple[str, float, str]], total: float, *, label: str) -> Markup:
    """A stacked bar against `total`: (name, size, size in words). At most six parts have a colour of their own."""
    listed = list(parts)
    widths = [
        el("i", class_=f"c{i % 6}", style=f"width:{100 * size / total:.2f}%")
        for i, (_, size, _) in enumerate(listed)
        if total > 0
    ]
    legend = [
        el("span", el("i", class_=f"c{i % 6}"), f"{name} {words}", " ") for i, (name, _, words) in enumerate(listed)
    ]
    return join([el("div", widths, class_="bar", role="img", aria_label=label), el("div", legend, class_="lg")])
