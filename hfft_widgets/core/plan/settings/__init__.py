"""The settings of a training, with what is known of each: controls, checks, arguments and documents derive from it."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, fields, replace
from types import MappingProxyType
from typing import Any, TypedDict

from hfft_widgets.core.method import METHODS
from hfft_widgets.core.plan.settings.setting import ADAPTERS, Moved, Setting, count, described, number, switch
from hfft_widgets.errors import PlanError


@dataclass(frozen=True)
class Reward:
    """A reward function that scripts know.

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
# those of transformers that need no further argument
SCHEDULES = ("cosine", "linear", "constant", "constant_with_warmup", "inverse_sqrt")
# names of transformers -> those of the estimate; the first is what transformers takes if nothing is said
OPTIMIZERS = {
    "adamw_torch_fused": "adamw", "adamw_8bit": "adamw_8bit", "paged_adamw_8bit": "paged_adamw_8bit",
    "adafactor": "adafactor",
}  # fmt: skip
EIGHT_BITS = ("adamw_8bit", "paged_adamw_8bit")
"""Those that bitsandbytes brings."""
# layers by the names of most models; adapters.py knows how other families call theirs
TARGETS = ("attention", "q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")


def usual_rewards(columns: Iterable[str]) -> tuple[str, ...]:
    """The rewards for a dataset with these columns; none: nothing in it can judge an answer."""
    present = set(columns)
    if "answer" in present:
        return ("correct", "close")
    return ("passes_tests",) if "tests" in present else ()


_STEPS, _MEMORY, _LEARNED, _WATCHED = "Length and steps", "Memory", "What is learned", "Watching and keeping"
_BOTH: dict[str, Any] = {"moves": ("memory", "time")}
_TIME: dict[str, Any] = {"moves": ("time",)}
_GENERATES: dict[str, Any] = {"known_by": lambda method: method.generates}
_ADAPTERS: dict[str, Any] = {"pefts": ADAPTERS}
_CHATS: dict[str, Any] = {"known_by": lambda method: "messages" in method.columns}


