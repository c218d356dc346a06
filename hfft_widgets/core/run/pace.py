"""How far a run is, and how long it still takes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from hfft_widgets.core.run.history import MetricHistory, Point
from hfft_widgets.core.run.journal import Journal
from hfft_widgets.core.run.stage import Stage

_WINDOW = 30  # log lines: enough to hold evaluations and checkpoints, few enough to follow a change of speed


@dataclass(frozen=True, slots=True)
class Pace:
    """Where a run is on its way.

    Attributes:
        step: Optimizer steps done; of an export, parts done. None: not told yet.
        total_steps: Steps planned, or None.
        fraction: Between 0 and 1, or None where a number is missing.
        seconds_left: Time to the last step, or None where it cannot be told: too few log lines, the last step is
            done, or the run has ended.
        left_range: Between which times that most likely is: by the slowest and the fastest part of the last lines.
        tokens_per_second: Read lately, where the trainer counts them.
        last_point: Unix time, by the script's clock, of its newest point, or None.
    """

    step: int | None = None
    total_steps: int | None = None
    fraction: float | None = None
    seconds_left: float | None = None
    left_range: tuple[float, float] | None = field(default=None, compare=False)
    tokens_per_second: float | None = field(default=None, compare=False)
    last_point: float | None = field(default=None, compare=False)


def pace(journal: Journal, stage: Stage, now: float) -> Pace:
    """The pace of a run.

    Args:
        journal: What the run has told.
        stage: A run that is not RUNNING has no time left to tell.
        now: Unix time.
    """
    step = journal.progress.step if journal.progress else None
    total = journal.total_steps
    if step is None or not total or total < 0:
        return Pace(step=step, total_steps=total)
    points = _recent(journal.history)
    left = _seconds_left(journal.history, step, total, now) if stage is Stage.RUNNING else None
    return Pace(
        step,
        total,
        min(1.0, max(0.0, step / total)),
        left,
        left_range=_range(points, left),
        tokens_per_second=_tokens_per_second(journal.history),
        last_point=points[-1].seconds if points else None,
    )


def _range(points: Sequence[Point], left: float | None) -> tuple[float, float] | None:
    """The time left at the pace of the fastest and of the slowest third of the last lines; None of too few."""
    third = (len(points) - 1) // 3
    if left is None or third < 2:
        return None
    thirds = [(points[at], points[at + third]) for at in (0, third, 2 * third)]
    paces = [(b.seconds - a.seconds) / (b.step - a.step) for a, b in thirds]
    mean = (points[-1].seconds - points[0].seconds) / (points[-1].step - points[0].step)
    return (left * min(paces) / mean, left * max(paces) / mean) if mean > 0 else None


def _tokens_per_second(history: MetricHistory) -> float | None:
    """Of the last lines; the trainer counts tokens of all its processes."""
    points = history.get("num_tokens", ())[-_WINDOW:]
    if len(points) < 2:
        return None
    seconds, tokens = points[-1].seconds - points[0].seconds, points[-1].value - points[0].value
    return tokens / seconds if seconds > 0 and tokens > 0 else None


def _seconds_left(history: MetricHistory, step: int, total: int, now: float) -> float | None:
    """Steps left times the mean time of the steps in the last log lines, evaluations and checkpoints included.

    Steps before those lines do not count: a resumed run starts in the middle, and first steps are slow. A gap in
    which time seems to run backwards (a machine whose clock was set) ends the window.
    """
    points = _recent(history)
    if step >= total or len(points) < 2:
        return None
    first, last = points[0], points[-1]
    seconds_per_step = (last.seconds - first.seconds) / (last.step - first.step)
    # since the last line the run went on, by at most what it usually does between two lines
    steps_per_line = (last.step - first.step) / (len(points) - 1)
    since = min(max(0.0, now - last.seconds), seconds_per_step * steps_per_line)
    return max(0.0, seconds_per_step * (total - last.step) - since)


def _recent(history: MetricHistory) -> list[Point]:
    """The points of the training metric with most points, newest last, as long as time rises with them."""
    curves = [history[name] for name in history if not name.startswith("eval_")]
    points = max(curves, key=len, default=())[-_WINDOW:]
    start = max((i for i in range(1, len(points)) if points[i].seconds < points[i - 1].seconds), default=0)
    return list(points[start:])
