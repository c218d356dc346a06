"""What `hfft doctor --drift` says of newer releases: settings, code and calls that changed, and nothing else."""

from __future__ import annotations

from fnmatch import fnmatchcase
from importlib.util import find_spec
from pathlib import Path
from zipfile import ZipFile

import pytest

from hfft_widgets import verbs
from hfft_widgets.core.pins import versions
from hfft_widgets.verbs import drift

CONFIG = """
class SFTConfig(Base):
    "What is said does not count."
    packing: bool = field(default={packing}, metadata={{"help": {help!r}}})
    {more}
"""
DATA = """
def extract_prompt(example):
    {said!r}
    return {answer}
"""
TRAINER = """
class SFTTrainer(Base):
    def __init__(self, model, args{more}):
        pass
"""


def wheel(folder: Path, version: str, files: dict[str, str]) -> Path:
    path = folder / f"trl-{version}-py3-none-any.whl"
    with ZipFile(path, "w") as archive:
        for name, source in files.items():
            archive.writestr(name, source)
    return path


def release(folder, version, *, packing="False", words="", more="", answer="1", said="a", argument="") -> Path:
    files = {
        "trl/trainer/sft_config.py": CONFIG.format(packing=packing, help=words, more=more or "pass"),
        "trl/data_utils.py": DATA.format(answer=answer, said=said),
        "trl/trainer/sft_trainer.py": TRAINER.format(more=argument),
    }
    return wheel(folder, version, files)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({}, []),
        ({"words": "other words", "said": "other words"}, []),
        ({"packing": "True"}, ["sft_config.SFTConfig: packing was False, is True"]),
        ({"more": "new: int = 3"}, ["sft_config.SFTConfig: new is new"]),
        ({"answer": "2"}, ["data_utils.extract_prompt does something else"]),
        ({"argument": ", tools=None"}, ["sft_trainer.SFTTrainer.__init__: tools is new"]),
    ],
)
def test_what_changed_is_said(tmp_path, change, said):
    before, after = release(tmp_path, "1.0"), release(tmp_path, "1.1", **change)
    assert list(drift.differences(drift.facts("trl", before), drift.facts("trl", after))) == said


def test_what_is_gone_is_said(tmp_path):
    before = drift.facts("trl", release(tmp_path, "1.0", more="old: int = 3"))
    only = {"trl/trainer/sft_config.py": CONFIG.format(packing="False", help="", more="pass")}
    after = drift.facts("trl", wheel(tmp_path, "1.1", only))
    assert list(drift.differences(before, after)) == [
        "data_utils.extract_prompt is gone",
        "sft_config.SFTConfig: old is gone",
        "sft_trainer.SFTTrainer.__init__ is gone",
    ]


def test_the_doctor_compares_what_was_tested_with_the_newest(tmp_path, monkeypatch):
    monkeypatch.setattr(drift, "WATCHED", {"trl": drift.WATCHED["trl"]})

    def fetched(package: str, version: str, folder: Path) -> tuple[str, Path]:
        folder.mkdir()
        return version or "99.0", release(folder, version or "99.0", packing="False" if version else "True")

    monkeypatch.setattr(drift, "_release", fetched)
    found = verbs.doctor(drift=True).values["checks"][-1]
    assert (found["name"], found["ok"]) == ("trl", None)
    assert found["changes"] == ["sft_config.SFTConfig: packing was False, is True"]
    assert f"tested with {versions()['trl']}; in 99.0 1 thing changed" in found["found"]


def test_without_a_package_index_it_says_so(monkeypatch):
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", "")
    monkeypatch.setattr(drift, "WATCHED", {"trl": drift.WATCHED["trl"]})
    (found,) = drift.checks()
    assert found["ok"] is None
    assert "trl could not be fetched" in found["found"]


@pytest.mark.parametrize("package", drift.WATCHED)
def test_every_watched_name_is_in_what_was_tested(package, tmp_path):
    """A name that watches nothing would say that nothing changed."""
    root = Path(find_spec(package).origin).parents[1]
    files = {file for kind in drift.WATCHED[package].values() for file, _ in kind}
    facts = drift.facts(package, wheel(tmp_path, "0", {file: (root / file).read_text("utf-8") for file in files}))
    names = [name.partition(".")[2] for name in facts]
    wanted = {one for kind in drift.WATCHED[package].values() for _, given in kind for one in given}
    assert {one for one in wanted if not any(fnmatchcase(name, one) for name in names)} == set()


@pytest.mark.full
def test_of_a_release_that_is_known_it_says_what_changed(tmp_path):
    old, new = (drift._release("trl", version, tmp_path / version)[1] for version in ("1.15.0", "1.16.0"))
    said = list(drift.differences(drift.facts("trl", old), drift.facts("trl", new)))
    assert "sft_config.SFTConfig: pad_to_multiple_of was None, is 'auto'" in said
    assert len(said) == 7


@pytest.mark.full
def test_of_the_newest_releases_it_says_what_changed():
    found = list(drift.checks())
    print(*(f"{one['name']}: {one['found']}" for one in found), sep="\n")
    assert [one["name"] for one in found] == list(drift.WATCHED)
    assert all("changes" in one for one in found)
