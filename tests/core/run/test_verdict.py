"""What a training came to, from what was measured before and after."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hfft_widgets.core.run.health import Best
from hfft_widgets.core.run.verdict import verdict


def normal(count, mean, spread=0.2, seed=0):
    chance = random.Random(seed)
    return [chance.gauss(mean, spread) for _ in range(count)]


def told(measure="loss", before=2.0, after=1.0, count=40, **more):
    return {"measure": measure, "before": normal(count, before, seed=1), "after": normal(count, after, seed=2), **more}


def outcome(*arguments, **named):
    return verdict(*arguments, **named).outcome


def test_a_lower_loss_is_learned_and_the_interval_is_told():
    found = verdict(told(), learned="a lower loss on the answers")
    assert found.outcome == "learned"
    assert found.change.low < found.change.after - found.change.before < found.change.high < 0
    assert f"{found.change.low:+.3g} to {found.change.high:+.3g}" in found.words
    assert found == verdict(told(), learned="a lower loss on the answers")  # the same draw each time


def test_what_nobody_would_notice_is_the_same_however_sure():
    rows = normal(100, 2.0)
    assert outcome({"measure": "loss", "before": rows, "after": [row - 0.001 for row in rows]}) == "same"
    assert outcome({"measure": "loss", "before": rows, "after": normal(100, 2.0)}) == "same"
    assert outcome(told(after=2.5)) == "worse"


def test_ten_noisy_rows_prove_nothing():
    noisy = {"measure": "pair", "before": normal(10, 0.0, 5.0, 1), "after": normal(10, 1.0, 5.0, 2)}
    assert "chance" in verdict(noisy).words
    assert outcome(noisy) == "same"
    assert outcome(told(count=5)) == "unknown"


def test_what_was_trained_on_proves_nothing():
    assert outcome(told(copies=range(40))) == "leaked"
    assert outcome(told(trained_on=12)) == "leaked"
    assert outcome(told(copies=[3, 5])) == "learned"  # two of forty, left out


def test_what_broke_elsewhere_comes_first():
    broke = {"language": {"before": normal(10, 3.0), "after": normal(10, 4.0)}}
    found = verdict(told(suite=broke))
    assert found.outcome == "worse elsewhere"
    assert "10 on plain sentences" in found.words
    stops = {"stopping": {"before": [0.0] * 4, "after": [1.0] * 4}}
    assert "no longer ends its answers" in verdict(told(suite=stops)).words
    guessed = {"arithmetic": {"before": normal(10, 1.5, 0.01), "after": normal(10, 3.0, 0.01)}}
    assert outcome(told(suite=guessed)) == "learned"  # who guesses has nothing to lose


def test_a_training_that_passed_its_best_says_where():
    found = verdict(told(), best=Best("eval_loss", 20, 3.32, 6.74))
    assert found.outcome == "overfitted"
    assert "step 20" in found.words
    assert outcome(told(), best=Best("eval_loss", 20, 1.00, 1.02)) == "learned"


@pytest.mark.parametrize(("measure", "after"), [("pair", 1.0), ("reward", 1.0), ("score", 1.0)])
def test_each_method_has_its_measure(measure, after):
    better = told(measure, before=0.0, after=after)
    assert outcome(better) == "learned"
    assert outcome({**better, "after": better["before"]}) == "same"


def test_good_answers_are_told_from_bad_ones():
    labels = [bool(n % 2) for n in range(40)]
    after = [value + (1.0 if label else -1.0) for value, label in zip(normal(40, 0.0), labels, strict=True)]
    rows = {"measure": "label", "before": normal(40, 0.0), "after": after, "labels": labels}
    assert outcome(rows) == "learned"
    louder = [value + 5.0 for value in rows["before"]]  # all of them likelier: nothing is told apart
    assert outcome({**rows, "after": louder}) == "same"


def test_what_was_not_measured_says_why():
    assert verdict({}).outcome == "unknown"
    assert "no GPU" in verdict({"why": "no GPU"}).words


@given(
    st.dictionaries(
        st.sampled_from(["measure", "before", "after", "labels", "copies", "suite", "trained_on", "why"]),
        st.recursive(
            st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5) | st.just("loss"),
            lambda inner: st.lists(inner, max_size=10) | st.dictionaries(st.just("language"), inner),
            max_leaves=8,
        ),
    )
)
def test_whatever_a_script_tells_there_is_a_verdict(data):
    found = verdict(data)
    assert found.outcome in {"unknown", "leaked"} or math.isfinite(found.change.after)
