"""The settings of a training and of the data it uses, as values."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from hfft_widgets.errors import PlanError

# what a person wants -> the methods for it, the usual one first
GOALS = {
    "instruction following": ("SFT",),
    "preferences": ("DPO", "KTO"),
    "verifiable reasoning": ("GRPO", "RLOO"),
}


@dataclass(frozen=True)
class Reward:
    """A reward function that GRPO and RLOO scripts know.

    Attributes:
        column: Dataset column it compares with, or "" for none.
        weight: Its weight in the sum of rewards.
        words: What it rewards.
        module: Module of `hfft_widgets.scripts` that holds it.
    """

    column: str
    weight: float
    words: str
    module: str = "rewards"


REWARDS = {
    "correct": Reward("answer", 1.0, "the exact answer, numbers compared as numbers"),
    "close": Reward("answer", 1.0, "how much of the answer is spelled, in order"),
    "passes_tests": Reward("tests", 1.0, "the share of tests that the code in it passes", "code_rewards"),
    "ends_in_answer": Reward("", 0.2, "a last line of the form `#### 42`, as in GSM8K"),
    "thinks_first": Reward("", 0.2, "<think>...</think>, then an answer"),
    "brief": Reward("", 0.2, "fewer tokens"),
}


def usual_rewards(columns: Iterable[str]) -> tuple[str, ...]:
    """The rewards for a dataset with these columns; none: nothing in it can judge an answer."""
    present = set(columns)
    if "answer" in present:
        return ("correct", "close")
    return ("passes_tests",) if "tests" in present else ()


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
        packing: Whether SFT puts several short rows into one sequence, where the GPU has flash attention.
        warmup: Share of the steps in which the learning rate rises.
        lr_scheduler_type: How it falls afterwards.
        weight_decay: Pull of the weights towards zero.
        lora_r: Rank of the adapters.
        lora_alpha: Their scale is alpha / r.
        assistant_only_loss: Whether only the assistant's turns are learned (conversations with a template that
            marks them).
        answers_only: Whether conversations are split into prompt and last answer, and only the answer is learned.
        beta: How strongly DPO, KTO, GRPO and RLOO keep to the model they start from; None: TRL's default for each.
        rewards: Names in `REWARDS`, for GRPO and RLOO; none: `usual_rewards` of the data.
        num_generations: Answers per prompt that GRPO and RLOO compare.
        num_iterations: Optimizer passes over each batch of answers (GRPO, RLOO).
        temperature: Of the answers that GRPO and RLOO compare.
        max_completion_length: Longest generated answer in tokens (GRPO, RLOO).
        activation_checkpointing: Recompute activations to save memory.
        eval_rows: Rows held out.
        questions: Held-out questions asked before and after.
        logging_steps: Steps between two points of a curve.
        eval_steps: Steps between two evaluations.
        save_steps: Steps between two checkpoints.
        private: Whether a repository that the run makes on the Hub is private.
        trackio: Whether the curves go to Trackio too.
        seed: Of data order and initial adapters.

    Raises:
        PlanError: A value of the wrong kind or out of its range. Values end up in a script, so each is checked.
    """

    learning_rate: float = 2e-5
    num_train_epochs: float = 3
    max_steps: int = -1
    batch_size: int = 8
    accumulation: int = 1
    max_length: int = 1024
    packing: bool = False
    warmup: float = 0.05
    lr_scheduler_type: str = "cosine"
    weight_decay: float = 0.0
    lora_r: int = 16
    lora_alpha: int = 32
    assistant_only_loss: bool = False
    answers_only: bool = False
    beta: float | None = None
    rewards: tuple[str, ...] = ()
    num_generations: int = 8
    num_iterations: int = 1
    temperature: float = 1.0
    max_completion_length: int = 256
    activation_checkpointing: bool = True
    eval_rows: int = 100
    questions: int = 16
    logging_steps: int = 10
    eval_steps: int = 100
    save_steps: int = 100
    private: bool = True
    trackio: bool = False
    seed: int = 42

    def __post_init__(self) -> None:
        for names, lowest in _WHOLE_NUMBERS:
            for name in names:
                _check_whole(name, getattr(self, name), lowest)
        for name in ("learning_rate", "num_train_epochs", "temperature"):
            _check_number(name, getattr(self, name), above=0.0)
        for name in ("warmup", "weight_decay", *(["beta"] if self.beta is not None else [])):
            _check_number(name, getattr(self, name))
        for name in _SWITCHES:
            if not isinstance(getattr(self, name), bool):
                raise PlanError(f"{name} is {getattr(self, name)!r}.", remedy="It must be True or False.")
        if self.lr_scheduler_type not in SCHEDULES:
            raise PlanError(
                f"Unknown lr_scheduler_type {self.lr_scheduler_type!r}.",
                remedy=f"Choose one of {', '.join(SCHEDULES)}.",
            )
        self._check_rewards()

    def _check_rewards(self) -> None:
        given: object = self.rewards
        if not isinstance(given, (list, tuple)):
            raise PlanError(f"rewards is {given!r}.", remedy="It must be a list of names.")
        object.__setattr__(self, "rewards", tuple(given))
        unknown = [name for name in self.rewards if name not in REWARDS]
        if unknown or len(set(self.rewards)) < len(self.rewards):
            raise PlanError(
                f"The rewards are {', '.join(map(repr, self.rewards))}.",
                remedy=f"Choose among {', '.join(REWARDS)}, each once; your own go into the script.",
            )

    @property
    def effective_batch_size(self) -> int:
        """Rows behind one optimizer step on one device."""
        return self.batch_size * self.accumulation


