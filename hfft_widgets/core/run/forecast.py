"""What the rest of a training buys: the final loss on held-out rows, with a band, from the points so far."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, isfinite, log
from statistics import fmean

from hfft_widgets.core.run.history import Point
from hfft_widgets.core.units import usd_text

_FEWEST = 3  # points, below which nothing is said
_NEWEST = 4  # of them tell how it falls now
# By least absolute error on 200 made curves at nine moments: what comes long after goes on with a power of the step of
# its own, less where much was learned already; what comes soon after, with half of the slope that there is now.
_LATER, _LEARNED, _SOON = -0.174, 0.267, 0.511
_FALLS = 0.02  # a slope of which is a fall: below that, _LATER fades away
_FAR = log(4)  # "long after" is four times the steps so far
_BAND = 0.15  # of the value per e-fold of steps: nine of ten made curves end within


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

    It falls as a power law of the step (Hestness et al., Deep Learning Scaling is Predictable, arXiv 1712.00409), whose
    exponent follows from the newest points, from what was learned so far, and from how far away the end is. Exponents
    and band are those of curves which were made for it (conformal prediction: Vovk et al., Algorithmic Learning in a
    Random World, 2005); `tests/bench/made_curves.py` makes them, and others to judge it by.

    Args:
        points: The held-out loss so far, in the order of their steps.
        total_steps: The planned steps.
    """
    kept = [point for point in points if isfinite(point.value) and point.value > 0 and point.step > 0]
    if len(kept) < _FEWEST or not total_steps or kept[-1].step >= total_steps:
        return None
    now, folds = kept[-1].value, log(total_steps / kept[-1].step)
    drop = now - now * exp(min(0.0, folds * _exponent(kept, folds)))
    wide = _BAND * now * folds
    return Forecast(now, now - drop, now - drop - wide, now - drop + wide, kept[-1].step / total_steps)


def _exponent(points: Sequence[Point], folds: float) -> float:
    """By which power of the step the loss goes on to fall, `folds` e-folds of steps before the end."""
    slope, far = _slope(points[-_NEWEST:]), min(1.0, folds / _FAR)
    if slope >= 0:
        return 0.0
    learned = max(0.0, log(points[0].value / points[-1].value))
    later = _LATER * (1 - exp(slope / _FALLS)) + _LEARNED * learned
    return far * later + (1 - far) * _SOON * slope


def _slope(points: Sequence[Point]) -> float:
    """By which power of the step the newest points fall; 0 where they rise."""
    x, y = [log(point.step) for point in points], [log(point.value) for point in points]
    x_mean, y_mean = fmean(x), fmean(y)
    rise = sum((a - x_mean) * (b - y_mean) for a, b in zip(x, y, strict=True))
    return min(0.0, rise / sum((a - x_mean) ** 2 for a in x))
