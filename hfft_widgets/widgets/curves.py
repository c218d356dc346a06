"""A run's curves, live: a plot for each group of metrics the core knows, the most telling ones in view.

Those of other runs can be laid beside them, paler and dashed.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from hfft_widgets.cards.parts import fold
from hfft_widgets.core.html import Markup, el
from hfft_widgets.core.run.curves.axes import AXES, BEST, NOT_A_NUMBER, WENT_ON, Axis, along, marks, smoothed
from hfft_widgets.widgets.live_plot import LivePlot, Together

if TYPE_CHECKING:
    from hfft_widgets.core.run.curves import Group
    from hfft_widgets.core.run.events import Event
    from hfft_widgets.core.run.history import MetricHistory, Point
    from hfft_widgets.jobs.run import Run

Key = tuple[str, str]
_MARKS: dict[str, dict[str, Any]] = {
    BEST: {"mode": "markers", "marker": {"symbol": "star", "size": 11}, "cliponaxis": False},
    NOT_A_NUMBER: {"mode": "markers", "marker": {"symbol": "x", "size": 8}},
    WENT_ON: {"mode": "markers", "marker": {"symbol": "triangle-right", "size": 10}},
}
SMALL = 2  # plots side by side below the first while it runs; the others are in a fold
MOST = 24  # a script may log any number of metrics; beyond these they are in `run.history` alone
_HEIGHTS = (280, 180)  # pixels: of the first plot, and of the others
_MAX_HZ = 1.0  # more often than a run is looked at: nothing waits a second time


class Curves:
    """The plots of one run at a time, which grow as metrics come. Every method may be called from any thread.

    Attributes:
        plots: By the group's title and the title of its vertical axis, the most telling first.
        axis: What they are drawn over.
        smoothing: From 0, as they are, up to 1.
        y_log: Whether their vertical axes are logarithmic.
    """

    def __init__(self) -> None:
        self.axis: Axis = "step"
        self.smoothing = 0.0
        self.y_log = False
        self.plots: dict[Key, LivePlot] = {}
        self._drawn: dict[Key, tuple[str, ...]] = {}
        self._plot_of: dict[str, LivePlot] = {}
        self._run: Run | None = None
        self._beside: dict[str, MetricHistory] = {}
        self._marked: dict[tuple[str, str], tuple[list[float], list[float]]] = {}
        self._together = Together()
        self._lock = threading.RLock()  # the follower's thread draws, a person's click begins anew

    def draw(self, run: Run) -> None:
        """Show a run's curves from their first points on."""
        with self._lock:
            self._run, self._drawn, self._marked = run, {}, {}
            self._draw_new(run)

    def compare(self, others: Mapping[str, MetricHistory]) -> None:
        """Lay the points of other runs beside those of the run on show, where both have the metric.

        Args:
            others: Their points, by what each is called in the legends; {} takes them away.
        """
        with self._lock:
            self._beside = dict(others)
            if self._run is not None:
                self.draw(self._run)

    def see(self, *, axis: Axis | None = None, smoothing: float | None = None, y_log: bool | None = None) -> None:
        """Draw all of them another way; what is not given stays."""
        with self._lock:
            self.axis = self.axis if axis is None else axis
            self.smoothing = self.smoothing if smoothing is None else smoothing
            self.y_log = self.y_log if y_log is None else y_log
            if self._run is not None:
                self.draw(self._run)

    def extend(self, run: Run, events: Iterable[Event]) -> None:
        """Add what came since; nothing for a run that is no longer on show."""
        with self._lock:
            if run is not self._run:
                return None
            events = list(events)
            if (self.axis != "step" or self.smoothing) and any(event.metrics for event in events):
                return self.draw(run)  # each new point may move those before it
            self._draw_new(run)
            if any(event.metrics for event in events):
                self._draw_marks(run)
            for event in events:
                for name, value in event.metrics.items():
                    if event.step is not None and value is not None and name in self._plot_of:
                        self._plot_of[name].append(name, event.step, value)
            return None

    def clear(self) -> None:
        """Forget the run."""
        with self._lock:
            self._drop(self.plots)
            self._run, self._drawn, self._plot_of, self._beside = None, {}, {}, {}

    def flush(self) -> None:
        """Send what is waiting now."""
        self._together.flush()

    def view(self, small: int = SMALL) -> Markup:
        """The first plot as wide as the card, some side by side below it, the others in a fold.

        Before the first point, frames stand where the plots will be: nothing moves when they come.

        Args:
            small: How many stand below the first.
        """
        with self._lock:
            slots = [_slot(*key, plot) for key, plot in self.plots.items()] or list(_frames(small))
        first, below, rest = slots[:1], slots[1 : 1 + small], slots[1 + small :]
        words = f"{len(rest)} more {'curve' if len(rest) == 1 else 'curves'}"
        return el(
            "div",
            first,
            el("div", below, class_="pair") if below else None,
            el("div", fold(words, el("div", rest, class_="pair")) if rest else None, class_="rest"),
            class_="curves",
            data_key="curves",
        )

    def _draw_new(self, run: Run) -> None:
        """Draw the groups whose metrics have changed, each from its first point on."""
        found = {(group.title, group.y_title): group for group in run.curves[:MOST]}
        changed = [key for key, group in found.items() if self._drawn.get(key) != group.names]
        if not changed:
            return
        for key in changed:
            self._draw(key, found[key], run.history)
        self._drop([key for key in self.plots if key not in found])
        self.plots = {key: self.plots[key] for key in found}
        self._drawn = {key: group.names for key, group in found.items()}
        self._plot_of = {name: self.plots[key] for key, group in found.items() for name in group.names}
        for at, plot in enumerate(self.plots.values()):
            plot.height = _HEIGHTS[1] if at else _HEIGHTS[0]
            plot.x_title, plot.y_log = "" if at else AXES[self.axis], self.y_log  # no room to say it each time
        self._draw_marks(run)

    def _draw(self, key: Key, group: Group, history: MetricHistory) -> None:
        if key not in self.plots:
            self.plots[key] = LivePlot(title=group.title, styles=_MARKS, max_hz=_MAX_HZ, together=self._together)
        plot = self.plots[key]
        with self._together.lock:  # no page sees it without its points
            plot.clear()  # the metrics of the training keep the first colours, whichever is told first
            for name in group.names:
                points = history.get(name, ())
                plot.replace(name, *self._placed(points, history))
            self._lay_beside(plot, group.names)

    def _placed(self, points: Sequence[Point], history: MetricHistory) -> tuple[list[float], list[float]]:
        """A curve as it is drawn: only points whose place on the axis is known."""
        values = smoothed([point.value for point in points], self.smoothing)
        pairs = zip(along(points, self.axis, history), values, strict=True)
        kept = [(x, y) for x, y in pairs if x is not None]
        return [x for x, _ in kept], [y for _, y in kept]

    def _draw_marks(self, run: Run) -> None:
        """The marked points of each plot, as far as they have changed."""
        best, resumes = run.best, run.journal.resumes
        for plot, names in ((self.plots[key], names) for key, names in self._drawn.items()):
            found: dict[str, list[Point]] = {}
            for name in names:
                for mark, points in marks(name, run.history.get(name, ()), best, resumes).items():
                    found.setdefault(mark, []).extend(points)
            for mark in _MARKS:
                if mark not in found and self._marked.get((plot.model_id, mark), ((), ()))[0]:
                    found[mark] = []
            for mark, points in found.items():
                placed = self._placed(sorted(points, key=lambda point: point.step), run.history)
                if self._marked.get((plot.model_id, mark)) != placed:
                    plot.replace(mark, *placed)
                    self._marked[plot.model_id, mark] = placed

    def _lay_beside(self, plot: LivePlot, names: Sequence[str]) -> None:
        for told, history in self._beside.items():
            for own in names:
                name = f"{own} ({told})"
                if (points := history.get(own)) and name not in names:
                    plot.lay_beside(name, own, *self._placed(points, history))

    def _drop(self, keys: Iterable[Key]) -> None:
        for key in list(keys):
            self.plots.pop(key).close()


def _slot(title: str, y_title: str, plot: LivePlot) -> Markup:
    """Where the page puts a plot."""
    told = title if y_title.casefold() in {"", title.casefold()} else f"{title}, {y_title}"
    slot = el("div", data_widget=plot.model_id, class_="plot-slot", style=f"min-height:{plot.height + 24}px")
    return el("figure", el("figcaption", told, class_="sub"), slot, data_key=f"plot {plot.model_id}")


def _frames(small: int) -> Iterator[Markup]:
    """What stands where plots will be."""
    for at, words in enumerate(["The first point comes after a few steps.", *[""] * small]):
        frame = el("div", words, class_="plot-frame", style=f"height:{_HEIGHTS[min(at, 1)] + 24}px")
        caption = el("figcaption", "Loss" if not at else "\N{NO-BREAK SPACE}", class_="sub")
        yield el("figure", caption, frame, data_key=f"frame {at}")
