"""The teacher's page speaks of every lesson, and its timetables add up."""

from __future__ import annotations

import json
import re
from pathlib import Path

import hfft_widgets as hfft
from hfft_widgets.teaching.source import lessons

PAGE = Path(__file__).parents[2] / "notebooks" / "teacher.ipynb"
CELLS = json.loads(PAGE.read_text("utf-8"))["cells"]
TEXT = "\n".join("".join(cell["source"]) for cell in CELLS if cell["cell_type"] == "markdown")
CODE = ["".join(cell["source"]) for cell in CELLS if cell["cell_type"] == "code"]


def slots(heading: str) -> list[tuple[str, int, int]]:
    """A timetable: what, the minute of the day at which it begins, how many minutes it takes."""
    table = TEXT.partition(f"| {heading} |")[2].partition("\n\n")[0]
    found = re.findall(r"\| (\d+):(\d\d) \| (\d+) \| ([^|\n]+) \|", table)
    return [(what, 60 * int(hour) + int(minute), int(length)) for hour, minute, length, what in found]


def test_half_a_day_adds_up_and_gives_each_lesson_its_minutes():
    day = slots("half a day")
    assert [begin for _, begin, _ in day[1:]] == [begin + length for _, begin, length in day[:-1]]
    assert day[-1][1] + day[-1][2] - day[0][1] <= 4 * 60
    for one in lessons().values():
        number = one.stem.partition("_")[0]
        given = [length for what, _, length in day if what.startswith(f"{number} ")]
        assert all(length >= one.front["talk"] + one.front["do"] for length in given), one.stem


def test_the_day_adds_up():
    day = slots("one day")
    assert [begin for _, begin, _ in day[1:]] == [begin + length for _, begin, length in day[:-1]]
    assert day[-1][1] + day[-1][2] <= 16 * 60


def test_every_lesson_has_its_question_for_the_wall():
    table = TEXT.partition("## 4.")[2].partition("## 5.")[0]
    for one in lessons().values():
        number, _, name = one.stem.partition("_")
        assert re.search(rf"^\| {number if name else 'capstone'}\b", table, re.MULTILINE), one.stem


def test_its_cells_run():
    space: dict[str, object] = {}
    for source in CODE:
        exec(compile(source, PAGE.name, "exec"), space)
    assert space["CODES"] == []


def test_what_it_says_to_type_is_there():
    for name in re.findall(r"`hfft\.(\w+)", TEXT):
        assert name in hfft.__all__, name
