"""What every test gets: folders of its own, no network, and the two tiers."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

# before any Hugging Face library is imported: tests never leave this machine
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")


def pytest_configure(config: pytest.Config) -> None:
    """`-m full` means everything, not only what is marked so."""
    # started in the background, pytest would ignore Ctrl-C, and so would every process that the tests interrupt
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if config.getoption("markexpr") == "full":
        config.option.markexpr = ""
        config.stash[_FULL] = True


_FULL = pytest.StashKey[bool]()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.stash.get(_FULL, False) or config.getoption("markexpr"):
        return
    skip = pytest.mark.skip(reason="runs with `pytest -m full`")
    for item in items:
        if "full" in item.keywords:
            item.add_marker(skip)


@pytest.fixture(autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of the test's own for runs and caches; the samples are shared by the session (see `samples_home`)."""
    folder = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("HFFT_HOME", str(folder))
    return folder


@pytest.fixture(scope="session", autouse=True)
def token_scan(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """After the last test, no file that any test left behind holds the token of the stand-in Hub."""
    from tests.hub.accounts import WRITE_TOKEN

    yield
    left = [file for file in tmp_path_factory.getbasetemp().rglob("*") if file.is_file() and not file.is_symlink()]
    assert [str(file) for file in left if WRITE_TOKEN.encode() in file.read_bytes()] == []


@pytest.fixture(scope="session")
def sample_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder for the whole session in which the samples are built once."""
    return tmp_path_factory.mktemp("samples")


@pytest.fixture
def sample_folders(sample_home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Use the session's folder, so that samples are built once for all tests that need them."""
    monkeypatch.setenv("HFFT_HOME", str(sample_home))
    return sample_home
