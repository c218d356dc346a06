"""One setting with several values, as plans that differ in nothing else: their price together, before any starts."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, Self

from hfft_widgets.core.card import Detail, HasCard, with_card
from hfft_widgets.core.estimate.estimate import Estimate
from hfft_widgets.core.method import Method
from hfft_widgets.core.plan.hardware import Flavor
from hfft_widgets.core.plan.settings import SETTINGS, Settings
from hfft_widgets.core.plan.settings.names import understood
from hfft_widgets.core.script import fingerprint
from hfft_widgets.errors import PlanError

LEAST, MOST = 2, 6
RULE = (
    "From a third of its steps on, a run whose best held-out score so far is worse than the median of what the others "
    "had reached by the same step is ended; its checkpoint stays, and it can go on."
)
"""What `core.run.weak` does."""
# what decides which rows are held out, or what is measured on them: scores would not be of one thing
_MEASURED = frozenset({
    "rows", "max_length", "packing", "assistant_only_loss", "answers_only", "rewards", "max_completion_length",
    "num_generations", "thinking", "eval_rows", "questions", "seed",
})  # fmt: skip
# what changes nothing of what is learned
_WATCHED = frozenset({
    "logging_steps", "eval_steps", "save_steps", "private", "trackio", "use_vllm", "activation_checkpointing",
})  # fmt: skip
_FACTOR = {"learning_rate": 3}
"""Between two values that are proposed; 2 of every other number."""


class Planned(Protocol):
    """What a sweep asks of a plan."""

    @property
    def title(self) -> str:
        """The training in one line."""

    @property
    def peft(self) -> str:
        """How its weights learn."""

    @property
    def push_to(self) -> str | None:
        """Where its result goes."""

    @property
    def edited(self) -> str | None:
        """Its script, if a person changed it."""

    @property
    def settings(self) -> Settings:
        """Its settings."""

    @property
    def trainer(self) -> Method:
        """Its method."""

    @property
    def hardware(self) -> Flavor:
        """Where it runs."""

    @property
    def estimate(self) -> Estimate:
        """What it takes."""

    @property
    def fingerprint(self) -> str:
        """What it trains."""

    def replace(self, **changes: Any) -> Self:
        """The same with other values."""

    def to_dict(self, detail: Detail = "plain") -> dict[str, Any]:
        """JSON values."""


@dataclass(frozen=True)
class Sweep(HasCard):
    """Plans that differ in one setting. Nothing is started: `hfft.launch(sweep, max_usd=...)` does.

    Attributes:
        setting: The setting's name.
        values: Its values, one for each plan.
        plans: The plans.
    """

    setting: str
    values: tuple[Any, ...]
    plans: tuple[Planned, ...] = field(repr=False)

    @property
    def title(self) -> str:
        """The sweep in one line."""
        shown = ", ".join(map(shown_value, self.values))
        return f"{SETTINGS[self.setting].label} {shown}: {self.plans[0].title}"

    @property
    def usd(self) -> float:
        """What all of them cost, in the middle, if none is ended early."""
        return sum(plan.estimate.usd.mid for plan in self.plans)

    @property
    def ceiling_usd(self) -> float:
        """The most all of them can cost together."""
        return sum(plan.estimate.ceiling_usd for plan in self.plans)

    @property
    def is_paid(self) -> bool:
        """Whether the machines cost money; then they run beside each other, here one after the other."""
        return self.plans[0].hardware.usd_per_hour > 0

    @property
    def seconds(self) -> float:
        """Until the last has ended, in the middle."""
        each = [plan.estimate.seconds.mid for plan in self.plans]
        return max(each) if self.is_paid else sum(each)

    @property
    def metric(self) -> str:
        """The held-out score that they are compared by; higher is better of rewards, lower of losses."""
        return "eval_reward" if self.plans[0].trainer.generates else "eval_loss"

    @property
    def fingerprint(self) -> str:
        """What is trained, in all."""
        return fingerprint(self.setting, [plan.fingerprint for plan in self.plans])

    def to_dict(self, detail: Detail = "plain") -> dict[str, Any]:
        """JSON values."""
        rows = [
            {"value": shown_value(value), "usd": plan.estimate.usd.mid, "seconds": plan.estimate.seconds.mid,
             "fits": plan.estimate.fits, "fingerprint": plan.fingerprint}
            for value, plan in zip(self.values, self.plans, strict=True)
        ]  # fmt: skip
        values = {
            "kind": "sweep", "title": self.title, "setting": self.setting, "metric": self.metric, "rule": RULE,
            "usd": self.usd, "ceiling_usd": self.ceiling_usd, "seconds": self.seconds, "paid": self.is_paid,
            "flavor": self.plans[0].hardware.name, "rows": rows,
        }  # fmt: skip
        return values if detail == "plain" else with_card(values)


def make_sweep(plan: Planned, setting: str, values: Iterable[Any]) -> Sweep:
    """The plan once for each value of a setting.

    Args:
        plan: The plan.
        setting: A setting's name, ours or TRL's.
        values: Two to six different values.

    Raises:
        PlanError: There is no such setting, it says nothing there, scores could not be compared, or the values are too
            few, too many, alike or not allowed.
    """
    listed = list(values) if isinstance(values, (list, tuple, set, range)) else [values]
    name = next(iter(understood({setting: None})))
    _check(plan, name, listed)
    made = [plan.replace(**{name: value, **_apart(plan.push_to, name, value)}) for value in listed]
    shown = [getattr(one.settings, name) for one in made]
    if any(shown.count(value) > 1 for value in shown):
        raise PlanError(f"{name} is {listed!r}: a value stands there twice.", remedy="Give each once.")
    return Sweep(name, tuple(shown), tuple(made))


def sweepable(plan: Planned) -> tuple[str, ...]:
    """Names of the settings that change what a plan learns, and nothing of what it is measured on."""
    return tuple(name for name in SETTINGS if _learns_by(plan, name) and not _measures(plan, name))


def proposed_values(plan: Planned, name: str) -> tuple[Any, ...]:
    """Values to begin with: one below the plan's own and one above, or all there are; () of what has no neighbours."""
    setting, own = SETTINGS[name], getattr(plan.settings, name)
    if setting.kind == "switch":
        return (False, True)
    if setting.kind == "choice":
        return setting.choices[:MOST]
    if setting.kind == "names" or not own:
        return ()
    factor = _FACTOR.get(name, 2)
    below, above = own / factor, own * factor
    near = (int(below), own, above) if setting.kind == "whole number" else (float(f"{below:.2g}"), own, above)
    return tuple(value for value in near if setting.allows(value))


