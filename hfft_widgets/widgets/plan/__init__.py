"""TrainingPlanner: a plan for a report, with every setting in reach and the estimate following at once."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

import traitlets as T  # noqa: N812

from hfft_widgets import api
from hfft_widgets.cards import plan as card
from hfft_widgets.cards.parts import chip, fold
from hfft_widgets.cards.script import difference
from hfft_widgets.core.html import Markup, el, join
from hfft_widgets.core.plan.settings import SETTINGS
from hfft_widgets.core.units import duration_text, usd_text
from hfft_widgets.errors import ModelTooLargeError, PlanError
from hfft_widgets.trials import tried, try_reward
from hfft_widgets.widgets.panel import History, Panel, report_errors
from hfft_widgets.widgets.plan import proposals, settings
from hfft_widgets.widgets.plan.rehearsal import RehearsalPart
from hfft_widgets.widgets.plan.request import RequestPart
from hfft_widgets.widgets.plan.script import ScriptPart
from hfft_widgets.widgets.plan.sweep import SweepPart
from hfft_widgets.widgets.plan.upload import UploadPart

if TYPE_CHECKING:
    from hfft_widgets.core.data.report import ValidationReport
    from hfft_widgets.core.dry_run import DryRun
    from hfft_widgets.core.plan.plan import TrainingPlan
    from hfft_widgets.core.reward_trial import RewardTrial
    from hfft_widgets.jobs.sweep import SweepRun
    from hfft_widgets.widgets.plan.hardware import HardwarePart


class TrainingPlanner(Panel):
    """Answers: what will run, where, what does it cost, will it fit?

    Args:
        data: What was checked, a ValidationReport with its mappings and fixes.
        model: Hub id or folder of the model that learns.

    Attributes:
        data: The same; other data forget the plan.
    """

    title = "Plan"
    data = T.Any(None, allow_none=True)

    def __init__(self, data: Any = None, *, model: Any = None) -> None:
        super().__init__()
        self._chosen: dict[str, Any] = {}  # settings that the person chose: they stay in a new plan
        self._history = History()  # (plan before a change, settings chosen then, what was asked)
        self._made: TrainingPlan | None = None  # as it was recommended, with all its reasons
        self._asked: dict[str, Any] = {}  # what the plan on show was asked for
        self._changed: Markup | None = None
        self.request = RequestPart(self, model, self._ask_again, self._edit)
        self.script = ScriptPart(self)
        self.uploading = UploadPart(self, self._checked_data)
        self.trying = RehearsalPart(self, self._settled)
        self.sweeping = SweepPart(self, self._settled, lambda best: self.change(**best))
        for name in SETTINGS:
            self.has(name, "", partial(self._typed, name))
        self.can("plan", self.plan, doing="Planning")
        self.can("anyway", self.plan_anyway, doing="Planning")
        self.can("within", self.stay_within, doing="Counting steps")
        self.can("hardware", lambda name: self.change(flavor=name))
        self.can("advice", lambda number: self.change(**self._plan().advice[int(number)].changes))
        self.can("choice", lambda number: self.change(**self._plan().choices[int(number)].changes))
        self.can("reward", self.try_reward, doing="Trying the reward")
        self.can("dry_run", self.dry_run, doing="Running the script as far as its first step")
        self.can("pilot", self.pilot, doing="Ten steps")
        self.can("undo", self.undo)
        self.can("script", lambda: self.script.toggle(self._plan()))
        self.can("use_script", self.edit_script)
        self.can("put_back", self.put_back)
        self.can("upload", self.upload, doing="Uploading")
        self.can("undo_edit", self.undo_edit)
        self.data = data

    def take(self, data: ValidationReport | None, model: Any = None) -> None:
        """Plan for other data, and a model that another panel asks for."""
        if model is not None:
            self.values["model"], self.request.own_model = str(model), False
        self.data = data
        self._start_over()

    @T.observe("data")
    def _other_data(self, _: Any) -> None:
        if self.result is None or self.result.data.report is not self.data:  # else the plan stands on them
            self._start_over()

    def _start_over(self) -> None:
        self._chosen = {}
        self.values |= {"flavor": "", "rows": ""}
        self._forget()
        self.refresh()

    def _forget(self) -> None:
        self._history.clear()
        self._made = self._changed = None
        self.errors.clear()
        self.result = None

    # ---- what a person can do -----------------------------------------------------------------

    @report_errors
    def plan(self) -> TrainingPlan:
        """Make the plan for the report and show it; settings that were changed by hand stay."""
        data = self._checked_data()
        model = str(self.values["model"]).strip() or data.model
        if not model:
            raise PlanError("No model is given.", remedy="Type a Hub id or a model folder.")
        notice = partial(self.progress, 0, 0)
        plan = api.plan_training(model, data, notice=notice, **self.request.arguments, **self._chosen)
        plan = plan.on_jobs() if self.request.on_jobs else plan
        self._history.clear()
        self._made = plan
        self.errors.clear()
        self._accept(plan)
        return plan

    @report_errors
    def plan_anyway(self) -> TrainingPlan:
        """Plan a model of 8 billion parameters or more: the person says that they know what they do."""
        self.values["allow_large"] = True
        return self.plan()

    def prefer(self, **chosen: Any) -> None:
        """Settings that the next plan has, chosen before there is one."""
        self._chosen |= chosen
        self.values |= {name: settings.as_typed(name, value) for name, value in chosen.items()}

    @report_errors
    def change(self, **changes: Any) -> TrainingPlan:
        """Change settings, flavor or limit; the estimate follows, and what changed in the script is shown.

        Advice is taken the same way, e.g. `planner.change(**plan.lighter.changes)`; `undo` goes back.
        """
        return self._change(changes)

    @report_errors
    def lighten(self) -> TrainingPlan:
        """The least change that takes less memory: for a run that ran out of it."""
        advice = self._plan().lighter
        if advice is None:
            raise PlanError("There is nothing left to make smaller.", remedy="Choose a smaller model.")
        return self.change(**advice.changes)

    @report_errors
    def try_reward(self) -> RewardTrial:
        """What the plan's reward pays for right and for wrong answers; the plan keeps it."""
        plan, trial = self._plan(), try_reward(self._plan())
        self._accept(dataclasses.replace(plan, trial=trial))
        return trial

    @report_errors
    def dry_run(self) -> DryRun:
        """Show what the plan's script would do, run as far as its first step."""
        return self.trying.dry_run()

    @report_errors
    def pilot(self, max_usd: float | None = None) -> TrainingPlan:
        """Make ten real steps on the plan's hardware, for at most `max_usd`; the plan then carries what they took."""
        self._turn(plan := self.trying.pilot(max_usd))
        return plan

    @report_errors
    def sweep(self, setting: str, values: Sequence[Any], max_usd: float | None = None) -> SweepRun:
        """Run the plan once for each value of a setting, for at most `max_usd` in all, and show what came of them."""
        return self.sweeping.start(setting, values, max_usd)

    @report_errors
    def undo(self) -> TrainingPlan:
        """Go back to the plan before the last change."""
        if not self._history:
            raise PlanError("There is no change to undo.", remedy="Make a plan and change it first.")
        plan, self._chosen, asked = self._history.back()
        self.values |= asked
        self.errors.clear()
        self._accept(plan)
        return self._plan()

    @report_errors
    def stay_within(self, usd: float | None = None) -> TrainingPlan:
        """Cut the training to as many steps as the limit pays for, even if it runs into its time limit."""
        limit = usd or self.request.arguments["max_usd"]
        if not limit:
            raise PlanError("There is no limit.", remedy="Say how many dollars it may cost at most.")
        plan = self._settled().replace(max_usd=limit).within(usd=limit)
        self._turn(plan.reasoned_from(self._origin))
        return plan

    @report_errors
    def edit_script(self, script: str | None = None) -> TrainingPlan:
        """Make an edited script part of the plan: the one in the editor, or another."""
        plan = self._plan().with_script(str(self.values["script"]).replace("\r\n", "\n") if script is None else script)
        self.errors.clear()  # fields had waited for it
        self._turn(plan)
        return plan

    @report_errors
    def put_back(self) -> TrainingPlan:
        """Let the fields say what the plan says, where something was typed that it cannot take."""
        plan = self._plan()
        self.errors.clear()
        self.values |= settings.shown(plan)
        self.request.show(plan)
        return plan

    @property
    def unused(self) -> list[str]:
        """What stands in the fields and is not in the plan: nothing is started while there is something."""
        if self.result is None:
            return []
        values = "One value is not used" if len(self.errors) == 1 else "Some values are not used"
        script = "The edited script is not used yet"
        return [*([values] if self.errors else []), *([script] if self.script.unused(self.result) else [])]

    @report_errors
    def undo_edit(self) -> TrainingPlan:
        """Go back to the script that the plan makes."""
        plan = self._plan().with_script(None)
        self.errors.clear()
        self._turn(plan)
        return plan

    @report_errors
    def upload(self, to: str | None = None) -> TrainingPlan:
        """Upload the checked dataset to the Hub, private, and plan with it there: then a job can read it."""
        report = self.uploading.upload(to)
        chosen, flavor = self._chosen, self.values["flavor"]
        self.data = report  # which forgets what was chosen for other data
        self._chosen, self.values["flavor"] = chosen, flavor
        return self.plan()

    def show_error(self, error: Exception) -> None:
        """A model that is too large is shown as a card, with the way to plan it all the same."""
        if not isinstance(error, ModelTooLargeError):
            return super().show_error(error)
        self._forget()
        self.error = error
        return self.clear_status()

    # ---- how it looks -------------------------------------------------------------------------

    def body(self) -> Markup:
        """The questions; below them the plan, and every setting of it."""
        questions = el(
            "div", self.request.view(self.form, self.result, self.data), data_key="request", class_="request"
        )
        upload = self.uploading.view(self.form, self.result)
        return join([questions, upload, self._refusal() if self.result is None else self._card(self.result)])

    def report(self) -> Markup:
        """The plan's card."""
        return Markup(self.result.to_html()) if self.result is not None else join([self._refusal()])

    def summary(self) -> str:
        """E.g. "SFT of tiny-llama on this machine, about 30 min, free"."""
        plan = self.result
        if plan is None:
            return ""
        e, where = plan.estimate, "this machine" if plan.flavor == "local" else plan.flavor
        price = usd_text(e.usd.mid) if e.usd_per_hour else "free"
        return f"{plan.title} on {where}, about {duration_text(e.seconds.mid)}, {price}"

    def figures(self) -> list[Markup]:
        """Time, price and fit; and what was typed and is not in the plan."""
        if self.result is None:
            return []
        return [card.short_figures(self.result.to_dict()), *(chip("warn", words) for words in self.unused)]

    def next_action(self) -> Markup | None:
        """Plan; where it must not be, plan all the same; where a script was edited, use it."""
        if isinstance(self.error, ModelTooLargeError):
            return self.form.button("Plan it all the same", "anyway")
        if self.result is None:
            return self.form.button("Make a plan", "plan", primary=True)
        if self.script.unused(self.result):
            return self.form.button("Use the edited script", "use_script", primary=True)
        if self.errors:
            return self.form.button("Put the plan's values back", "put_back", primary=True)
        return None

    def _refusal(self) -> Markup | None:
        return Markup(self.error.refusal.to_html()) if isinstance(self.error, ModelTooLargeError) else None

    def _card(self, plan: TrainingPlan) -> Markup:
        values, form = plan.to_dict("card"), self.form
        sections = {
            "warnings": proposals.warnings(self.form, plan, values),
            "hardware": self._hardware.view(form, values, self._origin.flavor),
            "settings": self._settings(plan),
            "cheaper": proposals.cheaper(self.form, plan, values),
            "reward": proposals.reward(self.form, plan, values),
            "rehearsal": self.trying.view(form, plan),
            "sweep": self.sweeping.view(form, plan),
            "memory": card.memory(values),
            "why": card.why(values),
            "script": join([self.script.view(form, plan), card.model(values)]),
        }
        below = [el("section", made, data_key=name) for name, made in sections.items() if made]
        return el(
            "article", card.top(values), below,
            class_="hfft mathjax_ignore", aria_label=f"Training plan: {plan.title}", data_key="card",
        )  # fmt: skip

    @cached_property
    def _hardware(self) -> HardwarePart:
        from hfft_widgets.widgets.plan.hardware import HardwarePart  # a page opens without it

        return HardwarePart(lambda name: self._act({"do": f"{self._prefix}hardware", "value": name}))

    def _settings(self, plan: TrainingPlan) -> Markup:
        """The form, the way back, and what the last change did to the script."""
        undo = self.form.button("Undo the last change", "undo", quiet=True, off=not self._history)
        differ = settings.changed(plan, self._origin)
        words = f"Settings: changed {', '.join(differ)}" if differ else "Settings: as recommended"
        head = el("div", el("div", words, class_="sub grow", role="status"), undo, class_="settings-head")
        return join([settings.view(self.form, plan), head, self._changed])

    # ---- inside -------------------------------------------------------------------------------

    def _checked_data(self) -> ValidationReport:
        if self.data is None:
            raise PlanError("There is no checked dataset.", remedy="Check a dataset first.")
        data: ValidationReport = self.data
        return data

    def _plan(self) -> TrainingPlan:
        if self.result is None:
            raise PlanError("There is no plan to change.", remedy="Make a plan first.")
        plan: TrainingPlan = self.result
        return plan

    def _settled(self) -> TrainingPlan:
        """The plan, if a change of it would not throw away what a person wrote."""
        plan = self._plan()
        if self.script.unused(plan):
            raise PlanError("The script was edited and is not used yet.", remedy="Use it, or take the edit back first.")
        return plan

    @property
    def _origin(self) -> TrainingPlan:
        """The plan as it was recommended."""
        return self._made or self._plan()

    def _change(self, changes: dict[str, Any]) -> TrainingPlan:
        """What was touched and put back is the plan that was recommended, with all its reasons."""
        before = self._settled()
        plan = tried(before.replace(**changes).reasoned_from(self._origin))
        if plan != before:
            self._turn(plan)
        self._chosen |= {name: value for name, value in changes.items() if name in SETTINGS}
        if "flavor" in changes:
            self.values["flavor"] = plan.flavor
            self.request.show(plan)
        return plan

    def _turn(self, plan: TrainingPlan) -> None:
        """Accept a change, and remember how it was before."""
        self._history.keep((self._plan(), dict(self._chosen), self._asked))
        self._accept(plan)

    def _accept(self, plan: TrainingPlan) -> None:
        before = self.result
        changed = difference(before.recipe, plan.recipe) if before else None
        self._changed = fold("What changed in the script", changed) if changed else None
        wrong = {name: self.values[name] for name in self.errors}
        self.values |= settings.shown(plan)
        self.request.show(plan)
        self.values |= wrong  # what is not in the plan stays as it was typed, with its error
        self._asked = self.request.asked
        self.script.show(plan)
        self.sweeping.show(plan)
        self.clear_status()
        self.result = plan
        self._follow(plan)

    def _follow(self, plan: TrainingPlan) -> None:
        """The data are learned as the plan says."""
        report = plan.data.report
        if report is not None and self.data is not None and report.learned != self.data.learned:
            self.data = report

    def _ask_again(self) -> None:
        """Another goal, method or destination is another plan."""
        if self.result is not None:
            self.start(self._again, doing="Planning again")

    def _again(self) -> None:
        """What cannot be met does not stay beside a plan without it."""
        try:
            self._settled()
            self.plan()
        except PlanError:
            self.values |= self._asked
            raise

    def _typed(self, name: str, value: Any) -> None:
        self._edit(name, settings.read(name, value))

    def _edit(self, name: str, value: Any) -> None:
        """A field was changed: the plan follows, or the field says what is wrong with it."""
        if self.result is None:
            if name in SETTINGS:
                self._chosen[name] = value
            return
        try:
            if name == "where":
                self._change({"flavor": "local" if value == "local" else self._settled().on_jobs().flavor})
            else:
                self._change({"max_usd" if name == "other_usd" else name: value})
        except PlanError as error:
            known = SETTINGS.get(name)
            what = error.what.replace(name, known.label, 1) if known else error.what  # as the field is called
            self.errors[name] = f"{what} {error.remedy}"
