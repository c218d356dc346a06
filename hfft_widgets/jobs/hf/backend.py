"""Runs on Hugging Face Jobs: started once, followed without loss, found again from any machine with the account."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from hfft_widgets import folders
from hfft_widgets.core.run.stage import Stage
from hfft_widgets.errors import HubError, LaunchError, RunError, RunNotFoundError
from hfft_widgets.hub import repos, session
from hfft_widgets.hub.account import Account, account
from hfft_widgets.hub.jobs_api import JobsApi
from hfft_widgets.hub.outcomes import HubRefusedError
from hfft_widgets.hub.preflight import Check
from hfft_widgets.hub.streams.follow import Rhythm
from hfft_widgets.hub.streams.metrics import HardwareMetrics
from hfft_widgets.hub.token import Token, find_token
from hfft_widgets.hub.wire import Wire
from hfft_widgets.jobs import money
from hfft_widgets.jobs.base import GivenBack, JobStatus, Submission
from hfft_widgets.jobs.hf import job_info, launch, measured, records
from hfft_widgets.jobs.hf.cost_limit import CostLimit, ceiling, check_allowed
from hfft_widgets.jobs.hf.log_stream import STREAMS, TRIES, Job, LogStream, LogStreams
from hfft_widgets.jobs.hf.poller import LABELS, PERIOD_SECONDS, SETTINGS, Poller, Seen
from hfft_widgets.jobs.hf.records import JobRef
from hfft_widgets.jobs.money import ledger

if TYPE_CHECKING:
    from hfft_widgets.core.run.journal import Journal

_LIST_SECONDS = 10.0
_UNREACHED_SECONDS = 50.0  # and a list that failed is not asked for again for so much longer
_LOOK_SECONDS = 5.0
_YOUNG_SECONDS = 60.0  # a job that was started here so lately may not be shown yet


class JobsBackend(GivenBack):
    """Runs scripts on Hugging Face Jobs. Ids are `namespace/job`.

    Args:
        token: Whose jobs; this machine's if not given, looked for at each use.
        rhythm: Times of the followers.
        streams: Logs to read at once.
        period: Seconds for which a look at the stages counts.
    """

    name = "jobs"
    title = "Hugging Face Jobs"
    is_local = False
    is_paid = True

    def __init__(
        self,
        token: Token | None = None,
        *,
        rhythm: Rhythm | None = None,
        streams: int = STREAMS,
        period: float = PERIOD_SECONDS,
    ) -> None:
        self._token = token
        self._period = period
        self._lock = threading.Lock()
        self._connected: tuple[str, Token, JobsApi, Poller] | None = None
        self.streams = LogStreams(self._ended, rhythm, streams)
        self._listed = float("-inf")
        self._unkept = ""  # why something could not be written
        self._looked: dict[str, float] = {}

    # ---- Starting ----

    def preflight(self, submission: Submission) -> tuple[CostLimit, tuple[Check, ...]]:
        """What a launch would cost at most, and everything that can be looked at before it.

        Without a `max_usd` whatever it costs is allowed: nothing is started here.

        Raises:
            LaunchError: The flavor is not known.
            HubError: Nobody is signed in, or the Hub cannot be reached.
        """
        if submission.target.max_usd is None:
            submission = replace(submission, target=replace(submission.target, max_usd=ceiling(submission).usd))
        limit, checks = launch.preflight(self._api, self._account(), submission)
        return limit, (*checks, money.check(submission.fingerprint, limit.usd))

    def submit(self, submission: Submission) -> str:
        """Start the job once; returns its id. Where nobody can tell whether it started, the run is unconfirmed.

        Raises:
            LaunchError: Nothing was started: no price was allowed, a check failed, the Hub refused, or it runs already.
        """
        self.allowed_ceiling(submission)  # before anybody is asked
        try:
            return launch.launch(self._api, self._account(), submission)
        except HubError as error:
            raise LaunchError(error.what, why=error.why, remedy=error.remedy) from None

    def ceiling(self, submission: Submission) -> CostLimit:
        """The most it can cost at today's price. Raises LaunchError: the flavor is not known."""
        return ceiling(submission)

    def allowed_ceiling(self, submission: Submission) -> CostLimit:
        """The same; raises LaunchError where its `max_usd` does not allow that."""
        limit = ceiling(submission)
        check_allowed(limit, submission)
        return limit

    # ---- Looking ----

    def status(self, job_id: str) -> JobStatus:
        """The state, at most a few seconds old.

        Raises:
            RunNotFoundError: There is no such job.
            HubError: It was never seen, and the Hub does not answer.
        """
        ref = records.find(job_id)
        if ref.launch:
            return self._unconfirmed(ref, ref.launch)
        kept = ref.kept
        if "ended" in kept:
            return self._status(ref, kept, None)
        try:
            seen = self._look(ref)
        except RunNotFoundError as error:
            if "created" not in kept:
                raise
            message = "" if self._young(ref.job, kept) else f"{error.what} {error.why} It is asked for again."
            return JobStatus(Stage.SCHEDULING, float(kept["created"]), message=message, cost_usd=None, behind=True)
        return self._status(ref, self._remembered(seen, kept), seen)

    def _status(self, ref: JobRef, kept: Mapping[str, Any], seen: Seen | None) -> JobStatus:
        stream = self.streams.known(self._wire, ref.job)
        found = job_info.status(ref.job, kept, seen, behind=False, note=self._trouble(ref.job, stream))
        return replace(found, behind=self._behind(stream, found.stage))

    def _trouble(self, job: Job, stream: LogStream | None) -> str:
        """What keeps this machine from seeing more of the run: a token that is no longer valid, say."""
        trouble = "" if self._connected is None else self._connected[3].trouble(*job)
        failure = stream.failure or stream.cache.trouble if stream is not None else None
        return trouble or str(failure or "") or self._unkept

    @staticmethod
    def _behind(stream: LogStream | None, stage: Stage) -> bool:
        if stream is None:
            return True  # nobody has read it here yet
        if stream.cache.complete:
            return False
        if stream.failure is not None:
            return stage.final and stream.failures < TRIES
        return stage.final or not stream.caught_up

    def _young(self, job: Job, kept: Mapping[str, Any]) -> bool:
        """Whether it was started here a moment ago, and the Hub need not show it yet."""
        started_here = "run" in kept and not self._poller.knows(*job)
        return started_here and time.time() - float(kept["created"]) <= _YOUNG_SECONDS

    def _look(self, ref: JobRef) -> Seen:
        try:
            return self._poller.look(*ref.job)
        except HubRefusedError as error:
            if error.status == 404:
                raise RunNotFoundError(
                    f"There is no run {ref}.",
                    why="The Hub shows no such job to this account.",
                    remedy="Check the id, and who is signed in; hfft.runs() lists what there is.",
                ) from None
            raise

    def _remembered(self, seen: Seen, kept: dict[str, Any]) -> dict[str, Any]:
        """What is kept of a run, with what a look says; where it cannot be written, it is known all the same."""
        news = job_info.news(seen, kept)
        if not news:
            return kept
        try:
            merged = records.keep(seen.facts.namespace, seen.facts.id, news)
        except OSError as error:
            self._unkept = f"What is known of it cannot be kept on this machine: {error.strerror or error}."
            return kept | news
        self._unkept = ""
        _settle(merged)
        return merged

    def _unconfirmed(self, ref: JobRef, launched: Mapping[str, Any]) -> JobStatus:
        run = str(launched["run"])
        if launched["state"] == records.POSTING and time.monotonic() - self._looked.get(run, -1e9) > _LOOK_SECONDS:
            self._looked[run] = time.monotonic()
            with contextlib.suppress(HubError):  # nobody knows, as before
                launch.settle(self._api, launched)
            launched = records.launch(run) or launched
        if launched.get("job_id"):
            return self.status(f"{ref.namespace}/{launched['job_id']}")
        created = float(launched["created"])
        if launched["state"] == records.ABSENT:
            message = f"The launch was not answered, and the Hub never showed this job. See {SETTINGS}."
            return JobStatus(Stage.ERROR, created, finished=created, message=message)
        message = f"Nobody knows whether it was started: the Hub did not answer. It is looked for; see {SETTINGS}."
        return JobStatus(Stage.SCHEDULING, created, message=message, cost_usd=None, unconfirmed=True)

    def is_gone(self, job_id: str) -> bool:  # noqa: ARG002 -- the protocol's
        """Never: a job that the Hub does not show may still run, and cost."""
        return False

    def submission(self, job_id: str) -> Submission:
        """What was submitted, without environment and price; of another machine's run as the job itself says it.

        Raises:
            RunNotFoundError: There is no such job.
            HubError: It was never seen, and the Hub does not answer.
        """
        ref = records.find(job_id)
        kept = ref.kept
        if not kept.get("created"):
            kept = self._remembered(self._look(ref), kept)
        return records.submission(kept)

    def read(self, job_id: str, position: int) -> bytes:
        """The output's bytes from `position` on; opens a stream if need be, and keeps it open."""
        stream = self._stream(job_id)
        self.streams.close_idle()
        return b"" if stream is None else stream.read(position)

    def tail(self, job_id: str) -> bytes:
        """The end of the output, within a second or two however long it is."""
        stream = self._stream(job_id)
        return b"" if stream is None else stream.tail()

    def hardware_metrics(self, job_id: str) -> HardwareMetrics | None:
        """What it uses of its machine now; None until the first figure comes, and after its end."""
        ref = records.find(job_id)
        if ref.launch or "ended" in ref.kept:
            return None
        return self.streams.hardware_metrics(self._api.wire, ref.job)

    def pushed(self, job_id: str) -> repos.Pushed | None:
        """What it pushed to the Hub so far; None if nothing. Raises HubError."""
        kept = records.find(job_id).kept
        target = kept.get("push_to") or (kept.get("plan") or {}).get("push_to")
        return repos.pushed(self._account().token, str(target)) if target else None

    def created(self, job_id: str) -> float:
        """Unix time of the launch, as far as it is kept here."""
        with contextlib.suppress(RunNotFoundError):  # deleted by another process meanwhile
            return float(records.find(job_id).kept.get("created") or 0)
        return 0.0

    def disk_bytes(self, job_id: str) -> int:
        """What is kept of it here: its record and its log."""
        return folders.size_bytes(records.run_folder(*records.find(job_id).job))

    def on_finished(self, job_id: str, journal: Journal) -> None:
        """Keep how long the run took, and how much of that was not training."""
        ref = records.find(job_id)
        kept = ref.kept
        if (kept.get("ended") or {}).get("stage") == "COMPLETED" and "overhead_seconds" not in kept:
            with contextlib.suppress(OSError):
                records.keep(*ref.job, measured.facts_of(journal, kept.get("running_seconds")))

    def ids(self) -> list[str]:
        """Every run of this package that is known here or shown by the Hub, the newest first."""
        with contextlib.suppress(HubError):  # without the Hub, what is kept here is listed
            self._list()
        found = [f"{namespace}/{name}" for namespace, name, _ in records.runs()]
        found += [
            f"{launched['namespace']}/{records.UNCONFIRMED}{launched['run']}"
            for launched in records.launches()
            if launched["state"] != records.STARTED
        ]
        return sorted(found, key=self.created, reverse=True)

    def damaged(self) -> list[str]:
        """None: a record that cannot be read is asked for again."""
        return []

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
                seen = self._poller.note(facts)
                kept = records.run(namespace, facts.id) or {}
                if "ended" not in kept:
                    self._remembered(seen, kept)

    # ---- Ending ----

    def cancel(self, job_id: str) -> None:
        """Ask the job to end; its stage tells when it has. A job that has ended stays as it is.

        Raises:
            RunError: The Hub refused, or did not answer.
        """
        status = self.status(job_id)
        if status.stage.final:
            return
        if status.unconfirmed:
            raise RunError("It is not known whether this run was started.", remedy=status.message)
        job = records.find(job_id).job
        try:
            self._api.cancel(*job)
        except HubError as error:
            self._poller.forget(*job)
            with contextlib.suppress(HubError, RunError):
                if self.status(job_id).stage.final:
                    return  # it ended by itself meanwhile, or the answer was lost
            raise RunError(error.what, why=error.why, remedy=error.remedy) from None
        self._poller.forget(*job)

    def delete(self, job_id: str) -> None:
        """Delete what is kept here of a run; the job and its log stay on the Hub, where `ids` finds it again.

        Raises:
            RunNotFoundError: Nothing is kept of it.
            RunError: It is live, or nobody knows whether it is.
        """
        status = self.status(job_id)
        ref = records.find(job_id)
        if not status.stage.final:
            what = "is unconfirmed" if status.unconfirmed else "is live"
            raise RunError(f"The run {ref} {what}.", remedy="Wait for it, or cancel it first.")
        if ref.launch:
            records.withdraw(ref.launch)
            return
        self.streams.stop(ref.job)
        try:
            records.drop(*ref.job)
        except OSError as error:
            raise RunError(f"The run {ref} could not be deleted.", why=f"The system said: {error}.") from error

    def close(self) -> None:
        """Stop reading everything. The jobs go on."""
        self.streams.close()
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
            return self._anonymous

    @cached_property
    def _anonymous(self) -> Wire:
        return Wire(None)

    @property
    def _api(self) -> JobsApi:
        return self._connection()[0]

    @property
    def _poller(self) -> Poller:
        return self._connection()[1]

    def _connection(self) -> tuple[JobsApi, Poller]:
        """The calls, with the token that is valid now: a person may sign in while the notebook runs."""
        token = self._token or find_token()
        if token is None:
            token = self._account().token  # raises, and says how to sign in
        with self._lock:
            known = self._connected
            if known is None or known[0] != session.endpoint() or known[1] != token:
                api = JobsApi(token)
                known = self._connected = (session.endpoint(), token, api, Poller(api, self._period))
            return known[2], known[3]

    def _ended(self, namespace: str, name: str) -> bool:
        kept = records.run(namespace, name) or {}
        if "ended" in kept:
            return True
        try:
            return self._poller.look(namespace, name).facts.final
        except HubRefusedError as error:
            if error.status == 404 and "created" in kept:
                return False  # it is known; that the Hub does not show it now is no end
            raise

    def _stream(self, job_id: str) -> LogStream | None:
        """The stream of its log; None of a launch whose job is not known."""
        ref = records.find(job_id)
        if ref.launch:
            return None
        return self.streams.log(
            self._wire, ref.job, ours=lambda: bool(self.submission(f"{ref.namespace}/{ref.name}").plan)
        )


def _settle(kept: Mapping[str, Any]) -> None:
    """Write into the ledger what a run that was started here cost in the end."""
    seconds, price = kept.get("running_seconds"), kept.get("usd_per_hour")
    if "run" in kept and "ended" in kept and seconds is not None and price is not None:
        ledger.cost(str(kept.get("fingerprint")), records.attempt(kept), round(seconds * price / 3600, 6))
