"""When a run that should go on does not: no new point for many times the usual, or hours without a machine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from hfft_widgets.core.run.history import MetricHistory
from hfft_widgets.core.run.journal import Journal
from hfft_widgets.core.run.stage import Stage
from hfft_widgets.core.units import duration_text

_WINDOW = 30  # points
_TIMES_USUAL, _TIMES_LONGEST = 12, 6  # evaluations and checkpoints make some gaps long; twice that is no stall
_LEAST_SECONDS = 60.0
_QUIET_SECONDS = 1800.0  # loading, saving, asking: no points are expected, and a large model takes its time
_WAITING_SECONDS = 3600.0  # huggingface_hub#4376: twelve hours in SCHEDULING, and no word


@dataclass(frozen=True, slots=True)
class Stall:
    """A run that does not go on.

    Attributes:
        seconds: For how long nothing came.
        usual_seconds: Between two points, as it was before; None where there were none.
        words: What that means, what to do, and when it ends by itself.
    """

    seconds: float
    usual_seconds: float | None
    words: str


@dataclass(frozen=True, slots=True)
class Limits:
    """When a run that stands still is ended without anybody's doing.

    Attributes:
        stall_seconds: After so long without progress, as was set at its launch; None: nothing was.
        left_seconds: Until its time limit, which is its ceiling where it costs; None: it has none.
    """

    stall_seconds: float | None = None
    left_seconds: float | None = None

    def words(self, silent_seconds: float) -> str:
        """What will end it, and when; what may be set where nothing will."""
        left = None if self.left_seconds is None else max(0.0, self.left_seconds)
        by_stall = None if self.stall_seconds is None else max(0.0, self.stall_seconds - silent_seconds)
        if by_stall is not None and (left is None or by_stall <= left):
            given = f"its limit without progress ({duration_text(self.stall_seconds or 0)})"
            return f"It is stopped at {given}, {_in(by_stall)}."
        if left is not None:
            return f"Left alone, it is stopped at its time limit, {_in(left)}."
        return "Left alone, it stays so: no limit was set (stall_minutes at its launch)."


def _in(seconds: float) -> str:
    return f"in {duration_text(seconds)}" if seconds >= 1 else "now"


NO_LIMITS = Limits()


def stall(
    journal: Journal, stage: Stage, *, silent_seconds: float, waiting_seconds: float, limits: Limits = NO_LIMITS
) -> Stall | None:
    """Whether a run stalls; None while all is as usual.

    Args:
        journal: What it has told.
        stage: A run that has ended does not stall.
        silent_seconds: Since its last event, by one clock.
        waiting_seconds: Since its launch.
        limits: What ends it where nobody does.
    """
    if stage is Stage.SCHEDULING and waiting_seconds >= _WAITING_SECONDS:
        words = (
            f"It has waited for a machine for {duration_text(waiting_seconds)}. Cancel it and choose another flavor, "
        )
        return Stall(waiting_seconds, None, words + "or wait on.")
    if stage is not Stage.RUNNING or journal.last == "end":
        return None
    gaps = _gaps(journal.history)
    trains = len(gaps) >= 3 and not journal.doing and not _done(journal)
    if silent_seconds < (_limit(gaps) if trains else _QUIET_SECONDS):
        return None
    usual = median(gaps) if trains else None
    often = f"; until then one came every {duration_text(max(1.0, usual))}" if usual is not None else ""
    what = "No new point" if trains else "Not a word"
    words = (
        f"{what} for {duration_text(silent_seconds)}{often}. It may hang: look at its log, or stop it with run.cancel()"
    )
    words += ", and go on from its last checkpoint with run.resume()."
    return Stall(silent_seconds, usual, f"{words} {limits.words(silent_seconds)}")


def _limit(gaps: Sequence[float]) -> float:
    return max(_LEAST_SECONDS, _TIMES_USUAL * median(gaps), _TIMES_LONGEST * max(gaps))


def _gaps(history: MetricHistory) -> list[float]:
    """Seconds between the last points of the metric that has most; where a clock was set back, none."""
    points = max((history[name] for name in history), key=len, default=())[-_WINDOW:]
    gaps = [after.seconds - before.seconds for before, after in pairwise(points)]
    return [gap for gap in gaps if gap >= 0]


def _done(journal: Journal) -> bool:
    step = journal.progress.step if journal.progress else None
    return step is not None and journal.total_steps is not None and step >= journal.total_steps
