"""Each learner's notebook, clicked through: every answer of every question, hint, class code, freed memory."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, expect

from hfft_widgets.teaching.source import Lesson, lessons
from tests.browser.harness import LabServer, NotebookServer, host_python, notebook_page
from tests.source import ROOT

pytestmark = [pytest.mark.browser, pytest.mark.full]
LESSONS = pytest.mark.parametrize("lesson", lessons().values(), ids=lambda one: one.name)
TOO_WIDE = "() => [...document.querySelectorAll('.hfft-root')].filter(r => r.scrollWidth > r.clientWidth + 1).length"
HEAR_RESTARTS = """() => {
  window.restarts = 0;
  const { kernel } = window.jupyterapp.shell.currentWidget.sessionContext.session;
  kernel.statusChanged.connect((_, status) => { window.restarts += status.endsWith('restarting'); });
}"""
CODE = re.compile(r"^[0-9A-Z]{5}-[0-9A-Z]{5}$")


def card(panel: Locator, question: str) -> Locator:
    """A question's card."""
    return panel.locator(f"article[aria-label='Question {question}']")


@LESSONS
@pytest.mark.timeout(600)
@pytest.mark.parametrize("width", [1280, 700])
def test_a_lesson_is_clicked_through(lesson, width, browser: Browser, lab: LabServer):
    click_through(lesson, width, browser, lab)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("lesson", list(lessons().values())[:5], ids=lambda one: one.name)
def test_the_first_five_in_notebook_7_too(lesson, browser: Browser, tmp_path: Path):
    if host_python("notebook") is None:
        pytest.skip("notebook is not installed here, nor for the Python in HFFT_HOSTS_PYTHON")
    with NotebookServer(tmp_path, env={"HFFT_HOME": os.environ["HFFT_HOME"]}) as seven:
        click_through(lesson, 1280, browser, seven)


def click_through(lesson: Lesson, width: int, browser: Browser, server: LabServer) -> None:
    """Every answer, the right one last; then what the end of the lesson says."""
    name = f"{lesson.stem}_{width}.ipynb"
    shutil.copy(ROOT / "notebooks" / f"{lesson.stem}.ipynb", server.root / name)
    with notebook_page(browser, server, size=(width, 900)) as notebook:
        notebook.open(name)
        notebook.run_all(300)
        page = notebook.page
        live = page.locator(".hfft-root")
        for question in lesson.questions:
            one = card(live, question.name)
            expect(one).to_contain_text("Not answered yet")
            for answer in sorted(question.answers, key=lambda each: each.letter == question.right):
                one.locator(".answer-choice", has_text=answer.says).first.click()
                right = answer.letter == question.right
                expect(one.locator("[role=status]")).to_contain_text("Right." if right else answer.look)
            one.get_by_role("button", name="Hint").click()
            expect(one).to_contain_text(question.hint)
        notebook.screenshot(
            f"lesson_{lesson.name}_{type(server).__name__}_{width}", card(live, lesson.questions[0].name)
        )
        assert page.evaluate(TOO_WIDE) == 0
        end = live.locator("article[aria-label^='End of the lesson']")
        count = len(lesson.questions)
        expect(end).to_contain_text(f"{count} of {count} {'question' if count == 1 else 'questions'} answered")
        expect(end.locator("code")).to_have_text(CODE)
        assert notebook.external_requests() == []
        faults = [text for kind, text in notebook.problems if kind != "warning"]
        if isinstance(server, NotebookServer):  # which asks for settings that it does not have
            faults = [text for text in faults if "hfft" in text]
        assert faults == []


@pytest.mark.timeout(300)
def test_the_last_button_frees_the_memory(browser: Browser, lab: LabServer):
    with notebook_page(browser, lab) as notebook:
        notebook.open(lab.write("end.ipynb", "import hfft_widgets as hfft\nkept = 1", 'hfft.lesson_end("data")'))
        notebook.run_all()
        page = notebook.page
        page.evaluate(HEAR_RESTARTS)
        page.locator(".hfft-root").get_by_role("button", name="Free this notebook's memory").click()
        expect(page.locator(".hfft-root")).to_contain_text("The memory is free.")
        page.wait_for_function("() => window.restarts > 0", timeout=60_000)  # JupyterLab starts an empty one
        notebook.wait_for_kernel(60)
        notebook.execute("assert 'kept' not in globals()")
