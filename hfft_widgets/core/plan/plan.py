"""The training plan: what will run, where, what it takes, and why."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from hfft_widgets.core.card import Detail, HasCard, figure_of, with_card
from hfft_widgets.core.diff import difference
from hfft_widgets.core.estimate.estimate import dominated
from hfft_widgets.core.method import METHODS
from hfft_widgets.core.plan.advice import Advice, advice_for, lighter_than
from hfft_widgets.core.plan.data_stats import DataStats, data_stats, learned_as, learning
from hfft_widgets.core.plan.defaults import (
    INTERVALS,
    batched,
    check_answers,
    held_out_after,
    rate_after,
    steps_within,
    with_intervals,
)
from hfft_widgets.core.plan.proposals.choices import CostChoice, choices_for
from hfft_widgets.core.plan.proposals.options import Option
from hfft_widgets.core.plan.recipe import rewards, short_script, training_script
from hfft_widgets.core.plan.rehearsal import Rehearsal, Rehearsed
from hfft_widgets.core.plan.settings import EIGHT_BITS, SETTING_NAMES, Reason
from hfft_widgets.core.plan.settings.names import understood
from hfft_widgets.core.plan.settings.setting import PEFT
from hfft_widgets.core.plan.sweep import Sweep, make_sweep
from hfft_widgets.core.plan.warnings import precision_of, warnings_of
from hfft_widgets.core.reward_trial import RewardTrial
from hfft_widgets.core.script import fingerprint, recipe_of
from hfft_widgets.core.units import duration_text, plural, usd_text
from hfft_widgets.errors import PlanError

# what `replace` takes beside the settings
_OWN = ("method", "peft", "flavor", "goal", "push_to", "max_usd", "image")
# a reference to a container image: registry, path, tag or digest
_IMAGE = re.compile(r"[\w./:@-]*", re.ASCII)
# Modules a script imports, with the extra that brings them.
_MODULES = {"torch": "train", "trl": "train", "accelerate": "train", "datasets": "train"}


@dataclass(frozen=True)
class TrainingPlan(Rehearsed, HasCard):
    """A training, decided but not started. Frozen: `replace` gives a new one, estimated again.

    Attributes:
        goal: What the person wants, in their words or "".
        reasons: Why the plan is as it is.
        max_usd: The most a person wants to spend, or None; a plan that may cost more says so.
        edited: The script as a person changed it, or None.
        image: The container it runs in, "" on this machine or where the host chooses.
        exports: Whether what it makes can become a GGUF file, in words; "" where that is not known.
        trial: What came of trying a reward, see `reward_trial`.
        rehearsal: What it can be tried with.
    """

    goal: str = ""
    reasons: tuple[Reason, ...] = ()
    max_usd: float | None = None
    edited: str | None = field(default=None, repr=False)
    image: str = ""
    exports: str = ""
    trial: RewardTrial | None = field(default=None, repr=False, compare=False)
    rehearsal: Rehearsal | None = field(default=None, repr=False, compare=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        limit = self.max_usd
        if limit is not None and (isinstance(limit, bool) or not isinstance(limit, (int, float)) or not limit > 0):
            raise PlanError(f"max_usd is {limit!r}.", remedy="It must be a number of dollars above 0, or None.")
        image: object = self.image
        if not isinstance(image, str) or not _IMAGE.fullmatch(image):
            raise PlanError(
                f"The image is {image!r}.", remedy='It must be a container\'s name such as "python:3.12", or "".'
            )
        check_answers(self)

    @property
    def rows_seen(self) -> int:
        """Rows that the training looks at, each as often as it does."""
        return self.rows_in(self.estimate.steps)

    @property
    def reward_trial(self) -> RewardTrial | None:
        """What came of trying the rewards that it has; None: they were not tried, or it has none."""
        return self.trial if self.trial is not None and self.trial.rewards == rewards(self) else None

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
        return tuple(advice_for(self, [option.estimate for option in self.options]))

    @cached_property
    def choices(self) -> tuple[CostChoice, ...]:
        """What would cost less: each a change for `replace`, with what it saves and the rows it hurts."""
        plain = dataclasses.replace(self, edited=None)
        return choices_for(plain, lambda changes: plain.replace(**changes))

    @property
    def lighter(self) -> Advice | None:
        """The least change that takes less memory, for a run that had too little of it; None: nothing is left."""
        return lighter_than(self)

    @cached_property
    def warnings(self) -> tuple[str, ...]:
        """What could disappoint."""
        return tuple(warnings_of(self, self.max_usd, self.advice))

    @property
    def script(self) -> str:
        """The complete TRL script: as a person edited it, else as the plan makes it."""
        return self.edited or self.made_script

    @cached_property
    def made_script(self) -> str:
        """The script that the plan makes, whatever was edited."""
        kept = {name: value for name, value in self.to_dict().items() if name != "reward_trial"}
        return training_script(self, {**kept, "edited": False})

    @property
    def short_script(self) -> str | None:
        """The same training with TRL alone, for this machine: to read, keep and change; None of an edited script."""
        return None if self.edited else short_script(self)

    @property
    def recipe(self) -> str:
        """The part of the script that a person reads."""
        return recipe_of(self.script)

    @cached_property
    def fingerprint(self) -> str:
        """What is trained: two plans of one fingerprint give the same model, wherever and at whatever price they run.

        It holds model and data with their revisions, mapping and fixes, method, adapters, settings and destination,
        and the text of an edited script; not the hardware, image, price, limits or the form of the script.
        """
        data = (dict(self.data.reference), self.data.code if self.data.applied is None else self.data.applied)
        settings = self.settings.to_dict()
        return fingerprint(self.model, data, self.method, self.peft, settings, self.push_to, self.edited)

    @property
    def modules(self) -> dict[str, str]:
        """Modules the script imports, with the extra that brings each."""
        eight = self.quantized or self.settings.optim in EIGHT_BITS
        return {
            **_MODULES,
            **({"peft": "train"} if self.adapts else {}),
            **({"bitsandbytes": "qlora"} if eight else {}),
            **({"vllm": "vllm"} if self.uses_vllm else {}),
        }

    @property
    def disk_bytes(self) -> int:
        """Free disk a run needs: two checkpoints (weights and, for full training, two moments) and the result."""
        trained = self.work.trained(self.facts)
        return int(trained * 4 * (3 * 2 + 1) + 50e6)

    def replace(self, **changes: Any) -> TrainingPlan:
        """A new plan with other values: of this class, or of a setting by its name or TRL's.

        What depends on them follows where it was not said: the batch on another flavor (the effective batch stays),
        the learning rate of another method or of adapters, the intervals of another length; and the report that the
        plan stands on says what is learned.

        Raises:
            PlanError: An unknown name, a value that is not allowed, or one that an edited script would not follow.
        """
        changes = understood(changes, _OWN)
        new = {name: value for name, value in changes.items() if value != _value(self, name)}
        data = self._learning(new)
        learned = {} if data is self.data else {"data": data} | learned_as(data)
        plan = self.with_values(**{**learned, **self._following(new), **new})
        if not {"flavor", "num_train_epochs", "max_steps", "rows"}.isdisjoint(new):
            own = {n for n in INTERVALS if _value(self, n) != _value(with_intervals(self), n)}
            plan = with_intervals(plan, own | set(new))
        said = [Reason(f"{name} {_shown(value)}: you chose it.", (name,)) for name, value in new.items()]
        changed = {name for name in (*_OWN, *SETTING_NAMES) if _value(plan, name) != _value(self, name)}
        kept = [left for reason in self.reasons if (left := reason.after(changed)) is not None]
        plan = dataclasses.replace(plan, reasons=(*kept, *said))
        self._check_edit(plan)
        return plan

    def reasoned_from(self, made: TrainingPlan) -> TrainingPlan:
        """The plan with the reasons of the one it was changed from, as far as they hold: of what was put back, all."""
        differ = {name for name in (*_OWN, *SETTING_NAMES) if _value(self, name) != _value(made, name)}
        kept = [left for reason in made.reasons if (left := reason.after(differ)) is not None]
        said = [reason for reason in self.reasons if reason not in kept and not differ.isdisjoint(reason.about)]
        return dataclasses.replace(self, reasons=(*kept, *said))

    def on_jobs(self) -> TrainingPlan:
        """The plan on hardware to rent: as it is, if it is there; else where it costs least in all.

        Raises:
            PlanError: A job could not reach the model or the data, or no machine holds it.
        """
        if self.hardware.usd_per_hour:
            return self
        if self.lies_here:
            raise PlanError(
                "A job cannot reach the model or the data: they lie on this machine.",
                remedy="Put them on the Hub first, or train on this machine.",
            )
        rented = [option for option in self.options if option.estimate.usd_per_hour and option.estimate.fits]
        if not rented:
            raise PlanError("No machine to rent has the memory for it.", remedy="Choose LoRA or a smaller model.")
        name = min(rented, key=lambda option: option.estimate.usd.mid).flavor.name
        plan = self.replace(flavor=name)
        why = Reason(f"{name}: it costs least in all of what can be rented.", ("flavor",))
        return dataclasses.replace(plan, reasons=(*plan.reasons[:-1], why))

    def _learning(self, new: dict[str, Any]) -> DataStats:
        """The data, where these changes are other words to learn."""
        report = self.data.report
        if report is None or "method" in new:
            return self.data
        other = learning(report, self.method, new)
        return self.data if other is report else data_stats(other, self.method, self.data.picture_tokens)

    def _following(self, new: dict[str, Any]) -> dict[str, Any]:
        """What follows from changed values, and was not given itself."""
        follows: dict[str, Any] = {}
        if "flavor" in new and {"batch_size", "accumulation"}.isdisjoint(new):
            self.machine(new["flavor"])
            on = self._on(new["flavor"]).settings
            follows |= {"batch_size": on.batch_size, "accumulation": on.accumulation}
        method, peft = new.get("method", self.method), new.get("peft", self.peft)
        if "learning_rate" not in new and method in METHODS and peft in PEFT:
            follows["learning_rate"] = rate_after(self, method, peft)
        if "rows" in new and "eval_rows" not in new:
            follows["eval_rows"] = held_out_after(self, new["rows"])
        return follows

    def _check_edit(self, plan: TrainingPlan) -> None:
        if self.edited and _without_plan(plan.made_script) != _without_plan(self.made_script):
            raise PlanError(
                "The script was edited by hand, and this setting would not reach it.",
                remedy="Change the script itself, or take the edit back first: plan.with_script(None).",
            )

    def sweep(self, setting: str, values: Iterable[Any]) -> Sweep:
        """The plan once for each of two to six values of a setting, with the price of all; nothing is started.

        Raises:
            PlanError: It cannot be swept, or the values are too few, too many, alike or not allowed.
        """
        return make_sweep(self, setting, values)

    def within(self, *, seconds: float | None = None, usd: float | None = None) -> TrainingPlan:
        """The plan with as many steps as a limit leaves room for; the plan itself if all of them do.

        Args:
            seconds: From the start of billing to the end, by the middle of the estimate.
            usd: The most it may cost, that is its price times its time limit.

        Raises:
            PlanError: Not even one step fits.
        """
        steps = steps_within(self, lambda count: self.replace(max_steps=count), seconds, usd)
        if steps == self.estimate.steps:
            return self
        limits = [*([f"{usd_text(usd)} at most"] if usd else []), *([duration_text(seconds)] if seconds else [])]
        why = Reason(f"max_steps {steps:,}: as many as {' and '.join(limits)} leave room for.", ("max_steps",))
        shorter = self.replace(max_steps=steps)
        return dataclasses.replace(shorter, reasons=(*shorter.reasons[:-1], why))

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

    @property
    def result_name(self) -> str:
        """What a new repository for its result is called, without its owner: "tiny-llama-SFT"."""
        return f"{self.model.rstrip('/').rsplit('/', 1)[-1]}-{self.method}"

    def to_dict(self, detail: Detail = "plain") -> dict[str, Any]:
        """JSON values: what a run found later needs to show what it was. Of the script a card shows the recipe."""
        values = {
            "kind": "training",
            "title": self.title,
            "model": self.model,
            "method": self.method,
            "task_type": self.trainer.task_type,
            "peft": self.peft,
            "flavor": self.flavor,
            "goal": self.goal,
            "push_to": self.push_to,
            "settings": self.settings.to_dict(),
            "rewards": list(rewards(self)),
            "reward_trial": self.reward_trial.to_dict() if self.reward_trial else None,
            "data": self.data.to_dict(),
            "image": self.image,
            "facts": self.facts.to_dict(),
            "license": self.facts.licence,
            "trained": self.work.trained(self.facts),
            "estimate": self.estimate.to_dict(),
            "timeout_seconds": self.timeout_seconds,
            "max_usd": self.max_usd,
            "edited": self.edited is not None,
            "exports": self.exports,
            **({"pilot": True} if self.pilot_run else {}),
            "reasons": [str(reason) for reason in self.reasons],
            "warnings": list(self.warnings),
        }
        return values if detail == "plain" else with_card(values, **self._card_values())

    def _card_values(self) -> dict[str, Any]:
        return {
            "name": self.facts.name,
            "page": self.facts.page,
            "where": self.hardware.where,
            "lies_here": self.lies_here,
            "gpu": self.hardware.gpu,
            "effective_batch_size": self.effective_batch_size,
            "rows_seen": self.rows_seen,
            "numbers": precision_of(self),
            "alternatives": [reason.alternative for reason in self.reasons],
            "options": [option.to_dict() for option in self.options],
            "choices": [choice.to_dict() for choice in self.choices],
            "recipe": self.recipe,
            "script_lines": self.script.count("\n") + 1,
            "edit": difference(self.made_script, self.edited) if self.edited else None,
        }

    def figure(self) -> Any:
        """Cost against time of all hardware that holds it, as a `plotly.graph_objects.Figure`."""
        return figure_of(self)

    def __repr__(self) -> str:
        steps = plural(self.estimate.steps, "step")
        return f"<TrainingPlan {self.title} on {self.flavor}: {self.data.name}, {steps}, {self.fingerprint}>"


def _value(plan: TrainingPlan, name: str) -> Any:
    return getattr(plan if name in _OWN else plan.settings, name)


def _without_plan(script: str) -> str:
    """What of a script runs: the plan at its end holds figures measured on this machine, new ones each time."""
    return script.rpartition("\nPLAN = ")[0]


def _shown(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, tuple | list) else str(value)
