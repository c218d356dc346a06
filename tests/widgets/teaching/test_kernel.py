"""The kernel is asked to end by its own loop, a moment later: the page hears first what happens."""

from __future__ import annotations

import threading
from types import SimpleNamespace

import IPython
import pytest

from hfft_widgets.widgets.teaching import kernel


def test_it_ends_in_its_own_loop_and_does_not_start_again(monkeypatch: pytest.MonkeyPatch):
    done, asked = threading.Event(), []

    def add_callback(call, *given):
        asked.append((call, given))
        done.set()

    fake = SimpleNamespace(io_loop=SimpleNamespace(add_callback=add_callback), do_shutdown="shutdown")
    monkeypatch.setattr(IPython, "get_ipython", lambda: SimpleNamespace(kernel=fake))
    monkeypatch.setattr(kernel, "SOON", 0.01)
    assert kernel.end_kernel() is True
    assert asked == []
    assert done.wait(5)
    assert asked == [("shutdown", (False,))]


def test_in_a_terminal_there_is_none(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(IPython, "get_ipython", lambda: None)
    assert kernel.end_kernel() is False
