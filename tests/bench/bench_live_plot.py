"""What a live chart costs: LivePlot beside plotly's FigureWidget and uPlot, in one run, same points, same rate.

    python -m tests.bench.bench_live_plot [--small]

uPlot is a library of the page: its kernel side here is the least that a widget could be, its code and all points in
the state, new points as float64.

Every message is built by a real `jupyter_client` session (JSON, signature, buffers), so the bytes are those of the
wire and the CPU time is the kernel's without its sockets. FigureWidget is limited to about 1,000 points per curve, and
LivePlot to twice that in a page; uPlot holds all. The page's time is the median of its script until the chart is drawn,
in one Chromium; only ratios mean something on a machine that does other things. What opening costs leaves out what a
page gets once: of LivePlot its code, of FigureWidget nothing.
"""

from __future__ import annotations

import os
import random
import sys
import time
from array import array
from collections.abc import Callable
from typing import Any

import anywidget
import traitlets
from jupyter_client.session import Session

from hfft_widgets.core.run.curves.thinning import thin
from hfft_widgets.widgets.live_plot import LivePlot
from tests.bench.plots_on_a_page import measure as on_a_page
from tests.bench.plots_on_a_page import uplot

UPDATES = int(os.environ.get("HFFT_BENCH_SIZE", "60"))
NEW_POINTS = 5
CAP = 1000


class Meter:
    """Stands in for a kernel's socket: counts the bytes that would go over it."""

    def __init__(self) -> None:
        self.session = Session(key=b"bench")
        self.bytes = 0

    def publish(self, msg_type: str, data: Any = None, metadata: Any = None, buffers: Any = None, **keys: Any) -> None:
        message = self.session.msg(msg_type, {"data": data or {}, **keys}, metadata=metadata)
        parts = self.session.serialize(message)
        self.bytes += sum(map(len, parts)) + sum(memoryview(part).nbytes for part in buffers or ())


def measure(update: Callable[[int], None], meter: Meter) -> tuple[float, float]:
    """CPU milliseconds and bytes per update, after a warm-up."""
    for k in range(5):
        update(k)
    meter.bytes, start = 0, time.process_time()
    for k in range(5, 5 + UPDATES):
        update(k)
    return 1000 * (time.process_time() - start) / UPDATES, meter.bytes / UPDATES


def state_bytes(widget: Any) -> int:
    """What opening one instance sends."""
    from ipywidgets.widgets.widget import _remove_buffers

    state, paths, buffers = _remove_buffers(widget.get_state())
    meter = Meter()
    meter.publish("comm_open", {"state": state, "buffer_paths": paths}, buffers=buffers)
    return meter.bytes


def live_plot(curves: list[list[float]], points: int) -> tuple[float, float, int]:
    meter, names = Meter(), [f"t{i}" for i in range(len(curves))]
    plot = LivePlot(names, max_hz=0.01, cap=CAP)
    for name, values in zip(names, curves, strict=True):
        plot.replace(name, range(points), values[:points])
    plot.flush()
    plot.comm.publish_msg = meter.publish

    def update(k: int) -> None:
        steps = slice(points + k * NEW_POINTS, points + (k + 1) * NEW_POINTS)
        for name, values in zip(names, curves, strict=True):
            plot.append(name, range(steps.start, steps.stop), values[steps])
        plot.flush()

    result = (*measure(update, meter), state_bytes(plot))
    plot.close()
    return result


def figure_widget(curves: list[list[float]], points: int) -> tuple[float, float, int]:
    """The usual way: hold all points, thin them, assign x and y. Plotly sends both whole."""
    import numpy as np
    import plotly.graph_objects as go

    meter = Meter()
    arrays = [np.asarray(values) for values in curves]

    def thinned(values: Any, count: int) -> tuple[Any, Any]:
        x = np.arange(count, dtype=float)
        kept = thin(x, values[:count], CAP)
        return x[kept], values[:count][kept]

    figure = go.FigureWidget([go.Scatter(x=x, y=y) for x, y in (thinned(values, points) for values in arrays)])
    figure.comm.publish_msg = meter.publish

    def update(k: int) -> None:
        choices = [thinned(values, points + (k + 1) * NEW_POINTS) for values in arrays]
        thinning.append(time.process_time())
        with figure.batch_update():
            for trace, (x, y) in zip(figure.data, choices, strict=True):
                trace.x, trace.y = x, y
        thinning[-1] = time.process_time() - thinning[-1]

    thinning: list[float] = []
    _, per_update = measure(update, meter)
    # without the time of our own thinning, which is not plotly's
    result = 1000 * sum(thinning[-UPDATES:]) / UPDATES, per_update, state_bytes(figure)
    figure.close()
    return result


class UPlot(anywidget.AnyWidget):
    """The least that draws with uPlot: all points at first, then those that are new."""

    _esm = traitlets.Unicode("").tag(sync=True)
    points = traitlets.Bytes(b"").tag(sync=True)


def uplot_widget(curves: list[list[float]], points: int) -> tuple[float, float, int]:
    meter = Meter()
    plot = UPlot(_esm=uplot(), points=array("d", [y for values in curves for y in values[:points]]).tobytes())
    plot.comm.publish_msg = meter.publish

    def update(k: int) -> None:
        steps = slice(points + k * NEW_POINTS, points + (k + 1) * NEW_POINTS)
        new = array("d", [*range(steps.start, steps.stop), *(y for values in curves for y in values[steps])])
        plot.send({"count": NEW_POINTS}, [new.tobytes()])

    result = (*measure(update, meter), state_bytes(plot))
    plot.close()
    return result


def main() -> None:
    generator = random.Random(0)
    print(f"{'curves':>7} {'points':>7}  {'':12} {'kernel ms':>10} {'bytes':>9} {'page ms':>9} {'bytes to open':>14}")
    sizes = ((1, 100),) if sys.argv[1:] == ["--small"] else ((1, 1000), (8, 1000), (8, 10_000))
    for count, points in sizes:
        total = points + (UPDATES + 5) * NEW_POINTS
        curves = [[generator.gauss(0, 1) for _ in range(total)] for _ in range(count)]
        rows = {"LivePlot": live_plot(curves, points), "FigureWidget": figure_widget(curves, points)}
        if uplot():
            rows["uPlot"] = uplot_widget(curves, points)
        parts = [values[:points] for values in curves], [values[points:] for values in curves]
        page = on_a_page(*parts, UPDATES, CAP)
        for name, row in rows.items():
            milliseconds = f"{page[name]:.1f}" if name in page else "no browser"
            print(f"{count:>7} {points:>7}  {name:12} {row[0]:>10.2f} {row[1]:>9,.0f} {milliseconds:>9} {row[2]:>14,}")
        ours = rows.pop("LivePlot")
        for name, row in rows.items():
            ratios = [b / max(a, 1e-9) for a, b in zip(ours, row, strict=True)]
            drawn = f"{page[name] / page['LivePlot']:.1f}x" if page else ""
            words = f"ratio of {name}"
            print(f"{'':6}{words:>22} {ratios[0]:>10.1f}x {ratios[1]:>8.2f}x {drawn:>9} {ratios[2]:>12.1f}x")
    if not uplot():
        print("uPlot is out of reach: no npm, or no registry; HFFT_UPLOT can name its uPlot.iife.min.js.")
    print("Bytes, kernel and page time are per update of every curve by 5 points; ratio: theirs to LivePlot's.")


if __name__ == "__main__":
    main()
