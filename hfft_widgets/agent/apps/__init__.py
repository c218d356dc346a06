"""Reports, plans and runs as pages that a chat shows (MCP Apps, SEP-1865): the cards that a notebook shows.

A page holds the package's stylesheet and one listener, bridge.js, and asks nobody for anything. The card comes with
the result of a tool, beside what the model reads, for hosts that say they show such pages; the text is enough without.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from string import Template
from typing import Any

from mcp.server.apps import Apps, ResourceCsp

from hfft_widgets import __version__
from hfft_widgets.cards import known, render
from hfft_widgets.cards.parts import stylesheet
from hfft_widgets.cards.plan import plural_epochs
from hfft_widgets.core.html import Markup, el, join, text
from hfft_widgets.verbs.reply import Reply, cleaned

CARD, CONTROL = "hfft/card", "hfft/control"  # in `_meta` of a result, which is not for the model
EPOCHS = (0.25, 0.5, 1, 2, 3, 5, 8)


@dataclass(frozen=True)
class AppPage:
    """One page.

    Attributes:
        name: Its name in its address.
        title: What it shows.
        waiting: What it says until there is a result.
    """

    name: str
    title: str
    waiting: str

    @property
    def uri(self) -> str:
        """Its address."""
        return f"ui://hfft/{self.name}.html"

    def html(self) -> str:
        """The page, whole."""
        return _template().substitute(
            title=text(self.title), waiting=text(self.waiting), version=text(__version__), policy=text(policy()),
            style=stylesheet() + _part("page.css"), script=_part("bridge.js"),
        )  # fmt: skip


PAGES = {
    "validate": AppPage("report", "Report on a dataset", "Reading the rows …"),
    "plan": AppPage("plan", "Training plan", "Planning …"),
    "run": AppPage("run", "Run", "Looking at the run …"),
    "export": AppPage("export", "Export plan", "Planning the export …"),
}
"""Tool -> the page that shows its result."""


def extension() -> Apps:
    """The extension that offers the pages."""
    nothing = ResourceCsp(connect_domains=[], resource_domains=[], frame_domains=[], base_uri_domains=[])
    offered = Apps()
    for page in PAGES.values():
        offered.add_html_resource(
            page.uri, page.html(), name=page.name, title=page.title, csp=nothing, prefers_border=False
        )
    return offered


def tool_meta(tool: str) -> dict[str, Any] | None:
    """What a tool says of its page; None if it has none."""
    return {"ui": {"resourceUri": PAGES[tool].uri}} if tool in PAGES else None


def result_meta(found: Reply) -> dict[str, str] | None:
    """The card of what a verb found, and what can be changed on it; None if it has none."""
    if found.shows is None:
        return None
    values = cleaned(found.shows.to_dict("card"))
    slider = known(epochs, values) if values.get("kind") == "training" else None
    return {CARD: render(values, "part"), **({CONTROL: slider} if slider else {})}


def epochs(plan: Mapping[str, Any]) -> Markup:
    """The slider of a plan's card: passes over the data.

    It is the one setting that moves time, price and what is learned at once, with every method, rented or free.
    """
    now = _epochs_now(plan)
    values = sorted({*EPOCHS, now})
    choices = [(value, plural_epochs(value)) for value in values]
    at = values.index(now)
    control = el(
        "input", type="range", id="epochs", name="num_train_epochs", min=0, max=len(values) - 1, value=at,
        aria_valuetext=choices[at][1], data_values=json.dumps(choices),
    )  # fmt: skip
    return join([el("label", "Train for", for_="epochs"), control, el("span", choices[at][1])])


def _epochs_now(plan: Mapping[str, Any]) -> float:
    """As many as its steps are, where a limit ends it earlier."""
    settings, rows = plan["settings"], plan["data"]["rows"]
    if settings["max_steps"] < 0:
        return float(settings["num_train_epochs"])
    return float(f"{plan['card']['rows_seen'] / rows:.2g}")


@cache
def policy() -> str:
    """What the page itself forbids, whatever its host allows: any script but its own, and everything from elsewhere."""
    digest = base64.b64encode(hashlib.sha256(_part("bridge.js").encode()).digest()).decode()
    return (
        f"default-src 'none'; script-src 'sha256-{digest}'; style-src 'unsafe-inline'; base-uri 'none'; "
        "form-action 'none'"
    )


@cache
def _template() -> Template:
    return Template(_part("page.html"))


@cache
def _part(name: str) -> str:
    return (files(__name__) / name).read_text("utf-8")
