"""TrainingPlanner: a plan for a report, with every setting in reach and the estimate following at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ipywidgets as W  # noqa: N812
import traitlets as T  # noqa: N812

from hfft_widgets import api
from hfft_widgets.core.html import el, fold
from hfft_widgets.core.plan.settings import SETTING_NAMES
from hfft_widgets.core.plan.views_script import difference, lesson_of
from hfft_widgets.errors import ModelTooLargeError, PlanError
from hfft_widgets.widgets.panel import Panel, folded, shown
from hfft_widgets.widgets.plan_script import ScriptPart
from hfft_widgets.widgets.plan_settings import SettingsPart
from hfft_widgets.widgets.plan_wishes import Wishes

if TYPE_CHECKING:
    from hfft_widgets.core.plan.advice import Advice
    from hfft_widgets.core.plan.training import TrainingPlan


class TrainingPlanner(Panel):
    """Answers: what will run, where, what does it cost, will it fit?

    Args:
        report: A ValidationReport, mappings and fixes applied.
        model: Hub id or folder of the model that learns.
    """

    report = T.Any(None, allow_none=True)

    def __init__(self, report: Any = None, *, model: Any = None) -> None:
        super().__init__()
        self._chosen: dict[str, Any] = {}  # settings that the person chose: they stay in a new plan
        self._earlier: list[tuple[TrainingPlan, dict[str, Any]]] = []  # plans before each change, settings chosen then
        self.wishes = Wishes(model, self._wished, self._edited)
        self.plan_button = self.button("Make a plan", self.plan, doing="Planning", primary=True, icon="list")
        self.limit_button = self.button(
            "Stay within the limit", self.stay_within, doing="Counting steps", tooltip="As many steps as it pays for"
        )
        self.limit_button.layout.display = "none"
        self.allow_button = self.button("Plan it all the same", self.plan_anyway, doing="Planning")
        self.settings = SettingsPart(self._edited)
        self._editors = self.settings.editors
        self.script = ScriptPart(self)
        self.changed = W.HTML()
        self.undo_button = self.button("Undo this change", self.undo, doing="Going back", icon="undo")
        for button in (self.undo_button, self.allow_button):  # alone in a column, they would be as wide as it
            button.layout.align_self = "flex-start"
        self.advised = _row()
        self.top.children = (
            self.wishes.model,
            _row(self.wishes.goal, self.wishes.method, self.wishes.peft),
            _row(self.wishes.flavor, self.wishes.max_usd, self.plan_button, self.limit_button),
            folded("More", W.VBox([self.wishes.push_to, self.wishes.allow_large])),
        )
        self.report = report
        self.observe(self._reported, "report")

    def _reported(self, _: Any) -> None:
        """A plan for other data is none: it goes, its settings too."""
        self._chosen = {}
        self._forget()
        self.card.show("")

    def _forget(self) -> None:
        self.result = None
        self._earlier = []
        self.bottom.children = ()

    def show_error(self, error: Exception) -> None:
        """A model that is too large is shown as a card, with the way to plan it all the same."""
        if not isinstance(error, ModelTooLargeError):
            super().show_error(error)
            return
        self.error = error
        self._forget()
        self.card.show(error.refusal._repr_html_())
        self.bottom.children = (self.allow_button,)
        self.clear_status()

    # ---- what a person can do -----------------------------------------------------------------

    @shown
    def plan(self) -> TrainingPlan:
        """Make the plan for the report and show it; settings that were changed by hand stay."""
        if self.report is None:
            raise PlanError("There is no checked dataset.", remedy="Check a dataset first.")
        model = self.wishes.model.value.strip() or self.report.model
        if not model:
            raise PlanError("No model is given.", remedy="Type a Hub id or a model folder.")
        plan = api.plan_training(model, self.report, **self.wishes.values, **self._chosen)
        self._earlier = []
        self.wishes.met()
        self._accept(plan)
        return plan

    @shown
    def plan_again(self) -> TrainingPlan:
        """Plan with other wishes; where they cannot be met, the plan on show stays, and its wishes with it."""
        try:
            return self.plan()
        except PlanError:
            if self.result is not None:
                self.wishes.back(self.result)
            raise

    @shown
    def plan_anyway(self) -> TrainingPlan:
        """Plan a model of 8 billion parameters or more: the person says that they know what they do."""
        self.wishes.allow_large.value = True
        return self.plan()

    @shown
    def change(self, **changes: Any) -> TrainingPlan:
        """Change settings, flavor or limit; the estimate follows, and what changed in the script is shown.

        Advice is taken the same way, e.g. `planner.change(**plan.lighter.changes)`; `undo` goes back.
        """
        plan = self._plan().replace(**changes)
        self._turn(plan)
        self._chosen |= {name: value for name, value in changes.items() if name in SETTING_NAMES}
        return plan

    @shown
    def lighten(self) -> TrainingPlan:
        """The least change that takes less memory: for a run that ran out of it."""
        advice = self._plan().lighter
        if advice is None:
            raise PlanError("There is nothing left to make smaller.", remedy="Choose a smaller model.")
        return self.change(**advice.changes)

    @shown
    def undo(self) -> TrainingPlan:
        """Go back to the plan before the last change."""
        if not self._earlier:
            raise PlanError("There is no change to undo.", remedy="Make a plan and change it first.")
        plan, chosen = self._earlier.pop()
        self._chosen = chosen
        self._accept(plan)
        return plan

    @shown
    def stay_within(self, usd: float | None = None) -> TrainingPlan:
        """Cut the training to as many steps as the limit pays for, even if it runs into its time limit."""
        limit = usd or self.wishes.max_usd.value
        if not limit:
            raise PlanError("There is no limit.", remedy="Say how many dollars it may cost at most.")
        plan = self._plan().replace(max_usd=limit).within(usd=limit)
        self._turn(plan)
        return plan

    @shown
    def edit_script(self, script: str | None = None) -> TrainingPlan:
        """Make an edited script part of the plan: the one in the editor, or another."""
        plan = self._plan().with_script(self.script.text.value if script is None else script)
        self._turn(plan)
        return plan

    @shown
    def undo_edit(self) -> TrainingPlan:
        """Go back to the script that the plan makes."""
        plan = self._plan().with_script(None)
        self._turn(plan)
        return plan

    # ---- inside -------------------------------------------------------------------------------

    def _plan(self) -> TrainingPlan:
        if self.result is None:
            raise PlanError("There is no plan to change.", remedy="Make a plan first.")
        plan: TrainingPlan = self.result
        return plan

    def _turn(self, plan: TrainingPlan) -> None:
        """Accept a change, and remember how it was before."""
        self._earlier.append((self._plan(), dict(self._chosen)))
        self._accept(plan)

    def _accept(self, plan: TrainingPlan) -> None:
        before = self.result
        self.card.show(plan._repr_html_())
        changed = difference(lesson_of(before.script), lesson_of(plan.script)) if before else None
        title = "What changed in the script"
        self.changed.value = el("div", fold(title, changed, open_=True), class_="hfft part") if changed else ""
        self._fill(plan)
        self.clear_status()
        self.result = plan

    def _fill(self, plan: TrainingPlan) -> None:
        """Show the plan's values in the controls."""
        self.settings.show(plan)
        self.script.show(plan)
        self.wishes.show(plan)
        self.limit_button.layout.display = "" if plan.max_usd else "none"
        self.undo_button.layout.display = "" if self._earlier else "none"
        for button in self.advised.children:
            button.close()
        self.advised.children = [self._advice_button(advice) for advice in plan.advice]
        self.bottom.children = (self.advised, self.changed, self.undo_button, self.settings.fold, self.script.fold)

    def _advice_button(self, advice: Advice) -> W.Button:
        made = W.Button(
            description=advice.label, tooltip=advice.words, icon="magic", layout=W.Layout(width="auto", height="32px")
        )
        made.on_click(lambda _: self.start(lambda: self.change(**advice.changes), doing=advice.label))
        return made

    def _wished(self) -> None:
        """Another goal, method or destination is another plan."""
        if self.result is not None:
            self.start(self.plan_again, doing="Planning again")

    def _edited(self, name: str, value: Any) -> None:
        """A control was changed: the plan follows, or the control goes back to what the plan holds."""
        if self.result is None:
            return
        try:
            self.change(**{name: value})
        except PlanError:  # shown by the guard
            self.settings.show(self._plan())
            self.wishes.show(self._plan())


def _row(*children: W.Widget) -> W.HBox:
    return W.HBox(children, layout=W.Layout(flex_flow="row wrap", max_width="862px", align_items="center"))
