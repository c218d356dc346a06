"""Every setting of a plan as a control."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import ipywidgets as W  # noqa: N812

from hfft_widgets.core.html import el
from hfft_widgets.core.plan.settings import REWARDS, SCHEDULES, Settings
from hfft_widgets.widgets.panel import folded

if TYPE_CHECKING:
    from hfft_widgets.core.plan.training import TrainingPlan

ONLINE = ("GRPO", "RLOO")
# group -> setting -> (label, what it does, the methods that know it; none: all)
EDITABLE: dict[str, dict[str, tuple[str, str, tuple[str, ...]]]] = {
    "Length and steps": {
        "num_train_epochs": ("Epochs", "Passes over the data", ()),
        "max_steps": ("Max steps", "Ends earlier; -1 does not", ()),
        "learning_rate": ("Learning rate", "Size of the steps; too large diverges, too small learns nothing", ()),
        "lr_scheduler_type": ("Schedule", "How the learning rate falls", ()),
        "warmup": ("Warm-up", "Share of the steps in which the learning rate rises", ()),
        "weight_decay": ("Weight decay", "Pull of the weights towards zero", ()),
        "seed": ("Seed", "Order of the data and initial adapters", ()),
    },
    "Memory": {
        "batch_size": ("Batch size", "Rows per card and micro step: memory grows with it", ()),
        "accumulation": ("Accumulation", "Micro steps per optimizer step", ()),
        "max_length": ("Max length", "Tokens; longer rows are cut", ("SFT", "DPO", "KTO", "Reward")),
        "activation_checkpointing": ("Recompute", "Recompute activations: slower, far less memory", ()),
        "packing": ("Packing", "Several short rows in one sequence, where the GPU has flash attention", ("SFT",)),
    },
    "What is learned": {
        "lora_r": ("LoRA rank", "Size of the adapters", ()),
        "lora_alpha": ("LoRA alpha", "Scale of the adapters is alpha / rank", ()),
        "assistant_only_loss": ("Answers only", "Learn the assistant's turns alone", ("SFT",)),
        "answers_only": ("Last answer", "Learn the last answer of each conversation alone", ("SFT",)),
        "beta": ("Beta", "Closeness to the model it was; empty: TRL's default", ("DPO", "KTO", *ONLINE)),
        "rewards": ("Rewards", "What answers are scored by; none: what suits the columns", ONLINE),
        "num_generations": ("Answers", "Per prompt, compared with each other", ONLINE),
        "num_iterations": ("Iterations", "Passes over each batch of answers", ONLINE),
        "temperature": ("Temperature", "Of the answers: they must differ", ONLINE),
        "max_completion_length": ("Answer length", "Longest answer in tokens", ONLINE),
    },
    "Watching and keeping": {
        "eval_rows": ("Held out", "Rows not trained on, to see whether it learned", ()),
        "questions": ("Questions", "Held-out questions asked before and after", ("SFT", "DPO", "KTO", *ONLINE)),
        "logging_steps": ("Log every", "Steps between two points of a curve", ()),
        "eval_steps": ("Check every", "Steps between two evaluations", ()),
        "save_steps": ("Save every", "Steps between two checkpoints", ()),
        "private": ("Private", "Whether a new repository on the Hub is private", ()),
        "trackio": ("Trackio", "The curves go to Trackio too", ()),
    },
}
_ADAPTERS = ("lora_r", "lora_alpha")
_STYLE = {"description_width": "95px"}


class SettingsPart:
    """The controls, in groups.

    Args:
        edited: Called with a setting's name and its new value.
    """

    def __init__(self, edited: Callable[[str, Any], None]) -> None:
        usual = Settings()
        self._edited = edited
        self._filling = False
        self.editors: dict[str, Any] = {}
        groups = []
        for title, names in EDITABLE.items():
            for name, (label, why, _) in names.items():
                self.editors[name] = self._editor(name, getattr(usual, name), label, why)
            head = W.HTML(el("div", el("div", title, class_="sub"), class_="hfft part"))
            grid = W.HBox([self.editors[name] for name in names], layout=W.Layout(flex_flow="row wrap"))
            groups += [head, grid]
        self.fold = folded("Change settings", W.VBox(groups, layout=W.Layout(max_width="860px")))

    def _editor(self, name: str, usual: Any, label: str, why: str) -> Any:
        editor = _control(name, usual)
        editor.description, editor.tooltip = label, why
        editor.style, editor.layout.width = _STYLE, "205px"
        editor.observe(lambda change: None if self._filling else self._edited(name, _read(name, change.new)), "value")
        return editor

    def show(self, plan: TrainingPlan) -> None:
        """Fill the controls, and hide those that say nothing in this plan."""
        self._filling = True
        try:
            self._fill(plan)
        finally:
            self._filling = False

    def _fill(self, plan: TrainingPlan) -> None:
        for names in EDITABLE.values():
            for name, (_, _, methods) in names.items():
                value = getattr(plan.settings, name)
                editor = self.editors[name]
                editor.value = ("" if value is None else str(value)) if name == "beta" else value
                hidden = (methods and plan.method not in methods) or (name in _ADAPTERS and plan.peft != "lora")
                editor.layout.display = "none" if hidden else ""


def _control(name: str, usual: Any) -> Any:
    """The control for a value of this kind; bounds are left to the plan, which says why."""
    if name == "rewards":
        return W.SelectMultiple(options=list(REWARDS), rows=4)
    if name == "lr_scheduler_type":
        return W.Dropdown(options=SCHEDULES)
    if name == "beta":
        return W.Text(continuous_update=False)
    if isinstance(usual, bool):
        return W.Checkbox(indent=True)
    if isinstance(usual, int):
        return W.IntText(continuous_update=False)
    # any kind of number: learning rates are far below a fixed number of digits
    return W.FloatText(continuous_update=False)


def _read(name: str, value: Any) -> Any:
    """A control's value as the plan wants it; what is no number stays as typed, for the plan to refuse."""
    if name != "beta":
        return value
    try:
        return float(value) if value.strip() else None
    except ValueError:
        return value