@dataclass(frozen=True)
class Settings:
    """What a person may change; the names are TRL's where TRL has one.

    Raises:
        PlanError: A value of the wrong kind or out of its range. Values end up in a script, so each is checked.
    """

    learning_rate: float = number(
        2e-5,
        _STEPS,
        "Learning rate",
        "Size of the steps; too large diverges, too small learns nothing",
        above=True,
        most=1,
    )
    num_train_epochs: float = number(3, _STEPS, "Epochs", "Passes over the data", above=True, most=1000, **_TIME)
    rows: int | None = described(
        None, _STEPS, "whole number", "Rows", "Only the first so many rows; empty: all of them",
        least=2, optional=True, trl="", **_TIME,
    )  # fmt: skip
    max_steps: int = count(-1, _STEPS, "Max steps", "Ends the training earlier; -1: it does not", -1, never=0, **_TIME)
    batch_size: int = count(
        8, _MEMORY, "Batch size", "Rows per card and micro step: memory grows with it", most=2**24,
        trl="per_device_train_batch_size", **_BOTH,
    )  # fmt: skip
    accumulation: int = count(
        1,
        _MEMORY,
        "Accumulation",
        "Micro steps per optimizer step",
        most=2**24,
        trl="gradient_accumulation_steps",
        **_BOTH,
    )
    max_length: int = count(
        1024, _MEMORY, "Max length", "Tokens; longer rows are cut", 16, most=2**24, **_BOTH,
        known_by=lambda method: method.cuts_rows or method.drops_long_rows,
    )  # fmt: skip
    packing: bool = switch(
        False, _MEMORY, "Packing", "Several short rows in one sequence, where the GPU has flash attention",
        known_by=lambda method: method.packs, **_BOTH,
    )  # fmt: skip
    group_by_length: bool = switch(
        False, _MEMORY, "Group by length", "Rows of like length come together: less padding",
        trl="train_sampling_strategy", known_by=lambda method: method.groups, **_TIME,
    )  # fmt: skip
    warmup: float = number(
        0.05, _STEPS, "Warm-up", "Share of the steps in which the learning rate rises", most=0.9, trl="warmup_steps"
    )
    lr_scheduler_type: str = described(
        "cosine", _STEPS, "choice", "Schedule", "How the learning rate falls", choices=SCHEDULES
    )
    weight_decay: float = number(0.0, _STEPS, "Weight decay", "Pull of the weights towards zero", most=1)
    lora_r: int = count(16, _LEARNED, "LoRA rank", "Size of the adapters", most=1024, trl="", **_ADAPTERS, **_BOTH)
    lora_alpha: int = count(
        32, _LEARNED, "LoRA alpha", "Scale of the adapters is alpha / rank", most=4096, trl="", **_ADAPTERS
    )
    lora_targets: tuple[str, ...] = described(
        (), _LEARNED, "names", "LoRA layers", "Layers that get adapters: attention, or names; none: all linear ones",
        choices=TARGETS, free=True, trl="", **_ADAPTERS, **_BOTH,
    )  # fmt: skip
    lora_dropout: float = number(
        0.0, _LEARNED, "LoRA dropout", "Share of the adapters' inputs left out at random: few rows overfit less",
        most=0.9, trl="", moves=("memory",), **_ADAPTERS,
    )  # fmt: skip
    use_rslora: bool = switch(
        False, _LEARNED, "rsLoRA", "Scale alpha / root of the rank: large ranks keep learning", trl="", **_ADAPTERS
    )
    use_dora: bool = switch(
        False, _LEARNED, "DoRA", "Direction and size of each weight learn apart: often better, clearly slower",
        trl="", **_ADAPTERS, **_BOTH,
    )  # fmt: skip
    assistant_only_loss: bool = switch(False, _LEARNED, "Answers only", "Learn the assistant's turns alone", **_CHATS)
    answers_only: bool = switch(
        False, _LEARNED, "Last answer", "Learn the last answer of each conversation alone", trl="", **_CHATS
    )
    beta: float | None = number(
        None, _LEARNED, "Beta", "Closeness to the model it was; empty: TRL's default", optional=True, most=100,
        known_by=lambda method: method.beta is not None,
    )  # fmt: skip
    rewards: tuple[str, ...] = described(
        (), _LEARNED, "names", "Rewards", "What answers are scored by; none: what suits the columns",
        choices=tuple(REWARDS), trl="", **_GENERATES,
    )  # fmt: skip
    num_generations: int = count(
        8, _LEARNED, "Answers", "Per prompt, compared with each other", 2, most=256, **_BOTH, **_GENERATES
    )
    num_iterations: int = count(
        1, _LEARNED, "Iterations", "Passes over each batch of answers", most=100, **_TIME, **_GENERATES
    )
    temperature: float = number(
        1.0, _LEARNED, "Temperature", "Of the answers: they must differ", above=True, most=10, **_GENERATES
    )
    max_completion_length: int = count(
        512, _LEARNED, "Answer length", "Longest answer in tokens", most=2**20, **_BOTH, **_GENERATES
    )
    mask_truncated_completions: bool = switch(
        False, _LEARNED, "Leave out cut answers", "An answer cut at its limit teaches nothing, instead of counting as "
        "wrong", **_GENERATES,
    )  # fmt: skip
    use_vllm: bool = switch(
        False, _MEMORY, "vLLM", "Answers are written by vLLM on the same card: much faster, for a share of its memory",
        **_BOTH, **_GENERATES,
    )  # fmt: skip
    thinking: bool = switch(
        False, _LEARNED, "Thinking", "Thoughts before each answer, of models that can: many tokens more",
        trl="chat_template_kwargs", **_GENERATES,
    )  # fmt: skip
    activation_checkpointing: bool = switch(
        True, _MEMORY, "Recompute", "Recompute activations: slower, far less memory", **_BOTH
    )
    optim: str = described(
        "adamw_torch_fused", _MEMORY, "choice", "Optimizer", "In 8 bits its two moments take a quarter of the memory",
        choices=tuple(OPTIMIZERS), **_BOTH,
    )  # fmt: skip
    bf16_weights: bool = switch(
        False, _MEMORY, "16-bit weights", "Weights learn in bfloat16: half of the memory, and coarser steps",
        trl="", pefts=("none",), **_BOTH,
    )  # fmt: skip
    eval_rows: int = count(100, _WATCHED, "Held out", "Rows not trained on, to see whether it learned", trl="", **_TIME)
    questions: int = count(
        16, _WATCHED, "Questions", "Held-out questions asked before and after", 0, trl="", **_TIME,
        known_by=lambda method: method.answers,
    )  # fmt: skip
    logging_steps: int = count(10, _WATCHED, "Log every", "Steps between two points of a curve")
    eval_steps: int = count(100, _WATCHED, "Check every", "Steps between two evaluations", **_TIME)
    save_steps: int = count(100, _WATCHED, "Save every", "Steps between two checkpoints")
    private: bool = switch(
        True, _WATCHED, "Private", "Whether a new repository on the Hub is private", trl="hub_private_repo"
    )
    trackio: bool = switch(False, _WATCHED, "Trackio", "The curves go to Trackio too", trl="")
    seed: int = count(42, _STEPS, "Seed", "Order of the data and initial adapters", 0)

    def __post_init__(self) -> None:
        for name, setting in SETTINGS.items():
            value = getattr(self, name)
            if not setting.allows(value):
                raise PlanError(f"{name} is {value!r}.", remedy=setting.allowed)
        for name in ("rewards", "lora_targets"):
            object.__setattr__(self, name, tuple(getattr(self, name)))

    @property
    def effective_batch_size(self) -> int:
        """Rows behind one optimizer step on one device."""
        return self.batch_size * self.accumulation

    def to_dict(self) -> dict[str, Any]:
        """JSON values, a number the same however it was typed: 3 epochs are 3.0."""
        values = {name: getattr(self, name) for name in SETTINGS}
        return {n: float(v) if SETTINGS[n].kind == "number" and v is not None else v for n, v in values.items()}


