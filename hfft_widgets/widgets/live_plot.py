"""Curves that grow while you watch, drawn in the browser with the plotly.js that is already there.

A `FigureWidget` sends 5 MB of plotly.js per instance. JupyterLab and Notebook 7 hold a copy of their own, from the
labextension in plotly's wheel; `LivePlot` draws with that one, and sends the installed package's copy once per page
where there is none. Our own code travels once a page too, with the model that surfaces share. From then on only new
points travel, as float64, at most `max_hz` times a second; plots that are `together` share their messages.
"""

from __future__ import annotations

import threading
import time
from array import array
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from math import isfinite
from operator import lt
from typing import Any, TypeAlias

import traitlets as t

from hfft_widgets.core.html import COLORS
from hfft_widgets.core.run.curves.thinning import thin
from hfft_widgets.errors import HfftError
from hfft_widgets.widgets.plotly_page import PlotlyWidget
from hfft_widgets.widgets.surface import loader

Numbers = float | Iterable[float]
Curve: TypeAlias = "tuple[array[float], array[float]]"  # x and y

# Traces of one training step arrive one by one; a short wait lets them travel together.
_GATHER_SECONDS = 0.005


def _floats(values: Numbers) -> array[float]:
    try:
        return array("d", values if isinstance(values, Iterable) else (values,))
    except (TypeError, ValueError, OverflowError) as error:
        raise HfftError(f"A curve takes numbers, not {values!r:.80}.", why=str(error) + ".") from error


def _points(name: str, x: Numbers, y: Numbers) -> Curve:
    """Both as float64 of one length, x finite."""
    xs, ys = _floats(x), _floats(y)
    if len(xs) != len(ys):
        raise HfftError(f"The curve {name!r} got {len(xs)} x and {len(ys)} y.", remedy="Give one y for each x.")
    if not all(map(isfinite, xs)):
        raise HfftError(
            f"The curve {name!r} got an x that is not finite.",
            why="A point without a place cannot be drawn; a nan as y is fine, it makes a gap.",
        )
    return xs, ys


@dataclass
class _Series:
    """One curve: the points a page that opens now is given, and those that were not sent yet."""

    x: array[float] = field(default_factory=lambda: array("d"))
    y: array[float] = field(default_factory=lambda: array("d"))
    new_x: array[float] = field(default_factory=lambda: array("d"))
    new_y: array[float] = field(default_factory=lambda: array("d"))

    def add(self, xs: array[float], ys: array[float]) -> bool:
        """Take points; False if one did not come after the others, so that the whole curve must be sent again."""
        if not xs:
            return True
        last = self.new_x[-1] if self.new_x else self.x[-1] if self.x else float("-inf")
        if last < xs[0] and all(map(lt, xs, islice(xs, 1, None))):
            self.new_x.extend(xs)
            self.new_y.extend(ys)
            return True
        self.settle()
        for x, y in zip(xs, ys, strict=True):
            self._insert(x, y)
        return False

    def _insert(self, x: float, y: float) -> None:
        """A resumed run tells steps again: the later telling stays."""
        at = bisect_left(self.x, x)
        if at < len(self.x) and self.x[at] == x:
            self.y[at] = y
        else:
            self.x.insert(at, x)
            self.y.insert(at, y)

    def settle(self, cap: int | None = None) -> None:
        """Count the new points as sent; above 2 x cap points, keep about cap."""
        self.x.extend(self.new_x)
        self.y.extend(self.new_y)
        self.new_x, self.new_y = array("d"), array("d")
        if cap is not None and len(self.x) > 2 * cap:
            self.x, self.y = _thinned(self.x, self.y, cap)


def _thinned(x: array[float], y: array[float], cap: int) -> Curve:
    if len(x) <= cap:
        return x, y
    kept = thin(x, y, cap)
    return array("d", (x[i] for i in kept)), array("d", (y[i] for i in kept))


def _pack(curves: Iterable[Curve]) -> tuple[list[int], bytes]:
    """The number of points of each curve, and x, y, x, y, ... as float64 in this machine's byte order.

    That is little-endian wherever JupyterLab runs, as it is in browsers. The metrics of a step have the same x, which
    travel once: a negative number stands for a curve at the x of the last one with points.
    """
    counts, parts, before = [], [], array("d")
    for x, y in curves:
        shared = bool(x) and x == before
        counts.append(-len(x) if shared else len(x))
        parts += [y] if shared else [x, y]
        before = x or before
    return counts, b"".join(part.tobytes() for part in parts)


