"""JupyterLab with nothing open but its launcher, runs that Python starts beside it, and what the panel shows."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from hfft_widgets.jobs.local.backend import LocalBackend
from hfft_widgets.jobs.run import Run
from tests.browser.harness import LabServer, NotebookPage, notebook_page
from tests.jobs.conftest import submission

TRAINS = """
for step in range(1, 10_000):
    tell("log", step=step, total_steps=60, metrics={"loss": 3 / step, "learning_rate": 1e-4})
    time.sleep(0.2)
    if os.path.exists(ENOUGH):
        break
os.makedirs("model")
open("model/config.json", "w").close()
tell("end", output_dir="model")
"""
FAILS = "raise ValueError('the column <b>answer</b> is missing')"
TILES = ".jp-LauncherCard[data-category='Fine-Tuning Lessons']"
HOSTILE = '<img src=x onerror="window.harmed=1"> of tiny'


@pytest.fixture
def lab_page(browser: Browser, lab: LabServer) -> Iterator[NotebookPage]:
    """JupyterLab with nothing open but its launcher."""
    with notebook_page(browser, lab, size=(1200, 850)) as notebook:
        notebook.page.goto(f"{lab.url}/lab?token={lab.token}&reset")
        notebook.page.wait_for_function(
            "async () => { await window.jupyterapp?.restored; return !!window.jupyterapp; }"
        )
        notebook.page.wait_for_selector(".jp-LauncherCard")
        yield notebook
        lab.set("hfft-widgets:plugin", {})


@pytest.fixture
def start(lab: LabServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Run]]:
    """Start a script as Python would, where this JupyterLab looks; it is gone afterwards."""
    monkeypatch.setenv("HFFT_HOME", lab.env["HFFT_HOME"])
    local, started = LocalBackend(grace_seconds=1.0), []
    for left in local.ids():  # of tests elsewhere that shared this JupyterLab
        run = Run(local, left)
        run.cancel(20)
        run.delete()

    def begin(body: str, **more: object) -> Run:
        started.append(Run(local, local.submit(submission(body, **more))))
        return started[-1]

    yield begin
    for run in started:
        if run.id.removeprefix("local:") in local.ids():
            run.cancel(20)
            run.delete()


def open_panel(page: Page) -> None:
    page.get_by_role("tab", name="Fine-Tuning Runs").click()
    expect(page.get_by_role("region", name="Fine-tuning runs")).to_be_visible()


def runs_in(page: Page, section: str = "Running"):
    return page.get_by_role("list", name=section).get_by_role("listitem")


def cells_of(lab: LabServer, name: str) -> list[str]:
    return ["".join(cell["source"]) for cell in json.loads((lab.root / name).read_text("utf-8"))["cells"]]


def check_tile_and_panel(notebook: NotebookPage, lab: LabServer) -> None:
    """As the package brings them: the panel is there, and the tile opens a notebook that runs; nothing from outside."""
    page = notebook.page
    page.goto(f"{lab.url}/lab?token={lab.token}&reset")
    page.get_by_role("tab", name="Fine-Tuning Runs").click(timeout=90_000)
    expect(page.get_by_text("No runs yet")).to_be_visible()
    expect(page.locator(".jp-LauncherCard", has_text="1 Data")).to_have_count(1)
    page.get_by_role("main").get_by_text("Fine-tune a model", exact=True).click()
    expect(page.locator(".hfft-root").get_by_role("button", name="Check dataset")).to_be_visible(timeout=120_000)
    assert notebook.external_requests() == []


def check_accessible(page: Page, *parts: str) -> None:
    """Nothing that axe calls serious or critical in what is ours; the toolbar's buttons are JupyterLab's own."""
    for part in parts or (".hfft-runs-list", ".hfft-status-item"):
        found = Axe().run(page, context=part).response["violations"]
        serious = [rule for rule in found if rule["impact"] in {"serious", "critical"}]
        assert [(rule["id"], node["html"]) for rule in serious for node in rule["nodes"]] == []
