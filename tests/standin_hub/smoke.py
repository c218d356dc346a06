"""The contract that matters, against the real Hub, with a real token.

    HFFT_REAL_HUB_TOKEN=... python -m tests.standin_hub.smoke

It is never run by the tests' command. It makes a private repository and two jobs of a few seconds on the smallest
machine (less than a cent), and deletes the repository again. Each line says what was checked. Against the stand-in:

    python -m tests.standin_hub.smoke --stand-in
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from hfft_widgets.jobs.base import Submission

TOKEN_VARIABLE = "HFFT_REAL_HUB_TOKEN"
FLAVOR = "cpu-basic"
MAX_USD = 0.01
LINES = 300
SCRIPT = f"""
import json, os, time
PLAN = {{"kind": "training", "title": "Smoke", "model": "smoke"}}
assert os.environ["HF_TOKEN"], "no token"
for step in range(1, {LINES} + 1):
    event = {{"n": step, "t": time.time(), "event": "log", "step": step, "metrics": {{"loss": 1 / step}}}}
    print("@hfft " + json.dumps(event))
    if step % 50 == 0:
        print("odd \\u2028 separators \\u0085 here")
        time.sleep(0.5)
"""
SLEEPS = "import time\nprint('it sleeps', flush=True)\ntime.sleep(600)\n"


def submission(script: str, **more: object) -> Submission:
    from hfft_widgets.jobs.base import JobTarget, Submission

    target = JobTarget(max_usd=MAX_USD, **more)  # type: ignore[arg-type]
    name = os.urandom(8).hex()
    return Submission(
        "training", "Smoke", script, {"model": "smoke"}, name, timeout_seconds=300.0, flavor=FLAVOR, target=target
    )


def check_account() -> str:
    from hfft_widgets.hub.account import account

    who = account()
    assert who.can_run_jobs() is not False, f"{who}: this token cannot run jobs"
    return str(who)


def check_prices() -> str:
    from hfft_widgets.hub.hardware import hardware

    offered = hardware()
    assert offered.live, "the prices are not live"
    machine = offered.flavor(FLAVOR)
    assert machine is not None, f"no {FLAVOR}"
    return f"{len(offered.flavors)} flavors, {FLAVOR} ${machine.usd_per_hour} an hour"


def check_a_price_is_needed() -> str:
    import dataclasses

    from hfft_widgets.errors import LaunchError
    from hfft_widgets.jobs import index

    asked = submission(SCRIPT)
    with pytest.raises(LaunchError, match="costs money") as caught:
        index.launch(dataclasses.replace(asked, target=dataclasses.replace(asked.target, max_usd=None)))
    return str(caught.value)


def check_a_run() -> str:
    """Launched once, followed, found again as another machine would, its log whole."""
    from hfft_widgets.errors import LaunchError
    from hfft_widgets.hub.account import account
    from hfft_widgets.jobs import index
    from hfft_widgets.jobs.hf.backend import JobsBackend
    from hfft_widgets.jobs.run import Run

    repo = f"{account().name}/hfft-smoke-{os.urandom(4).hex()}"
    asked = submission(SCRIPT, push_to=repo)
    try:
        run = index.launch(asked)
        with pytest.raises(LaunchError, match=run.id):
            index.launch(asked)
        run.wait(280)
        assert run.stage == "COMPLETED", (run.stage, run.error, run.log[-1000:])
        steps = [point.step for point in run.history["loss"]]
        assert steps == list(range(1, LINES + 1)), f"{len(steps)} of {LINES} points came"
        again = Run(JobsBackend(), run.id.removeprefix("jobs:"))
        assert again.script == SCRIPT, "the script did not come back as it was sent"
        assert run.pushed is not None, "the repository was not made"
        return f"{run.id}, {len(steps)} points, ${run.cost_usd}"
    finally:
        delete(repo)


def delete(repo: str) -> None:
    from hfft_widgets.hub import session
    from hfft_widgets.hub.token import find_token

    with session.client(find_token(), "delete the repository") as api:
        api.delete_repo(repo, missing_ok=True)


def check_a_cancel() -> str:
    from hfft_widgets.jobs import index

    run = index.launch(submission(SLEEPS))
    deadline = time.monotonic() + 240
    while run.stage == "SCHEDULING" and time.monotonic() < deadline:
        time.sleep(1)
    asked = time.monotonic()
    run.cancel(60)
    assert run.stage == "CANCELED", run.stage
    return f"{time.monotonic() - asked:.1f} s until its stage said so"


def check_no_token_is_kept() -> str:
    from hfft_widgets import folders
    from hfft_widgets.hub.token import find_token

    token = find_token()
    assert token is not None
    files = [path for path in folders.data().rglob("*") if path.is_file()]
    held = [path for path in files if token.reveal().encode() in path.read_bytes()]
    assert not held, held
    return f"{len(files)} files"


CHECKS: tuple[Callable[[], str], ...] = (
    check_account, check_prices, check_a_price_is_needed, check_a_run, check_a_cancel, check_no_token_is_kept,
)  # fmt: skip


def run_checks() -> int:
    """Print one line per check; the number of those that failed."""
    failed = 0
    for check in CHECKS:
        name = check.__name__.removeprefix("check_").replace("_", " ")
        try:
            print(f"ok    {name}: {check()}", flush=True)
        except Exception:  # the others go on
            failed += 1
            print(f"FAIL  {name}\n{traceback.format_exc()}", flush=True)
    return failed


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.standin_hub.smoke", description=__doc__)
    parser.add_argument("--stand-in", action="store_true", help="try the script itself against the stand-in Hub")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="hfft-smoke-") as folder:
        os.environ["HFFT_HOME"] = folder
        if asked.stand_in:
            from tests.standin_hub import StandInHub

            with StandInHub(Path(folder) / "stand-in") as hub:
                os.environ.update(hub.settings())
                os.environ.pop("HF_HUB_OFFLINE", None)
                return run_checks()
        token = os.environ.get(TOKEN_VARIABLE)
        if not token:
            print(f"Set {TOKEN_VARIABLE} to a token that can write and run jobs. This costs less than a cent.")
            return 2
        os.environ["HF_TOKEN"] = token
        return run_checks()


if __name__ == "__main__":
    sys.exit(main())
