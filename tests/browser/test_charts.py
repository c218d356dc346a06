"""Charts in a real JupyterLab: what a click and a drag reach, what survives a reload and another theme."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect
from playwright.sync_api import TimeoutError as PlaywrightTimeout

from tests.browser import gallery
from tests.browser.harness import LabServer, NotebookPage, notebook_page
from tests.browser.test_live_plot import brightness
from tests.browser.test_plan_card import RENTED

pytestmark = [pytest.mark.browser, pytest.mark.full]

# the chart in sight: what it holds, and where on the screen
CHART = """() => {
  const box = [...document.querySelectorAll('.hfft-chart [role=img]')].find(one => one.checkVisibility());
  if (!box?.dataset.draws) return null;
  const { xaxis, yaxis, font } = box._fullLayout;
  const { left, top, width } = box.getBoundingClientRect();
  const points = box.data.flatMap(trace => trace.x.map((x, i) => ({ kind: trace.name, told: trace.customdata[i],
    x: left + xaxis._offset + xaxis.d2p(x), y: top + yaxis._offset + yaxis.d2p(trace.y[i]) })));
  const line = box.parentElement.querySelector('.hfft-chart-line');
  const at = line?.getBoundingClientRect();
  return { points, ink: font.color, width, draws: Number(box.dataset.draws), label: box.getAttribute('aria-label'),
    cut: box.data[1]?.y, line: line && { x: at.left + at.width / 2, y: at.top + at.height / 2, words: line.innerText },
    slot: box.closest('.plot-slot').getBoundingClientRect().width };
}"""
# words of charts that are cut off, too small, or written over each other
AMISS = """() => {
  const seen = [...document.querySelectorAll('.hfft-chart')].filter(one => one.checkVisibility());
  return seen.flatMap(chart => {
    const frame = chart.getBoundingClientRect();
    const texts = [...chart.querySelectorAll('text, .hfft-chart-line span')].filter(one => one.textContent.trim());
    const boxes = texts.map(one => [one.textContent, one.getBoundingClientRect(), getComputedStyle(one).fontSize]);
    const outside = boxes.filter(([, box]) => box.left < frame.left - 1 || box.right > frame.right + 1
      || box.top < frame.top - 1 || box.bottom > frame.bottom + 1);
    const small = boxes.filter(([, , size]) => parseFloat(size) < 11);
    const over = boxes.filter(([, a], i) => boxes.slice(i + 1).some(([, b]) => a.left + 1 < b.right
      && b.left + 1 < a.right && a.top + 2 < b.bottom && b.top + 2 < a.bottom));
    return [...outside, ...small, ...over].map(([words]) => words);
  });
}"""


def chart(page: Page, true: str = "true", *, seconds: float = 30) -> dict[str, Any]:
    """The chart in sight, as soon as this is so of it (`now`)."""
    handle = page.wait_for_function(
        f"() => {{ const now = ({CHART})(); return now && ({true}) && now; }}", timeout=seconds * 1000
    )
    found: dict[str, Any] = handle.json_value()
    return found


def point(page: Page, told: object) -> dict[str, Any]:
    """A point of the chart, by what its click tells."""
    return next(one for one in chart(page)["points"] if one["told"] == told)


def nothing_amiss(page: Page) -> None:
    """As soon as it is drawn for the page's width."""
    try:
        page.wait_for_function(f"() => ({AMISS})().length === 0", timeout=5000)
    except PlaywrightTimeout:
        raise AssertionError(page.evaluate(AMISS)) from None


def clean(notebook: NotebookPage) -> None:
    assert notebook.external_requests() == []
    assert [text for kind, text in notebook.problems if kind != "warning" or "hfft" in text] == []


