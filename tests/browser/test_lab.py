"""The extension in a real JupyterLab: tile, commands, file menu, panel of runs, status bar, notifications, settings."""

from __future__ import annotations

import json
import os
import re
import time
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from playwright.sync_api import Browser, expect
from playwright.sync_api import Error as PlaywrightError

from hfft_widgets.jobs.money import ledger
from tests.browser.harness import LabServer, NotebookPage, NotebookServer, host_python, notebook_page
from tests.browser.lab_page import (
    FAILS,
    HOSTILE,
    TRAINS,
    cells_of,
    check_accessible,
    lab_page,
    open_panel,
    runs_in,
    start,
)
from tests.jobs.conftest import until

__all__ = ["lab_page", "start"]

pytestmark = pytest.mark.browser
SETTINGS = "/lab/api/settings/hfft-widgets:plugin"


@pytest.mark.ci
def test_the_tile_opens_a_new_notebook_and_overwrites_none(lab_page: NotebookPage, lab: LabServer) -> None:
    page = lab_page.page
    lab_page.screenshot("lab_tile_light")
    page.get_by_role("main").get_by_text("Fine-tune a model", exact=True).click()
    expect(page.locator(".hfft-root").get_by_role("button", name="Check dataset")).to_be_visible(timeout=90_000)
    assert cells_of(lab, "finetune.ipynb")[-1] == "import hfft_widgets as hfft\n\nhfft.FineTuner()"
    (lab.root / "finetune.ipynb").write_text("mine", "utf-8")
    page.locator(".lm-MenuBar-item", has_text="File").click()
    page.locator(".lm-Menu-item[data-type=submenu]", has_text="New").hover()
    page.locator(".lm-Menu-item", has_text="Fine-Tuning Notebook").click()
    until((lab.root / "finetune-1.ipynb").exists)
    assert (lab.root / "finetune.ipynb").read_text("utf-8") == "mine"
    assert "FineTuner" in cells_of(lab, "finetune-1.ipynb")[-1]
    assert not list(lab.root.glob("Untitled*"))
    assert not [text for kind, text in lab_page.problems if kind == "exception"]
    assert lab_page.external_requests() == []


def test_a_run_started_by_python_is_seen_live_to_its_end(lab_page: NotebookPage, start, tmp_path: Path) -> None:
    page, enough = lab_page.page, tmp_path / "enough"
    open_panel(page)
    expect(page.get_by_text("No runs yet")).to_be_visible()
    for way in ("Fine-tune a model", "Open a lesson…", "Attach to a run or job…"):
        expect(page.locator(".hfft-runs-list").get_by_role("button", name=way)).to_be_visible()
    check_accessible(page)
    start(f"ENOUGH = {str(enough)!r}\n{TRAINS}", title=HOSTILE)
    began = time.monotonic()
    row = runs_in(page)
    expect(row).to_have_count(1)
    assert time.monotonic() - began < 2
    expect(row).to_contain_text(HOSTILE)
    expect(row).to_contain_text("of 60")
    expect(row.get_by_role("img", name="loss 3 to")).to_be_visible()
    expect(page.get_by_role("tab", name="Fine-Tuning Runs (1 running)")).to_be_visible()
    item = page.get_by_role("button", name=HOSTILE).and_(page.locator(".hfft-running"))
    expect(item).to_contain_text("of 60")
    lab_page.screenshot("lab_panel_live")
    enough.touch()
    expect(runs_in(page, "Earlier")).to_contain_text("Completed")
    expect(item).to_be_hidden()
    expect(page.get_by_role("tab", name="Fine-Tuning Runs", exact=True)).to_be_visible()
    expect(runs_in(page, "Earlier").locator(".hfft-run-age")).to_have_text(re.compile("^now$| ago$"))
    expect(page.locator(".Toastify__toast", has_text=f"{HOSTILE} is done")).to_be_visible()
    assert page.evaluate("window.harmed") is None