class Together:
    """Plots whose new points travel in one message: its head costs more than some points. Any thread may call it."""

    def __init__(self) -> None:
        self.lock = threading.RLock()  # of the plots too: a timer and an append never wait for each other
        self.timer: threading.Timer | None = None
        self._plots: list[LivePlot] = []
        self._sent = float("-inf")

    def add(self, plot: LivePlot) -> None:
        """Send this plot's points too."""
        with self.lock:
            self._plots.append(plot)

    def remove(self, plot: LivePlot) -> None:
        """No longer; without plots there is no timer."""
        with self.lock:
            self._plots = [one for one in self._plots if one is not plot]
            if not self._plots:
                self._stop_timer()

    def schedule(self, period: float) -> None:
        """Send in a moment, and not before `period` seconds after the last time."""
        with self.lock:
            if self.timer is None:
                wait = max(_GATHER_SECONDS, self._sent + period - time.monotonic())
                self.timer = threading.Timer(wait, self.flush)
                self.timer.daemon = True
                self.timer.start()

    def flush(self) -> None:
        """Send what is waiting now."""
        with self.lock:
            self._stop_timer()
            taken = [(plot, *waiting) for plot in self._plots if (waiting := plot.take())]
            if taken:
                self._sent = time.monotonic()
                _send(taken)

    def _stop_timer(self) -> None:
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None


def _send(taken: Sequence[tuple[LivePlot, Mapping[str, Any], Sequence[Curve]]]) -> None:
    """One message with points of these plots, by way of the first."""
    counts, data = _pack(curve for _, _, curves in taken for curve in curves)
    left = iter(counts)
    parts = [
        [plot._uid, {**message, "counts": list(islice(left, len(curves)))}]  # noqa: SLF001 - what a page knows it by
        for plot, message, curves in taken
    ]
    taken[0][0].send({"type": "points", "of": parts}, [data])


