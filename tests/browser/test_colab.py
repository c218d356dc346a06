"""A stand-in of `google.colab` in the kernel, whose page hears nothing of threads: all is shown all the same.

The page is JupyterLab's: what Colab's own page does beside that was not tried.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.harness import LabServer, NotebookPage
from tests.browser.test_run import DRAWN, cell, let

ROOT = Path(__file__).parents[2]
pytestmark = [pytest.mark.browser, pytest.mark.ci]


@pytest.fixture
def without_subshells(lab: LabServer) -> Iterator[None]:
    """As Colab's kernels are: what a page says is answered in the main thread."""
    plugin = "@jupyterlab/apputils-extension:kernels-settings"
    lab.set(plugin, {"commsOverSubshells": "disabled"})
    yield
    lab.set(plugin, {})


@pytest.mark.usefixtures("without_subshells")
def test_a_run_is_shown_to_its_end(notebook: NotebookPage, lab: LabServer) -> None:
    stand_in = f"import sys; sys.path.insert(0, {str(ROOT)!r})\nfrom tests import colab\nseen = colab.install()"
    let(lab, "colab", "loaded", "trained")
    name = lab.write("colab.ipynb", stand_in, cell(lab, "colab", 25, 0.2))
    notebook.open(name)
    notebook.run_all()
    page = notebook.page.locator(".hfft-root")
    expect(page.get_by_text("Colab deletes this machine when the session ends")).to_be_visible()
    page.get_by_role("button", name="Train on this machine").click()
    notebook.page.wait_for_function(f"() => ({DRAWN})() > 0", timeout=60_000)  # curves come while it runs
    expect(page.get_by_text("Completed").first).to_be_visible(timeout=60_000)
    notebook.execute("assert seen.enabled and seen.dropped == 0, vars(seen)")
    notebook.command("docmanager:save")
    saved = json.loads(lab.request("GET", f"/api/contents/{name}"))["content"]
    view = "application/vnd.jupyter.widget-view+json"
    shown = [one for cell in saved["cells"] for one in cell.get("outputs", []) if view in one.get("data", {})]
    assert len(shown) == 1
    assert "custom_widget_manager" in shown[0]["metadata"][view]["colab"]
