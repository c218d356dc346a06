"""Panels hide no error, do one thing at a time, send only what changed, and keep a copy for the saved file."""

from __future__ import annotations

import threading
import time

import pytest
from IPython.core.displaypub import CapturingDisplayPublisher
from IPython.core.interactiveshell import InteractiveShell

from hfft_widgets.core.html import Markup, el
from hfft_widgets.errors import DataError
from hfft_widgets.widgets import panel as module
from hfft_widgets.widgets.panel import CancelledError, History, Panel, report_errors
from hfft_widgets.widgets.surface import Surface
from tests.widgets.html import fill, page, press


class Worker(Panel):
    """Does something slow, fails on wish, and has one field."""

    def __init__(self):
        super().__init__()
        self.done = 0
        self.go = threading.Event()
        self.typed: list[object] = []
        self.drawn = 0
        self.has("name", "first", self.typed.append)
        self.has("broken", "", lambda _: self.fail())
        self.suggests("name", self._suggest)
        self.can("work", self.work, doing="Working")
        self.can("slow", self.slow, doing="Reading")
        self.can("fail", self.fail)
        self.can("take", self.take)
        self.can("always", self.always, always=True)

    def _suggest(self, text):
        self.typed.append(f"{text}?")

    @report_errors
    def work(self):
        self.go.wait(5)
        self.done += 1
        self.result = self.done
        return self.done

    @report_errors
    def fail(self):
        raise DataError("The <b>file</b> is empty.", remedy="Choose another.")

    @report_errors
    def outer(self):
        return self.fail()

    @report_errors
    def crash(self):
        raise KeyError("<script>")

    @report_errors
    def slow(self):
        for done in range(10_000):
            self.progress(done, 10_000)
            self.go.wait(0.001)

    def take(self, value):
        self.typed.append(value)

    def always(self):
        self.typed.append("always")

    def body(self):
        self.drawn += 1
        form = self.form
        rows = [el("p", f"row {number}", data_key=number) for number in range(200)]
        return el(
            "div", form.text("name", "Name"), form.text("broken", "Broken"), form.button("Fail", "fail"),
            form.button("Take", "take", value="7"), form.button("Always", "always", always=True), rows,
        )  # fmt: skip

    def next_action(self):
        return self.form.button("Work", "work", primary=True)

    def figures(self):
        return [el("span", el("b", self.done), " done")]

    def report(self):
        return el("p", f"done {self.done}") if self.result else Markup()


@pytest.fixture
def published(monkeypatch, tmp_path):
    """What a cell's output gets."""
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    shell = InteractiveShell.instance(history_manager=None)
    monkeypatch.setattr(shell, "display_pub", CapturingDisplayPublisher())
    yield shell.display_pub.outputs
    InteractiveShell.clear_instance()


# ---- errors, and one thing at a time ------------------------------------------------------------------------------


def test_a_method_raises_and_the_panel_shows_and_stores_the_error():
    panel = Worker()
    with pytest.raises(DataError):
        panel.outer()
    assert isinstance(panel.error, DataError)
    assert page(panel).alert == "The <b>file</b> is empty. Choose another."


def test_an_unexpected_error_shows_its_kind_and_folds_the_traceback():
    panel = Worker()
    with pytest.raises(KeyError):
        panel.crash()
    alert = page(panel).one(role="alert")
    assert "KeyError" in alert.text
    assert "in crash" in alert.one(tag="details").text
    assert not alert.all(tag="script")


def test_the_next_success_clears_the_error():
    panel = Worker()
    panel.go.set()
    with pytest.raises(DataError):
        panel.fail()
    panel.work()
    assert panel.error is None


def test_an_error_on_the_page_is_shown_and_reaches_nobody_else():
    panel = Worker()
    press(panel, "Fail")
    assert "Choose another." in page(panel).alert
    fill(panel, "Broken", "x")
    assert panel.values["broken"] == "x"
    assert isinstance(panel.error, DataError)


def test_a_second_click_while_busy_starts_nothing():
    panel = Worker()
    panel._act({"do": panel._prefix + "work", "value": None})
    first = panel._thread
    assert panel.busy
    assert page(panel).button("Work").off
    assert page(panel).status == "Working … Stop"
    assert panel.start(panel.work, doing="Working") is None
    panel._act({"do": panel._prefix + "work", "value": None})
    assert panel._thread is first
    panel.go.set()
    first.join(5)
    assert (panel.done, panel.busy, page(panel).button("Work").off) == (1, False, False)


def test_while_busy_only_what_may_always_run_does():
    panel = Worker()
    panel.start(panel.work, doing="Working")
    panel._act({"do": panel._prefix + "take", "value": "7"})
    assert not page(panel).button("Always").off
    panel._act({"do": panel._prefix + "always", "value": None})
    panel.go.set()
    panel._thread.join(5)
    assert panel.typed == ["always"]


def test_an_error_in_the_background_is_shown_and_the_buttons_come_back():
    panel = Worker()
    panel.start(panel.fail, doing="Failing").join(5)
    assert isinstance(panel.error, DataError)
    assert not panel.busy
    assert not page(panel).button("Work").off
    assert "Choose another." in page(panel).alert


def test_a_long_job_says_how_far_it_is_and_stops_when_asked():
    panel = Worker()
    panel._act({"do": panel._prefix + "slow", "value": None})
    end = time.monotonic() + 5
    while not page(panel).all(tag="progress") and time.monotonic() < end:
        time.sleep(0.01)
    meter = page(panel).one(tag="progress")
    assert (meter["max"], meter["aria-label"][-14:]) == ("10000", "of 10,000 rows")
    assert not page(panel).button("Stop").off
    press(panel, "Stop")
    assert not panel._thread.is_alive()
    assert isinstance(panel.error, CancelledError)
    assert "Stopped." in page(panel).status


