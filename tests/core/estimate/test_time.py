"""What makes a step slower or faster."""

from __future__ import annotations

import dataclasses

from hypothesis import given

from hfft_widgets.core.estimate.estimate import estimate_work
from hfft_widgets.core.estimate.time import step_seconds
from hfft_widgets.core.estimate.work import Work
from tests.core.estimate.works import BY_NAME, WORKS, peak
from tests.core.plan.conftest import qwen3


@given(WORKS)
def test_recomputing_trades_time_for_memory(work):
    model, flavor = qwen3("1.7B"), BY_NAME["a100-large"]
    kept, again = (dataclasses.replace(work, checkpointing=on) for on in (False, True))
    assert step_seconds(model, again, flavor) > step_seconds(model, kept, flavor)
    assert peak(model, again, flavor) <= peak(model, kept, flavor) + peak(model, kept, flavor) * 0.05


def test_answers_that_serve_several_steps_are_made_once():
    once = Work("GRPO", 16, 8, 1, 500, 1024, 80, 1, completion_tokens=256, generations=8)
    thrice = dataclasses.replace(once, iterations=3)
    one, three = (estimate_work(qwen3("0.6B"), work, BY_NAME["l4x1"]) for work in (once, thrice))
    assert three.steps == 3 * one.steps
    assert one.seconds.mid < three.seconds.mid < 3 * one.seconds.mid
