"""The six training methods: what is known of each, once.

What a method *does* stands in four registries with the same keys: `core.data.match_columns.MATCHERS` (its columns),
`core.data.emulators.EMULATORS` (its trainer), `core.data.mapping.suggest.CANDIDATES` (mappings worth trying) and
`core.plan.trl_arguments.ARGUMENTS` (its config class). Nothing else names a method.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

# An editor completes these; a test holds them equal to the table below.
MethodName = Literal["SFT", "DPO", "GRPO", "KTO", "Reward", "RLOO"]
Goal = Literal["instruction following", "preferences", "verifiable reasoning"]

_CHAT_ASIDE = ("tools", "chat_template_kwargs")
_PICTURES = ("image", "images")
_PAIRS = (("prompt", "chosen", "rejected"), ("chosen", "rejected"))
_ANSWERS = (("prompt", "answer"), ("prompt",))


@dataclass(frozen=True)
class Method:
    """What is known of one method; the facts are those of TRL 1.16's trainer.

    Attributes:
        name: As people and TRL call it.
        goal: What a person wants who chooses it.
        recommended_for: What data it is made for: "answers", "pairs", "labels" or "" (never by the data alone).
        teaches: How a model learns by it: a few words behind "Teach a model", and one sentence.
        optimizes: What it makes likelier, behind "it".
        learned: What "it has learned" means: on rows that it did not train on.
        layouts: The sets of columns that it can be given, the usual one first.
        special_columns: Columns that its trainer treats specially where it finds them, meant or not.
        rate: Usual learning rate for all weights of a model people use.
        tiny_rate: The same for a model of less than 50 million parameters, measured on the samples.
        usual_epochs: Passes over the data; of a tiny model in `tiny_epochs`.
        tiny_epochs: Passes over the data for a tiny model.
        beta: TRL's own value of beta; None: it has none.
        least_batch: Fewest rows of a batch.
        generates: Whether the model writes the answers it learns from, and a reward scores them.
        paired: Whether a row holds a better and a worse answer, both computed.
        second_pass: Whether each step computes the model it started from as well.
        mismatched: Whether each step computes both also for answers to other prompts (KTO's estimate of the KL).
        holds_reference: Whether TRL holds a second model by default, where all weights are trained.
        cuts_rows: Whether rows longer than `max_length` are cut; else they are left out or never cut.
        drops_long_rows: Whether rows longer than `max_length` are left out.
        reads_pictures: Whether scripts train it on pictures here.
        packs: Whether short rows can share a sequence.
        groups: Whether rows of like length can be brought together: transformers looks for a column `input_ids`.
        answers: Whether the trained model writes answers that can be compared before and after.
        task_type: PEFT's name of the model's head.
        curves: The metrics that tell how it goes, the most telling first.
    """

    name: str
    goal: str
    recommended_for: str
    teaches: tuple[str, str]
    optimizes: str
    learned: str
    layouts: tuple[tuple[str, ...], ...]
    special_columns: tuple[str, ...]
    rate: float
    tiny_rate: float
    curves: tuple[str, ...]
    usual_epochs: float = 1
    tiny_epochs: float = 1
    beta: float | None = None
    least_batch: int = 1
    generates: bool = False
    paired: bool = False
    second_pass: bool = False
    mismatched: bool = False
    holds_reference: bool = False
    cuts_rows: bool = True
    drops_long_rows: bool = False
    reads_pictures: bool = False
    packs: bool = False
    groups: bool = False
    answers: bool = True
    task_type: str = "CAUSAL_LM"

    @property
    def sees_pictures(self) -> bool:
        """Whether its trainer takes a column of pictures."""
        return not {"image", "images"}.isdisjoint(self.special_columns)

    @property
    def columns(self) -> frozenset[str]:
        """The columns of all its layouts."""
        return frozenset(name for layout in self.layouts for name in layout)


# Rates are TRL 1.16's own defaults for full training, those of reward models as in its example scripts.
_ALL = (
    Method(
        name="SFT",
        goal="instruction following",
        recommended_for="answers",
        teaches=("by example", "The model sees prompts with the answers it should give, and learns to give them."),
        optimizes="makes each example's answer more likely, token by token (cross-entropy)",
        learned="a lower loss on the answers",
        layouts=(("messages",), ("prompt", "completion"), ("text",)),
        special_columns=(
            *("input_ids", "labels", "prompt", "completion", "messages", "conversations", "text", "chosen", "rejected"),
            *_PICTURES,
            *_CHAT_ASIDE,
        ),
        rate=2e-5,
        tiny_rate=5e-4,  # from 1.5e-3 on the loss stays on a plateau
        curves=("loss", "mean_token_accuracy", "entropy"),
        usual_epochs=3,
        tiny_epochs=2,
        reads_pictures=True,
        packs=True,
        groups=True,
    ),
    Method(
        name="DPO",
        goal="preferences",
        recommended_for="pairs",
        teaches=(
            "by preference",
            "Of two answers to a prompt, the model learns to make the chosen one more likely.",
        ),
        optimizes="makes the chosen answer likelier than the rejected one, measured against the model it was (no "
        "reward model, no generating)",
        learned="the chosen answer preferred in more pairs",
        layouts=_PAIRS,
        special_columns=("prompt", "chosen", "rejected", "completion", "messages", *_PICTURES, *_CHAT_ASIDE),
        rate=1e-6,
        tiny_rate=2e-5,
        curves=("rewards/accuracies", "rewards/margins", "loss", "rewards/chosen", "rewards/rejected", "logps/chosen"),
        beta=0.1,
        paired=True,
        second_pass=True,
        holds_reference=True,
        reads_pictures=True,
    ),
    Method(
        name="GRPO",
        goal="verifiable reasoning",
        recommended_for="",
        teaches=(
            "by reward",
            "The model answers, the answers are scored, and what scored above average becomes likelier.",
        ),
        optimizes="writes several answers to each prompt and makes those likelier that score above their group's mean",
        learned="a higher reward for answers",
        layouts=_ANSWERS,
        special_columns=("prompt", *_PICTURES, "prompts", "completions"),
        rate=1e-6,
        tiny_rate=2e-5,
        curves=("reward", "frac_reward_zero_std", "completions/mean_length", "completions/clipped_ratio", "kl"),
        beta=0.0,  # so that no reference is held
        generates=True,
        cuts_rows=False,
    ),
    Method(
        name="KTO",
        goal="preferences",
        recommended_for="labels",
        teaches=(
            "by good and bad examples",
            "Answers marked good become more likely, answers marked bad less likely.",
        ),
        optimizes="makes answers marked good likelier and those marked bad less likely; no pairs are needed",
        learned="good answers told from bad ones more often",
        layouts=(("prompt", "completion", "label"), *_PAIRS),
        special_columns=("prompt", "chosen", "rejected", "completion", "label", "messages", *_PICTURES, *_CHAT_ASIDE),
        rate=1e-6,
        tiny_rate=2e-5,
        curves=("rewards/margins", "rewards/chosen", "rewards/rejected", "kl", "loss"),
        beta=0.1,
        least_batch=2,  # it estimates how far the model has moved from the mismatched pairs of a batch
        second_pass=True,
        mismatched=True,
        holds_reference=True,
    ),
    Method(
        name="Reward",
        goal="",
        recommended_for="",
        teaches=(
            "to judge",
            "The model gets a new head that scores an answer: the chosen one above the rejected one.",
        ),
        optimizes="learns a score that is higher for the chosen answer than for the rejected one (Bradley-Terry); the "
        "result judges answers and writes none",
        learned="the chosen answer scored higher in more pairs",
        layouts=_PAIRS,
        special_columns=("prompt", "chosen", "rejected", "completion", "messages", "margin", *_CHAT_ASIDE),
        rate=1e-5,
        tiny_rate=5e-5,
        curves=("accuracy", "margin", "loss", "mean_reward"),
        paired=True,
        cuts_rows=False,
        drops_long_rows=True,
        answers=False,
        task_type="SEQ_CLS",
    ),
    Method(
        name="RLOO",
        goal="verifiable reasoning",
        recommended_for="",
        teaches=(
            "by reward",
            "The model answers several times; what scored above the other answers becomes likelier.",
        ),
        optimizes="writes several answers to each prompt and makes those likelier that score above the mean of the "
        "others",
        learned="a higher reward for answers",
        layouts=_ANSWERS,
        special_columns=("prompt", *_PICTURES, "prompts", "completions"),
        rate=1e-6,
        tiny_rate=2e-5,
        curves=("reward", "frac_reward_zero_std", "completions/mean_length", "completions/clipped_ratio", "kl"),
        beta=0.05,
        generates=True,
        holds_reference=True,
        cuts_rows=False,
    ),
)
METHODS: Mapping[str, Method] = {method.name: method for method in _ALL}
"""By name, in the order in which they are shown."""

GOALS: Mapping[str, tuple[str, ...]] = {
    goal: tuple(method.name for method in _ALL if method.goal == goal)
    for goal in dict.fromkeys(method.goal for method in _ALL)
    if goal
}
"""What a person wants -> the methods for it, the usual one first."""
