"""One JupyterLab and one Chromium for all browser tests, one page per test.

Their scope is this package, not the session: while playwright runs, the main thread has a running event loop, in
which tests elsewhere could not start their own.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from importlib.util import find_spec

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.harness import LabServer, NotebookPage, chromium, find_chromium, notebook_page

expect.set_options(timeout=30_000)  # a condition is waited for; on a busy machine a click's answer takes its time


def _cannot(reason: str) -> None:
    """Skip, with the reason; fail where the machine is meant to have a browser."""
    (pytest.fail if os.environ.get("HFFT_REQUIRE_BROWSER") == "1" else pytest.skip)(reason)


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """A headless Chromium."""
    if find_chromium() is None:
        _cannot("no Chromium or Chrome on the PATH, and HFFT_CHROMIUM is not set")
    with chromium() as one:
        yield one


@pytest.fixture(scope="package")
def lab(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabServer]:
    """A JupyterLab whose kernels keep their files in a folder of their own."""
    if find_spec("jupyterlab") is None:
        _cannot('JupyterLab is not installed: pip install "hfft-widgets[lab]"')
    folder = tmp_path_factory.mktemp("lab")
    with LabServer(folder / "notebooks", env={"HFFT_HOME": str(folder / "home")}) as server:
        yield server


@pytest.fixture
def notebook(browser: Browser, lab: LabServer) -> Iterator[NotebookPage]:
    """A page of this test alone."""
    with notebook_page(browser, lab) as page:
        yield page