class SettingValues(TypedDict, total=False):
    """Some of `Settings` as keyword arguments: what an editor completes and a type checker checks."""

    learning_rate: float
    num_train_epochs: float
    rows: int | None
    max_steps: int
    batch_size: int
    accumulation: int
    max_length: int
    packing: bool
    group_by_length: bool
    warmup: float
    lr_scheduler_type: str
    weight_decay: float
    lora_r: int
    lora_alpha: int
    lora_targets: tuple[str, ...]
    lora_dropout: float
    use_rslora: bool
    use_dora: bool
    assistant_only_loss: bool
    answers_only: bool
    beta: float | None
    rewards: tuple[str, ...]
    num_generations: int
    num_iterations: int
    temperature: float
    max_completion_length: int
    mask_truncated_completions: bool
    use_vllm: bool
    thinking: bool
    activation_checkpointing: bool
    optim: str
    bf16_weights: bool
    eval_rows: int
    questions: int
    logging_steps: int
    eval_steps: int
    save_steps: int
    private: bool
    trackio: bool
    seed: int


_known = {f.name: f.metadata["setting"] for f in fields(Settings)}
SETTINGS: Mapping[str, Setting] = MappingProxyType(
    {name: setting if setting.trl is not None else replace(setting, trl=name) for name, setting in _known.items()}
)
"""What is known of each setting, by its name."""
SETTING_NAMES = frozenset(SETTINGS)


def _line(name: str, setting: Setting) -> str:
    """What the documents say of a setting."""
    known = "" if len(setting.methods) == len(METHODS) else f" ({', '.join(setting.methods)})"
    trl = "" if setting.trl in {"", name} else f" TRL: `{setting.trl}`."
    return f"    {name}: {setting.help}{known}.{trl}"


_lines = "\n".join(_line(name, setting) for name, setting in SETTINGS.items())
Settings.__doc__ = f"{inspect.getdoc(Settings)}\n\nAttributes:\n{_lines}\n"


def moving(what: Moved) -> tuple[str, ...]:
    """Names of the settings that change the memory, or the time, that a training takes."""
    return tuple(name for name, setting in SETTINGS.items() if what in setting.moves)


@dataclass(frozen=True)
class Reason:
    """One sentence about a choice, which knows what it speaks of.

    Attributes:
        words: The sentence.
        about: Names of the plan's attributes and settings it speaks of: once they change, it is no longer true.
        alternative: What else could be chosen, and what that takes; "" if there is nothing to say.
        alternative_about: The same names for the alternative, which often holds a price.
    """

    words: str
    about: tuple[str, ...] = ()
    alternative: str = ""
    alternative_about: tuple[str, ...] = ()

    def after(self, changed: AbstractSet[str]) -> Reason | None:
        """What is still true of it once these names have changed; None: nothing."""
        if not changed.isdisjoint(self.about):
            return None
        return self if changed.isdisjoint(self.alternative_about) else replace(self, alternative="")

    def __str__(self) -> str:
        return self.words
