"""Makes the README's picture, light and dark: a training that really runs, in a real JupyterLab, begun by its tile.

    python -m tests.browser.readme_picture

It takes about three minutes, and writes `tests/browser/pictures/page_light.png` and `page_dark.png`.
"""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, expect

from tests.browser.harness import LabServer, NotebookPage, chromium, notebook_page
from tests.browser.lab_page import open_panel

FOLDER = Path(__file__).parent / "pictures"
SIZE = (1280, 800)
SCALE = 1.5  # for screens of twice the density, and still small
COLOURS = 256
STEPS = re.compile(r"Step ([6-9]|\d\d)\d of ")  # a curve has something to show by then
EARLIER = """
import hfft_widgets as hfft
report = hfft.validate("sample:messages", model="sample:model")
hfft.launch(hfft.plan_training("sample:model", report, max_steps=20)).wait()
"""


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, chromium() as browser:
        env = {"HFFT_HOME": f"{folder}/home", "HF_HUB_OFFLINE": "1"}
        with (
            LabServer(Path(folder, "fine-tuning"), env=env) as lab,
            notebook_page(browser, lab, size=SIZE, device_scale_factor=SCALE) as notebook,
        ):
            notebook.open(lab.write("earlier.ipynb", EARLIER))
            notebook.run_all(seconds=600)
            for theme in take(notebook, lab):
                path = notebook.screenshot(f"readme_{theme}")
                shrink(path, FOLDER / f"page_{theme}.png")


def take(notebook: NotebookPage, lab: LabServer):
    """The page as it is to be seen, in one theme after the other."""
    page = notebook.page
    page.goto(f"{lab.url}/lab?token={lab.token}&reset")
    page.get_by_role("main").get_by_text("Fine-tune a model", exact=True).click(timeout=90_000)
    for words in ("Check dataset", "Make a plan", "Train on this machine"):
        button = page.locator(".hfft-bar .primary")
        expect(button).to_have_text(words, timeout=120_000)
        button.click()
    open_panel(page)
    expect(page.locator(".hfft-run-state").first).to_have_text(STEPS, timeout=600_000)
    for theme in ("light", "dark"):
        notebook.set_theme(dark=theme == "dark")
        show(page)
        yield theme


def show(page: Page) -> None:
    """The run's card from its title on, and nothing that hovers over it."""
    page.mouse.move(SIZE[0] - 5, SIZE[1] - 60)
    page.locator(".hfft-root article[aria-label^='Run:']").evaluate("node => node.scrollIntoView({block: 'start'})")
    page.wait_for_timeout(1500)


def shrink(path: Path, to: Path) -> None:
    """Few colours, which is what a page has."""
    with Image.open(path) as picture:
        few = picture.convert("RGB").quantize(COLOURS, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
        few.save(to, optimize=True)
    print(f"{to.name}: {to.stat().st_size / 1e3:.0f} KB")


if __name__ == "__main__":
    main()
