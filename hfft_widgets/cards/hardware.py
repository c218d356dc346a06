"""All flavors by what a whole training takes there: cost against time as a picture, and as a table."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hfft_widgets.cards.parts import fold, plotly_text, table
from hfft_widgets.core.html import Markup, el, join
from hfft_widgets.core.units import bytes_text, duration_text, usd_text

_WIDE, _NARROW = 800, 440  # a picture is as wide as the card, so each has its text at about its own size
_LEFT, _TOP, _BOTTOM, _HEIGHT = 62, 16, 226, 270
_LETTER, _LINE = 7.0, 15  # width and height of a letter of the labels
_FAR = 4  # times the slowest paid one's time
_TICKS_SECONDS = (10, 60, 300, 900, 1800, 3600, 3 * 3600, 6 * 3600, 12 * 3600, 86400, 3 * 86400, 10 * 86400, 30 * 86400)
_TICKS_USD = (0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100, 300, 1000, 3000)
Box = tuple[float, float, float, float]
Doing = Mapping[str, Mapping[str, str]]
Option = Mapping[str, Any]  # what a plan's `Option.to_dict` gives
UNREACHABLE = "The model or the data lie on this machine: a job reaches them once they are on the Hub."


def compared(plan: Mapping[str, Any], do: str = "", chart: Markup | None = None) -> Markup:
    """The picture, in words what it shows, and the table folded.

    Args:
        plan: The plan's values.
        do: What a panel calls the choice of a machine, so that a name in the table is one; "": nothing can be chosen.
        chart: A live chart of `figure`, in the picture's place.
    """
    e, options = plan["estimate"], plan["card"]["options"]
    lies_here = bool(plan["card"].get("lies_here"))
    fitting, words = _drawn(options, lies_here=lies_here)
    offered = {o["name"] for o in options if do and o["fits"] and _reached(o, lies_here=lies_here)}
    doing = {name: {"data_do": do, "data_value": name} for name in offered}
    picture = chart or (_pictures(fitting) if len(fitting) > 1 else None)
    dated = f", {e['prices_date']}" if e["prices_date"] else ""
    title = " ".join(["Where it could run: cost of the whole training against its time.", *words])
    return join(
        [
            el("div", title, class_="sub"),
            picture,
            fold("All hardware as a table", _table(options, doing)),
            el("div", f"Prices: {e['prices_source']}{dated}.", class_="sub"),
        ]
    )


def _drawn(options: Sequence[Option], *, lies_here: bool = False) -> tuple[list[Option], list[str]]:
    """The options in the picture, and what is said of the others."""
    fitting = [option for option in options if option["fits"]]
    paid = [option["seconds"] for option in fitting if option["usd_per_hour"]]
    # one point far to the right would press all others together
    far = [o for o in fitting if o["note"] != "chosen" and paid and o["seconds"] > _FAR * max(paid)]
    words = [f"{_name(o).capitalize()} would take {duration_text(o['seconds'])}." for o in far]
    if lies_here:
        words.append(UNREACHABLE)
    if small := len(options) - len(fitting):
        words.append(f"{small} with too little memory are left out.")
    return [option for option in fitting if option not in far], words


def _reached(option: Option, *, lies_here: bool) -> bool:
    return not (lies_here and option["usd_per_hour"])


def _table(options: Sequence[Option], doing: Doing) -> Markup:
    chosen = next(i for i, option in enumerate(options) if option["note"] == "chosen")
    head = ("Hardware", "Memory of a card", "Batch", "Time", "Price")
    return table(head, [_row(option, doing.get(option["name"])) for option in options], selected=chosen)


def _row(option: Option, does: Mapping[str, str] | None) -> tuple[object, ...]:
    name = el("button", _name(option), type="button", class_="hfft-button quiet", **does) if does else _name(option)
    note = f" - {option['note']}" if option["note"] else ""
    return (
        el("span", el("b", name), " ", el("span", f"({option['where']}){note}", class_="sub")),
        f"{bytes_text(option['memory_bytes'])} of {bytes_text(option['capacity_bytes'])}",
        f"{option['batch_size']} x {option['accumulation']}",
        duration_text(option["seconds"]),
        usd_text(option["usd"]),
    )


def _name(option: Option) -> str:
    return "this machine" if option["name"] == "local" else str(option["name"])


# ---- a plotly figure --------------------------------------------------------------------------------

CHOSEN, BEST, BEATEN, FAR_AWAY = "chosen", "worth a look", "beaten by another", "no job reaches it"
_MARKERS = {BEATEN: ("circle-open", 8), BEST: ("circle", 11), FAR_AWAY: ("x-thin-open", 8), CHOSEN: ("star", 14)}


def figure(plan: Mapping[str, Any]) -> dict[str, Any]:
    """Cost against time of what holds the training, as plotly draws it: data and layout in plain values.

    `customdata` of a point is the name of a machine that can be chosen, or None.
    """
    lies_here = bool(plan["card"].get("lies_here"))
    options, _ = _drawn(plan["card"]["options"])
    time, cost = _scales(options, _WIDE - 16)
    free = cost.low / 2  # a logarithmic axis has no zero: what is free stands below all prices
    kinds: dict[str, list[Option]] = {kind: [] for kind in _MARKERS}  # the last lies on top
    for option in options:
        kinds[_kind(option, lies_here=lies_here)].append(option)
    low = free / 1.5 if any(not option["usd"] for option in options) else cost.low
    seconds = [tick for tick in _TICKS_SECONDS if time.low <= tick <= time.high]
    usd = [tick for tick in _TICKS_USD if cost.low <= tick <= cost.high]
    x, y = _axis("time", time.low, time.high), _axis("price", low, cost.high)
    return {
        "data": [_trace(kind, members, free) for kind, members in kinds.items() if members],
        "layout": {
            "xaxis": {**x, "tickvals": seconds, "ticktext": [duration_text(tick) for tick in seconds]},
            "yaxis": {**y, "tickvals": [free, *usd], "ticktext": ["free", *(f"${tick:g}" for tick in usd)]},
            "title": {"text": plotly_text(plan["title"])},
            "hovermode": "closest",
            "showlegend": True,
        },
    }


def in_words(plan: Mapping[str, Any]) -> str:
    """What the picture shows; "" where there are not two machines to compare."""
    options, _ = _drawn(plan["card"]["options"])
    return _label(options) if len(options) > 1 else ""


def _kind(option: Option, *, lies_here: bool) -> str:
    if option["note"] == "chosen":
        return CHOSEN
    if not _reached(option, lies_here=lies_here):
        return FAR_AWAY
    return BEATEN if option["note"] == "beaten by another" else BEST


def _axis(what: str, low: float, high: float) -> dict[str, Any]:
    title = {"text": f"{what} of the whole run"}
    return {"type": "log", "title": title, "range": [math.log10(low), math.log10(high)]}


def _trace(kind: str, options: Sequence[Option], free: float) -> dict[str, Any]:
    symbol, size = _MARKERS[kind]
    return {
        "type": "scatter",
        "mode": "markers+text" if kind in {CHOSEN, BEST} else "markers",
        "name": kind,
        "x": [option["seconds"] for option in options],
        "y": [option["usd"] or free for option in options],
        "text": [plotly_text(_name(option)) for option in options],
        "textposition": "top center",
        "hovertext": [_hovered(option) for option in options],
        "hoverinfo": "text",
        "customdata": [None if kind == FAR_AWAY else option["name"] for option in options],
        "marker": {"symbol": symbol, "size": size, "line": {"width": 1.5 if symbol.endswith("open") else 0}},
    }


def _hovered(option: Option) -> str:
    price = usd_text(option["usd"]) if option["usd_per_hour"] else "free"
    memory = f"{bytes_text(option['memory_bytes'])} of {bytes_text(option['capacity_bytes'])}"
    name = plotly_text(f"{_name(option)} ({option['where']})")
    return f"<b>{name}</b><br>{duration_text(option['seconds'])}, {price}<br>{memory}"


# ---- the picture ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Scale:
    """A logarithmic axis.

    Attributes:
        low: The value at `start`.
        high: The value at `end`.
        start: Where the axis begins, in the picture's units.
        end: Where it ends.
    """

    low: float
    high: float
    start: float
    end: float

    def at(self, value: float) -> float:
        """Where a value lies; what is below the axis lies at its start."""
        share = math.log(max(value, self.low) / self.low) / math.log(self.high / self.low)
        return self.start + share * (self.end - self.start)


def _scale(values: Sequence[float], start: float, end: float) -> Scale:
    low, high = min(values) / 1.35, max(values) * 1.35
    if high < 8 * low:  # a narrow range would make much of small differences
        middle = math.sqrt(low * high)
        low, high = middle / 3, middle * 3
    return Scale(low, high, start, end)


def _pictures(options: Sequence[Option]) -> Markup:
    """The same at two widths: of them the stylesheet shows the one that fits the page."""
    return el("div", picture(options), picture(options, _NARROW), class_="drawn")


def _scales(options: Sequence[Option], right: float) -> tuple[Scale, Scale]:
    """Time from left to right, cost from bottom to top."""
    paid = [option["usd"] for option in options if option["usd"] > 0]
    time = _scale([option["seconds"] for option in options], _LEFT, right)
    return time, _scale(paid or [1.0], _BOTTOM - 26, _TOP)


def picture(options: Sequence[Option], width: int = _WIDE) -> Markup:
    """Cost against time of each option, both logarithmic; those that another beats are grey and small.

    Args:
        options: What is drawn.
        width: In pixels.
    """
    time, cost = _scales(options, width - 16)
    free = any(not option["usd"] for option in options)
    places = [(o, time.at(o["seconds"]), _height(o, cost)) for o in options]
    places.sort(key=lambda place: ("beaten by another", "", "chosen").index(place[0]["note"]))  # the last lies on top
    return el(
        "svg",
        _axes(time, cost, free=free),
        [_dot(option, x, y) for option, x, y in places],
        _labels(places, width),
        class_="flavors narrow" if width < _WIDE else "flavors", role="img", aria_label=_label(options),
        view_box=f"0 0 {width} {_HEIGHT}",
    )  # fmt: skip


def _label(options: Sequence[Option]) -> str:
    best = [_name(option) for option in options if option["note"] in {"", "chosen"}]
    return f"Cost against time of {len(options)} machines. Not beaten by another: {', '.join(best)}."


def _height(option: Option, cost: Scale) -> float:
    usd = option["usd"]
    return cost.at(usd) if usd else _BOTTOM - 8


def _axes(time: Scale, cost: Scale, *, free: bool) -> list[Markup]:
    lines, right = [], time.end
    for seconds in (tick for tick in _TICKS_SECONDS if time.low <= tick <= time.high):
        x = f"{time.at(seconds):.1f}"
        lines.append(el("line", x1=x, x2=x, y1=_TOP, y2=_BOTTOM, class_="grid"))
        lines.append(el("text", duration_text(seconds), " ", x=x, y=_BOTTOM + 18, text_anchor="middle", class_="tick"))
    for usd in (tick for tick in _TICKS_USD if cost.low <= tick <= cost.high):
        y = f"{cost.at(usd):.1f}"
        lines.append(el("line", x1=_LEFT, x2=right, y1=y, y2=y, class_="grid"))
        lines.append(_mark(f"${usd:g}", cost.at(usd)))
    if free:
        lines.append(_mark("free", _BOTTOM - 8))
    lines.append(el("line", x1=_LEFT, x2=right, y1=_BOTTOM, y2=_BOTTOM, class_="axis-line"))
    lines.append(el("text", "time of the whole run", " ", x=right, y=_BOTTOM + 38, text_anchor="end", class_="tick"))
    return lines


def _mark(words: str, y: float) -> Markup:
    return el("text", words, " ", x=_LEFT - 8, y=f"{y + 4:.1f}", text_anchor="end", class_="tick")


def _dot(option: Option, x: float, y: float) -> Markup:
    """A point with its name and figures on hover."""
    words = f"{_name(option)} ({option['where']}): {duration_text(option['seconds'])}, {usd_text(option['usd'])} "
    return el("g", el("title", words), _point(option, x, y))


def _point(option: Option, x: float, y: float) -> Markup:
    """A shape for each kind, never a colour alone: a ringed dot, a dot, a small open dot."""
    place = {"cx": f"{x:.1f}", "cy": f"{y:.1f}"}
    if option["note"] == "chosen":
        return join([el("circle", **place, r=9, class_="ring"), el("circle", **place, r=5, class_="here")])
    if option["note"] == "beaten by another":
        return el("circle", **place, r=3.5, class_="beaten")
    return el("circle", **place, r=5, class_="best")


def _labels(places: Sequence[tuple[Option, float, float]], width: int) -> list[Markup]:
    """Names beside the points that count, where they cover nothing; a name that finds no room is in the table."""
    taken: list[Box] = [(x - 6, y - 6, x + 6, y + 6) for _, x, y in places]
    shown = []
    ordered = sorted(places, key=lambda place: (place[0]["note"] != "chosen", place[0]["note"] != "", place[1]))
    for option, x, y in ordered:
        words = f"{_name(option)} {usd_text(option['usd'])}" if option["note"] == "chosen" else _name(option)
        found = next((box for box in _around(x, y, words) if _free(box, taken, width)), None)
        if found is None and option["note"] == "chosen":
            found = _around(x, y, words)[0]
        if found is None:
            continue
        taken.append(found)
        kind = {"chosen": "name here", "beaten by another": "name beaten"}.get(option["note"], "name")
        shown.append(el("text", words, " ", x=f"{found[0]:.1f}", y=f"{found[3] - 4:.1f}", class_=kind))
    return shown


def _around(x: float, y: float, words: str) -> list[Box]:
    width = (len(words) + words.count("$") * 3) * _LETTER  # the chosen one's are bold
    corners = (
        (x + 12, y - _LINE / 2), (x - 12 - width, y - _LINE / 2), (x - width / 2, y - 11 - _LINE),
        (x - width / 2, y + 11), (x + 9, y - 8 - _LINE), (x + 9, y + 8), (x - 9 - width, y + 5),
        (x - 9 - width, y - 5 - _LINE), (x + 22, y - 20 - _LINE),
    )  # fmt: skip
    return [(left, top, left + width, top + _LINE) for left, top in corners]


def _free(box: Box, taken: Iterable[Box], width: int) -> bool:
    left, top, right, bottom = box
    if left < _LEFT or right > width - 4 or top < 0 or bottom > _BOTTOM:
        return False
    return not any(left < r and l < right and top < b and t < bottom for l, t, r, b in taken)  # noqa: E741