@pytest.mark.ci
def test_a_dot_is_hovered_and_clicked(notebook: NotebookPage, lab: LabServer) -> None:
    page = notebook.page
    notebook.open(lab.write("dots.ipynb", RENTED))
    notebook.run_all(180)
    page.get_by_role("button", name="Make a plan").click()
    page.get_by_text("All hardware: cost against time").click()
    dot = point(page, "l4x1")
    page.mouse.move(dot["x"] + 60, dot["y"] - 60)
    cursor = page.locator(".hfft-chart .nsewdrag")
    expect(cursor).to_have_css("cursor", "default")
    page.mouse.move(dot["x"], dot["y"])
    expect(page.locator(".hfft-chart .hovertext")).to_contain_text("l4x1")
    expect(cursor).to_have_css("cursor", "pointer")
    notebook.screenshot("dots_hover")
    page.mouse.click(dot["x"], dot["y"])
    expect(page.locator("button.choice[aria-pressed=true]")).to_contain_text("l4x1")
    chart(page, "now.points.some(one => one.told === 'l4x1' && one.kind === 'chosen')")
    notebook.execute("assert planner.result.flavor == 'l4x1'")
    assert chart(page)["slot"] == pytest.approx(chart(page)["width"], abs=1)
    page.mouse.move(1, 1)
    for width, dark in ((1100, False), (1100, True), (700, False), (560, True)):
        page.set_viewport_size({"width": width, "height": 1000})
        notebook.set_theme(dark=dark)
        page.wait_for_timeout(800)
        page.locator(".hfft-chart").scroll_into_view_if_needed()
        nothing_amiss(page)
        notebook.screenshot(f"dots_{width}_{'dark' if dark else 'light'}", page.locator(".hfft-chart"))
        assert (brightness(chart(page)["ink"]) > 200) == dark
    clean(notebook)


HERE = """
import hfft_widgets as hfft
planner = hfft.TrainingPlanner(hfft.validate("sample:messages", model="sample:model"), model="sample:model")
plan = planner.plan()
planner
"""


def test_a_machine_that_no_job_reaches_cannot_be_clicked(notebook: NotebookPage, lab: LabServer) -> None:
    page = notebook.page
    page.set_viewport_size({"width": 1100, "height": 1800})
    notebook.open(lab.write("here.ipynb", HERE))
    notebook.run_all(180)
    page.get_by_text("All hardware: cost against time").click()
    cross = next(one for one in chart(page)["points"] if one["kind"] == "no job reaches it")
    nothing_amiss(page)
    page.mouse.move(cross["x"], cross["y"])
    expect(page.locator(".hfft-chart .hovertext")).to_be_visible()
    expect(page.locator(".hfft-chart .nsewdrag")).to_have_css("cursor", "default")
    page.mouse.click(cross["x"], cross["y"])
    page.wait_for_timeout(500)
    notebook.execute("assert planner.result is plan and planner.error is None")
    clean(notebook)


LENGTHS = """
import random
import hfft_widgets as hfft
random.seed(3)
rows = [{"messages": [{"role": "user", "content": f"Why {n}?"},
                      {"role": "assistant", "content": "because " * int(random.lognormvariate(3, 0.6))}]}
        for n in range(400)]
tuner = hfft.FineTuner(rows, "sample:model")
tuner.data.validate()
tuner.planner.plan()
tuner.open_step(0)
tuner
"""


def drag(page: Page, across: float) -> None:
    """Take the line and move it by so many pixels, held down at the end."""
    line = chart(page, "now.line")["line"]
    page.mouse.move(line["x"], line["y"])
    page.mouse.down()
    page.mouse.move(line["x"] + across / 2, line["y"], steps=4)
    page.mouse.move(line["x"] + across, line["y"], steps=4)