def _learns_by(plan: Planned, name: str) -> bool:
    return name not in _WATCHED and SETTINGS[name].said_by(plan.trainer.name, plan.peft)


def _measures(plan: Planned, name: str) -> bool:
    return name in _MEASURED or (name == "beta" and not plan.trainer.generates)


def _check(plan: Planned, name: str, values: list[Any]) -> None:
    if not LEAST <= len(values) <= MOST:
        raise PlanError(
            f"{name} is {values!r}: a sweep takes from {LEAST} to {MOST} values.",
            remedy="Give some that lie far apart, such as 1e-5, 1e-4 and 1e-3, and narrow it down afterwards.",
        )
    if _measures(plan, name):
        why = "It decides what is measured on held-out rows: the scores would not be of one thing."
        raise PlanError(f"{name} cannot be swept.", why=why, remedy="Train twice and compare answers instead.")
    if not _learns_by(plan, name):
        raise PlanError(
            f"{name} changes nothing of what {plan.title} learns.",
            remedy="Sweep learning_rate, num_train_epochs, batch_size or, of adapters, lora_r.",
        )
    if plan.edited is not None:
        raise PlanError(
            "The script was edited by hand, and a setting would not reach it.",
            remedy="Take the edit back first: plan.with_script(None).",
        )


def _apart(push_to: str | None, name: str, value: Any) -> Mapping[str, str]:
    """A repository of its own for each, or they would overwrite each other's result."""
    if not push_to:
        return {}
    end = re.sub(r"[^A-Za-z0-9.]+", "-", f"{name}-{shown_value(value)}").strip("-.")
    return {"push_to": f"{push_to[: 94 - len(end)]}-{end}"}


def shown_value(value: Any) -> str:
    """A value as people write it."""
    if isinstance(value, (list, tuple)):
        return " + ".join(map(str, value)) or "all"
    return f"{value:g}" if isinstance(value, float) else str(value)
