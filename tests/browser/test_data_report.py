"""The data panel in a real notebook: checked, mapped, fixed and browsed by clicks; the card in both themes."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.harness import LabServer, NotebookPage

pytestmark = pytest.mark.browser
LESSON = Path(__file__).parents[2] / "notebooks" / "1_data.ipynb"
SETUP = """
import hfft_widgets as hfft
mappable = [{"id": n, "question": f"Why {n}?", "good_response": f"So {n}. " * (n % 9 + 1), "bad_response": "No."}
            for n in range(60)]
def talk(*texts):
    return {"messages": [{"role": role, "content": text} for role, text in zip(["user", "assistant"] * 4, texts)]}
good = [talk(f"Why {n}?", "because " * (n % 50 + 1)) for n in range(300)]
broken = [talk(f"Why {n}?", f"So {n}.") for n in range(40)]
broken[7], broken[9] = talk("Why?", None), {"messages": []}
broken[11]["messages"][0]["role"] = "human"
broken[20] = broken[3]
script, image = "<script>window.pwned=1</script>\\u202e", "<img src=x onerror='window.pwned=1'>"
hostile = [{"prompt": image, "completion": script + str(n)} for n in range(4)]
hostile[2]["completion"] = None
"""


def show(notebook: NotebookPage, lab: LabServer, name: str, cell: str) -> Page:
    notebook.page.set_viewport_size({"width": 1000, "height": 1800})
    notebook.open(lab.write(name, SETUP, cell))
    notebook.run_all()
    return notebook.page


def checked(notebook: NotebookPage, lab: LabServer, data: str) -> Page:
    page = show(notebook, lab, f"data_{data}.ipynb", f"panel = hfft.DatasetValidator({data})\npanel")
    click(page, "Check dataset")
    expect(card(page)).to_be_visible(timeout=60_000)
    expect(page.get_by_role("tab", name="Mapping")).to_be_visible()
    return page


def click(page: Page, name: str) -> None:
    page.get_by_role("button", name=name).first.click()


def tab(page: Page, name: str) -> None:
    page.get_by_role("tab", name=name, exact=True).click()


def card(page: Page) -> Locator:
    return page.locator("article.hfft[aria-label^='Dataset']").last


def clean(notebook: NotebookPage) -> None:
    assert notebook.external_requests() == []
    assert [text for kind, text in notebook.problems if kind != "warning"] == []


@pytest.mark.timeout(120)
def test_a_dataset_is_mapped_by_clicks(notebook: NotebookPage, lab: LabServer):
    page = checked(notebook, lab, "mappable")
    expect(card(page)).to_contain_text("DPO after mapping columns")
    chosen, after = page.get_by_label("chosen", exact=True), page.locator("table.halves td").nth(1)
    labels = chosen.locator("option").all_inner_texts()
    chosen.select_option(index=next(n for n, label in enumerate(labels) if "'bad_response'" in label))
    expect(after).to_contain_text(re.compile(r"chosen \W*(assistant: )?No\."))
    chosen.select_option(index=0)
    expect(after).to_contain_text(re.compile(r"chosen \W*(assistant: )?So 0\."))
    click(page, "Use this mapping for DPO")
    expect(card(page)).to_contain_text("Ready for DPO")
    expect(page.get_by_role("button", name="✓ DPO")).to_be_visible()

    tab(page, "Rows")
    learned = page.locator("mark.learned").first
    expect(learned).to_contain_text("So 0.")
    style = "m => { const s = getComputedStyle(m); return [s.textDecorationLine, s.backgroundColor]; }"
    line, colour = learned.evaluate(style)
    assert line == "underline"
    assert colour not in {"rgba(0, 0, 0, 0)", "transparent"}
    click(page, "Next")
    expect(page.locator("mark.learned").first).to_contain_text("So 1.")

    click(page, "Undo all")
    expect(card(page)).to_contain_text("DPO after mapping columns")
    notebook.execute("assert panel.result.mappings == {} and panel.changed")
    clean(notebook)


@pytest.mark.full
@pytest.mark.timeout(200)
def test_rows_are_fixed_by_clicks(notebook: NotebookPage, lab: LabServer):
    page = checked(notebook, lab, "broken")
    expect(card(page)).to_contain_text("BLOCKED BY ROWS")
    tab(page, "Fixes")
    click(page, "Preview")
    expect(page.locator("pre.diff .gone").first).to_be_visible()
    click(page, "Apply all")
    expect(card(page)).to_contain_text("READY")
    buttons = page.get_by_role("button", name="Take back")
    expect(buttons.first).to_be_visible()
    before = buttons.count()
    buttons.first.click()
    expect(buttons).to_have_count(before - 1)
    click(page, "Undo all")
    expect(buttons).to_have_count(0)
    expect(card(page)).to_contain_text("BLOCKED BY ROWS")
    clean(notebook)


@pytest.mark.full
@pytest.mark.timeout(200)
def test_hostile_rows_do_nothing(notebook: NotebookPage, lab: LabServer):
    page = checked(notebook, lab, "hostile")
    tab(page, "Rows")
    expect(page.locator("table.row pre").first).to_be_visible()
    tab(page, "Fixes")
    click(page, "Preview")
    page.wait_for_timeout(500)
    for summary in card(page).locator("summary").all():
        if summary.is_visible():
            summary.click()
    assert page.evaluate("() => window.pwned") is None
    assert page.locator(".hfft img, .hfft script").count() == 0


@pytest.mark.full
@pytest.mark.timeout(300)
@pytest.mark.parametrize("data", ["good", "mappable", "broken"])
def test_the_card_can_be_read_in_both_themes(notebook: NotebookPage, lab: LabServer, data: str):
    page = show(notebook, lab, f"card_{data}.ipynb", f'hfft.validate({data}, model="sample:model")')
    for dark in (False, True):
        notebook.set_theme(dark=dark)
        page.wait_for_timeout(500)
        for selector, least in ((".method .why", 4.5), (".method .word", 4.5), (".sub", 4.5), (".hist rect", 3.0)):
            for element in card(page).locator(selector).all():
                if element.is_visible():
                    assert contrast(element) >= least, (selector, dark)
        notebook.screenshot(f"data_{data}_{'dark' if dark else 'light'}", card(page))
    clean(notebook)


CONTRAST = """element => {
  const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
  const painted = (...colours) => {
    canvas.clearRect(0, 0, 1, 1);
    for (const colour of colours) { canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1); }
    return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3);
  };
  const light = rgb => rgb.map(v => v / 255).map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, n) => sum + v * [0.2126, 0.7152, 0.0722][n], 0);
  const style = getComputedStyle(element);
  const ground = getComputedStyle(element.closest('.hfft')).backgroundColor;
  const ink = element.tagName === 'rect' ? style.fill : style.color;
  const [a, b] = [light(painted(ground)), light(painted(ground, ink))];
  return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
}"""


def contrast(element: Locator) -> float:
    """How an element stands out from its card, as WCAG 2.2 counts it."""
    return float(element.evaluate(CONTRAST))


@pytest.mark.full
@pytest.mark.timeout(300)
def test_the_lesson_can_be_clicked(notebook: NotebookPage, lab: LabServer):
    shutil.copy(LESSON, lab.root / "lesson.ipynb")
    page = notebook.page
    notebook.open("lesson.ipynb")
    notebook.run_all(240)
    for number, status in enumerate(("Ready for SFT", "DPO after mapping columns", "Ready for SFT")):
        page.get_by_role("button", name=re.compile("Check dataset")).nth(number).click()
        expect(page.locator("article.hfft").nth(number)).to_contain_text(status, timeout=60_000)
    clean(notebook)
