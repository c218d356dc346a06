"""The training plan: what will run, where, what it takes, and why."""

from __future__ import annotations

import dataclasses
import re
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from hfft_widgets.core.data.values import METHODS
from hfft_widgets.core.html import Markup
from hfft_widgets.core.plan.batching import LEAST_BATCH, batched, cards, generation_problem
from hfft_widgets.core.plan.estimate import Estimate, dominated, estimate_work
from hfft_widgets.core.plan.flavors import Flavor
from hfft_widgets.core.plan.model import ModelFacts
from hfft_widgets.core.plan.rates import INTERVALS, usual_rate, with_intervals, within
from hfft_widgets.core.plan.reason import Reason
from hfft_widgets.core.plan.settings import SETTING_NAMES, DataFacts, Settings
from hfft_widgets.core.plan.work import GENERATING, Work
from hfft_widgets.core.script import fingerprint
from hfft_widgets.core.units import plural
from hfft_widgets.errors import PlanError

if TYPE_CHECKING:
    from hfft_widgets.core.plan.advice import Advice

__all__ = ["METHODS", "PEFT", "Option", "TrainingPlan"]

PEFT = ("none", "lora")
# what `replace` takes beside the settings
_OWN = ("method", "peft", "flavor", "goal", "push_to", "max_usd", "image")
# a reference to a container image: registry, path, tag or digest
_IMAGE = re.compile(r"[\w./:@-]*", re.ASCII)
# Modules a script imports, with the extra that brings them.
_MODULES = {"torch": "train", "trl": "train", "accelerate": "train", "datasets": "train"}


@dataclass(frozen=True)
class Option:
    """One flavor the plan could run on.

    Attributes:
        plan: The plan as it would be there: the batch fits the card, the effective batch is the same.
        note: A few words: "chosen", "memory too small", "beaten by another" (see `dominated`), or "".
    """

    plan: TrainingPlan = field(repr=False)
    note: str

    @property
    def flavor(self) -> Flavor:
        """The machine."""
        return self.plan.hardware

    @property
    def estimate(self) -> Estimate:
        """What the training takes there."""
        return self.plan.estimate


