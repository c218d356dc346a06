"""Who may spend what: the person's limit and the day's budget, below every door."""

import threading

import pytest

from hfft_widgets.core.run.stage import Stage
from hfft_widgets.errors import LaunchError, RunError
from hfft_widgets.jobs import index, money
from hfft_widgets.jobs.base import JobTarget
from hfft_widgets.jobs.money import Allowance, ledger
from tests.jobs.conftest import submission
from tests.jobs.far import far_submission
from tests.jobs.till import registered


@pytest.fixture
def till(home, monkeypatch):
    yield registered(monkeypatch)
    index.backend.cache_clear()


def paid(usd: float, fingerprint: str = "a" * 16, most: float | None = None):
    target = JobTarget(max_usd=usd if most is None else most, confirmed=fingerprint)
    return submission("", fingerprint=fingerprint, flavor=f"till:{usd}", target=target)


@pytest.mark.parametrize(
    ("allowance", "usd", "by"),
    [
        (Allowance(0.0), 0.0, "free"),
        (Allowance(0.0), 0.01, None),
        (Allowance(1.0), 1.0, "limit"),
        (Allowance(1.0), 1.01, None),
        (Allowance(5.0, day_usd=1.0), 2.0, None),
        (Allowance(1.0, day_usd=9.0), 2.0, None),
        (Allowance(), 9.0, "person"),
        (Allowance(day_usd=5.0), 9.0, None),
        (Allowance(0.0).agreed("f", 1, 2.0), 2.0, "person"),
        (Allowance(0.0).agreed("f", 1, 2.0), 2.01, None),
        (Allowance(0.0).agreed("f", 2, 2.0), 2.0, None),
        (Allowance(0.0).agreed("g", 1, 2.0), 2.0, None),
    ],
)
def test_the_table(home, allowance, usd, by):
    if by:
        assert money.allowed_by(allowance, "f", 1, usd) == by
    else:
        with pytest.raises(LaunchError, match=r"nobody allowed that.*Only a person can allow it"):
            money.allowed_by(allowance, "f", 1, usd)


@pytest.mark.parametrize("value", [-1.0, float("nan"), float("inf")])
def test_a_limit_is_a_number_of_dollars(value):
    with pytest.raises(LaunchError, match="number of dollars"):
        Allowance(value)


def test_the_environment_is_the_persons(monkeypatch):
    assert money.from_environment() == Allowance()
    assert money.from_environment(agent=True) == Allowance(0.0)
    for name, value in {"MAX_USD": "$2", "DAY_USD": "3", "READ_ONLY": "1"}.items():
        monkeypatch.setenv(f"HFFT_{name}", value)
    assert money.from_environment(agent=True) == Allowance(2.0, 3.0, read_only=True)
    assert money.from_environment() == Allowance(None, 3.0, read_only=True)
    monkeypatch.setenv("HFFT_DAY_USD", "much")
    with pytest.raises(LaunchError, match="HFFT_DAY_USD is 'much'"):
        money.from_environment()


def test_failed_and_cancelled_runs_count(till):
    limit = Allowance(1.0)
    for number, (stage, share) in enumerate([(Stage.ERROR, 1.0), (Stage.CANCELED, 0.5)]):
        index.launch(paid(0.4, f"{number}" * 16), allowance=limit)
        till.end(f"job{number}", stage, share)
    with pytest.raises(LaunchError, match=r"\$1\.00 in 24 hours, of which \$0\.60 is used"):
        index.launch(paid(0.5, "2" * 16), allowance=limit)
    index.launch(paid(0.4, "3" * 16), allowance=limit)
    assert sum(bill.cost_usd or bill.usd for bill in till.bills.values()) == pytest.approx(1.0)
    assert [entry.state for entry in ledger.entries()] == ["started", "refused", "started", "started"]


