"""A log on this disk: goes on where its cursor stands, whatever became of the process that wrote it."""

import json
from pathlib import Path

import pytest

from hfft_widgets.hub.streams.events import Cursor
from hfft_widgets.jobs.hf.log_cache import LogCache


def cursor(count):
    return Cursor(count, "first", f"T{count}", f"digest {count}")


def test_it_goes_on_where_it_was_closed(tmp_path):
    cache = LogCache(tmp_path)
    cache.append(b"one\n", cursor(1))
    cache.append(b"two\n", cursor(2))
    cache.close()
    again = LogCache(tmp_path)
    assert (again.read(0), again.read(4), again.read(8), again.cursor) == (b"one\ntwo\n", b"two\n", b"", cursor(2))
    again.append(b"three\n", cursor(3))
    again.finish()
    again.close()
    assert LogCache(tmp_path).complete


def test_what_was_written_behind_the_cursor_is_not_believed(tmp_path):
    cache = LogCache(tmp_path)
    cache.append(b"one\n", cursor(1))
    cache.close()
    with (tmp_path / "log").open("ab") as log:
        log.write(b"half a li")
    assert LogCache(tmp_path).read(0) == b"one\n"


@pytest.mark.parametrize("damage", ["{}", "[", '{"bytes": 99, "count": 1}', '{"bytes": "x", "count": 1}'])
def test_a_damaged_cursor_begins_anew(tmp_path, damage):
    cache = LogCache(tmp_path)
    cache.append(b"one\n", cursor(1))
    cache.close()
    (tmp_path / "mark.json").write_text(damage)
    again = LogCache(tmp_path)
    assert (again.read(0), again.cursor, again.complete) == (b"", Cursor(), False)


def test_the_file_of_earlier_versions_is_read(tmp_path):
    kept = {"count": 2, "first": "f", "timestamp": "T", "last": "l", "copies": 1, "bytes": 4, "complete": False}
    (tmp_path / "mark.json").write_text(json.dumps(kept))
    (tmp_path / "log").write_bytes(b"one\n")
    cache = LogCache(tmp_path)
    assert (cache.read(0), cache.cursor) == (b"one\n", Cursor(2, "f", "T", "l"))


def test_a_second_process_keeps_a_copy_of_its_own(tmp_path):
    first, second = LogCache(tmp_path), LogCache(tmp_path)
    second.append(b"mine\n", cursor(1))
    first.append(b"one\n", cursor(1))
    assert (first.read(0), second.read(0)) == (b"one\n", b"mine\n")
    second.close()
    first.close()
    assert (tmp_path / "log").read_bytes() == b"one\n"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_with_the_disk_full_the_log_is_in_memory(tmp_path):
    cache = LogCache(tmp_path / "run")
    cache.append(b"one\n", cache.cursor)
    kept, cache._file = cache._file, Path("/dev/full").open("r+b", buffering=0)  # noqa: SIM115
    cache.append(b"two\n", cache.cursor)
    assert "in memory alone" in cache.trouble
    cache.append(b"three\n", cache.cursor)
    assert cache.read(4) == b"two\nthree\n"
    cache._file.close()
    cache._file = kept  # there is room again
    assert cache.read(0) == b"one\n"
    cache.append(b"four\n", cache.cursor)
    assert cache.trouble == ""
    assert (tmp_path / "run" / "log").read_bytes() == b"one\ntwo\nthree\nfour\n"
    cache.close()