@dataclass(frozen=True)
class TrainingPlan:
    """A training, decided but not started. Frozen: `replace` gives a new one, estimated again.

    Attributes:
        model: Hub id or folder of the model that learns.
        method: "SFT", "DPO", "GRPO", "KTO", "Reward" or "RLOO".
        peft: "lora" or "none" (all weights).
        flavor: Name of the hardware, "local" for this machine.
        settings: What a person may change.
        data: The data after mapping and fixes.
        facts: The model in numbers.
        machines: The hardware to choose from.
        goal: What the person wants, in their words or "".
        push_to: Hub repository for the result, or None.
        reasons: Why the plan is as it is.
        max_usd: The most a person wants to spend, or None; a plan that may cost more says so.
        edited: The script as a person changed it, or None.
        image: The container it runs in, "" on this machine or where the place chooses.
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
    reasons: tuple[Reason, ...] = ()
    max_usd: float | None = None
    edited: str | None = field(default=None, repr=False)
    image: str = ""

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise PlanError(f"Unknown method {self.method!r}.", remedy=f"Choose one of {', '.join(METHODS)}.")
        if self.peft not in PEFT:
            raise PlanError(f"Unknown peft {self.peft!r}.", remedy=f"Choose one of {', '.join(PEFT)}.")
        self.machine(self.flavor)
        limit = self.max_usd
        if limit is not None and (isinstance(limit, bool) or not isinstance(limit, (int, float)) or not limit > 0):
            raise PlanError(f"max_usd is {limit!r}.", remedy="It must be a number of dollars above 0, or None.")
        if self.settings.eval_rows >= self.data.rows:
            raise PlanError(
                f"eval_rows is {self.settings.eval_rows:,}, and {self.data.name} has {plural(self.data.rows, 'row')}: "
                "none would be left to train on.",
                remedy=f"Hold out fewer: at most {self.data.rows - 1:,}.",
            )
        image: object = self.image
        if not isinstance(image, str) or not _IMAGE.fullmatch(image):
            raise PlanError(
                f"The image is {image!r}.", remedy='It must be a container\'s name such as "python:3.12", or "".'
            )
        if remedy := generation_problem(self):
            s, devices = self.settings, plural(cards(self.hardware), "card")
            raise PlanError(
                f"A step of {self.method} holds {self.effective_batch_size} answers, which is no multiple of the "
                f"{s.num_generations} that are compared with each other.",
                why=f"batch_size {s.batch_size} x accumulation {s.accumulation} x {devices} must hold all answers to a "
                "prompt.",
                remedy=remedy,
            )

    @property
    def title(self) -> str:
        """The plan in one line."""
        how = "LoRA" if self.peft == "lora" else "all weights"
        return f"{self.method} of {self.facts.name} ({how})"

    def machine(self, name: str) -> Flavor:
        """The hardware of this name.

        Raises:
            PlanError: There is none.
        """
        found = next((machine for machine in self.machines if machine.name == name), None)
        if found is None:
            names = ", ".join(machine.name for machine in self.machines)
            raise PlanError(f"Unknown flavor {name!r}.", remedy=f"Choose one of {names}.")
        return found

    @property
    def hardware(self) -> Flavor:
        """The chosen flavor with its figures."""
        return self.machine(self.flavor)

    @property
    def effective_batch_size(self) -> int:
        """Rows (GRPO, RLOO: answers) behind one optimizer step, on all cards together."""
        return self.settings.effective_batch_size * cards(self.hardware)

    @property
    def rows_seen(self) -> int:
        """Rows that the training looks at, each as often as it does."""
        answers = self.settings.num_generations if self.method in GENERATING else 1
        return self.estimate.steps * self.effective_batch_size // answers

    @property
    def work(self) -> Work:
        """What is to be computed, as the estimate needs it."""
        s = self.settings
        generates = self.method in GENERATING
        # prompts of GRPO and RLOO are never cut, nor rows with pictures
        limit = s.max_length if not (generates or self.data.pictures) else self.facts.context_length
        return Work(
            method=self.method,
            lora_r=s.lora_r if self.peft == "lora" else 0,
            batch_size=max(s.batch_size, LEAST_BATCH.get(self.method, 1)),
            accumulation=s.accumulation,
            tokens_per_row=min(self.data.tokens_per_row, limit),
            max_length=min(self.data.longest_tokens, limit),
            rows=max(1, self.data.rows - s.eval_rows),
            epochs=s.num_train_epochs,
            checkpointing=s.activation_checkpointing,
            completion_tokens=s.max_completion_length if generates else 0,
            generations=s.num_generations if generates else 1,
            iterations=s.num_iterations if generates else 1,
            max_steps=s.max_steps,
        )

    @cached_property
    def estimate(self) -> Estimate:
        """Memory, time and price on the chosen flavor."""
        return estimate_work(self.facts, self.work, self.hardware)

    @property
    def timeout_seconds(self) -> int | None:
        """After so long a paid run is stopped; None on this machine, which costs nothing."""
        return self.estimate.timeout_seconds if self.hardware.usd_per_hour else None

    @cached_property
    def options(self) -> tuple[Option, ...]:
        """Every flavor with what the training takes there, the cheapest first."""
        here = [self if m.name == self.flavor else self._on(m.name) for m in self.machines]
        here.sort(key=lambda plan: (not plan.estimate.fits, plan.estimate.usd.mid, plan.estimate.seconds.mid))
        beaten = dominated(plan.estimate for plan in here)
        return tuple(Option(plan, self._note(plan, beaten)) for plan in here)

    def _on(self, flavor: str) -> TrainingPlan:
        return batched(self, self.effective_batch_size, flavor)

    def _note(self, plan: TrainingPlan, beaten: set[str]) -> str:
        if plan.flavor == self.flavor:
            return "chosen"
        if not plan.estimate.fits:
            return "memory too small"
        return "beaten by another" if plan.flavor in beaten else ""

    @cached_property
    def advice(self) -> tuple[Advice, ...]:
        """Changes worth making: to fit the memory, or to cost less."""
        from hfft_widgets.core.plan.advice import advice_for

        return tuple(advice_for(self))

    @property
    def lighter(self) -> Advice | None:
        """The least change that takes less memory, for a run that had too little of it; None: nothing is left."""
        from hfft_widgets.core.plan.advice import lighter_than

        return lighter_than(self)

    @cached_property
    def warnings(self) -> tuple[str, ...]:
        """What could disappoint."""
        from hfft_widgets.core.plan.caveats import warnings_of

        return tuple(warnings_of(self))

    @cached_property
    def script(self) -> str:
        """The complete TRL script: as a person edited it, else as the plan makes it."""
        return self.edited or self.made_script

    @cached_property
    def made_script(self) -> str:
        """The script that the plan makes, whatever was edited."""
        from hfft_widgets.core.plan.lesson import training_script

        return training_script(dataclasses.replace(self, edited=None))

    @cached_property
    def fingerprint(self) -> str:
        """What makes two plans the same run: script, flavor, time limit, image and destination."""
        runs = self.edited or _without_plan(self.script)
        return fingerprint(runs, self.flavor, self.timeout_seconds, self.image, self.push_to)

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

        What depends on them follows where it was not said: the batch on another flavor (the effective batch stays),
        the learning rate of another method or of adapters, the intervals of another length.

        Raises:
            PlanError: An unknown name, a value that is not allowed, or one that an edited script would not follow.
        """
        unknown = set(changes) - set(_OWN) - SETTING_NAMES
        if unknown:
            names = ", ".join(sorted({*_OWN, *SETTING_NAMES}))
            raise PlanError(f"A plan has no {', '.join(sorted(unknown))}.", remedy=f"It has: {names}.")
        new = {name: value for name, value in changes.items() if value != _value(self, name)}
        plan = self.with_values(**self._following(new), **new)
        if not {"flavor", "num_train_epochs", "max_steps"}.isdisjoint(new):
            own = {n for n in INTERVALS if _value(self, n) != _value(with_intervals(self), n)}
            plan = with_intervals(plan, own | set(new))
        said = [Reason(f"{name} {_shown(value)}: you chose it.", (name,)) for name, value in new.items()]
        changed = {name for name in (*_OWN, *SETTING_NAMES) if _value(plan, name) != _value(self, name)}
        kept = [left for reason in self.reasons if (left := reason.after(changed)) is not None]
        plan = dataclasses.replace(plan, reasons=(*kept, *said))
        self._check_edit(plan)
        return plan

    def _following(self, new: dict[str, Any]) -> dict[str, Any]:
        """What follows from changed values, and was not given itself."""
        follows: dict[str, Any] = {}
        if "flavor" in new and {"batch_size", "accumulation"}.isdisjoint(new):
            self.machine(new["flavor"])
            on = self._on(new["flavor"]).settings
            follows |= {"batch_size": on.batch_size, "accumulation": on.accumulation}
        method, peft = new.get("method", self.method), new.get("peft", self.peft)
        usual = usual_rate(self.method, self.peft, self.facts.parameters)
        if self.settings.learning_rate == usual and "learning_rate" not in new and method in METHODS and peft in PEFT:
            follows["learning_rate"] = usual_rate(method, peft, self.facts.parameters)
        return follows

    def _check_edit(self, plan: TrainingPlan) -> None:
        if self.edited and _without_plan(plan.made_script) != _without_plan(self.made_script):
            raise PlanError(
                "The script was edited by hand, and this setting would not reach it.",
                remedy="Change the script itself, or take the edit back first: plan.with_script(None).",
            )

    def with_values(self, **values: Any) -> TrainingPlan:
        """The plan with these values of its own or of its settings, and everything else as it is."""
        settings = {name: value for name, value in values.items() if name in SETTING_NAMES}
        own = {name: value for name, value in values.items() if name not in SETTING_NAMES}
        return dataclasses.replace(self, settings=dataclasses.replace(self.settings, **settings), **own)

    def within(self, *, seconds: float | None = None, usd: float | None = None) -> TrainingPlan:
        """The plan with as many steps as a limit leaves room for; the plan itself if all of them do.

        Args:
            seconds: From the start of billing to the end, by the middle of the estimate.
            usd: The most it may cost, that is its price times its time limit.

        Raises:
            PlanError: Not even one step fits.
        """
        return within(self, seconds, usd)

    def with_script(self, script: str | None) -> TrainingPlan:
        """The plan with a script that a person edited; None takes the edit back.

        Raises:
            PlanError: It is not Python.
        """
        if script is None or script == self.made_script:
            return dataclasses.replace(self, edited=None)
        try:
            compile(script, "script.py", "exec", dont_inherit=True)
        except (SyntaxError, ValueError) as error:
            line = f" in line {error.lineno}" if isinstance(error, SyntaxError) and error.lineno else ""
            raise PlanError(
                f"The edited script is not Python{line}: {getattr(error, 'msg', error)}.",
                remedy="Correct it, or take the edit back; the plan still has the script it had.",
            ) from error
        return dataclasses.replace(self, edited=script)

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
            "image": self.image,
            "facts": self.facts.to_dict(),
            "license": self.facts.licence,
            "estimate": self.estimate.to_dict(),
            "timeout_seconds": self.timeout_seconds,
            "max_usd": self.max_usd,
            "edited": self.edited is not None,
            "reasons": [str(reason) for reason in self.reasons],
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


def _value(plan: TrainingPlan, name: str) -> Any:
    return getattr(plan if name in _OWN else plan.settings, name)


def _without_plan(script: str) -> str:
    """What of a script runs: the plan at its end holds figures measured on this machine, new ones each time."""
    return script.rpartition("\nPLAN = ")[0]


def _shown(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, tuple | list) else str(value)
