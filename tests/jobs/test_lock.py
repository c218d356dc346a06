"""One holder at a time, on every disk."""

import errno
import fcntl
import os
import subprocess
import sys

import pytest

from hfft_widgets.errors import LaunchError
from hfft_widgets.jobs.lock import hold, one_at_a_time


def test_a_lock_is_dropped_with_its_holder(tmp_path):
    path = tmp_path / "lock"
    hold = (
        "import sys, time; from pathlib import Path; from hfft_widgets.jobs.lock import one_at_a_time\n"
        "with one_at_a_time(Path(sys.argv[1])): print('held', flush=True); time.sleep(600)"
    )
    holder = subprocess.Popen([sys.executable, "-c", hold, str(path)], stdout=subprocess.PIPE, text=True)
    assert holder.stdout.readline() == "held\n"
    with pytest.raises(LaunchError, match="Another start has been under way"), one_at_a_time(path, wait_seconds=0.2):
        pass
    holder.kill()
    holder.communicate()
    with one_at_a_time(path, wait_seconds=10):
        pass


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP])
def test_threads_wait_for_each_other_where_the_disk_has_no_locks(tmp_path, monkeypatch, number):
    def no_locks(handle, operation):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "flock", no_locks)
    with (
        one_at_a_time(tmp_path / "lock"),
        pytest.raises(LaunchError, match="Another start"),
        one_at_a_time(tmp_path / "lock", wait_seconds=0.1),
    ):
        pass
    with one_at_a_time(tmp_path / "lock", wait_seconds=1):
        pass
    handle = hold(tmp_path / "log")
    assert handle is not None
    os.close(handle)


def test_what_is_held_is_not_given_twice(tmp_path):
    handle = hold(tmp_path / "log")
    assert hold(tmp_path / "log") is None
    os.close(handle)
    again = hold(tmp_path / "log")
    assert again is not None
    os.close(again)
