from __future__ import annotations

import pytest

from hfft_widgets.jobs.replay import backend


class Clock:
    """The time of day as the backend sees it, moved by hand."""

    def __init__(self) -> None:
        self.seconds = 1_800_000_000.0

    def time(self) -> float:
        return self.seconds


@pytest.fixture
def clock(monkeypatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(backend, "time", made)
    return made


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("HFFT_HOME", str(tmp_path))
    return tmp_path
