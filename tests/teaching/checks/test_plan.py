"""A plan is judged by what it is: batch, ceiling, memory, machine."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

import hfft_widgets as hfft
from hfft_widgets.core.plan.plan import TrainingPlan
from hfft_widgets.teaching.checks import plan as judged


class Plan(TrainingPlan):
    """What the judge looks at."""

    def __init__(self, batch: int, usd: float, most_bytes: float, per_hour: float, *, fits: bool = True) -> None:
        estimate = SimpleNamespace(
            ceiling_usd=usd, usd_per_hour=per_hour, memory_bytes=SimpleNamespace(high=most_bytes), fits=fits
        )
        object.__setattr__(self, "batch", batch)
        object.__setattr__(self, "figures", estimate)

    effective_batch_size = property(lambda self: self.batch)
    estimate = property(lambda self: self.figures)


@pytest.mark.parametrize(
    ("plan", "says"),
    [
        (Plan(16, 1.0, 7e9, 0.4), []),
        (Plan(8, 0.5, 7e9, 0.4), ["The effective batch is 8"]),
        (Plan(16, 1.2, 9e9, 0.4), ["It can cost $1.20", "It can take 9.0 GB"]),
        (Plan(16, 0.0, 7e9, 0.0), ["runs on your own machine"]),
        (Plan(16, 0.5, 7e9, 0.4, fits=False), ["does not surely fit"]),
    ],
)
def test_what_is_wrong_is_said(plan, says):
    problems = judged.small_plan(plan)
    assert len(problems) == len(says)
    assert all(words in problem for words, problem in zip(says, problems, strict=True))


def test_ones_own_plan_may_be_free_and_large():
    assert judged.affordable_plan(Plan(16, 0.0, 20e9, 0.0)) == []
    assert "Give a TrainingPlan" in judged.small_plan("a plan")[0]


@pytest.mark.parametrize(
    ("rank", "says"),
    [(79, ""), (16, "room for a higher rank"), (78, "room for a higher rank"), (128, "too much")],
)
def test_the_highest_rank_is_one_below_too_many(rank, says):
    config = {
        "model_type": "qwen3", "hidden_size": 1024, "num_hidden_layers": 28, "intermediate_size": 3072, "head_dim": 128,
        "num_attention_heads": 16, "num_key_value_heads": 8, "vocab_size": 151936, "tie_word_embeddings": True,
    }  # fmt: skip
    assert says in " ".join(judged.highest_rank(hfft.estimate(config, lora_r=rank, flavor="t4-small")))
    assert "no adapter" in judged.highest_rank(hfft.estimate(config, peft="none", flavor="t4-small"))[0]
