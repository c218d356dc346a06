"""The real clients against the stand-in Hub: one process each, as their endpoint is frozen at import."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.standin_hub import OTHER_TOKEN, WRITE_TOKEN, StandInHub, contract
from tests.standin_hub.contract import names


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StandInHub]:
    with StandInHub(tmp_path_factory.mktemp("hub")) as hub:
        hub.state.page_size = 2
        hub.jobs.grace_seconds = 0.5
        hub.jobs.metrics_seconds = 0.1
        rows = [{"index": i, "prompt": f"Question {i}?", "completion": f"Answer {i}."} for i in range(250)]
        hub.add_dataset("acme/talk", rows={"train": rows, "test": rows[:3]})
        hub.add_dataset("other/gated", rows=rows[:1], gated="manual")
        yield hub


def run(shared: StandInHub, factory: pytest.TempPathFactory, module: str, **environment: str) -> dict[str, str | None]:
    return contract.outcomes(shared, module, factory.mktemp(module), **environment)


@pytest.fixture(scope="module")
def hub_outcomes(shared: StandInHub, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str | None]:
    return run(shared, tmp_path_factory, "hub_checks")


@pytest.fixture(scope="module")
def library_outcomes(shared: StandInHub, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str | None]:
    return run(shared, tmp_path_factory, "library_checks")


@pytest.mark.parametrize("name", names("hub_checks"))
def test_hub(name: str, hub_outcomes: dict[str, str | None]) -> None:
    assert hub_outcomes[name] is None, hub_outcomes[name]


@pytest.mark.full
@pytest.mark.parametrize("name", names("library_checks"))
def test_libraries(name: str, library_outcomes: dict[str, str | None]) -> None:
    assert library_outcomes[name] is None, library_outcomes[name]


def test_lfs(shared: StandInHub, tmp_path_factory: pytest.TempPathFactory) -> None:
    told = run(shared, tmp_path_factory, "lfs_checks", HF_HUB_DISABLE_XET="1")
    assert list(told.values()) == [None], told


def test_the_stand_in_itself_did_not_fail(shared: StandInHub, hub_outcomes: dict[str, str | None]) -> None:
    assert not shared.errors, shared.errors


def test_the_journal_and_the_folders_hold_no_token(shared: StandInHub, hub_outcomes: dict[str, str | None]) -> None:
    assert any(entry.has_token for entry in shared.journal)
    assert not any(token in repr(shared.journal) for token in (WRITE_TOKEN, OTHER_TOKEN))
    files = [path for path in Path(shared.root.parent).rglob("*") if path.is_file()]
    assert not [path for path in files if WRITE_TOKEN.encode() in path.read_bytes()]
