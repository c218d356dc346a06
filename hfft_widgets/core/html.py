"""The one place that writes HTML. A `str` is always escaped; only `el` makes `Markup`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from html import escape

COLORS = ("#3b82c4", "#c9741a", "#2f8f7d", "#9a6bb5", "#c4504f", "#6b7f2a", "#8a6d5c", "#5b6fd0")
"""Line colours with a contrast of at least 3:1 (WCAG 1.4.11) on white, #1e1e1e and #111 alike."""

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
