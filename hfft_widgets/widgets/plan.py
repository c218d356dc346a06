"""TrainingPlanner: a plan for a report, with every setting in reach and the estimate following at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ipywidgets as W  # noqa: N812
import traitlets as T  # noqa: N812

from hfft_widgets import api
from hfft_widgets.core.plan.settings import GOALS
from hfft_widgets.errors import PlanError
from hfft_widgets.widgets.panel import Panel, folded, shown

if TYPE_CHECKING:
    from hfft_widgets.core.plan.training import TrainingPlan

AUTO = "choose for me"
# setting -> (label, widget class, what it does)
EDITABLE: dict[str, tuple[str, type[W.Widget], str]] = {
    "num_train_epochs": ("Epochs", W.BoundedFloatText, "Passes over the data"),
    "learning_rate": ("Learning rate", W.FloatText, "Size of the steps; too large diverges, too small learns nothing"),
    "batch_size": ("Batch size", W.BoundedIntText, "Rows per micro step: memory grows with it"),
    "accumulation": ("Accumulation", W.BoundedIntText, "Micro steps per optimizer step"),
    "max_length": ("Max length", W.BoundedIntText, "Tokens; longer rows are cut"),
    "lora_r": ("LoRA rank", W.BoundedIntText, "Size of the adapters"),
    "seed": ("Seed", W.BoundedIntText, "Order of the data and initial adapters"),
}


class TrainingPlanner(Panel):
    """Answers: what will run, where, what does it cost, will it fit?

    Args:
        report: A ValidationReport, mappings and fixes applied.
        model: Hub id or folder of the model that learns.
    """

    report = T.Any(None, allow_none=True)

    def __init__(self, report: Any = None, *, model: Any = None) -> None:
        super().__init__()
        layout = W.Layout(width="280px")
        style = {"description_width": "70px"}
        self.model = W.Text(
            value="" if model is None else str(model),
            description="Model",
            style=style,
            layout=W.Layout(width="100%", max_width="860px"),
            continuous_update=False,
            placeholder="a Hub id or folder, e.g. Qwen/Qwen3-0.6B",
        )
        self.goal = W.Dropdown(options=[AUTO, *GOALS], description="Goal", layout=layout, style=style)
        self.peft = W.Dropdown(
            options=[(AUTO, ""), ("LoRA adapters", "lora"), ("all weights", "none")],
            description="Trains",
            layout=layout,
            style=style,
        )
        self.plan_button = self.button("Make a plan", self.plan, doing="Planning", primary=True, icon="list")
        self.top.children = (
            self.model,
            W.HBox([self.goal, self.peft, self.plan_button], layout=W.Layout(flex_flow="row wrap")),
        )
        self._editors: dict[str, Any] = {}
        self._filling = False
        self.report = report
        self.observe(self._reported, "report")

    def _reported(self, _: Any) -> None:
        """A plan for other data is none: it goes, its settings too."""
        self.result = None
        self.card.show("")
        self.bottom.children = ()
        self._editors = {}

    @shown
    def plan(self) -> TrainingPlan:
        """Make the plan for the report and show it."""
        if self.report is None:
            raise PlanError("There is no checked dataset.", remedy="Check a dataset first.")
        model = self.model.value.strip() or self.report.model
        if not model:
            raise PlanError("No model is given.", remedy="Type a Hub id or a model folder.")
        goal = None if self.goal.value == AUTO else self.goal.value
        # the button below it trains here: that is what the estimate must speak of
        plan = api.plan_training(model, self.report, goal=goal, peft=self.peft.value or None, flavor="local")
        self._accept(plan)
        return plan

    @shown
    def change(self, **changes: Any) -> TrainingPlan:
        """Change settings of the plan; the estimate follows."""
        if self.result is None:
            raise PlanError("There is no plan to change.", remedy="Make a plan first.")
        plan: TrainingPlan = self.result.replace(**changes)
        self._accept(plan)
        return plan

    def _accept(self, plan: TrainingPlan) -> None:
        self.card.show(plan._repr_html_())
        self._fill(plan)
        self.clear_status()
        self.result = plan

    def _fill(self, plan: TrainingPlan) -> None:
        """Show the plan's settings in the editors, made on first use."""
        if not self._editors:
            self._make_editors()
        self._filling = True
        try:
            for name, editor in self._editors.items():
                editor.value = getattr(plan.settings, name)
            self._editors["lora_r"].layout.display = "" if plan.peft == "lora" else "none"
        finally:
            self._filling = False

    def _make_editors(self) -> None:
        for name, (label, kind, why) in EDITABLE.items():
            bounds = {} if kind is W.FloatText else {"min": 0, "max": 10**9}
            editor = kind(
                description=label,
                tooltip=why,
                continuous_update=False,
                layout=W.Layout(width="205px"),
                style={"description_width": "95px"},
                **bounds,
            )
            editor.observe(lambda change, n=name: self._edited(n, change.new), "value")
            self._editors[name] = editor
        grid = W.HBox(list(self._editors.values()), layout=W.Layout(flex_flow="row wrap", max_width="860px"))
        settings = folded("Change settings", grid)
        self.bottom.children = (settings,)

    def _edited(self, name: str, value: Any) -> None:
        if self._filling or self.result is None:
            return
        try:
            self.change(**{name: value})
        except PlanError:  # shown by the guard; the editor goes back to what the plan holds
            self._filling = True
            self._editors[name].value = getattr(self.result.settings, name)
            self._filling = False