@pytest.mark.ci
def test_a_run_is_cancelled_and_deleted_by_keyboard_and_asks_before(lab_page: NotebookPage, start) -> None:
    page = lab_page.page
    start(FAILS, title="SFT of Qwen3-0.6B")
    run = start("ENOUGH = ''\n" + TRAINS, title="DPO of SmolLM2-135M")
    open_panel(page)
    expect(runs_in(page)).to_have_count(1)
    failed = runs_in(page, "Earlier")
    expect(failed).to_contain_text("the column <b>answer</b> is missing")
    check_accessible(page)
    lab_page.screenshot("lab_panel_light")
    lab_page.set_theme(dark=True)
    check_accessible(page)
    lab_page.screenshot("lab_panel_dark")

    runs_in(page).get_by_role("button").first.focus()
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Enter")  # folds the section
    expect(runs_in(page)).to_have_count(0)
    page.keyboard.press("Enter")
    runs_in(page).click(button="right")
    expect(page.get_by_role("menuitem")).to_contain_text(["Open Run", "Cancel Run…"])
    page.get_by_role("menuitem", name="Cancel Run…").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="Let it run").click()
    expect(dialog).to_have_count(0)

    runs_in(page).get_by_role("button").first.focus()
    page.keyboard.press("Delete")
    expect(dialog).to_contain_text("Cancel DPO of SmolLM2-135M?")
    page.keyboard.press("Enter")  # the default lets it run
    expect(dialog).to_have_count(0)
    assert not run.stage.final
    runs_in(page).get_by_role("button").first.focus()
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Cancel DPO of SmolLM2-135M")).to_be_focused()
    page.keyboard.press("Enter")
    dialog.get_by_role("button", name="Cancel the run").click()
    ended = runs_in(page, "Earlier")
    expect(ended.first).to_contain_text("Cancelled")
    expect(page.locator(".Toastify__toast", has_text="was cancelled")).to_be_visible()

    ended.first.get_by_role("button").first.focus()
    page.keyboard.press("ArrowDown")
    expect(failed.nth(1).get_by_role("button").first).to_be_focused()
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Delete")
    expect(dialog).to_contain_text("cannot be undone")
    dialog.get_by_role("button", name="Delete", exact=True).click()
    expect(ended).to_have_count(1)
    expect(failed.get_by_role("button").first).to_be_focused()


@pytest.mark.ci
def test_the_ledger_is_folded_below_the_runs_and_follows(lab_page: NotebookPage, start) -> None:
    page = lab_page.page
    open_panel(page)
    shown = page.locator(".hfft-runs-ledger")
    entry = ledger.begin(title=HOSTILE, fingerprint="f" * 16, flavor="t4-small", ceiling_usd=0.4)
    expect(shown.get_by_text("Last 24 hours: $0.40, no daily limit")).to_be_visible()
    ledger.refused(entry, "nobody allowed that")
    expect(shown.get_by_text("Last 24 hours: $0, no daily limit")).to_be_visible()
    expect(shown.get_by_role("listitem")).to_have_count(0)
    shown.locator("summary").click()
    expect(shown.get_by_role("listitem")).to_contain_text(["refused: nobody allowed that"])
    check_accessible(page)
    lab_page.screenshot("lab_panel_ledger")
    assert page.evaluate("window.harmed") is None
    ledger._file().unlink()


@pytest.mark.ci
def test_a_run_that_fails_is_told_and_opens_in_a_notebook_of_one_cell(
    lab_page: NotebookPage, lab: LabServer, start
) -> None:
    page = lab_page.page
    run = start("time.sleep(6)\n" + FAILS, title="SFT of tiny")
    page.reload()
    toast = page.locator(".Toastify__toast", has_text="SFT of tiny failed")
    expect(toast).to_be_visible(timeout=60_000)
    expect(toast).to_contain_text("the column <b>answer</b> is missing")
    toast.get_by_role("button", name="Open").click()
    expect(page.locator(".hfft-root .chip")).to_have_text("Failed", timeout=90_000)
    (written,) = lab.root.glob("run-*.ipynb")
    assert cells_of(lab, written.name) == [f'import hfft_widgets as hfft\n\nhfft.TrainingMonitor("{run.id}")']
    lab_page.command("hfft:open-run", {"id": run.id})
    assert len(list(lab.root.glob("run-*.ipynb"))) == 1
    with pytest.raises(PlaywrightError, match="There is no run"):
        lab_page.command("hfft:attach", {"id": "local:20260101-000000-00000000"})
    expect(page.get_by_role("dialog")).to_contain_text("There is no run local:20260101-000000-00000000")


@pytest.mark.ci
def test_a_data_file_is_checked_by_its_menu(lab_page: NotebookPage, lab: LabServer) -> None:
    page = lab_page.page
    rows = "".join(json.dumps({"prompt": f"why {n}?", "completion": f"so {n}"}) + "\n" for n in range(9))
    (lab.root / 'my "rows" é.jsonl').write_text(rows, "utf-8")
    (lab.root / "notes.txt").write_text("nothing to check", "utf-8")
    lab_page.command("filebrowser:refresh")
    entry = page.get_by_role("menuitem", name="Check for Fine-Tuning")
    page.get_by_role("listitem", name="notes.txt").click(button="right")
    expect(page.get_by_role("menu")).to_be_visible()
    expect(entry).to_have_count(0)
    page.keyboard.press("Escape")
    page.locator(".jp-DirListing-item", has_text="é.jsonl").click(button="right")
    entry.click()
    expect(page.locator(".hfft-root").get_by_role("button", name="Check dataset")).to_be_visible(timeout=90_000)
    expect(page.locator(".hfft-root").get_by_role("combobox", name="Dataset")).to_have_value('my "rows" é.jsonl')
    page.locator(".hfft-root").get_by_role("button", name="Check dataset").click()
    expect(page.locator(".hfft-root")).to_contain_text("9 rows", timeout=60_000)


