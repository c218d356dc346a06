"""Tickets of a machine: whose turn it is, whom the folder trusts, and that nothing stale keeps anybody waiting."""

import json
import os
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from hfft_widgets.jobs.local import turns
from hfft_widgets.jobs.local.turns import Capacity, Claim, Ticket, reason

GB = 10**9
ROOM = Capacity(cores=4, allowed=4, memory_bytes=16 * GB, free_bytes=12 * GB)


def claim(run, threads=4, memory=0, **more):
    return Claim(run, threads, memory, run, **more)


def named(run):
    return f"local:{run}"


@pytest.mark.parametrize(
    ("mine", "others", "room", "said"),
    [
        (claim("b"), [], ROOM, None),
        (claim("b", 99, 99 * GB), [], ROOM, None),  # it runs alone, whatever it takes
        (claim("b"), [claim("a", running=True)], ROOM, "It waits for local:a: 4 of 4 cores are taken."),
        (claim("b", 2), [claim("a", 2, running=True)], ROOM, None),
        (claim("b", 3), [claim("a", 2, running=True)], ROOM, "It waits for local:a: 2 of 4 cores are taken."),
        (
            claim("d"),
            [claim("a", 2, running=True), claim("b", 2, running=True), claim("c")],
            ROOM,
            "It waits for 2 other runs: 4 of 4 cores are taken. One other run waits before it.",
        ),
        (claim("c", 1), [claim("a", 3, running=True), claim("b", 2)], ROOM,
         "It waits for its turn. One other run waits before it."),  # nobody is overtaken
        (claim("b", 1), [claim("a", 3, running=True), claim("c", 2)], ROOM, None),
        # a share of one's own on a larger machine: what others take of theirs is theirs
        (claim("b", 2), [claim("a", 2, running=True, own=False)], Capacity(8, 2), None),
        (claim("b", 2), [claim("a", 2, running=True)], Capacity(8, 2), "It waits for local:a: 2 of 2 cores are taken."),
        (claim("b", 2), [claim("a", 7, running=True, own=False)], Capacity(8, 2),
         "It waits for local:a: 7 of 8 cores are taken."),
        (claim("b", 1, 13 * GB), [claim("a", 1, running=True)], ROOM,
         "It waits for local:a: it needs 13.0 GB of memory, and 12.0 GB are free."),
        # one that has just begun does not hold yet what it will
        (claim("b", 1, 8 * GB), [claim("a", 1, 10 * GB, running=True)], ROOM,
         "It waits for local:a: it needs 8.0 GB of memory, and 6.0 GB are free."),
        (claim("b", 1, 8 * GB), [claim("a", 1, running=True)], Capacity(4, 4), None),  # nobody knows
    ],
)  # fmt: skip
def test_whose_turn_it_is(mine, others, room, said):
    found = reason(mine, others, room, named)
    assert (found and found["words"]) == said


@pytest.fixture
def queue(tmp_path, monkeypatch):
    monkeypatch.setenv(turns.QUEUE, str(tmp_path / "queue"))
    return tmp_path / "queue"


def test_the_second_waits_and_begins_when_the_first_gives_back(queue):
    first, second = Ticket("a", 1, 0), Ticket("b", 4, 0)
    assert first.look(ROOM, named, 3) is None
    assert first.claim.threads == 3
    assert second.look(ROOM, named, 4)["for"] == "cores"
    first.give_back()
    assert second.look(ROOM, named, 4) is None
    second.give_back()
    assert [path.name for path in queue.iterdir()] == ["lock"]


def test_who_does_not_wait_takes_the_least(queue):
    first, second = Ticket("a", 4, 3 * GB), Ticket("b", 2, 0)
    first.look(ROOM, named, 4)
    assert second.look(ROOM, named, 4) is not None
    assert second.look(ROOM, named, 4, now=True) is None
    assert second.claim.threads == 2
    assert turns.held_bytes() == 3 * GB


def test_others_may_read_a_ticket_and_not_change_it(queue):
    before = os.umask(0o077)
    try:
        Ticket("a", 1, 0)
    finally:
        os.umask(before)
    (path,) = queue.glob("*.json")
    assert stat.S_IMODE(queue.stat().st_mode) == 0o1777
    assert [stat.S_IMODE(one.stat().st_mode) for one in (path, queue / "lock")] == [0o644, 0o644]
    assert set(json.loads(path.read_text())) == {"run", "threads", "memory_bytes", "running"}


def test_a_ticket_whose_holders_are_gone_counts_for_nothing_and_is_removed(queue):
    body = f"import os, sys; sys.path.insert(0, {str(Path.cwd())!r}); from hfft_widgets.jobs.local import turns\n"
    body += "t = turns.Ticket('a', 4, 0); t.look(turns.Capacity(4, 4), str, 4); print(os.getpid(), flush=True); input()"
    holder = subprocess.Popen([sys.executable, "-c", body], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    holder.stdout.readline()
    mine = Ticket("b", 4, 0)
    assert mine.look(ROOM, named, 4) is not None
    holder.kill()
    holder.communicate()
    assert mine.look(ROOM, named, 4) is None
    assert len(list(queue.glob("*.json"))) == 1


def test_what_somebody_else_put_there_does_no_harm(queue, tmp_path):
    Ticket("first", 1, 0).give_back()
    (tmp_path / "secret").write_text("{}")
    (queue / "0-link.json").symlink_to(tmp_path / "secret")
    os.mkfifo(queue / "0-pipe.json")
    (queue / "0-folder.json").mkdir()
    handles = []
    for number, text in enumerate(("", "no JSON", "[]", '{"run": 1}', '{"run":"x","threads":1e999,"memory_bytes":0}')):
        handles.append(os.open(queue / f"0-{number}.json", os.O_RDWR | os.O_CREAT))
        os.write(handles[-1], text.encode())
        assert turns._lock(handles[-1])
    mine = Ticket("mine", 4, 0)
    assert mine.look(ROOM, named, 4) is None
    assert (tmp_path / "secret").exists()
    for handle in handles:
        os.close(handle)


def test_where_there_is_no_trusted_folder_nobody_waits(queue, tmp_path, monkeypatch):
    (tmp_path / "theirs").mkdir()
    queue.symlink_to(tmp_path / "theirs")
    first, second = Ticket("a", 4, 0), Ticket("b", 4, 0)
    assert (first.look(ROOM, named, 4), second.look(ROOM, named, 4)) == (None, None)
    assert list((tmp_path / "theirs").iterdir()) == []
    for nowhere in ("off", str(tmp_path / "missing" / "deep"), "/proc/nowhere"):
        monkeypatch.setenv(turns.QUEUE, nowhere)
        assert turns.place() is None
        assert Ticket("c", 4, 0).handle is None
    monkeypatch.delenv(turns.QUEUE)
    assert turns.place().name == "hfft-queue"


def test_who_holds_the_folder_for_long_keeps_nobody_from_starting(queue, monkeypatch):
    monkeypatch.setattr(turns, "_PATIENCE_SECONDS", 0.1)
    mine = Ticket("a", 4, 0)
    with turns._locked(queue):
        began = time.monotonic()
        assert mine.look(ROOM, named, 4) is None
        assert Ticket("b", 4, 0).handle is None
    assert time.monotonic() - began < 2
