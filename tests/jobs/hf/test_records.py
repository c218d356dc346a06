"""What is written down of launches and runs, and what an id stands for."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from hfft_widgets.errors import RunNotFoundError
from hfft_widgets.jobs.hf import records
from tests.jobs.conftest import submission


def test_an_id_stands_for_a_job_or_for_a_launch(home):
    assert records.find("me/abc").job == ("me", "abc")
    made = records.begin(submission(""), "me")
    waiting = records.find(f"me/unconfirmed-{made['run']}")
    assert waiting.launch == made
    assert waiting.kept["state"] == records.POSTING
    records.started(made, "abc")
    found = records.find(f"me/unconfirmed-{made['run']}")
    assert (found.job, found.launch, str(found)) == (("me", "abc"), None, "jobs:me/abc")
    assert found.kept["state"] == records.STARTED


@pytest.mark.parametrize(
    "odd", ["", "abc", "/abc", "me/", "../x", "me/a/b", "me/..", "me/unconfirmed-", "me/unconfirmed-x"]
)
def test_what_is_no_id(home, odd):
    with pytest.raises(RunNotFoundError):
        records.find(odd)


def test_a_launch_of_another_namespace_is_not_found(home):
    made = records.begin(submission(""), "me")
    with pytest.raises(RunNotFoundError, match="There is no run"):
        records.find(f"you/unconfirmed-{made['run']}")


def test_threads_that_keep_at_once_lose_nothing(home):
    """A monitor's follower and a cell that waits see the end of a run at the same moment."""
    barrier = threading.Barrier(8)

    def keep(number):
        barrier.wait()
        for turn in range(10):
            records.keep("me", "abc", {f"{number}-{turn}": 1})

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(keep, range(8)))  # raises what a thread raised
    assert len(records.run("me", "abc")) == 80
