"""Trying a plan before it is paid for: its script as far as the first step, and ten real steps on its hardware."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from hfft_widgets import api
from hfft_widgets.cards.trials import dry_run as card
from hfft_widgets.core.html import Markup, el, join
from hfft_widgets.core.units import usd_text
from hfft_widgets.errors import PlanError
from hfft_widgets.widgets.form import Form, actions

if TYPE_CHECKING:
    from hfft_widgets.core.dry_run import DryRun
    from hfft_widgets.core.plan.plan import TrainingPlan
    from hfft_widgets.jobs.hf.cost_limit import CostLimit
    from hfft_widgets.jobs.run import Run
    from hfft_widgets.widgets.panel import Panel

_LOOK_SECONDS = 1.0


class RehearsalPart:
    """Two buttons and what came of them; a pilot that costs is asked for first.

    Args:
        panel: Whose part it is.
        plan: Gives the plan as it stands in the fields.

    Attributes:
        namespace: Who owns and pays a pilot; the account itself if empty.
    """

    def __init__(self, panel: Panel, plan: Callable[[], TrainingPlan]) -> None:
        self._panel, self._plan = panel, plan
        self.namespace = ""
        self.tried: DryRun | None = None
        self.limit: CostLimit | None = None
        panel.can("offer_pilot", self.offer, doing="Asking what it costs")
        panel.can("no_pilot", self.close)

    def dry_run(self) -> DryRun:
        """Try the script; nothing is paid."""
        self.tried = self._plan().dry_run(lambda done, total: self._panel.progress(done, total, f"{done} of {total}"))
        self._panel.clear_status()
        self._panel.refresh()
        return self.tried

    def offer(self) -> None:
        """Look at what a pilot costs at most; nothing starts."""
        with self._panel._guarding():  # noqa: SLF001 - a part of it
            self.limit, checks = api.preflight(self._plan().pilot_plan, namespace=self.namespace)
            wrong = next((check for check in checks if check.passed is False), None)
            if wrong is not None:
                self.limit = None
                raise PlanError(wrong.message, remedy=wrong.remedy)
            self._panel.clear_status()

    def close(self) -> None:
        """Do not."""
        self.limit = None

    def pilot(self, max_usd: float | None) -> TrainingPlan:
        """Start it, wait for its end, and give the plan that was measured."""
        plan, limit, self.limit = self._plan(), self.limit, None  # one look, one launch
        agreed = limit is not None and max_usd is None
        run = plan.pilot(
            max_usd=limit.usd if limit is not None and agreed else max_usd,
            confirmed=limit.fingerprint if limit is not None and agreed else None,
            namespace=self.namespace,
        )
        self._wait(run)
        return plan.after_pilot(run)

    def _wait(self, run: Run) -> None:
        """Its own process or job does the work: this only looks, and can be left."""
        while not run.complete:
            run.refresh()
            step, total = run.pace.step or 0, run.pace.total_steps or 0
            self._panel.progress(step, total, f"step {step} of {total or '?'}, {run.id}")
            time.sleep(_LOOK_SECONDS)

    def view(self, form: Form, plan: TrainingPlan) -> Markup | None:
        """The buttons, the question where it costs, and the dry run of this plan."""
        tried = self.tried if self.tried is not None and self.tried.fingerprint == plan.fingerprint else None
        dry = form.button("Dry run", "dry_run", help_="The very script as far as its first step, on this machine, free")
        limit = self.limit
        if limit is not None and limit.fingerprint == self._pilot(plan):
            words = f"Ten real steps on {limit.flavor}: {limit}. Nothing is kept or pushed."
            yes = form.button(f"Start the pilot, at most {usd_text(limit.usd)}", "pilot", primary=True)
            asked = join([el("div", words, class_="note"), actions(yes, form.button("Not now", "no_pilot"))])
        else:
            asked = actions(dry, self._offer(form, plan))
        shown = el("div", card.lines(tried.to_dict("card")), class_="hfft") if tried else None
        return join([asked, shown])

    def _offer(self, form: Form, plan: TrainingPlan) -> Markup | None:
        if not self._pilot(plan):
            return None
        paid = api.is_paid(plan)
        help_ = f"Ten real steps on {plan.flavor}: they measure time and memory"
        return form.button("Pilot", "offer_pilot" if paid else "pilot", help_=help_)

    def _pilot(self, plan: TrainingPlan) -> str:
        """The fingerprint of the plan's pilot; "" where there is none: it is too short."""
        try:
            return plan.pilot_plan.fingerprint
        except PlanError:
            return ""
