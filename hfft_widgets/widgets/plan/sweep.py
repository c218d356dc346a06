"""One setting with several values: chosen, priced together, run within one limit, and held beside each other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from hfft_widgets import api, choices
from hfft_widgets.cards import sweep as card
from hfft_widgets.cards.parts import fold
from hfft_widgets.core.html import Markup, el, join
from hfft_widgets.core.plan.settings import SETTINGS
from hfft_widgets.core.plan.sweep import LEAST, MOST, proposed_values, shown_value, sweepable
from hfft_widgets.core.units import usd_text
from hfft_widgets.errors import PlanError
from hfft_widgets.jobs import sweep as runs
from hfft_widgets.verbs.plans import sweep_of
from hfft_widgets.widgets.form import Form, actions, fields

if TYPE_CHECKING:
    from hfft_widgets.core.plan.plan import TrainingPlan
    from hfft_widgets.core.plan.sweep import Sweep
    from hfft_widgets.jobs.sweep import SweepRun
    from hfft_widgets.widgets.panel import Panel


class SweepPart:
    """The choice, the price and the yes to it, and what came of it.

    Args:
        panel: Whose part it is.
        plan: Gives the plan as it stands in the fields.
        take: Called with the best value of a setting, for the plan.

    Attributes:
        namespace: Who owns and pays jobs; the account itself if empty.
        priced: The runs whose price is on show, or None.
        run: Those that were started last, or None.
    """

    def __init__(self, panel: Panel, plan: Callable[[], TrainingPlan], take: Callable[[dict[str, Any]], Any]) -> None:
        self._panel, self._plan, self._take = panel, plan, take
        self.namespace = ""
        self.priced: Sweep | None = None
        self.run: SweepRun | None = None
        self._usd = 0.0  # what those that were priced cost at most
        self._of = ""  # the plan that they were made of
        self._shown: dict[str, Any] = {}
        panel.has("sweep_setting", "learning_rate", self._chose)
        panel.has("sweep_values", "", lambda _: self.close())
        panel.has("sweep_usd", "", lambda _: self.close())
        panel.can("price_sweep", self.price, doing="Adding up what the runs cost")
        panel.can("start_sweep", self._start_priced, doing="Starting the runs")
        panel.can("no_sweep", self.close)
        panel.can("end_sweep", self._end, doing="Ending the runs")
        panel.can("take_best", self._take_best)

    def show(self, plan: TrainingPlan) -> None:
        """Take a plan: its values are proposed anew, and a price that was looked at is of another one."""
        if self._of == plan.fingerprint:
            return
        self.close()
        self._of = plan.fingerprint
        if self._panel.values["sweep_setting"] not in sweepable(plan):
            self._panel.values["sweep_setting"] = "learning_rate"
        self._propose(plan)

    def close(self) -> None:
        """Do not start what was priced."""
        self.priced = None

    def price(self) -> None:
        """What the runs cost at most, all together; nothing starts."""
        with self._panel._guarding():  # noqa: SLF001 - a part of it
            setting, values = sweep_of(f"{self._panel.values['sweep_setting']}={self._panel.values['sweep_values']}")
            sweep = self._named().sweep(setting, values)
            usd, most = runs.most_usd(sweep, self.namespace), self._limit
            if most is not None and usd > most:
                raise PlanError(
                    f"The runs can cost up to {usd_text(usd)} in all, and {usd_text(most)} is the limit.",
                    remedy="Try fewer values, let the plan make fewer steps, or raise the limit.",
                )
            self.priced, self._usd = sweep, usd
            self._panel.clear_status()

    def start(self, setting: str, values: Sequence[Any], max_usd: float | None) -> SweepRun:
        """Start the runs, and show them until the last has ended."""
        return self._start(self._named().sweep(setting, values), max_usd)

    def _start_priced(self) -> None:
        """At the price that was looked at: one look, one start."""
        sweep, self.priced = self.priced, None
        if sweep is not None:
            with self._panel._guarding():  # noqa: SLF001 - a part of it
                self._start(sweep, self._usd if sweep.is_paid else None)

    def _start(self, sweep: Sweep, max_usd: float | None) -> SweepRun:
        self.run = api.launch(sweep, max_usd=max_usd, namespace=self.namespace)
        self.run.follow(self._look)
        self._panel.clear_status()
        return self.run

    def _look(self, run: SweepRun) -> None:
        """Called about once a second: the page is drawn again where something is new."""
        values = run.to_dict()
        if run is self.run and values != self._shown:
            self._shown = values
            self._panel.refresh()

    def _end(self) -> None:
        if self.run is not None:
            self.run.cancel()
            self._panel.clear_status()

    def _take_best(self) -> None:
        if self.run is not None:
            self._take({self.run.sweep.setting: self.run.best_value})

    # ---- what is chosen -----------------------------------------------------------------------

    def _chose(self, _: str) -> None:
        self.close()
        self._propose(self._plan())

    def _propose(self, plan: TrainingPlan) -> None:
        proposed = proposed_values(plan, self._panel.values["sweep_setting"])
        self._panel.values["sweep_values"] = ", ".join(map(shown_value, proposed))

    def _named(self) -> TrainingPlan:
        """The plan; a job's result goes to a repository of the account where none was named."""
        plan = self._plan()
        if plan.push_to or not api.is_paid(plan):
            return plan
        return plan.replace(push_to=f"{self.namespace or choices.namespaces()[0]}/{plan.result_name}")

    @property
    def _limit(self) -> float | None:
        """As it was typed; None: whatever they cost. Raises PlanError."""
        typed = str(self._panel.values["sweep_usd"]).strip().removeprefix("$")
        try:
            return float(typed) if typed else None
        except ValueError:
            raise PlanError(f"The limit is {typed!r}.", remedy="Give a number of dollars, or none.") from None

    # ---- how it looks -------------------------------------------------------------------------

    def view(self, form: Form, plan: TrainingPlan) -> Markup:
        """The question, then its price, then the runs."""
        asked = fold("Try several values of one setting", self._question(form, plan))
        return join([asked, self._price(form), self._runs(form)])

    def _question(self, form: Form, plan: TrainingPlan) -> Markup:
        named = [(SETTINGS[name].label, name) for name in sweepable(plan)]
        limit = form.text("sweep_usd", "All together at most, in dollars", hint="what they cost", number=True)
        return fields(
            form.choice("sweep_setting", "Setting", named),
            form.text("sweep_values", f"{LEAST} to {MOST} values", hint="0.0001, 0.0003"),
            limit if api.is_paid(plan) else None,
            actions(form.button("Show the price", "price_sweep")),
        )

    def _price(self, form: Form) -> Markup | None:
        sweep = self.priced
        if sweep is None:
            return None
        words = f"Start {len(sweep.plans)} runs" + (f", at most {usd_text(self._usd)} in all" if self._usd else "")
        yes = form.button(words, "start_sweep", primary=True)
        priced = card.lines({**sweep.to_dict(), "ceiling_usd": self._usd})
        return _box("sweep price", priced, actions(yes, form.button("Not now", "no_sweep")))

    def _runs(self, form: Form) -> Markup | None:
        run = self.run
        if run is None:
            return None
        take = f"Take {shown_value(run.best_value)} into the plan"
        known = run.complete and run.best_value is not None
        pressed = [
            form.button(take, "take_best") if known else None,
            None if run.complete else form.button("End the runs", "end_sweep", quiet=True),
        ]
        title = el("div", run.sweep.title, class_="sub")
        return _box("sweep runs", title, card.lines(run.to_dict()), actions(*pressed))


def _box(key: str, *parts: Markup) -> Markup:
    return el("div", el("section", join(list(parts))), class_="hfft", data_key=key)
