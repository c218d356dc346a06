"""The folder that is handed in."""

from __future__ import annotations

import json

import pytest

import hfft_widgets as hfft
from hfft_widgets.errors import LessonError
from hfft_widgets.teaching.capstone import hand_in


def made(folder):
    return hand_in(
        folder, report=hfft.validate([{"prompt": "One?", "completion": "Two."}]), run=hfft.attach("replay:sft").wait(),
        step=400, exports=[], others=[], card="# Cost",
    )  # fmt: skip


def test_it_holds_what_was_made_and_another_person_can_read_it(tmp_path):
    folder = made(tmp_path / "a" / "b")
    assert {path.name for path in folder.iterdir()} == {
        "report.json", "run.json", "exports.json", "others.json", "card.md",
    }  # fmt: skip
    run = json.loads((folder / "run.json").read_text("utf-8"))
    assert (run["chosen_step"], run["fingerprint"]) == (400, hfft.attach("replay:sft").fingerprint)
    assert run["plan"]["settings"]["learning_rate"] == 0.0005


def test_a_folder_that_cannot_be_written_is_said(tmp_path):
    (tmp_path / "file").write_text("", "utf-8")
    with pytest.raises(LessonError, match="could not be written"):
        made(tmp_path / "file")
