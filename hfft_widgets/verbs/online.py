"""A walk over the real Hub, once, for a person with a token: which of this package's assumptions hold there today.

It reads a public dataset and the prices, runs one job of a few seconds on the smallest machine, into a private
repository that it deletes again. It was tried against the stand-in Hub of the tests; the real one it meets at yours.
What it saw is kept as a transcript, without tokens and names: `tests/standin_hub/replay.py` holds it against the
stand-in, and says where that one answers in another form.
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from hfft_widgets import api, folders
from hfft_widgets.errors import HfftError
from hfft_widgets.hub import repos
from hfft_widgets.hub.account import Account, account
from hfft_widgets.hub.hardware import hardware
from hfft_widgets.hub.transcript import recorded, without
from hfft_widgets.jobs import index
from hfft_widgets.jobs.base import JobTarget, Submission
from hfft_widgets.jobs.money import Allowance
from hfft_widgets.jobs.run import Run

FLAVOR = "cpu-basic"
_SECONDS, _WAIT_SECONDS = 300.0, 600.0
_LINES = 200
_SCRIPT = f"""
import json, os, time
PLAN = {{"kind": "training", "title": "A walk over the Hub", "model": "none"}}
assert os.environ["HF_TOKEN"], "the job has no token"
for step in range(1, {_LINES} + 1):
    event = {{"n": step, "t": time.time(), "event": "log", "step": step, "metrics": {{"loss": 1 / step}}}}
    print("@hfft " + json.dumps(event), flush=True)
    if step % 50 == 0:
        time.sleep(0.5)
"""
Step = tuple[str, Callable[[], str]]


class Walk:
    """The steps, each of which says what it found or raises.

    Args:
        data: A public dataset.
        max_usd: The most the job may cost.
        allowance: What the person allowed.
    """

    def __init__(self, data: str, max_usd: float, allowance: Allowance) -> None:
        self._data, self._max_usd, self._allowance = data, max_usd, allowance
        self._name = secrets.token_hex(8)
        self._who: Account | None = None
        self._run: Run | None = None

    def transcribed(self) -> tuple[list[dict[str, Any]], Path]:
        """What each step found, and the file that holds this and the form of all that the Hub answered.

        Raises:
            HfftError: The file cannot be written.
        """
        with recorded() as seen:
            found = list(self.checks())
        names = () if self._who is None else self._who.namespaces
        page = [{name: check[name] for name in ("name", "ok", "found")} for check in found]
        kept = {
            "date": time.strftime("%Y-%m-%d"),
            "data": self._data,
            "checks": page,
            "exchanges": seen.exchanges(names),
        }
        path = folders.data("doctor", f"{time.strftime('%Y%m%d-%H%M%S')}-{self._name[:4]}.json")
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            path.write_text(without(json.dumps(kept, indent=1), (*names, str(folders.data()))), "utf-8")
        except OSError as error:
            raise HfftError(f"The transcript cannot be written to {path}.", why=str(error.strerror)) from error
        return found, path

    def checks(self) -> Iterator[dict[str, Any]]:
        """What each step found; after one that another needs has failed, those are left out."""
        for name, step in self._steps():
            began = time.monotonic()
            try:
                ok, found, remedy = True, step(), ""
            except HfftError as error:
                ok, found, remedy = False, f"{error.what} {error.why}".strip(), error.remedy
            yield {"name": name, "ok": ok, "found": found, "remedy": remedy, "seconds": time.monotonic() - began}

    def _steps(self) -> Iterator[Step]:
        yield "The account is known", self._account
        yield "A public dataset is read in rows", self._dataset
        yield "Prices are live", self._prices
        if self._who is not None:
            yield "A job starts once", self._launch
        if self._run is not None:
            yield "Its log comes whole", self._follow
            yield "It costs what was said", self._cost
            yield "Its repository is private", self._private
            yield "The repository can be deleted", self._delete
        yield "No file here holds the token", self._no_token

    @property
    def _repo(self) -> str:
        return f"{self._known.name}/hfft-doctor-{self._name}"

    @property
    def _known(self) -> Account:
        assert self._who is not None
        return self._who

    def _account(self) -> str:
        self._who = account()
        return str(self._who)

    def _dataset(self) -> str:
        return f"{api.validate(self._data, sample=True).total} rows of {self._data}"

    def _prices(self) -> str:
        offered = hardware()
        _expect(offered.live, f"The prices are those of {offered.date}: the Hub was not asked, or did not answer.")
        machine = offered.flavor(FLAVOR)
        return f"{len(offered.flavors)} flavors, {FLAVOR} ${machine.usd_per_hour if machine else '?'} an hour"

    def _launch(self) -> str:
        target = JobTarget(max_usd=self._max_usd, push_to=self._repo)
        plan = {"kind": "training", "model": "none", "push_to": self._repo}
        asked = Submission("training", "A walk over the Hub", _SCRIPT, plan, self._name, timeout_seconds=_SECONDS,
                           flavor=FLAVOR, target=target)  # fmt: skip
        self._run = index.launch(asked, allowance=self._allowance, attempt=1)
        again = index.launch(asked, allowance=self._allowance, attempt=1)
        _expect(again.id == self._run.id, f"Asked for twice, it started twice: {self._run.id} and {again.id}.")
        return self._run.id

    @property
    def _started(self) -> Run:
        assert self._run is not None
        return self._run

    def _follow(self) -> str:
        run = self._started.wait(_WAIT_SECONDS)
        _expect(run.stage == "COMPLETED", f"It ended as {run.stage}: {run.error}")
        came = [point.step for point in run.history["loss"]]
        _expect(came == list(range(1, _LINES + 1)), f"{len(came)} of {_LINES} points came.")
        return f"{len(came)} points"

    def _cost(self) -> str:
        usd = self._started.cost_usd
        _expect(usd is not None and usd <= self._max_usd, f"It cost {usd}, allowed were {self._max_usd}.")
        return f"${usd:.4f}"

    def _private(self) -> str:
        _expect(repos.is_private(self._known.token, self._repo), f"{self._repo} is public.")
        return self._repo

    def _delete(self) -> str:
        repos.delete_model_repo(self._known.token, self._repo)
        _expect(repos.pushed(self._known.token, self._repo) is None, f"{self._repo} is still there.")
        return self._repo

    def _no_token(self) -> str:
        if self._who is None:
            return "there was none"
        secret = self._who.token.reveal().encode()
        files = [path for path in folders.data().rglob("*") if path.is_file()]
        held = [str(path) for path in files if secret in path.read_bytes()]
        _expect(not held, f"It stands in {', '.join(held)}.")
        return f"{len(files)} files"


def _expect(holds: bool, otherwise: str) -> None:
    if not holds:
        raise HfftError(otherwise, remedy="Please report this: the package assumes something else.")
