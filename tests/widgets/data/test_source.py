"""Which dataset, and which part of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from datasets import Dataset, DatasetDict

import hfft_widgets as hfft
from hfft_widgets import choices
from hfft_widgets.errors import DataError, HfftError
from tests.hub_client.conftest import use_hub
from tests.jobs.conftest import until
from tests.standin_hub import StandInHub
from tests.standin_hub.fixtures import hub  # noqa: F401 - a fixture
from tests.widgets.data.panels import PAIRS, checked, turns
from tests.widgets.html import fill, page, press


def test_splits_are_offered_when_there_are_several() -> None:
    data = DatasetDict(train=Dataset.from_list(PAIRS), test=Dataset.from_list(PAIRS[:4]))
    panel = checked(data)
    assert page(panel).has_field("Split")
    assert not page(panel).has_field("Configuration")
    assert (page(panel).field("Split").value, panel.result.total) == ("train", 12)
    fill(panel, "Split", "test")
    assert panel.validate().total == 4
    fill(panel, "Dataset", "sample:preference")
    assert not page(panel).has_field("Split")


@pytest.fixture
def hub_rows(hub: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:  # noqa: F811
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    for name, value in hub.settings().items():
        monkeypatch.setenv(name, value)
    hub.add_dataset("acme/talk", rows={"train": [turns(f"Why {n}?", f"So {n}.") for n in range(250)]})
    two = "---\nconfigs:\n- config_name: a\n  data_files: a.jsonl\n- config_name: b\n  data_files: b.jsonl\n---\n"
    hub.add_dataset("acme/two", files={"README.md": two, "a.jsonl": '{"text": "x"}\n', "b.jsonl": '{"text": "y"}\n'})
    return hub


def test_of_a_hub_dataset_the_first_rows_then_all(hub_rows: Any) -> None:
    panel = checked("acme/talk")
    assert panel.result.total == 100
    assert "the first 100 rows of 250" in page(panel).text
    panel.apply_mapping("GRPO")
    press(panel, "Check all rows")
    assert panel.result.total == 250
    assert set(panel.result.mappings) == {"GRPO"}
    assert not page(panel).has_button("Check all rows")
    assert not page(panel).has_button("Undo")


def test_a_configuration_must_be_chosen_where_there_are_several(hub_rows: Any) -> None:
    panel = hfft.DatasetValidator("acme/two")
    with pytest.raises(DataError, match="'a'"):
        panel.validate()
    assert "'a'" in page(panel).field("Configuration").error
    fill(panel, "Configuration", "b")
    assert panel.validate().rows_for("SFT") == [{"text": "y"}]


def test_typing_a_new_name_forgets_the_object_given() -> None:
    panel = hfft.DatasetValidator(PAIRS)
    fill(panel, "Dataset", "missing.csv")
    with pytest.raises(DataError):
        panel.validate()


# ---- what is wrong stands under its field ----------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "model", "field", "words"),
    [
        (None, None, "Dataset", "No dataset is given. Type a Hub id or a file, or choose a sample."),
        ("no such folder/naïve 'file'.jsonl", None, "Dataset", "There is no file"),
        ("./no/such/file.jsonl", None, "Dataset", "There is no file"),
        ("sample:nothing", None, "Dataset", "There is no sample dataset 'nothing'"),
        (PAIRS, "./no-such-model", "Model that learns", "There is no folder './no-such-model'"),
        (PAIRS, "acme/no-model", "Model that learns", "no folder acme/no-model here"),
    ],
)
def test_an_error_stands_under_its_field(data: Any, model: Any, field: str, words: str) -> None:
    panel = hfft.DatasetValidator(data, model=model)
    with pytest.raises(HfftError):
        panel.validate()
    assert words in page(panel).field(field).error
    assert page(panel).status == f"Not checked: see “{field}” above."
    assert panel.error is not None
    assert panel.result is None
    control = page(panel).field(field).controls[0]
    assert control["aria-invalid"] == "true"
    assert control["aria-describedby"]
    fill(panel, field, "sample:messages" if field == "Dataset" else "")
    assert page(panel).field(field).error == ""


# ---- suggestions ----------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HFFT_HOME", str(tmp_path / "home"))
    here = tmp_path / "here"
    here.mkdir()
    (here / "talk.jsonl").write_text('{"text": "a"}\n' * 5)
    monkeypatch.chdir(here)
    return here


def test_names_are_suggested(folder: Path) -> None:
    panel = hfft.DatasetValidator()
    panel.opened()
    assert page(panel).field("Dataset").suggestions == [
        "talk.jsonl", "sample:messages", "sample:prompt_completion", "sample:preference", "sample:verifiable",
    ]  # fmt: skip
    assert page(panel).field("Model that learns").suggestions == ["sample:model"]
    panel._act({"typed": page(panel).field("Dataset").name, "value": "pref"})
    assert page(panel).field("Dataset").suggestions == ["sample:preference"]


def test_what_was_checked_is_suggested_first_the_next_time(folder: Path) -> None:
    (folder / "a.csv").write_text("text\na\n")
    checked("talk.jsonl")
    with pytest.raises(DataError):
        checked("gone.jsonl")
    panel = hfft.DatasetValidator()
    panel.opened()
    assert page(panel).field("Dataset").suggestions[:2] == ["talk.jsonl", "a.csv"]
    assert "gone.jsonl" not in page(panel).field("Dataset").suggestions


# ---- the Hub's names ------------------------------------------------------------------------------


def test_names_of_the_hub_come_after_those_known_here(
    hub: StandInHub,  # noqa: F811
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    use_hub(hub, monkeypatch)
    for name in ("other/talk-big", "user/small-talk", "other/songs"):
        hub.add_dataset(name, rows=[{"text": "a"}])
    panel = hfft.DatasetValidator()
    panel.opened()
    field = page(panel).field("Dataset").name
    for typed in ("t", "ta", "talk"):
        panel._act({"typed": field, "value": typed})
    until(lambda: "other/talk-big" in page(panel).field("Dataset").suggestions)
    assert page(panel).field("Dataset").suggestions == ["talk.jsonl", "user/small-talk", "other/talk-big"]


def test_a_hub_that_is_away_takes_no_suggestion_away(
    hub: StandInHub,  # noqa: F811
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    use_hub(hub, monkeypatch)
    hub.fault("/api/", status=503, times=None)
    panel = hfft.DatasetValidator()
    panel._act({"typed": page(panel).field("Dataset").name, "value": "talk"})
    until(lambda: panel.source.datasets._asking is None)
    assert page(panel).field("Dataset").suggestions == ["talk.jsonl"]
    assert panel.error is None


@pytest.mark.parametrize("text", ["", "a", "./talk", "/data/x", "~/x", "a/b/c", "sample:mes"])
def test_what_is_no_name_of_the_hub_is_not_asked_for(
    hub: StandInHub,  # noqa: F811
    text: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    use_hub(hub, monkeypatch)
    before = len(hub.journal)
    assert choices.hub_names("dataset", text) == []
    assert len(hub.journal) == before
