"""What a person wishes of a plan before it is made: model, goal, method, place, limit and destination."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import ipywidgets as W  # noqa: N812

from hfft_widgets.core.data.values import METHODS
from hfft_widgets.core.plan.flavors import FLAVORS
from hfft_widgets.core.plan.settings import GOALS
from hfft_widgets.core.plan.views_options import flavor_label

if TYPE_CHECKING:
    from hfft_widgets.core.plan.training import TrainingPlan

AUTO = "choose for me"
_STYLE = {"description_width": "70px"}


class Wishes:
    """The controls above a plan.

    Args:
        model: Hub id or folder of the model that learns, or None.
        wished: Called after a change that needs a new plan.
        changed: Called with the name and value of what the plan on show can take over: "flavor" or "max_usd".
    """

    def __init__(self, model: Any, wished: Callable[[], None], changed: Callable[[str, Any], None]) -> None:
        self._wished, self._changed = wished, changed
        self._filling = False
        self._planned: list[Any] = []  # the wishes behind the plan on show
        self.model = W.Text(
            value="" if model is None else str(model),
            description="Model",
            style=_STYLE,
            layout=W.Layout(width="100%", max_width="860px"),
            continuous_update=False,
            placeholder="a Hub id or folder, e.g. Qwen/Qwen3-0.6B",
        )
        self.goal = _choice("Goal", [(AUTO, ""), *[(goal, goal) for goal in GOALS]])
        self.method = _choice("Method", [(AUTO, ""), *[(method, method) for method in METHODS]])
        self.peft = _choice("Trains", [(AUTO, ""), ("LoRA adapters", "lora"), ("all weights", "none")])
        names = [(f"{machine.name} ({machine.where})", machine.name) for machine in FLAVORS]
        self.flavor = _choice("Where", [(AUTO, ""), ("this machine", "local"), *names])
        self.max_usd = W.BoundedFloatText(
            min=0, max=1e5, step=0.5, description="Limit $", style=_STYLE, layout=W.Layout(width="170px"),
            tooltip="The most it may cost; 0: no limit. A plan that may cost more says so.", continuous_update=False,
        )  # fmt: skip
        self.push_to = W.Text(
            description="Push to", style=_STYLE, placeholder="you/a-new-model, or nothing", continuous_update=False
        )
        self.allow_large = W.Checkbox(description="8 B parameters and more: I know what I do", indent=False)
        self._own = (self.goal, self.method, self.peft, self.push_to)
        for control in self._own:
            self._observe(control, lambda _: self._wished())
        self._observe(self.flavor, self._moved)
        self._observe(self.max_usd, lambda usd: self._changed("max_usd", usd or None))

    def _observe(self, control: W.Widget, call: Callable[[Any], None]) -> None:
        """Call with what a person chose, not with what is filled in."""
        control.observe(lambda change: None if self._filling else call(change.new), "value")

    @property
    def values(self) -> dict[str, Any]:
        """Arguments of `plan_training`, without model and settings."""
        return {
            "goal": self.goal.value or None,
            "method": self.method.value or None,
            "peft": self.peft.value or None,
            "flavor": self.flavor.value or None,
            "push_to": self.push_to.value.strip() or None,
            "allow_large": self.allow_large.value,
            "max_usd": self.max_usd.value or None,
        }

    def met(self) -> None:
        """A plan was made for these wishes."""
        self._planned = [control.value for control in self._own]

    def show(self, plan: TrainingPlan) -> None:
        """Show where the plan runs and what it may cost, and what other places would take."""
        self._filling = True
        try:
            there = [(flavor_label(option), option.flavor.name) for option in plan.options]
            chosen = plan.flavor if self.flavor.value else ""
            self.flavor.options = [(f"{AUTO} ({plan.flavor})", ""), *there]
            self.flavor.value = chosen
            self.max_usd.value = plan.max_usd or 0
        finally:
            self._filling = False

    def back(self, plan: TrainingPlan) -> None:
        """Show again what the plan on show was made for: a wish was not met."""
        self.show(plan)
        self._filling = True
        try:
            for control, value in zip(self._own, self._planned, strict=True):
                control.value = value
        finally:
            self._filling = False

    def _moved(self, flavor: str) -> None:
        if flavor:
            self._changed("flavor", flavor)
        else:
            self._wished()


def _choice(label: str, options: list[Any]) -> W.Dropdown:
    return W.Dropdown(options=options, description=label, layout=W.Layout(width="270px"), style=_STYLE)
