"""One home for all tests that only read samples: they are made once."""

import os
from pathlib import Path

import pytest

from hfft_widgets import samples


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home of the test's own."""
    monkeypatch.setenv("HFFT_HOME", str(tmp_path))
    return tmp_path


@pytest.fixture(scope="session")
def _filled_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("samples-home")
    before = os.environ.get("HFFT_HOME")
    os.environ["HFFT_HOME"] = str(path)
    try:
        samples.model()
        for kind in samples.KINDS:
            samples.dataset(kind)
    finally:
        os.environ.pop("HFFT_HOME")
        if before is not None:
            os.environ["HFFT_HOME"] = before
    return path


@pytest.fixture
def filled_home(_filled_home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home in which every sample is made already; do not write there."""
    monkeypatch.setenv("HFFT_HOME", str(_filled_home))
    return _filled_home
