"""Forty reward functions, half of them broken on purpose: all broken ones are refused, and no good one."""

from __future__ import annotations

import json
import math
import random
import re

import pytest

from hfft_widgets.scripts import rewards
from hfft_widgets.scripts.reward_trial import reference_of, try_rewards, wrong_answers

NUMBERS = [
    {"prompt": [{"role": "user", "content": f"What is {n} times {n + 3}?"}], "answer": str(n * (n + 3))}
    for n in range(2, 26)
]
WORDS = [
    {"prompt": f"What is the capital of {country}?", "answer": city}
    for country, city in [
        ("France", "Paris"), ("Peru", "Lima"), ("Japan", "Tokyo"), ("Kenya", "Nairobi"), ("Chile", "Santiago"),
        ("Egypt", "Cairo"), ("Norway", "Oslo"), ("Cuba", "Havana"), ("Iran", "Tehran"), ("Ghana", "Accra"),
    ]
]  # fmt: skip
SENTENCES = [
    {"prompt": f"Say {w}.", "answer": f"It is {w} that {w}ers like to {w}."}
    for w in ("walk", "talk", "read", "sing", "run", "jump")
]


def text(completion) -> str:
    return completion if isinstance(completion, str) else completion[-1]["content"]


def each(judge):
    """A reward function of a judge that sees one completion, one answer and one prompt."""

    def reward(completions, answer, prompts, **kwargs):
        return [judge(text(c), str(a), text(p)) for c, a, p in zip(completions, answer, prompts, strict=True)]

    reward.__name__ = getattr(judge, "__name__", "reward")
    return reward


def last_number(said: str) -> float | None:
    found = re.findall(r"-?\d+(?:\.\d+)?", said)
    return float(found[-1]) if found else None


def inside(pattern: str):
    return each(lambda c, a, p: float((m := re.search(pattern, c, re.DOTALL)) is not None and m[1].strip() == a))


def overlap(c: str, a: str, p: str) -> float:
    said, wanted = c.lower().split(), a.lower().split()
    both = len(set(said) & set(wanted))
    return 2 * both / (len(said) + len(wanted)) if both else 0.0


def from_json(c: str, a: str, p: str) -> float:
    try:
        return float(str(json.loads(c)["answer"]) == a)
    except (ValueError, KeyError, TypeError):
        return 0.0


GOOD = {
    "correct": (NUMBERS, [rewards.correct]),
    "correct and close": (NUMBERS, [rewards.correct, rewards.close]),
    "correct of words": (WORDS, [rewards.correct]),
    "close of words": (WORDS, [rewards.close]),
    "correct with a form": (NUMBERS, [rewards.correct, rewards.ends_in_answer], [1.0, 0.2]),
    "correct that thinks": (NUMBERS, [rewards.correct, rewards.thinks_first], [1.0, 0.2]),
    "correct and brief": (NUMBERS, [rewards.correct, rewards.brief], [1.0, 0.2]),
    "equal": (NUMBERS, [each(lambda c, a, p: float(c.strip() == a))]),
    "equal in any case": (WORDS, [each(lambda c, a, p: float(c.strip().lower() == a.lower()))]),
    "last number": (NUMBERS, [each(lambda c, a, p: float(last_number(c) == float(a)))]),
    "plus or minus one": (NUMBERS, [each(lambda c, a, p: 1.0 if c.strip() == a else -1.0)]),
    "minus one for wrong": (NUMBERS, [each(lambda c, a, p: 0.0 if c.strip() == a else -1.0)]),
    "out of ten": (WORDS, [each(lambda c, a, p: 10.0 * (c.strip() == a))]),
    "boxed": (NUMBERS, [inside(r"\\boxed\{(.*?)\}")]),
    "in a tag": (NUMBERS, [inside(r"<answer>(.*?)</answer>")]),
    "after the mark": (NUMBERS, [inside(r"#### (.*)$")]),
    "thinks and tags": (NUMBERS, [inside(r"^<think>.*</think>\s*<answer>(.*?)</answer>$")]),
    "a sentence that ends in it": (NUMBERS, [each(lambda c, a, p: float(c.rstrip(". ").endswith(f" {a}")))]),
    "overlapping words": (WORDS, [each(overlap)]),
    "in JSON": (NUMBERS, [each(from_json)]),
}


def raises(completions, **kwargs):
    return [float(text(c)[0].isdigit()) for c in completions]


def too_few(completions, **kwargs):
    return [1.0]


def one_number(completions, **kwargs):
    return 1.0


def column_not_there(completions, solution, **kwargs):
    return [1.0 for _ in solution]


