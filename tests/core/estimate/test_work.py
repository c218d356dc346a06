"""A training as arithmetic: its steps are TRL's, and what is not possible is refused."""

from __future__ import annotations

import pytest

from hfft_widgets.core.estimate.work import Work
from hfft_widgets.errors import PlanError


@pytest.mark.parametrize("iterations", [1, 3])
@pytest.mark.parametrize("prompts", [2, 7, 20, 21])
@pytest.mark.parametrize(("batch", "accumulation", "generations"), [(4, 1, 2), (2, 4, 4), (8, 1, 8)])
def test_prompts_that_fill_no_batch_are_left_out_as_trl_does(prompts, batch, accumulation, generations, iterations):
    from trl.trainer.utils import RepeatSampler

    work = Work(
        "GRPO", 16, batch, accumulation, 500, 1024, prompts, 1,
        completion_tokens=64, generations=generations, iterations=iterations,
    )  # fmt: skip
    sampler = RepeatSampler(
        range(prompts), generations, batch * accumulation // generations, repeat_count=iterations * accumulation
    )
    # a micro step loads the answers of a whole generation, and an optimizer step takes so many of them
    taken = len(sampler) // (batch * accumulation) // accumulation
    assert work.steps == max(1, taken)


@pytest.mark.parametrize(
    ("change", "words"),
    [({"optimizer": "adamo"}, "adamw"), ({"dtype": "int8"}, "bfloat16"), ({"quantized": True}, "adapters")],
)
def test_what_is_not_possible_says_what_is(change, words):
    with pytest.raises(PlanError, match=words):
        Work("SFT", 0, 4, 1, 500, 1024, 100, 1, **change)
