"""The stages of all remote runs: one list per namespace and a few seconds serves everybody who asks."""

from __future__ import annotations

import dataclasses
import threading
import time
from dataclasses import dataclass

from hfft_widgets.errors import HubError
from hfft_widgets.hub.jobs_api import JobFacts, JobsApi
from hfft_widgets.hub.outcomes import HubRefusedError
from hfft_widgets.hub.patience import FIRST_LOOK_SECONDS

PERIOD_SECONDS = 5.0
LABELS = {"hfft": "1"}
SETTINGS = "https://huggingface.co/settings/jobs"


@dataclass(frozen=True)
class Seen:
    """What the Hub says of a job, and when.

    Attributes:
        facts: What it says.
        at: By the monotonic clock.
        time: Unix time.
        seconds: Paid for at that moment; None: not known.
    """

    facts: JobFacts
    at: float
    time: float
    seconds: float | None

    @property
    def running_seconds(self) -> float | None:
        """Paid seconds up to now: those of the last look and the time that passed since."""
        if self.seconds is None or self.facts.final or self.facts.stage != "RUNNING":
            return self.seconds
        return self.seconds + time.monotonic() - self.at


class Poller:
    """Looks at jobs on behalf of many.

    Args:
        api: Carries the calls.
        period: Seconds for which a look counts.
    """

    def __init__(self, api: JobsApi, period: float = PERIOD_SECONDS) -> None:
        self._api = api
        self._period = period
        self._lock = threading.Lock()
        self._seen: dict[tuple[str, str], Seen] = {}
        self._polled: dict[str, float] = {}
        self._ours: set[tuple[str, str]] = set()
        self._trouble: dict[tuple[str, str], HubError] = {}
        self._next: dict[tuple[str, str], float] = {}  # after a failure: not asked again before

    def look(self, namespace: str, job_id: str) -> Seen:
        """The newest that is known of a job; an old look counts on while the Hub does not answer.

        Raises:
            HubError: It was never seen and cannot be looked at.
        """
        key = namespace, job_id
        with self._lock:
            if not self._fresh(key) and not (key in self._seen and time.monotonic() < self._next.get(key, 0.0)):
                try:
                    self._update(key)
                except HubError as error:
                    if key not in self._seen:
                        raise
                    self._trouble[key] = self._hidden(key) if getattr(error, "status", 0) == 404 else error
                    self._next[key] = time.monotonic() + max(self._period, getattr(error, "wait_seconds", 0) or 0)
            return self._seen[key]

    @staticmethod
    def _hidden(key: tuple[str, str]) -> HubError:
        """A 404 is no end: the Hub says it also to a token that may not see a job, and for a moment by mistake."""
        return HubError(
            f"The Hub does not show this job to this account at the moment: jobs:{'/'.join(key)}.",
            why="It may be of another account, deleted, or hidden by a passing fault; what was known of it stays.",
            remedy=f"It is asked for again. If it runs, it costs: look at {SETTINGS}, and cancel it here or there.",
        )

    def trouble(self, namespace: str, job_id: str) -> str:
        """Why the last look at a job failed, "" if it did not."""
        return str(self._trouble.get((namespace, job_id), ""))

    def note(self, facts: JobFacts) -> Seen:
        """Take facts that came by another way."""
        before = self._seen.get((facts.namespace, facts.id))
        seen = Seen(facts, time.monotonic(), time.time(), _paid(facts, before))
        self._seen[facts.namespace, facts.id] = seen
        self._trouble.pop((facts.namespace, facts.id), None)
        if LABELS.items() <= facts.labels.items():
            self._ours.add((facts.namespace, facts.id))
        return seen

    def knows(self, namespace: str, job_id: str) -> bool:
        """Whether the Hub has shown it once."""
        return (namespace, job_id) in self._seen

    def forget(self, namespace: str, job_id: str) -> None:
        """Look again at the next question."""
        with self._lock:
            self._polled.pop(namespace, None)
            self._next.pop((namespace, job_id), None)
            seen = self._seen.get((namespace, job_id))
            if seen is not None and not seen.facts.final:
                self._seen[namespace, job_id] = dataclasses.replace(seen, at=seen.at - self._period)

    def _fresh(self, key: tuple[str, str]) -> bool:
        seen = self._seen.get(key)
        return seen is not None and (seen.facts.final or time.monotonic() - seen.at < self._period)

    def _update(self, key: tuple[str, str]) -> None:
        namespace, _ = key
        if key in self._ours and time.monotonic() - self._polled.get(namespace, float("-inf")) >= self._period:
            self._polled[namespace] = time.monotonic()
            for facts in self._api.live(namespace, LABELS):
                self.note(facts)
        if not self._fresh(key):  # ended meanwhile, in a stage that is not known here, or not ours
            self.note(self._inspect(*key))

    def _inspect(self, namespace: str, job_id: str) -> JobFacts:
        """One job. A first look is patient; where the Hub says that there is none, its list is asked, too."""
        known = (namespace, job_id) in self._seen
        try:
            patience = 0.0 if known else FIRST_LOOK_SECONDS
            return self._api.inspect(namespace, job_id, patience_seconds=patience)
        except HubRefusedError as error:
            if error.status != 404:
                raise
            listed = (facts for facts in self._api.labelled(namespace, LABELS) if facts.id == job_id)
            found = next(listed, None)
            if found is None:
                raise
            return found


def _paid(facts: JobFacts, before: Seen | None) -> float | None:
    """The Hub counts whole seconds: between two looks that show the same one, the sum does not fall back."""
    counted = facts.running_seconds
    known = before.running_seconds if before and not facts.final else None
    return counted if counted is None or known is None else max(counted, min(known, counted + 1.0))
