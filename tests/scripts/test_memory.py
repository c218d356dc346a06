"""The memory that may be used, in a container and out of it."""

import psutil
import pytest

from hfft_widgets.scripts.machine import memory

GIB = 2**30


def group(folder, **files):
    folder.mkdir()
    for name, value in files.items():
        (folder / name.replace("__", ".")).write_text(f"{value}\n")
    return folder


def test_without_a_limit_it_is_the_machines():
    assert memory.total_bytes() == psutil.virtual_memory().total
    assert 0 < memory.free_bytes() <= memory.total_bytes() + psutil.swap_memory().total


def test_a_container_has_what_it_was_granted_and_gets_back_what_files_cache(tmp_path):
    v2 = group(tmp_path / "v2", memory__max=2 * GIB, memory__current=GIB)
    assert (memory.total_bytes([v2]), memory.free_bytes([v2])) == (2 * GIB, GIB)
    (v2 / "memory.stat").write_text(f"anon {GIB // 2}\ninactive_file {GIB // 2}\n")
    assert memory.free_bytes([v2]) == 3 * GIB // 2
    v1 = group(tmp_path / "v1", memory__limit_in_bytes=GIB, memory__usage_in_bytes=2 * GIB)
    assert (memory.total_bytes([v1, v2]), memory.free_bytes([v1, v2])) == (GIB, 0)


@pytest.mark.parametrize("files", [{}, {"memory__max": "max", "memory__current": GIB}, {"memory__max": "nonsense"}])
def test_a_group_without_a_limit_changes_nothing(tmp_path, files):
    one = group(tmp_path / "one", **files)
    assert memory.total_bytes([one]) == psutil.virtual_memory().total
    assert memory.free_bytes([one]) > 0


def test_on_other_systems_psutil_is_asked(tmp_path, monkeypatch):
    monkeypatch.setattr(memory, "MEMINFO", tmp_path / "none")
    assert memory.total_bytes() == psutil.virtual_memory().total
    assert memory.free_bytes() > 0
    monkeypatch.setitem(__import__("sys").modules, "psutil", None)
    assert (memory.total_bytes(), memory.free_bytes()) == (None, None)
    assert memory.free_bytes([group(tmp_path / "v2", memory__max=GIB)]) == GIB
