"""Panels hide no error, do one thing at a time, and keep their cards when the kernel is gone."""

from __future__ import annotations

import threading

import pytest

from hfft_widgets.core.html import el
from hfft_widgets.errors import DataError
from hfft_widgets.widgets.panel import CancelledError, Card, Panel, shown


class Worker(Panel):
    def __init__(self):
        super().__init__()
        self.done = 0
        self.go = threading.Event()

    @shown
    def work(self):
        self.go.wait(5)
        self.done += 1
        self.result = self.done
        return self.done

    @shown
    def fail(self):
        raise DataError("The <b>file</b> is empty.", remedy="Choose another.")

    @shown
    def outer(self):
        return self.fail()

    @shown
    def crash(self):
        raise KeyError("<script>")

    @shown
    def slow(self):
        for row in range(10_000):
            self.progress(row, 10_000)
            self.go.wait(0.001)


def test_a_method_raises_and_the_panel_shows_and_stores_the_error():
    panel = Worker()
    with pytest.raises(DataError):
        panel.outer()
    assert isinstance(panel.error, DataError)
    assert "Choose another." in panel.status.value
    assert "&lt;b&gt;file" in panel.status.value
    assert 'role="alert"' in panel.status.value


def test_an_unexpected_error_shows_its_kind_and_folds_the_traceback():
    panel = Worker()
    with pytest.raises(KeyError):
        panel.crash()
    assert "KeyError" in panel.status.value
    assert "<details>" in panel.status.value
    assert "<script>" not in panel.status.value


def test_the_next_success_clears_the_error():
    panel = Worker()
    panel.go.set()
    with pytest.raises(DataError):
        panel.fail()
    panel.work()
    assert panel.error is None


def test_a_second_click_while_busy_starts_nothing():
    panel = Worker()
    button = panel.button("Work", panel.work)
    first = panel.start(panel.work, doing="Working")
    assert panel.busy
    assert button.disabled
    assert panel.start(panel.work, doing="Working") is None
    panel.go.set()
    first.join(5)
    assert (panel.done, panel.busy, button.disabled) == (1, False, False)


def test_an_error_in_the_background_is_shown_and_the_buttons_come_back():
    panel = Worker()
    panel.start(panel.fail, doing="Failing").join(5)
    assert isinstance(panel.error, DataError)
    assert not panel.busy


def test_a_long_job_stops_when_asked():
    panel = Worker()
    thread = panel.start(panel.slow, doing="Reading")
    panel.stop()
    thread.join(5)
    assert not thread.is_alive()
    assert isinstance(panel.error, CancelledError)
    assert "Stopped." in panel.status.value


def test_an_embedded_card_is_a_widget_and_a_displayed_one_is_plain_output(monkeypatch, tmp_path):
    from IPython.core.displaypub import CapturingDisplayPublisher
    from IPython.core.interactiveshell import InteractiveShell

    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    shell = InteractiveShell.instance(history_manager=None)
    monkeypatch.setattr(shell, "display_pub", CapturingDisplayPublisher())
    try:
        card = Card()
        card.show(el("p", "one"))
        assert "one" in card.slot.value
        card.display()
        card.show(el("p", "two"))
        assert card.slot.value == ""
        shown_html = [output["data"]["text/html"] for output in shell.display_pub.outputs]
        assert shown_html == ["<p>one</p>", "<p>two</p>"]
        assert "application/vnd.jupyter.widget-view+json" not in shell.display_pub.outputs[0]["data"]
    finally:
        InteractiveShell.clear_instance()


def test_a_panel_holds_its_card_when_it_is_put_into_another_box():
    panel = Worker()
    assert panel.card.slot in panel.children
