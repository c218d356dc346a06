"""Hugging Face Jobs, clicked through: trained, found again by a second kernel, exported, pulled, answered."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.harness import LabServer, notebook_page
from tests.browser.test_quickstart import card, steps_while_running
from tests.hub_client.conftest import holding
from tests.standin_hub import WRITE_TOKEN, StandInHub
from tests.test_jobs_loop import NOTEBOOK, PULL, ask, settings

pytestmark = [pytest.mark.browser, pytest.mark.full]


def click(page: Page, name: str) -> None:
    page.get_by_role("button", name=name).click()  # an icon is part of the accessible name


CARD_SECONDS = 240_000


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[StandInHub]:
    with StandInHub(tmp_path) as running:
        yield running
        assert not running.errors, running.errors


@pytest.fixture
def lab(hub: StandInHub, tmp_path: Path) -> Iterator[LabServer]:
    with LabServer(tmp_path / "notebooks", env={**settings(hub, "here"), "HF_HUB_OFFLINE": "0"}) as server:
        yield server
        assert WRITE_TOKEN not in server.log()


def first_cells() -> list[str]:
    """The notebook up to its panel."""
    cells = [cell.source for cell in nbformat.read(NOTEBOOK, as_version=4).cells if cell.cell_type == "code"]
    last = next(number for number, source in enumerate(cells) if "FineTuner" in source)
    return cells[: last + 1]


@pytest.mark.timeout(900)
def test_trained_and_exported_by_jobs(  # noqa: PLR0915 - one way through, step after step
    browser: Browser, hub: StandInHub, lab: LabServer, tmp_path: Path
) -> None:
    lab.write("jobs.ipynb", *first_cells())
    lab.write("second.ipynb", "import hfft_widgets as hfft\nhfft.TrainingMonitor(hfft.runs()[0])")
    with notebook_page(browser, lab, size=(1100, 1400)) as notebook:
        page = notebook.page
        notebook.open("jobs.ipynb")
        notebook.run_all(200)
        click(page, "Check dataset")
        expect(card(page, "Dataset")).to_contain_text("READY", timeout=CARD_SECONDS)
        click(page, "Make a plan")
        expect(card(page, "Training plan")).to_be_visible(timeout=CARD_SECONDS)
        notebook.execute("tuner.planner.change(max_steps=16, logging_steps=1, eval_steps=8, questions=8)")
        notebook.execute("tuner.planner.change(flavor='cpu-basic')")  # by a click: tests/widgets/plan
        expect(card(page, "Training plan")).to_contain_text("cpu-basic", timeout=60_000)

        click(page, "Look at the price")
        start = page.get_by_role("button", name=re.compile("Start on cpu-basic, at most"))
        expect(start).to_be_visible(timeout=60_000)
        page.get_by_text(re.compile(r"\d+ checks passed")).click()
        expect(page.get_by_text("Signed in as user, can write, can run jobs.")).to_be_visible()
        notebook.screenshot("jobs_price")
        assert len(hub.jobs) == 0
        start.dblclick()
        expect(card(page, "Run:")).to_be_visible(timeout=60_000)
        seen = steps_while_running(page, 180, enough=2)
        notebook.screenshot("jobs_running", card(page, "Run:"))

        with notebook_page(browser, lab) as other:
            other.open("second.ipynb")
            other.run_all(120)
            expect(card(other.page, "Run:")).to_be_visible(timeout=60_000)
            expect(card(other.page, "Run:").locator(".chip.ok")).to_be_visible(timeout=CARD_SECONDS)
            expect(card(other.page, "Run:").locator(".hfft-live-note").first).to_contain_text("step 16:")
        assert len(seen) >= 2, "the curve stood still"
        expect(card(page, "Run:").locator(".chip.ok")).to_be_visible(timeout=CARD_SECONDS)
        expect(card(page, "Run:")).to_contain_text("On the Hub: user/hfft-tiny-tuned")
        expect(card(page, "Run:")).to_contain_text("Actual")
        notebook.screenshot("jobs_done", card(page, "Run:"))
        assert len(hub.jobs) == 1

        expect(page.get_by_role("button", name="Export to GGUF")).to_be_visible(timeout=60_000)
        click(page, "Open Export")
        page.get_by_label("Where", exact=True).select_option("cpu-basic")
        click(page, "Look at the price")
        start = page.get_by_role("button", name=re.compile("Start on cpu-basic, at most"))
        expect(start).to_be_visible(timeout=60_000)
        start.click()
        answered = card(page, "Exported")
        expect(answered).to_be_visible(timeout=240_000)
        expect(answered).to_contain_text("llama-server -hf user/hfft-tiny-tuned-GGUF:Q4_K_M")
        notebook.screenshot("jobs_exported", answered)
        prompt = answered.locator(".answer").first.inner_text()
        answer = answered.locator(".answer.model").inner_text()
        notebook.command("docmanager:save")
        assert notebook.external_requests() == []

    assert len(hub.jobs) == 2
    files = hub.repo("models", "user/hfft-tiny-tuned-GGUF").at().files
    name = next(file for file in files if file.endswith(".gguf"))
    pulled = ask(hub, PULL.format(name=name, prompt=prompt).replace("tiny-tuned", "hfft-tiny-tuned")
                 .replace("user/tiny-llama", "user/hfft-tiny-llama"), machine="laptop")  # fmt: skip
    assert pulled["answer"].strip() == answer.strip()
    assert holding(tmp_path, (WRITE_TOKEN,)) == []
