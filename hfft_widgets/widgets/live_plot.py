"""Curves that grow while you watch, drawn in the browser with the plotly.js that is already there.

A `FigureWidget` sends 5 MB of plotly.js per instance. JupyterLab and Notebook 7 hold a copy of their own, from the
labextension in plotly's wheel; `LivePlot` draws with that one, and sends the installed package's copy once per page
where there is none. From then on only new points travel, as float64, at most `max_hz` times a second.
"""

from __future__ import annotations

import gzip
import threading
import time
import uuid
from array import array
from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.util import find_spec
from itertools import islice
from math import isfinite
from operator import lt
from pathlib import Path
from typing import Any

import anywidget
import traitlets as t

from hfft_widgets.core.run.curves import COLORS
from hfft_widgets.core.run.thinning import thin
from hfft_widgets.errors import HfftError

Numbers = float | Iterable[float]

# Traces of one training step arrive one by one; a short wait lets them travel together.
_GATHER_SECONDS = 0.005

_CSS = """
.hfft-live { position: relative; color: var(--jp-content-font-color1,
    var(--colab-primary-text-color, var(--vscode-foreground, inherit))); }
.hfft-live-note { margin: 2px 0 0; min-height: 1.4em; font: 12px/1.4 system-ui, sans-serif;
    color: inherit; opacity: .78; font-variant-numeric: tabular-nums; overflow-wrap: anywhere; }
/* never seen: tells the script the host's colours, and by its transition that they changed */
.hfft-live-probe { position: absolute; width: 0; height: 0; visibility: hidden; color: inherit;
    background-color: var(--jp-layout-color0,
        var(--colab-primary-surface-color, var(--vscode-editor-background, Canvas)));
    transition: color 1ms, background-color 1ms; }
"""


@cache
def _bundle() -> bytes:
    """The plotly.js of the installed plotly package, gzip (1.5 MB). Finding a package does not import it."""
    spec = find_spec("plotly")
    if spec is None or spec.origin is None:
        raise HfftError("The chart needs the package 'plotly'.", remedy="Install it with: pip install plotly")
    return gzip.compress((Path(spec.origin).parent / "package_data" / "plotly.min.js").read_bytes(), 6)


def _floats(values: Numbers) -> array[float]:
    try:
        return array("d", values if isinstance(values, Iterable) else (values,))
    except (TypeError, ValueError, OverflowError) as error:
        raise HfftError(f"A curve takes numbers, not {values!r:.80}.", why=str(error) + ".") from error


def _points(name: str, x: Numbers, y: Numbers) -> tuple[array[float], array[float]]:
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
            self._place(x, y)
        return False

    def _place(self, x: float, y: float) -> None:
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


def _thinned(x: array[float], y: array[float], cap: int) -> tuple[array[float], array[float]]:
    if len(x) <= cap:
        return x, y
    kept = thin(x, y, cap)
    return array("d", (x[i] for i in kept)), array("d", (y[i] for i in kept))


def _pack(curves: Iterable[tuple[array[float], array[float]]]) -> tuple[list[int], bytes]:
    """The number of points of each curve, and x, y, x, y, ... as float64 in this machine's byte order.

    That is little-endian wherever JupyterLab runs, as it is in browsers.
    """
    pairs = list(curves)
    return [len(x) for x, _ in pairs], b"".join(part.tobytes() for pair in pairs for part in pair)


