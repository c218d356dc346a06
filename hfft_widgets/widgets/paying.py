"""What a launch on Hugging Face Jobs costs at most, all that was looked at before it, the yes to it; earlier runs."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

import ipywidgets as W  # noqa: N812

from hfft_widgets import api
from hfft_widgets.core.units import usd_text
from hfft_widgets.errors import HubError, RunError
from hfft_widgets.widgets.panel import Panel, shown

if TYPE_CHECKING:
    from hfft_widgets.jobs.ceiling import Ceiling
    from hfft_widgets.jobs.run import Run

LISTED_RUNS = 30


class PayingPanel(Panel):
    """A panel that can start something that is paid for.

    The price is looked at with one button and agreed to with the other, which names it. The yes counts for the plan
    that was looked at: another plan is looked at again. What was started before, by another kernel or from another
    machine, can be picked from a list.
    """

    def __init__(self) -> None:
        super().__init__()
        self.limit: Ceiling | None = None
        self.look_button = self.button("Look at the price", self.look, doing="Asking the Hub", icon="search")
        self.pay_button = self.button("Start", self.pay, doing="Starting the job", primary=True, icon="play")
        self.price = W.HTML()
        self.earlier = W.Dropdown(options=[("earlier runs …", "")], layout=W.Layout(width="320px", display="none"))
        self.earlier.observe(self._picked, "value")
        self.paying = W.VBox([W.HBox([self.look_button, self.pay_button]), self.price])
        self.forget_price()
        self.offer_price(False)

    def plan_to_pay(self) -> Any:
        """The plan that would be started."""
        raise NotImplementedError

    def started(self, run: Any) -> Any:
        """What becomes of a run that was started."""
        raise NotImplementedError

    def watch(self, run: Run | str) -> Run:
        """Show a run, live or finished."""
        raise NotImplementedError

    def list_earlier(self, kind: str = "") -> list[Run]:
        """Offer the newest runs that are known, all or those of one kind, and return them."""
        known = list(islice((run for run in api.runs() if not kind or _kind(run) == kind), LISTED_RUNS))
        words = [(f"{run.title} · {_stage_words(run)} · {run.id}", run.id) for run in known]
        self.earlier.options = [("earlier runs …", ""), *words]
        self.earlier.layout.display = "" if known else "none"
        return known

    def _picked(self, change: Any) -> None:
        if change.new:
            self.start(lambda: self.watch(change.new), doing="Opening the run")

    @shown
    def look(self) -> Ceiling:
        """Ask the Hub what the plan costs at most, and check everything that can be checked before; nothing starts."""
        from hfft_widgets.core.run.views import price_html

        self.forget_price()
        limit, checks = api.preflight(self.plan_to_pay())
        self.price.value = price_html(
            str(limit), [(check.passed, check.name, check.message, check.remedy) for check in checks]
        )
        self.limit = limit
        if all(check.passed is not False for check in checks):
            self.pay_button.description = f"Start on {limit.flavor}, at most {usd_text(limit.usd)}"
            self.pay_button.layout.display = ""
        self.clear_status()
        return limit

    @shown
    def pay(self, max_usd: float | None = None) -> Any:
        """Start the plan on Hugging Face Jobs, at the price that was looked at.

        Args:
            max_usd: The most it may cost, where the price was not looked at.
        """
        limit, self.limit = self.limit, None  # one look, one launch
        self.pay_button.layout.display = "none"
        confirmed = limit.fingerprint if limit and max_usd is None else None
        most = limit.usd if limit and max_usd is None else max_usd
        run = api.launch(self.plan_to_pay(), on="jobs", max_usd=most, confirmed=confirmed)
        self.forget_price()
        return self.started(run)

    def forget_price(self) -> None:
        """The plan has changed: its price must be looked at again."""
        self.limit = None
        self.price.value = ""
        self.pay_button.layout.display = "none"

    def offer_price(self, on: bool) -> None:
        """Show the part, or hide it."""
        self.paying.layout.display = "" if on else "none"


def needs_pay(plan: Any) -> bool:
    """Whether a plan is for a machine that is paid for."""
    return plan is not None and plan.flavor != "local"


def lives(run: Run) -> bool:
    """Whether a run has not ended, as far as it can be seen now."""
    try:
        return not run.stage.final
    except (HubError, RunError):
        return False


def _stage_words(run: Run) -> str:
    """One run that cannot be looked at must not hide the others."""
    try:
        return str(run.stage)
    except (HubError, RunError):
        return "cannot be seen now"


def _kind(run: Run) -> str:
    try:
        return run.kind
    except (HubError, RunError):
        return ""
