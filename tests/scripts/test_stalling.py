"""A script that stands still ends itself at the limit it was given; one that goes on, or has no limit, does not."""

from __future__ import annotations

import os
import subprocess
import sys
import time

HANGS = """
import signal, sys, time
from hfft_widgets.scripts.events import Moving, tell
from hfft_widgets.scripts.machine.stalling import hold_stall_limit
hold_stall_limit()
for _ in range(6):
    time.sleep(0.1)
    Moving.note()
tell("log", step=6)
{end}
"""


def ended(end: str, limit: str = "0.4", grace: str = "5") -> tuple[int, str]:
    environment = {**os.environ, "HFFT_STALL_SECONDS": limit, "HFFT_GRACE": grace, "HFFT_WORD": "ab12"}
    done = subprocess.run(
        [sys.executable, "-c", HANGS.format(end=end)], env=environment, capture_output=True, text=True, timeout=30,
        check=False,
    )  # fmt: skip
    return done.returncode, done.stdout


def test_one_that_hangs_is_asked_to_save_and_says_why():
    save = "signal.signal(signal.SIGTERM, lambda *_: (print('saved'), sys.exit(143)))\ntime.sleep(20)"
    code, said = ended(save)
    assert code == 143
    assert "saved" in said
    assert '"type": "Stalled", "message": "nothing moved for 0 seconds, the limit it was given"' in said


def test_one_that_does_not_hear_is_ended_all_the_same():
    began = time.monotonic()
    code, _ = ended("signal.signal(signal.SIGTERM, signal.SIG_IGN)\ntime.sleep(20)", grace="0.2")
    assert code == 142
    assert time.monotonic() - began < 15


def test_without_a_limit_nothing_watches():
    assert ended("time.sleep(0.6)\nprint('done')", limit="")[1].endswith("done\n")
