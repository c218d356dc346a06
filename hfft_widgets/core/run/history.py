"""Metric curves, in memory: points by name, in step order, whatever order they arrived in."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from hfft_widgets.core.run.events import Event

MOST_METRICS = 2000


@dataclass(frozen=True, slots=True)
class Point:
    """One value of one metric.

    Attributes:
        step: Optimizer steps done.
        value: The raw float; nan and inf are kept.
        epoch: Passes over the data so far, or None.
        seconds: Unix time at which the script told it.
    """

    step: int
    value: float
    epoch: float | None
    seconds: float


class MetricHistory(Mapping[str, tuple[Point, ...]]):
    """The curves of a run: `history["loss"]` is a tuple of points with rising steps.

    A step told twice (a resumed run repeats the steps since its checkpoint) keeps the later telling.

    >>> history = MetricHistory()
    >>> history.add(Event(0, 10.0, "log", step=1, metrics={"loss": 2.0}))
    >>> history.add(Event(1, 11.0, "log", step=2, metrics={"loss": 1.5}))
    >>> history.add(Event(0, 20.0, "log", step=2, metrics={"loss": 1.4}))
    >>> [(p.step, p.value) for p in history["loss"]]
    [(1, 2.0), (2, 1.4)]
    """

    def __init__(self) -> None:
        self._points: dict[str, list[Point]] = {}

    def add(self, event: Event) -> None:
        """Take the metrics of one event; events without a step or metrics change nothing."""
        if event.step is None:
            return
        for name, value in event.metrics.items():
            if value is not None:
                self._take(name, Point(event.step, value, event.epoch, event.seconds))

    def _take(self, name: str, point: Point) -> None:
        points = self._points.get(name)
        if points is None and len(self._points) >= MOST_METRICS:
            return  # a script that makes up names without end
        if points is None:
            self._points[name] = [point]  # at once: another thread may be reading, and a curve is never empty
        else:
            self._place(points, point)

    @staticmethod
    def _place(points: list[Point], point: Point) -> None:
        if points[-1].step < point.step:
            points.append(point)
            return
        at = bisect_left(points, point.step, key=lambda p: p.step)
        if at < len(points) and points[at].step == point.step:
            if points[at].seconds <= point.seconds:
                points[at] = point
        else:
            points.insert(at, point)

    def last(self, name: str) -> Point | None:
        """The newest point of a metric, or None."""
        points = self._points.get(name)
        return points[-1] if points else None

    def __getitem__(self, name: str) -> tuple[Point, ...]:
        # Copied as a list first. tuple(points) notes where the list's items lie, then allocates, which may collect
        # garbage and let a thread in that adds points: the items have moved then, and CPython 3.11 crashes.
        return tuple(self._points[name][:])

    def __iter__(self) -> Iterator[str]:
        return iter(list(self._points))  # a copy: another thread may be adding a name

    def __len__(self) -> int:
        return len(self._points)

    def __repr__(self) -> str:
        return "MetricHistory(" + ", ".join(f"{name}: {len(points)}" for name, points in self.items()) + ")"
