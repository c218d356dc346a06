"""The plan panel in a real JupyterLab: a plan, a changed setting, an edited script, in light and dark."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.browser.harness import NotebookPage

pytestmark = pytest.mark.browser

CELL = """
import hfft_widgets as hfft
report = hfft.validate("sample:messages", model="sample:model")
planner = hfft.TrainingPlanner(report, model="sample:model")
planner
"""


@pytest.mark.full
@pytest.mark.timeout(300)
def test_a_plan_is_made_changed_and_its_script_edited(notebook: NotebookPage, lab):
    page = notebook.page
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    notebook.open(lab.write("plan.ipynb", CELL))
    notebook.run_all(180)
    page.get_by_role("button", name="Make a plan").click()
    card = page.locator("article.hfft[aria-label^='Training plan']").last
    expect(card).to_be_visible(timeout=60_000)
    expect(card).to_contain_text("cost of the whole training against its time")
    expect(card.locator("svg.flavors circle.ring")).to_have_count(1)

    page.get_by_text("Change settings").click()
    epochs = page.get_by_label("Epochs")
    epochs.fill("4")
    epochs.press("Enter")
    expect(card).to_contain_text("4 epochs", timeout=20_000)
    expect(page.locator(".diff .came").first).to_contain_text("num_train_epochs=4")

    page.get_by_text("Read and edit the script").click()
    editor = page.locator(".hfft-code textarea")
    expect(editor).to_have_value(re.compile("num_train_epochs=4"), timeout=20_000)
    page.get_by_role("button", name="Copy", exact=True).click()
    expect(page.get_by_text("copied")).to_be_visible()
    assert "num_train_epochs=4" in page.evaluate("navigator.clipboard.readText()")
    with page.expect_download() as kept:
        page.get_by_role("button", name="Download", exact=True).click()
    assert kept.value.suggested_filename.startswith("train_sft_")

    editor.fill(editor.input_value().replace("set_seed(SEED)", "set_seed(SEED + 1)"))
    page.get_by_role("button", name="Use this script").click()
    expect(card).to_contain_text("edited by hand", timeout=20_000)
    notebook.execute("assert 'set_seed(SEED + 1)' in planner.result.script")

    notebook.screenshot("plan_light", card)
    notebook.set_theme(dark=True)
    page.wait_for_timeout(500)
    notebook.screenshot("plan_dark", card)
    assert notebook.external_requests() == []
