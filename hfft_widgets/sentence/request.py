"""What a sentence asks for, filled in as far as it was understood."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from hfft_widgets.core.plan.settings import SETTINGS
from hfft_widgets.core.units import duration_text, usd_text

STEPS = {"validate": "check a dataset", "plan": "plan a training", "export": "export a model to GGUF"}
"""What can be asked for -> in words."""

EXAMPLES = (
    "Fine-tune Qwen3-0.6B on the open-r1/codeforces-cots dataset for instruction following.",
    "Check if my-org/conversation-data works for SFT training.",
    "Convert my fine-tuned model to GGUF with Q4_K_M quantization. Push to username/my-model-gguf.",
    "Train sample:model on sample:messages on this machine, 2 epochs.",
)
"""Sentences that are understood in full."""

_PEFT = {"lora": "LoRA adapters", "qlora": "LoRA adapters on 4-bit weights", "none": "all weights"}
_WHERE = {"local": "this machine", "jobs": "Hugging Face Jobs"}
_LABELS = {
    "dataset": "Dataset",
    "config": "Configuration",
    "split": "Split",
    "rows": "Only so many rows",
    "share": "Only a share of the rows",
    "model": "Model",
    "trained": "Model",
    "method": "Method",
    "goal": "Goal",
    "peft": "What is trained",
    "where": "Where",
    "flavor": "Machine",
    "max_usd": "Costs at most",
    "seconds": "Takes at most",
    "push_to": "Model goes to",
    "quantization": "Quantization",
    "push_gguf_to": "GGUF goes to",
    "settings": "Settings",
}
_DATA = frozenset({"dataset", "config", "split", "rows", "share", "model", "method", "goal"})
_PLACE = frozenset({"where", "flavor", "max_usd", "seconds"})
FIELDS_OF: Mapping[str, frozenset[str]] = {
    "validate": _DATA,
    "plan": _DATA | _PLACE | {"peft", "push_to", "settings"},
    "export": _PLACE | {"model", "trained", "quantization", "push_gguf_to"},
}
"""Step -> the fields that say something of it."""

_ASKS = {"dataset": "Which dataset?", "model": "Which model?"}


@dataclass(frozen=True)
class Assumption:
    """A field that was filled in by a rule, not by the person.

    Attributes:
        field: Its name.
        why: The rule.
        candidates: What it could be, what was taken first; none where nothing is to choose.
    """

    field: str
    why: str
    candidates: tuple[str, ...] = ()


@dataclass(frozen=True)
class NotUnderstood:
    """A part of the sentence that fills in nothing.

    Attributes:
        text: As it was written.
        why: What stands in its way, or "".
    """

    text: str
    why: str = ""

    def __str__(self) -> str:
        return f"“{self.text}”" + (f" ({self.why})" if self.why else "")


@dataclass(frozen=True)
class Request:
    """A sentence, read: plain values to fill in, for a person to confirm. Nothing of it starts anything.

    Attributes:
        text: The sentence.
        asked: "validate", "plan", "export", in the order of the work; none: nothing was asked for.
        dataset: Hub id, file, folder or sample.
        config: Configuration of the dataset.
        split: Split of the dataset.
        rows: So many rows of it only.
        share: A share of its rows only, above 0 and up to 1.
        model: Hub id, folder or sample of the model that learns, or that is exported.
        trained: Whether what is exported is the model that was trained here.
        method: One of `METHODS`.
        goal: One of `GOALS`.
        peft: "lora", "qlora" or "none".
        where: "local" or "jobs".
        flavor: Flavor of Hugging Face Jobs.
        max_usd: The most it may cost, in dollars.
        seconds: The longest it may take.
        push_to: Hub repository for the trained model.
        quantization: Names in `QUANTIZATIONS`.
        push_gguf_to: Hub repository for the file.
        settings: Values of `Settings`, by name.
        assumed: What was filled in by a rule.
        not_understood: What fills in nothing.
    """

    text: str
    asked: tuple[str, ...] = ()
    dataset: str | None = None
    config: str | None = None
    split: str | None = None
    rows: int | None = None
    share: float | None = None
    model: str | None = None
    trained: bool = False
    method: str | None = None
    goal: str | None = None
    peft: str | None = None
    where: str | None = None
    flavor: str | None = None
    max_usd: float | None = None
    seconds: int | None = None
    push_to: str | None = None
    quantization: tuple[str, ...] = ()
    push_gguf_to: str | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    assumed: tuple[Assumption, ...] = ()
    not_understood: tuple[NotUnderstood, ...] = ()

    @property
    def missing(self) -> tuple[str, ...]:
        """What is needed and not named, as questions."""
        needed = []
        if {"validate", "plan"} & set(self.asked) and self.dataset is None:
            needed.append("dataset")
        wants_model = "plan" in self.asked or ("export" in self.asked and not self.trained)
        if wants_model and self.model is None:
            needed.append("model")
        return tuple(_ASKS[name] for name in needed)

    @property
    def filled(self) -> dict[str, Any]:
        """The fields that say something."""
        return {name: value for name in _LABELS if (value := getattr(self, name)) not in (None, False, (), {})}

    @property
    def words(self) -> list[tuple[str, str]]:
        """What was understood: (what it is, its value), as a person reads it."""
        return [(_LABELS[name], in_words(name, value)) for name, value in self.filled.items()]

    def to_dict(self) -> dict[str, Any]:
        """JSON values."""
        made = {one.name: getattr(self, one.name) for one in fields(self)}
        made |= {name: list(made[name]) for name in ("asked", "quantization")}
        made["settings"] = dict(self.settings)
        made["assumed"] = [{"field": a.field, "why": a.why, "candidates": list(a.candidates)} for a in self.assumed]
        made["not_understood"] = [{"text": one.text, "why": one.why} for one in self.not_understood]
        return made

    def __str__(self) -> str:
        asked = ", then ".join(STEPS[step] for step in self.asked)
        lines = [f"To do: {asked}" if asked else "Nothing is asked for."]
        lines += [f"{label}: {value}" for label, value in self.words]
        lines += [f"Assumed: {one.why}." for one in self.assumed]
        lines += list(self.missing)
        if self.not_understood:
            lines.append(f"Not understood: {'; '.join(map(str, self.not_understood))}.")
        if not self.asked:
            lines += ["For example:", *(f"  {example}" for example in EXAMPLES)]
        return "\n".join(lines)


def in_words(name: str, value: Any) -> str:
    """A field's value as a person reads it."""
    words = _WORDS.get(name)
    return words(value) if words else str(value)


def _setting(value: Any) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    return f"{value:g}" if isinstance(value, float) else str(value)


_WORDS: Mapping[str, Callable[[Any], str]] = {
    "rows": lambda rows: f"{rows:,}",
    "share": lambda share: f"{share:.3g} of them",
    "trained": lambda _: "the one that was trained here",
    "peft": lambda peft: _PEFT[peft],
    "where": lambda where: _WHERE[where],
    "max_usd": usd_text,
    "seconds": duration_text,
    "quantization": ", ".join,
    "settings": lambda values: ", ".join(f"{SETTINGS[one].label.lower()} {_setting(values[one])}" for one in values),
}
