"""What a paid launch costs at most, all that was looked at before it, and the yes to it; earlier runs."""

from __future__ import annotations

import time
from collections import Counter
from itertools import islice
from typing import TYPE_CHECKING, Any

import traitlets as T  # noqa: N812

from hfft_widgets import api, choices, verbs
from hfft_widgets.cards import ledger
from hfft_widgets.cards.run import price_html
from hfft_widgets.core.html import Markup, el, join
from hfft_widgets.core.units import usd_text
from hfft_widgets.errors import HfftError, HubError, LaunchError, RunError
from hfft_widgets.jobs import uploads
from hfft_widgets.jobs.run import names
from hfft_widgets.widgets.billing.elsewhere import ElsewherePart
from hfft_widgets.widgets.form import actions
from hfft_widgets.widgets.panel import Panel, report_errors

if TYPE_CHECKING:
    from hfft_widgets.jobs.hf.cost_limit import CostLimit
    from hfft_widgets.jobs.run import Run

LISTED_RUNS = 30
_STALLS = (("10", "10 minutes"), ("30", "30 minutes"), ("120", "2 hours"))


class BillingPanel(Panel):
    """A panel that can start something that is paid for.

    The price is looked at with one button and agreed to with the other, which names it. The yes counts for the plan
    that was looked at: another plan is looked at again. What was started before, by another kernel or from another
    machine, can be chosen from a list; what is started elsewhere while the page is open is offered.

    Attributes:
        price: The price that was looked at and what was checked, or None.
        namespace: Who owns and pays a job; the account itself if empty.
    """

    run_kind = "training"
    run: Any = None
    shows_new = False  # whether what is started elsewhere is shown at once where nothing else is on show
    can_stop = False  # what it does in the background is over in a moment
    price = T.Any(None, allow_none=True)

    def __init__(self) -> None:
        super().__init__()
        self.limit: CostLimit | None = None
        self.namespace = ""
        self._listed: list[tuple[str, str]] = []
        self._ids: set[str] = set()  # of all runs, when they were last listed
        self._ledger: Markup | None = None
        self.elsewhere = ElsewherePart(self, lambda: self.shows_new and self._host is None and self.idle)
        self.has("earlier", "", self._chose)
        self.has("push_to", "", lambda _: self.forget_price())
        self.has("stall_minutes", "")
        self.can("look", self.look, doing="Asking the Hub")
        self.can("pay", self.pay, doing="Starting the job")

    def plan_to_pay(self) -> Any:
        """The plan that would be started."""
        raise NotImplementedError

    def started(self, run: Any) -> Any:
        """What becomes of a run that was started."""
        raise NotImplementedError

    def watch(self, run: Run | str) -> Run:
        """Show a run, live or finished."""
        raise NotImplementedError

    def result_name(self) -> str:
        """What a new repository for the result is called, without its owner."""
        raise NotImplementedError

    @property
    def idle(self) -> bool:
        """Whether nothing is on show that a person could be looking at."""
        return self.run is None

    def opened(self) -> None:
        """Show the run that is live, if there is one (a restarted kernel finds it so), and list earlier ones."""
        live = [run for run in self.list_earlier() if lives(run)]
        if live and self.idle:
            self.watch(live[0])
        self.elsewhere.begin(self._ids)

    # ---- what it costs ------------------------------------------------------------------------

    @report_errors
    def look(self) -> CostLimit:
        """Ask the Hub what the plan costs at most, and check everything that can be checked before; nothing starts.

        Where nobody said where the result goes, it gets a new name of the account, which can be changed before the yes.
        """
        self.forget_price()
        if not self.push_to:
            self.values["push_to"] = f"{self.namespace or choices.namespaces()[0]}/{self.result_name()}"
        limit, checks = api.preflight(self.plan_to_pay(), namespace=self.namespace)
        self.limit = limit if all(check.passed is not False for check in checks) else None
        self.clear_status()
        self.price = price_html(str(limit), [(c.passed, c.name, c.message, c.remedy) for c in checks])
        return limit

    @report_errors
    def pay(self, max_usd: float | None = None) -> Any:
        """Start the plan at the price that was looked at.

        Args:
            max_usd: The most it may cost, where the price was not looked at.
        """
        limit, self.limit = self.limit, None  # one look, one launch
        confirmed = limit.fingerprint if limit and max_usd is None else None
        most = limit.usd if limit and max_usd is None else max_usd
        # what was looked at said where the result goes, and whether that exists
        run = api.launch(self.plan_to_pay(), max_usd=most, confirmed=confirmed, namespace=self.namespace,
                         stall_minutes=self.stall_minutes, into_existing=confirmed is not None)  # fmt: skip
        self.forget_price()
        return self.started(run)

    def forget_price(self) -> None:
        """The plan has changed: its price must be looked at again."""
        self.limit = self.price = None

    @property
    def stall_minutes(self) -> float | None:
        """After how long without progress a run is to be stopped, as it was chosen; None: only at its ceiling."""
        return float(self.values["stall_minutes"]) if self.values["stall_minutes"] else None

    def stall_field(self) -> Markup:
        """The choice of that."""
        try:
            paid = is_paid(self.plan_to_pay())
        except HfftError:  # there is nothing to start yet
            paid = False
        at_last = "only at its ceiling" if paid else "never"
        choices = [(at_last, ""), *((f"after {words}", minutes) for minutes, words in _STALLS)]
        help_ = "A run that hangs is stopped then, and can go on from its last checkpoint. Loading counts, too."
        return self.form.choice("stall_minutes", "Stop it where nothing moves", choices, half=True, help_=help_)

    @property
    def push_to(self) -> str:
        """The Hub repository for the result, as it stands in the field."""
        return str(self.values["push_to"]).strip()

    def pay_action(self) -> Markup:
        """Look at the price; then start at it."""
        if self.limit is None:
            return self.form.button("Look at the price", "look", primary=True)
        words = f"Start on {self.limit.flavor}, at most {usd_text(self.limit.usd)}"
        return self.form.button(words, "pay", primary=True)

    def price_view(self) -> Markup | None:
        """What was looked at."""
        return el("div", self.price, class_="hfft price", data_key="price") if self.price else None

    # ---- earlier runs -------------------------------------------------------------------------

    @property
    def known(self) -> bool:
        """Whether there are earlier runs to look at."""
        return bool(self._listed)

    def list_earlier(self) -> list[Run]:
        """Offer the newest runs of this kind that are known, and return them."""
        every = api.runs()
        self._ids = {run.id for run in every}
        self._look_at_ledger()
        found = list(islice((run for run in every if _kind(run) == self.run_kind), LISTED_RUNS))
        labels = [run_label(run) for run in found]
        often = Counter(labels)
        words = [f"{label} ({run.id[-4:]})" if often[label] > 1 else label
                 for label, run in zip(labels, found, strict=True)]  # fmt: skip
        self._listed = [(label, run.id) for label, run in zip(words, found, strict=True)]
        return found

    def _look_at_ledger(self) -> None:
        try:
            self._ledger = ledger.html(verbs.ledger().values)
        except LaunchError as error:  # a limit in the environment that is no number
            self._ledger = el("p", str(error), class_="hfft note", data_key="ledger")

    def past_view(self) -> Markup:
        """Earlier runs to choose from, and what was spent."""
        return join([self._earlier(), self._ledger])

    def _earlier(self) -> Markup | None:
        if not self._listed:
            return None
        choices = [("choose one", ""), *self._listed]
        chosen = self.form.choice("earlier", f"Earlier {'exports' if self.run_kind == 'export' else 'runs'}", choices)
        return el("div", chosen, class_="earlier", data_key="earlier")

    def _chose(self, run_id: str) -> None:
        if run_id:
            self.start(lambda: self.watch(run_id), doing="Opening the run")


