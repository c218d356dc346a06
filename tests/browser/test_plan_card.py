"""The plan panel in a real JupyterLab: a plan, a changed setting, an edited script, in light and dark."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from hfft_widgets.core.plan.choose import PlanRequest, recommend
from hfft_widgets.core.plan.data_stats import data_stats
from hfft_widgets.errors import ModelTooLargeError
from tests.browser.harness import NotebookPage
from tests.core.plan.reports import CONFIGS, MACHINES, model, report

pytestmark = pytest.mark.browser

CELL = """
import hfft_widgets as hfft
report = hfft.validate("sample:messages", model="sample:model")
planner = hfft.TrainingPlanner(report, model="sample:model")
planner
"""


def card_on(page):
    return page.locator(".hfft-root article[aria-label^='Training plan']")


@pytest.mark.full
@pytest.mark.timeout(300)
def test_a_plan_is_made_changed_and_its_script_edited(notebook: NotebookPage, lab):
    page = notebook.page
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    notebook.open(lab.write("plan.ipynb", CELL))
    notebook.run_all(180)
    page.get_by_role("button", name="Make a plan").click()
    card = card_on(page)
    expect(card).to_be_visible(timeout=60_000)
    card.get_by_text("All hardware: cost against time").click()
    expect(card).to_contain_text("cost of the whole training against its time")
    expect(card.locator(".hfft-chart .legendtext")).to_have_text(["no job reaches it", "chosen"])
    expect(card.get_by_role("button", name="t4-small")).to_have_attribute("aria-disabled", "true")

    page.get_by_text("Change settings").click()
    epochs = page.get_by_label("Epochs")
    epochs.fill("4")
    epochs.press("Enter")
    expect(card).to_contain_text("4 epochs", timeout=20_000)
    expect(page.locator(".diff .came").first).to_contain_text("num_train_epochs=4")

    page.get_by_text("Read and edit the script").click()
    editor = page.get_by_label("The script that runs")
    expect(editor).to_have_value(re.compile("num_train_epochs=4"), timeout=20_000)
    page.get_by_role("button", name="Copy", exact=True).click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert "num_train_epochs=4" in page.evaluate("navigator.clipboard.readText()")
    with page.expect_download() as kept:
        page.get_by_role("button", name="Download", exact=True).click()
    assert kept.value.suggested_filename.startswith("train_sft_")

    editor.fill(editor.input_value().replace("set_seed(SEED)", "set_seed(SEED + 1)"))
    editor.press("Tab")
    bar = page.locator(".hfft-bar")
    expect(bar).to_contain_text("The edited script is not used yet")
    bar.get_by_role("button", name="Use the edited script").click()
    expect(card).to_contain_text("Edited by hand", timeout=20_000)
    expect(bar).not_to_contain_text("not used yet")
    notebook.execute("assert 'set_seed(SEED + 1)' in planner.result.script")

    notebook.screenshot("plan_light", card)
    notebook.set_theme(dark=True)
    page.wait_for_timeout(500)
    notebook.screenshot("plan_dark", card)
    assert notebook.external_requests() == []


# model and data as if they lay on the Hub
RENTED = f"""
import dataclasses, sys
sys.path.insert(0, {str(Path(__file__).parents[2])!r})
import hfft_widgets as hfft
from hfft_widgets import api
from hfft_widgets.core.plan.choose import PlanRequest, recommend
from hfft_widgets.core.plan.data_stats import data_stats
from tests.core.plan import reports
found = reports.report("messages")
data = dataclasses.replace(data_stats(found, "SFT"), rows=3000, tokens_per_row=431.0, longest_tokens=726)
own = {{field.name for field in dataclasses.fields(PlanRequest)}}
def plan_training(model, found, *, notice=None, **asked):
    settings = {{name: asked.pop(name) for name in set(asked) - own}}
    request = PlanRequest(**asked, settings=settings)
    return recommend(reports.model("Qwen3-1.7B"), found, data, reports.MACHINES, request)