SETTING_NAMES = frozenset(f.name for f in fields(Settings))
# those of transformers that need no further argument
SCHEDULES = ("cosine", "linear", "constant", "constant_with_warmup", "inverse_sqrt")

_COUNTS = (
    "batch_size", "accumulation", "max_length", "lora_r", "lora_alpha", "num_iterations", "logging_steps",
    "eval_steps", "save_steps", "eval_rows", "max_completion_length",
)  # fmt: skip
# (names, the lowest value each may have)
_WHOLE_NUMBERS = ((_COUNTS, 1), (("num_generations",), 2), (("seed", "questions"), 0), (("max_steps",), -1))
_SWITCHES = (
    "packing", "assistant_only_loss", "answers_only", "activation_checkpointing", "private", "trackio",
)  # fmt: skip


def _check_whole(name: str, value: object, lowest: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not lowest <= value < 2**31:
        raise PlanError(f"{name} is {value!r}.", remedy=f"It must be a whole number of at least {lowest}.")


def _check_number(name: str, value: object, above: float | None = None) -> None:
    fits = isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value) and value < 1e6
    if not fits or value < 0 or value == above:  # type: ignore[operator] # it is a number here
        raise PlanError(f"{name} is {value!r}.", remedy=f"It must be a number {'above' if above == 0 else 'from'} 0.")


# how tokens were counted
COUNTED, GUESSED, UNSEEN = "the model's tokenizer", "bytes divided by four", "pictures are not counted"


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
        trained_share: Share of the tokens that carry a loss, from 0 to 1; None: not known.
        coverage: Which rows were looked at.
        max_length: The limit in tokens that a person chose while looking at the rows; None: none.
    """

    name: str
    reference: Mapping[str, Any]
    code: str
    columns: tuple[str, ...]
    conversational: bool
    rows: int
    tokens_per_row: float
    longest_tokens: int
    tokens_source: str = COUNTED
    trained_share: float | None = None
    coverage: str = "all rows"
    max_length: int | None = None

    @property
    def pictures(self) -> str | None:
        """The column that holds pictures for TRL, "images" or "image", or None."""
        return next((name for name in ("images", "image") if name in self.columns), None)

    def to_dict(self) -> dict[str, Any]:
        """JSON values."""
        return asdict(self)
