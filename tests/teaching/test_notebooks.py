"""Learners' notebooks are those of the lessons' texts, and hold no answer; the solved ones prove each claim."""

from __future__ import annotations

import json
import time

import nbformat
import pytest
from nbclient import NotebookClient

from hfft_widgets.teaching.lessons.__main__ import main
from hfft_widgets.teaching.notebooks import file_text, notebook
from hfft_widgets.teaching.source import Code, lessons
from tests.source import ROOT

LESSONS = pytest.mark.parametrize("lesson", lessons().values(), ids=lambda one: one.name)
MOST_CPU_SECONDS = 90
MOST_BYTES = 1.3e9
AFTER = """
import json, resource
own, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
used = sum(one.ru_utime + one.ru_stime for one in (own, children))
print(json.dumps({"cpu": used, "bytes": 1024 * (own.ru_maxrss + children.ru_maxrss)}))
"""


@LESSONS
def test_the_notebook_is_that_of_the_text(lesson):
    """`python -m hfft_widgets.teaching.lessons notebooks` writes it anew."""
    assert (ROOT / "notebooks" / f"{lesson.stem}.ipynb").read_text("utf-8") == file_text(lesson)


@LESSONS
def test_a_learners_notebook_holds_no_answer(lesson):
    nbformat.validate(nbformat.from_dict(notebook(lesson)))
    text = _plain(notebook(lesson))
    for question in lesson.questions:
        assert question.because not in text
        assert question.hint not in text
        assert not [one.thinks for one in question.answers if one.thinks and one.thinks in text]
        assert f'answer("{question.right}")' not in text
    for exercise in lesson.exercises:
        assert exercise.solution not in text
        assert exercise.hint not in text
    for part in lesson.parts:
        if isinstance(part, Code) and part.kind in {"solved", "claim"}:
            assert part.source not in text
    assert "assert " not in text


@LESSONS
def test_a_lesson_has_its_opening_its_setup_and_its_end(lesson):
    cells = notebook(lesson)["cells"]
    first, setup, last = (_source(cells[at]) for at in (0, 1, -1))
    assert first.startswith(f"# {lesson.title}\n")
    assert all(one in first for one in (*lesson.front["verbs"], "minutes to read", "Shift + Enter"))
    assert "Does nothing where hfft_widgets is installed" in setup
    assert last == f'hfft.lesson_end("{lesson.name}")'
    assert "## To take along" in _plain(notebook(lesson))
    assert len({cell["id"] for cell in cells}) == len(cells)


@LESSONS
def test_a_question_comes_before_its_answer_is_shown(lesson):
    """No picture or result stands before the first question of a lesson."""
    claims = [part for part in lesson.parts if isinstance(part, Code) and part.kind == "claim"]
    assert claims, "a text that claims nothing teaches nothing"
    solved = [_source(cell) for cell in notebook(lesson, solved=True)["cells"]]
    for question in lesson.questions:
        assert f'assert hfft.quiz("{question.name}").answer("{question.right}")' in solved


def test_words_are_linked_at_their_first_use_alone():
    text = _plain(notebook(lessons()["data"]))
    assert text.count("[loss mask](#Words-of-this-lesson)") == 1
    assert "* **loss mask**: " in text
    assert "[[" not in text


def test_who_installed_the_package_has_the_course(tmp_path, capsys):
    assert main([str(tmp_path / "course")]) == 0
    assert {path.stem for path in (tmp_path / "course").iterdir()} == {one.stem for one in lessons().values()}
    assert main([str(tmp_path), "data", "--solved"]) == 0
    assert "assert " in (tmp_path / "1_data_solved.ipynb").read_text("utf-8")
    assert main([str(tmp_path), "cooking"]) == 1
    assert "no lesson 'cooking'" in capsys.readouterr().err


@pytest.mark.ci
@LESSONS
def test_the_solved_lesson_proves_its_claims(lesson, sample_folders, tmp_path):
    made = nbformat.reads(file_text(lesson, solved=True), as_version=4)
    made.cells.append(nbformat.v4.new_code_cell(AFTER))
    began = time.monotonic()
    NotebookClient(made, timeout=300, resources={"metadata": {"path": str(tmp_path)}}).execute()
    used = json.loads("".join(one.text for one in made.cells[-1].outputs if one.output_type == "stream"))
    print(lesson.name, used, f"{time.monotonic() - began:.0f} s")
    assert used["cpu"] <= MOST_CPU_SECONDS
    assert used["bytes"] <= MOST_BYTES


def _source(cell: dict) -> str:
    return "".join(cell["source"])


def _plain(made: dict) -> str:
    return "\n\n".join(_source(cell) for cell in made["cells"])
