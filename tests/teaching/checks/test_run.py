"""A chosen checkpoint, and what is wrong with four runs."""

from __future__ import annotations

import pytest

import hfft_widgets as hfft
from hfft_widgets.teaching.checks import check
from hfft_widgets.teaching.checks.run import SHOWN

RIGHT = {**SHOWN, "pulled back": "grpo"}


def overfit() -> hfft.Run:
    return hfft.attach("replay:overfit").wait()


@pytest.mark.parametrize("name", ["run-ex1", "run-ex1-own"])
def test_a_checkpoint_near_the_lowest_held_out_loss(name):
    run = overfit()
    steps = [point.step for point in run.history["eval_loss"]]

    def judged(step):
        return check(name, (run, step) if name.endswith("own") else step)

    assert judged(run.best.step)
    assert not judged(steps[0])
    assert "a step where it was much lower" in str(judged(steps[-1]))
    assert "Choose one of: " in str(judged(steps[1] + 1))
    assert "as a whole number" in str(judged("30"))


def test_ones_own_run_needs_two_evaluations():
    assert "fewer than two evaluations" in str(check("run-ex1-own", (hfft.attach("replay:export").wait(), 1)))
    assert "in this order" in str(check("run-ex1-own", 30))


def test_every_run_gets_its_word():
    assert check("run-ex2", RIGHT)
    for name, word in RIGHT.items():
        outcome = check("run-ex2", RIGHT | {name: "overfitting" if word != "overfitting" else "diverging"})
        assert not outcome
        assert f"{name}: " in str(outcome)
    assert "choose one of" in str(check("run-ex2", {}))
    assert "Give a dict" in str(check("run-ex2", "slow"))