def test_parallel_launches_never_pass_the_budget_together(till):
    results: list[str] = []

    def click(number: int) -> None:
        try:
            results.append(index.launch(paid(0.4, f"{number:016x}"), allowance=Allowance(1.0)).id)
        except LaunchError as error:
            results.append(str(error))

    threads = [threading.Thread(target=click, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(till.bills) == 2
    assert len([one for one in results if one.startswith("till:")]) == 2
    assert len([one for one in results if "nobody allowed that" in one]) == 6


def test_an_attempt_is_one_run_however_often_it_is_asked_for(till):
    first = index.launch(paid(0.4), allowance=Allowance(1.0), attempt=1)
    assert index.launch(paid(0.4), allowance=Allowance(0.0), attempt=1).id == first.id  # it costs nothing more
    till.end("job0", Stage.ERROR, 1.0)
    assert index.launch(paid(0.4), allowance=Allowance(1.0), attempt=1).id == first.id
    second = index.launch(paid(0.4), allowance=Allowance(1.0), attempt=2)
    assert second.id != first.id
    with pytest.raises(LaunchError, match=r"no attempt 9.*The next one is attempt 3"):
        index.launch(paid(0.4), allowance=Allowance(1.0), attempt=9)
    assert len(till.bills) == 2


def test_parallel_calls_of_one_attempt_get_one_run(till):
    results: list[str] = []
    ask = lambda: results.append(index.launch(paid(0.4), allowance=Allowance(9.0), attempt=1).id)  # noqa: E731
    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert set(results) == {"till:job0"}
    assert len(results) == 8
    assert len(till.bills) == 1


def test_free_and_local_never_asks(till):
    run = index.launch(submission("tell('end')"), allowance=Allowance(0.0), attempt=1).wait(30)
    assert run.stage is Stage.COMPLETED
    (entry,) = ledger.entries()
    assert (entry.allowed_by, entry.ceiling_usd, entry.run) == ("free", 0.0, run.id)


def test_read_only_starts_and_stops_nothing(till, monkeypatch):
    monkeypatch.setenv("HFFT_READ_ONLY", "yes")
    for asked in (submission("tell('end')"), paid(0.4)):
        with pytest.raises(LaunchError, match="for reading only"):
            index.launch(asked)
    assert till.bills == {}
    with pytest.raises(RunError, match="Nothing can be stopped here"):
        money.from_environment().check_changes("stopped")
    assert [entry.state for entry in ledger.entries()] == ["refused", "refused"]


def test_a_launch_that_a_crash_interrupts_counts(till, monkeypatch):
    def dies(self, submission):
        raise KeyboardInterrupt

    monkeypatch.setattr(type(till), "submit", dies)
    with pytest.raises(KeyboardInterrupt):
        index.launch(paid(0.7), allowance=Allowance(1.0))
    assert ledger.entries()[0].state == "starting"
    assert ledger.counted_usd(0) == 0.7


def test_the_budget_is_looked_at_before_a_launch(home, monkeypatch):
    entry = ledger.begin(title="a", fingerprint="a", flavor="t4-small", ceiling_usd=0.4, allowed_by="person")
    ledger.started(entry, "jobs:user/a", 1)
    found = money.check("b", 2.0)
    assert (found.passed, "count $0.40" in found.message) == (True, True)
    monkeypatch.setenv("HFFT_DAY_USD", "2")
    found = money.check("b", 2.0)
    assert (found.passed, "HFFT_DAY_USD" in found.remedy) == (False, True)


def test_what_a_job_cost_stands_in_the_ledger(hub, home, monkeypatch):
    monkeypatch.setitem(index.HOSTS, "jobs", "tests.jobs.far:backend")  # which looks more often
    index.backend.cache_clear()
    run = index.launch(far_submission()).wait(30)
    (entry,) = ledger.entries()
    assert (entry.run, entry.allowed_by, entry.attempt) == (run.id, "person", 1)
    assert entry.cost_usd == pytest.approx(run.cost_usd, abs=1e-6)
    assert entry.counted_usd < entry.ceiling_usd
    index.backend("jobs").close()
    index.backend.cache_clear()


def test_a_host_that_is_paid_and_says_no_price_starts_nothing(till, monkeypatch):
    monkeypatch.delattr(type(till), "allowed_ceiling")
    with pytest.raises(LaunchError, match="does not say what a run costs"):
        index.launch(paid(0.10))
    assert till.bills == {}
    assert [entry.state for entry in ledger.entries()] == ["refused"]
