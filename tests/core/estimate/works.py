"""Works of every kind, for properties of the arithmetic."""

from __future__ import annotations

from hypothesis import strategies as st

from hfft_widgets.core.estimate.memory import memory_parts
from hfft_widgets.core.estimate.work import Work
from hfft_widgets.core.plan.hardware import FLAVORS, GPUS, gpu_flavor, local_flavor

BY_NAME = {flavor.name: flavor for flavor in FLAVORS}


METHODS = ["SFT", "DPO", "KTO", "Reward", "GRPO", "RLOO"]


WORKS = st.builds(
    Work,
    method=st.sampled_from(METHODS),
    lora_r=st.sampled_from([0, 16]),
    batch_size=st.integers(1, 32),
    accumulation=st.integers(1, 16),
    tokens_per_row=st.floats(1, 4096),
    max_length=st.integers(1, 4096),
    rows=st.integers(1, 10**6),
    epochs=st.floats(0.01, 10),
    checkpointing=st.booleans(),
    completion_tokens=st.integers(0, 512),
    generations=st.integers(1, 8),
    optimizer=st.sampled_from(["adamw", "adamw_8bit", "paged_adamw_8bit"]),
    full_logits=st.booleans(),
    vllm=st.booleans(),
    dtype=st.sampled_from(["", "float32", "bfloat16"]),
    mixed_precision=st.booleans(),
)


MACHINES = st.sampled_from([*FLAVORS, *(gpu_flavor(name) for name in GPUS), local_flavor(8 * 2**30, 0.1)])


def peak(model, work, flavor):
    return sum(memory_parts(model, work, flavor).values())
