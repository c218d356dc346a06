"""FineTuner: the four panels joined, each step unlocked by the one before."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ipywidgets as W  # noqa: N812
import traitlets as T  # noqa: N812

from hfft_widgets.core.html import el
from hfft_widgets.core.run.stage import Stage
from hfft_widgets.widgets.data import DatasetValidator
from hfft_widgets.widgets.export import GGUFExporter
from hfft_widgets.widgets.panel import Card, Panel, shown
from hfft_widgets.widgets.plan import TrainingPlanner
from hfft_widgets.widgets.run import TrainingMonitor

if TYPE_CHECKING:
    from hfft_widgets.core.plan.training import TrainingPlan

STEPS = (
    ("Data", "Can this be trained on, and which rows hurt?"),
    ("Plan", "What will run, and what does it take?"),
    ("Run", "How is it going?"),
    ("Export", "How do I use it on my machine?"),
)


class FineTuner(Panel):
    """From a dataset to a model that answers on this machine, in four steps.

    Without arguments it takes the samples made from this machine's own Python documentation: no account, no network.

    Args:
        data: Whatever `hfft.validate` takes.
        model: Hub id or folder of the model that learns.
    """

    def __init__(self, data: Any = "sample:messages", model: Any = "sample:model") -> None:
        self.data = DatasetValidator(data, model=model)
        self.planner = TrainingPlanner(model=model)
        self.monitor = TrainingMonitor()
        self.exporter = GGUFExporter()
        self.panels: tuple[Panel, ...] = (self.data, self.planner, self.monitor, self.exporter)
        self.heads = tuple(W.HTML() for _ in STEPS)
        self.failed = W.HBox()
        super().__init__()
        self.lighter_button = self.button(
            "Make the plan lighter", self.lighten, doing="Planning with less memory", icon="magic",
            tooltip="The least change that takes less memory; the plan shows it, and it can be undone there",
        )  # fmt: skip
        self.failed.children = (self.lighter_button,)
        self.planner.wishes.model.layout.display = "none"  # the data step asks for it
        self.exporter.folder.layout.display = "none"
        T.dlink((self.data.model, "value"), (self.planner.wishes.model, "value"))
        self.data.observe(self._checked, "result")
        self.planner.observe(self._planned, "result")
        self.monitor.observe(self._trained, "result")
        self.exporter.observe(lambda _: self._mark(), "result")
        self.monitor.observe(lambda _: self._mark(), "run")
        self._mark()

    def parts(self) -> list[W.Widget | Card]:
        """Each step's head, then its panel's own parts."""
        pieces: list[W.Widget | Card] = [self._vars]
        for head, panel in zip(self.heads, self.panels, strict=True):
            pieces += [head, *panel.parts()[1:]]
            if panel is self.monitor:
                pieces.append(self.failed)
        return pieces

    def opened(self) -> None:
        """Each panel makes what it shows first."""
        for panel in self.panels:
            panel.opened()
        self._mark()

    @shown
    def lighten(self) -> TrainingPlan:
        """Change the plan to take less memory, after a run that had too little; it can be started again then."""
        return self.planner.lighten()

    def _checked(self, change: Any) -> None:
        self.planner.report = change.new
        self._mark()

    def _planned(self, change: Any) -> None:
        self.monitor.plan = change.new
        self._mark()

    def _short_of_memory(self) -> bool:
        """Whether the plan on show was run and had too little memory."""
        run, plan = self.monitor.result, self.planner.result
        if run is None or plan is None or run.fingerprint != plan.fingerprint:
            return False
        return run.diagnosis is not None and run.diagnosis.memory

    def _trained(self, change: Any) -> None:
        run = change.new
        self.exporter.source = run if _trained(run) else None
        self.exporter.folder.layout.display = "none"
        self._mark()

    def _mark(self) -> None:
        """Show which steps are done, and unlock the next."""
        done = (
            self.data.result is not None,
            self.planner.result is not None,
            self.exporter.source is not None,
            self.exporter.result is not None,
        )
        earlier = self.monitor.run is not None or len(self.monitor.earlier.options) > 1
        exported = len(self.exporter.earlier.options) > 1
        open_ = (True, done[0], done[1] or earlier, done[2] or exported)
        for index, (head, panel) in enumerate(zip(self.heads, self.panels, strict=True)):
            head.value = _head(index, done=done[index], unlocked=open_[index])
            panel.top.layout.display = "" if open_[index] else "none"
            panel.bottom.layout.display = "" if open_[index] else "none"
        self.lighter_button.layout.display = "" if self._short_of_memory() else "none"
        self.result = self.exporter.result


def _trained(run: Any) -> bool:
    return run is not None and run.kind == "training" and run.stage is Stage.COMPLETED


def _head(index: int, *, done: bool, unlocked: bool) -> str:
    name, question = STEPS[index]
    number = el("i", "✓" if done else str(index + 1))
    hint = question if unlocked else f"after step {index}"
    return el(
        "div",
        number,
        el("span", name, " ", el("small", hint)),
        class_="hfft-step hfft-vars " + ("done" if done else "" if unlocked else "locked"),
    )