@pytest.mark.ci
def test_commands_say_what_they_take_and_settings_reach_a_new_notebook(lab_page: NotebookPage, lab: LabServer) -> None:
    page = lab_page.page
    described = page.evaluate("""async () => {
      const { commands } = window.jupyterapp;
      const ours = commands.listCommands().filter(id => id.startsWith('hfft:'));
      return Promise.all(ours.map(async id => [id, commands.caption(id), (await commands.describedBy(id)).args]));
    }""")
    assert len(described) == 10
    for _, caption, args in described:
        assert caption
        Draft202012Validator.check_schema(args)
        assert all(value["description"] for value in args["properties"].values())

    open_panel(page)
    page.get_by_title("Settings of fine-tuning").first.click()
    field = lambda name: page.locator(f"[id='jp-SettingsEditor-hfft-widgets:plugin_{name}']")  # noqa: E731
    field("namespace").fill("my-team")
    field("limit").fill("2.5")
    field("where").select_option("Hugging Face Jobs")
    lab_page.screenshot("lab_settings_light")
    chosen = {"namespace": "my-team", "limit": 2.5, "where": "jobs"}
    until(lambda: json.loads(lab.request("GET", SETTINGS))["settings"].items() >= chosen.items())

    page.keyboard.press("Control+Shift+C")
    page.keyboard.type("New Fine-Tuning Notebook")
    page.keyboard.press("Enter")
    expect(page.locator(".hfft-root").get_by_role("button", name="Check dataset")).to_be_visible(timeout=90_000)
    newest = max(lab.root.glob("finetune*.ipynb"), key=lambda path: path.stat().st_mtime)
    assert cells_of(lab, newest.name)[-1].endswith('hfft.FineTuner(where="jobs", max_usd=2.5, namespace="my-team")')
    lab_page.check_no_errors()


@pytest.mark.ci
def test_notebook_7_has_the_panel_too(browser: Browser, tmp_path: Path, start) -> None:
    if host_python("notebook") is None:
        pytest.skip("notebook is not installed here, nor for the Python in HFFT_HOSTS_PYTHON")
    env = {"HFFT_HOME": os.environ["HFFT_HOME"]}
    with NotebookServer(tmp_path, env=env) as server, notebook_page(browser, server) as notebook:
        notebook.open(server.write("seven.ipynb", "1 + 1"))
        notebook.command("hfft:open-runs")
        start("ENOUGH = ''\n" + TRAINS, title="SFT of tiny")
        expect(runs_in(notebook.page)).to_contain_text("SFT of tiny")
        notebook.screenshot("lab_panel_notebook_7")


class WithoutServerPart(LabServer):
    """JupyterLab that has the page's part alone, as one that was not restarted since the install."""

    def _add_extension(self, state: Path) -> None:
        super()._add_extension(state)
        (config,) = state.rglob("hfft_widgets.json")
        config.write_text(config.read_text("utf-8").replace("true", "false"), "utf-8")


@pytest.mark.ci
def test_a_server_without_its_part_is_asked_once_and_the_panel_says_what_to_do(
    browser: Browser, tmp_path: Path
) -> None:
    mine = {"JUPYTER_PREFER_ENV_PATH": "0"}  # before what is installed in this environment
    with WithoutServerPart(tmp_path, env=mine) as server, notebook_page(browser, server) as notebook:
        page = notebook.page
        page.goto(f"{server.url}/lab?token={server.token}&reset")
        page.wait_for_selector(".jp-LauncherCard")
        asked = lambda: [url for url in notebook.requests if "/hfft/runs" in url]  # noqa: E731
        until(asked)
        page.wait_for_timeout(6000)
        assert len(asked()) == 1
        open_panel(page)
        expect(page.get_by_role("status").and_(page.locator(".hfft-runs-note"))).to_contain_text("Restart it")
        page.get_by_role("main").get_by_text("Fine-tune a model", exact=True).click()
        expect(page.locator(".hfft-root").get_by_role("button", name="Check dataset")).to_be_visible(timeout=90_000)
