"""What watching a run costs and how late it is, in a real JupyterLab: bytes a second, log line to pixel.

    python -m tests.bench.live [--small]

A script prints a log line every so often, with the time; a page counts when the curve that it draws has that step.
Both read the same machine's clock. Bounds: 2 KB a second in all, half of the lines drawn within a second, 95 % within
two. What a point costs beside FigureWidget and uPlot is in `bench_live_plot`.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path
from statistics import median

PACES = ((0.2, "five a second"), (1.0, "one a second"), (3.0, "one in three seconds"))
SMALL = "--small" in sys.argv
SECONDS = 8 if SMALL else 40
MOST_KB, MEDIAN, SLOWEST = 2.0, 1.0, 2.0
# the steps as the page draws them, each with the moment at which it was first seen
WATCH = """() => {
  globalThis.seen = {};
  const look = () => {
    const plot = document.querySelector(".hfft-root .plot-slot .js-plotly-plot");
    for (const x of plot?.data?.[0]?.x ?? []) globalThis.seen[x] ??= Date.now() / 1000;
    requestAnimationFrame(look);
  };
  look();
}"""


def measure(pace: float) -> tuple[float, list[float]]:
    """KB a second, and for each step the seconds from its line to its pixel."""
    from tests.browser.harness import LabServer, chromium, notebook_page
    from tests.browser.test_run import RUN, SCRIPT

    steps = int(SECONDS / pace) + round(15 / pace)
    script = f"STEPS, PACE = {steps}, {pace}\n{SCRIPT}"
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder,
        LabServer(Path(folder) / "notebooks", env={"HFFT_HOME": f"{folder}/home", "HFFT_QUEUE": "off"}) as lab,
        chromium() as browser,
        notebook_page(browser, lab, size=(1280, 900)) as notebook,
    ):
        notebook.open(lab.write("live.ipynb", f"SCRIPT = {script!r}{RUN}"))
        notebook.run_all()
        page = notebook.page
        page.locator(".hfft-root").get_by_role("button", name="Train on this machine").click()
        page.locator(".hfft-root .plot-slot .js-plotly-plot").first.wait_for(timeout=120_000)
        page.wait_for_timeout(3000)
        page.evaluate(WATCH)
        page.wait_for_timeout(200)
        known = set(page.evaluate("() => Object.keys(globalThis.seen)"))  # drawn before anybody looked
        before, began = notebook.received_bytes, time.monotonic()
        page.wait_for_timeout(SECONDS * 1000)
        per_second = (notebook.received_bytes - before) / (time.monotonic() - began) / 1000
        seen = page.evaluate("() => globalThis.seen")
        notebook.execute("monitor.cancel()")
        told = _told(Path(folder) / "home")
    return per_second, [at - told[int(step)] for step, at in seen.items() if step not in known and int(step) in told]


def _told(home: Path) -> dict[int, float]:
    """Step -> when its line was printed."""
    from hfft_widgets.core.run.journal import Journal

    journal = Journal()
    for log in home.rglob("log"):
        journal.feed(log.read_bytes())
    return {point.step: point.seconds for point in journal.history["loss"]}


def main() -> None:
    missed = []
    print(f"{'log lines':24}{'KB a second':>12}{'median s':>10}{'95 % s':>8}{'lines':>7}")
    for pace, words in PACES[:1] if SMALL else PACES:
        kilobytes, late = measure(pace)
        late.sort()
        slow = late[int(0.95 * (len(late) - 1))]
        print(f"{words:24}{kilobytes:>12.2f}{median(late):>10.2f}{slow:>8.2f}{len(late):>7}")
        missed += [words] if kilobytes > MOST_KB or median(late) >= MEDIAN or slow >= SLOWEST else []
    print("missed: " + (", ".join(missed) or "nothing"))
    sys.exit(bool(missed) and not SMALL)


if __name__ == "__main__":
    main()
