"""What the rest of a training buys: the final loss on held-out rows, with a band, from the points so far."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite, log
from statistics import fmean

from hfft_widgets.core.run.history import Point
from hfft_widgets.core.units import usd_text

_FEWEST = 5  # points, below which nothing is said
_NEWEST = 4  # of them tell how it falls now
_DAMPED = 0.5  # what comes later falls more slowly: of 200 made curves that missed by least
_BAND = (0.5, 0.15)  # of the drop to come, and of the value per e-fold of steps; nine of ten made curves end within


@dataclass(frozen=True, slots=True)
class Forecast:
    """Where a training most likely ends.

    Attributes:
        now: The newest loss on held-out rows.
        final: The one that is expected at the last step.
        low: The lower end of the band that nine of ten such curves end in.
        high: The upper end.
        share: How much of the steps is done.
    """

    now: float
    final: float
    low: float
    high: float
    share: float

    def words(self, usd_left: float | None = None) -> str:
        """What the rest buys, in a sentence; with its price, where it has one."""
        price = f"Another {usd_text(usd_left)}" if usd_left else "The rest of its steps"
        gain = self.now - self.final
        buys = f"buys about {gain:.2g}" if gain >= 0.005 * self.now else "most likely buys nothing"
        end = f"{self.final:.3g} (between {self.low:.3g} and {self.high:.3g})"
        return f"{price} {buys}: in the end a held-out loss of {end}."


def forecast(points: Sequence[Point], total_steps: int | None) -> Forecast | None:
    """The final value of a falling curve; None of too few points, or where it is done.

    The newest points, as a power law of the step (Hestness et al., Deep Learning Scaling is Predictable, arXiv
    1712.00409), go on with half their slope. The band is that of curves which were made for it (conformal prediction:
    Vovk et al., Algorithmic Learning in a Random World, 2005); `tests/bench/made_curves.py` makes them.

    Args:
        points: The held-out loss so far, in the order of their steps.
        total_steps: The planned steps.
    """
    kept = [point for point in points if isfinite(point.value) and point.value > 0 and point.step > 0]
    if len(kept) < _FEWEST or not total_steps or kept[-1].step >= total_steps:
        return None
    now = kept[-1].value
    drop = now - now * (total_steps / kept[-1].step) ** (_DAMPED * _slope(kept[-_NEWEST:]))
    wide = _BAND[0] * drop + _BAND[1] * now * log(total_steps / kept[-1].step)
    return Forecast(now, now - drop, now - drop - wide, now - drop + wide, kept[-1].step / total_steps)


def _slope(points: Sequence[Point]) -> float:
    """By which power of the step the newest points fall; 0 where they rise."""
    x, y = [log(point.step) for point in points], [log(point.value) for point in points]
    x_mean, y_mean = fmean(x), fmean(y)
    rise = sum((a - x_mean) * (b - y_mean) for a, b in zip(x, y, strict=True))
    return min(0.0, rise / sum((a - x_mean) ** 2 for a in x))
