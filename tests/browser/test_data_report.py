"""The data panel in a real notebook: checked, mapped, fixed and browsed by clicks; the card in both themes."""

from __future__ import annotations

import json
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
nested = [{"id": n, "doc": {"ask": {"words": f"Why {n}?"}, "replies": [{"by": "x", "body": f"So {n}."}]}}
          for n in range(12)]
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
    return page


def click(page: Page, name: str) -> None:
    page.locator(".hfft-root").get_by_role("button", name=name).first.click()


def method(page: Page, name: str) -> Locator:
    """A method's line in the list."""
    return page.locator(f".hfft-root button.row[data-value={name}]")


def choose(field: Locator, words: str) -> None:
    """The first of a list's choices that begins so."""
    labels = field.locator("option").all_inner_texts()
    field.select_option(index=next(n for n, label in enumerate(labels) if label.startswith(words)))


def show_rows(page: Page) -> None:
    page.get_by_role("radio", name="Rows, as the model sees them").check()


def card(page: Page) -> Locator:
    """The live panel's, or that of a report alone; not the panel's copy for the saved file."""
    return page.locator("article.hfft[aria-label^='Dataset']").locator("visible=true")


def clean(notebook: NotebookPage) -> None:
    assert notebook.external_requests() == []
    assert [text for kind, text in notebook.problems if kind != "warning"] == []


def test_a_dataset_is_mapped_by_clicks(notebook: NotebookPage, lab: LabServer):
    page = checked(notebook, lab, "mappable")
    expect(card(page)).to_contain_text("DPO after mapping columns")
    expect(method(page, "DPO")).to_have_attribute("aria-expanded", "true")
    chosen, after = page.get_by_label("chosen", exact=True), page.locator("table.halves td").nth(1)
    other = page.get_by_label("rejected", exact=True)
    choose(other, "'good_response'")
    expect(card(page)).to_contain_text("'chosen' and 'rejected' read the same")
    expect(page.get_by_role("button", name="Use this mapping for DPO")).to_have_attribute("aria-disabled", "true")
    choose(chosen, "'bad_response'")
    expect(after).to_contain_text(re.compile(r"chosen \W*(assistant: )?No\."))
    choose(other, "'bad_response' as one assistant turn")
    choose(chosen, "'good_response' as one assistant turn")
    expect(after).to_contain_text(re.compile(r"chosen \W*(assistant: )?So 0\."))
    click(page, "Use this mapping for DPO")
    expect(card(page)).to_contain_text("Ready for DPO")
    expect(method(page, "DPO")).to_contain_text("READY")

    show_rows(page)
    learned = page.locator("mark.learned").first
    expect(learned).to_contain_text("So 0.")
    style = "m => { const s = getComputedStyle(m); return [s.textDecorationLine, s.backgroundColor]; }"
    line, colour = learned.evaluate(style)
    assert line == "underline"
    assert colour not in {"rgba(0, 0, 0, 0)", "transparent"}
    click(page, "Next")
    expect(page.locator("mark.learned").first).to_contain_text("So 1.")

    click(page, "Take back")
    expect(card(page)).to_contain_text("DPO after mapping columns")
    notebook.execute("assert panel.result.mappings == {} and panel._history")
    clean(notebook)


@pytest.mark.ci
def test_nested_answers_are_mapped_by_clicking_texts(notebook: NotebookPage, lab: LabServer):
    page = checked(notebook, lab, "nested")
    page.get_by_role("radio", name="By clicking texts").check()
    texts = page.locator(".hfft-root .pointable")
    expect(card(page)).to_contain_text("Click the question in row 0")
    texts.get_by_role("button", name="Why 0?").click()
    expect(card(page)).to_contain_text("Click the answer in row 0")
    for name, width, dark in (("light", 1000, False), ("dark", 1000, True), ("narrow", 700, False)):
        page.set_viewport_size({"width": width, "height": 1800})
        notebook.set_theme(dark=dark)
        notebook.screenshot(f"example_{name}", card(page))
        wide = card(page).evaluate("e => e.scrollWidth - e.clientWidth")
        assert wide <= 0, name
    page.set_viewport_size({"width": 1000, "height": 1800})
    texts.get_by_role("button", name="So 0.").click()
    expect(texts.locator("[aria-pressed=true]")).to_have_count(2)
    expect(card(page)).to_contain_text("So 2.")  # three rows, as they become
    notebook.screenshot("example_clicked", card(page))
    click(page, "Use this mapping for SFT")
    expect(card(page)).to_contain_text("Ready for SFT")
    notebook.execute("assert 'So 4.' in str(panel.result.rows_for('SFT')[4])")
    click(page, "Undo")
    expect(card(page)).to_contain_text("SFT after mapping columns")
    notebook.execute("assert panel.result.mappings == {}")
    clean(notebook)


@pytest.mark.ci
def test_what_is_learned_is_switched_and_every_word_says_who_wrote_it(notebook: NotebookPage, lab: LabServer):
    page = checked(notebook, lab, "good")
    method(page, "SFT").click()
    show_rows(page)
    answer = page.locator("mark[data-author=assistant]").first
    expect(answer).to_have_attribute("title", "assistant, learned")
    question = page.locator("pre.seen [data-author=user]").first
    expect(question).to_have_attribute("title", "user, only read")
    page.get_by_role("radio", name="Whole conversation").check()
    expect(question).to_have_attribute("title", "user, learned")
    notebook.screenshot("learned_whole", card(page))
    notebook.execute("assert panel.result.learned == 'all'")
    page.get_by_role("radio", name="Answers only").check()
    expect(question).to_have_attribute("title", "user, only read")
    notebook.screenshot("learned_answers", card(page))
    clean(notebook)


