"""Where a plan runs: its flavor says it, once."""

import dataclasses
import sys
import time
import types

import pytest

import hfft_widgets as hfft
from hfft_widgets.core.plan.hardware import host_of, local_flavor
from hfft_widgets.core.run.stage import Stage
from hfft_widgets.errors import LaunchError, RunNotFoundError
from hfft_widgets.jobs import index
from tests.jobs.conftest import submission
from tests.jobs.far import far_submission


@pytest.fixture
def far_plan(hub, sample_folders):
    """An export for a machine of Hugging Face Jobs, of a model on the Hub."""
    index.backend.cache_clear()
    hub.add_model(hfft.samples.model(), "user/tiny")
    yield hfft.plan_export("user/tiny", flavor="cpu-basic", push_to="user/tiny-GGUF")
    index.backend("jobs").close()
    index.backend.cache_clear()


def test_a_flavor_knows_its_host():
    assert local_flavor(8 * 2**30, 0.1).host == "local"
    assert [host_of(name) for name in ("local", "a100-large", "cpu-basic", "moon:big")] == [
        "local",
        "jobs",
        "jobs",
        "moon",
    ]


def test_a_plan_for_a_paid_flavor_never_runs_here_without_a_word(hub, far_plan):
    with pytest.raises(LaunchError, match=r"costs money: at most .*cpu-basic"):
        hfft.launch(far_plan)
    with pytest.raises(LaunchError, match=r"The plan is for cpu-basic.*on='local'.*flavor='local'"):
        hfft.launch(far_plan, on="local")
    assert hfft.runs() == []
    assert len(hub.jobs) == 0
    assert hfft.launch(far_plan, max_usd=1).id.startswith("jobs:user/")
    assert len(hub.jobs) == 1


def test_a_plan_for_this_machine_is_not_sent_away(sample_folders, monkeypatch):
    monkeypatch.setattr(index, "launch", lambda submission: submission.flavor)
    here = hfft.plan_export("sample:model")
    assert hfft.launch(here) == hfft.launch(here, on="local") == "local"
    with pytest.raises(LaunchError, match=r"The plan is for local.*on='jobs'"):
        hfft.launch(here, on="jobs", max_usd=5)
    with pytest.raises(LaunchError, match=r"no host called 'moon'.*local, jobs"):
        hfft.launch(here, on="moon")


def test_a_host_is_a_module_and_one_line(sample_folders, monkeypatch):
    """A backend from elsewhere takes the plans for its flavors, and its runs are listed and attached to."""

    class Moon(type(index.backend("local"))):
        name = "moon"

    monkeypatch.setitem(sys.modules, "moon_backend", types.SimpleNamespace(Moon=Moon))
    monkeypatch.setitem(index.HOSTS, "moon", "moon_backend:Moon")
    index.backend.cache_clear()
    plan = dataclasses.replace(hfft.plan_export("sample:model"), flavor="moon:big")
    monkeypatch.setattr(Moon, "submit", lambda self, asked: super(Moon, self).submit(submission("tell('end')")))
    run = hfft.launch(plan)
    assert run.id.startswith("moon:")
    assert run.wait(30).stage == "COMPLETED"
    assert hfft.attach(run.id).id == run.id
    with pytest.raises(RunNotFoundError):
        hfft.attach("mars:1")
    index.backend.cache_clear()


def test_the_index_knows_the_newest_first(start):
    runs = [start("tell('end')") for _ in range(3)]
    assert [run.id for run in index.runs()] == [run.id for run in reversed(runs)]
    assert all(run.disk_bytes > len(run.script) for run in runs)


def test_a_host_that_does_not_exist(home):
    assert index.launch(submission("tell('end')")).wait(30).stage is Stage.COMPLETED
    with pytest.raises(LaunchError, match=r"no host called 'moon'.*local"):
        index.launch(submission("", flavor="moon:big"))


def test_an_unknown_id_lists_those_known(start):
    with pytest.raises(RunNotFoundError, match="No run is kept here"):
        index.attach("local:20200101-000000-00000000")
    run = start("tell('end')")
    for unknown in ("local:20200101-000000-00000000", "local:../../etc", "local:", "nonsense", "", "mars:1"):
        with pytest.raises(RunNotFoundError, match=run.id):
            index.attach(unknown)


def test_without_a_token_local_runs_are_listed(hub, monkeypatch):
    monkeypatch.delenv("HF_TOKEN")
    index.backend.cache_clear()
    assert index.runs() == []
    with pytest.raises(RunNotFoundError):
        index.attach("jobs:../../etc")
    assert hub.journal == []
    index.backend.cache_clear()


def test_runs_of_all_hosts_the_newest_first(hub, start):
    index.backend.cache_clear()
    first = start("tell('end')")
    time.sleep(0.01)
    second = index.launch(far_submission())
    time.sleep(0.01)
    third = start("tell('end')")
    assert [run.id for run in index.runs()] == [third.id, second.id, first.id]
    index.backend("jobs").close()
    index.backend.cache_clear()
