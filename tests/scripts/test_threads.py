"""Threads: as many as there are free CPUs, handed on once, and a person's own setting before all."""

from __future__ import annotations

import os

import pytest

from hfft_widgets.scripts.machine import threads

COUNTS = ("HFFT_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch):
    for name in (*COUNTS, *threads.PASSIVE):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def machine(monkeypatch):
    """A machine with so many CPUs, of which a process may use some, under a load."""

    def as_if(cpus: int, bound: int, load: float, quota: float = float("inf")) -> None:
        monkeypatch.setattr(os, "cpu_count", lambda: cpus)
        monkeypatch.setattr(os, "getloadavg", lambda: (load, 0.0, 0.0), raising=False)
        monkeypatch.setattr(threads, "affinity", lambda: bound)
        monkeypatch.setattr(threads, "cpu_quota", lambda: quota)

    return as_if


@pytest.mark.parametrize(
    ("cpus", "bound", "load", "quota", "threads_"),
    [
        (2, 2, 0.1, float("inf"), 2),
        (2, 2, 1.2, float("inf"), 1),
        (2, 2, 9.0, float("inf"), 1),
        (64, 64, 0.0, 2.0, 2),
        (64, 4, 40.0, float("inf"), 4),  # others' load is on the other CPUs
        (8, 8, 30.0, float("inf"), 4),  # a load passes, a run lasts
        (64, 64, 0.0, 0.5, 1),
    ],
)
def test_threads_are_the_cpus_that_are_free(machine, cpus, bound, load, quota, threads_):
    machine(cpus, bound, load, quota)
    assert threads.usable_threads() == threads_


@pytest.mark.parametrize(("value", "count"), [("3", 3), ("5,2", 5), ("", 8), ("many", 8), ("0", 8)])
@pytest.mark.parametrize("name", ["HFFT_THREADS", "OMP_NUM_THREADS"])
def test_a_person_decides(machine, monkeypatch, name, value, count):
    machine(8, 8, 0.0)
    monkeypatch.setenv(name, value)
    assert threads.usable_threads() == count


def test_what_a_person_set_is_never_changed(machine, monkeypatch):
    machine(8, 8, 0.0)
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    monkeypatch.setenv("OMP_WAIT_POLICY", "ACTIVE")
    made = threads.thread_environment()
    assert not {"OMP_NUM_THREADS", "OMP_WAIT_POLICY"} & set(made)
    assert made["HFFT_THREADS"] == made["MKL_NUM_THREADS"] == "3"


def test_what_we_chose_is_handed_on_and_shared_out(machine, monkeypatch):
    machine(8, 8, 0.0)
    for name, value in threads.thread_environment().items():
        monkeypatch.setenv(name, value)
    machine(8, 8, 8.0)  # our own work by now
    assert threads.usable_threads() == 8
    assert {name: threads.thread_environment(4)[name] for name in COUNTS} == dict.fromkeys(COUNTS, "2")
    assert threads.thread_environment(99)["OMP_NUM_THREADS"] == "1"


@pytest.mark.parametrize(
    ("files", "quota"),
    [
        ({}, float("inf")),
        ({"cpu.max": "max 100000\n"}, float("inf")),
        ({"cpu.max": "150000 100000\n"}, 1.5),
        ({"cpu/cpu.cfs_quota_us": "200000\n", "cpu/cpu.cfs_period_us": "100000\n"}, 2.0),
        ({"cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n"}, float("inf")),
        ({"cpu.max": "nonsense"}, float("inf")),
    ],
)
def test_the_quota_of_a_container_counts(monkeypatch, tmp_path, files, quota):
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, "utf-8")
    monkeypatch.setattr(threads, "CGROUPS", tmp_path)
    assert threads.cpu_quota() == quota


def test_a_containers_memory_is_what_it_was_granted(monkeypatch, tmp_path):
    """A container sees the memory of its whole machine, and is ended where it takes more than its own share."""
    from hfft_widgets.sources import machine

    whole = machine.memory_bytes()
    (tmp_path / "memory.max").write_text("max\n")
    monkeypatch.setattr(machine, "own_groups", lambda _: {tmp_path})
    assert machine.memory_bytes() >= whole
    (tmp_path / "memory.max").write_text("2147483648\n")
    assert machine.memory_bytes() == 2 * 2**30
