"""Every launch, refusal and cost stands in one file, whoever writes and whatever crashes."""

import json
import subprocess
import sys
import threading
import time

import pytest

from hfft_widgets import folders
from hfft_widgets.errors import LaunchError
from hfft_widgets.jobs.money import ledger

WRITE = """
import sys
from hfft_widgets.jobs.money import ledger
for number in range(int(sys.argv[2])):
    entry = ledger.begin(title=sys.argv[1], fingerprint=f"{sys.argv[1]}{number}", flavor="t4-small", ceiling_usd=1.0)
    ledger.started(entry, f"jobs:user/{sys.argv[1]}{number}", 1)
"""


def begun(name: str = "f", usd: float = 1.0, by: str = "limit") -> ledger.Entry:
    return ledger.begin(title=name, fingerprint=name, flavor="t4-small", ceiling_usd=usd, allowed_by=by)


def test_nothing_is_written_before_there_is_something_to_write(home):
    assert ledger.entries() == []
    assert ledger.counted_usd(0) == 0
    assert not home.exists() or list(home.iterdir()) == []


def test_what_counts_is_the_most_it_can_cost_until_its_cost_is_known(home):
    entry = begun()
    assert ledger.counted_usd(0) == 1.0  # nobody knows whether it was made
    ledger.started(entry, "jobs:user/a", 1)
    ledger.refused(begun("g"), "no credits")
    assert ledger.counted_usd(0) == 1.0
    ledger.cost("f", 1, 0.25)
    ledger.cost("f", 2, 9.0)  # of another attempt
    assert ledger.counted_usd(0) == 0.25
    first, second = ledger.entries()
    assert (first.state, first.why) == ("refused", "no credits")
    assert (second.state, second.run, second.attempt, second.cost_usd) == ("started", "jobs:user/a", 1, 0.25)


def test_what_counts_can_be_asked_by_day_and_by_who_allowed_it(home):
    for by, usd in (("limit", 1.0), ("person", 2.0)):
        ledger.started(begun(by, usd, by), f"jobs:user/{by}", 1)
    assert ledger.counted_usd(0) == 3.0
    assert ledger.counted_usd(0, "limit") == 1.0
    assert ledger.counted_usd(time.time() + 1) == 0


def test_a_line_that_a_crash_cut_off_spoils_no_other(home):
    begun("a")
    with (folders.data("ledger") / "ledger.jsonl").open("a") as file:
        file.write('{"id": "torn", "time": 1, "ceil')
    begun("b")
    assert [entry.title for entry in ledger.entries()] == ["b", "a"]
    lines = (folders.data("ledger") / "ledger.jsonl").read_text().split("\n")
    assert json.loads(lines[2])["title"] == "b"


def test_lines_of_another_version_are_read_as_far_as_they_are_known(home):
    begun("a")
    with (folders.data("ledger") / "ledger.jsonl").open("a") as file:
        file.write('{"id": "x", "time": 2.0, "colour": "red"}\n[1]\nnull\n{"id": 3}\n')
    assert {entry.id for entry in ledger.entries()} >= {"x"}
    assert len(ledger.entries()) == 2


def test_processes_and_threads_write_whole_lines(home):
    writers = [subprocess.Popen([sys.executable, "-c", WRITE, name, "20"]) for name in ("a", "b")]
    threads = [threading.Thread(target=lambda name=name: [begun(name) for _ in range(20)]) for name in ("c", "d")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [writer.wait(60) for writer in writers] == [0, 0]
    lines = (folders.data("ledger") / "ledger.jsonl").read_text().splitlines()
    assert len([json.loads(line) for line in lines]) == 40 * 2 + 40
    assert len(ledger.entries()) == 80


def test_what_cannot_be_written_down_is_not_launched(home, monkeypatch):
    home.mkdir(parents=True, exist_ok=True)
    blocked = home / "file"
    blocked.write_text("")
    monkeypatch.setenv("HFFT_HOME", str(blocked))
    with pytest.raises(LaunchError):
        begun()
    with pytest.raises(LaunchError), ledger.one_launch("jobs"):
        pass


def test_only_its_owner_reads_it(home):
    begun()
    assert (folders.data("ledger") / "ledger.jsonl").stat().st_mode & 0o077 == 0
