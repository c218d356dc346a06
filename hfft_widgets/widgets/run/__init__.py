"""TrainingMonitor: start a plan and watch it; it lives on while cells run, and finds a run of an earlier kernel.

A plan for this machine starts with one click; one that costs money after its price was looked at.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Hashable
from functools import partial
from typing import TYPE_CHECKING, Any

import traitlets as T  # noqa: N812

from hfft_widgets import api, hosts
from hfft_widgets.cards import run as card
from hfft_widgets.cards.parts import fold
from hfft_widgets.cards.plan import short_figures as plan_figures
from hfft_widgets.core.html import Markup, el, join
from hfft_widgets.core.run.stage import Stage
from hfft_widgets.errors import HubError, RunError, UnheldCodeError
from hfft_widgets.widgets.billing import BillingPanel, UploadedPart, is_paid, short_name
from hfft_widgets.widgets.curves import SMALL, Curves
from hfft_widgets.widgets.form import fields
from hfft_widgets.widgets.log import LogPart
from hfft_widgets.widgets.panel import report_errors
from hfft_widgets.widgets.run.comparing import Comparing
from hfft_widgets.widgets.run.naming import NamePart
from hfft_widgets.widgets.run.questions import QuestionPart
from hfft_widgets.widgets.run.view import CurveView

if TYPE_CHECKING:
    from hfft_widgets.core.plan.plan import TrainingPlan
    from hfft_widgets.core.run.events import Event
    from hfft_widgets.hub.repos import Pushed
    from hfft_widgets.jobs.follower import Follower
    from hfft_widgets.jobs.run import Run

PUSHED_SECONDS = 20.0  # between two looks at what a run put on the Hub
# between two looks at a run: what one finds is drawn at once, in one message whose head costs more than its points
LOOK_SECONDS = 1.2
SHOW_SECONDS = 2.0  # between two drawings of its card: at every second look


class TrainingMonitor(BillingPanel):
    """Answers: how is it going, what went wrong, what now?

    Args:
        source: A Run, a run's id, or a plan that is to be started; None shows the runs known here.
    """

    title = "Run"
    shows_new = True
    run = T.Any(None, allow_none=True)
    plan = T.Any(None, allow_none=True)

    def __init__(self, source: Run | TrainingPlan | str | None = None) -> None:
        super().__init__()
        self.curves = Curves()
        self.curve_view = CurveView(self, self.curves)
        self.comparison = Comparing(self, self.curves, api.attach, short_name)
        self.log = LogPart(self)
        self.questions = QuestionPart(self)
        self.naming = NamePart(self, self._renamed)
        self._follower: Follower | None = None
        self._started: TrainingPlan | None = None
        self._deleting = False
        self._drawn = 0  # the run's revision that the curves show
        self._pushed: Pushed | None = None
        self._asked_pushed = float("-inf")
        self._values_shown: dict[str, Any] | None = None
        self._stage_shown: Stage | None = None
        self._shown = float("-inf")
        self.unused: Callable[[], list[str]] = list  # what stands in the plan's fields and is not in the plan
        self.can("launch", self.launch, doing="Starting")
        self.can("unheld", partial(self.launch, unheld_code=True), doing="Starting")
        self.can("cancel", self.cancel, doing="Stopping: it finishes its step and saves")
        self.can("start_now", self.start_now, doing="Starting")
        self.can("finish", self.finish, doing="Ending after this step")
        self.can("resume", self.resume, doing="Starting")
        self.can("delete", self.delete)
        self.can("check", self.check, doing="Looking for the job")
        self.uploaded = UploadedPart(self)
        self.observe(self._planned, "plan")
        if hasattr(source, "replace") and not isinstance(source, str):
            self.plan = source
        elif source is not None:
            self.watch(source)

    def _planned(self, _: Any) -> None:
        self.forget_price()
        self.refresh()

    # ---- what a person can do -----------------------------------------------------------------

    @report_errors
    def launch(self, *, unheld_code: bool = False) -> Run:
        """Start the plan where it says and watch it; a job only at a price that was looked at, see `look` and `pay`.

        Args:
            unheld_code: Whether code that the model writes may run here where nothing can hold it.
        """
        if is_paid(self.plan_to_pay()):
            paid: Run = self.pay()
            return paid
        return self.watch(api.launch(self.plan, stall_minutes=self.stall_minutes, unheld_code=unheld_code))

    def plan_to_pay(self) -> TrainingPlan:
        """The plan that would be started."""
        if self.plan is None:
            raise RunError("There is no plan to run.", remedy="Make a plan first.")
        if unused := self.unused():
            raise RunError(f"{unused[0]}.", remedy="Use it, or take it back, in the plan's step: then it can start.")
        plan: TrainingPlan = self.plan
        return plan if not self._unnamed else plan.replace(push_to=self.push_to or None)

    def result_name(self) -> str:
        """E.g. "tiny-llama-SFT"."""
        return self.plan_to_pay().result_name

    @property
    def _unnamed(self) -> bool:
        """Whether the plan's result would be lost: a job's disk is deleted at its end."""
        return is_paid(self.plan) and not self.plan.push_to

    def started(self, run: Run) -> Run:
        """Watch a job that was started."""
        self._started = self.plan
        return self.watch(run)

    @report_errors
    def watch(self, run: Run | str) -> Run:
        """Show a run, live or finished, from its first point on."""
        from hfft_widgets.jobs.follower import Follower

        # a Run of its own: who else looks at the given one would take events away
        found = api.attach(run if isinstance(run, str) else run.id)
        if self._follower:
            self._follower.stop()
        self.curves.clear()
        self.questions.clear()
        self._deleting = False
        self.result = None
        self._pushed, self._asked_pushed = None, float("-inf")
        found.refresh()
        self._drawn = found.revision
        self.curves.draw(found)
        self.comparison.show(found)
        self._values_shown = None
        self.run = found
        self.list_earlier()
        self.clear_status()
        self._show(found)
        self._follower = Follower(found, hosts.telling(self._updated), period=LOOK_SECONDS).start()
        return found

    @report_errors
    def cancel(self) -> Run:
        """Stop the run: it saves a checkpoint and ends, with everything it started."""
        if self.run is None:
            raise RunError("There is no run to cancel.", remedy="Start or choose one first.")
        run: Run = self.run
        run.cancel()
        self._show(run)
        return run

    @report_errors
    def start_now(self) -> Run:
        """Let the run on show begin although it waits for its turn on this machine."""
        if self.run is None:
            raise RunError("There is no run that waits.", remedy="Start or choose one first.")
        run: Run = self.run.start_now()
        self._show(run)
        return run

    @report_errors
    def finish(self) -> Run:
        """Let the training end here as after its last step: saved, judged, its best checkpoint kept."""
        if self.run is None:
            raise RunError("There is no run to finish.", remedy="Start or choose one first.")
        run: Run = self.run
        run.finish()
        self.clear_status()
        return run

    @report_errors
    def resume(self) -> Run:
        """Let the run on show, which has ended, go on from its last checkpoint: the same run, with one curve."""
        if self.run is None:
            raise RunError("There is no run to go on with.", remedy="Choose one first.")
        self.run.resume()
        return self.watch(self.run.id)

    @report_errors
    def delete(self, sure: str = "") -> None:
        """Delete what is kept of the run on show on this machine, once a person has said so twice."""
        self._deleting = sure == "ask"
        if sure == "yes" and self.run is not None:
            self.run.delete()
            self.run = self.result = None
            self.curves.clear()
            self.list_earlier()
        self.refresh()

    @report_errors
    def check(self) -> Run:
        """Look again whether a launch that was not answered took effect."""
        if self.run is None:
            raise RunError("There is no run to check.", remedy="Start or choose one first.")
        run: Run = self.run
        run.refresh()
        self._show(run)
        if run.status.unconfirmed:
            self.set_status("wait", "The Hub still does not show it. Nothing was started a second time.")
        else:
            self.clear_status()
        return run

    @report_errors
    def opened(self) -> None:
        """Show the run that is live, if there is one (a restarted kernel finds it so), and list earlier ones."""
        super().opened()
        if not self.known and self.idle:
            self.set_status(
                "info", "No run is known here yet. hfft.launch(plan) starts one, and it can be watched here."
            )

    # ---- how it looks -------------------------------------------------------------------------

    @property
    def idle(self) -> bool:
        """Whether neither a run nor a plan is on show."""
        return self.run is None and self.plan is None

    @property
    def live(self) -> bool:
        """Whether a run is on show that has not ended."""
        return self.run is not None and self.result is None

    @property
    def runs_plan(self) -> bool:
        """Whether the run on show is of the plan that would be started."""
        if self.run is None or self.plan is None:
            return False
        named = self.plan is self._started and self._unnamed  # its result was given a place as it was started
        return named or bool(self.run.fingerprint == self.plan.fingerprint)

    def body(self) -> Markup:
        """The run: how it stands, its curves, what it printed; before one is started, its price."""
        above = self._before() if self.run is None else self._named() if not self.live else None
        return join(
            [self.elsewhere.view(), above, self.price_view(), self._card(), self.uploaded.view(self.result),
             self.past_view()]
        )  # fmt: skip

    def report(self) -> Markup:
        """The run's card, with its curves drawn."""
        return card.html(self.run.to_dict("card", pushed=self._pushed)) if self.run is not None else Markup()

    def summary(self) -> str:
        """E.g. "SFT of tiny-llama: completed"."""
        return f"{self.run.title}: {card.stage_words(self._values())}" if self.run is not None else ""

    def figures(self) -> list[Markup]:
        """How far it is, how long it takes, what it costs; before the start, what is expected."""
        if self.run is not None:
            return [card.short_figures(self._values())]
        return [plan_figures(self.plan.to_dict())] if self.plan is not None else []

    def next_action(self) -> Markup | None:
        """Start; while it runs, stop; a launch nobody answered is looked for."""
        form = self.form
        if self.live:
            if self.run.status.unconfirmed:
                return form.button("Check again", "check", primary=True)
            anyway = form.button("Start anyway", "start_now") if self.run.status.can_begin else None
            best = form.button("Stop here, keep the best", "finish") if self._can_finish else None
            return join([anyway, best, form.button("Cancel the run", "cancel", always=True)])
        goes_on = self._goes_on()
        if self.plan is None or goes_on is not None:
            return goes_on
        if self.runs_plan and self.run.stage is Stage.COMPLETED:
            return None  # it is done
        if is_paid(self.plan):
            return self.pay_action()
        unheld = isinstance(self.error, UnheldCodeError)
        start = ("Train all the same, its code unheld", "unheld") if unheld else ("Train on this machine", "launch")
        return form.button(*start, primary=not unheld)

    @property
    def _can_finish(self) -> bool:
        """Whether the run trains here, and is not at its end anyhow."""
        run = self.run
        trains = run.is_local and run.kind == "training" and run.stage is Stage.RUNNING
        return bool(trains and run.history and not run.journal.doing)

    def _goes_on(self) -> Markup | None:
        """The way on for a run of this machine that ended too early; anew it can be started, too."""
        run, step = self.result, None
        if run is None or run.stage is Stage.COMPLETED or not (self.plan is None or self.runs_plan):
            return None
        with contextlib.suppress(RunError, HubError):
            step = run.checkpoint_step
        if step is None:
            return None
        anew = self.form.button("Train anew", "launch") if self.plan is not None else None
        return join([anew, self.form.button(f"Go on from step {step:,}", "resume", primary=True)])

    def stage(self) -> Hashable:
        """A run's own stage is one."""
        return super().stage(), self.run and (self.run.id, self.run.stage)

    def _before(self) -> Markup | None:
        """What would be started, and what it needs."""
        if self.plan is None:
            return el("div", "Make a plan first, or choose an earlier run.", class_="note", data_key="hint")
        where = "on this machine" if not is_paid(self.plan) else f"on {self.plan.flavor}, when you agree to the price"
        head = el("div", el("h3", self.plan.title), el("div", f"Not started; it runs {where}.", class_="sub"))
        dies = hosts.warning() if not is_paid(self.plan) and not self.plan.push_to else ""
        named = self._named()
        return el(
            "article", el("header", head), el("section", named) if named else None,
            el("section", el("div", dies, class_="note")) if dies else None,
            el("section", fields(self.stall_field())), class_="hfft",
            aria_label=f"Not started: {self.plan.title}", data_key="before",
        )  # fmt: skip

    def _named(self) -> Markup | None:
        """Where a job's result goes, where the plan does not say it."""
        if not self._unnamed:
            return None
        help_ = "A job's disk is deleted at its end: the result goes there, private."
        hint = "you/a-new-name; named for you when the price is looked at"
        field = self.form.text("push_to", "Hub repository for the model", wide=True, hint=hint, help_=help_)
        return el("div", fields(field), data_key="named")

    def _card(self) -> Markup | None:
        if self.run is None:
            return None
        values, ended = self._values(), self.result is not None
        small = 0 if ended and values["answers"] else SMALL  # at the end the score takes their place
        plots = self.curves.view(small) if self.curves.plots or not ended else None
        if plots:
            seen = fold("How they are drawn", self.curve_view.view(self.run.history))
            plots = join([plots, seen, self.comparison.view(self.form, self._listed)])
        asked, closed = self.questions.view(self.run), [self.log.view(self.run.log), self.naming.view(self.run)]
        # at the end side by side, so that the page stays about as high as it was
        deleted = self._delete_view() if ended and not values["recorded"] else None
        more = el("div", asked if ended else None, closed, deleted, class_="ways")
        sections = [*card.first_sections(values), plots, None if ended else asked, *card.last_sections(values), more]
        return el(
            "article", card.top(values, ticks=True),
            # by name: where one comes or goes, the others stay what they are, with what is selected in them
            [el("section", section, data_key=f"part {n}") for n, section in enumerate(sections) if section],
            class_="hfft mathjax_ignore", aria_label=f"Run: {self.run.title}", data_key=f"run {self.run.id}",
        )  # fmt: skip

    def _delete_view(self) -> Markup:
        if not self._deleting:
            return self.form.button("Delete this run", "delete", value="ask", quiet=True)
        words = "Its model, curves and log on this machine are gone then; what it pushed to the Hub stays. "
        sure = self.form.button("Delete it", "delete", value="yes")
        return el("div", words, sure, self.form.button("Keep it", "delete", value="no", quiet=True), role="alert")

    def _values(self) -> dict[str, Any]:
        if self._values_shown is None:
            self._values_shown = self.run.to_dict(pushed=self._pushed)
        return self._values_shown

    # ---- in the follower's thread --------------------------------------------------------------

    def _updated(self, events: list[Event]) -> None:
        try:
            run = self._follower.run if self._follower else self.run
            if run is not self.run:
                return
            if run.revision != self._drawn:  # older points came: they go before those that are drawn
                self._drawn = run.revision
                self.curves.draw(run)
            self.curves.extend(run, events)
            if run.complete or run.stage is not self._stage_shown or time.monotonic() - self._shown > SHOW_SECONDS:
                self._show(run)
        except Exception as error:  # noqa: BLE001 - a thread has nobody to raise to: the panel shows it
            self.show_error(error)

    def _show(self, run: Run) -> None:
        self._stage_shown, self._shown = run.stage, time.monotonic()
        self._look_at_pushed(run)
        self._values_shown = None
        if run.stage.final and run.complete and self.result is not run:
            self.curves.flush()
            self.list_earlier()
            self.clear_status()
            if self.live:
                self.notify(self.summary())
            self.result = run
        self.refresh()

    def _renamed(self) -> None:
        self._values_shown = None
        self.list_earlier()

    def _look_at_pushed(self, run: Run) -> None:
        """Now and then, and at the end: it is a question to the Hub each time."""
        final = run.complete and self.result is not run
        if final or time.monotonic() - self._asked_pushed > PUSHED_SECONDS:
            self._asked_pushed = time.monotonic()
            with contextlib.suppress(HubError):  # as before
                self._pushed = run.pushed