@pytest.mark.ci
def test_the_limit_is_dragged(notebook: NotebookPage, lab: LabServer) -> None:
    page = notebook.page
    page.set_viewport_size({"width": 1100, "height": 1800})
    notebook.open(lab.write("drag.ipynb", LENGTHS))
    notebook.run_all(180)
    page.locator(".hfft-chart").scroll_into_view_if_needed()
    before = chart(page, "now.line")
    assert sum(before["cut"]) == 0
    drag(page, -0.6 * before["width"])
    started = time.monotonic()
    moved = chart(page, "now.cut.some(rows => rows)")  # while it is held
    print(f"answered in {time.monotonic() - started:.3f} s")
    page.mouse.up()
    tokens = moved["line"]["words"].removeprefix("max_length ")
    slider, typed = page.get_by_label("Cut rows after"), page.get_by_label("Tokens", exact=True)
    expect(typed).to_have_value(tokens)
    expect(slider).to_have_value(tokens)
    rows = sum(chart(page, f"now.line.words === 'max_length {tokens}'")["cut"])
    words = page.locator("section[data-key=lengths]")
    expect(words).to_contain_text(f"{rows} rows are longer")
    expect(words).to_contain_text("With this limit SFT of tiny-llama")

    slider.focus()  # by the keyboard it is the slider
    page.keyboard.press("ArrowRight")
    chart(page, f"now.line.words === 'max_length {int(tokens) + 1}'")
    bar = min(chart(page)["points"], key=lambda one: one["y"])
    page.mouse.move(bar["x"], bar["y"] + 4)
    expect(page.locator(".hfft-chart .hovertext")).to_be_visible()
    page.mouse.click(bar["x"], bar["y"] + 4)
    expect(typed).to_have_value(str(bar["told"]))

    notebook.save_and_reload()
    page.locator(".hfft-chart").scroll_into_view_if_needed()
    chart(page, f"now.line?.words === 'max_length {bar['told']}'", seconds=60)
    for width, dark in ((1100, False), (1100, True), (700, False), (560, True)):
        page.set_viewport_size({"width": width, "height": 1000})
        notebook.set_theme(dark=dark)
        page.wait_for_timeout(800)
        page.locator(".hfft-chart").scroll_into_view_if_needed()
        nothing_amiss(page)
        name = f"{width}_{'dark' if dark else 'light'}"
        notebook.screenshot(f"lengths_{name}", page.locator("section[data-key=lengths]"))
    clean(notebook)


ALONE = """
from hfft_widgets.widgets.chart import Chart
told = []
one = Chart(_source="SOURCE", label="Two points <b>&</b>", clicked=told.append, line=2, line_words="here",
            figure={"data": [{"type": "scatter", "mode": "markers+text", "x": [1, 2, 3], "y": [1, 2, 1],
                              "text": ["a", "b", "&lt;b&gt;c"], "customdata": ["a", None, "c"]}],
                    "layout": {"margin": {"t": 36}}})
one
"""


def test_the_kernel_gives_plotly_to_a_chart_too(notebook: NotebookPage, lab: LabServer) -> None:
    page = notebook.page
    notebook.open(lab.write("alone.ipynb", ALONE.replace("SOURCE", "comm")))
    notebook.run_all()
    page.wait_for_function("() => globalThis[Symbol.for('hfft_widgets.live_plot.1')]?.source === 'comm'")
    box = page.locator(".hfft-chart [role=img]")
    expect(box).to_have_attribute("data-draws", "1")
    expect(box).to_have_attribute("aria-label", "Two points <b>&</b>")
    texts = page.locator(".hfft-chart .textpoint").all_text_contents()
    assert texts == ["a", "b", "<b>c"]
    where = """i => { const box = document.querySelector('.hfft-chart [role=img]'), { xaxis, yaxis } = box._fullLayout;
      const { left, top } = box.getBoundingClientRect();
      return [left + xaxis._offset + xaxis.d2p(i + 1), top + yaxis._offset + yaxis.d2p(box.data[0].y[i])]; }"""
    for i in range(3):  # the second one has nothing to tell
        x, y = page.evaluate(where, i)
        page.mouse.move(x, y)
        page.mouse.click(x, y)
    notebook.execute("assert told == ['a', 'c'], told")
    notebook.execute("one.line = None")
    expect(page.locator(".hfft-chart-line")).to_have_count(0)
    notebook.execute("one.close()")
    expect(box).to_have_count(0)
    clean(notebook)


