"""The lessons' notebooks, wherever the package lies."""

from __future__ import annotations

import json

import pytest

from hfft_widgets.errors import HfftError
from hfft_widgets.lab import lessons


def test_every_lesson_of_the_checkout_is_listed_in_order():
    found = lessons.lessons()
    assert [one["name"] for one in found][:2] == ["0_quickstart", "1_data"]
    assert all(one["title"] and one["short"] for one in found)
    assert not [one for one in found if one["name"].startswith("lite")]
    assert lessons.notebook("1_data")["nbformat"] == 4
    for name in ("nothing", "../README", "lite_data_and_plan"):
        with pytest.raises(HfftError, match="1_data"):
            lessons.notebook(name)


def test_an_install_has_them_inside(tmp_path, monkeypatch):
    book = {"cells": [{"cell_type": "markdown", "source": ["text\n", "# Own: words\n"]}], "nbformat": 4}
    for name in ("3_own", "3_own_solved", "capstone"):
        (tmp_path / f"{name}.ipynb").write_text(json.dumps(book), "utf-8")
    monkeypatch.setattr(lessons, "FOLDERS", (tmp_path, *lessons.FOLDERS))
    own, whole = {"name": "3_own", "title": "Own: words", "short": "3 Own"}, {"name": "capstone", "short": "Own"}
    assert lessons.lessons() == [own, {"title": "Own: words", **whole}]
    monkeypatch.setattr(lessons, "FOLDERS", (tmp_path / "none",))
    assert lessons.lessons() == []
