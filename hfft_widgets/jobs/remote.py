"""Runs on Hugging Face Jobs: started once, followed without loss, found again from any machine with the account."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

from hfft_widgets.core.run.stage import Stage
from hfft_widgets.errors import HubError, LaunchError, RunError, RunNotFoundError
from hfft_widgets.hub import repos, session
from hfft_widgets.hub.account import Account, account
from hfft_widgets.hub.follow import Rhythm
from hfft_widgets.hub.hardware import hardware
from hfft_widgets.hub.jobs_api import JobsApi
from hfft_widgets.hub.metrics import Use
from hfft_widgets.hub.outcomes import HubRefusedError
from hfft_widgets.hub.preflight import Check
from hfft_widgets.hub.token import Token, find_token
from hfft_widgets.hub.wire import Wire
from hfft_widgets.jobs import actuals, launching, prelaunch, records, told
from hfft_widgets.jobs.base import JobStatus, Submission
from hfft_widgets.jobs.board import LABELS, PERIOD_SECONDS, Board, Seen
from hfft_widgets.jobs.ceiling import Ceiling, ceiling, check_allowed
from hfft_widgets.jobs.reading import Readers
from hfft_widgets.jobs.watching import Slots, Watch

if TYPE_CHECKING:
    from hfft_widgets.core.run.journal import Journal

_LIST_SECONDS = 10.0
_UNREACHED_SECONDS = 50.0  # and a list that failed is not asked for again for so much longer
_LOOK_SECONDS = 5.0
_YOUNG_SECONDS = 60.0  # a job that was started here so lately may not be shown yet
_SETTINGS = "https://huggingface.co/settings/jobs"
_PAGE = "https://huggingface.co/jobs"


class JobsBackend:
    """Runs scripts on Hugging Face Jobs. Ids are `namespace/job`.

    Args:
        token: Whose jobs; this machine's if not given, looked for at each use.
        rhythm: Times of the followers.
        slots: Log streams to share.
        period: Seconds for which a look at the stages counts.
    """

    name = "jobs"
    near = False

    def __init__(
        self,
        token: Token | None = None,
        *,
        rhythm: Rhythm | None = None,
        slots: Slots | None = None,
        period: float = PERIOD_SECONDS,
    ) -> None:
        self._token = token
        self._period = period
        self._lock = threading.Lock()
        self._connected: tuple[str, Token, JobsApi, Board] | None = None
        self.slots = slots or Slots()
        self.readers = Readers(self._ended, rhythm or Rhythm(), self.slots)
        self._listed = float("-inf")
        self._looked: dict[str, float] = {}

    # ---- Starting ----

    def preflight(self, submission: Submission) -> tuple[Ceiling, tuple[Check, ...]]:
        """What a launch would cost at most, and everything that can be looked at before it.

        Raises:
            LaunchError: The flavor is not known.
            HubError: Nobody is signed in, or the Hub cannot be reached.
        """
        return prelaunch.look(self._api, self._account(), submission)

    def submit(self, submission: Submission) -> str:
        """Start the job once; returns its id. Where nobody can tell whether it started, the run is unconfirmed.

        Raises:
            LaunchError: Nothing was started: no price was allowed, a check failed, the Hub refused, or it runs already.
        """
        check_allowed(ceiling(submission), submission)  # before anybody is asked
        try:
            return prelaunch.launch(self._api, self._account(), submission)
        except HubError as error:
            raise LaunchError(error.what, why=error.why, remedy=error.remedy) from None

    # ---- Looking ----

    def status(self, job_id: str) -> JobStatus:
        """The state, at most a few seconds old.

        Raises:
            RunNotFoundError: There is no such job.
            HubError: It was never seen, and the Hub does not answer.
        """
        namespace, name = self._resolved(job_id)
        if name.startswith(launching.UNCONFIRMED):
            return self._unconfirmed(namespace, name)
        kept = records.run(namespace, name) or {}
        if "ended" in kept:
            return self._status(namespace, name, kept, None)
        try:
            seen = self._look(namespace, name)
        except RunNotFoundError:
            if not self._young(namespace, name, kept):
                raise
            return JobStatus(Stage.SCHEDULING, float(kept["created"]), cost_usd=None, behind=True)
        return self._status(namespace, name, self._remembered(seen, kept), seen)

    def _young(self, namespace: str, name: str, kept: Mapping[str, Any]) -> bool:
        """Whether it was started here a moment ago, and the Hub need not show it yet."""
        started_here = "run" in kept and not self._board.knows(namespace, name)
        return started_here and time.time() - float(kept["created"]) <= _YOUNG_SECONDS

    def _look(self, namespace: str, name: str) -> Seen:
        try:
            return self._board.look(namespace, name)
        except HubRefusedError as error:
            if error.status == 404:
                raise RunNotFoundError(
                    f"There is no run jobs:{namespace}/{name}.",
                    why="The Hub shows no such job to this account.",
                    remedy="Check the id, and who is signed in; hfft.runs() lists what there is.",
                ) from None
            raise

    def _remembered(self, seen: Seen, kept: dict[str, Any]) -> dict[str, Any]:
        """Keep what a look told for the first time: the submission, and the end."""
        facts = seen.facts
        news: dict[str, Any] = {}
        if not kept.get("created"):
            news |= told.submitted(facts) | {"created": facts.created or seen.time, "flavor": facts.flavor}
        if kept.get("usd_per_hour") is None and facts.flavor:
            machine = hardware().flavor(facts.flavor)
            news |= {"usd_per_hour": machine.usd_per_hour} if machine else {}
        if facts.final:
            news["ended"] = {
                "stage": facts.stage,
                "message": facts.message,
                "started": facts.started,
                "finished": facts.finished or seen.time,
            }
            news["running_seconds"] = told.paid_seconds(facts)
        return records.keep(facts.namespace, facts.id, news) if news else kept

    def _status(self, namespace: str, name: str, kept: Mapping[str, Any], seen: Seen | None) -> JobStatus:
        ended = kept.get("ended") or {}
        facts = seen.facts if seen else None
        word = str(ended.get("stage") or (facts.stage if facts else ""))
        started = ended.get("started") or (facts.started if facts else None)
        stage = told.stage_of(word, started)
        if seen and started and not seen.facts.final and seen.running_seconds is not None:
            started = time.time() - seen.running_seconds  # this machine's clock need not be the Hub's
        message = str(ended.get("message") or (facts.message if facts else ""))
        seconds = kept.get("running_seconds") if ended else seen.running_seconds if seen else None
        price = kept.get("usd_per_hour")
        return JobStatus(
            stage=stage,
            created=float(kept.get("created") or 0),
            started=started,
            finished=ended.get("finished"),
            exit_code=told.exit_code(message) if stage is Stage.ERROR else None,
            message=self._with_trouble(
                namespace, name, told.message_of(stage, word, message, kept.get("timeout_seconds"))
            ),
            heartbeat=seen.time if seen else ended.get("finished"),
            cost_usd=None if seconds is None or price is None else seconds * price / 3600,
            behind=self._behind(namespace, name, stage),
            page=f"{_PAGE}/{namespace}/{name}",
        )

    def _with_trouble(self, namespace: str, name: str, message: str) -> str:
        """What keeps this machine from seeing more of the run: a token that is no longer valid, say."""
        watch = self.readers.known(self._wire, namespace, name)
        failure = str(watch.failure) if watch is not None and watch.failure is not None else ""
        trouble = "" if self._connected is None else self._connected[3].trouble(namespace, name)
        return " ".join(filter(None, (message, trouble or failure)))

    def _behind(self, namespace: str, name: str, stage: Stage) -> bool:
        watch = self.readers.known(self._wire, namespace, name)
        if watch is None:
            return True  # nobody has read it here yet
        if watch.spool.complete or watch.failure is not None:
            return False
        return stage.final or not watch.caught_up

    def _unconfirmed(self, namespace: str, name: str) -> JobStatus:
        launch = self._launch(namespace, name)
        run = str(launch["run"])
        if launch["state"] == records.POSTING and time.monotonic() - self._looked.get(run, -1e9) > _LOOK_SECONDS:
            self._looked[run] = time.monotonic()
            with contextlib.suppress(HubError):  # nobody knows, as before
                launching.settle(self._api, launch)
            launch = self._launch(namespace, name)
        if launch.get("job_id"):
            return self.status(f"{namespace}/{launch['job_id']}")
        created = float(launch["created"])
        if launch["state"] == records.ABSENT:
            message = f"The launch was not answered, and the Hub never showed this job. See {_SETTINGS}."
            return JobStatus(Stage.ERROR, created, finished=created, message=message)
        message = f"Nobody knows whether it was started: the Hub did not answer. It is looked for; see {_SETTINGS}."
        return JobStatus(Stage.SCHEDULING, created, message=message, cost_usd=None, unconfirmed=True)

    def submission(self, job_id: str) -> Submission:
        """What was submitted, without environment and price; of another machine's run as the job itself tells it.

        Raises:
            RunNotFoundError: There is no such job.
            HubError: It was never seen, and the Hub does not answer.
        """
        namespace, name = self._resolved(job_id)
        if name.startswith(launching.UNCONFIRMED):
            return records.submission(self._launch(namespace, name))
        kept = records.run(namespace, name) or {}
        if not kept.get("created"):
            kept = self._remembered(self._look(namespace, name), kept)
        return records.submission(kept)

    def read(self, job_id: str, position: int) -> bytes:
        """The output's bytes from `position` on; opens a stream if need be, and keeps it open."""
        namespace, name = self._resolved(job_id)
        if name.startswith(launching.UNCONFIRMED):
            return b""
        self.readers.close_idle()
        return self._watch(namespace, name).read(position)

    def peek(self, job_id: str) -> bytes:
        """The end of the output, within a second or two however long it is."""
        namespace, name = self._resolved(job_id)
        return b"" if name.startswith(launching.UNCONFIRMED) else self._watch(namespace, name).peek()

    def use(self, job_id: str) -> Use | None:
        """What it uses of its machine now; None until the first figure comes, and after its end."""
        namespace, name = self._resolved(job_id)
        if name.startswith(launching.UNCONFIRMED) or "ended" in (records.run(namespace, name) or {}):
            return None
        return self.readers.use(self._api.wire, namespace, name)

    def pushed(self, job_id: str) -> repos.Pushed | None:
        """What it pushed to the Hub so far; None if nothing. Raises HubError."""
        namespace, name = self._resolved(job_id)
        kept = records.run(namespace, name) or {}
        target = kept.get("push_to") or (kept.get("plan") or {}).get("push_to")
        return repos.pushed(self._account().token, str(target)) if target else None

    def created(self, job_id: str) -> float:
        """Unix time of the launch, as far as it is kept here."""
        namespace, _, name = job_id.partition("/")
        kept = records.launch(name.removeprefix(launching.UNCONFIRMED)) or records.run(namespace, name) or {}
        return float(kept.get("created") or 0)

    def conclude(self, job_id: str, journal: Journal) -> None:
        """Keep how long the run took, and how much of that was not training."""
        namespace, name = self._resolved(job_id)
        kept = records.run(namespace, name) or {}
        if (kept.get("ended") or {}).get("stage") == "COMPLETED" and "overhead_seconds" not in kept:
            with contextlib.suppress(OSError):
                records.keep(namespace, name, actuals.facts_of(journal, kept.get("running_seconds")))

    def ids(self) -> list[str]:
        """Every run of this package that is known here or shown by the Hub, the newest first."""
        with contextlib.suppress(HubError):  # without the Hub, what is kept here is listed
            self._list()
        found = [f"{namespace}/{name}" for namespace, name, _ in records.runs()]
        found += [
            f"{launch['namespace']}/{launching.UNCONFIRMED}{launch['run']}"
            for launch in records.launches()
            if launch["state"] != records.STARTED
        ]
        return sorted(found, key=self.created, reverse=True)

    def _list(self) -> None:
        """Learn of runs from other machines: their jobs carry a label."""
        if session.offline() or time.monotonic() - self._listed < _LIST_SECONDS:
            return
        if (self._token or find_token()) is None:
            return
        self._listed = time.monotonic() + _UNREACHED_SECONDS  # unless it succeeds
        who = self._account()
        known = {namespace for namespace, _, _ in records.runs()}
        for namespace in (*who.namespaces, *sorted(known - set(who.namespaces))):
            try:
                self._list_one(namespace)
            except HubRefusedError as error:
                if error.status not in {403, 404}:  # of one namespace; another may show its runs
                    raise
        self._listed = time.monotonic()

    def _list_one(self, namespace: str) -> None:
        for facts in self._api.labelled(namespace, LABELS):
            if records.safe(namespace, facts.id):
                seen = self._board.note(facts)
                kept = records.run(namespace, facts.id) or {}
                if "ended" not in kept:
                    self._remembered(seen, kept)

    # ---- Ending ----

    def cancel(self, job_id: str) -> None:
        """Ask the job to end; its stage tells when it has. A job that has ended stays as it is.

        Raises:
            RunError: The Hub refused, or did not answer.
        """
        namespace, name = self._resolved(job_id)
        status = self.status(job_id)
        if status.stage.final:
            return
        if status.unconfirmed:
            raise RunError("It is not known whether this run was started.", remedy=status.message)
        try:
            self._api.cancel(namespace, name)
        except HubError as error:
            self._board.forget(namespace, name)
            with contextlib.suppress(HubError, RunError):
                if self.status(job_id).stage.final:
                    return  # it ended by itself meanwhile, or the answer was lost
            raise RunError(error.what, why=error.why, remedy=error.remedy) from None
        self._board.forget(namespace, name)

    def forget(self, job_id: str) -> None:
        """Delete what is kept here of a run; the job and its log stay on the Hub, where `ids` finds it again.

        Raises:
            RunNotFoundError: Nothing is kept of it.
            RunError: It is live, or nobody knows whether it is.
        """
        namespace, name = self._resolved(job_id)
        status = self.status(job_id)
        if not status.stage.final:
            what = "is unconfirmed" if status.unconfirmed else "is live"
            raise RunError(f"The run jobs:{namespace}/{name} {what}.", remedy="Wait for it, or cancel it first.")
        if name.startswith(launching.UNCONFIRMED):
            records.withdraw(self._launch(namespace, name))
            return
        self.readers.forget(namespace, name)
        try:
            records.drop(namespace, name)
        except OSError as error:
            raise RunError(
                f"The run jobs:{namespace}/{name} could not be deleted.", why=f"The system said: {error}."
            ) from error

    def close(self) -> None:
        """Stop reading everything. The jobs go on."""
        self.readers.close()
        with self._lock:
            connected, self._connected = self._connected, None
        if connected is not None:
            connected[2].wire.close()

    # ---- Parts ----

    def _account(self) -> Account:
        return account(self._token)

    @property
    def _wire(self) -> Wire:
        """For logs: one that is kept here can be read without being signed in."""
        try:
            return self._api.wire
        except HubError:
            return self._nobodys

    @cached_property
    def _nobodys(self) -> Wire:
        return Wire(None)

    @property
    def _api(self) -> JobsApi:
        return self._connection()[0]

    @property
    def _board(self) -> Board:
        return self._connection()[1]

    def _connection(self) -> tuple[JobsApi, Board]:
        """The calls, with the token that is valid now: a person may sign in while the notebook runs."""
        token = self._token or find_token()
        if token is None:
            token = self._account().token  # raises, and says how to sign in
        with self._lock:
            known = self._connected
            if known is None or known[0] != session.endpoint() or known[1] != token:
                api = JobsApi(token)
                known = self._connected = (session.endpoint(), token, api, Board(api, self._period))
            return known[2], known[3]

    def _resolved(self, job_id: str) -> tuple[str, str]:
        """Namespace and name; of an unconfirmed run that was found, the job's."""
        namespace, slash, name = job_id.partition("/")
        if not slash or not records.safe(namespace, name):
            raise RunNotFoundError(
                f"'jobs:{job_id}' is not the id of a run.", why="It is jobs:namespace/job, as hfft.runs() lists them."
            )
        if name.startswith(launching.UNCONFIRMED):
            return namespace, self._launch(namespace, name).get("job_id") or name
        return namespace, name

    def _launch(self, namespace: str, name: str) -> dict[str, Any]:
        launch = records.launch(name.removeprefix(launching.UNCONFIRMED))
        if launch is None or launch["namespace"] != namespace:
            raise RunNotFoundError(f"There is no run jobs:{namespace}/{name} here.", remedy="hfft.runs() lists them.")
        return launch

    def _ended(self, namespace: str, name: str) -> bool:
        kept = records.run(namespace, name) or {}
        if "ended" in kept:
            return True
        try:
            return self._board.look(namespace, name).facts.final
        except HubRefusedError as error:
            if error.status == 404 and self._young(namespace, name, kept):
                return False
            raise

    def _watch(self, namespace: str, name: str) -> Watch:
        return self.readers.watch(
            self._wire, namespace, name, ours=lambda: bool(self.submission(f"{namespace}/{name}").plan)
        )