class UploadedPart:
    """A dataset that was uploaded for a run: once it has ended, it can be deleted from the Hub, at a second click.

    Args:
        panel: Whose question it is.
    """

    def __init__(self, panel: Panel) -> None:
        self._panel = panel
        self._asking = ""  # the dataset that the question is about
        panel.can("ask_to_delete", self._ask)
        panel.can("delete_upload", self.delete, doing="Deleting it from the Hub")
        panel.can("keep_upload", lambda: self._ask(""))

    def _ask(self, repo_id: str) -> None:
        self._asking = repo_id

    def delete(self, repo_id: str) -> None:
        """Delete it."""
        with self._panel._guarding():  # noqa: SLF001 - a part of it
            uploads.delete_upload(repo_id)
            self._panel.set_status("ok", f"The dataset {repo_id} is deleted from the Hub.")

    def view(self, run: Run | None) -> Markup | None:
        """The button, then the question; None where there is nothing to delete."""
        known = run.known if run is not None else None
        repo_id = uploads.uploaded_for(known.plan) if known else None
        if repo_id is None:
            return None
        form = self._panel.form
        if repo_id != self._asking:
            shown = form.button(f"Delete the uploaded dataset {repo_id}", "ask_to_delete", value=repo_id, quiet=True)
            return el("div", shown, data_key="uploaded")
        words = f"The dataset {repo_id} goes from the Hub for good; the file on this machine stays."
        yes = form.button("Delete it from the Hub", "delete_upload", value=repo_id)
        return el("div", el("div", words, class_="note"), actions(yes, form.button("Keep it", "keep_upload")),
                  data_key="uploaded")  # fmt: skip


def run_label(run: Run) -> str:
    """A run in a list, told from others: "SFT of tiny-llama, completed 28 Nov 14:05"."""
    try:
        status = run.status
        stage = str(status.stage).lower().replace("canceled", "cancelled").replace("error", "failed")
        since = "" if status.stage.final else " since"
        return f"{run.title}, {stage}{since} {run_time(run)}"
    except (HubError, RunError):
        return f"{run.id}, cannot be seen now"


def run_time(run: Run) -> str:
    """When a run ended, or began: "28 Nov 14:05"."""
    status = run.status
    moment = time.localtime(status.finished or status.started or status.created)
    return f"{moment.tm_mday} {time.strftime('%b %H:%M', moment)}"


def short_name(run: Run) -> str:
    """A run in a legend: what a person called it, else when it ended or began."""
    return names.of(run.id) or run_time(run)


def is_paid(plan: Any) -> bool:
    """Whether a plan, or the machine of this name, is paid for."""
    return plan is not None and api.is_paid(plan)


def lives(run: Run) -> bool:
    """Whether a run has not ended, as far as it can be seen now."""
    try:
        return not run.stage.final
    except (HubError, RunError):
        return False


def _kind(run: Run) -> str:
    """One run that cannot be looked at must not hide the others."""
    try:
        return run.kind
    except (HubError, RunError):
        return ""
