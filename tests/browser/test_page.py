"""FineTuner on a real page: live wherever widgets live, plain HTML elsewhere, one calm page for mouse and keyboard."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from playwright.sync_api import Browser, Locator, Page, expect

import hfft_widgets as hfft
from tests.browser.harness import (
    LabServer,
    NotebookPage,
    NotebookServer,
    VoilaServer,
    host_python,
    notebook_page,
)

pytestmark = [pytest.mark.browser, pytest.mark.ci]
TUNER = "import hfft_widgets as hfft\ntuner = hfft.FineTuner()\ntuner"
NOT_LIVE = ("model not found", "VBox(", "HTML(value", "Loading widget")


@pytest.fixture
def wide(browser: Browser, lab: LabServer) -> Iterator[NotebookPage]:
    """A page of 1280 x 900."""
    with notebook_page(browser, lab, size=(1280, 900)) as page:
        yield page


def next_action(page: Page) -> Locator:
    return page.locator(".hfft-bar .primary")


def press_next(page: Page, words: str) -> None:
    expect(next_action(page)).to_have_text(words, timeout=120_000)
    next_action(page).click()


def press_until_planned(page: Page) -> None:
    """The first two clicks: the dataset is checked and a plan is on show."""
    press_next(page, "Check dataset")
    press_next(page, "Make a plan")
    expect(next_action(page)).to_have_text("Train on this machine", timeout=60_000)


def check_bar_in_view(page: Page) -> None:
    box, size = page.locator(".hfft-bar").bounding_box(), page.viewport_size
    assert box
    assert size
    assert 0 <= box["y"] <= size["height"] - box["height"], box


def focused(page: Page) -> str:
    return str(page.evaluate("() => document.activeElement.innerText || document.activeElement.name"))


def lines(page: Page) -> list[str]:
    return page.locator(".hfft-step .line").all_inner_texts()


# ---- one live surface -----------------------------------------------------------------------------------------------


def test_a_reload_a_second_tab_and_a_restart_show_what_is_so_now(wide: NotebookPage, lab: LabServer, browser: Browser):
    page = wide.page
    wide.open(lab.write("live.ipynb", TUNER))
    wide.run_all()
    press_next(page, "Check dataset")
    expect(next_action(page)).to_have_text("Make a plan", timeout=120_000)
    expect(page.locator(".hfft-saved:visible")).to_have_count(0)
    wide.save_and_reload()
    expect(page.locator("article[aria-label^='Dataset validation']:visible")).to_have_count(1, timeout=60_000)
    expect(page.locator(".hfft-saved:visible")).to_have_count(0)
    assert not [words for words in NOT_LIVE if words in page.locator(".jp-OutputArea").first.inner_text()]

    second = browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
    other = NotebookPage(second, lab)
    other.open("live.ipynb")
    press_next(second, "Make a plan")
    for one in (second, page):  # what is done in one tab is seen in both
        expect(next_action(one)).to_have_text("Train on this machine", timeout=60_000)
        expect(one.locator("article[aria-label^='Training plan']:visible")).to_have_count(1)
    second.context.close()

    page.evaluate("() => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart()")
    expect(page.locator(".hfft-bar .hfft-kernel")).to_contain_text("run the cell again", timeout=60_000)
    check_bar_in_view(page)
    wide.wait_for_kernel()
    wide.run_all()
    expect(page.locator(".hfft-kernel")).to_have_count(0)
    press_next(page, "Check dataset")
    expect(next_action(page)).to_have_text("Make a plan", timeout=120_000)


@pytest.mark.ci
def test_a_busy_kernel_is_said_where_the_buttons_are(wide: NotebookPage, lab: LabServer):
    page = wide.page
    wide.open(lab.write("busy.ipynb", TUNER))
    wide.run_all()
    expect(next_action(page)).to_be_visible()
    wide.execute("import time; time.sleep(6)", wait=False)
    next_action(page).click()
    expect(page.locator(".hfft-bar .hfft-kernel")).to_contain_text("busy", timeout=5_000)
    expect(page.locator(".hfft-kernel")).to_have_count(0, timeout=30_000)
    expect(next_action(page)).to_have_text("Make a plan", timeout=120_000)


def test_a_saved_notebook_is_plain_html(wide: NotebookPage, lab: LabServer, browser: Browser):
    page = wide.page
    wide.open(lab.write("saved.ipynb", TUNER))
    wide.run_all()
    press_until_planned(page)
    wide.command("docmanager:save")
    wide.command("kernelmenu:shutdown")
    cards = ("python-docs-messages", "SFT of tiny-llama", "As of ", "3 Run")

    # reopened without a kernel: the copies, nothing of the widget that is not there
    page.reload()
    page.wait_for_selector(".jp-NotebookPanel .jp-Cell", timeout=90_000)
    outputs = page.locator(".jp-Cell-outputArea").first
    expect(outputs.locator("article:visible")).to_have_count(2, timeout=30_000)
    words = outputs.inner_text()
    assert [card for card in cards if card not in words] == []
    assert [word for word in NOT_LIVE if word in words] == []
    wide.screenshot("page_saved")

    # nbconvert
    converted = nbconvert(lab.root / "saved.ipynb")
    plain = browser.new_page()
    plain.route("**/*", lambda route: route.abort() if route.request.url.startswith("http") else route.continue_())
    plain.goto(converted.as_uri())
    words = plain.locator("body").inner_text()
    assert [card for card in cards if card not in words] == []
    assert [word for word in NOT_LIVE if word in words] == []
    assert plain.locator("button").count() == 0
    plain.context.close()

    # untrusted: written by somebody else, so that its signature is none of this server's
    notebook = nbformat.read(lab.root / "saved.ipynb", as_version=4)
    notebook.metadata.pop("signature", None)
    notebook.cells[0].source += "\n# by somebody else"
    notebook.cells[0].outputs[1].data["text/html"] += "<p>never signed here</p>"
    nbformat.write(notebook, lab.root / "untrusted.ipynb")
    with notebook_page(browser, lab) as stranger:
        stranger.open("untrusted.ipynb")
        area = stranger.page.locator(".jp-Cell-outputArea").first
        expect(area).to_contain_text("never signed here")
        words = area.inner_text()
        assert [card for card in cards if card not in words] == []
        assert [word for word in NOT_LIVE if word in words] == []
        stranger.screenshot("page_untrusted")


def nbconvert(notebook: Path) -> Path:
    command = [sys.executable, "-m", "nbconvert", "--to", "html", str(notebook)]
    subprocess.run(command, check=True, capture_output=True)
    return notebook.with_suffix(".html")


def test_style_and_code_are_on_a_page_once(wide: NotebookPage, lab: LabServer):
    wide.open(lab.write("twice.ipynb", TUNER, "hfft.DatasetValidator()", "hfft.TrainingMonitor()"))
    wide.run_all()
    expect(wide.page.locator(".hfft-root")).to_have_count(3)
    sheets = "() => [...document.head.querySelectorAll('style')].map(sheet => sheet.textContent)"
    assert sum(".hfft-bar" in sheet for sheet in wide.page.evaluate(sheets)) == 1


# ---- other hosts -----------------------------------------------------------------------------------------------------


def need(module: str) -> None:
    if host_python(module) is None:
        pytest.skip(f"{module} is not installed here, nor for the Python in HFFT_HOSTS_PYTHON")


def test_notebook_7_gives_it_no_scroll_box_of_its_own(browser: Browser, tmp_path: Path):
    need("notebook")
    with (
        NotebookServer(tmp_path / "notebooks", env={"HFFT_HOME": str(tmp_path / "home")}) as server,
        notebook_page(browser, server, size=(1280, 900)) as notebook,
    ):
        notebook.open(server.write("seven.ipynb", TUNER))
        notebook.run_all()
        page = notebook.page
        press_until_planned(page)
        check_bar_in_view(page)
        boxes = page.evaluate("""() => {
          const found = [];
          for (let node = document.querySelector('.hfft-root').parentElement; node; node = node.parentElement)
            if (['auto', 'scroll'].includes(getComputedStyle(node).overflowY) && node.scrollHeight > node.clientHeight)
              found.push(node.className);
          return found;
        }""")
        assert len(boxes) == 1, boxes  # the notebook's own
        notebook.screenshot("page_notebook_7")
        notebook.save_and_reload()
        expect(next_action(page)).to_have_text("Train on this machine", timeout=60_000)
        assert notebook.external_requests() == []


def test_voila_shows_it_alive(browser: Browser, tmp_path: Path):
    need("voila")
    with VoilaServer(tmp_path / "notebooks", env={"HFFT_HOME": str(tmp_path / "home")}) as server:
        server.write("app.ipynb", TUNER)
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.goto(f"{server.url}/voila/render/app.ipynb", wait_until="commit")
        press_until_planned(page)
        expect(page.locator("article[aria-label^='Training plan']:visible")).to_have_count(1)
        check_bar_in_view(page)
        page.context.close()


# ---- one calm page --------------------------------------------------------------------------------


@pytest.mark.ci
def test_the_next_action_is_in_view_in_every_state_and_the_bar_stands_still(wide: NotebookPage, lab: LabServer):
    page = wide.page
    wide.open(lab.write("states.ipynb", TUNER))
    wide.run_all()
    expect(next_action(page)).to_have_text("Check dataset")
    assert [line for line in lines(page) if line.startswith("Opens when")] == [
        "Opens when the dataset is checked",
        "Opens when there is a plan",
        "Opens when a model is trained",
    ]
    heights = [page.locator(".hfft-bar").bounding_box()["height"]]
    for words in ("Check dataset", "Make a plan"):
        press_next(page, words)
        heights.append(page.locator(".hfft-bar").bounding_box()["height"])
    expect(next_action(page)).to_have_text("Train on this machine", timeout=60_000)
    heights.append(page.locator(".hfft-bar").bounding_box()["height"])
    assert max(heights) - min(heights) < 1, heights
    check_bar_in_view(page)
    assert lines(page)[0].startswith(f"python-docs-messages, {len(hfft.samples.dataset('messages')):,} rows")

    page.get_by_role("button", name="Change Data").click()
    expect(next_action(page)).to_have_text("To plan")
    expect(page.locator(".hfft-step .inside")).to_have_count(1)
    check_bar_in_view(page)
    dataset = page.get_by_label("Dataset", exact=True)
    dataset.fill("no-such-file.jsonl")
    dataset.press("Enter")
    expect(page.locator(".hfft-root [role=alert]").first).to_contain_text("no-such-file.jsonl", timeout=60_000)
    check_bar_in_view(page)


@pytest.mark.ci
def test_a_step_that_opens_begins_in_sight(browser: Browser, lab: LabServer):
    with notebook_page(browser, lab, size=(1280, 600)) as notebook:
        page = notebook.page
        notebook.open(lab.write("scroll.ipynb", TUNER))
        notebook.run_all()
        press_next(page, "Check dataset")
        expect(next_action(page)).to_have_text("Make a plan", timeout=120_000)
        page.get_by_role("button", name="Check again").scroll_into_view_if_needed()
        press_next(page, "Make a plan")
        expect(next_action(page)).to_have_text("Train on this machine", timeout=60_000)
        top = page.locator(".hfft-step[data-key=Plan] .head").bounding_box()
        assert top
        assert 0 <= top["y"] <= 400, top


def test_the_focus_stays_so_that_shift_enter_goes_on(wide: NotebookPage, lab: LabServer):
    page = wide.page
    wide.open(lab.write("keys.ipynb", TUNER, "went_on = True", "1 + 1"))
    wide.run_all()
    wide.execute("went_on = False")
    next_action(page).click()
    expect(next_action(page)).to_have_text("Make a plan", timeout=120_000)
    assert focused(page) == "Make a plan"
    page.keyboard.press("Shift+Enter")
    page.keyboard.press("Shift+Enter")
    wide.wait_until_ran()
    wide.execute("assert went_on and tuner.planner.result is None")
    wide.execute("went_on = False")
    page.get_by_label("Dataset", exact=True).focus()
    page.keyboard.press("Shift+Enter")
    page.keyboard.press("Shift+Enter")
    wide.wait_until_ran()
    wide.execute("assert went_on")


def test_all_of_it_by_keyboard(wide: NotebookPage, lab: LabServer):
    """Tab, Space, Enter and the arrows alone: from the field to a plan with another setting."""
    page = wide.page
    wide.open(lab.write("walk.ipynb", TUNER))
    wide.run_all()
    page.get_by_label("Dataset", exact=True).focus()

    def tab_to(words: str, most: int = 60) -> None:
        for _ in range(most):
            name = page.evaluate(NAME)
            if name.startswith(words):
                return
            page.keyboard.press("Tab")
        raise AssertionError(f"{words!r} is not reached; the focus is on {page.evaluate(NAME)!r}")

    tab_to("Check dataset")
    page.keyboard.press("Enter")
    expect(next_action(page)).to_have_text("Make a plan", timeout=120_000)
    assert focused(page) == "Make a plan"
    page.keyboard.press("Space")
    expect(next_action(page)).to_have_text("Train on this machine", timeout=60_000)
    assert focused(page) == "Train on this machine"
    page.keyboard.press("Shift+Tab")
    assert page.evaluate(INSIDE)

    page.locator(".hfft-step[aria-current] input[type=radio]").first.focus()
    tab_to("no limit")
    page.keyboard.press("ArrowRight")  # the budget
    expect(page.locator("input[type=radio][value='1']")).to_be_checked()
    assert page.evaluate(INSIDE)
    tab_to("More: ")
    page.keyboard.press("Enter")
    expect(page.get_by_label("Method", exact=True)).to_be_visible()
    tab_to("Change settings")
    page.keyboard.press("Enter")
    field = page.get_by_label("Epochs", exact=True)
    expect(field).to_be_visible()
    tab_to("Epochs")
    page.keyboard.press("Control+a")
    page.keyboard.type("1")
    page.keyboard.press("Tab")
    wide.execute("import time; time.sleep(0.5); assert tuner.planner.result.settings.num_train_epochs == 1")
    expect(field).to_have_value("1")
    assert page.evaluate(INSIDE)
    expect(page.get_by_label("Method", exact=True)).to_be_visible()  # the fold that was opened stays open
    cells = page.locator(".jp-Cell").count()
    assert cells == 1  # no key was a command of the notebook


NAME = """() => {
  const e = document.activeElement;
  return (e.labels?.[0] ?? e).innerText?.trim() || e.getAttribute('aria-label') || e.nodeName;
}"""
INSIDE = "() => Boolean(document.activeElement.closest('.hfft-root'))"


def test_what_vanishes_under_the_focus_hands_it_on(wide: NotebookPage, lab: LabServer):
    page = wide.page
    wide.open(lab.write("hand.ipynb", TUNER))
    wide.run_all()
    press_until_planned(page)
    page.get_by_role("button", name="Change Data").focus()
    page.keyboard.press("Enter")
    expect(next_action(page)).to_have_text("To plan")
    step = page.evaluate("() => document.activeElement.closest('.hfft-step')?.dataset.key")
    assert step == "Data"


def test_a_double_click_presses_nothing_that_came_in_its_middle(wide: NotebookPage, lab: LabServer):
    code = """