# ---- what a person does ---------------------------------------------------------------------------------------------


def test_a_click_runs_what_was_allowed_and_nothing_else():
    panel = Worker()
    press(panel, "Take")
    for name in ("stop_everything", "__class__", "work.__call__", ""):
        panel._act({"do": panel._prefix + name, "value": None})
    panel._act({"do": "other.take", "value": "8"})
    panel._act({"set": panel._prefix + "unknown", "value": "8"})
    assert panel.typed == ["7"]
    assert "unknown" not in panel.values


def test_a_field_keeps_what_was_typed_and_its_error_goes_with_a_new_value():
    panel = Worker()
    panel.errors["name"] = "is too short"
    assert page(panel).field("Name").error == "is too short"
    fill(panel, "Name", "second")
    field = page(panel).field("Name")
    assert (panel.typed, field.value, field.error) == (["second"], "second", "")
    panel._act({"typed": panel._prefix + "name", "value": "sec"})
    assert panel.typed[-1] == "sec?"


def test_an_embedded_panel_is_drawn_and_reached_through_its_host():
    inner = Worker()

    class Host(Panel):
        @property
        def embedded(self):
            return [inner]

        def body(self):
            return inner.body()

    host = Host()
    host.embed(inner)
    host._ipython_display_()
    fill(host, "Name", "through the host")
    assert inner.values["name"] == "through the host"
    assert "through the host" in host._surface.html


# ---- on the page ---------------------------------------------------------------------------------------------------


def test_the_bar_holds_figures_status_and_the_next_action():
    panel = Worker()
    panel.set_status("info", "All well.")
    bar = page(panel).one(class_="hfft-bar")
    assert (bar["role"], bar.primary, bar.status) == ("group", ["Work"], "All well.")
    assert bar.one(class_="figures").words == "0 done"
    panel.clear_status()
    assert page(panel).one(class_="hfft-status").children == []  # the page gives an empty one no room


def test_what_did_not_change_is_not_sent_again(published):
    panel = Worker()
    panel._ipython_display_()
    sent: list[object] = []
    panel._surface.observe(lambda change: sent.append(change.new["changes"]), "_patch")
    for _ in range(3):
        panel.refresh()
    fill(panel, "Name", "first")
    assert sent == []
    fill(panel, "Name", "second")
    assert len(str(sent)) < 300 < len(panel._surface.html) / 10


def test_before_it_is_shown_nothing_is_drawn():
    panel = Worker()
    panel.set_status("info", "All well.")
    fill(panel, "Name", "second")
    assert panel.drawn == 1  # by `fill`, which read it


def test_the_saved_file_holds_cards_and_words_and_nothing_of_the_controls(published):
    panel = Worker()
    panel.go.set()
    panel.work()
    panel._ipython_display_()
    live, *copies = published
    assert live["data"]["text/plain"] == ""
    assert "application/vnd.jupyter.widget-view+json" in live["data"]
    html = [output["data"]["text/html"] for output in copies]
    assert [output["data"]["text/plain"] for output in copies] == ["", "", ""]
    assert all(f'data-saved="{panel._surface._uid}"' in part for part in html)
    assert "<style>" in html[0]
    assert page(html[1]).words == "done 1"
    assert page(html[2]).words == f"As of {time.strftime('%H:%M')}. Run the cell to go on."
    assert "<button" not in "".join(html)


def test_the_saved_file_is_written_at_changes_of_stage_and_else_once_a_minute(published, monkeypatch):
    clock = [1000.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: clock[0])
    panel = Worker()
    panel.go.set()
    panel.work()
    panel._ipython_display_()

    def written():
        return [output["data"]["text/html"] for output in published[4:] if "done" in str(output)]

    panel.done = 5
    panel.refresh()
    assert written() == []  # a figure alone waits
    clock[0] += module.SAVE_SECONDS
    panel.refresh()
    assert len(written()) == 1
    panel.work()
    assert len(written()) == 2
    assert "done 6" in written()[-1]
    assert all("<style>" not in output["data"]["text/html"] for output in published[4:])
    assert all(output["transient"]["display_id"] for output in published[4:])


def test_undo_goes_back_one_by_one():
    history = History()
    history.keep("first")
    history.keep("second")
    assert (history.back(), bool(history), history.back(), bool(history)) == ("second", True, "first", False)
    history.keep("third")
    history.clear()
    assert not history


class Slow(Panel):
    """Which draws for a while what it held as it began."""

    def __init__(self):
        super().__init__()
        self.held = "old"
        self.began, self.go_on = threading.Event(), threading.Event()

    def body(self):
        held = self.held
        if held == "old" and self._surface is not None:
            self.began.set()
            self.go_on.wait(10)
        return el("p", held)


def test_an_older_drawing_never_comes_after_a_newer_one():
    panel = Slow()
    panel._surface = Surface(panel._act)
    older = threading.Thread(target=panel.refresh)
    older.start()
    assert panel.began.wait(10)
    panel.held = "new"
    newer = threading.Thread(target=panel.refresh)
    newer.start()
    newer.join(0.3)  # it waits for the other, or is done before it
    panel.go_on.set()
    for thread in (older, newer):
        thread.join(10)
    assert "new" in panel._surface.html
