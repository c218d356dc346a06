"""What is suggested while a name is typed."""

from __future__ import annotations

from pathlib import Path

import pytest

from hfft_widgets import choices


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HFFT_HOME", str(tmp_path / "home"))
    here = tmp_path / "here"
    for name in ("train.jsonl", "Test.csv", "notes.txt", ".hidden.json", "more/talk.parquet", "tiny/config.json"):
        path = here / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("{}")
    monkeypatch.chdir(here)
    return here


def test_files_that_can_be_read_and_samples(folder: Path) -> None:
    found = choices.suggestions("dataset")
    assert found[:2] == ["Test.csv", "train.jsonl"]
    assert "sample:messages" in found
    assert not {"notes.txt", ".hidden.json"} & set(found)
    assert choices.suggestions("dataset", "TRAIN") == ["train.jsonl"]
    assert choices.suggestions("dataset", "mor") == ["more/"]
    assert choices.suggestions("dataset", "more/") == ["more/talk.parquet"]
    assert choices.suggestions("dataset", "no/such/folder/x") == []


def test_models_are_folders_with_a_configuration(folder: Path) -> None:
    assert choices.suggestions("model") == ["tiny", "sample:model"]
    assert choices.suggestions("model", "ti") == ["tiny"]
    assert choices.suggestions("model", "qwen") == []


def test_what_was_of_use_comes_first_while_it_is_there(folder: Path) -> None:
    for name in ("acme/talk", "train.jsonl", "acme/talk"):
        choices.remember("dataset", name)
    assert choices.suggestions("dataset")[:3] == ["acme/talk", "train.jsonl", "Test.csv"]
    (folder / "train.jsonl").unlink()
    assert choices.suggestions("dataset")[:2] == ["acme/talk", "Test.csv"]
    assert "acme/talk" not in choices.suggestions("model")
    for number in range(20):
        choices.remember("dataset", f"acme/n{number}")
    assert choices.suggestions("dataset")[0] == "acme/n19"
    assert "acme/talk" not in choices.suggestions("dataset", "talk")


def test_a_damaged_memory_is_none(folder: Path) -> None:
    choices.remember("model", "acme/it")
    next((folder.parent / "home").rglob("recent.json")).write_text("[1")
    assert choices.suggestions("model") == ["tiny", "sample:model"]
    choices.remember("model", "acme/it")
    assert choices.suggestions("model")[0] == "acme/it"


def test_where_nothing_can_be_kept_nothing_fails(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HFFT_HOME", str(folder / "train.jsonl"))
    choices.remember("model", "acme/it")
    assert "acme/it" not in choices.suggestions("model")