api.plan_training = plan_training
planner = hfft.TrainingPlanner(found, model="Qwen/Qwen3-1.7B")
planner
"""
_FOCUSED = """() => {
  const one = document.activeElement;
  return (one.labels?.[0]?.innerText ?? one.innerText ?? "").trim();
}"""


def reach(page, words: str, key: str = "Tab") -> None:
    """Go on with the keyboard until what has the focus begins with these words."""
    for _ in range(80):
        if page.evaluate(_FOCUSED).startswith(words):
            return
        page.keyboard.press(key)
    raise AssertionError(f"{words} is not reached by {key}")


@pytest.mark.full
@pytest.mark.timeout(300)
def test_a_plan_is_made_changed_put_back_and_moved_by_keyboard_alone(notebook: NotebookPage, lab):
    page = notebook.page
    notebook.open(lab.write("keyboard.ipynb", RENTED))
    notebook.run_all(180)
    page.get_by_label("Model that learns").focus()
    reach(page, "Make a plan")
    page.keyboard.press("Enter")
    card = card_on(page)
    expect(card).to_be_visible(timeout=60_000)

    page.get_by_label("Model that learns").focus()  # the button went, with what it was for
    reach(page, "Change settings")
    page.keyboard.press("Enter")
    head = card.locator(".settings-head")
    expect(head).to_contain_text("as recommended")
    reach(page, "Epochs")
    for typed, said in (("7", "Settings: changed epochs"), ("3", "Settings: as recommended")):
        page.keyboard.press("Control+a")
        page.keyboard.type(typed)
        page.keyboard.press("Enter")
        expect(head).to_contain_text(said)
        assert page.evaluate(_FOCUSED) == "Epochs"
    page.keyboard.press("Control+a")
    page.keyboard.type("-2")
    page.keyboard.press("Tab")
    field = page.locator(".hfft-field", has=page.get_by_label("Epochs"))
    expect(field.locator(".error")).to_contain_text("It must be a number above 0")
    expect(page.get_by_label("Epochs")).to_have_value("-2")
    expect(page.locator(".hfft-bar")).to_contain_text("One value is not used")
    notebook.execute("assert planner.result.settings.num_train_epochs == 3")

    reach(page, "l40sx1", "Shift+Tab")
    page.keyboard.press("Enter")
    expect(card.locator("button.choice[aria-pressed=true]")).to_contain_text("l40sx1")
    assert page.evaluate(_FOCUSED).startswith("l40sx1")
    expect(page.locator(".hfft-bar")).to_contain_text("$0.")
    notebook.execute("assert planner.result.flavor == 'l40sx1'")


# one card each of 0.6 B, 1.7 B, 4 B and 7 B, and a refused one of 14 B
MODELS = ("Qwen3-0.6B", "Qwen3-1.7B", "Qwen3-4B", "Qwen2.5-7B", "Qwen3-14B")
SHOW = """
from pathlib import Path
from IPython.display import HTML, display
display(HTML(Path("{name}.html").read_text("utf-8")))
"""
# words that leave their card, or marks that leave the bar's row
_OUTSIDE = """card => {
  const frame = card.getBoundingClientRect();
  return [...card.querySelectorAll('header *, .kpis *, .memory *, svg text, td')]
    .filter(part => part.getClientRects().length)
    .filter(part => {
      const box = part.getBoundingClientRect();
      return box.right > frame.right + 1 || box.left < frame.left - 1;
    })
    .map(part => part.outerHTML.slice(0, 120));
}"""


def card_of(name: str) -> str:
    """The card of 3,000 rows of about 430 tokens; terms to accept and some of it unknown, so that all is seen."""
    found = report("messages")
    data = dataclasses.replace(data_stats(found, "SFT"), rows=3000, tokens_per_row=431.0, longest_tokens=726)
    facts = dataclasses.replace(model(name), gated=True)
    try:
        return str(recommend(facts, found, data, MACHINES, PlanRequest())._repr_html_())
    except ModelTooLargeError as error:
        return str(error.refusal._repr_html_())


@pytest.mark.full
@pytest.mark.timeout(300)
def test_cards_of_five_sizes_in_light_and_dark(notebook: NotebookPage, lab):
    page = notebook.page
    page.set_viewport_size({"width": 1000, "height": 1500})  # a picture holds what is in sight
    lab.root.mkdir(exist_ok=True)
    for name in MODELS:
        (lab.root / f"{name}.html").write_text(card_of(name), "utf-8")
    notebook.open(lab.write("cards.ipynb", *(SHOW.format(name=name) for name in MODELS)))
    notebook.run_all(60)
    cards = page.locator("article.hfft")
    expect(cards).to_have_count(len(MODELS))
    for dark in (False, True):
        notebook.set_theme(dark=dark)
        page.wait_for_timeout(500)
        for number, name in enumerate(MODELS):
            card = cards.nth(number)
            assert card.evaluate(_OUTSIDE) == [], name
            notebook.screenshot(f"plan_{name}_{'dark' if dark else 'light'}", card)
    refused = cards.nth(len(MODELS) - 1)
    expect(refused).to_contain_text("Refused")
    expect(refused.locator(".bar")).to_have_count(2)
    expect(refused).to_contain_text("allow_large=True")
    assert notebook.external_requests() == []


LARGE = """
import json, shutil
from pathlib import Path
import hfft_widgets as hfft
folder = Path("Qwen3-14B")
shutil.copytree(hfft.samples.model(), folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("*.safetensors"))
(folder / "config.json").write_text(json.dumps(CONFIG))
report = hfft.validate("sample:messages", model="sample:model")
planner = hfft.TrainingPlanner(report, model=str(folder))
planner
"""


@pytest.mark.full
@pytest.mark.timeout(300)
def test_a_refused_model_is_planned_all_the_same_by_a_click_and_a_change_is_undone(notebook: NotebookPage, lab):
    page = notebook.page
    config = f"CONFIG = {CONFIGS['Qwen3-14B']!r}"
    notebook.open(lab.write("large.ipynb", config + LARGE))
    notebook.run_all(180)
    page.get_by_role("button", name="Make a plan").click()
    refused = page.locator(".hfft-root article[aria-label^='Not planned']")
    expect(refused).to_be_visible(timeout=60_000)
    page.get_by_role("button", name="Plan it all the same").click()
    card = card_on(page)
    expect(card).to_be_visible(timeout=60_000)
    expect(card).to_contain_text("Memory too small")  # it lies on this machine

    page.get_by_text("Change settings").click()
    epochs = page.get_by_label("Epochs")
    before = epochs.input_value()
    epochs.fill("7")
    epochs.press("Enter")
    expect(page.locator(".diff .came").first).to_contain_text("num_train_epochs=7", timeout=20_000)
    undo = page.get_by_role("button", name="Undo the last change")
    undo.click()
    expect(epochs).to_have_value(before, timeout=20_000)
    expect(undo).to_be_hidden()
