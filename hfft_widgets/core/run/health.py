"""How a training does, in words, from its curves so far: quiet while all is well.

One table of rules, each with its source. A rule speaks of what the curves show, never of what the model can do.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite, sqrt
from statistics import fmean, pstdev

from hfft_widgets.core.method import Method
from hfft_widgets.core.run.history import Point

History = Mapping[str, Sequence[Point]]

_LEAST_POINTS = 9  # of a curve before its course is judged
_LEAST_SHARE = 0.3  # of the steps, before "not learning" is said


@dataclass(frozen=True, slots=True)
class Best:
    """The best point of the curve that judges a training on held-out rows.

    Attributes:
        metric: Its name.
        step: Where it was best.
        value: How good it was there.
        last: The newest value.
    """

    metric: str
    step: int
    value: float
    last: float

    @property
    def passed(self) -> bool:
        """Whether it has become clearly worse since."""
        return abs(self.last - self.value) > 0.02 * max(abs(self.value), 0.05)


@dataclass(frozen=True, slots=True)
class Sign:
    """One thing that is not well.

    Attributes:
        name: The rule.
        words: What the curves show, and what it most often means.
        remedy: What to do.
        step: Since when, or None.
        stop: Whether going on is most likely a waste: stopping early is worth a thought.
    """

    name: str
    words: str
    remedy: str
    step: int | None = None
    stop: bool = False


@dataclass(frozen=True)
class HealthRule:
    """A rule.

    Attributes:
        name: Its name.
        look: Finds it in the curves: method, history, share of the steps that is done (1.0: unknown or all).
        source: Where it is from.
    """

    name: str
    look: Callable[[Method, History, float], Sign | None]
    source: str


def health(method: Method, history: History, share: float = 1.0) -> tuple[Sign, ...]:
    """What is not well with a training, the gravest first; empty while all is.

    Args:
        method: What is trained.
        history: The curves.
        share: How much of its steps is done, between 0 and 1.
    """
    found: list[Sign] = []
    for rule in HEALTH_RULES:
        # what is graver says why it does not learn
        sign = None if found and rule.look is _not_learning else rule.look(method, history, share)
        found += [sign] if sign else []
    return tuple(found)


def best(method: Method, history: History) -> Best | None:
    """The best evaluation so far, by what the method is judged by; None without two evaluations."""
    names = ("eval_reward",) if method.generates else ("eval_loss",)
    name = next((name for name in names if len(_finite(history, name)) > 1), None)
    if name is None:
        return None
    points = _finite(history, name)[0 if method.generates else 1 :] or _finite(history, name)
    top = max(points, key=lambda p: p.value) if method.generates else min(points, key=lambda p: p.value)
    return Best(name, top.step, top.value, points[-1].value)


# ---- What the curves show ------------------------------------------------------------------------


def _finite(history: History, name: str) -> list[Point]:
    return [point for point in history.get(name, ()) if isfinite(point.value)]


def _values(history: History, name: str) -> list[float]:
    return [point.value for point in _finite(history, name)]


def _thirds(values: Sequence[float]) -> tuple[float, float, float] | None:
    """Means of the first and the last third, and the error of their difference; None of too few."""
    if len(values) < _LEAST_POINTS:
        return None
    third = len(values) // 3
    first, last = values[:third], values[-third:]
    error = sqrt((pstdev(first) ** 2 + pstdev(last) ** 2) / third)
    return fmean(first), fmean(last), error


def _not_a_number(method: Method, history: History, share: float) -> Sign | None:  # noqa: ARG001
    points = history.get("loss", ())
    if len(points) < 2 or any(isfinite(point.value) for point in points[-2:]):
        return None
    since = next(point.step for point in reversed(points) if isfinite(point.value)) if _finite(history, "loss") else 0
    return Sign(
        "not a number",
        f"The loss is not a number any more, since step {since + 1}: nothing more is learned.",
        "Stop it; lower the learning rate, or compute in bfloat16 or float32.",
        since + 1,
        stop=True,
    )


def _smooth(values: Sequence[float]) -> list[float]:
    """Means of three neighbours each."""
    return [fmean(values[at : at + 3]) for at in range(len(values) - 2)]


def _diverging(method: Method, history: History, share: float) -> Sign | None:  # noqa: ARG001
    values = _values(history, "loss")
    if method.generates or len(values) < _LEAST_POINTS:
        return None
    words = _still_rising(history, values) or _above_the_beginning(history, values)
    if words is None:
        return None
    remedy = "Stop it, and launch with a third of the learning rate."
    return Sign("diverging", f"{words[0]}: it diverges.", remedy, words[1], stop=True)


def _still_rising(history: History, values: Sequence[float]) -> tuple[str, int] | None:
    smooth = _smooth(values)
    low = min(smooth)
    if smooth[-1] < 1.5 * max(low, 0.1) or smooth[-1] < 1.1 * smooth[0]:
        return None
    step = _finite(history, "loss")[smooth.index(low) + 1].step
    return f"The loss has risen from {low:.3g} (step {step}) to {smooth[-1]:.3g}", step


def _above_the_beginning(history: History, values: Sequence[float]) -> tuple[str, int] | None:
    """It rose at once, and what it comes down to is still above where it began."""
    evaluations = _finite(history, "eval_loss")
    if len(evaluations) < 2 or evaluations[-1].value < 1.5 * max(evaluations[0].value, 0.1):
        return None
    if fmean(values[-3:]) < values[0]:
        return None  # what is trained on becomes better: it overfits
    began, now = evaluations[0], evaluations[-1]
    return (
        f"The loss on held-out rows was {began.value:.3g} at step {began.step} and is {now.value:.3g} now",
        began.step,
    )


def _zero_loss(method: Method, history: History, share: float) -> Sign | None:  # noqa: ARG001
    values = _values(history, "loss")[-3:]
    if method.generates or len(values) < 3 or any(values):
        return None
    words = "The loss is exactly 0: most likely no token is learned from (all of them masked, or rows cut before them)."
    return Sign("loss 0", words, "Look at what is learned (report.reading), and at max_length.", stop=True)


def _overfitting(method: Method, history: History, share: float) -> Sign | None:  # noqa: ARG001
    found, points = best(method, history), _finite(history, "eval_loss")
    if method.generates or found is None or not found.passed or found.last < found.value:
        return None
    since = [point.value for point in points if point.step > found.step]
    if len(since) < 2 or min(since) < found.value * 1.01:
        return None
    words = (
        f"Overfitting since step {found.step}: the loss on held-out rows was {found.value:.3g} there and is "
        f"{found.last:.3g} now. What it learns since then, it learns by heart."
    )
    return Sign(
        "overfitting", words, "Use the checkpoint of that step; fewer epochs or more data.", found.step, stop=True
    )


def _not_learning(method: Method, history: History, share: float) -> Sign | None:
    name = "reward" if method.generates else "loss"
    thirds = _thirds(_values(history, name))
    if thirds is None or share < _LEAST_SHARE:
        return None
    first, last, error = thirds
    gain = last - first if method.generates else first - last
    if gain > max(2 * error, 0.01 * abs(first)):
        return None
    if not method.generates and last < 0.1:
        return None  # there is little left to learn
    words = f"Not learning: the {name} was about {first:.3g} and is about {last:.3g} now, no better than its own noise."
    remedy = "Look at the learning rate (too low?), at what the data teaches, and at the number of steps."
    return Sign("not learning", words, remedy)


def _lately(method: Method, history: History, name: str) -> float:
    """The mean of a share over the last five points of a method that generates; 0 where there are fewer."""
    last = _values(history, name)[-5:]
    return fmean(last) if method.generates and len(last) == 5 else 0.0


def _equal_rewards(method: Method, history: History, share: float) -> Sign | None:  # noqa: ARG001
    equal = _lately(method, history, "frac_reward_zero_std")
    if equal < 0.9:
        return None
    words = f"In {equal:.0%} of the groups all answers get the same reward: nothing is learned from these."
    return Sign("rewards equal", words, "Use prompts that are neither too easy nor too hard, or a finer reward.")


def _clipped(method: Method, history: History, share: float) -> Sign | None:  # noqa: ARG001
    cut = _lately(method, history, "completions/clipped_ratio")
    if cut < 0.5:
        return None
    words = f"{cut:.0%} of the answers are cut at their longest: what comes after is never rewarded."
    return Sign("answers cut", words, "Raise max_completion_length, or reward short answers.")


def _both_lose(method: Method, history: History, share: float) -> Sign | None:  # noqa: ARG001
    margins, chosen = _thirds(_values(history, "rewards/margins")), _thirds(_values(history, "rewards/chosen"))
    if margins is None or chosen is None or margins[1] - margins[0] < 2 * margins[2]:
        return None
    if chosen[1] > -0.1 or chosen[0] - chosen[1] < max(0.1, 2 * chosen[2]):
        return None
    words = (
        f"The margin grows while both answers lose: the reward of the chosen ones fell from {chosen[0]:.3g} to "
        f"{chosen[1]:.3g}. It unlearns the good answers, too, only more slowly."
    )
    return Sign(
        "both answers lose", words, "Raise beta, lower the learning rate, or train on the chosen answers first."
    )


def _hacked(method: Method, history: History, share: float) -> Sign | None:  # noqa: ARG001
    right = next((name for name in history if name in {"rewards/correct/mean", "rewards/passes_tests/mean"}), None)
    rewards, rights = _values(history, "reward"), _values(history, right) if right else []
    fell = _pleasing_alone(rewards, rights) or _given_up(rewards, rights)
    if fell is None:
        return None
    words = f"The reward grows while right answers fall, from {fell[0]:.0%} to {fell[1]:.0%}: "
    return Sign(
        "reward hacking", f"{words}it learns to please the other rewards.",
        "Give the reward for right answers more weight, or drop the others.", stop=True,
    )  # fmt: skip


def _pleasing_alone(rewards: Sequence[float], rights: Sequence[float]) -> tuple[float, float] | None:
    """The share of right answers in the first and the last third, where it falls while the reward grows."""
    reward, truth = _thirds(rewards), _thirds(rights)
    if reward is None or truth is None or reward[1] - reward[0] < max(2 * reward[2], 0.02):
        return None
    return truth[:2] if truth[0] - truth[1] >= max(2 * truth[2], 0.02) else None


def _given_up(rewards: Sequence[float], rights: Sequence[float]) -> tuple[float, float] | None:
    """The best share of right answers and the last, where there are hardly any since and the reward grows again."""
    truth = _thirds(rights)
    if truth is None or len(rewards) != len(rights):
        return None
    smooth = _smooth(rights)
    peak = max(smooth)
    since = rewards[smooth.index(peak) :]
    if peak < 0.2 or truth[1] > peak / 4 or len(since) < _LEAST_POINTS:
        return None
    late = since[-(len(since) // 3) :]
    grown = fmean(late) - min(_smooth(since))
    return (peak, truth[1]) if grown >= max(3 * pstdev(late) / sqrt(3), 0.02) else None


HEALTH_RULES = (
    HealthRule("not a number", _not_a_number, "IEEE 754: a nan stays one in every later step"),
    HealthRule(
        "diverging", _diverging, "Goodfellow et al., Deep Learning, 8.2.4 and 11.4.1: too large a learning rate"
    ),
    HealthRule("loss 0", _zero_loss, "torch cross_entropy: rows of ignore_index alone; trl#2527"),
    HealthRule("overfitting", _overfitting, "Prechelt, Early Stopping - But When?, 1998: generalization loss"),
    HealthRule(
        "reward hacking", _hacked, "Skalse et al., Defining and Characterizing Reward Hacking, arXiv 2209.13085"
    ),
    HealthRule("both answers lose", _both_lose, "Razin et al., likelihood displacement, arXiv 2410.08847"),
    HealthRule("rewards equal", _equal_rewards, "TRL's GRPO: advantages of a group with equal rewards are 0"),
    HealthRule("answers cut", _clipped, "Yu et al., DAPO, arXiv 2503.14476: reward noise of truncated answers"),
    HealthRule("not learning", _not_learning, "difference of means against its own standard error"),
)
