"""The settings of a training, with what is known of each: controls, checks, arguments and documents derive from it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, fields, replace
from types import MappingProxyType
from typing import Any, Literal, TypedDict

from hfft_widgets.core.method import METHODS, Method
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


def usual_rewards(columns: Iterable[str]) -> tuple[str, ...]:
    """The rewards for a dataset with these columns; none: nothing in it can judge an answer."""
    present = set(columns)
    if "answer" in present:
        return ("correct", "close")
    return ("passes_tests",) if "tests" in present else ()


Kind = Literal["whole number", "number", "switch", "choice", "names"]
Moved = Literal["memory", "time"]


@dataclass(frozen=True)
class Setting:
    """What is known of one setting beside its value.

    Attributes:
        label: Its name on a control.
        help: What it does, in one line.
        group: The heading it stands under.
        kind: What its values are.
        trl: What TRL's config classes call it; None: the same, until it stands in `SETTINGS`; "": they have no such
            argument.
        least: The lowest value of a number.
        most: The highest; beyond it nothing is learned, or nothing holds it.
        never: A value in between that means nothing.
        above: Whether a value must be above that.
        optional: Whether it may be None, which leaves it to TRL.
        choices: The values, or names, that can be chosen.
        moves: What of the estimate it changes.
        adapters: Whether it is of adapters alone.
        known_by: Whether a method knows it.
    """

    label: str
    help: str
    group: str
    kind: Kind
    trl: str | None = None
    least: float = 0
    above: bool = False
    most: float = 2**31 - 1
    never: float | None = None
    optional: bool = False
    choices: tuple[str, ...] = ()
    moves: tuple[Moved, ...] = ()
    adapters: bool = False
    known_by: Callable[[Method], bool] = lambda _: True

    @property
    def methods(self) -> tuple[str, ...]:
        """Names of the methods that know it."""
        return tuple(name for name, method in METHODS.items() if self.known_by(method))

    @property
    def allowed(self) -> str:
        """What a value must be, in words."""
        more, most = "above" if self.above else "from", f"{self.most:,g}" if self.most < 2**31 - 1 else ""
        whole = f"from {self.least:,} to {most}" if most else f"of at least {self.least:,}"
        never = f", and not {self.never:g}" if self.never is not None else ""
        return {
            "whole number": f"It must be a whole number {whole}{never}.",
            "number": f"It must be a number {more} {self.least:g}{f' to {most}' if most else ''}.",
            "switch": "It must be True or False.",
            "choice": f"Choose one of {', '.join(self.choices)}.",
            "names": f"Choose a list of names among {', '.join(self.choices)}, each once; your own go into the script.",
        }[self.kind]

    def allows(self, value: object) -> bool:
        """Whether it can have this value."""
        if value is None:
            return self.optional
        if self.kind == "choice":
            return value in self.choices
        if self.kind == "names":
            return isinstance(value, (list, tuple)) and _each_once(value, self.choices)
        if self.kind == "switch" or isinstance(value, bool):
            return self.kind == "switch" and isinstance(value, bool)
        kinds = (int,) if self.kind == "whole number" else (int, float)
        within = isinstance(value, kinds) and self.least <= value <= self.most
        return within and value != self.never and not (self.above and value == self.least)


def _each_once(names: list[Any] | tuple[Any, ...], allowed: tuple[str, ...]) -> bool:
    return all(name in allowed for name in names) and len(set(names)) == len(names)


_STEPS, _MEMORY, _LEARNED, _WATCHED = "Length and steps", "Memory", "What is learned", "Watching and keeping"


def _of(default: Any, group: str, kind: Kind, label: str, help: str, **known: Any) -> Any:  # noqa: A002
    """A field with what is known of it."""
    return field(default=default, metadata={"setting": Setting(label, help, group, kind, **known)})


def _count(default: int, group: str, label: str, help: str, least: int = 1, **known: Any) -> Any:  # noqa: A002
    return _of(default, group, "whole number", label, help, least=least, **known)


def _number(default: float | None, group: str, label: str, help: str, **known: Any) -> Any:  # noqa: A002
    return _of(default, group, "number", label, help, **known)


def _switch(default: bool, group: str, label: str, help: str, **known: Any) -> Any:  # noqa: A002
    return _of(default, group, "switch", label, help, **known)


_BOTH: dict[str, Any] = {"moves": ("memory", "time")}
_TIME: dict[str, Any] = {"moves": ("time",)}
_GENERATES: dict[str, Any] = {"known_by": lambda method: method.generates}
_CHATS: dict[str, Any] = {"known_by": lambda method: "messages" in method.columns}


@dataclass(frozen=True)
class Settings:
    """What a person may change; the names are TRL's where TRL has one.

    Raises:
        PlanError: A value of the wrong kind or out of its range. Values end up in a script, so each is checked.
    """

    learning_rate: float = _number(
        2e-5,
        _STEPS,
        "Learning rate",
        "Size of the steps; too large diverges, too small learns nothing",
        above=True,
        most=1,
    )
    num_train_epochs: float = _number(3, _STEPS, "Epochs", "Passes over the data", above=True, most=1000, **_TIME)
    rows: int | None = _of(
        None, _STEPS, "whole number", "Rows", "Only the first so many rows; empty: all of them",
        least=2, optional=True, trl="", **_TIME,
    )  # fmt: skip
    max_steps: int = _count(-1, _STEPS, "Max steps", "Ends the training earlier; -1: it does not", -1, never=0, **_TIME)
    batch_size: int = _count(
        8, _MEMORY, "Batch size", "Rows per card and micro step: memory grows with it", most=2**24,
        trl="per_device_train_batch_size", **_BOTH,
    )  # fmt: skip
    accumulation: int = _count(
        1,
        _MEMORY,
        "Accumulation",
        "Micro steps per optimizer step",
        most=2**24,
        trl="gradient_accumulation_steps",
        **_BOTH,
    )
    max_length: int = _count(
        1024, _MEMORY, "Max length", "Tokens; longer rows are cut", 16, most=2**24, **_BOTH,
        known_by=lambda method: method.cuts_rows or method.drops_long_rows,
    )  # fmt: skip
    packing: bool = _switch(
        False, _MEMORY, "Packing", "Several short rows in one sequence, where the GPU has flash attention",
        known_by=lambda method: method.packs, **_BOTH,
    )  # fmt: skip
    group_by_length: bool = _switch(
        False, _MEMORY, "Group by length", "Rows of like length come together: less padding",
        trl="train_sampling_strategy", known_by=lambda method: method.groups, **_TIME,
    )  # fmt: skip
    warmup: float = _number(
        0.05, _STEPS, "Warm-up", "Share of the steps in which the learning rate rises", most=0.9, trl="warmup_steps"
    )
    lr_scheduler_type: str = _of(
        "cosine", _STEPS, "choice", "Schedule", "How the learning rate falls", choices=SCHEDULES
    )
    weight_decay: float = _number(0.0, _STEPS, "Weight decay", "Pull of the weights towards zero", most=1)
    lora_r: int = _count(16, _LEARNED, "LoRA rank", "Size of the adapters", most=1024, adapters=True, trl="", **_BOTH)
    lora_alpha: int = _count(
        32, _LEARNED, "LoRA alpha", "Scale of the adapters is alpha / rank", most=4096, adapters=True, trl=""
    )
    assistant_only_loss: bool = _switch(False, _LEARNED, "Answers only", "Learn the assistant's turns alone", **_CHATS)
    answers_only: bool = _switch(
        False, _LEARNED, "Last answer", "Learn the last answer of each conversation alone", trl="", **_CHATS
    )
    beta: float | None = _number(
        None, _LEARNED, "Beta", "Closeness to the model it was; empty: TRL's default", optional=True, most=100,
        known_by=lambda method: method.beta is not None,
    )  # fmt: skip
    rewards: tuple[str, ...] = _of(
        (), _LEARNED, "names", "Rewards", "What answers are scored by; none: what suits the columns",
        choices=tuple(REWARDS), trl="", **_GENERATES,
    )  # fmt: skip
    num_generations: int = _count(
        8, _LEARNED, "Answers", "Per prompt, compared with each other", 2, most=256, **_BOTH, **_GENERATES
    )
    num_iterations: int = _count(
        1, _LEARNED, "Iterations", "Passes over each batch of answers", most=100, **_TIME, **_GENERATES
    )
    temperature: float = _number(
        1.0, _LEARNED, "Temperature", "Of the answers: they must differ", above=True, most=10, **_GENERATES
    )
    max_completion_length: int = _count(
        512, _LEARNED, "Answer length", "Longest answer in tokens", most=2**20, **_BOTH, **_GENERATES
    )
    thinking: bool = _switch(
        False, _LEARNED, "Thinking", "Thoughts before each answer, of models that can: many tokens more",
        trl="chat_template_kwargs", **_GENERATES,
    )  # fmt: skip
    activation_checkpointing: bool = _switch(
        True, _MEMORY, "Recompute", "Recompute activations: slower, far less memory", **_BOTH
    )
    eval_rows: int = _count(
        100, _WATCHED, "Held out", "Rows not trained on, to see whether it learned", trl="", **_TIME
    )
    questions: int = _count(
        16, _WATCHED, "Questions", "Held-out questions asked before and after", 0, trl="", **_TIME,
        known_by=lambda method: method.answers,
    )  # fmt: skip
    logging_steps: int = _count(10, _WATCHED, "Log every", "Steps between two points of a curve")
    eval_steps: int = _count(100, _WATCHED, "Check every", "Steps between two evaluations", **_TIME)
    save_steps: int = _count(100, _WATCHED, "Save every", "Steps between two checkpoints")
    private: bool = _switch(
        True, _WATCHED, "Private", "Whether a new repository on the Hub is private", trl="hub_private_repo"
    )
    trackio: bool = _switch(False, _WATCHED, "Trackio", "The curves go to Trackio too", trl="")
    seed: int = _count(42, _STEPS, "Seed", "Order of the data and initial adapters", 0)

    def __post_init__(self) -> None:
        for name, setting in SETTINGS.items():
            value = getattr(self, name)
            if not setting.allows(value):
                raise PlanError(f"{name} is {value!r}.", remedy=setting.allowed)
        object.__setattr__(self, "rewards", tuple(self.rewards))

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
    assistant_only_loss: bool
    answers_only: bool
    beta: float | None
    rewards: tuple[str, ...]
    num_generations: int
    num_iterations: int
    temperature: float
    max_completion_length: int
    thinking: bool
    activation_checkpointing: bool
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
