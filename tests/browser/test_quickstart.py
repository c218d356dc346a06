"""The quickstart, clicked through: from the open notebook to a verified GGUF file that answers."""

from __future__ import annotations

import json
import math
import re
import shutil
import time
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.harness import LabServer, NotebookPage

pytestmark = pytest.mark.browser
QUICKSTART = Path(__file__).parents[2] / "notebooks" / "0_quickstart.ipynb"
LAST_STEP = re.compile(r"step (\d+)")


def click(page: Page, name: str) -> None:
    page.get_by_role("button", name=name).click()  # an icon is part of the accessible name


def card(page: Page, label: str):
    return page.locator(f"article.hfft[aria-label^='{label}']").last


def steps_while_running(page: Page, seconds: float, enough: float = math.inf) -> set[int]:
    """Distinct last steps that the curve shows while the run's card says Running, until there are enough of them."""
    seen: set[int] = set()
    run = card(page, "Run:")
    end = time.monotonic() + seconds
    while time.monotonic() < end and len(seen) < enough:
        running = run.locator(".chip.run").count() > 0
        note = page.locator(".hfft-live-note").first
        found = LAST_STEP.search(note.inner_text()) if running and note.count() else None
        if found:
            seen.add(int(found.group(1)))
        if run.locator(".chip.ok, .chip.bad").count():
            break
        page.wait_for_timeout(200)
    return seen


@pytest.mark.timeout(900)
def test_four_clicks_to_a_model_that_answers(notebook: NotebookPage, lab: LabServer):
    shutil.copy(QUICKSTART, lab.root / "quickstart.ipynb")
    page = notebook.page
    page.set_viewport_size({"width": 1100, "height": 1300})
    notebook.open("quickstart.ipynb")
    notebook.run_all()
    started = time.monotonic()

    click(page, "Check dataset")
    report = card(page, "Dataset")
    expect(report).to_be_visible(timeout=120_000)
    expect(report).to_contain_text("READY")

    click(page, "Make a plan")
    expect(card(page, "Training plan")).to_be_visible(timeout=60_000)

    click(page, "Train on this machine")
    first = steps_while_running(page, 120, enough=2)
    notebook.execute("import time; time.sleep(10)", wait=False)
    meanwhile = steps_while_running(page, 9)
    assert len(meanwhile) >= 2, "the curve stood still while a cell ran"
    seen = first | meanwhile | steps_while_running(page, 480)
    assert len(seen) >= 5, seen
    expect(card(page, "Run:").locator(".chip.ok")).to_be_visible(timeout=60_000)
    expect(card(page, "Run:")).to_contain_text("before training")
    notebook.screenshot("quickstart_light_run", card(page, "Run:"))

    click(page, "Export to GGUF")
    answered = card(page, "Exported")
    expect(answered).to_be_visible(timeout=240_000)
    expect(answered).to_contain_text("llama-server")
    print(f"from the open notebook to the answering GGUF: {time.monotonic() - started:.0f} s")

    show_whole_page(page)
    notebook.screenshot("quickstart_light")
    notebook.set_theme(dark=True)
    page.wait_for_timeout(1000)
    notebook.screenshot("quickstart_dark")

    check_figures(lab)
    assert notebook.external_requests() == []
    check_a_saved_notebook_shows_the_cards(notebook, lab)


def show_whole_page(page: Page) -> None:
    """A window as high as the notebook, so that one picture holds all of it."""
    height = page.evaluate("() => document.querySelector('.jp-WindowedPanel-outer').scrollHeight")
    page.set_viewport_size({"width": 1100, "height": min(int(height) + 120, 9000)})
    page.evaluate("() => document.querySelector('.jp-WindowedPanel-outer').scrollTo(0, 0)")
    page.wait_for_timeout(1500)


def check_figures(lab: LabServer) -> None:
    """The run really learned: last loss at least 30 % under the first, held-out score clearly up."""
    runs = sorted((Path(lab.env["HFFT_HOME"]) / "data" / "v1" / "runs").iterdir())
    folder = next(
        f for f in runs if (f / "submission.json").exists() and '"training"' in (f / "submission.json").read_text()
    )
    events = [json.loads(line[6:]) for line in (folder / "log").read_text().splitlines() if line.startswith("@hfft ")]
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
