import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hfft_widgets.scripts import rewards


def said(text):
    return [{"role": "assistant", "content": text}]


@pytest.mark.parametrize(
    ("completion", "answer", "reward"),
    [
        ("json", "json", 1.0),
        (" json\n", "json", 1.0),
        ("It is json", "json", 0.0),
        ("JSON", "json", 0.0),
        ("42", "42", 1.0),
        ("42.0", "42", 1.0),
        ("42", 42, 1.0),
        ("42", 42.0, 1.0),
        ("The answer is 42.", "42", 1.0),
        ("First 42, then 43", "42", 0.0),
        ("1,234.50", "1234.5", 1.0),
        ("$1,234", "1234", 1.0),
        ("They are 1,2,3", "3", 1.0),
        ("-5", "-5", 1.0),
        ("5", "-5", 0.0),
        ("10-5", "5", 1.0),
        ("0.30000000000000004", 0.3, 1.0),
        ("1e5", 100000, 1.0),
        ("50%", "50", 1.0),
        ("x42", "42", 0.0),
        ("6 * 7 = 42\n#### 42", "They say so.\n#### 42", 1.0),
        ("#### 41\nNo:\n#### 42\nor 43", "#### 42", 1.0),
        ("#### 1,000", "#### 1000", 1.0),
        ("42", "#### 42", 1.0),
        ("#### 7", "#### 42", 0.0),
        ("42 ####", "#### 42", 0.0),
        ("#### yes", "So it is. #### yes", 1.0),
        ("", "json", 0.0),
        ("", "", 0.0),
        ("", "####", 0.0),
        ("no number", "also none", 0.0),
        ("None", None, 0.0),
        (None, None, 0.0),
        (None, "json", 0.0),
        ("True", True, 1.0),
        ([], "json", 0.0),
        ([{"role": "assistant", "content": None}], "json", 0.0),
        ([{"role": "assistant", "tool_calls": []}], "json", 0.0),
        ([{"role": "assistant", "content": [{"type": "text", "text": "json"}]}], "json", 1.0),
        ({"content": "json"}, "json", 0.0),
        ("nan", math.nan, 0.0),
        ("42", np.int64(42), 1.0),
        ("four", ["4", "four"], 1.0),
        ("4.0", ("4", "four"), 1.0),
        ("five", ["4", "four"], 0.0),
        ("", [""], 0.0),
        ("4", [None, "4"], 1.0),
        ("json", object(), 0.0),
    ],
)
def test_correct(completion, answer, reward):
    assert rewards.correct(completions=[completion], answer=[answer], prompts=["?"]) == [reward]
    if isinstance(completion, str):
        assert rewards.correct([said(completion)], [answer]) == [reward]
    if reward == 1.0:
        assert rewards.close([completion], [answer]) == [1.0]
    else:
        assert 0.0 <= rewards.close([completion], [answer])[0] < 1.0


def test_close_rises_with_what_is_right():
    ladder = ["", "qqq", "s of of of of of", "son", "jsn", "json"]
    values = rewards.close(ladder, ["json"] * len(ladder))
    assert values == sorted(values)
    assert (values[0], values[-1]) == (0.0, 1.0)
    assert values[1] == 0.0 < values[2] < values[3] < values[5]


def test_close_does_not_pay_for_talking_on():
    short, long = rewards.close(["jsonn", "json or xml or email or http or ssl"], ["json", "json"])
    assert short > long


def test_one_number_each_in_order():
    assert rewards.correct(["a", "b", "a"], ["a", "a", "a"]) == [1.0, 0.0, 1.0]
    assert rewards.correct([], []) == []


odd = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.binary()
    | st.from_regex(r"[#$ 0-9.,%e-]*"),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["content", "role", "text", "type"]), inner),
    max_leaves=5,
)


@settings(max_examples=400, deadline=None)
@given(completion=odd, answer=odd)
def test_whatever_comes_each_reward_is_a_number_from_0_to_1(completion, answer):
    for reward in (rewards.correct, rewards.close):
        (value,) = reward([completion], [answer], trainer_state=None)
        assert type(value) is float
        assert 0.0 <= value <= 1.0


def test_a_rambling_completion_is_judged_quickly():
    import time

    start = time.process_time()
    rewards.close(["ab" * 50_000, "9," * 50_000, "#" * 100_000], ["ba" * 50_000, "9", "#### 1"])
    rewards.correct(["9" * 5_000, "1." * 50_000], ["9", "1"])
    assert time.process_time() - start < 2


def test_it_is_read_by_learners_and_inlined_verbatim():
    from hfft_widgets.core.script import runtime

    source = runtime("rewards")
    assert "hfft_widgets" not in source
    space = {}
    exec(compile(source, "rewards", "exec"), space)
    assert space["correct"](["json"], ["json"]) == [1.0]
    assert (space["correct"].__name__, space["close"].__name__) == ("correct", "close")  # the metrics' names


@pytest.mark.parametrize(
    ("text", "ends", "thinks"),
    [
        ("#### 42", 1.0, 0.0),
        ("6 * 7 is it.\n#### 42\n", 1.0, 0.0),
        ("6 * 7\n#### 42\nor so", 0.0, 0.0),
        ("it is #### 42", 0.0, 0.0),
        ("#### ", 0.0, 0.0),
        ("<think>six times seven</think> 42", 0.0, 1.0),
        ("<think>six\ntimes seven</think>\n#### 42", 1.0, 1.0),
        ("<think></think> 42", 0.0, 0.0),
        ("<think>a</think>", 0.0, 0.0),
        ("<think>a</think> b </think> c", 0.0, 0.0),
        ("<think>a <think>b</think> c", 0.0, 0.0),
        ("first <think>a</think> b", 0.0, 0.0),
        ("", 0.0, 0.0),
        (None, 0.0, 0.0),
    ],
)
def test_forms(text, ends, thinks):
    assert rewards.ends_in_answer(completions=[text], prompts=["?"]) == [ends]
    assert rewards.thinks_first([said(text)], trainer_state=None) == [thinks]


def test_a_form_is_judged_quickly():
    import time

    start = time.process_time()
    long = [
        "<think>" * 20_000,
        "<think>" + "a" * 200_000,
        "#### " * 50_000,
        "#### x" + "\n" * 200_000 + "y",
        " " * 200_000,
    ]
    rewards.thinks_first(long)
    rewards.ends_in_answer(long)
    assert time.process_time() - start < 2


def test_brief_falls_with_tokens_to_a_floor():
    assert rewards.brief(["a"] * 3, completion_ids=[[], [1] * 100, [1] * 5000]) == [0.0, -0.1, -1.0]
