"""What every test gets: folders of its own, one thread, no network; and the three tiers."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from xdist.scheduler import LoadFileScheduling

from hfft_widgets.scripts.machine.threads import PASSIVE, affinity, cpu_quota

# before any Hugging Face library or torch is imported: tests never leave this machine, and do not wait for each other
SETTLED = {
    "HF_HUB_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "TOKENIZERS_PARALLELISM": "false",
    "HFFT_QUEUE": "off",  # nor do their runs, except where that is what is tested
    "HFFT_WORD": "",  # scripts tell events, as to a program that watches; by hand they would print lines to read
    **dict.fromkeys(("HFFT_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1"),
    **PASSIVE,
}
for _name, _value in SETTLED.items():
    os.environ.setdefault(_name, _value)

# how long an example takes says something about the machine, not about the code
hypothesis.settings.register_profile(
    "any machine", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("any machine")

# What is marked so runs only with `-m ci`, which runs it alone, or `-m full`, which runs everything.
HIGHER_TIERS = ("ci", "full")
BROWSER = "tests/browser/"


def pytest_configure(config: pytest.Config) -> None:
    """`-m full` means everything, not only what is marked so."""
    # started in the background, pytest would ignore Ctrl-C, and so would every process that the tests interrupt
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if config.getoption("markexpr") == "full":
        config.option.markexpr = ""
        config.option.every_tier = True  # an option, so that the workers of pytest-xdist know as well


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """A process per CPU; none beside this one for a single file, so that `-s` shows what it prints."""
    one_file = len(config.args) == 1 and ".py" in config.args[0]
    return 0 if one_file else max(1, int(min(affinity(), cpu_quota())))


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadFileScheduling:
    """A file's tests share their fixtures in one process; those that share a browser, too."""

    class ByFile(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return BROWSER if nodeid.startswith(BROWSER) else super()._split_scope(nodeid)

    return ByFile(config, log)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """What belongs to a higher tier is left out."""
    below = not config.getoption("markexpr") and not getattr(config.option, "every_tier", False)
    for item in items:
        for tier in HIGHER_TIERS:
            if below and item.get_closest_marker(tier):
                item.add_marker(pytest.mark.skip(reason=f"runs with `pytest -m {tier}`"))


@pytest.fixture(autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of the test's own for runs and caches; the samples are shared by the session (see `sample_folders`)."""
    folder = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("HFFT_HOME", str(folder))
    return folder


@pytest.fixture(scope="session", autouse=True)
def token_scan(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """After the last test, no file that any test left behind holds the token of the stand-in Hub."""
    from tests.standin_hub.accounts import WRITE_TOKEN

    yield
    left = [file for file in tmp_path_factory.getbasetemp().rglob("*") if file.is_file() and not file.is_symlink()]
    assert [str(file) for file in left if WRITE_TOKEN.encode() in _bytes_of(file)] == []


def _bytes_of(file: Path) -> bytes:
    """What a file holds; nothing where it is gone by now: a follower that ends may still put its file in place."""
    try:
        return file.read_bytes()
    except FileNotFoundError:
        return b""


@pytest.fixture(scope="session")
def sample_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder for the whole session in which the samples are built once."""
    return tmp_path_factory.mktemp("samples")


@pytest.fixture
def sample_folders(sample_home: Path, home: Path) -> Path:
    """The test's own folder, with the session's cache in it: samples are built once, runs are seen by no other test."""
    home.mkdir(exist_ok=True)
    (sample_home / "cache").mkdir(exist_ok=True)
    (home / "cache").symlink_to(sample_home / "cache", target_is_directory=True)
    return home
