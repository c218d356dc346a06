"""The one place that writes HTML. A `str` is always escaped; only `el` and `style` make `Markup`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from html import escape
from importlib.resources import files

Child = object  # Markup | str | number | None | Iterable of these

_VOID = frozenset({"br", "hr", "img", "input", "path", "line", "rect", "circle", "polyline"})
_NAME = re.compile(r"[a-zA-Z][a-zA-Z0-9-]*")
# U+0000 and its kind are not allowed in HTML text and make some front ends drop the whole output
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")


class Markup(str):
    """HTML that is safe to place in a page as it is."""

    __slots__ = ()

    def __html__(self) -> str:
        """The markup itself, for hosts that ask."""
        return str(self)


def text(value: object) -> Markup:
    r"""Any value as escaped text, control characters shown as U+FFFD.

    >>> text("<b>\x00")
    '&lt;b&gt;\ufffd'
    """
    if isinstance(value, Markup):
        return value
    return Markup(escape(_CONTROL.sub("\N{REPLACEMENT CHARACTER}", str(value))))


def join(children: Iterable[Child]) -> Markup:
    """The children one after the other; None and False leave no trace."""
    return Markup("".join(_child(child) for child in children))


def _child(child: Child) -> str:
    if child is None or child is False:
        return ""
    if isinstance(child, (list, tuple)):
        return join(child)
    return text(child)


def el(tag: str, *children: Child, **attributes: object) -> Markup:
    """One element; attribute names take `_` for `-`, a trailing `_` is dropped (`class_`).

    >>> el("a", "<x>", href='"', class_="k", aria_label="go", hidden=None)
    '<a href="&quot;" class="k" aria-label="go">&lt;x&gt;</a>'
    """
    if not _NAME.fullmatch(tag):
        raise ValueError(f"not a tag name: {tag!r}")
    attrs = "".join(_attribute(name, value) for name, value in attributes.items())
    if tag in _VOID:
        return Markup(
            f"<{tag}{attrs}/>" if tag in {"path", "line", "rect", "circle", "polyline"} else f"<{tag}{attrs}>"
        )
    return Markup(f"<{tag}{attrs}>{join(children)}</{tag}>")


def _attribute(name: str, value: object) -> str:
    if value is None or value is False:
        return ""
    # viewBox is the one attribute here whose case matters
    key = "viewBox" if name == "view_box" else name.rstrip("_").replace("_", "-")
    return f' {key}="{text("" if value is True else value)}"'


@cache
def style() -> Markup:
    """The package's stylesheet as a `<style>` element; every card carries it, scoped under `.hfft`."""
    css = (files("hfft_widgets.core") / "style.css").read_text("utf-8")
    return Markup(f"<style>{css}</style>")


# ---- the parts every card is made of ---------------------------------------------------------

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
    """A titled card with its own stylesheet: the outer shape of every result."""
    head = el("header", el("div", el("h3", title), el("div", subtitle, class_="sub"), class_="grow"), status)
    body = [el("section", section) for section in sections if section]
    # two prices in a line are no formula: JupyterLab leaves out what has this class
    return join([style(), el("article", head, *body, class_="hfft mathjax_ignore", aria_label=label)])


def figures(*pairs: tuple[str, Child]) -> Markup:
    """The large numbers of a card: (value, what it is)."""
    return el(
        "div",
        [el("div", el("b", value), " ", el("span", words), class_="kpi") for value, words in pairs],
        class_="kpis",
    )


def fold(summary: str, *children: Child, open_: bool = False) -> Markup:
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
