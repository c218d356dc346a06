"""A run watched in a real JupyterLab: calm, light, and as a reader left it."""

from __future__ import annotations

import re
import time

import pytest
from playwright.sync_api import Page, expect

from tests.browser.harness import LabServer, NotebookPage
from tests.jobs.conftest import PRELUDE

pytestmark = pytest.mark.browser

SCRIPT = (
    PRELUDE
    + """
def wait_for(name):
    while not os.path.exists(f"{HOLDS}.{name}"):
        time.sleep(0.05)

tell("progress", message="Loading data and model")
wait_for("loaded")
for step in range(1, STEPS + 1):
    metrics = {"loss": 3 / step, "learning_rate": 1e-4, "grad_norm": 1.0, "entropy": 2.0, "mean_token_accuracy": 0.5}
    tell("log", step=step, total_steps=STEPS, metrics=metrics)
    if step % 10 == 0:
        tell("eval", step=step, total_steps=STEPS, metrics={"eval_loss": 3 / step})
    print("line", step, flush=True)
    time.sleep(PACE)
wait_for("trained")
rows = [{"prompt": f"Which is {n}?", "expected": "os", "before": "the", "after": "os"} for n in range(8)]
tell("answers", count=8, score={"before": 0.0, "after": 1.0}, rows=rows)
os.makedirs("model")
open("model/config.json", "w").close()
tell("end", output_dir="model")
"""
)
RUN = """
import hfft_widgets as hfft
report = hfft.validate("sample:messages", model="sample:model")
monitor = hfft.TrainingMonitor(hfft.plan_training("sample:model", report).with_script(SCRIPT))
monitor
"""
HEIGHT = "() => document.querySelector('.hfft-root').getBoundingClientRect().height"
DRAWN = (
    "() => [...document.querySelectorAll('.hfft-root .plot-slot .js-plotly-plot')].filter(e => e.clientWidth).length"
)


def let(lab: LabServer, name: str, *passed: str) -> None:
    """Let the run of this notebook pass the places where its script waits: a test never races a clock."""
    for place in passed:
        (lab.root / f"{name}.{place}").touch()


def cell(lab: LabServer, name: str, steps: int, pace: float) -> str:
    """What shows the monitor of a run of so many steps, one in so many seconds."""
    script = f"STEPS, PACE, HOLDS = {steps}, {pace}, {str(lab.root / name)!r}\n{SCRIPT}"
    return f"SCRIPT = {script!r}{RUN}"


def start(notebook: NotebookPage, lab: LabServer, name: str, steps: int, pace: float, *, held: bool = False) -> Page:
    if not held:
        let(lab, name, "loaded", "trained")
    notebook.open(lab.write(f"{name}.ipynb", cell(lab, name, steps, pace)))
    notebook.run_all()
    notebook.page.locator(".hfft-root").get_by_role("button", name="Train on this machine").click()
    return notebook.page


def drawn(page: Page, count: int) -> None:
    page.wait_for_function(f"() => ({DRAWN})() === {count}", timeout=60_000)


@pytest.mark.ci
def test_the_page_keeps_its_height_from_the_first_second_to_the_last(notebook: NotebookPage, lab: LabServer) -> None:
    page = start(notebook, lab, "height", 30, 0.1, held=True)
    chip = page.locator(".hfft-root .chip")
    expect(chip).to_have_text("Loading the model", timeout=60_000)
    first = page.evaluate(HEIGHT)
    let(lab, "height", "loaded")
    drawn(page, 3)
    assert abs(page.evaluate(HEIGHT) - first) <= 4
    edges = page.evaluate("""() => [".curves", ".plot-slot .js-plotly-plot"].map((selector) => {
      const { left, right } = document.querySelector(`.hfft-root ${selector}`).getBoundingClientRect();
      return [left, right];
    })""")
    assert edges[0] == pytest.approx(edges[1], abs=1), "a plot is as wide as the card"
    page.evaluate("() => Object.defineProperty(document, 'hidden', { value: true, configurable: true })")
    let(lab, "height", "trained")
    expect(chip).to_contain_text("Completed", timeout=60_000)
    drawn(page, 1)
    expect(page).to_have_title(re.compile("^\u25cf .*(Completed|completed)"))
    page.evaluate("() => { delete document.hidden; document.dispatchEvent(new Event('visibilitychange')); }")
    expect(page).not_to_have_title(re.compile("\u25cf"))
    assert abs(page.evaluate(HEIGHT) - first) < 220  # what came is a result: verdict, score, ways on
    page.locator(".hfft-root").get_by_text("4 more curves").click()
    drawn(page, 5)
    notebook.save_and_reload()
    drawn(page, 1)  # as it is drawn anew; its fold is closed
    assert not [text for kind, text in notebook.problems if kind == "exception" or "attached" in text]


@pytest.mark.ci
def test_watching_a_run_is_light(notebook: NotebookPage, lab: LabServer) -> None:
    """Five steps a second with five metrics, in five plots: more than any real run tells."""
    page = start(notebook, lab, "light", 500, 0.2)
    drawn(page, 3)
    page.wait_for_timeout(3000)
    before, began = notebook.received_bytes, time.monotonic()
    page.wait_for_timeout(30_000)
    per_second = (notebook.received_bytes - before) / (time.monotonic() - began)
    print(f"{per_second:.0f} bytes a second")
    assert per_second <= 2000
    notebook.execute("monitor.cancel()")


@pytest.mark.ci
def test_what_it_printed_can_be_read_and_selected_while_it_grows(notebook: NotebookPage, lab: LabServer) -> None:
    page = start(notebook, lab, "log", 400, 0.1)
    drawn(page, 3)
    page.get_by_role("button", name="What it printed").click()
    log = page.get_by_role("log")
    expect(log).to_contain_text("line 30\n", timeout=60_000)
    at_end = "e => Math.abs(e.scrollTop) < 2"  # it grows upwards: 0 is its end
    assert log.evaluate(at_end), "the newest line is in view"
    log.evaluate(
        "e => { const line = [...e.querySelectorAll('span')].find(s => s.textContent === 'line 20\\n');"
        "getSelection().selectAllChildren(line); line.scrollIntoView({ block: 'nearest' }); }"
    )
    log.evaluate("e => { e.scrollTop = -e.scrollHeight; }")
    top = log.evaluate("e => e.scrollTop")
    expect(log).to_contain_text("line 60\n", timeout=60_000)
    assert page.evaluate("() => getSelection().toString().trim()") == "line 20"
    assert not log.evaluate(at_end), "who reads on above is left there"
    assert log.evaluate("e => e.scrollTop") <= top
    notebook.execute("monitor.cancel()")
