"""The stand-in Hub as a fixture: `from tests.standin_hub.fixtures import hub` in a conftest or a test module."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.standin_hub import StandInHub


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[StandInHub]:
    """A Hub of this test's own."""
    with StandInHub(tmp_path) as running:
        yield running
        assert not running.errors, running.errors
