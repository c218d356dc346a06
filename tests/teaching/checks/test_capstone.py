"""Twelve ticks: each is missing where its part of the folder is, and none where all is there."""

from __future__ import annotations

import json

import pytest

import hfft_widgets as hfft
from hfft_widgets.teaching import check, hand_in, other_questions
from hfft_widgets.teaching.checks.capstone import SECTIONS, TICKS

CARD = "\n".join(f"# {section.capitalize()}\n{'It is said here in some words. ' * 4}" for section in SECTIONS)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    rows = [{"prompt": f"What is in box {n}?", "completion": f"Part {n * 7}."} for n in range(220)]
    run = hfft.attach("replay:sft").wait()
    report = hfft.validate(rows)
    folder = hand_in(
        tmp_path_factory.mktemp("capstone") / "mine", report=report, run=run, step=run.best.step,
        exports=[hfft.attach("replay:export").wait()], others=other_questions(), card=CARD,
    )  # fmt: skip
    changed(folder, "report.json", name=run.plan["data"]["name"])
    return folder


def changed(folder, file, **values):
    path = folder / file
    path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | values), "utf-8")


def copy_of(folder, target):
    target.mkdir()
    for path in folder.iterdir():
        (target / path.name).write_bytes(path.read_bytes())
    return target


def test_a_whole_folder_has_all_twelve(whole):
    outcome = check("capstone", whole)
    assert outcome, str(outcome)
    assert len(TICKS) == 12


@pytest.mark.parametrize(
    ("file", "values", "words"),
    [
        ("report.json", {"total": 120}, "fewer than 200 rows"),
        ("report.json", {"findings": [{"effects": {"SFT": "silent"}}]}, "is silent"),
        ("report.json", {"name": "another"}, "not made from the rows"),
        ("run.json", {"plan": {}}, "fewer than 3 reasons"),
        ("run.json", {"stage": "ERROR"}, "not complete"),
        ("run.json", {"eval_loss": []}, "three evaluations"),
        ("run.json", {"chosen_step": 20}, "far above the lowest one"),
        ("run.json", {"answers": {"count": 8, "score": {"before": 0, "after": 1}}}, "40 held-out questions"),
    ],
)
def test_what_is_missing_is_said(whole, tmp_path, file, values, words):
    folder = copy_of(whole, tmp_path / "other")
    changed(folder, file, **values)
    assert words in str(check("capstone", folder))


@pytest.mark.parametrize(
    ("file", "text", "words"),
    [
        ("others.json", "[]", "20 questions of another kind"),
        ("exports.json", "[]", "two files"),
        ("card.md", "# Cost\nNothing.", "The card needs 80 words"),
        ("run.json", "{", "run.json is missing or cannot be read"),
        ("run.json", "[]", "run.json is not what"),
        ("exports.json", '[7, {"verified": true, "others": 3}]', "two files"),
    ],
)
def test_files_that_are_not_whole(whole, tmp_path, file, text, words):
    folder = copy_of(whole, tmp_path / "other")
    (folder / file).write_text(text, "utf-8")
    assert words in str(check("capstone", folder))


def test_no_folder_is_said(tmp_path):
    assert "There is no folder" in str(check("capstone", tmp_path / "nothing"))


def test_the_mask_counts(whole, tmp_path):
    folder = copy_of(whole, tmp_path / "other")
    plan = json.loads((folder / "run.json").read_text("utf-8"))["plan"]
    changed(folder, "run.json", plan=plan | {"settings": plan["settings"] | {"assistant_only_loss": False}})
    assert "learns the questions too" in str(check("capstone", folder))
