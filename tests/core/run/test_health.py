"""How a training does, in words: each rule speaks of its own curve, and none of one that is well."""

import math
import random

import pytest

from hfft_widgets.core.method import METHODS
from hfft_widgets.core.run.health import HEALTH_RULES, best, health
from hfft_widgets.core.run.history import Point


def curve(values, every=1):
    return tuple(Point(every * n, float(value), None, float(n)) for n, value in enumerate(values, 1))


def noisy(values, noise=0.05, seed=0):
    rng = random.Random(seed)
    return [value + rng.gauss(0, noise) for value in values]


def falling(count=30, start=3.0, end=1.0):
    return [end + (start - end) * math.exp(-4 * n / count) for n in range(count)]


def rising(count=30, start=0.1, end=0.7):
    return [start + (end - start) * n / count for n in range(count)]


def names(method, **curves):
    history = {name.replace("__", "/"): values for name, values in curves.items()}
    return [sign.name for sign in health(METHODS[method], history)]


WELL = {
    "SFT": lambda seed: {"loss": curve(noisy(falling(), seed=seed)), "eval_loss": curve([3.1, 1.6, 1.2, 1.1], 8)},
    "DPO": lambda seed: {
        "loss": curve(noisy(falling(start=0.69, end=0.4), 0.02, seed)),
        "rewards/margins": curve(noisy(rising(), seed=seed)),
        "rewards/chosen": curve(noisy(rising(end=0.4), seed=seed)),
    },
    "GRPO": lambda seed: {
        "loss": curve(noisy([0.0] * 30, 1e-8, seed)),
        "reward": curve(noisy(rising(), seed=seed)),
        "rewards/correct/mean": curve(noisy(rising(), seed=seed)),
        "frac_reward_zero_std": curve(noisy([0.3] * 30, seed=seed)),
        "completions/clipped_ratio": curve([0.1] * 30),
    },
}


@pytest.mark.parametrize("method", WELL)
def test_it_is_quiet_while_all_is_well(method):
    for seed in range(40):
        history = WELL[method](seed)
        for count in (0, 1, 2, 5, 12, 30):  # also while it is young
            young = {name: points[:count] for name, points in history.items() if points[:count]}
            assert health(METHODS[method], young, count / 30) == (), (seed, count)


def test_an_overfitted_run_says_where_it_was_best():
    losses = curve([13.0, 5.1, 4.0, 3.32, 3.9, 5.2, 6.74], every=5)
    history = {"loss": curve(falling(35, 13, 0.4)), "eval_loss": losses}
    (sign,) = health(METHODS["SFT"], history)
    assert (sign.name, sign.step, sign.stop) == ("overfitting", 20, True)
    assert "was 3.32 there and is 6.74 now" in sign.words
    found = best(METHODS["SFT"], history)
    assert (found.step, found.value, found.last, found.passed) == (20, 3.32, 6.74, True)
    assert not best(METHODS["SFT"], {"eval_loss": losses[:4]}).passed
    assert best(METHODS["SFT"], {"eval_loss": losses[:1]}) is None


def test_one_worse_evaluation_is_no_overfitting():
    assert names("SFT", eval_loss=curve([3.0, 2.0, 1.5, 1.6], 5)) == []
    assert names("SFT", eval_loss=curve([3.0, 2.0, 1.5, 1.6, 1.49], 5)) == []


@pytest.mark.parametrize(
    ("method", "curves", "found"),
    [
        ("SFT", {"loss": curve(noisy([2.5] * 30))}, ["not learning"]),
        ("SFT", {"loss": curve(noisy([2.0 + 0.02 * n for n in range(12)] + [4, 5, 6, 7]))}, ["diverging"]),
        (
            "SFT",  # it rose at once; that it falls again does not make it well
            {"loss": curve(noisy([13, 18, *[65.0] * 9, 59, 29, 31])), "eval_loss": curve([12.3, 67.4, 50.2], 10)},
            ["diverging"],
        ),
        ("SFT", {"loss": curve([2.0, 1.9, math.nan, math.nan])}, ["not a number"]),
        ("SFT", {"loss": curve([0.0, 0.0, 0.0])}, ["loss 0"]),
        ("SFT", {"loss": curve([0.02] * 30)}, []),  # it knows all of it: nothing is left to learn
        ("DPO", {"loss": curve(noisy([0.693] * 30, 0.01))}, ["not learning"]),
        (
            "DPO",
            {"rewards/margins": curve(noisy(rising(end=3))), "rewards/chosen": curve(noisy(rising(end=-3)))},
            ["both answers lose"],
        ),
        ("GRPO", {"reward": curve(noisy([0.2] * 30))}, ["not learning"]),
        ("GRPO", {"frac_reward_zero_std": curve([0.5] * 5 + [1.0] * 6)}, ["rewards equal"]),
        ("GRPO", {"completions/clipped_ratio": curve([0.2] * 5 + [0.9] * 6)}, ["answers cut"]),
        (
            "GRPO",
            {"reward": curve(noisy(rising())), "rewards/correct/mean": curve(noisy(rising(start=0.6, end=0.1)))},
            ["reward hacking"],
        ),
        (
            "GRPO",  # the right answers were given up early, for what is paid without them
            {
                "reward": curve(noisy([0.9, 0.2, 0.2, 1.7, *[0.1] * 12, *[0.35] * 14])),
                "rewards/correct/mean": curve([0.4, 0.0, 0.1, 0.8, *[0.0] * 26]),
            },
            ["reward hacking"],
        ),
        ("GRPO", {"loss": curve([0.0] * 30)}, []),  # by design
    ],
)
def test_each_rule_speaks_of_its_curve(method, curves, found):
    signs = health(METHODS[method], curves)
    assert [sign.name for sign in signs] == found
    for sign in signs:
        assert sign.words.endswith(".")
        assert sign.remedy.endswith(".")


def test_noise_around_a_rising_share_of_right_answers_is_no_hacking():
    for seed in range(200):
        draw = random.Random(seed)
        share = [sum(draw.random() < 0.15 + 0.1 * step / 30 for _ in range(16)) / 16 for step in range(30)]
        history = {"reward": curve(share), "rewards/correct/mean": curve(share)}
        assert "reward hacking" not in [sign.name for sign in health(METHODS["GRPO"], history)], seed


def test_a_young_run_is_given_time():
    flat = {"loss": curve(noisy([2.5] * 30))}
    assert health(METHODS["SFT"], flat, share=0.1) == ()
    assert [sign.name for sign in health(METHODS["SFT"], flat, share=0.5)] == ["not learning"]


def test_every_rule_has_a_source():
    assert len({rule.name for rule in HEALTH_RULES}) == len(HEALTH_RULES)
    assert all(rule.source for rule in HEALTH_RULES)