def test_without_plotly_a_sentence_stands_there(notebook: NotebookPage, lab: LabServer) -> None:
    notebook.open(lab.write("none.ipynb", ALONE.replace("SOURCE", "window")))
    notebook.run_all()
    note = notebook.page.locator(".hfft-chart [role=status]")
    expect(note).to_contain_text("The chart is not available")
    expect(note).to_contain_text("Two points <b>&</b>")


@pytest.mark.parametrize("forced", [False, True])
def test_high_contrast(browser: Browser, lab: LabServer, forced: bool) -> None:
    context = {"forced_colors": "active"} if forced else {}
    with notebook_page(browser, lab, **context) as notebook:
        page = notebook.page
        notebook.open(lab.write("contrast.ipynb", LENGTHS))
        if not forced:
            notebook.command("apputils:change-theme", {"theme": "JupyterLab Dark High Contrast"})
        notebook.run_all(180)
        page.locator(".hfft-chart").scroll_into_view_if_needed()
        chart(page, "now.line")
        notebook.execute("tuner.data.lengths.chart._moved(120)")
        ink = chart(page, "now.cut.some(rows => rows)")["ink"]
        assert (brightness(ink) < 60) == forced  # white on black; the system's own are black on white here
        fills = [
            page.locator(f".hfft-chart .trace.bars:nth-child({n}) path").first.evaluate("e => getComputedStyle(e).fill")
            for n in (1, 2)
        ]
        assert fills[0] != fills[1]
        notebook.screenshot(
            f"lengths_contrast_{'system' if forced else 'lab'}", page.locator("section[data-key=lengths]")
        )


@pytest.fixture(scope="module")
def with_runs(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabServer]:
    """A server whose home holds runs that ended."""
    folder = tmp_path_factory.mktemp("compared")
    with LabServer(folder / "notebooks", env={"HFFT_HOME": str(gallery.home(folder / "home"))}) as server:
        yield server


LIVE = """
import hfft_widgets as hfft
from tests.jobs.conftest import PRELUDE
report = hfft.validate("sample:messages", model="sample:model")
plan = hfft.plan_training("sample:model", report, learning_rate=1e-3)
source = PRELUDE + '''
for step in range(1, 400):
    tell("log", step=step, total_steps=400, metrics={"loss": 4.0 / step ** 0.3, "eval_loss": 4.2 / step ** 0.3})
    time.sleep(0.2)
'''
earlier = next(run for run in hfft.runs() if run.kind == "training" and run.history.get("loss"))
monitor = hfft.TrainingMonitor(plan.with_script(source))
monitor
"""


def test_an_earlier_run_lies_beside_a_live_one(browser: Browser, with_runs: LabServer) -> None:
    with notebook_page(browser, with_runs) as notebook:
        page = notebook.page
        notebook.open(with_runs.write("beside.ipynb", LIVE))
        notebook.run_all(180)
        page.get_by_role("button", name="Train on this machine").click()
        held = (
            "() => [...document.querySelector('.hfft-root [role=figure]')?.data ?? []].map(t => [t.name, t.line.dash])"
        )
        page.wait_for_function(f"() => ({held})().length === 2", timeout=60_000)
        field = page.get_by_label("Compare with")
        field.select_option(index=1)
        page.wait_for_function(f"() => ({held})().some(([name, dash]) => dash === 'dash')")
        expect(page.get_by_text("Dashed: ")).to_contain_text("instead of")
        page.mouse.move(1, 1)
        page.wait_for_timeout(3000)
        notebook.screenshot("beside_light", page.locator(".hfft-root .curves"))
        notebook.screenshot("beside_page")
        field.select_option(index=0)
        page.wait_for_function(f"() => ({held})().every(([name, dash]) => dash !== 'dash')")
        notebook.execute("monitor.cancel()")
        clean(notebook)
