"""Whether a training taught anything: both models on the same held-out rows, and on what must not break."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from statistics import fmean
from typing import Any, Literal

from hfft_widgets.core.run.health import Best
from hfft_widgets.core.units import plural, short

Outcome = Literal["learned", "overfitted", "worse elsewhere", "same", "worse", "leaked", "unknown"]

_FEWEST = 8  # rows, below which nothing is said
_RESAMPLES = 1000
_MOST = 500  # numbers that are read of what a script tells
_LEAST_LOSS, _LEAST_SHARE = 0.02, 0.02  # nats per token, or this share of the loss: less is no difference to a reader
_LEAST_MARGIN = 0.1  # nats: the odds of the better answer rise by a tenth
_BROKEN = {"language": 0.2, "arithmetic": 0.4, "form": 0.6, "stopping": 0.5}  # nats per item; stopping: a share
_LEAST_LOST = 0.08  # or this share of what it was
_CANNOT = {"language": 7.0, "arithmetic": 1.3, "form": 7.0}  # nats: a guess; who has not got it cannot lose it
_TITLES: Mapping[Outcome, str] = {
    "learned": "Learned",
    "overfitted": "Learned, then overfitted",
    "worse elsewhere": "Worse elsewhere",
    "same": "Same as before",
    "worse": "Worse than before",
    "leaked": "Nothing proved",
    "unknown": "Not measured",
}
_WORSE = {"language": "plain sentences", "arithmetic": "small sums", "form": "JSON, lists and code", "stopping": ""}


@dataclass(frozen=True)
class Measured:
    """What became of one measure.

    Attributes:
        name: What is measured.
        count: Rows, or items.
        before: The mean of the untrained model.
        after: The mean of the trained one.
        low: The lower end of the 95% interval of the mean difference (percentile bootstrap over rows, paired).
        high: The upper end.
    """

    name: str
    count: int
    before: float
    after: float
    low: float
    high: float


@dataclass(frozen=True)
class TrainingVerdict:
    """What a training came to.

    Attributes:
        outcome: In a word: "learned", "overfitted" (learned, and lost a part of it since its best step), "worse"
            (on its own held-out rows), "worse elsewhere" (something that must not break broke), "same", "leaked" (the
            held-out rows were trained on), "unknown".
        title: The outcome, for people.
        words: What was measured, with numbers, and what it means.
        change: The measure on held-out rows; None where there was none.
        broken: What became worse elsewhere.
        proves: What "learned" means for this method.
    """

    outcome: Outcome
    title: str
    words: str
    change: Measured | None = None
    broken: tuple[Measured, ...] = ()
    proves: str = ""

    def __str__(self) -> str:
        return f"{self.title}. {self.words}"


def verdict(told: Mapping[str, Any], *, best: Best | None = None, learned: str = "") -> TrainingVerdict:
    """The verdict on a training that is done.

    Args:
        told: What its script measured before and after: the data of its event `proof`; empty: it told nothing.
        best: Its best evaluation on held-out rows, if there were several.
        learned: What "learned" means for its method.
    """
    try:
        return _verdict(told, best, learned)
    except (TypeError, ValueError, KeyError, OverflowError, AttributeError):
        return _made("unknown", "What the script told of its held-out rows makes no sense.")


def _verdict(told: Mapping[str, Any], best: Best | None, learned: str) -> TrainingVerdict:
    if not told or told.get("why"):
        why = short(str(told.get("why") or "The script did not measure its held-out rows before and after."), 300)
        return _made("unknown", why, proves=learned)
    measure, found = _MEASURES[str(told["measure"])], _rows(told)
    if (gone := _proves_nothing(told, len(found.before))) is not None:
        return _made("leaked", gone, proves=learned)
    if len(found.before) < _FEWEST:
        words = f"{plural(len(found.before), 'held-out row')} that it was not trained on: too few to tell anything."
        return _made("unknown", words, proves=learned)
    change = measure.change(found)
    broken = tuple(_broken(told.get("suite") or {}))
    outcome = _outcome(measure.gain(change), bool(broken), best)
    return _made(outcome, _words(outcome, measure.words(change, found), change, broken, best), change, broken, learned)


def _made(outcome: Outcome, words: str, change: Measured | None = None, broken: tuple[Measured, ...] = (),
          proves: str = "") -> TrainingVerdict:  # fmt: skip
    return TrainingVerdict(outcome, _TITLES[outcome], words, change, broken, proves)


def _outcome(gain: int, broke: bool, best: Best | None) -> Outcome:
    """What it was to learn comes first; what it lost elsewhere takes "learned" away, and "same"."""
    if gain < 0:
        return "worse"
    if gain and _passed(best):
        return "overfitted"
    return "worse elsewhere" if broke else "learned" if gain else "same"


def _passed(best: Best | None) -> bool:
    """Whether the loss on held-out rows was clearly lower before the end: by a tenth, or half a nat."""
    return best is not None and best.metric == "eval_loss" and best.last - best.value > min(0.1 * best.value, 0.5)


# ---- What a script told --------------------------------------------------------------------------


@dataclass(frozen=True)
class _Rows:
    """A number per row that no training has seen, before and after; of labelled answers, whether each is a good one."""

    before: list[float]
    after: list[float]
    labels: list[bool]


def _rows(told: Mapping[str, Any]) -> _Rows:
    before, after = _numbers(told["before"]), _numbers(told["after"])
    labels = [bool(label) for label in list(told.get("labels") or [True] * len(before))[:_MOST]]
    copies = {int(number) for number in told.get("copies") or ()}
    kept = [
        each for number, each in enumerate(zip(before, after, labels, strict=True))
        if number not in copies and isfinite(each[0]) and isfinite(each[1])
    ]  # fmt: skip
    return _Rows([one for one, _, _ in kept], [one for _, one, _ in kept], [one for _, _, one in kept])


def _numbers(values: Sequence[Any]) -> list[float]:
    return [float(value) for value in list(values)[:_MOST]]


def _proves_nothing(told: Mapping[str, Any], left: int) -> str | None:
    """Why what is left of the held-out rows cannot judge it; None if it can."""
    copies, count = len(told.get("copies") or ()), len(told["before"])
    if copies and left < max(_FEWEST, count // 4):
        what = f"{copies} of {plural(count, 'held-out row')} are also among those that it was trained on"
        return f"{what}: that it knows them says nothing. Hold rows out that are not in the training data."
    if told.get("trained_on"):
        seen, rows = int(told["trained_on"]), plural(count, "held-out row")
        what = f"An earlier training of this model may have seen {seen} of {rows}"
        return f"{what}: that it knows them says nothing. Judge it by rows that were never trained on."
    return None


# ---- The measures --------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Measure:
    """How one kind of numbers is judged.

    Attributes:
        change: The change with its interval.
        gain: 1: clearly better; -1: clearly worse; 0: neither.
        words: What was measured.
    """

    change: Callable[[_Rows], Measured]
    gain: Callable[[Measured], int]
    words: Callable[[Measured, _Rows], str]


def _paired(name: str, before: Sequence[float], after: Sequence[float]) -> Measured:
    """A mean before and after, with the percentile bootstrap of the paired difference (Efron, 1979)."""
    differences = [late - early for early, late in zip(before, after, strict=True)]
    low, high = _interval(lambda chance: fmean(chance.choices(differences, k=len(differences))))
    return Measured(name, len(differences), fmean(before), fmean(after), low, high)


def _interval(draw: Callable[[random.Random], float]) -> tuple[float, float]:
    chance = random.Random(0)  # noqa: S311 -- the same interval for the same numbers
    drawn = sorted(draw(chance) for _ in range(_RESAMPLES))
    return drawn[int(0.025 * _RESAMPLES)], drawn[int(0.975 * _RESAMPLES) - 1]


def _labelled(rows: _Rows) -> Measured:
    """How much more good answers gained than bad ones: two groups, each drawn anew."""
    gains = [late - early for early, late in zip(rows.before, rows.after, strict=True)]
    good = [gain for gain, label in zip(gains, rows.labels, strict=True) if label]
    bad = [gain for gain, label in zip(gains, rows.labels, strict=True) if not label]
    if min(len(good), len(bad)) < _FEWEST // 2:
        return Measured("label", 0, 0.0, 0.0, 0.0, 0.0)
    low, high = _interval(
        lambda chance: fmean(chance.choices(good, k=len(good))) - fmean(chance.choices(bad, k=len(bad)))
    )
    return Measured("label", len(gains), 0.0, fmean(good) - fmean(bad), low, high)


def _direction(change: Measured, least: float, *, lower: bool = False) -> int:
    """1 where it became better by at least so much, and its interval does not hold 0; -1: worse."""
    moved = change.after - change.before
    if abs(moved) < least or change.low <= 0 <= change.high:
        return 0
    return 1 if (moved < 0) is lower else -1


def _span(change: Measured) -> str:
    return f"95% interval of the change {change.low:+.3g} to {change.high:+.3g}"


def _loss_words(change: Measured, rows: _Rows) -> str:  # noqa: ARG001
    return (
        f"The loss on the answers of {plural(change.count, 'held-out row')} was {change.before:.3g} and is "
        f"{change.after:.3g} ({_span(change)})."
    )


def _pair_words(change: Measured, rows: _Rows) -> str:
    before, after = (_share(values) for values in (rows.before, rows.after))
    return (
        f"In {plural(change.count, 'held-out pair')} the chosen answer is preferred in {after:.0%}, before in "
        f"{before:.0%}; its lead changed by {change.after - change.before:+.3g} nats ({_span(change)})."
    )


def _label_words(change: Measured, rows: _Rows) -> str:
    if not change.count:
        return "Too few good or too few bad answers are held out."
    gains = [late - early for early, late in zip(rows.before, rows.after, strict=True)]
    good = [gain for gain, label in zip(gains, rows.labels, strict=True) if label]
    bad = [gain for gain, label in zip(gains, rows.labels, strict=True) if not label]
    told = fmean((one > other) + 0.5 * (one == other) for one in good for other in bad)
    return (
        f"Of {plural(change.count, 'held-out answer')} a good one gained more than a bad one in {told:.0%} of all "
        f"pairs (half would be chance), by {change.after:+.3g} nats ({_span(change)})."
    )


def _score_words(change: Measured, rows: _Rows) -> str:  # noqa: ARG001
    return (
        f"In {plural(change.count, 'held-out pair')} the chosen answer is scored higher in {change.after:.0%}, before "
        f"in {change.before:.0%} ({_span(change)})."
    )


def _reward_words(change: Measured, rows: _Rows) -> str:  # noqa: ARG001
    return (
        f"The mean reward of the answers to {plural(change.count, 'held-out prompt')} was {change.before:.3g} and is "
        f"{change.after:.3g} ({_span(change)})."
    )


def _share(margins: Sequence[float]) -> float:
    return fmean(margin > 0 for margin in margins)


def _right(rows: _Rows) -> Measured:
    return _paired("score", *([float(margin > 0) for margin in values] for values in (rows.before, rows.after)))


_MEASURES: Mapping[str, _Measure] = {
    "loss": _Measure(
        lambda rows: _paired("loss", rows.before, rows.after),
        lambda change: _direction(change, max(_LEAST_LOSS, _LEAST_SHARE * change.before), lower=True),
        _loss_words,
    ),
    "pair": _Measure(
        lambda rows: _paired("pair", rows.before, rows.after),
        lambda change: _direction(change, _LEAST_MARGIN),
        _pair_words,
    ),
    "label": _Measure(_labelled, lambda change: _direction(change, _LEAST_MARGIN), _label_words),
    "score": _Measure(_right, lambda change: _direction(change, _LEAST_SHARE), _score_words),
    "reward": _Measure(
        lambda rows: _paired("reward", rows.before, rows.after),
        lambda change: _direction(change, max(0.01, _LEAST_SHARE * abs(change.before))),
        _reward_words,
    ),
}


# ---- What must not break -------------------------------------------------------------------------


def _broken(suite: Mapping[str, Any]) -> list[Measured]:
    """Kinds of the suite that became clearly worse."""
    found = []
    for kind, least in _BROKEN.items():
        if kind not in suite:
            continue
        before, after = _numbers(suite[kind]["before"]), _numbers(suite[kind]["after"])
        if not before or not all(map(isfinite, (*before, *after))):
            continue
        change = _paired(kind, before, after)
        lost = _direction(change, max(least, _LEAST_LOST * change.before), lower=True) < 0
        if lost and change.before < _CANNOT.get(kind, 1.0):
            found.append(change)
    return found


def _words(outcome: Outcome, measured: str, change: Measured, broken: Sequence[Measured], best: Best | None) -> str:
    said = [measured]
    if outcome == "same":
        chance = change.low <= 0 <= change.high
        said.append("That may as well be chance." if chance else "That is less than anybody would notice.")
    if outcome == "worse":
        said.append("What it was to learn it does worse than before it was trained.")
    if outcome == "overfitted" and best is not None:
        said.append(
            f"But held-out rows were done best at step {best.step:,} (loss {best.value:.3g}, {best.last:.3g} at the "
            "end): use that checkpoint."
        )
    said += [_broken_words(one) for one in broken]
    return " ".join(said)


def _broken_words(change: Measured) -> str:
    if change.name == "stopping":
        return (
            f"It no longer ends its answers: {change.after:.0%} of short questions go on without end, before "
            f"{change.before:.0%}."
        )
    what = f"a fixed set of {change.count} on {_WORSE[change.name]}, which is not in the data"
    return f"It lost something else: the loss on {what}, was {change.before:.3g} and is {change.after:.3g}."
