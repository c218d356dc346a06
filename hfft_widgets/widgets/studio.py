"""FineTuner: the four panels as one calm page, each step unlocked by the one before, the next action always in view."""

from __future__ import annotations

from collections.abc import Hashable
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from hfft_widgets.core.html import Markup, el, join
from hfft_widgets.core.run.stage import Stage
from hfft_widgets.core.units import duration_text, usd_text
from hfft_widgets.errors import PlanError
from hfft_widgets.widgets.ask import AskPart
from hfft_widgets.widgets.data import DatasetValidator
from hfft_widgets.widgets.export import GGUFExporter
from hfft_widgets.widgets.panel import Panel, report_errors
from hfft_widgets.widgets.plan import TrainingPlanner
from hfft_widgets.widgets.run import TrainingMonitor

if TYPE_CHECKING:
    from hfft_widgets.core.plan.plan import TrainingPlan


@dataclass(frozen=True)
class PageStep:
    """One step of the page.

    Attributes:
        name: Its title.
        question: What it answers, while it is not done.
        needs: What unlocks it.
        forward: The button of the step before that begins it.
    """

    name: str
    question: str
    needs: str = ""
    forward: str = ""


STEPS = (
    PageStep("Data", "Can this be trained on, and which rows hurt?"),
    PageStep("Plan", "What will run, and what does it take?", "Opens when the dataset is checked", "Make a plan"),
    PageStep("Run", "How is it going?", "Opens when there is a plan"),
    PageStep("Export", "How do I use it on my machine?", "Opens when a model is trained", "Export to GGUF"),
)
DATA, PLAN, RUN, EXPORT = range(4)


