from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What `load_dataset` reads is not kept in the user's cache."""
    import datasets

    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the tiny models of the oracle, made once."""
    pytest.importorskip("torch")
    from tests.core.data.oracle.asking import quiet
    from tests.core.data.oracle.tiny import save_models

    folder = tmp_path_factory.mktemp("models")
    with quiet():
        save_models(folder)
    return folder
