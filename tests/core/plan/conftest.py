"""A model, data and machines to plan with, no file involved."""

from __future__ import annotations

import dataclasses

import pytest

from hfft_widgets.core.plan.data_stats import DataStats
from hfft_widgets.core.plan.hardware import FLAVORS, local_flavor
from hfft_widgets.core.plan.model import ModelFacts, model_facts
from hfft_widgets.core.plan.plan import TrainingPlan
from hfft_widgets.core.plan.settings import Reason, Settings

QWEN3 = {
    "0.6B": {"hidden_size": 1024, "num_hidden_layers": 28, "intermediate_size": 3072},
    "1.7B": {"hidden_size": 2048, "num_hidden_layers": 28, "intermediate_size": 6144},
    "4B": {"hidden_size": 2560, "num_hidden_layers": 36, "intermediate_size": 9728, "num_attention_heads": 32},
}


def qwen3(size: str, **changes: object) -> ModelFacts:
    config = {
        "architectures": ["Qwen3ForCausalLM"],
        "model_type": "qwen3",
        "num_attention_heads": 16,
        "num_key_value_heads": 8,
        "head_dim": 128,
        "vocab_size": 151936,
        "tie_word_embeddings": True,
        "max_position_embeddings": 40960,
        **QWEN3[size],
    }
    known = {"chat_template": "{% generation %}", "licence": "apache-2.0", "gated": False}
    facts = model_facts(config, reference=f"Qwen/Qwen3-{size}", local=False, **known)
    return dataclasses.replace(facts, **changes)


@pytest.fixture
def data() -> DataStats:
    return DataStats(
        name="org/data",
        reference={"path": "org/data", "split": "train"},
        code="",
        columns=("messages",),
        conversational=True,
        rows=2000,
        tokens_per_row=300.0,
        longest_tokens=900,
    )


@pytest.fixture
def machines():
    return (local_flavor(16 * 2**30, 0.1), *FLAVORS)


@pytest.fixture
def plan(data, machines) -> TrainingPlan:
    return TrainingPlan(
        model="Qwen/Qwen3-0.6B",
        method="SFT",
        peft="lora",
        flavor="t4-small",
        settings=Settings(),
        data=data,
        facts=qwen3("0.6B"),
        machines=machines,
        reasons=(Reason("Because <b>it</b> fits.", ("batch_size",), "A <i>smaller</i> one would too."),),
    )