def rolls(completions, **kwargs):
    dice = random.Random(repr(completions))
    return [dice.random() for _ in completions]


BROKEN = {
    "always one": (NUMBERS, [each(lambda c, a, p: 1.0)]),
    "always nothing": (NUMBERS, [each(lambda c, a, p: 0.0)]),
    "rolls": (NUMBERS, [rolls]),
    "None": (NUMBERS, [each(lambda c, a, p: None)]),
    "not a number": (NUMBERS, [each(lambda c, a, p: math.nan)]),
    "raises": (NUMBERS, [raises]),
    "too few": (NUMBERS, [too_few]),
    "one number": (NUMBERS, [one_number]),
    "column that is not there": (NUMBERS, [column_not_there]),
    "longer is better": (SENTENCES, [each(lambda c, a, p: len(c) / 100)]),
    "shorter is better": (NUMBERS, [rewards.brief]),
    "upside down": (NUMBERS, [each(lambda c, a, p: float(c.strip() != a))]),
    "form alone": (NUMBERS, [rewards.ends_in_answer]),
    "thoughts alone": (NUMBERS, [rewards.thinks_first]),
    "form paid more": (NUMBERS, [rewards.correct, inside(r"(.*)"), each(lambda c, a, p: 2.0 * ("<answer>" in c))]),
    "it stands somewhere": (WORDS, [each(lambda c, a, p: float(a in c))]),
    "begins like it": (WORDS, [each(lambda c, a, p: float(a.startswith(c.strip())))]),
    "any number will do": (NUMBERS, [each(lambda c, a, p: float(bool(re.search(r"\d", c))))]),
    "words of the question": (WORDS, [each(lambda c, a, p: overlap(c, p, a))]),
    "something was said": (WORDS, [each(lambda c, a, p: 0.6 + 0.4 * (c.strip() == a) if c.strip() else 0.0)]),
}


def test_they_are_forty():
    assert len(GOOD) == len(BROKEN) == 20


@pytest.mark.parametrize("name", GOOD)
def test_a_good_reward_is_taken(name):
    rows, functions, *weights = GOOD[name]
    trial = try_rewards(functions, weights[0] if weights else None, rows)
    assert trial["problems"] == [], trial
    assert sum(trial["right"]) / len(trial["right"]) > max(sum(v) / len(v) for v in trial["wrong"].values())


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_reward_is_refused(name):
    rows, functions, *weights = BROKEN[name]
    assert try_rewards(functions, weights[0] if weights else None, rows)["problems"]


def test_code_is_tried_on_solutions_and_on_those_of_other_rows():
    rows = [
        {
            "prompt": f"Write f with f(x) == x + {n}.",
            "solution": f"def f(x):\n    return x + {n}",
            "tests": [f"assert f(1) == {n + 1}"],
        }
        for n in range(3)
    ]

    def runs(completions, tests, **kwargs):  # what `passes_tests` does, without its processes
        def passed(code, test):
            try:
                exec(code + "\n" + test[0], {})
            except Exception:
                return 0.0
            return 1.0

        return [passed(c, t) for c, t in zip(completions, tests, strict=True)]

    trial = try_rewards([runs], None, rows)
    assert trial["problems"] == []
    assert trial["right"] == [1.0] * 3
    assert trial["wrong"]["another row's"] == [0.0] * 3


def test_without_right_answers_the_wrong_ones_are_tried():
    rows = [{"prompt": "p", "tests": ["assert False"]}] * 3
    trial = try_rewards([lambda completions, **_: [0.0] * len(completions)], None, rows)
    assert (trial["right"], trial["problems"]) == ([], [])
    assert trial["wrong"]["empty"] == [0.0] * 3
    assert try_rewards([raises], None, rows)["problems"]


def test_a_wrong_answer_is_never_the_right_one():
    rights = [row["answer"] for row in NUMBERS]
    for form in ("{}", "#### {}"):
        for kind, texts in wrong_answers(NUMBERS, rights, form).items():
            assert all(text != form.replace("{}", right) for text, right in zip(texts, rights, strict=True)), kind


@pytest.mark.parametrize(
    ("row", "right"),
    [
        ({"answer": 42}, "42"),
        ({"answer": ["4", "four"]}, "4"),
        ({"completion": [{"role": "assistant", "content": "yes"}]}, "yes"),
        ({"answer": " ", "solution": "x"}, "x"),
        ({"answer": None}, None),
        ({}, None),
    ],
)
def test_reference_of(row, right):
    assert reference_of(row) == right
