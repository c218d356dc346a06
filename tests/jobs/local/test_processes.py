"""Telling processes apart."""

import os
import subprocess
import sys
import time

import psutil
import pytest

from hfft_widgets.jobs.local import processes, supervisor
from tests.jobs.conftest import lives, until

family = supervisor.family  # its own: it loads it by path


@pytest.fixture
def sleeper():
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
    yield process
    process.kill()
    process.wait()


def test_a_process_is_known_by_its_birth(sleeper):
    mine = supervisor.identity(sleeper.pid)
    assert mine["birth"] == family.birth(sleeper.pid) != ""
    assert processes.alive(mine)
    assert not processes.alive(mine | {"birth": str(int(mine["birth"]) - 1)})


def test_where_the_system_tells_no_birth_its_date_counts(sleeper):
    seen = time.time()
    assert processes.alive({"pid": sleeper.pid, "birth": "", "seconds": seen})
    assert not processes.alive({"pid": sleeper.pid, "birth": "", "seconds": seen - 3600})
    assert not processes.alive({"pid": sleeper.pid, "birth": "", "seconds": seen + 3600})


def test_a_process_that_ended_but_was_not_collected_is_dead():
    process = subprocess.Popen([sys.executable, "-c", ""])
    mine = {"pid": process.pid, "birth": "", "seconds": time.time()}
    until(lambda: psutil.Process(process.pid).status() == psutil.STATUS_ZOMBIE)
    assert not processes.alive(mine)
    assert family.birth(process.pid) == ""
    process.wait()
    assert not processes.alive(mine)


@pytest.mark.parametrize(
    "odd", [None, {}, {"pid": None}, {"pid": "x"}, {"pid": -5}, {"pid": 10**30}, {"pid": 2**31 - 2}]
)
def test_nobody_is_not_alive(odd):
    assert not processes.alive(odd)


def test_descendants_are_found_with_and_without_proc(sleeper, monkeypatch):
    moves = "p = subprocess.Popen(['sleep', '600'], start_new_session=True); print(p.pid, flush=True)"
    inner = f"import subprocess, time; {moves}; time.sleep(600)"
    outer = subprocess.Popen([sys.executable, "-c", inner], stdout=subprocess.PIPE, text=True, start_new_session=True)
    moved = int(outer.stdout.readline())
    found = family.descendants(os.getpid())
    assert {sleeper.pid, outer.pid, moved} <= set(found)
    assert found[moved] == family.birth(moved)
    assert family.descendants(outer.pid) == {moved: found[moved]}

    class NoProc(type(supervisor.Path())):
        def exists(self, **kwargs):
            return False

    monkeypatch.setattr(family, "Path", NoProc)  # as on macOS, where `ps` is asked
    listed = family.descendants(outer.pid)
    assert list(listed) == [moved]
    assert len(listed[moved]) > 10
    supervisor.family.kill(outer.pid, {moved: "a later process with the same id"})
    outer.wait()
    outer.stdout.close()
    assert lives(moved)
    supervisor.family.kill(outer.pid, listed)
    until(lambda: not lives(moved))


def test_the_machine_knows_itself():
    here = supervisor.machine()
    assert processes.here(here)
    assert not processes.here(here | {"boot": "x"})
    assert not processes.here({})
    assert processes.restarted(here | {"boot": "x"}, time.time())
    assert not processes.restarted(here, time.time())
    assert not processes.restarted({"host": "other", "boot": "x"}, 0)
    # without a boot id the time of the last start decides
    assert processes.restarted({"host": here["host"]}, psutil.boot_time() - 60)
    assert not processes.restarted({"host": here["host"]}, psutil.boot_time() + 60)


def test_files_are_seen_whole_or_not_at_all(tmp_path):
    path = tmp_path / "state.json"
    writer = (
        "import sys; from pathlib import Path; from hfft_widgets.jobs.local.supervisor import write_json\n"
        "for n in range(400): write_json(Path(sys.argv[1]), {'n': n, 'pad': 'x' * (n * 37 % 5000)})"
    )
    process = subprocess.Popen([sys.executable, "-c", writer, str(path)])
    seen = []
    while process.poll() is None:
        if path.exists():
            value = supervisor.read_json(path)
            assert value is not None
            assert len(value["pad"]) == value["n"] * 37 % 5000
            seen.append(value["n"])
    assert seen == sorted(seen)
    assert len(set(seen)) > 3
    assert list(tmp_path.iterdir()) == [path]
