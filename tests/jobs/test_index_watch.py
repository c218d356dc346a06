"""What other processes start is noticed from the disk, quietly."""

from __future__ import annotations

import gc
import subprocess
import sys
import threading
import time

from hfft_widgets.jobs import follower
from hfft_widgets.jobs.money import ledger
from tests.jobs.conftest import until


class Page:
    def __init__(self, fails: bool = False) -> None:
        self.looks, self.fails = 0, fails

    def look(self) -> None:
        self.looks += 1
        assert not self.fails


def test_a_change_of_the_ledger_or_of_the_runs_is_told_to_all_and_quiet_is_told_to_nobody(home, monkeypatch):
    watch, bad, good = follower.IndexWatch(period=0.02), Page(fails=True), Page()
    read = []
    marks = follower._marks
    monkeypatch.setattr(follower, "_marks", lambda: read.append(1) or marks())
    for page in (bad, good, good):
        watch.tell(page.look)
    until(lambda: len(read) > 5)
    assert good.looks == 0
    code = "from hfft_widgets.jobs.money import ledger; ledger.begin(title='t', fingerprint='f', flavor='local')"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
    until(lambda: good.looks == 2)  # and once more, for what was not yet whole
    assert bad.looks == 2
    seen = len(read)
    until(lambda: len(read) > seen + 5)
    assert good.looks == 2
    (home / "data" / "v1" / "runs" / "20260101-000000-00000000").mkdir(parents=True)
    until(lambda: good.looks == 4)
    assert len(ledger.entries()) == 1


def test_the_thread_ends_with_the_last_who_watches(home):
    watch, page = follower.IndexWatch(period=0.02), Page()
    watch.tell(page.look)
    thread = watch._thread
    assert thread in threading.enumerate()
    del page
    gc.collect()
    thread.join(5)
    assert not thread.is_alive()
    again = Page()
    watch.tell(again.look)
    (home / "data" / "v1" / "runs").mkdir(parents=True)
    until(lambda: again.looks)
    thread = watch._thread
    watch.stop()
    assert not thread.is_alive()


def test_a_look_costs_next_to_nothing(home):
    began = time.process_time()
    for _ in range(1000):
        follower._marks()
    assert time.process_time() - began < 1  # a thousandth of it a second
