"""LivePlot in a real JupyterLab: what reaches the screen, and what survives there."""

from __future__ import annotations

import random
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

import hfft_widgets.widgets
from hfft_widgets.core.run.curves.thinning import thin
from tests.browser.harness import LabServer, NotebookPage, notebook_page

pytestmark = pytest.mark.browser

SETUP = """
import threading, time
from hfft_widgets.widgets.live_plot import LivePlot

nan = float("nan")
plot = LivePlot(["loss", "eval_loss"], title="Demo run", y_title="loss", max_hz=4)
plot.replace("loss", range(1, 301), [nan if 120 <= k < 150 else 2 / k**0.3 for k in range(1, 301)])
plot.replace("eval_loss", range(50, 301, 50), [2.1 / k**0.3 for k in range(50, 301, 50)])
"""
WORKER = """
def work():
    for k in range(301, 100_000):
        plot.append("loss", k, 2 / k**0.3)
        if k % 50 == 0:
            plot.append("eval_loss", k, 2.1 / k**0.3)
        time.sleep(0.05)

threading.Thread(target=work, daemon=True).start()
"""

PAGE = "globalThis[Symbol.for('hfft_widgets.live_plot.1')]"
CHART = """(i) => {
  const box = document.querySelectorAll('.hfft-live [role=figure]')[i];
  if (!box?.data || !box.dataset.draws) return null;
  const { xaxis, yaxis, font } = box._fullLayout;
  const [first] = box.data;
  const drawn = box.querySelector('.scatterlayer .trace');
  if (!drawn) return null;  // in the middle of a drawing
  const paths = [...drawn.querySelectorAll('path.js-line')];
  const numbers = (paths.at(-1)?.getAttribute('d') ?? '').match(/-?[\\d.]+(?:e-?\\d+)?/g) ?? [];
  return {
    names: box.data.map((trace) => trace.name),
    points: box.data.map((trace) => trace.x.length),
    last: box.data.map((trace) => trace.x.at(-1)),
    stretches: paths.length,
    drawn_end: numbers.slice(-2).map(Number),
    expected_end: [xaxis.c2p(first.x.at(-1)), yaxis.c2p(first.y.at(-1))],
    x_range: xaxis.range.map(Number),
    y_range: yaxis.range.map(Number),
    y_type: yaxis.type,
    visible: box._fullData.map((trace) => trace.visible),
    label: box.getAttribute('aria-label'),
    draws: Number(box.dataset.draws),
    ink: font.color,
  };
}"""

Chart = dict[str, Any]


def chart(notebook: NotebookPage, i: int = 0) -> Chart:
    """What plotly.js holds and has drawn for the i-th chart on the page."""
    return until(notebook, lambda _: True, i)


def until(notebook: NotebookPage, accept: Callable[[Chart], object], i: int = 0, seconds: float = 30) -> Chart:
    """The i-th chart as soon as it is as wanted."""
    end = time.monotonic() + seconds
    now = None
    while time.monotonic() < end:
        now = notebook.page.evaluate(CHART, i)
        if now is not None and accept(now):
            return now
        notebook.page.wait_for_timeout(100)
    raise AssertionError(f"not as wanted after {seconds} s: {now}; {notebook.problems}")


def zoom(notebook: NotebookPage) -> Chart:
    """Drag over the middle of the first chart, slowly enough that updates fall into the drag."""
    box = notebook.page.locator(".hfft-live .nsewdrag").first.bounding_box()
    assert box is not None
    mouse = notebook.page.mouse
    across, down = box["x"], box["y"]
    mouse.move(across + box["width"] * 0.3, down + box["height"] * 0.2)
    mouse.down()
    mouse.move(across + box["width"] * 0.6, down + box["height"] * 0.9, steps=10)
    notebook.page.wait_for_timeout(600)
    mouse.move(across + box["width"] * 0.65, down + box["height"] * 0.9, steps=3)
    mouse.up()
    before = chart(notebook)
    return until(notebook, lambda now: now["draws"] >= before["draws"])