class LivePlot(anywidget.AnyWidget):
    """Live curves: bounded memory, bounded rate, zoom and hidden curves kept over updates and page reloads.

    Every method may be called from any thread; updates are drawn while other cells run. Where a run's metrics
    are only known as they come, `append` with a new name adds a curve.

    Args:
        names: Curves to start with, in the order of the legend.
        styles: Plotly properties of a scatter trace, by curve name, e.g. `{"loss": {"line": {"dash": "dot"}}}`.
        **traits: Initial values of the traits.

    Attributes:
        title: What the chart shows; read to people who cannot see it.
        x_title: Name of the horizontal axis.
        y_title: Name of the vertical axis.
        y_log: Whether the vertical axis is logarithmic; values that are not positive are gaps then.
        height: Pixels.
        max_hz: The most updates per second that leave the kernel and that a page draws.
        cap: About how many points per curve are kept by the kernel and by the page, at most twice as many: lows,
            highs and gaps stay (see `hfft_widgets.core.run.thinning`), so zooming far in shows fewer points.
        summary: The line below the chart; empty: the newest values.
    """

    _esm = Path(__file__).with_name("live_plot.js")
    _css = _CSS

    title = t.Unicode("Training curves").tag(sync=True)
    x_title = t.Unicode("step").tag(sync=True)
    y_title = t.Unicode("").tag(sync=True)
    y_log = t.Bool(False).tag(sync=True)
    height = t.Int(320, min=80).tag(sync=True)
    max_hz = t.Float(2.0, min=0.01).tag(sync=True)
    cap = t.Int(1000, min=10).tag(sync=True)
    summary = t.Unicode("").tag(sync=True)

    _styles = t.Dict().tag(sync=True)
    _colors = t.List(t.Unicode(), list(COLORS)).tag(sync=True)
    _uid = t.Unicode().tag(sync=True)
    _source = t.Unicode("").tag(sync=True)  # "lab", "window" or "comm": that source of plotly.js only, for tests
    _ui = t.Dict().tag(sync=True)  # zoom and hidden curves, written by the page
    _hist = t.Dict().tag(sync=True)  # never set, so never pushed: get_state fills it in when a page asks

    def __init__(
        self, names: Iterable[str] = (), *, styles: Mapping[str, Mapping[str, Any]] | None = None, **traits: Any
    ) -> None:
        # before super().__init__, which asks for the state
        self._lock = threading.RLock()
        self._series: dict[str, _Series] = {name: _Series() for name in names}
        self._told: list[str] = list(self._series)
        self._whole = False
        self._seq = 0
        self._sent = float("-inf")
        self._timer: threading.Timer | None = None
        given = {name: dict(style) for name, style in (styles or {}).items()}
        super().__init__(_uid=uuid.uuid4().hex, _styles=given, **traits)
        self.on_msg(self._answer)

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

    def clear(self) -> None:
        """Forget all curves and their points."""
        with self._lock:
            self._series.clear()
            self._whole = True
            self._schedule()

    def flush(self) -> None:
        """Send what is waiting now, whatever `max_hz` says."""
        with self._lock:
            self._stop_timer()
            if self._whole:
                self._send_whole()
            elif self._told != list(self._series) or any(series.new_x for series in self._series.values()):
                self._send_new()

    def close(self) -> None:
        """Take the chart off every page and stop its timer."""
        with self._lock:
            self._stop_timer()
        super().close()

    def get_state(self, key: Any = None, drop_defaults: bool = False) -> dict[str, Any]:
        """The state a page is given when it opens, with the points held now."""
        state = super().get_state(key=key, drop_defaults=drop_defaults)
        if key is None or key == "_hist" or (not isinstance(key, str) and "_hist" in key):
            state["_hist"] = self._snapshot()
        return state

    # ---- sending ------------------------------------------------------------------------------------

    def _schedule(self) -> None:
        if self._timer is None:
            wait = max(_GATHER_SECONDS, self._sent + 1 / self.max_hz - time.monotonic())
            self._timer = threading.Timer(wait, self.flush)
            self._timer.daemon = True
            self._timer.start()

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _send_new(self) -> None:
        counts, data = _pack(_thinned(series.new_x, series.new_y, self.cap) for series in self._series.values())
        message: dict[str, Any] = {"type": "add", "counts": counts}
        if self._told != list(self._series):
            message["names"] = self._told = list(self._series)
        self._settle()
        self.send({**message, "seq": self._seq}, [data])

    def _send_whole(self) -> None:
        self._whole = False
        self._told = list(self._series)
        self._settle()
        self._send_snapshot()

    def _settle(self) -> None:
        for series in self._series.values():
            series.settle(self.cap)
        self._seq += 1
        self._sent = time.monotonic()

    def _send_snapshot(self) -> None:
        snapshot = self._snapshot()
        data = snapshot.pop("data")
        self.send({"type": "full", **snapshot}, [data])

    def _snapshot(self) -> dict[str, Any]:
        """All points that were sent so far, and the number of the message that sent the last of them."""
        with self._lock:
            names = self._told
            counts, data = _pack(
                (self._series[name].x, self._series[name].y) if name in self._series else (array("d"), array("d"))
                for name in names
            )
            return {"seq": self._seq, "names": names, "counts": counts, "data": data}

    def _answer(self, _widget: object, message: Mapping[str, Any], _buffers: object) -> None:
        """What a page asks: plotly.js where it has none, or all points after it missed some."""
        if message.get("type") == "sync":
            with self._lock:
                self._send_snapshot()
        elif message.get("type") == "bundle":
            try:
                self.send({"type": "bundle"}, [_bundle()])
            except (HfftError, OSError) as error:
                self.send({"type": "bundle", "error": str(error)})
