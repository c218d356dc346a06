"""All flavors by what a whole training takes there: cost against time as a picture, and as a table."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hfft_widgets.core.html import Markup, el, fold, join, table
from hfft_widgets.core.units import bytes_text, duration_text, usd_text

if TYPE_CHECKING:
    from hfft_widgets.core.plan.training import Option, TrainingPlan

_WIDTH, _HEIGHT = 800, 270
_LEFT, _RIGHT, _TOP, _BOTTOM = 62, 784, 16, 226
_LETTER, _LINE = 7.0, 15  # width and height of a letter of the labels
_FAR = 4  # times the slowest paid one's time
_TICKS_SECONDS = (10, 60, 300, 900, 1800, 3600, 3 * 3600, 6 * 3600, 12 * 3600, 86400, 3 * 86400, 10 * 86400, 30 * 86400)
_TICKS_USD = (0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100, 300, 1000, 3000)
Box = tuple[float, float, float, float]


def compared(plan: TrainingPlan) -> Markup:
    """The picture, in words what it shows, and the table folded."""
    fitting, words = _drawn(plan)
    e = plan.estimate
    dated = f", {e.prices_date}" if e.prices_date else ""
    return join(
        [
            el(
                "div",
                " ".join(["Where it could run: cost of the whole training against its time.", *words]),
                class_="sub",
            ),
            picture(fitting) if len(fitting) > 1 else None,
            fold("All hardware as a table", _table(plan)),
            el("div", f"Prices: {e.prices_source}{dated}.", class_="sub"),
        ]
    )


def _drawn(plan: TrainingPlan) -> tuple[list[Option], list[str]]:
    """The options in the picture, and what is said of the others."""
    fitting = [option for option in plan.options if option.estimate.fits]
    paid = [option.estimate.seconds.mid for option in fitting if option.estimate.usd_per_hour]
    # one point far to the right would press all others together
    far = [o for o in fitting if o.note != "chosen" and paid and o.estimate.seconds.mid > _FAR * max(paid)]
    words = [f"{_name(o).capitalize()} would take {duration_text(o.estimate.seconds.mid)}." for o in far]
    if small := len(plan.options) - len(fitting):
        words.append(f"{small} with too little memory are left out.")
    return [option for option in fitting if option not in far], words


def flavor_label(option: Option) -> str:
    """An option in a list: "t4-small · 27 min · $0.18"."""
    if not option.estimate.fits:
        return f"{_name(option)} · memory too small"
    return f"{_name(option)} · {duration_text(option.estimate.seconds.mid)} · {usd_text(option.estimate.usd.mid)}"


def _table(plan: TrainingPlan) -> Markup:
    chosen = next(i for i, option in enumerate(plan.options) if option.note == "chosen")
    head = ("Hardware", "Memory of a card", "Batch", "Time", "Price")
    return table(head, [_row(option) for option in plan.options], selected=chosen)


def _row(option: Option) -> tuple[object, ...]:
    e, s = option.estimate, option.plan.settings
    words = " ".join(part for part in (f"({option.flavor.where})", f"- {option.note}" if option.note else "") if part)
    return (
        el("span", el("b", _name(option)), " ", el("span", words, class_="sub")),
        f"{bytes_text(e.memory_bytes.mid)} of {bytes_text(e.capacity_bytes)}",
        f"{s.batch_size} x {s.accumulation}",
        duration_text(e.seconds.mid),
        usd_text(e.usd.mid),
    )


def _name(option: Option) -> str:
    return "this machine" if option.flavor.name == "local" else option.flavor.name


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


def picture(options: Sequence[Option]) -> Markup:
    """Cost against time of each option, both logarithmic; those that another beats are grey and small."""
    paid = [option.estimate.usd.mid for option in options if option.estimate.usd.mid > 0]
    time = _scale([option.estimate.seconds.mid for option in options], _LEFT, _RIGHT)
    cost = _scale(paid or [1.0], _BOTTOM - 26, _TOP)
    free = any(not option.estimate.usd.mid for option in options)
    places = [(o, time.at(o.estimate.seconds.mid), _height(o, cost)) for o in options]
    places.sort(key=lambda place: ("beaten by another", "", "chosen").index(place[0].note))  # the last lies on top
    best = [_name(option) for option in options if option.note in {"", "chosen"}]
    label = f"Cost against time of {len(options)} machines. Not beaten by another: {', '.join(best)}."
    return el(
        "svg",
        _axes(time, cost, free=free),
        [_point(option, x, y) for option, x, y in places],
        _labels(places),
        class_="flavors", role="img", aria_label=label, view_box=f"0 0 {_WIDTH} {_HEIGHT}",
    )  # fmt: skip


def _height(option: Option, cost: Scale) -> float:
    usd = option.estimate.usd.mid
    return cost.at(usd) if usd else _BOTTOM - 8


def _axes(time: Scale, cost: Scale, *, free: bool) -> list[Markup]:
    lines = []
    for seconds in (tick for tick in _TICKS_SECONDS if time.low <= tick <= time.high):
        x = f"{time.at(seconds):.1f}"
        lines.append(el("line", x1=x, x2=x, y1=_TOP, y2=_BOTTOM, class_="grid"))
        lines.append(el("text", duration_text(seconds), " ", x=x, y=_BOTTOM + 18, text_anchor="middle", class_="tick"))
    for usd in (tick for tick in _TICKS_USD if cost.low <= tick <= cost.high):
        y = f"{cost.at(usd):.1f}"
        lines.append(el("line", x1=_LEFT, x2=_RIGHT, y1=y, y2=y, class_="grid"))
        lines.append(_mark(f"${usd:g}", cost.at(usd)))
    if free:
        lines.append(_mark("free", _BOTTOM - 8))
    lines.append(el("line", x1=_LEFT, x2=_RIGHT, y1=_BOTTOM, y2=_BOTTOM, class_="axis-line"))
    lines.append(el("text", "time of the whole run", " ", x=_RIGHT, y=_BOTTOM + 38, text_anchor="end", class_="tick"))
    return lines


def _mark(words: str, y: float) -> Markup:
    return el("text", words, " ", x=_LEFT - 8, y=f"{y + 4:.1f}", text_anchor="end", class_="tick")


def _point(option: Option, x: float, y: float) -> Markup:
    """A shape for each kind, never a colour alone: a ringed dot, a dot, a small open dot."""
    place = {"cx": f"{x:.1f}", "cy": f"{y:.1f}"}
    if option.note == "chosen":
        return join([el("circle", **place, r=9, class_="ring"), el("circle", **place, r=5, class_="here")])
    if option.note == "beaten by another":
        return el("circle", **place, r=3.5, class_="beaten")
    return el("circle", **place, r=5, class_="best")


def _labels(places: Sequence[tuple[Option, float, float]]) -> list[Markup]:
    """Names beside the points that count, where they cover nothing; a name that finds no room is in the table."""
    taken: list[Box] = [(x - 6, y - 6, x + 6, y + 6) for _, x, y in places]
    shown = []
    ordered = sorted(places, key=lambda place: (place[0].note != "chosen", place[0].note != "", place[1]))
    for option, x, y in ordered:
        words = f"{_name(option)} {usd_text(option.estimate.usd.mid)}" if option.note == "chosen" else _name(option)
        found = next((box for box in _around(x, y, words) if _free(box, taken)), None)
        if found is None and option.note == "chosen":
            found = _around(x, y, words)[0]
        if found is None:
            continue
        taken.append(found)
        kind = {"chosen": "name here", "beaten by another": "name beaten"}.get(option.note, "name")
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


def _free(box: Box, taken: Iterable[Box]) -> bool:
    left, top, right, bottom = box
    if left < _LEFT or right > _WIDTH - 4 or top < 0 or bottom > _BOTTOM:
        return False
    return not any(left < r and l < right and top < b and t < bottom for l, t, r, b in taken)  # noqa: E741
