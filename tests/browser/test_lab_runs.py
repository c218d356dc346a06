"""What the panel does with a run that waits, one that ended early, and one that stalls; and the lessons' tiles."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

import pytest
from playwright.sync_api import expect

from hfft_widgets.core.run.stage import Stage
from hfft_widgets.jobs.local import turns
from tests.browser.harness import LabServer, NotebookPage
from tests.browser.lab_page import TILES, TRAINS, cells_of, check_accessible, lab_page, open_panel, runs_in, start
from tests.jobs.conftest import change_state, until

__all__ = ["lab_page", "start"]

pytestmark = [pytest.mark.browser, pytest.mark.ci]

ENDS_EARLY = """
os.makedirs("output/checkpoint-3", exist_ok=True)
with open("output/checkpoint-3/trainer_state.json", "w") as file:
    file.write('{"global_step": 3}')
print("ran in", sys.executable, flush=True)
if os.path.exists("again"):
    tell("end")
    sys.exit(0)
open("again", "w").close()
tell("log", step=3, total_steps=9, metrics={"loss": 2.0})
raise RuntimeError("the power failed")
"""
POINTS_OF_LONG_AGO = """
for step in range(1, 9):
    line = {"n": step, "t": time.time() - 400 + step, "event": "log", "step": step, "metrics": {"loss": 3 / step}}
    print("\\n@hfft " + json.dumps(line | {"total_steps": 60}), flush=True)
time.sleep(600)
"""


def test_a_run_that_waits_says_for_what_and_begins_when_told(
    lab_page: NotebookPage, start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = lab_page.page
    monkeypatch.setenv(turns.QUEUE, str(tmp_path / "queue"))
    monkeypatch.setenv("HFFT_THREADS", str(os.cpu_count()))
    start("ENOUGH = ''\n" + TRAINS, title="SFT of Qwen3-0.6B")
    waits = start("ENOUGH = ''\n" + TRAINS, title="DPO of SmolLM2-135M")
    open_panel(page)
    row = runs_in(page).filter(has_text="DPO of")
    expect(row).to_contain_text("Waiting for its turn")
    expect(row).to_contain_text(f"{os.cpu_count()} of {os.cpu_count()} cores are taken")
    expect(row).to_contain_text("It waits for SFT of Qwen3-0.6B")
    check_accessible(page)
    lab_page.screenshot("lab_panel_waits_light")
    lab_page.set_theme(dark=True)
    check_accessible(page)
    lab_page.screenshot("lab_panel_waits_dark")
    row.get_by_role("button").first.focus()
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Start DPO of SmolLM2-135M now, without waiting")).to_be_focused()
    page.keyboard.press("Enter")
    expect(row).to_contain_text("of 60")
    assert waits.stage is Stage.RUNNING


def test_a_run_goes_on_from_the_panel_with_its_own_python(
    lab_page: NotebookPage, start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = lab_page.page
    own = tmp_path / "its own python"
    own.symlink_to(sys.executable)
    with monkeypatch.context() as kernel:
        kernel.setattr(sys, "executable", str(own))  # as in a kernel of another environment than the server's
        run = start(ENDS_EARLY, title="SFT of tiny")
    open_panel(page)
    row = runs_in(page, "Earlier")
    expect(row).to_contain_text("the power failed")
    goes_on = row.get_by_role("button", name="Let SFT of tiny go on from step 3")
    row.get_by_role("button").first.focus()
    page.keyboard.press("Tab")
    expect(goes_on).to_be_focused()
    page.keyboard.press("Enter")
    expect(row).to_contain_text("Completed")
    expect(goes_on).to_be_hidden()
    assert run.refresh() is not None
    assert run.log.count(f"ran in {own}") == 2


def test_a_run_that_stalls_is_told(lab_page: NotebookPage, start) -> None:
    page = lab_page.page
    run = start(POINTS_OF_LONG_AGO, title="SFT of tiny")
    open_panel(page)
    expect(runs_in(page)).to_contain_text("of 60")
    expect(page.locator(".Toastify__toast")).to_have_count(0)
    change_state(run.id[6:], started=time.time() - 500)
    toast = page.locator(".Toastify__toast", has_text="SFT of tiny stalls: nothing new has come")
    expect(toast).to_be_visible()
    expect(runs_in(page)).to_contain_text("Stalled")
    expect(runs_in(page)).not_to_contain_text("left")
    lab_page.screenshot("lab_stalls")
    toast.get_by_role("button", name="Open").click()
    expect(page.locator(".hfft-root .chip")).to_have_text("Stalled", timeout=90_000)


def test_each_lesson_has_a_tile_and_none_is_overwritten(lab_page: NotebookPage, lab: LabServer) -> None:
    page = lab_page.page
    tiles = page.locator(TILES)
    expect(tiles).to_have_count(len(json.loads(lab.request("GET", "/hfft/lessons"))))
    tiles.last.scroll_into_view_if_needed()
    for theme in ("dark", "light"):
        lab_page.set_theme(dark=theme == "dark")
        check_accessible(page, TILES)
        lab_page.screenshot(f"lab_lessons_{theme}")
    data = page.locator(".jp-LauncherCard", has_text="1 Data")
    assert data.get_attribute("title") == "Data: can I train on this?"
    data.focus()
    page.keyboard.press("Enter")
    page.wait_for_selector(".jp-Notebook .jp-Cell")
    until((lab.root / "1_data.ipynb").exists)
    lesson = cells_of(lab, "1_data.ipynb")
    assert lesson[0].startswith("# Data: can I train on this?")
    changed = json.loads((lab.root / "1_data.ipynb").read_text("utf-8"))
    changed["cells"].append(changed["cells"][0] | {"source": "my answer", "id": "mine"})
    (lab.root / "1_data.ipynb").write_text(json.dumps(changed), "utf-8")
    lab_page.command("hfft:open-lesson", {"lesson": "1_data"})  # it goes on where it was left
    assert cells_of(lab, "1_data.ipynb")[-1] == "my answer"
    assert not (lab.root / "1_data-1.ipynb").exists()
    (lab.root / "2_plan.ipynb").write_text("mine", "utf-8")
    lab_page.command("hfft:open-lesson", {"isPalette": True}, wait=False)
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("combobox").select_option(label="2 Plan: will it fit, and what does it cost?")
    dialog.get_by_role("button", name="Open").click()
    until((lab.root / "2_plan-1.ipynb").exists)
    assert (lab.root / "2_plan.ipynb").read_text("utf-8") == "mine"
    assert not list(lab.root.glob("Untitled*"))
    for name in ("1_data", "2_plan", "2_plan-1"):
        (lab.root / f"{name}.ipynb").unlink()