class FineTuner(Panel):
    """From a dataset to a model that answers on this machine, in four steps.

    Without arguments it takes the samples made from this machine's own Python documentation: no account, no network.

    Args:
        data: Whatever `hfft.validate` takes.
        model: Hub id or folder of the model that learns.
        where: "local" or "jobs", where it trains; left open for the plan if not given.
        max_usd: The most a run may cost; no limit if not given. The price is agreed to in any case.
        namespace: Who owns and pays jobs: the account, or an organization of it; the account if not given.
    """

    def __init__(
        self,
        data: Any = "sample:messages",
        model: Any = "sample:model",
        *,
        where: Literal["local", "jobs"] | None = None,
        max_usd: float | None = None,
        namespace: str = "",
    ) -> None:
        super().__init__()
        self.data = DatasetValidator(data, model=model)
        self.planner = TrainingPlanner(model=model)
        self.planner.request.begin(where, max_usd)
        self.monitor = TrainingMonitor()
        self.monitor.unused = lambda: self.planner.unused
        self.exporter = GGUFExporter()
        self.data.lengths.costs = self._costs
        for payer in (self.monitor, self.exporter, self.planner.sweeping, self.planner.trying):
            payer.namespace = namespace
        self.panels: tuple[Panel, ...] = (self.data, self.planner, self.monitor, self.exporter)
        for panel in self.panels:
            self.embed(panel)
            panel.observe(lambda _: self.refresh(), ["busy"])
        self.open = DATA
        self.can("open", self.open_step)
        self.can("forward", self.forward)
        self.can("lighten", self.lighten, doing="Planning with less memory")
        self.data.observe(self._checked, "result")
        self.planner.observe(self._planned, "result")
        self.planner.observe(self._taken, "data")
        self.monitor.observe(self._trained, "result")
        self.monitor.observe(self._started, ["run", "price"])  # a price is read where it is agreed to
        self.exporter.observe(lambda change: setattr(self, "result", change.new), "result")
        self.ask = AskPart(self)

    @property
    def embedded(self) -> list[Panel]:
        """The four panels."""
        return list(self.panels)

    def opened(self) -> None:
        """Each panel makes what it shows first; a run that is live is shown at once."""
        for panel in self.panels:
            panel.opened()
        if self.monitor.run is not None:
            self.open = RUN

    # ---- what a person does -------------------------------------------------------------------

    def open_step(self, step: int | str) -> None:
        """Open a step; the others become a line."""
        if self.unlocked(int(step)):
            self.open = int(step)
        self.refresh()

    def forward(self, step: int | str) -> None:
        """Begin the next step: a plan for the data on show, an export of the model that was trained."""
        self.open_step(step)
        if self.open == PLAN and self.planner.result is None:
            self.planner.start(self.planner.plan, doing="Planning")
        if self.open == EXPORT and self.exporter.result is None:
            self.exporter.begin()

    @report_errors
    def lighten(self) -> TrainingPlan:
        """Change the plan to take less memory, after a run that had too little; it can be started again then."""
        self.open = PLAN
        return self.planner.lighten()

    # ---- one step after the other -------------------------------------------------------------

    def _checked(self, change: Any) -> None:
        if change.new is not self.planner.data:
            self.planner.take(change.new, self.data.values["model"])

    def _taken(self, change: Any) -> None:
        """Data that were brought to the Hub, or are learned as a plan says, are the data from here on."""
        if change.new is not None and self.data.result not in (None, change.new):
            self.data.take(change.new)

    def _planned(self, change: Any) -> None:
        self.monitor.plan = change.new

    def _costs(self, tokens: int) -> str:
        """What the plan on show would take with another limit on tokens."""
        plan = self.planner.result
        if plan is None:
            return ""
        with suppress(PlanError):  # one whose script was edited keeps its limit
            now, then = _figures(plan), _figures(plan.replace(max_length=tokens))
            return f"With this limit {plan.title} would take about {then}{f' instead of {now}' if now != then else ''}."
        return ""

    def _started(self, change: Any) -> None:
        if change.new is not None:
            self.open_step(RUN)

    def _trained(self, change: Any) -> None:
        run = change.new
        self.exporter.source = run if _is_trained(run) else None

    def done(self, step: int) -> bool:
        """Whether a step has what the next one needs."""
        report = self.data.result
        return (
            report is not None and report.recommended is not None,
            self.planner.result is not None,
            self.exporter.source is not None,
            self.exporter.result is not None,
        )[step]

    def unlocked(self, step: int) -> bool:
        """Whether a step can be opened; earlier runs and exports can always be looked at."""
        earlier = {RUN: self.monitor.known, EXPORT: self.exporter.known}
        return step == DATA or self.done(step - 1) or bool(earlier.get(step))

    @property
    def short_of_memory(self) -> bool:
        """Whether the plan on show was run and had too little memory."""
        run = self.monitor.result
        if run is None or not self.monitor.runs_plan:
            return False
        return run.diagnosis is not None and bool(run.diagnosis.memory)

    # ---- how it looks -------------------------------------------------------------------------

    def _settled(self, number: int) -> bool:
        """Whether a step asks for nothing more: data that wait for a mapping are checked, but not ready."""
        return self.done(number) and (number != DATA or self.data.next_action() is None)

    def body(self) -> Markup:
        """The sentence that fills them in; the steps: one open, the others a line each."""
        steps = el("div", [self._step(number) for number in range(len(STEPS))], class_="hfft-steps", data_key="steps")
        closed = [panel for step, panel in ((RUN, self.monitor), (EXPORT, self.exporter)) if step != self.open]
        news = [panel.elsewhere.view() for panel in closed]
        return join([self.ask.view(), *news, steps])

    def _step(self, number: int) -> Markup:
        step, panel, open_ = STEPS[number], self.panels[number], number == self.open
        inside = el("div", panel.body(), class_="inside", data_key="inside") if open_ else None
        state = "done" if self._settled(number) else "" if self.unlocked(number) else "locked"
        return el(
            "section", self._head(number), inside, class_=f"hfft-step {state}".strip(), data_key=step.name,
            aria_label=step.name, aria_current="step" if open_ else None,
        )  # fmt: skip

    def _head(self, number: int) -> Markup:
        """A step in a line: what it came to, what it asks, or what it waits for."""
        step, done, open_ = STEPS[number], self.done(number), number == self.open
        came_to = self.panels[number].summary()
        line = (came_to or step.question) if self.unlocked(number) else step.needs
        words = "Change" if done else "Open"
        change = self.form.button(words, "open", value=number, quiet=True, label=f"{words} {step.name}", always=True)
        return el(
            "div", el("i", "✓" if self._settled(number) else str(number + 1), aria_hidden="true"),
            el("h2", step.name, data_key="name"),
            el("span", None if open_ and came_to else line, class_="line"),  # its card says it
            change if self.unlocked(number) and not open_ else None,
            class_="head", data_key="head",
        )  # fmt: skip

    def figures(self) -> list[Markup]:
        """Those of the step that is open; of the plan, once there is one."""
        own = self.panels[self.open].figures()
        return own or (self.planner.figures() if self.planner.result is not None else [])

    def next_action(self) -> Markup | None:
        """The open step's own next action, else the beginning of the next step."""
        own = self.panels[self.open].next_action()
        if self.open == RUN and self.short_of_memory:
            return self.form.button("Make the plan lighter", "lighten", primary=True)
        if self.open == RUN and not self.monitor.live and self.planner.unused:
            return self.form.button("To plan", "open", value=PLAN, primary=True, help_=f"{self.planner.unused[0]}.")
        if own is not None or not self.done(self.open) or self.open == EXPORT:
            return own
        after = self.open + 1
        words = (not self.done(after) and STEPS[after].forward) or f"To {STEPS[after].name.lower()}"
        if after == RUN and (start := self.monitor.next_action()) is not None:
            return start
        return self.form.button(words, "forward", value=after, primary=True)

    @property
    def status(self) -> Markup:
        """What is going on: of whichever panel is at work, else of the one that is open."""
        busy = next((panel for panel in self.panels if panel.busy), self.panels[self.open])
        return busy.status if self._status is None else super().status

    def reports(self) -> list[Markup]:
        """Each step with its card."""
        return [
            join([el("p", el("b", f"{number + 1} {step.name}"), " ", panel.summary() or step.needs), panel.report()])
            for number, (step, panel) in enumerate(zip(STEPS, self.panels, strict=True))
        ]

    def stage(self) -> Hashable:
        """Any panel's change of state is one."""
        return tuple(panel.stage() for panel in self.panels)


def _is_trained(run: Any) -> bool:
    return run is not None and run.kind == "training" and run.stage is Stage.COMPLETED


def _figures(plan: TrainingPlan) -> str:
    e = plan.estimate
    price = f" and {usd_text(e.usd.mid)}" if e.usd_per_hour else ""
    return f"{duration_text(e.seconds.mid)}{price}"
