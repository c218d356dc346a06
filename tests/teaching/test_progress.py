"""What was answered is kept on this machine, and a damaged file is no obstacle."""

from __future__ import annotations

import json

from hfft_widgets.teaching.progress import Answered, forget, keep, kept


def test_it_is_kept_and_forgotten(home):
    assert kept() == Answered()
    keep(kept().with_answer("data-1", "a").with_answer("data-1", "a").with_answer("data-1", "c").with_done("data-ex1"))
    assert kept() == Answered({"data-1": ("a", "c")}, frozenset({"data-ex1"}))
    (file,) = home.rglob("lessons.json")
    assert set(json.loads(file.read_text("utf-8"))) == {"answers", "done"}  # no name, no time
    forget()
    assert kept() == Answered()


def test_a_damaged_file_counts_as_none(home):
    keep(Answered().with_done("data-ex1"))
    (file,) = home.rglob("lessons.json")
    for text in ("", "[]", '{"answers": 3, "done": []}', '{"answers": {}}'):
        file.write_text(text, "utf-8")
        assert kept() == Answered()


def test_where_nothing_can_be_written_the_lesson_goes_on(home, monkeypatch):
    (home / "file").write_text("in the way", "utf-8")
    monkeypatch.setenv("HFFT_HOME", str(home / "file"))
    keep(Answered().with_done("data-ex1"))
    assert kept() == Answered()