from hfft_widgets.widgets.surface import Surface
done = []
def act(message):
    done.append(message["do"])
    surface.show(f'<button type="button" data-do="{"second" if done else "first"}">{len(done)}</button>')
surface = Surface(act, '<button type="button" data-do="first">0</button>')
surface
"""
    page = wide.page
    wide.open(lab.write("double.ipynb", code))
    wide.run_all()
    button = page.locator(".hfft-root button")
    button.click(click_count=2, delay=150)
    expect(button).to_have_text("1")
    page.wait_for_timeout(600)
    button.click()
    expect(button).to_have_text("2")
    wide.execute("assert done == ['first', 'second'], done")


def test_changes_are_spoken_once(wide: NotebookPage, lab: LabServer):
    page = wide.page
    wide.open(lab.write("spoken.ipynb", TUNER))
    wide.run_all()
    expect(next_action(page)).to_be_visible()
    page.evaluate("""() => {
      window.spoken = [];
      const live = '[role=status], [role=alert], [aria-live]';
      const words = node => [...node.querySelectorAll('*')].filter(e => e.closest('[aria-hidden=true]')).reduce(
        (text, e) => text.replace(e.innerText, ''), node.innerText).trim();
      new MutationObserver(changes => {
        const changed = changes.map(({ target }) => (target.closest ? target : target.parentElement));
        const regions = new Set(changed.map(node => node?.closest(live)));
        for (const region of regions) if (region && words(region)) window.spoken.push(words(region));
      }).observe(document.querySelector('.hfft-root'), { subtree: true, childList: true, characterData: true });
    }""")
    press_next(page, "Check dataset")
    expect(next_action(page)).to_have_text("Make a plan", timeout=120_000)
    spoken = page.evaluate("() => window.spoken")
    assert len(spoken) <= 4, spoken
    assert spoken, "nothing was said"


def test_the_file_holds_no_word_of_widgets(wide: NotebookPage, lab: LabServer):
    wide.open(lab.write("file.ipynb", TUNER))
    wide.run_all()
    expect(next_action(wide.page)).to_be_visible()
    wide.command("docmanager:save")
    outputs = json.loads((lab.root / "file.ipynb").read_text("utf-8"))["cells"][0]["outputs"]
    assert {"".join(output["data"]["text/plain"]) for output in outputs} == {""}
    assert len(json.dumps(outputs)) < 40_000