def brightness(color: str) -> float:
    """0 (black) to 255 of a CSS rgb() or rgba() colour."""
    return sum(float(part) for part in re.findall(r"[\d.]+", color)[:3]) / 3


@pytest.mark.ci
def test_curves_grow_while_a_cell_blocks(notebook: NotebookPage, lab: LabServer) -> None:
    """The way of a training run: a thread appends, another cell blocks, the reader zooms and changes the theme."""
    notebook.open(lab.write("live.ipynb", SETUP + "plot", WORKER + "time.sleep(8)"))
    notebook.start_all()
    first = until(notebook, lambda now: now["last"][0] > 301)
    assert not notebook.all_ran(), "the second cell is blocking"
    assert notebook.page.evaluate(f"{PAGE}.source") == "lab"
    grown = until(notebook, lambda now: now["last"][0] >= first["last"][0] + 20)
    assert grown["stretches"] == 2, "the nan values are a gap in the line"
    assert grown["drawn_end"] == pytest.approx(grown["expected_end"], abs=1)
    assert re.fullmatch(r"Demo run\. step \d+: loss 0\.3\d*, eval_loss 0\.3\d*\.", grown["label"])

    zoomed = zoom(notebook)
    assert zoomed["x_range"][1] - zoomed["x_range"][0] < 0.6 * (grown["x_range"][1] - grown["x_range"][0])
    notebook.wait_until_ran()
    notebook.execute("plot.append('late <b>metric</b>', [310, 330], [0.2, 0.25])")
    late = until(notebook, lambda now: len(now["names"]) == 3)
    assert late["x_range"] == zoomed["x_range"], "a curve that comes later does not touch the zoom"
    assert "<b>metric</b>" in notebook.page.locator(".hfft-live .legendtext").nth(2).text_content()

    notebook.set_theme(dark=True)
    dark = until(notebook, lambda now: brightness(now["ink"]) > 200)
    assert dark["x_range"] == zoomed["x_range"], "nor does another theme"
    notebook.page.locator(".hfft-live .nsewdrag").first.dblclick()
    until(notebook, lambda now: now["x_range"][1] >= late["last"][0])
    notebook.page.mouse.move(0, 0)
    notebook.screenshot("live_plot_dark")
    notebook.set_theme(dark=False)
    until(notebook, lambda now: brightness(now["ink"]) < 60)
    notebook.screenshot("live_plot_light")

    assert not notebook.external_requests()
    assert not [text for kind, text in notebook.problems if kind in {"error", "exception"} or "LivePlot" in text]


def test_page_and_kernel_thin_alike(browser: Browser) -> None:
    """The page bounds its memory with the kernel's arithmetic: same points, whatever the curve."""
    folder = Path(hfft_widgets.widgets.__file__).with_name("page")
    source = "\n".join((folder / name).read_text("utf-8") for name in ("plotly_page.js", "live_plot.js"))
    generator = random.Random(7)
    page = browser.new_page()
    try:
        for count, cap in ((5, 10), (2001, 1000), (3000, 11), (500, 40)):
            x = sorted(generator.sample(range(10 * count), count))
            y = [generator.choice([generator.gauss(0, 1), 3.0, None]) for _ in x]
            js = page.evaluate(
                """async ([source, x, y, cap]) => {
                  const url = URL.createObjectURL(new Blob([source], { type: 'text/javascript' }));
                  const { thin } = await import(url);
                  return thin(x, y.map((value) => value ?? NaN), cap);
                }""",
                [source, x, y, cap],
            )
            assert js == thin(x, [float("nan") if value is None else value for value in y], cap)
    finally:
        page.close()


