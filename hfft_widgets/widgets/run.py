"""TrainingMonitor: start a plan and watch it; it lives on while cells run, and finds a run of an earlier kernel.

A plan for this machine starts with one click; one for Hugging Face Jobs after its price was looked at.
"""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING

import ipywidgets as W  # noqa: N812
import traitlets as T  # noqa: N812

from hfft_widgets import api
from hfft_widgets.core.html import el, fold
from hfft_widgets.core.units import bytes_text, plural
from hfft_widgets.errors import HubError, RunError
from hfft_widgets.widgets.live_plot import LivePlot
from hfft_widgets.widgets.panel import folded, shown
from hfft_widgets.widgets.paying import PayingPanel, lives, needs_pay

if TYPE_CHECKING:
    from hfft_widgets.core.plan.training import TrainingPlan
    from hfft_widgets.core.run.events import Event
    from hfft_widgets.core.run.views import RunView
    from hfft_widgets.hub.repos import Pushed
    from hfft_widgets.jobs.following import Follower
    from hfft_widgets.jobs.run import Run

LOG_LINES = 40
PUSHED_SECONDS = 20.0  # between two looks at what a run put on the Hub
# the curves that are drawn, by plot; a method shows those it has
LOSS = ("loss", "eval_loss", "reward", "eval_reward", "rewards/accuracies", "rewards/margins")
STEERING = ("learning_rate", "grad_norm")
FIRST = ("loss", "learning_rate")


class TrainingMonitor(PayingPanel):
    """Answers: how is it going, what went wrong, what now?

    Args:
        source: A Run, a run's id, or a plan that is to be started; None shows the runs known here.
    """

    run = T.Any(None, allow_none=True)
    plan = T.Any(None, allow_none=True)

    def __init__(self, source: Run | TrainingPlan | str | None = None) -> None:
        super().__init__()
        self.start_button = self.button(
            "Train on this machine", self.launch, doing="Starting", primary=True, icon="play"
        )
        self.cancel_button = W.Button(
            description="Cancel the run", icon="stop", layout=W.Layout(width="auto", height="32px")
        )
        self.cancel_button.on_click(lambda _: self._cancelling())
        self.check_button = self.button("Check again", self.check, doing="Looking for the job", icon="refresh")
        buttons = [self.start_button, self.cancel_button, self.check_button, self.earlier]
        self.top.children = (W.HBox(buttons, layout=W.Layout(flex_flow="row wrap")), self.paying)
        self.losses = LivePlot(title="Loss", y_title="loss", height=300)
        self.steering = LivePlot(title="Learning rate and gradient norm", y_title="", height=220, y_log=True)
        self.log_view = W.HTML()
        self.curves = W.VBox([self.losses, folded("Learning rate and gradient norm", self.steering)])
        self.curves.layout.max_width = "862px"
        self.curves.layout.display = "none"
        self.bottom.children = (self.curves, self.log_view)
        self._follower: Follower | None = None
        self._drawn = 0  # the run's revision that the curves show
        self._pushed: Pushed | None = None
        self._asked_pushed = float("-inf")
        if hasattr(source, "replace") and not isinstance(source, str):
            self.plan = source
        elif source is not None:
            self.watch(source)
        self._show_buttons()
        self.observe(lambda _: self._show_buttons(), ["run", "plan", "result"])
        self.observe(lambda _: self.forget_price(), "plan")

    @shown
    def launch(self) -> Run:
        """Start the plan where it says and watch it; a job only at a price that was looked at, see `look` and `pay`."""
        if needs_pay(self.plan_to_pay()):
            return self.pay()
        run = api.launch(self.plan, on="local")
        self.watch(run)
        return run

    def plan_to_pay(self) -> TrainingPlan:
        """The plan that would be started."""
        if self.plan is None:
            raise RunError("There is no plan to run.", remedy="Make a plan first.")
        plan: TrainingPlan = self.plan
        return plan

    def started(self, run: Run) -> Run:
        """Watch a job that was started."""
        self.watch(run)
        return run

    @shown
    def watch(self, run: Run | str) -> Run:
        """Show a run, live or finished, from its first point on."""
        from hfft_widgets.jobs.following import Follower

        # a Run of its own: who else looks at the given one would take events away
        found = api.attach(run if isinstance(run, str) else run.id)
        if self._follower:
            self._follower.stop()
        self.losses.clear()
        self.steering.clear()
        self.result = None
        self._pushed, self._asked_pushed = None, float("-inf")
        self.run = found
        self.curves.layout.display = ""
        found.refresh()
        self._drawn = found.revision
        self._draw_all(found)
        self._show(found)
        self._follower = Follower(found, self._updated).start()
        return found

    @shown
    def cancel(self) -> Run:
        """Stop the run: it saves a checkpoint and ends, with everything it started."""
        if self.run is None:
            raise RunError("There is no run to cancel.", remedy="Start or pick one first.")
        self.run.cancel()
        self._show(self.run)
        return self.run

    @shown
    def check(self) -> Run:
        """Look again whether a launch that was not answered took effect."""
        if self.run is None:
            raise RunError("There is no run to check.", remedy="Start or pick one first.")
        self.run.refresh()
        self._show(self.run)
        if not self.run.status.unconfirmed:
            self.clear_status()
        else:
            self.say("wait", "The Hub still does not show it. Nothing was started a second time.")
        return self.run

    def _cancelling(self) -> None:
        self.cancel_button.disabled = True
        self.start(self.cancel, doing="Stopping: it finishes its step and saves")

    # ---- in the follower's thread --------------------------------------------------------------

    def _updated(self, events: list[Event]) -> None:
        try:
            run = self._follower.run if self._follower else self.run
            if run is not self.run:
                return
            if run.revision != self._drawn:  # older points came: they go before those that are drawn
                self._drawn = run.revision
                self._draw_all(run)
            for event in events:
                self._draw(event)
            self._show(run)
        except Exception as error:  # noqa: BLE001 - a thread has nobody to raise to: the panel shows it
            self.show_error(error)

    def _draw_all(self, run: Run) -> None:
        for plot, names in ((self.losses, LOSS), (self.steering, STEERING)):
            for name in names:
                points = run.history.get(name, ())
                if points or name in FIRST:  # the first curve has the first colour, whatever is told first
                    plot.replace(name, [p.step for p in points], [p.value for p in points])

    def _draw(self, event: Event) -> None:
        if event.step is None:
            return
        for plot, names in ((self.losses, LOSS), (self.steering, STEERING)):
            for name in names:
                value = event.metrics.get(name)
                if value is not None:
                    plot.append(name, event.step, value)

    def _show(self, run: Run) -> None:
        from hfft_widgets.core.run.views import run_html

        stage = run.stage
        self._look_at_pushed(run)
        self.card.show(run_html(view_of(run, self._pushed)))
        self.check_button.layout.display = "" if run.status.unconfirmed else "none"
        log = "\n".join(run.log.splitlines()[-LOG_LINES:])
        self.log_view.value = el(
            "div", fold("What it printed", el("pre", log or "nothing yet")), class_="hfft-line hfft-vars"
        )
        if stage.final and run.complete and self.result is not run:
            self.losses.flush()
            self.steering.flush()
            self.clear_status()
            self.result = run

    def _look_at_pushed(self, run: Run) -> None:
        """Now and then, and at the end: it is a question to the Hub each time."""
        final = run.complete and self.result is not run
        if final or time.monotonic() - self._asked_pushed > PUSHED_SECONDS:
            self._asked_pushed = time.monotonic()
            with contextlib.suppress(HubError):  # as before
                self._pushed = run.pushed

    # ---- controls -------------------------------------------------------------------------------

    def _show_buttons(self) -> None:
        live = self.run is not None and self.result is None
        ready = self.plan is not None and not live
        self.start_button.layout.display = "" if ready and not needs_pay(self.plan) else "none"
        self.offer_price(ready and needs_pay(self.plan))
        self.cancel_button.layout.display = "" if live else "none"
        if not live:
            self.check_button.layout.display = "none"
        self.cancel_button.disabled = False

    def _ipython_display_(self) -> None:
        super()._ipython_display_()
        if self.run is None and self.plan is None and len(self.earlier.options) == 1:
            self.say("info", "No run is known here yet. hfft.launch(plan) starts one, and it can be watched here.")

    @shown
    def opened(self) -> None:
        """Show the run that is live, if there is one (a restarted kernel finds it so), and list earlier ones."""
        live = [run for run in self.list_earlier() if run.kind == "training" and lives(run)]
        if live and self.run is None and self.plan is None:
            self.watch(live[0])