class LivePlot(PlotlyWidget):
    """Live curves: bounded memory, bounded rate, zoom and hidden curves kept over updates and page reloads.

    Every method may be called from any thread; updates are drawn while other cells run. Where a run's metrics
    are only known as they come, `append` with a new name adds a curve.

    Args:
        names: Curves to start with, in the order of the legend.
        styles: Plotly properties of a scatter trace, by curve name, e.g. `{"loss": {"line": {"dash": "dot"}}}`.
        together: The plots with which it shares its messages; alone if not given.
        **traits: Initial values of the traits.

    Attributes:
        title: What the chart shows; read to people who cannot see it.
        x_title: Name of the horizontal axis.
        y_title: Name of the vertical axis.
        y_log: Whether the vertical axis is logarithmic; values that are not positive are gaps then.
        height: Pixels.
        max_hz: The most updates per second that leave the kernel and that a page draws.
        cap: About how many points per curve are kept by the kernel and by the page, at most twice as many: lows,
            highs and gaps stay (see `hfft_widgets.core.run.curves.thinning`), so zooming far in shows fewer points.
        summary: The line below the chart; empty: the newest values.
    """

    _esm = loader("plotly_page", "live_plot")

    title = t.Unicode("Training curves").tag(sync=True)
    x_title = t.Unicode("step").tag(sync=True)
    y_title = t.Unicode("").tag(sync=True)
    y_log = t.Bool(False).tag(sync=True)
    max_hz = t.Float(2.0, min=0.01).tag(sync=True)
    cap = t.Int(1000, min=10).tag(sync=True)
    summary = t.Unicode("").tag(sync=True)

    _styles = t.Dict().tag(sync=True)
    _beside = t.Dict().tag(sync=True)  # curves of another run -> the own one that each stands beside
    _colors = t.List(t.Unicode(), list(COLORS)).tag(sync=True)
    _ui = t.Dict().tag(sync=True)  # zoom and hidden curves, written by the page
    _hist = t.Dict().tag(sync=True)  # never set, so never pushed: get_state fills it in when a page asks

    def __init__(
        self,
        names: Iterable[str] = (),
        *,
        styles: Mapping[str, Mapping[str, Any]] | None = None,
        together: Together | None = None,
        **traits: Any,
    ) -> None:
        # before super().__init__, which asks for the state
        self._together = together or Together()
        self._lock = self._together.lock
        self._series: dict[str, _Series] = {name: _Series() for name in names}
        self._sent_names: list[str] = list(self._series)
        self._whole = False
        self._seq = 0
        given = {name: dict(style) for name, style in (styles or {}).items()}
        super().__init__(_styles=given, **traits)
        self._together.add(self)

    @property
    def names(self) -> tuple[str, ...]:
        """The curves, in the order of the legend."""
        with self._lock:
            return tuple(self._series)

    def append(self, name: str, x: Numbers, y: Numbers) -> None:
        """Add points to a curve; a new name is a new curve.

        A point whose x is not after the last one takes its place among the others; at an x that is there already,
        the new y stays.

        Args:
            name: The curve.
            x: A number or shape (n,), finite.
            y: A number or shape (n,); nan and infinities are gaps.

        Raises:
            HfftError: x and y differ in length, or are not such numbers.
        """
        xs, ys = _points(name, x, y)
        with self._lock:
            in_order = self._series.setdefault(name, _Series()).add(xs, ys)
            self._whole = self._whole or not in_order
            self._schedule()

    def replace(self, name: str, x: Numbers, y: Numbers) -> None:
        """Give a curve other points, e.g. the whole history of a run that was found again.

        Arguments and errors are those of `append`.
        """
        xs, ys = _points(name, x, y)
        with self._lock:
            self._series[name] = _Series()  # a known name keeps its place in the legend
            self._series[name].add(xs, ys)
            self._whole = True
            self._schedule()

    def lay_beside(self, name: str, own: str, x: Numbers, y: Numbers) -> None:
        """Draw a curve of another run beside an own one, in its colour, paler and dashed.

        Args:
            name: The curve.
            own: The one that it is compared with.
            x: As of `append`.
            y: As of `append`.

        Raises:
            HfftError: As of `append`.
        """
        with self._lock:
            self.replace(name, x, y)
            self._beside = {**self._beside, name: own}

    def clear(self) -> None:
        """Forget all curves and their points."""
        with self._lock:
            self._series.clear()
            self._beside = {}
            self._whole = True
            self._schedule()

    def flush(self) -> None:
        """Send what is waiting now, whatever `max_hz` says."""
        self._together.flush()

    def close(self) -> None:
        """Take the chart off every page and stop its timer."""
        self._together.remove(self)
        super().close()

    def get_state(self, key: Any = None, drop_defaults: bool = False) -> dict[str, Any]:
        """The state a page is given when it opens, with the points held now."""
        state = super().get_state(key=key, drop_defaults=drop_defaults)
        if key is None or key == "_hist" or (not isinstance(key, str) and "_hist" in key):
            state["_hist"] = self._snapshot()
        return state

    # ---- sending ------------------------------------------------------------------------------------

    def _schedule(self) -> None:
        self._together.schedule(1 / self.max_hz)

    def take(self) -> tuple[dict[str, Any], list[Curve]] | None:
        """What is waiting, as a message that counts as sent; None: nothing."""
        whole, self._whole = self._whole, False
        changed = self._sent_names != list(self._series)
        if not whole and not changed and not any(series.new_x for series in self._series.values()):
            return None
        new = [_thinned(series.new_x, series.new_y, self.cap) for series in self._series.values()]
        message: dict[str, Any] = {}
        if changed:
            message["names"] = self._sent_names = list(self._series)
        for series in self._series.values():
            series.settle(self.cap)
        self._seq += 1
        return self._full() if whole else ({**message, "seq": self._seq}, new)

    def _full(self) -> tuple[dict[str, Any], list[Curve]]:
        """All points that were sent so far, as a message that takes the place of all before it."""
        nothing = _Series()
        held = [self._series.get(name, nothing) for name in self._sent_names]
        return {"whole": True, "names": self._sent_names, "seq": self._seq}, [(series.x, series.y) for series in held]

    def _snapshot(self) -> dict[str, Any]:
        """The same as a state, with the number of the message that sent the last of the points."""
        with self._lock:
            message, curves = self._full()
            counts, data = _pack(curves)
            return {**message, "counts": counts, "data": data}

    def _answer(self, _widget: object, message: Mapping[str, Any], _buffers: object) -> None:
        """What a page asks: plotly.js where it has none, or all points after it missed some."""
        if message.get("type") == "sync":
            with self._lock:
                if message.get("seq") != self._seq:
                    _send([(self, *self._full())])
        else:
            super()._answer(_widget, message, _buffers)
