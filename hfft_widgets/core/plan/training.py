"""The training plan: what will run, where, what it takes, and why."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from hfft_widgets.core.html import Markup
from hfft_widgets.core.plan.estimate import Estimate, Work, estimate_work
from hfft_widgets.core.plan.flavors import Flavor
from hfft_widgets.core.plan.model import ModelFacts
from hfft_widgets.core.plan.settings import SETTING_NAMES, DataFacts, Settings
from hfft_widgets.core.script import fingerprint
from hfft_widgets.core.units import plural
from hfft_widgets.errors import PlanError

METHODS = ("SFT", "DPO", "GRPO")
PEFT = ("none", "lora")
# Modules a script imports, with the extra that brings them.
_MODULES = {"torch": "train", "trl": "train", "accelerate": "train", "datasets": "train"}


@dataclass(frozen=True)
class Option:
    """One flavor the plan could run on.

    Attributes:
        estimate: What the training takes there.
        note: A few words: "chosen", "too small", "slower and dearer", or "".
    """

    flavor: Flavor
    estimate: Estimate
    note: str


@dataclass(frozen=True)
class TrainingPlan:
    """A training, decided but not started. Frozen: `replace` gives a new one, estimated again.

    Attributes:
        model: Hub id or folder of the model that learns.
        method: "SFT", "DPO" or "GRPO".
        peft: "lora" or "none" (all weights).
        flavor: Name of the hardware, "local" for this machine.
        settings: What a person may change.
        data: The data after mapping and fixes.
        facts: The model in numbers.
        machines: The hardware to choose from.
        goal: What the person wants, in their words or "".
        push_to: Hub repository for the result, or None.
        reasons: Why the plan is as it is, one sentence each.
        warnings: What could disappoint.
    """

    model: str
    method: str
    peft: str
    flavor: str
    settings: Settings
    data: DataFacts
    facts: ModelFacts
    machines: tuple[Flavor, ...]
    goal: str = ""
    push_to: str | None = None
    reasons: tuple[str, ...] = ()
    warnings: tuple[str, ...] = field(default=())

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise PlanError(f"Unknown method {self.method!r}.", remedy=f"Choose one of {', '.join(METHODS)}.")
        if self.peft not in PEFT:
            raise PlanError(f"Unknown peft {self.peft!r}.", remedy=f"Choose one of {', '.join(PEFT)}.")
        if self.flavor not in {machine.name for machine in self.machines}:
            names = ", ".join(machine.name for machine in self.machines)
            raise PlanError(f"Unknown flavor {self.flavor!r}.", remedy=f"Choose one of {names}.")

    @property
    def title(self) -> str:
        """The plan in one line."""
        how = "LoRA" if self.peft == "lora" else "all weights"
        return f"{self.method} of {self.facts.name} ({how})"

    @property
    def hardware(self) -> Flavor:
        """The chosen flavor with its figures."""
        return next(machine for machine in self.machines if machine.name == self.flavor)

    @property
    def work(self) -> Work:
        """What is to be computed, as the estimate needs it."""
        s = self.settings
        grpo = self.method == "GRPO"
        return Work(
            method=self.method,
            lora_r=s.lora_r if self.peft == "lora" else 0,
            batch_size=s.batch_size,
            accumulation=s.accumulation,
            tokens_per_row=min(self.data.tokens_per_row, s.max_length),
            max_length=min(self.data.longest_tokens, s.max_length),
            rows=max(1, self.data.rows - s.eval_rows),
            epochs=s.num_train_epochs,
            checkpointing=s.activation_checkpointing,
            completion_tokens=s.max_completion_length if grpo else 0,
            generations=s.num_generations if grpo else 1,
            max_steps=s.max_steps,
        )

    @cached_property
    def estimate(self) -> Estimate:
        """Memory, time and price on the chosen flavor."""
        return estimate_work(self.facts, self.work, self.hardware)

    @cached_property
    def options(self) -> tuple[Option, ...]:
        """Every flavor with what the training takes there, the cheapest first."""
        listed = [(machine, estimate_work(self.facts, self.work, machine)) for machine in self.machines]
        listed.sort(key=lambda pair: (not pair[1].fits, pair[1].usd.mid, pair[1].seconds.mid))
        return tuple(Option(machine, estimate, self._note(machine, estimate, listed)) for machine, estimate in listed)

    def _note(self, machine: Flavor, estimate: Estimate, listed: list[tuple[Flavor, Estimate]]) -> str:
        if machine.name == self.flavor:
            return "chosen"
        if not estimate.fits:
            return "memory too small"
        better = [
            other
            for _, other in listed
            if other.fits and other.usd.mid <= estimate.usd.mid and other.seconds.mid < estimate.seconds.mid
        ]
        return "slower and not cheaper" if better else ""

    @cached_property
    def script(self) -> str:
        """The complete TRL script."""
        from hfft_widgets.core.plan.lesson import training_script

        return training_script(self)

    @cached_property
    def fingerprint(self) -> str:
        """What makes two plans the same run: script, flavor and destination."""
        return fingerprint(self.script, self.flavor, self.push_to)

    @property
    def modules(self) -> dict[str, str]:
        """Modules the script imports, with the extra that brings each."""
        return {**_MODULES, **({"peft": "train"} if self.peft == "lora" else {})}

    @property
    def disk_bytes(self) -> int:
        """Free disk a run needs: two checkpoints (weights and, for full training, two moments) and the result."""
        trained = self.facts.lora_parameters(self.settings.lora_r) if self.peft == "lora" else self.facts.parameters
        return int(trained * 4 * (3 * 2 + 1) + 50e6)

    def replace(self, **changes: Any) -> TrainingPlan:
        """A new plan with other values: of this class, or of a setting by its name.

        Raises:
            PlanError: An unknown name, or a value that is not allowed.
        """
        own = {f.name for f in dataclasses.fields(self)} - {"settings", "data", "facts", "machines", "model"}
        unknown = set(changes) - own - SETTING_NAMES
        if unknown:
            names = ", ".join(sorted(own | SETTING_NAMES))
            raise PlanError(f"A plan has no {', '.join(sorted(unknown))}.", remedy=f"It has: {names}.")
        settings = dataclasses.replace(self.settings, **{k: v for k, v in changes.items() if k in SETTING_NAMES})
        return dataclasses.replace(self, settings=settings, **{k: v for k, v in changes.items() if k in own})

    def to_dict(self) -> dict[str, Any]:
        """JSON values: what a run found later needs to show what it was. The script itself is not in it."""
        return {
            "kind": "training",
            "title": self.title,
            "model": self.model,
            "method": self.method,
            "peft": self.peft,
            "flavor": self.flavor,
            "goal": self.goal,
            "push_to": self.push_to,
            "settings": dataclasses.asdict(self.settings),
            "data": self.data.to_dict(),
            "parameters": self.facts.parameters,
            "estimate": self.estimate.to_dict(),
            "reasons": list(self.reasons),
            "warnings": list(self.warnings),
        }

    def __str__(self) -> str:
        from hfft_widgets.core.plan.views import plan_text

        return plan_text(self)

    def __repr__(self) -> str:
        steps = plural(self.estimate.steps, "step")
        return f"<TrainingPlan {self.title} on {self.flavor}: {self.data.name}, {steps}, {self.fingerprint}>"

    def to_markdown(self) -> str:
        """The plan as Markdown."""
        from hfft_widgets.core.plan.views import plan_markdown

        return plan_markdown(self)

    def _repr_html_(self) -> Markup:
        from hfft_widgets.core.plan.views import plan_html

        return plan_html(self)
