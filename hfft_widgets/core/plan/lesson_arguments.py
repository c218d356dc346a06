"""The arguments of TRL's config classes that a plan sets, each as code with the reason for it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

from hfft_widgets.core.script import literal

if TYPE_CHECKING:
    from hfft_widgets.core.plan.training import TrainingPlan


@dataclass(frozen=True)
class Argument:
    """One argument.

    Attributes:
        name: As TRL calls it.
        value: Its value as code.
        why: A few words, or "".
    """

    name: str
    value: str
    why: str = ""

    @property
    def code(self) -> str:
        """As it stands in the call."""
        return f"{self.name}={self.value},"


def argument_lines(plan: TrainingPlan, *, vision: bool, reward_weights: Sequence[float]) -> list[str]:
    """What the plan sets, as the lines of a call; what needs no word shares a line with its neighbours.

    Args:
        plan: The plan.
        vision: Whether it trains on pictures.
        reward_weights: Of the reward functions, in their order.
    """
    lines: list[str] = []
    for words, group in groupby(_arguments(plan, vision, reward_weights), key=lambda argument: argument.why):
        if words:
            lines += [f"{argument.code}  # {words}" for argument in group]
        else:
            lines.append(" ".join(argument.code for argument in group))
    return lines


def _arguments(plan: TrainingPlan, vision: bool, reward_weights: Sequence[float]) -> list[Argument]:
    own = _OWN[plan.method](plan, reward_weights)
    if vision:
        own = [_UNCUT if argument.name == "max_length" else argument for argument in own]
    return [Argument("output_dir", "OUTPUT_DIR"), *_reports(plan), *_common(plan), *_batches(plan), *own]


def packs(plan: TrainingPlan) -> bool:
    """Whether rows share a sequence; TRL refuses to pack pictures."""
    return plan.method == "SFT" and plan.settings.packing and not plan.data.pictures


_ONLINE = ("GRPO", "RLOO")
# a row cut in the middle of a picture is an error, or worse, none
_UNCUT = Argument("max_length", "None", "cutting could cut a picture in two")


def _common(plan: TrainingPlan) -> list[Argument]:
    s = plan.settings
    length = (
        Argument("max_steps", literal(s.max_steps), "optimizer steps")
        if s.max_steps > 0
        else Argument("num_train_epochs", literal(s.num_train_epochs), "passes over the data")
    )
    rate = "adapters bear about ten times the rate of full training" if plan.peft == "lora" else ""
    attention = ', "attn_implementation": attention' if packs(plan) else ""
    return [
        Argument(
            "model_init_kwargs", f'{{"dtype": precision.dtype{attention}}}', "without it, weights load in float32"
        ),
        Argument("bf16", "precision.bf16"),
        Argument("fp16", "precision.fp16"),
        length,
        Argument("learning_rate", literal(s.learning_rate), rate),
        Argument("lr_scheduler_type", literal(s.lr_scheduler_type)),
        Argument("warmup_steps", literal(s.warmup), "below 1: a share of all steps"),
        *([Argument("weight_decay", literal(s.weight_decay))] if s.weight_decay else []),
    ]


def _batches(plan: TrainingPlan) -> list[Argument]:
    s = plan.settings
    # KTO estimates how far the model has moved from the mismatched pairs of a batch, so it needs two rows
    batch = max(2, s.batch_size) if plan.method == "KTO" else s.batch_size
    checkpointing = (
        "recompute instead of remember: slower, far less memory"
        if s.activation_checkpointing
        else "there is memory enough to remember"
    )
    effective = f"effective batch size {batch * s.accumulation} per device"
    return [
        Argument("per_device_train_batch_size", literal(batch)),
        Argument("per_device_eval_batch_size", literal(_eval_batch(plan, batch))),
        *([Argument("num_generations_eval", "2")] if plan.method in _ONLINE else []),
        Argument("gradient_accumulation_steps", literal(s.accumulation), effective),
        Argument("activation_checkpointing", literal(s.activation_checkpointing), checkpointing),
    ]


def _eval_batch(plan: TrainingPlan, batch: int) -> int:
    """As large as in training; online methods ask for a multiple of the answers per prompt, which is 2 there."""
    return batch + batch % 2 if plan.method in _ONLINE else batch


def _length(plan: TrainingPlan, why: str) -> Argument:
    return Argument("max_length", literal(plan.settings.max_length), why)


def _beta(plan: TrainingPlan) -> list[Argument]:
    beta = plan.settings.beta
    usual = {"DPO": 0.1, "KTO": 0.1, "GRPO": 0.0, "RLOO": 0.05}[plan.method]
    return [Argument("beta", literal(usual if beta is None else beta), "higher: stay closer to the model it was")]


def _sft(plan: TrainingPlan, _: Sequence[float]) -> list[Argument]:
    found = [_length(plan, "tokens; longer rows are cut at the end")]
    if packs(plan):
        found.append(Argument("packing", "attention is not None", "several short rows in one sequence, kept apart"))
    if plan.settings.assistant_only_loss and plan.data.conversational:  # TRL refuses it for plain text
        found.append(Argument("assistant_only_loss", "True", "learn the answers, not the questions"))
    return found


def _dpo(plan: TrainingPlan, _: Sequence[float]) -> list[Argument]:
    return [_length(plan, "tokens of prompt and answer together"), *_beta(plan)]


def _reward(plan: TrainingPlan, _: Sequence[float]) -> list[Argument]:
    return [_length(plan, "tokens of prompt and answer together; longer pairs are left out")]


def _online(plan: TrainingPlan, reward_weights: Sequence[float]) -> list[Argument]:
    s = plan.settings
    again = [Argument("num_iterations", literal(s.num_iterations), "passes over each batch of answers")]
    return [
        Argument("reward_weights", literal(list(reward_weights)), "one for each of the rewards"),
        Argument("num_generations", literal(s.num_generations), "answers per prompt that are compared with each other"),
        *(again if s.num_iterations > 1 else []),
        Argument("max_completion_length", literal(s.max_completion_length), "tokens"),
        Argument("temperature", literal(s.temperature), "answers must differ, or there is nothing to compare"),
        *_beta(plan),
    ]


_OWN: dict[str, Callable[[TrainingPlan, Sequence[float]], list[Argument]]] = {
    "SFT": _sft,
    "DPO": _dpo,
    "KTO": _dpo,
    "Reward": _reward,
    "GRPO": _online,
    "RLOO": _online,
}


def _reports(plan: TrainingPlan) -> list[Argument]:
    if not plan.settings.trackio:
        return [Argument("report_to", '"none"')]
    found = [
        Argument("report_to", '"trackio"', "a dashboard beside these lines"),
        Argument("project", literal(plan.title)),
    ]
    if plan.push_to:  # without a Space its curves would stay on the job's disk, and end with it
        found.append(Argument("trackio_space_id", literal(f"{plan.push_to}-trackio")))
    return [*found, Argument("trackio_static_space_id", "False")]
