"""A paid host in memory: it bills what it starts, and an oracle of its own watches the person's limit."""

from __future__ import annotations

import itertools
import threading
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any

from hfft_widgets.core.run.stage import Stage
from hfft_widgets.errors import LaunchError, RunNotFoundError
from hfft_widgets.jobs.base import GivenBack, JobStatus, Submission
from hfft_widgets.jobs.hf.cost_limit import CostLimit, check_allowed
from hfft_widgets.jobs.money import ledger


@dataclass
class Bill:
    """One job."""

    submission: Submission
    usd: float
    stage: Stage = Stage.RUNNING
    cost_usd: float | None = None
    log: bytes = b""
    created: float = field(default_factory=itertools.count(1).__next__)


class Till(GivenBack):
    """Flavors are called `till:` and dollars: `till:0.40` can cost 40 cents."""

    name, title, is_local, is_paid = "till", "the till", False, True

    def __init__(self) -> None:
        self.bills: dict[str, Bill] = {}
        self._lock = threading.Lock()

    def ceiling(self, submission: Submission) -> CostLimit:
        usd = float(submission.flavor.partition(":")[2])
        return CostLimit(submission.flavor, 0, usd, 3600.0, submission.fingerprint, "the till", "2026-11-29")

    def allowed_ceiling(self, submission: Submission) -> CostLimit:
        limit = self.ceiling(submission)
        check_allowed(limit, submission)
        return limit

    def preflight(self, submission: Submission) -> Any:
        return self.ceiling(submission), ()

    def submit(self, submission: Submission) -> str:
        limit = self.allowed_ceiling(submission)
        with self._lock:
            same = [bill for bill in self.bills.values() if bill.submission.fingerprint == submission.fingerprint]
            if any(not bill.stage.final for bill in same):
                raise LaunchError("This plan is already running.")
            name = f"job{len(self.bills)}"
            self.bills[name] = Bill(replace(submission, attempt=len(same) + 1), limit.usd)
            return name

    def end(self, name: str, stage: Stage, share: float) -> None:
        """It ends, for this share of the most it could cost."""
        bill = self.bills[name]
        bill.stage, bill.cost_usd = stage, round(bill.usd * share, 6)
        ledger.cost(bill.submission.fingerprint, bill.submission.attempt, bill.cost_usd)

    def _bill(self, job_id: str) -> Bill:
        try:
            return self.bills[job_id]
        except KeyError:
            raise RunNotFoundError(f"There is no run till:{job_id}.") from None

    def status(self, job_id: str) -> JobStatus:
        bill = self._bill(job_id)
        finished = bill.created + 1 if bill.stage.final else None
        return JobStatus(bill.stage, bill.created, bill.created, finished, cost_usd=bill.cost_usd)

    def submission(self, job_id: str) -> Submission:
        return self._bill(job_id).submission

    def is_gone(self, job_id: str) -> bool:
        return job_id not in self.bills

    def read(self, job_id: str, position: int) -> bytes:
        return self._bill(job_id).log[position:]

    def tail(self, job_id: str) -> bytes:
        return b""

    def hardware_metrics(self, job_id: str) -> None:
        return None

    def pushed(self, job_id: str) -> None:
        return None

    def created(self, job_id: str) -> float:
        return self._bill(job_id).created

    def disk_bytes(self, job_id: str) -> int:
        return 0

    def on_finished(self, job_id: str, journal: Any) -> None:
        pass

    def cancel(self, job_id: str) -> None:
        if not self._bill(job_id).stage.final:
            self.end(job_id, Stage.CANCELED, 0.5)

    def ids(self) -> list[str]:
        return list(reversed(self.bills))

    def damaged(self) -> list[str]:
        return []

    def delete(self, job_id: str) -> None:
        del self.bills[job_id]


def registered(monkeypatch: Any) -> Till:
    """A till, as the host of flavors that begin with `till:`."""
    import sys

    from hfft_widgets.jobs import index

    till = Till()
    monkeypatch.setitem(sys.modules, "till_backend", SimpleNamespace(made=lambda: till))
    monkeypatch.setitem(index.HOSTS, "till", "till_backend:made")
    index.backend.cache_clear()
    return till