@pytest.mark.full
def test_a_reloaded_page_is_as_it_was(notebook: NotebookPage, lab: LabServer) -> None:
    notebook.open(lab.write("reload.ipynb", SETUP + WORKER + "plot"))
    notebook.run_all()
    until(notebook, lambda now: now["last"][0] > 301)
    notebook.execute("plot.y_log = True")
    until(notebook, lambda now: now["y_type"] == "log")
    zoomed = zoom(notebook)
    notebook.page.locator(".hfft-live .legendtoggle").nth(1).click()
    until(notebook, lambda now: now["visible"][1] == "legendonly")
    before = until(notebook, lambda now: now["draws"] > zoomed["draws"] + 3)
    assert before["visible"] == [True, "legendonly"], "hidden over updates"
    assert before["x_range"] == zoomed["x_range"]
    notebook.save_and_reload()
    after = until(notebook, lambda now: now["last"][0] > before["last"][0])
    assert after["x_range"] == pytest.approx(before["x_range"])
    assert after["y_range"] == pytest.approx(before["y_range"])
    assert after["y_type"] == "log"
    assert after["visible"] == [True, "legendonly"]
    assert after["stretches"] >= 1
    assert not notebook.external_requests()


@pytest.mark.full
def test_two_views_share_their_points(notebook: NotebookPage, lab: LabServer) -> None:
    notebook.open(lab.write("views.ipynb", SETUP + WORKER + "plot", "plot"))
    notebook.run_all()
    until(notebook, lambda now: now["last"][0] > 301)
    until(notebook, lambda now: now["last"][0] > 301, 1)
    assert notebook.page.evaluate(f"{PAGE}.stores.size") == 1
    assert notebook.page.evaluate(f"[...{PAGE}.stores.values()][0].views.size") == 2
    notebook.execute("plot.close()")
    notebook.page.wait_for_function(f"() => {PAGE}.stores.size === 0")
    notebook.page.wait_for_function("() => !document.querySelector('.js-plotly-plot')")


@pytest.mark.full
def test_the_page_holds_a_bounded_number_of_points(notebook: NotebookPage, lab: LabServer) -> None:
    cell = """
from hfft_widgets.widgets.live_plot import LivePlot
plot = LivePlot(cap=100)
display(plot)
for start in range(0, 5000, 90):
    plot.append("loss", range(start, start + 90), [1.0 if k != 1234 else 50.0 for k in range(start, start + 90)])
    plot.flush()
"""
    notebook.open(lab.write("bounded.ipynb", cell))
    notebook.run_all()
    end = until(notebook, lambda now: now["last"] == [5039])
    assert end["points"][0] <= 200
    assert end["y_range"][1] > 45, "the spike at step 1234 is still there"


@pytest.mark.full
def test_points_that_went_missing_are_asked_for(notebook: NotebookPage, lab: LabServer) -> None:
    notebook.open(lab.write("missing.ipynb", SETUP + "plot"))
    notebook.run_all()
    until(notebook, lambda now: now["last"][0] == 300)
    swallow = (
        "send, plot.send = plot.send, lambda *_: None\nplot.append('loss', 301, 0.5)\nplot.flush()\nplot.send = send"
    )
    notebook.execute(swallow)
    notebook.execute("plot.append('loss', 302, 0.6)\nplot.flush()")
    assert until(notebook, lambda now: now["last"][0] == 302)["points"][0] == 302


@pytest.mark.full
def test_replacing_and_clearing_reach_the_page(notebook: NotebookPage, lab: LabServer) -> None:
    notebook.open(lab.write("replace.ipynb", SETUP + "plot"))
    notebook.run_all()
    until(notebook, lambda now: now["points"] == [300, 6])
    notebook.execute("plot.append('loss', 250, 1.5)")  # a resumed run tells a step again
    until(notebook, lambda now: now["points"] == [300, 6] and now["draws"] > 1)
    notebook.execute("plot.clear()\nplot.replace('reward', [1, 2, 3], [0.0, 0.5, float('inf')])")
    last = until(notebook, lambda now: now["names"] == ["reward"])
    assert last["points"] == [3]
    assert last["label"] == "Demo run. step 3: reward infinite."


