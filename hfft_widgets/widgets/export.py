"""GGUFExporter: from a trained model to one file that answers, verified."""

from __future__ import annotations

import time
from collections.abc import Hashable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import traitlets as T  # noqa: N812

from hfft_widgets import api, choices, hosts
from hfft_widgets.cards import export as card
from hfft_widgets.cards.parts import age, fold, icon
from hfft_widgets.core.html import Markup, el, join
from hfft_widgets.core.run.stage import Stage
from hfft_widgets.errors import ExistingRepositoryError, ExportError, HubError, LaunchError, ModelError
from hfft_widgets.widgets.billing import BillingPanel, is_paid
from hfft_widgets.widgets.form import actions, fields
from hfft_widgets.widgets.log import LogPart
from hfft_widgets.widgets.names import Names
from hfft_widgets.widgets.panel import report_errors

if TYPE_CHECKING:
    from hfft_widgets.core.export.plan import ExportPlan
    from hfft_widgets.core.run.events import Event
    from hfft_widgets.jobs.follower import Follower
    from hfft_widgets.jobs.run import Run

LOCAL = "local"
_BASE = "The very base model, whole and not quantized. Only needed where the model names none that is found."


class GGUFExporter(BillingPanel):
    """Answers: how do I use the trained model on my machine?

    `result` is the export's Run once the file is verified. A model on the Hub can be exported by a job, which puts the
    file on the Hub too; its price is looked at first.

    Args:
        source: A finished training run, a model folder, or a Hub id.
    """

    title = "Export"
    run_kind = "export"
    source = T.Any(None, allow_none=True)

    def __init__(self, source: Run | str | Path | None = None) -> None:
        super().__init__()
        self.plan: ExportPlan | None = None
        self.run: Run | None = None
        self.failed: Run | None = None  # the last one, where it came to no file
        self._follower: Follower | None = None
        self.log = LogPart(self)
        self.choices = choices.plan_choices("export")
        self.has("quantization", self.choices["quantization"][0][1], lambda _: self._changed())
        self.has("also", "", lambda _: self._changed())
        self.has("base", "", lambda _: self._changed())
        self.has("where", LOCAL, lambda _: self._changed())
        self.has("push_to", "", lambda _: self._changed())
        self.has("model", "", lambda _: self._changed())
        self.models = Names(self, "model")
        self.has("program", "llama.cpp")
        self.text_only = False
        self.can("text_only", self.export_text_only, doing="Starting the export")
        self.can("export", self.export, doing="Starting the export")
        self.can("into_existing", partial(self.export, into_existing=True), doing="Starting the export")
        self.can("here", self.export_here, doing="Starting the export")
        self.can("cancel", self.cancel, doing="Stopping the export")
        self.can("resume", self.resume, doing="Starting the export")
        self.observe(self._sourced, "source")
        self.source = source

    # ---- what a person can do -----------------------------------------------------------------

    def begin(self) -> None:
        """What the button of the step before does: export here at once, or look at the price."""
        if is_paid(self.values["where"]):
            self.start(self.look, doing="Asking the Hub")
        else:
            self.start(self.export, doing="Starting the export")

    @report_errors
    def make_plan(self) -> ExportPlan:
        """Plan the export of the source and show it."""
        typed = self.source is None or isinstance(self.source, (str, Path))  # then the field holds it
        source = str(self.values["model"]).strip() if typed else self.source
        if not source:
            raise ExportError("There is no model to export.", remedy="Train one first, or give its folder.")
        self.errors.clear()
        try:
            self.plan = api.plan_export(
                source,
                quantization=[name for name in (self.values["quantization"], self.values["also"]) if name],
                base=str(self.values["base"]).strip() or None,
                flavor=self.values["where"],
                push_to=self.push_to or None,
                text_only=self.text_only,
            )
        except (ModelError, HubError) as error:
            if typed:
                self.errors["model"] = str(error)
            raise
        return self.plan

    def show_error(self, error: Exception) -> None:
        """An error that stands under its field is only pointed at here."""
        if self.errors.get("model") != str(error):
            return super().show_error(error)
        self.error = error
        return self.set_status("bad", "Not planned: see “Model” above.")

    @report_errors
    def export(self, *, into_existing: bool = False) -> Run:
        """Merge, convert, quantize and verify on this machine; returns the run at once (a job: `look`, `pay`).

        Args:
            into_existing: Whether the file may go into a repository that exists. Nothing there is replaced.
        """
        if is_paid(self.values["where"]):
            paid: Run = self.pay()
            return paid
        return self.started(api.launch(self.make_plan(), into_existing=into_existing))

    def export_here(self) -> Run:
        """Export on this machine, whatever was chosen before."""
        self.values["where"] = LOCAL
        self._changed()
        return self.export()

    def export_text_only(self) -> Run:
        """Export the language model alone of a model that reads pictures."""
        self.text_only = True
        return self.export()

    def result_name(self) -> str:
        """E.g. "tiny-llama-SFT-GGUF"."""
        return f"{self.make_plan().name}-GGUF"

    def plan_to_pay(self) -> ExportPlan:
        """The plan that would be started."""
        return self.make_plan()

    def started(self, run: Run) -> Run:
        """Watch an export that was started."""
        return self.watch(run)

    @report_errors
    def watch(self, run: Run | str) -> Run:
        """Show an export's run, live or finished, from this or another kernel or machine."""
        from hfft_widgets.jobs.follower import Follower

        run = api.attach(run) if isinstance(run, str) else run
        if run.kind != "export":
            raise ExportError(f"{run.id} is no export.", remedy="Watch it with hfft.TrainingMonitor.")
        if self._follower:
            self._follower.stop()
        self.result = self.failed = None
        self.run = run
        self._follower = Follower(run, hosts.telling(self._updated)).start()
        return run

    @report_errors
    def opened(self) -> None:
        """Show the export that is live, if there is one (a restarted kernel finds it so), and list earlier ones."""
        self.models.suggest()
        super().opened()

    @report_errors
    def cancel(self) -> None:
        """Stop the export; no half-made file stays."""
        if self.run is not None:
            self.run.cancel()

    @report_errors
    def resume(self) -> Run:
        """Let the export on show, which was killed, go on from what it had finished: the same run."""
        if self.failed is None:
            raise ExportError("No export is on show that ended early.", remedy="Start one.")
        run: Run = self.failed.resume()
        return self.watch(run)

    # ---- how it looks -------------------------------------------------------------------------

    @property
    def live(self) -> bool:
        """Whether an export is on show that has not ended."""
        return self.run is not None and not self.run.stage.final

    def body(self) -> Markup:
        """The answer first, once there is one; then what was planned, and what can be chosen."""
        if self.live:
            return join([self.elsewhere.view(), self._running(), self._log()])
        shown = (self._answer(), self._failure(), self._choices(), self.price_view(), self._plan_card())
        return join([self.elsewhere.view(), *shown, self._log(), self.past_view()])

    def report(self) -> Markup:
        """The cards of plan and answer."""
        running = self._running(ticks=False) if self.live else None
        return join([self._plan_card(), running, self._failure(), self._answer(live=False)])

    def summary(self) -> str:
        """E.g. "tiny-llama-SFT-Q4_K_M.gguf, verified in llama.cpp"."""
        if self.result is None:
            return ""
        return f"{self.result.plan.get('file_name', 'the file')}, {self._standing(self.result)[1]}"

    def figures(self) -> list[Markup]:
        """How far it is, or how large the file will be."""
        if self.live and self.run is not None:
            doing = self.run.journal.data("progress")
            fraction = float(doing.get("fraction") or 0)
            return [el("span", el("b", f"{fraction:.0%}")), el("span", card.doing_words(doing))]
        if self.result is not None:
            status, words = self._standing(self.result)
            return [el("span", icon(status), " ", el("b", words.capitalize()))]
        if self.failed is not None:
            return [el("span", icon("bad"), " ", el("b", "Not exported"))]
        return [card.short_figures(self.plan.to_dict())] if self.plan is not None else []

    @staticmethod
    def _standing(run: Run) -> tuple[Literal["ok", "warn"], str]:
        from hfft_widgets.core.export.proof import standing

        return standing(run.journal.data("verified"))

    def next_action(self) -> Markup | None:
        """Export; while it runs, stop."""
        if self.live:
            return self.form.button("Stop the export", "cancel")
        if self.source is None and not str(self.values["model"]).strip():
            return None
        if self.failed is not None and self.failed.checkpoint_step is not None:
            return self.form.button("Go on from what it had finished", "resume", primary=True)
        if is_paid(self.values["where"]):
            return self.pay_action()
        words = "Export to GGUF" if self.result is None else "Export again"
        return self.form.button(words, "export", primary=self.result is None)

    def stage(self) -> Hashable:
        """An export's own stage is one."""
        return super().stage(), self.run and (self.run.id, self.run.stage)

    def _choices(self) -> Markup:
        form, paid = self.form, is_paid(self.values["where"])
        typed = self.source is None or isinstance(self.source, (str, Path))
        hint = "a model or adapter folder, or a Hub id"
        model = form.text("model", "Model", wide=True, hint=hint, suggestions=self.models.offered)
        # the remedy for a model that is only here
        here = form.button("Export on this machine instead", "here") if isinstance(self.error, LaunchError) else None
        alone = None
        if isinstance(self.error, ExportError) and "text_only=True" in self.error.remedy:
            alone = form.button("Export its language model alone", "text_only")
        beside = None
        if isinstance(self.error, ExistingRepositoryError):
            beside = form.button(f"Put it into {self.push_to} all the same", "into_existing")
        chosen = fields(
            model if typed else None,
            form.choice("quantization", "Quantization", self.choices["quantization"]),
            form.choice("also", "And beside it", [("no other file", ""), *self.choices["quantization"]]),
            form.choice("where", "Where", self.choices["flavor"]),
            form.text("base", "What it was trained on", hint="found by itself; or a folder or Hub id", help_=_BASE),
            form.text("push_to", "Hub repository for the file", hint="you/a-new-name-GGUF" if paid else "none"),
        )
        shown = fold("Another quantization, machine or repository", chosen) if self.result is not None else chosen
        remedies = [button for button in (here if paid else None, alone, beside) if button]
        return el("div", shown, actions(*remedies) if remedies else None, data_key="choices")

    def _plan_card(self) -> Markup | None:
        shown = self.plan is not None and self.result is None and self.failed is None and not self.live
        return el("div", Markup(self.plan.to_html()), data_key="plan") if shown and self.plan else None

    def _running(self, *, ticks: bool = True) -> Markup | None:
        from hfft_widgets.core.export.plan import ExportPlan

        if self.run is None:
            return None
        status, doing = self.run.status, self.run.journal.data("progress")
        steps = list(ExportPlan.from_dict(self.run.plan).step_seconds)
        since = status.started or status.created
        gone = age(time.time() - since, since if ticks else None)
        shown = card.running_html(self.run.title, self.run.id, gone, steps, doing)
        return el("div", shown, data_key="running")

    def _answer(self, *, live: bool = True) -> Markup | None:
        if self.result is None:
            return None
        from hfft_widgets.core.export.plan import ExportPlan

        verified = dict(self.result.journal.data("verified"))
        path = str(verified.get("repo") or verified.get("file") or self.result.output or "")
        export = ExportPlan.from_dict(self.result.plan).finished(verified, path)
        use = self._use(export["commands"]) if live else None
        return el("div", card.result_html(export, use=use, answers=self._answers()), data_key="answer")

    def _failure(self) -> Markup | None:
        if self.failed is None or self.live:
            return None
        run = self.failed
        error = _ending(run)
        more = " ".join(filter(None, (error.why, error.remedy)))
        stopped = run.stage is Stage.CANCELED
        shown = card.failed_html(run.title, run.id, error.what, more, stopped=stopped)
        return el("div", shown, data_key="failure")

    def _use(self, commands: dict[str, str]) -> Markup:
        """The programs as tabs."""
        programs = [(program, program) for program in commands]
        lines = commands.get(str(self.values["program"]), next(iter(commands.values())))
        return el("div", self.form.segments("program", "Use it in", programs), card.command_view(lines), class_="use")

    def _answers(self) -> dict[str, Any] | None:
        """What the trained model answered, where the export is of a run."""
        journal = getattr(self.source, "journal", None)
        return dict(journal.data("answers")) if journal is not None else None

    def _log(self) -> Markup | None:
        return self.log.view(self.run.log) if self.run is not None else None

    # ---- inside -------------------------------------------------------------------------------

    def _changed(self) -> None:
        """Another plan: the one on show, its price, and how the last one ended are no longer asked for."""
        self.forget_price()
        self.plan = self.failed = None

    def _sourced(self, change: Any) -> None:
        self._changed()
        self.text_only = False
        pushed = None if change.new is None or isinstance(change.new, (str, Path)) else change.new.plan.get("push_to")
        if pushed:  # what was trained to the Hub
            self.values["push_to"] = f"{pushed}-GGUF"
        if isinstance(change.new, (str, Path)):
            self.values["model"] = str(change.new)
        self.refresh()

    def _updated(self, _events: list[Event]) -> None:
        try:
            self._show()
        except Exception as error:  # noqa: BLE001 - a thread has nobody to raise to: the panel shows it
            self.show_error(error)

    def _show(self) -> None:
        run = self.run
        if run is None:
            return None
        stage = run.stage
        if not stage.final:
            return self.clear_status()
        if not run.complete:
            return self.set_status("run", "It has ended; its last lines are being read")
        if stage is Stage.COMPLETED:
            self.list_earlier()
            self.clear_status()
            self.result = run
            return self.refresh()
        self.clear_status()
        self.error = _ending(run)
        self.failed = run  # the card says it
        return self.refresh()


def _ending(run: Run) -> ExportError:
    """Why there is no file."""
    found = run.diagnosis
    if found is None:
        return ExportError(f"The export ended as {run.stage}.", remedy="See what it printed.")
    return ExportError(found.cause, why=found.evidence, remedy=found.remedy)
