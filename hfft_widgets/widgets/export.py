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
from hfft_widgets.widgets.panel import Card, shown
from hfft_widgets.widgets.paying import PayingPanel, lives

if TYPE_CHECKING:
    from hfft_widgets.core.export.plan import ExportPlan
    from hfft_widgets.core.run.events import Event
    from hfft_widgets.jobs.following import Follower
    from hfft_widgets.jobs.run import Run

LOCAL = "local"
PLACES = (
    ("this machine", LOCAL),
    ("Hugging Face Jobs, cpu-basic (16 GB)", "cpu-basic"),
    ("Hugging Face Jobs, cpu-upgrade (32 GB)", "cpu-upgrade"),
    ("Hugging Face Jobs, cpu-xl (124 GB)", "cpu-xl"),
)
QUANTIZATIONS = ("Q4_K_M", "Q5_K_M", "Q6_K", "Q8_0", "F16")


class GGUFExporter(PayingPanel):
    """Answers: how do I use the trained model on my machine?

    `result` is the export's Run once the file is verified. A model on the Hub can be exported by a job, which puts the
    file on the Hub too; its price is looked at first.

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
        self.where = W.Dropdown(
            options=PLACES, description="Where", layout=W.Layout(width="340px"), style={"description_width": "70px"}
        )
        self.push_to = W.Text(
            description="Push to", placeholder="you/a-new-name-GGUF, or nothing", continuous_update=False,
            style={"description_width": "70px"}, layout=W.Layout(width="340px"),
        )  # fmt: skip
        self.where.observe(lambda _: self._placed(), "value")
        for wish in (self.quantization, self.where, self.push_to, self.folder):
            wish.observe(lambda _: self.forget_price(), "value")
        self.cancel_button = W.Button(description="Stop", layout=W.Layout(width="auto", height="32px", display="none"))
        self.cancel_button.on_click(lambda _: self.start(self.cancel, doing="Stopping the export"))
        self.log_view = W.HTML()
        row = W.Layout(flex_flow="row wrap")
        self.top.children = (
            self.folder,
            W.HBox([self.quantization, self.where, self.push_to], layout=row),
            W.HBox([self.export_button, self.cancel_button, self.earlier], layout=row),
            self.paying,
        )
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
        self.plan = api.plan_export(
            source,
            quantization=self.quantization.value,
            flavor=self.where.value,
            push_to=self.push_to.value.strip() or None,
        )
        self.card.show(self.plan._repr_html_())
        return self.plan

    @shown
    def export(self) -> Run:
        """Merge, convert, quantize and verify on this machine; returns the run at once (a job: `look`, `pay`)."""
        if self.where.value != LOCAL:
            return self.pay()
        return self.started(api.launch(self.make_plan(), on="local"))

    def plan_to_pay(self) -> ExportPlan:
        """The plan that would be started."""
        return self.make_plan()

    def started(self, run: Run) -> Run:
        """Watch an export that was started."""
        return self.watch(run)

    @shown
    def watch(self, run: Run | str) -> Run:
        """Show an export's run, live or finished, from this or another kernel or machine."""
        from hfft_widgets.jobs.following import Follower

        run = api.attach(run) if isinstance(run, str) else run
        if run.kind != "export":
            raise ExportError(f"{run.id} is no export.", remedy="Watch it with hfft.TrainingMonitor.")
        if self._follower:
            self._follower.stop()
        self.answer.show(el("span"))
        self.result = None
        self.run = run
        self.cancel_button.layout.display = ""
        self._follower = Follower(run, self._updated).start()
        return run

    @shown
    def opened(self) -> None:
        """Show the export that is live, if there is one (a restarted kernel finds it so), and list earlier ones."""
        live = [run for run in self.list_earlier("export") if lives(run)]
        if live and self.run is None:
            self.watch(live[0])

    @shown
    def cancel(self) -> None:
        """Stop the export; no half-made file stays."""
        if self.run is not None:
            self.run.cancel()

    def _placed(self) -> None:
        """A job's file goes to the Hub; only this machine can start without a price."""
        here = self.where.value == LOCAL
        self.export_button.layout.display = "" if here else "none"
        self.offer_price(not here)

    def _sourced(self, change: Any) -> None:
        self.forget_price()
        pushed = None if change.new is None or isinstance(change.new, (str, Path)) else change.new.plan.get("push_to")
        if pushed:  # what was trained to the Hub
            self.push_to.value = f"{pushed}-GGUF"
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
        if not run.complete:
            self.say("run", "It has ended; its last lines are being read")
        elif stage is Stage.COMPLETED:
            self._show_answer(run)
        else:
            self.show_error(
                ExportError(run.error or f"The export ended as {stage}.", remedy="See what it printed, below.")
            )

    def _show_answer(self, run: Run) -> None:
        from hfft_widgets.core.export.views import export_result_html

        verified = dict(run.journal.data("verified"))
        path = str(verified.get("repo") or verified.get("file") or run.output or "")
        self.answer.show(export_result_html(dict(run.plan), verified, path))
        self.clear_status()
        self.result = run
