"""The settings of a training and of the data it uses, as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from hfft_widgets.errors import PlanError

# what a person wants -> the method for it
GOALS = {"instruction following": "SFT", "preferences": "DPO", "verifiable reasoning": "GRPO"}


@dataclass(frozen=True)
class Settings:
    """What a person may change; the names are TRL's where TRL has one.

    Attributes:
        learning_rate: Peak of the schedule.
        num_train_epochs: Passes over the data.
        max_steps: Ends earlier; -1 does not.
        batch_size: Rows per device and micro step (`per_device_train_batch_size`).
        accumulation: Micro steps per optimizer step (`gradient_accumulation_steps`).
        max_length: Longer rows are cut to so many tokens.
        warmup: Share of the steps in which the learning rate rises.
        lr_scheduler_type: How it falls afterwards.
        weight_decay: Pull of the weights towards zero.
        lora_r: Rank of the adapters.
        lora_alpha: Their scale is alpha / r.
        assistant_only_loss: Whether only the assistant's turns are learned (conversations with a template that
            marks them).
        answers_only: Whether conversations are split into prompt and last answer, and only the answer is learned.
        beta: How strongly DPO keeps to the reference model.
        num_generations: Answers per prompt that GRPO compares.
        max_completion_length: Longest generated answer in tokens (GRPO).
        activation_checkpointing: Recompute activations to save memory.
        eval_rows: Rows held out.
        questions: Held-out questions asked before and after.
        logging_steps: Steps between two points of a curve.
        eval_steps: Steps between two evaluations.
        save_steps: Steps between two checkpoints.
        seed: Of data order and initial adapters.
    """

    learning_rate: float = 2e-5
    num_train_epochs: float = 3
    max_steps: int = -1
    batch_size: int = 8
    accumulation: int = 1
    max_length: int = 1024
    warmup: float = 0.05
    lr_scheduler_type: str = "cosine"
    weight_decay: float = 0.0
    lora_r: int = 16
    lora_alpha: int = 32
    assistant_only_loss: bool = False
    answers_only: bool = False
    beta: float = 0.1
    num_generations: int = 8
    max_completion_length: int = 256
    activation_checkpointing: bool = True
    eval_rows: int = 100
    questions: int = 16
    logging_steps: int = 10
    eval_steps: int = 100
    save_steps: int = 100
    seed: int = 42

    def __post_init__(self) -> None:
        for name in (
            "batch_size",
            "accumulation",
            "max_length",
            "lora_r",
            "lora_alpha",
            "num_generations",
            "logging_steps",
            "eval_steps",
            "save_steps",
            "eval_rows",
            "max_completion_length",
        ):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise PlanError(f"{name} is {value!r}.", remedy="It must be a whole number of at least 1.")
        for name in ("learning_rate", "num_train_epochs"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < 1e6:
                raise PlanError(f"{name} is {value!r}.", remedy="It must be a number above 0.")

    @property
    def effective_batch_size(self) -> int:
        """Rows behind one optimizer step on one device."""
        return self.batch_size * self.accumulation


SETTING_NAMES = frozenset(f.name for f in fields(Settings))


@dataclass(frozen=True)
class DataFacts:
    """What a plan needs to know of the data, after mapping and fixes.

    Attributes:
        name: For people.
        reference: Keyword arguments of `load_dataset`.
        code: Lines that apply mapping and fixes to `dataset`; "" for none.
        columns: Column names after them.
        conversational: Whether prompts or texts are lists of messages.
        rows: Rows after them.
        tokens_per_row: Mean tokens a row takes in the model.
        longest_tokens: Tokens that 99 % of the rows stay within.
        tokens_source: How the tokens were counted.
    """

    name: str
    reference: Mapping[str, Any]
    code: str
    columns: tuple[str, ...]
    conversational: bool
    rows: int
    tokens_per_row: float
    longest_tokens: int
    tokens_source: str = "the model's tokenizer"

    def to_dict(self) -> dict[str, Any]:
        """JSON values."""
        return asdict(self)