def focused(page: Page) -> str:
    """What has the focus: its words, or the label of its field."""
    return str(
        page.evaluate("""() => {
      const one = document.activeElement;
      return (one.labels?.[0]?.textContent || one.textContent || one.tagName).trim();
    }""")
    )


def walk_to(page: Page, words: str, most: int = 60) -> None:
    """Tab until a control of these words has the focus."""
    for _ in range(most):
        if focused(page).startswith(words):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"{words!r} is not reached by Tab; the focus is on {focused(page)!r}")


@pytest.mark.ci
def test_the_whole_step_by_keyboard_alone(notebook: NotebookPage, lab: LabServer):
    page = show(
        notebook,
        lab,
        "data_keys.ipynb",
        "panel = hfft.DatasetValidator()\npanel",
    )
    (lab.root / "pairs.jsonl").write_text(
        "".join(
            json.dumps({"question": f"Why {n}?", "good_response": f"So {n}. " * (n % 9 + 1), "bad_response": "No."})
            + "\n"
            for n in range(40)
        )
    )
    page.get_by_label("Dataset", exact=True).focus()
    page.keyboard.press("Enter")  # nothing was typed
    expect(page.locator(".hfft-field .error")).to_contain_text("No dataset is given")
    page.keyboard.type("pairs.jsonl")
    page.keyboard.press("Tab")
    page.keyboard.type("sample:model")
    page.keyboard.press("Enter")
    expect(card(page)).to_contain_text("DPO after mapping columns", timeout=60_000)
    assert focused(page).startswith("Model that learns")

    walk_to(page, "DPO")
    page.keyboard.press("Enter")
    expect(method(page, "DPO")).to_have_attribute("aria-expanded", "false")
    page.keyboard.press("Space")
    expect(method(page, "DPO")).to_have_attribute("aria-expanded", "true")
    assert focused(page).startswith("DPO")
    walk_to(page, "prompt")
    page.keyboard.press("ArrowDown")
    expect(page.locator("table.halves td").nth(1)).to_contain_text(re.compile(r"prompt \W*Why 0\?"))
    assert focused(page).startswith("prompt")

    walk_to(page, "Cut rows after (max_length)")
    for _ in range(40):  # as a held key does it: what the kernel says of the first comes in their midst
        page.keyboard.press("ArrowLeft")
        page.wait_for_timeout(25)
    slider = page.get_by_label("Cut rows after (max_length)")
    limit = int(slider.get_attribute("max")) - 40
    expect(slider).to_have_attribute("aria-valuetext", str(limit))
    expect(card(page)).to_contain_text(f"At {limit} tokens you lose")
    walk_to(page, "Plan with this limit")
    page.keyboard.press("Enter")
    expect(card(page)).to_contain_text(f"Rows are cut after {limit} tokens")
    assert focused(page).startswith("Plan with this limit")

    walk_to(page, "Use this mapping for DPO")
    page.keyboard.press("Enter")
    expect(card(page)).to_contain_text("Ready for DPO")
    page.get_by_role("radio", name="Columns").focus()
    for _ in range(2):  # past "By clicking texts"
        page.keyboard.press("ArrowRight")
    expect(page.locator("mark.learned").first).to_contain_text("So 0.")
    walk_to(page, "Next")
    page.keyboard.press("Enter")
    expect(page.locator("mark.learned").first).to_contain_text("So 1.")
    walk_to(page, "Undo")
    page.keyboard.press("Enter")
    expect(card(page)).to_contain_text("DPO after mapping columns")
    notebook.execute(f"assert panel.result.max_length == {limit} and panel.result.mappings == {{}}")
    clean(notebook)


@pytest.mark.full
@pytest.mark.timeout(200)
def test_rows_are_fixed_by_clicks(notebook: NotebookPage, lab: LabServer):
    page = checked(notebook, lab, "broken")
    expect(card(page)).to_contain_text("BLOCKED BY ROWS")
    click(page, "Preview")
    expect(page.locator("pre.diff .gone").first).to_be_visible()
    click(page, "Apply all")
    expect(card(page)).to_contain_text("Ready for SFT")
    buttons = page.get_by_role("button", name="Take back")
    expect(buttons.first).to_be_visible()
    before = buttons.count()
    buttons.first.click()
    expect(buttons).to_have_count(before - 1)
    click(page, "Take everything back")
    expect(buttons).to_have_count(0)
    expect(card(page)).to_contain_text("BLOCKED BY ROWS")
    clean(notebook)


@pytest.mark.full
@pytest.mark.timeout(200)
def test_hostile_rows_do_nothing(notebook: NotebookPage, lab: LabServer):
    page = checked(notebook, lab, "hostile")
    click(page, "Preview")
    method(page, "SFT").click()
    show_rows(page)
    expect(page.locator("table.row pre").first).to_be_visible()
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
    panels = page.locator(".hfft-root:not(:has(.answer-choice))")  # questions are panels, too
    for number, status in enumerate(("Ready for SFT", "DPO after mapping columns", "Ready for SFT")):
        panels.nth(number).get_by_role("button", name="Check dataset").click()
        expect(panels.nth(number)).to_contain_text(status, timeout=60_000)
    clean(notebook)
