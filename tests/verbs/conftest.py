from __future__ import annotations

import json
from pathlib import Path

import pytest

from hfft_widgets import verbs
from hfft_widgets.jobs import index
from hfft_widgets.jobs.base import Submission
from hfft_widgets.jobs.money import plans
from tests.hub_client.conftest import hub
from tests.jobs.conftest import PRELUDE, home, sample_folders
from tests.jobs.till import Till, registered

__all__ = ["home", "hub", "sample_folders"]

PAIRS = [
    {"question": f"why {word}?", "good_response": f"so {word}", "bad_response": f"no {word}"}
    for word in ("one", "two", "three", "four", "five", "six")
]


@pytest.fixture
def pairs(tmp_path: Path) -> str:
    """A file whose columns need a mapping for DPO."""
    path = tmp_path / "pairs.jsonl"
    path.write_text("\n".join(map(json.dumps, PAIRS)))
    return str(path)


@pytest.fixture
def till(home, monkeypatch):
    """A paid host in memory."""
    yield registered(monkeypatch)
    index.backend.cache_clear()


def kept(fingerprint: str, *, body: str = "tell('end')", title: str = "SFT of tiny", **more: object) -> str:
    """A small plan, kept as planning keeps it; free and local unless `flavor` says something else."""
    values = {"kind": "training", "title": title, "model": "user/tiny", "push_to": "user/tuned", "method": "SFT"}
    plans.keep(Submission("training", title, PRELUDE + body, values, fingerprint, **more))
    return fingerprint


def kept_for_till(till: Till, usd: float, fingerprint: str) -> str:
    assert till.is_paid
    return kept(fingerprint, flavor=f"till:{usd:.2f}")


def finished(fingerprint: str = "f" * 16, body: str = "tell('end')") -> str:
    """The id of a run on this machine that has ended."""
    started = verbs.launch(kept(fingerprint, body=body)).values["run"]
    assert verbs.wait(started, seconds=30).values["id"] == started
    while not verbs.wait(started, seconds=30).values["complete"]:
        pass
    return started
