"""Where it could run: the three sensible choices as rows that can be clicked, all others behind a fold."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from hfft_widgets.cards.hardware import BEATEN, BEST, CHOSEN, FAR_AWAY, UNREACHABLE, compared, figure, in_words
from hfft_widgets.cards.parts import fold, icon
from hfft_widgets.core.html import Markup, el, join
from hfft_widgets.core.units import bytes_text, duration_text, usd_text
from hfft_widgets.widgets.chart import Chart, slot
from hfft_widgets.widgets.form import Form

Option = Mapping[str, Any]  # what a plan's `Option.to_dict` gives
_HEIGHT = 320  # pixels
_COLOURS = {CHOSEN: "--acc", BEST: "--fg", BEATEN: "--mute", FAR_AWAY: "--mute"}
_FAR = 4  # times the slowest one to rent: such a bar has no end
_ALIKE = 1.05  # times the shortest time: who pays more for less than that gains nothing


class HardwarePart:
    """The rows, and a live picture of all machines, made when a plan is first shown.

    Args:
        choose: Called with the name of a machine that was clicked in the picture.
    """

    def __init__(self, choose: Callable[[str], Any]) -> None:
        self.chart = Chart(clicked=choose, height=_HEIGHT)

    def view(self, form: Form, plan: Mapping[str, Any], recommended: str) -> Markup:
        """The rows, with bars of time and price, and the picture of all; the recommended machine stays among them."""
        options: Sequence[Option] = plan["card"]["options"]
        rows = sensible(options, recommended)
        rented = [option["seconds"] for option, _ in rows if option["usd_per_hour"]]
        # days on this machine would leave nothing to see of the others
        near = [option["seconds"] for option, _ in rows if not rented or option["seconds"] <= _FAR * max(rented)]
        most = (max(near), max(option["usd"] for option, _ in rows) or 1.0)
        lies_here = bool(plan["card"].get("lies_here"))
        made = [_row(form, option, words, most, lies_here=lies_here) for option, words in rows]
        note = el("div", icon("info"), UNREACHABLE, class_="note", id=form.id("reach")) if lies_here else None
        return join(
            [
                el("div", "Where it could run", class_="sub"),
                el("div", made, class_="choices", role="group", aria_label="Hardware"),
                note,
                fold("All hardware: cost against time", compared(plan, form.prefix + "hardware", self._drawn(plan))),
            ]
        )

    def _drawn(self, plan: Mapping[str, Any]) -> Markup | None:
        """Where the page puts the picture; nothing where there is nothing to compare."""
        words = in_words(plan)
        if not words:
            return None
        values = figure(plan)
        layout = {**values["layout"], "title": {"text": ""}, "margin": {"t": 36}}  # the fold says it
        self.chart.show(figure={"data": [_coloured(trace) for trace in values["data"]], "layout": layout}, label=words)
        return slot(self.chart)


def _coloured(trace: Mapping[str, Any]) -> dict[str, Any]:
    colour = _COLOURS[trace["name"]]
    line = {**trace["marker"]["line"], "color": colour}
    return {**trace, "marker": {**trace["marker"], "color": colour, "line": line}, "textfont": {"color": colour}}


def sensible(options: Sequence[Option], recommended: str = "") -> list[tuple[Option, str]]:
    """This machine, the cheapest and the fastest to rent, the recommended and the chosen one, each with what it is."""
    rented = [option for option in options if option["fits"] and option["usd_per_hour"]]
    shortest = min((option["seconds"] for option in rented), default=0.0)
    fast = [option for option in rented if option["seconds"] <= _ALIKE * shortest]
    found: dict[str, tuple[Option, list[str]]] = {}
    for words, chosen in (
        ("", [option for option in options if option["name"] == "local"]),
        ("cheapest to rent", sorted(rented, key=lambda o: (o["usd"], o["seconds"]))[:1]),
        ("fastest to rent", sorted(fast, key=lambda o: (o["usd"], o["seconds"]))[:1]),
        ("recommended", [option for option in options if option["name"] == recommended]),
        ("", [option for option in options if option["note"] == "chosen"]),
    ):
        for option in chosen:
            found.setdefault(option["name"], (option, []))[1].append(words)
    said = ((option, ", ".join(filter(None, words))) for option, words in found.values())
    return [(option, words.replace("cheapest to rent, fastest", "cheapest and fastest")) for option, words in said]


def _row(form: Form, option: Option, words: str, most: tuple[float, float], *, lies_here: bool) -> Markup:
    here = option["note"] == "chosen"
    reached = not (lies_here and option["usd_per_hour"])
    name = "this machine" if option["name"] == "local" else str(option["name"])
    memory = f"{bytes_text(option['memory_bytes'])} of {bytes_text(option['capacity_bytes'])}"
    if not option["fits"]:
        memory = f"too small: {memory}"
    usd = usd_text(option["usd"]) if option["usd_per_hour"] else "free"
    return el(
        "button",
        el("span", el("b", name), " ", el("small", ", ".join(filter(None, (option["where"], words)))), class_="name"),
        " ", _measure(duration_text(option["seconds"]), option["seconds"] / most[0], "c0"),
        " ", _measure(usd, option["usd"] / most[1], "c1"), " ",
        el("small", memory, class_="memory-of"),
        type="button", class_="choice", data_do=form.prefix + "hardware", data_value=option["name"],
        aria_pressed="true" if here else "false", data_key=option["name"],
        aria_disabled="true" if form.off or not (reached and (option["fits"] or here)) else None,
        aria_describedby=None if reached else form.id("reach"),
    )  # fmt: skip


def _measure(words: str, share: float, colour: str) -> Markup:
    """A figure in its column, and a bar in the one beside it."""
    far = " far" if share > 1 else ""
    bar = el("i", style=f"width:{min(100.0, max(1.0, 100 * share)):.1f}%", class_=colour + far) if share else None
    return el("span", el("span", words), el("span", bar, class_="track"), class_="measure")
