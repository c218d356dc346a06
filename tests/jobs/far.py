"""Runs on the stand-in Hub, for tests."""

from __future__ import annotations

import pprint
from pathlib import Path
from typing import Any

from hfft_widgets.hub.streams.follow import Rhythm
from hfft_widgets.jobs.base import JobTarget, Submission
from hfft_widgets.jobs.hf.backend import JobsBackend
from tests.jobs.conftest import submission

QUICK = Rhythm(read_seconds=2.0, first_wait=0.01, longest_wait=0.2)
PLAN = {"kind": "training", "title": "SFT of tiny", "model": "acme/tiny", "method": "SFT",
        "estimate": {"seconds": {"low": 10.0, "mid": 20.0, "high": 60.0}, "usd": {"mid": 0.01}}}  # fmt: skip


TRAINS = """
tell("start", step=0, total_steps=20)
for step in range(1, 21):
    tell("log", step=step, total_steps=20, metrics={"loss": 2.0 - step / 20})
    time.sleep(0.02)
print("it says", os.environ["HF_TOKEN"] and "nothing of the token")
tell("end", step=20, total_steps=20)
"""


def far_submission(body: str = "tell('end')", **changes: Any) -> Submission:
    """A script with its plan inside, for `cpu-basic`, allowed to cost a dollar."""
    paid = {"max_usd": 1.0} | changes.pop("paid", {})
    body = f"PLAN = {pprint.pformat(PLAN)}\n" + body
    values = {
        "plan": PLAN,
        "title": "SFT of tiny",
        "flavor": "cpu-basic",
        "target": JobTarget(**paid),
        "timeout_seconds": 600.0,
    }
    return submission(body, **(values | changes))


def backend(**more: Any) -> JobsBackend:
    """As another notebook would have it."""
    return JobsBackend(rhythm=QUICK, period=more.pop("period", 0.1), **more)


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]
