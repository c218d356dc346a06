"""The arguments of TRL's config classes that a plan sets, each as code with the reason for it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby

from hfft_widgets.core.estimate.memory import VLLM_SHARE
from hfft_widgets.core.plan.proposals.answers import switches_thinking
from hfft_widgets.core.plan.settings import OPTIMIZERS, SETTINGS
from hfft_widgets.core.plan.workload import EVAL_ANSWERS, Training, eval_batch
from hfft_widgets.core.script import literal


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

    @classmethod
    def of(cls, training: Training, name: str, why: str = "") -> Argument:
        """A setting under TRL's name."""
        return cls(SETTINGS[name].trl or name, literal(getattr(training.settings, name)), why)

    @property
    def code(self) -> str:
        """As it stands in the call."""
        return f"{self.name}={self.value},"


def argument_lines(training: Training, reward_weights: Sequence[float]) -> list[str]:
    """What a training sets, as the lines of a call; what needs no word shares a line with its neighbours.

    Args:
        training: The training.
        reward_weights: Of the reward functions, in their order.
    """
    lines: list[str] = []
    for words, group in groupby(_arguments(training, reward_weights), key=lambda argument: argument.why):
        if words:
            lines += [f"{argument.code}  # {words}" for argument in group]
        else:
            lines += _filled([argument.code for argument in group])
    return lines


def _filled(codes: Sequence[str]) -> list[str]:
    """As many in a line as there is room for."""
    lines = [""]
    for code in codes:
        lines = [*lines, code] if len(f"{lines[-1]} {code}") > _WIDTH else [*lines[:-1], f"{lines[-1]} {code}".strip()]
    return lines


_WIDTH = 104


def _arguments(training: Training, reward_weights: Sequence[float]) -> list[Argument]:
    own = ARGUMENTS[training.method](training, reward_weights)
    if training.trains_on_images:
        own = [_UNCUT if argument.name == "max_length" else argument for argument in own]
    made = [*_common(training), *_batches(training), *own, *_watching(training), *_reports(training)]
    return [Argument("output_dir", "OUTPUT_DIR"), *made, *_pushing(training)]


def _watching(training: Training) -> list[Argument]:
    """Curves, checks on held-out rows, checkpoints, and the same order every time."""
    shown = "a nan loss is shown as what it is"
    return [
        Argument.of(training, "logging_steps", "steps between two points of a curve"),
        Argument("logging_first_step", "True"),
        Argument("logging_nan_inf_filter", "False", shown),
        Argument("eval_strategy", '"steps"'),
        Argument.of(training, "eval_steps"),
        Argument("eval_on_start", "True", "where it stands before the first step"),
        Argument("save_strategy", '"steps"'),
        Argument("save_steps", save_steps(training)),
        Argument("save_total_limit", "2", "checkpoints that are kept: the newest, and the best"),
        *_order(training),
        Argument("seed", "SEED"),
        Argument("data_seed", "SEED"),
    ]


def _order(training: Training) -> list[Argument]:
    """Of a pilot the one that its rows have."""
    if not training.longest_first:
        return []
    if training.trainer.generates:
        return [Argument("shuffle_dataset", "False")]
    return [Argument("train_sampling_strategy", '"sequential"')]