@pytest.mark.full
def test_traits_may_change_after_the_first_drawing(notebook: NotebookPage, lab: LabServer) -> None:
    notebook.open(lab.write("traits.ipynb", SETUP + "plot"))
    notebook.run_all()
    until(notebook, lambda now: now["last"][0] == 300)
    notebook.execute("plot.summary = 'half way'; plot.title = 'Other'; plot.height = 200; plot.y_title = 'a < b'")
    until(notebook, lambda now: now["label"] == "Other. half way")
    notebook.page.wait_for_function("() => document.querySelector('.hfft-live .main-svg').clientHeight === 200")
    assert notebook.page.locator(".hfft-live .ytitle").text_content() == "a < b"
    buttons = notebook.page.locator(".hfft-live .modebar-btn")
    titles = [buttons.nth(i).get_attribute("data-title") for i in range(buttons.count())]
    assert len(titles) == 4, titles
    assert not [title for title in titles if "hare" in title or "loud" in title], "nothing sends the data anywhere"


@pytest.mark.full
@pytest.mark.parametrize("end", ["close", "silence"])
def test_an_instance_that_never_answers_blocks_no_other(notebook: NotebookPage, lab: LabServer, end: str) -> None:
    """The first instance asks the kernel for plotly.js for all of them; closed or silent, the second asks."""
    cell = """
from hfft_widgets.widgets.live_plot import LivePlot
first, second, third = plots = [LivePlot(_source="comm") for _ in range(3)]
first.on_msg(first._answer, remove=True)  # its answer never comes
for plot in plots:
    plot.append("loss", [1, 2], [3.0, 4.0])
display(*plots)
"""
    notebook.open(lab.write(f"hole_{end}.ipynb", cell))
    notebook.run_all()
    notebook.page.wait_for_function(f"() => {PAGE}?.bundle?.asked.size === 1 && {PAGE}.stores.size === 3")
    assert notebook.page.evaluate(CHART, 0) is None
    patience = notebook.page.evaluate(f"{PAGE}.patience") / 1000
    asked = time.monotonic()
    if end == "close":
        notebook.execute("first.close()")
    notebook.page.wait_for_function(
        "() => document.querySelectorAll('.hfft-live [data-draws]').length >= 2", timeout=30_000
    )
    waited = time.monotonic() - asked
    assert waited < patience if end == "close" else waited > patience / 2
    assert notebook.page.evaluate(f"{PAGE}.source") == "comm"
    assert chart(notebook)["last"] == [2]
    assert notebook.page.evaluate("'Plotly' in globalThis") is False, "the page's globals are as they were"
    assert not notebook.external_requests()


@pytest.mark.full
def test_without_plotly_the_chart_says_so(notebook: NotebookPage, lab: LabServer) -> None:
    cell = """
from hfft_widgets.widgets.live_plot import LivePlot
plot = LivePlot(_source="window")
plot.append("loss", 1, 2.5)
plot
"""
    notebook.open(lab.write("none.ipynb", cell))
    notebook.run_all()
    note = notebook.page.locator(".hfft-live-note[role=alert]")
    note.wait_for()
    assert "The chart is not available" in note.text_content()
    expect(note).to_contain_text("loss 2.5")  # the points come a moment later


@pytest.mark.full
def test_less_motion_where_it_is_asked_for(browser: Browser, lab: LabServer) -> None:
    with notebook_page(browser, lab, reduced_motion="reduce") as notebook:
        notebook.open(lab.write("calm.ipynb", SETUP + WORKER + "plot"))
        notebook.run_all()
        before = until(notebook, lambda now: now["last"][0] > 301)
        notebook.page.wait_for_timeout(6000)
        assert 1 <= chart(notebook)["draws"] - before["draws"] <= 4
