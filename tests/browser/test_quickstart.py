"""The quickstart, clicked through: from the open notebook to a verified GGUF file that answers."""

from __future__ import annotations

import json
import math
import re
import time
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

import hfft_widgets as hfft
from tests.browser.harness import LabServer, NotebookPage, notebook_page

pytestmark = [pytest.mark.browser, pytest.mark.ci]
QUICKSTART = Path(__file__).parents[2] / "notebooks" / "0_quickstart.ipynb"
HEIGHT = 900
LAST_STEP = re.compile(r"step (\d+)")


def beginning() -> str:
    """The lesson up to its studio: what comes after it shows panels of its own (see test_lessons.py)."""
    made = json.loads(QUICKSTART.read_text("utf-8"))
    last = next(at for at, cell in enumerate(made["cells"]) if "FineTuner()" in "".join(cell["source"]))
    return json.dumps({**made, "cells": made["cells"][: last + 1]})


def press(page: Page, words: str, seconds: float = 60) -> None:
    """The one next action, which is always in view."""
    button = page.locator(".hfft-bar .primary")
    expect(button).to_have_text(words, timeout=seconds * 1000)
    box = button.bounding_box()
    assert box
    assert 0 <= box["y"] <= HEIGHT - box["height"], (words, box)
    button.click()


def card(page: Page, label: str) -> Locator:
    """The live card of a step."""
    return page.locator(f".hfft-root article[aria-label^='{label}']")


def steps_while_running(page: Page, seconds: float, enough: float = math.inf) -> set[int]:
    """Distinct last steps that the curve shows while the run's card says Running, until there are enough of them."""
    seen: set[int] = set()
    run = card(page, "Run:")
    end = time.monotonic() + seconds
    while time.monotonic() < end and len(seen) < enough:
        running = run.locator(".chip.run").count() > 0
        note = page.locator(".hfft-live-note").first
        found = LAST_STEP.search(note.inner_text()) if running and note.count() else None
        if found and not seen:
            note.scroll_into_view_if_needed()  # what is out of view is not drawn
        if found:
            seen.add(int(found.group(1)))
        if run.locator(".chip.ok, .chip.bad").count():
            break
        page.wait_for_timeout(200)
    return seen


@pytest.mark.timeout(900)
def test_four_clicks_to_a_model_that_answers(browser: Browser, lab: LabServer):
    (lab.root / "quickstart.ipynb").write_text(beginning(), "utf-8")
    with notebook_page(browser, lab, size=(1280, HEIGHT)) as notebook:
        page, over = notebook.page, lab.root / "cell.over"
        rows = len(hfft.samples.dataset("messages"))  # as many functions as this Python's library has
        notebook.open("quickstart.ipynb")
        notebook.run_all()
        started = time.monotonic()

        press(page, "Check dataset")
        expect(card(page, "Dataset")).to_contain_text("READY", timeout=120_000)
        picture(notebook, "data")

        press(page, "Make a plan")
        expect(card(page, "Training plan")).to_be_visible(timeout=60_000)
        expect(page.locator(".hfft-step[data-key=Data] .line")).to_contain_text(f"{rows:,} rows, ready for SFT")
        picture(notebook, "plan")

        press(page, "Train on this machine")
        busy = f"import pathlib, time\nwhile not pathlib.Path({str(over)!r}).exists(): time.sleep(0.1)"
        notebook.execute(busy, wait=False)
        meanwhile = steps_while_running(page, 240, enough=3)
        over.touch()
        assert len(meanwhile) >= 3, "the curve stood still while a cell ran"
        picture(notebook, "running")
        seen = meanwhile | steps_while_running(page, 480)
        assert len(seen) >= 5, seen
        expect(card(page, "Run:").locator(".chip.ok")).to_be_visible(timeout=60_000)
        expect(card(page, "Run:")).to_contain_text("before training")
        picture(notebook, "run")

        press(page, "Export to GGUF")
        answered = card(page, "Exported")
        expect(answered).to_be_visible(timeout=240_000)
        expect(answered).to_contain_text("llama-server")
        print(f"from the open notebook to the answering GGUF: {time.monotonic() - started:.0f} s")
        picture(notebook, "export")

        check_figures(lab)
        assert notebook.external_requests() == []
        check_a_saved_notebook_shows_the_cards(notebook, lab)


def picture(notebook: NotebookPage, name: str) -> None:
    """As a person sees it, light and dark."""
    for theme in ("light", "dark"):
        notebook.set_theme(dark=theme == "dark")
        notebook.page.wait_for_timeout(700)
        notebook.screenshot(f"quickstart_{theme}_{name}")
    notebook.set_theme(dark=False)


def check_figures(lab: LabServer) -> None:
    """The run really learned: last loss at least 30 % under the first, held-out score clearly up."""
    runs = sorted((Path(lab.env["HFFT_HOME"]) / "data" / "v1" / "runs").iterdir())
    folder = next(
        f for f in runs if (f / "submission.json").exists() and '"training"' in (f / "submission.json").read_text()
    )
    told = [line for line in (folder / "log").read_text().splitlines() if line.startswith("@hfft")]
    events = [json.loads(line.partition(" ")[2]) for line in told]
    losses = [event["metrics"]["loss"] for event in events if event["event"] == "log"]
    answers = next(event for event in events if event["event"] == "answers")
    assert losses[-1] < 0.7 * losses[0]
    assert answers["score"]["after"] >= answers["score"]["before"] + 0.3
    assert not answers["rows"][0]["prompt"].startswith("Traceback")


def check_a_saved_notebook_shows_the_cards(notebook: NotebookPage, lab: LabServer) -> None:
    """The cards are plain output: they are in the file, and they are shown where no kernel is."""
    notebook.command("docmanager:save")
    saved = json.loads((lab.root / "quickstart.ipynb").read_text("utf-8"))
    html = "".join(
        "".join(output["data"].get("text/html", ""))
        for cell in saved["cells"]
        for output in cell.get("outputs", [])
        if "data" in output
    )
    for label in ("Dataset", "Training plan", "Run:", "Exported"):
        assert f'aria-label="{label}' in html, label
