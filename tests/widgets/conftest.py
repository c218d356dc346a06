"""A plan for a job, against the stand-in Hub, and a monitor that could start it."""

from __future__ import annotations

import dataclasses

import pytest

import hfft_widgets as hfft
from hfft_widgets import samples
from hfft_widgets.jobs import follower, index
from tests.hub_client.conftest import hub

__all__ = ["hub"]
QUICK = "import sys\nprint('here', flush=True)\nsys.exit(0)\n"


@pytest.fixture(autouse=True)
def unwatched():
    """Nothing looks on after a test that opened a panel."""
    yield
    follower.watch.stop()


@pytest.fixture
def jobs():
    """The process' own place for jobs, made anew."""
    index.backend.cache_clear()
    yield
    index.backend("jobs").close()
    index.backend.cache_clear()


@pytest.fixture(scope="session")
def made(tmp_path_factory, sample_home):
    """A plan for a job, with a script that ends at once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HFFT_HOME", str(sample_home))
        report = hfft.validate("sample:messages", model="sample:model")
        plan = hfft.plan_training("sample:model", report, flavor="t4-small", push_to="user/tuned")
        folder = samples.model()
    data = dataclasses.replace(plan.data, reference={"path": "user/talk", "name": None, "split": "train"})
    return plan.with_values(model="user/tiny-llama", data=data).with_script(QUICK), folder


@pytest.fixture
def plan(made, hub, jobs):
    hub.add_model(made[1], "user/tiny-llama")
    hub.add_dataset("user/talk", rows=[{"prompt": "Hi", "completion": "Hello"}])
    return made[0]


@pytest.fixture
def panel(plan):
    monitor = hfft.TrainingMonitor(plan)
    yield monitor
    if monitor._follower:
        monitor._follower.stop()
