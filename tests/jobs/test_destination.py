"""A file goes to a new repository, or to one that a person agreed to: asked in Python, in the panel, by an agent."""

from __future__ import annotations

from dataclasses import replace

import pytest

import hfft_widgets as hfft
from hfft_widgets import verbs
from hfft_widgets.errors import ExistingRepositoryError
from hfft_widgets.jobs import money
from hfft_widgets.jobs.base import Submission
from hfft_widgets.jobs.money import Allowance, guards, plans
from hfft_widgets.verbs.launches import question
from tests.jobs.conftest import PRELUDE
from tests.widgets.html import fill, page, press

REPO = "user/tiny-GGUF"


def export(**more: object) -> Submission:
    values = {"kind": "export", "model": "user/tiny", "push_to": REPO}
    return Submission("export", "tiny as GGUF", PRELUDE + "tell('end')", values, "e" * 16, **more)


@pytest.fixture
def there(hub, tmp_path):
    """Puts the repository on the Hub, with a README of somebody's own."""

    def put(*, private: bool) -> None:
        (tmp_path / "theirs").mkdir()
        (tmp_path / "theirs" / "README.md").write_text("# My words", "utf-8")
        hub.add_model(tmp_path / "theirs", REPO, private=private)

    return put


def test_a_new_or_empty_repository_is_not_asked_about(hub, tmp_path):
    assert guards.destination(export()) == ""
    (tmp_path / "nothing").mkdir()
    hub.add_model(tmp_path / "nothing", REPO, private=True)
    guards.check_destination(export())
    guards.check_destination(replace(export(), plan={"push_to": None}))
    assert guards.destination(replace(export(), kind="training")) == ""  # its own script looks after that


@pytest.mark.parametrize(("private", "words"), [(True, "exists, and is private"), (False, "public: everybody can see")])
def test_what_exists_takes_an_explicit_wish(there, private, words):
    there(private=private)
    with pytest.raises(ExistingRepositoryError, match=words) as caught:
        guards.check_destination(export())
    assert "into_existing=True" in caught.value.remedy
    guards.check_destination(export(into_existing=True))


def test_an_agent_asks_the_person_before(there):
    there(private=False)
    plans.keep(export())
    with pytest.raises(ExistingRepositoryError, match="is public"):
        verbs.launch("e" * 16)
    usd, words = question("e" * 16, 0.0, 1, Allowance(0.0))
    assert usd == 0
    assert f"{REPO} exists, and is public: everybody can see" in words
    assert question("e" * 16, 0.0, 1, Allowance(0.0), into_existing=True) is None
    assert "said no" in verbs.launches.not_started("e" * 16, 0.0).text
    yes = money.from_environment(agent=True).agreed("e" * 16, 1, 0.0)
    assert verbs.launch("e" * 16, allowance=yes).values["started"]


def test_the_panel_asks_with_a_button(there, sample_folders, monkeypatch):
    there(private=True)
    panel = hfft.GGUFExporter("sample:model")
    fill(panel, "Hub repository", REPO)
    with pytest.raises(ExistingRepositoryError):
        panel.export()
    assert "exists, and is private" in page(panel).status
    asked = []
    monkeypatch.setattr(panel, "watch", asked.append)
    press(panel, f"Put it into {REPO} all the same")
    asked[0].cancel()
