"""What the page costs: bytes and frames from the kernel for FineTuner's first view and each step, and the time to it.

    python -m tests.bench.bench_page [--small]

A real JupyterLab in a real Chromium. Bounds: first shown in 1.5 s and 250 KB, each step opened 60 KB, a watched run
2 KB a second, all in; CPU of the import at most 1.5 times, of the construction at most 2 times that of
`import ipywidgets, anywidget` (bench_import).
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

IMPORT = "import ipywidgets, anywidget"
CELL = "import hfft_widgets as hfft\ntuner = hfft.FineTuner()\ntuner"
FIRST_KB, STEP_KB, FIRST_SECONDS, WATCHED_KB = 250, 60, 1.5, 2  # the last a second
WATCHED, EACH = "a run, watched", "a second of it"
BOUNDS = {"first shown": FIRST_KB, "a reload": FIRST_KB, EACH: WATCHED_KB}
SMALL = "--small" in sys.argv or "HFFT_BENCH_SIZE" in os.environ
STEPS = (
    ("Check dataset", "Make a plan"),
    ("Make a plan", "Train on this machine"),
    ("Change Data", "To plan"),
    ("To plan", "Train on this machine"),
    ("Train on this machine", "Cancel the run"),
)


class Wire:
    """What comes from the kernel over the page's websockets."""

    def __init__(self, page: Any) -> None:
        self.bytes = self.frames = 0
        page.on("websocket", lambda socket: socket.on("framereceived", self._received))

    def _received(self, frame: str | bytes) -> None:
        self.bytes += len(frame)
        self.frames += 1

    def taken(self) -> tuple[float, int]:
        """KB and frames since the last call."""
        found = self.bytes / 1000, self.frames
        self.bytes = self.frames = 0
        return found


def measure() -> list[tuple[str, float, int, float]]:
    """(what, KB, frames, seconds until it could be seen)."""
    from tests.browser.harness import LabServer, chromium, notebook_page

    found: list[tuple[str, float, int, float]] = []
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder,
        LabServer(Path(folder) / "notebooks", env={"HFFT_HOME": f"{folder}/home"}) as lab,
        chromium() as browser,
        notebook_page(browser, lab, size=(1280, 900)) as notebook,
    ):
        page, wire = notebook.page, Wire(notebook.page)

        def shown(what: str, words: str, start: float) -> None:
            page.locator(".hfft-bar .next button", has_text=words).wait_for(timeout=180_000)
            seconds = time.monotonic() - start
            page.wait_for_timeout(500 if SMALL else 2000)
            found.append((what, *wire.taken(), seconds))

        notebook.open(lab.write("first.ipynb", IMPORT, CELL))
        notebook.execute(IMPORT)  # what any widget costs is not ours
        wire.taken()
        start = time.monotonic()
        notebook.start_all()
        shown("first shown", "Check dataset", start)
        for words, after in STEPS:
            start = time.monotonic()
            page.locator(".hfft-root").get_by_role("button", name=words).first.click()
            shown(words, after, start)
        page.locator(".hfft-live-note", has_text="step").first.wait_for(timeout=180_000)
        wire.taken()
        seconds = 5 if SMALL else 40
        page.wait_for_timeout(seconds * 1000)
        kilobytes, frames = wire.taken()
        found.append((WATCHED, kilobytes, frames, seconds))
        notebook.command("docmanager:save")
        start = time.monotonic()
        page.reload()
        shown("a reload", "Cancel the run", start)
        page.locator(".hfft-bar").get_by_role("button", name="Cancel the run").click()
        page.locator(".hfft-bar .next button", has_text="Train").wait_for(timeout=60_000)
    return found


def main() -> None:
    missed = []
    print(f"{'':16}{'KB':>8}{'bound':>8}{'frames':>8}{'seconds':>9}")
    rows = measure()
    watched = next(row for row in rows if row[0] == WATCHED)
    rows.append((EACH, watched[1] / watched[3], round(watched[2] / watched[3]), 1.0))
    for what, kilobytes, frames, seconds in rows:
        if what == WATCHED:
            continue
        bound = BOUNDS.get(what, STEP_KB)
        print(f"{what:16}{kilobytes:>8.1f}{bound:>8}{frames:>8}{seconds:>9.2f}")
        missed += [what] if kilobytes > bound else []
        missed += [f"{what} in time"] if what == "first shown" and seconds > FIRST_SECONDS else []
    print("missed: " + (", ".join(missed) or "nothing"))
    sys.exit(bool(missed))


if __name__ == "__main__":
    main()
