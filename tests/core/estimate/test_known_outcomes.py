"""Trainings that are known to fit their card, or to run out of its memory: what the estimate says of each."""

from __future__ import annotations

from typing import Any

import pytest

from hfft_widgets.core.estimate.estimate import estimate_work
from hfft_widgets.core.estimate.work import Work
from hfft_widgets.core.plan.hardware import gpu_flavor
from tests.bench.literature import config_facts

_ROWS: dict[str, Any] = {"tokens_per_row": 0.0, "accumulation": 1, "rows": 100, "epochs": 1}
# huggingface/trl-jobs, trl_jobs/configs: Liger and packing, bfloat16 weights
JOBS: dict[str, Any] = {"method": "SFT", "lora_r": 0, "dtype": "bfloat16", "fused": True}
JOBS_LORA = {**JOBS, "lora_r": 16}
# a published sweep on T4s (2026-09): nf4, float16 without autocast, k-bit preparation, all logits
T4: dict[str, Any] = {
    "method": "SFT", "lora_r": 16, "quantized": True, "upcast": True, "mixed_precision": False, "dtype": "float16",
    "targets": ("q_proj", "k_proj", "v_proj", "o_proj"), "full_logits": True,
}  # fmt: skip

OUTCOMES = [
    ("A100", "qwen3-0.6b", JOBS, 1, 32768, True),
    ("A100", "qwen3-4b", JOBS, 1, 20480, True),
    ("A100", "llama-3-8b", JOBS, 1, 4096, True),
    ("A100", "llama-3-8b", JOBS_LORA, 1, 24576, True),
    ("A100", "qwen3-14b", JOBS_LORA, 1, 20480, True),
    ("T4", "llama-3.2-3b", T4, 4, 1024, True),  # 13,759 MiB
    ("T4", "qwen2.5-1.5b", T4, 4, 1024, True),  # 12,831 MiB
    ("T4", "mistral-7b", T4, 6, 1024, True),  # 13,687 MiB
    ("T4", "llama-3.2-1b", T4, 5, 1024, True),  # 13,485 MiB
    ("T4", "llama-3.2-3b", T4, 5, 1024, False),
    ("T4", "llama-3.2-1b", T4, 6, 1024, False),
    # trl#6684: float32 weights, all logits; the 3.81 GiB it asked for in vain are float32 logits of 6,732 tokens
    ("H100", "qwen3-4b", {"method": "SFT", "lora_r": 0, "full_logits": True}, 1, 6732, False),
    # trl#2972, on a card of 96 GB
    ("RTX PRO 6000", "qwen2.5-7b", {"method": "GRPO", "lora_r": 0, "completion_tokens": 256, "generations": 8}, 8, 512,
     False),
]  # fmt: skip


def said(gpu: str, name: str, how: dict[str, Any], batch: int, length: int):
    work = Work(**{**_ROWS, "tokens_per_row": length, "max_length": length, "batch_size": batch, **how})
    return estimate_work(config_facts(name), work, gpu_flavor(gpu))


def test_twelve_of_thirteen_and_none_unsafe():
    right = [said(*outcome).fits is fits for *outcome, fits in OUTCOMES]
    unsafe = [outcome[:2] for *outcome, fits in OUTCOMES if said(*outcome).fits and not fits]
    assert len(OUTCOMES) == 13
    assert sum(right) >= 12, [outcome for outcome, fine in zip(OUTCOMES, right, strict=True) if not fine]
    assert unsafe == []


@pytest.mark.parametrize(("outcome", "mebibytes"), [(5, 13_759), (6, 12_831), (8, 13_485)])
def test_what_was_measured_of_them(outcome, mebibytes):
    """Of the Mistral it says 14 % too little, and does not know why."""
    e = said(*OUTCOMES[outcome][:-1])
    assert e.memory_bytes.low <= mebibytes * 2**20 <= e.memory_bytes.high
