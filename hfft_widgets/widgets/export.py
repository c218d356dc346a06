"""GGUFExporter: from a trained model to one file that answers, verified."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import ipywidgets as W  # noqa: N812
import traitlets as T  # noqa: N812

from hfft_widgets import api
from hfft_widgets.core.html import el, fold
from hfft_widgets.core.run.stage import Stage
from hfft_widgets.errors import ExportError
from hfft_widgets.widgets.panel import Card, Panel, shown

if TYPE_CHECKING:
    from hfft_widgets.core.export.plan import ExportPlan
    from hfft_widgets.core.run.events import Event
    from hfft_widgets.jobs.following import Follower
    from hfft_widgets.jobs.run import Run

QUANTIZATIONS = ("Q4_K_M", "Q5_K_M", "Q6_K", "Q8_0", "F16")


class GGUFExporter(Panel):
    """Answers: how do I use the trained model on my machine?

    `result` is the export's Run once the file is verified.

    Args:
        source: A finished training run, a model folder, or a Hub id.
    """

    source = T.Any(None, allow_none=True)

    def __init__(self, source: Run | str | Path | None = None) -> None:
        self.answer = Card()
        super().__init__()
        self.quantization = W.Dropdown(
            options=QUANTIZATIONS,
            description="Quantize",
            layout=W.Layout(width="220px"),
            style={"description_width": "70px"},
        )
        self.folder = W.Text(
            description="Model",
            layout=W.Layout(width="100%", max_width="860px"),
            continuous_update=False,
            style={"description_width": "70px"},
            placeholder="a model or adapter folder",
        )
        self.export_button = self.button(
            "Export to GGUF", self.export, doing="Starting the export", primary=True, icon="cube"
        )
        self.cancel_button = W.Button(description="Stop", layout=W.Layout(width="auto", height="32px", display="none"))
        self.cancel_button.on_click(lambda _: self.start(self.cancel, doing="Stopping the export"))
        self.log_view = W.HTML()
        self.top.children = (self.folder, W.HBox([self.quantization, self.export_button, self.cancel_button]))
        self.bottom.children = (self.log_view,)
        self.plan: ExportPlan | None = None
        self.run: Run | None = None
        self._follower: Follower | None = None
        self.observe(self._sourced, "source")
        self.source = source

    def parts(self) -> list[Any]:
        """The plan's card, then the answer's, then the log."""
        return [self._vars, self.top, self.status, self.card, self.answer, self.bottom]

    @shown
    def make_plan(self) -> ExportPlan:
        """Plan the export of the source and show it."""
        source = self.source if self.source is not None else self.folder.value.strip()
        if not source:
            raise ExportError("There is no model to export.", remedy="Train one first, or give its folder.")
        self.plan = api.plan_export(source, quantization=self.quantization.value)
        self.card.show(self.plan._repr_html_())
        return self.plan

    @shown
    def export(self) -> Run:
        """Merge, convert, quantize and verify on this machine; returns the run at once."""
        plan = self.make_plan()
        self.answer.show(el("span"))
        self.result = None
        return self.watch(api.launch(plan, on="local"))

    @shown
    def watch(self, run: Run) -> Run:
        """Show an export's run, live or finished."""
        from hfft_widgets.jobs.following import Follower

        if self._follower:
            self._follower.stop()
        self.run = run
        self.cancel_button.layout.display = ""
        self._follower = Follower(run, self._updated).start()
        return run

    @shown
    def cancel(self) -> None:
        """Stop the export; no half-made file stays."""
        if self.run is not None:
            self.run.cancel()

    def _sourced(self, change: Any) -> None:
        typed = change.new is None or isinstance(change.new, (str, Path))
        self.folder.layout.display = "" if typed else "none"
        if isinstance(change.new, (str, Path)):
            self.folder.value = str(change.new)

    # ---- in the follower's thread ---------------------------------------------------------------

    def _updated(self, _events: list[Event]) -> None:
        try:
            self._show()
        except Exception as error:  # noqa: BLE001 - a thread has nobody to raise to: the panel shows it
            self.show_error(error)

    def _show(self) -> None:
        run = self.run
        if run is None:
            return
        self.log_view.value = el(
            "div", fold("What it printed", el("pre", run.log[-6000:] or "nothing yet")), class_="hfft-line hfft-vars"
        )
        stage = run.stage
        if not stage.final:
            step = run.journal.data("progress")
            self.say("run", f"{float(step.get('fraction') or 0):.0%} {step.get('message') or 'Starting'}")
            return
        self.cancel_button.layout.display = "none"
        if stage is Stage.COMPLETED:
            self._show_answer(run)
        else:
            self.show_error(
                ExportError(run.error or f"The export ended as {stage}.", remedy="See what it printed, below.")
            )

    def _show_answer(self, run: Run) -> None:
        from hfft_widgets.core.export.views import export_result_html

        verified = dict(run.journal.data("verified"))
        path = str(verified.get("file") or run.output or "")
        self.answer.show(export_result_html(dict(run.plan), verified, path))
        self.clear_status()
        self.result = run