def save_steps(training: Training) -> str:
    """Steps between checkpoints, so that a resumed run repeats the unbroken one.

    New answers are generated only every `num_iterations` steps; resumed in between they would be other ones.
    """
    s = training.settings
    cycle = s.num_iterations if training.trainer.generates else 1
    return literal(-(-s.save_steps // cycle) * cycle)


def _pushing(training: Training) -> list[Argument]:
    if not training.push_to:
        return []
    return [
        Argument("push_to_hub", "True"),
        Argument("hub_model_id", "PUSH_TO"),
        Argument("hub_private_repo", literal(training.settings.private)),
        Argument("hub_strategy", '"checkpoint"', "the newest checkpoint too, so that it can go on elsewhere"),
    ]


# a row cut in the middle of a picture is an error, or worse, none
_UNCUT = Argument("max_length", "None", "cutting could cut a picture in two")


def _common(training: Training) -> list[Argument]:
    s = training.settings
    length = (
        Argument.of(training, "max_steps", "optimizer steps")
        if s.max_steps > 0
        else Argument.of(training, "num_train_epochs", "passes over the data")
    )
    rate = "size of the steps; adapters usually bear about ten times more than all weights do"
    usual = next(iter(OPTIMIZERS))
    eight = "its moments in 8 bits" if "8bit" in s.optim else ""
    attention = ', "attn_implementation": attention' if training.packs else ""
    return [
        Argument(
            "model_init_kwargs", f'{{"dtype": precision.dtype{attention}}}', "without it, weights load in float32"
        ),
        Argument("bf16", "precision.bf16"),
        Argument("fp16", "precision.fp16"),
        length,
        Argument.of(training, "learning_rate", rate),
        Argument.of(training, "lr_scheduler_type"),
        Argument.of(training, "warmup", "below 1: a share of all steps"),
        *([Argument.of(training, "weight_decay")] if s.weight_decay else []),
        *([Argument.of(training, "optim", eight)] if s.optim != usual else []),
    ]


def _batches(training: Training) -> list[Argument]:
    s = training.settings
    batch = max(s.batch_size, training.trainer.least_batch)
    checkpointing = "recompute instead of remember: slower, far less memory"
    effective = "rows per step: batch size times this, on each device"
    return [
        Argument("per_device_train_batch_size", literal(batch)),
        Argument("per_device_eval_batch_size", literal(eval_batch(training.trainer, batch))),
        *([Argument("num_generations_eval", literal(EVAL_ANSWERS))] if training.trainer.generates else []),
        Argument.of(training, "accumulation", effective),
        Argument.of(training, "activation_checkpointing", checkpointing),
    ]


def _beta(training: Training) -> list[Argument]:
    chosen = training.settings.beta
    beta = training.trainer.beta if chosen is None else chosen
    return [Argument("beta", literal(beta), "higher: stay closer to the model it was")]


def _sft(training: Training, _: Sequence[float]) -> list[Argument]:
    found = [Argument.of(training, "max_length", "tokens; longer rows are cut at the end")]
    if training.packs:
        found.append(Argument("packing", "attention is not None", "several short rows in one sequence, kept apart"))
    if training.groups_rows:
        found.append(Argument("train_sampling_strategy", '"group_by_length"', "rows of like length: less padding"))
    if training.settings.assistant_only_loss and training.data.conversational:  # TRL refuses it for plain text
        found.append(Argument("assistant_only_loss", "True", "learn the answers, not the questions"))
    return found


def _dpo(training: Training, _: Sequence[float]) -> list[Argument]:
    return [Argument.of(training, "max_length", "tokens of prompt and answer together"), *_beta(training)]


def _reward(training: Training, _: Sequence[float]) -> list[Argument]:
    return [Argument.of(training, "max_length", "tokens of prompt and answer together; longer pairs are left out")]


def _online(training: Training, reward_weights: Sequence[float]) -> list[Argument]:
    again = [Argument.of(training, "num_iterations", "passes over each batch of answers")]
    return [
        Argument("reward_weights", literal(list(reward_weights)), "one for each of the rewards"),
        Argument.of(training, "num_generations", "answers per prompt that are compared with each other"),
        *(again if training.settings.num_iterations > 1 else []),
        Argument.of(training, "max_completion_length", "tokens; an answer that is cut scores as a wrong one does"),
        *_cut(training),
        *_thinking(training),
        Argument.of(training, "temperature", "answers must differ, or there is nothing to compare"),
        *_beta(training),
    ]


def _cut(training: Training) -> list[Argument]:
    """What happens to answers at their limit, and who writes them."""
    cut = "an answer cut at its limit teaches nothing, not even that it was wrong"
    share = "of the card's memory, for vLLM's weights and the answers' keys and values"
    masks = training.settings.mask_truncated_completions
    found = [Argument.of(training, "mask_truncated_completions", cut)] if masks else []
    if training.uses_vllm:
        found += [
            Argument.of(training, "use_vllm", "it writes the answers, on the same card"),
            Argument("vllm_mode", '"colocate"'),
            Argument("vllm_gpu_memory_utilization", literal(VLLM_SHARE), share),
        ]
    return found


def _thinking(training: Training) -> list[Argument]:
    """Templates that can switch thoughts on and off are told which, on purpose: Qwen3 thinks unless told not to."""
    if not (training.data.conversational and switches_thinking(training.facts.chat_template or "")):
        return []
    words = "thoughts before each answer" if training.settings.thinking else "answers without thoughts before them"
    return [Argument("chat_template_kwargs", literal({"enable_thinking": training.settings.thinking}), words)]


ARGUMENTS: dict[str, Callable[[Training, Sequence[float]], list[Argument]]] = {
    "SFT": _sft,
    "DPO": _dpo,
    "GRPO": _online,
    "KTO": _dpo,
    "Reward": _reward,
    "RLOO": _online,
}
"""Method -> the arguments that its config class alone has, from the training and its rewards' weights."""


def _reports(training: Training) -> list[Argument]:
    if not training.settings.trackio:
        return [Argument("report_to", '"none"')]
    found = [
        Argument("report_to", '"trackio"', "a dashboard beside these lines"),
        Argument("project", literal(training.title)),
    ]
    if training.push_to:  # without a Space its curves would stay on the job's disk, and end with it
        found.append(Argument("trackio_space_id", literal(f"{training.push_to}-trackio")))
    return [*found, Argument("trackio_static_space_id", "False")]
