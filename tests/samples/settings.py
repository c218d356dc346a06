"""What the sample model learns with, by TRL's names: measured, and what the plan's rules for tiny models follow."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

_COMMON = {
    "per_device_train_batch_size": 8,
    "gradient_accumulation_steps": 1,
    "max_length": 128,  # no row is longer
    "lr_scheduler_type": "linear",
    "warmup_steps": 0.05,  # below 1: a share of all steps
    "assistant_only_loss": True,
}

SETTINGS: Mapping[str, object] = MappingProxyType({**_COMMON, "learning_rate": 5e-4, "num_train_epochs": 1.5})
"""How all weights of the sample model learn `dataset("messages")` in float32 on a CPU, by TRL's names."""

LORA_SETTINGS: Mapping[str, object] = MappingProxyType(
    {
        **_COMMON,
        "learning_rate": 1e-3,
        "num_train_epochs": 2,
        "r": 32,
        "lora_alpha": 32,
        "target_modules": "all-linear",
    }
)
"""The same for an adapter, which learns less: the weights under it are random and stay so. `r`, `lora_alpha` and
`target_modules` are peft's, the others TRL's."""