def view_of(run: Run, pushed: Pushed | None = None) -> RunView:
    """The run at this moment, as its renderings need it."""
    from hfft_widgets.core.run.curves import svg
    from hfft_widgets.core.run.views import RunView, use_figures

    status, pace = run.status, run.pace
    now = time.time()
    use = None if status.stage.final or not status.page else run.use
    paid = status.finished is not None and status.started is not None and bool(status.page)
    return RunView(
        id=run.id,
        title=run.title,
        stage=status.stage,
        step=pace.step,
        total_steps=pace.total_steps,
        seconds=(status.finished or now) - (status.started or status.created),
        seconds_left=pace.seconds_left,
        age_seconds=None if status.stage.final or status.heartbeat is None else max(0.0, now - status.heartbeat),
        message=str(run.journal.data("progress").get("message", "")),
        error=run.error,
        output=str(run.output) if run.output else None,
        cost_usd=run.cost_usd or None,
        history=run.history,
        answers=run.journal.data("answers"),
        chart=svg(run.history, [n for n in LOSS if n in run.history][:2])
        if status.stage.final and run.history
        else None,
        unconfirmed=status.unconfirmed,
        note="" if status.stage.final else status.message,
        page=status.page,
        use=use_figures(
            use.cpu_percent,
            (use.memory_bytes, use.memory_total_bytes),
            [(gpu.percent, gpu.memory_bytes, gpu.memory_total_bytes) for gpu in use.gpus],
        )
        if use
        else (),
        pushed=_pushed_words(pushed),
        estimate=run.plan.get("estimate") or {},
        running_seconds=(status.finished or 0) - (status.started or 0) if paid else None,
    )


def _pushed_words(pushed: Pushed | None) -> str:
    if pushed is None:
        return ""
    kept = ", the newest checkpoint with them" if pushed.checkpoint else ""
    return f"{pushed.repo_id}, {plural(len(pushed.files), 'file')} of {bytes_text(pushed.size_bytes)}{kept}"
