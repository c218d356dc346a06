"""The walk over the Hub, against the stand-in: it was never run against the real one here."""

from __future__ import annotations

import copy
import json
import re
from pathlib import Path

import pytest

from hfft_widgets import verbs
from hfft_widgets.jobs import index
from hfft_widgets.jobs.money import Allowance
from tests.standin_hub import WRITE_TOKEN, replay

pytestmark = pytest.mark.ci


@pytest.fixture
def hub(hub, monkeypatch):
    monkeypatch.setitem(index.HOSTS, "jobs", "tests.jobs.far:backend")  # which looks more often
    index.backend.cache_clear()
    rows = [{"prompt": f"why {n}?", "completion": f"so {n}"} for n in range(20)]
    hub.add_dataset("acme/talk", rows=rows)
    yield hub
    index.backend("jobs").close()
    index.backend.cache_clear()


def walked(found: verbs.Reply) -> dict[str, bool]:
    return {check["name"]: check["ok"] for check in found.values["checks"] if "seconds" in check}


def test_every_assumption_holds_at_the_stand_in(hub):
    found = verbs.doctor(online=True, max_usd=0.05, data="acme/talk", allowance=Allowance(0.05))
    assert walked(found) == dict.fromkeys(walked(found), True), found.text
    assert len(walked(found)) == 9
    assert len(hub.jobs) == 1
    assert all("hfft-doctor" not in repo for _, repo in hub.state.store.repos)
    assert WRITE_TOKEN not in found.text


def test_without_a_limit_the_rest_is_still_walked(hub):
    found = verbs.doctor(online=True, max_usd=0.05, data="acme/talk")
    assert len(hub.jobs) == 0
    assert walked(found)["A job starts once"] is False
    assert "nobody allowed that" in found.text
    assert walked(found)["A public dataset is read in rows"]


def test_what_does_not_hold_is_named(hub):
    found = verbs.doctor(online=True, max_usd=0.0, data="acme/nothing", allowance=Allowance(0.05))
    assert walked(found)["Prices are live"]
    assert not walked(found)["A public dataset is read in rows"]
    assert not walked(found)["A job starts once"]
    assert len(hub.jobs) == 0


def test_the_transcript_names_nobody_and_is_walked_again_to_the_same_page(hub, tmp_path):
    hub.add_dataset("public/talk", rows=replay.ROWS)
    found = verbs.doctor(online=True, max_usd=0.05, data="public/talk", allowance=Allowance(0.05))
    text = Path(found.values["transcript"]).read_text("utf-8")
    assert found.values["transcript"] in found.text
    assert WRITE_TOKEN not in text
    assert not re.search(r"\buser\b|hf_\w{8}|acme", text), text
    theirs = json.loads(text)
    assert {check["name"]: check["ok"] for check in theirs["checks"]} == walked(found)
    asked = {f"{one['method']} {one['path']} {one['status']}" for one in theirs["exchanges"]}
    assert "GET /api/whoami-v2 200" in asked
    assert any(one.startswith("POST /api/jobs/") for one in asked)

    said, ours = replay.walk_again(theirs, tmp_path / "again")
    assert {one["name"]: one["ok"] for one in said["checks"] if "seconds" in one} == walked(found)
    assert list(replay.differences(theirs, ours)) == []

    other = copy.deepcopy(theirs)
    (who,) = [one for one in other["exchanges"] if one["path"] == "/api/whoami-v2"]
    who["form"] |= {"newField": "text", "type": "number"}
    other["checks"][1]["ok"] = False
    other["exchanges"].append({"method": "GET", "path": "/api/whoami-v2", "status": 418, "form": None})
    differ = "\n".join(replay.differences(other, ours))
    for words in ("newField is not there", "type is 'number' there, 'text' here", "418 there, never here",
                  "A public dataset is read in rows: False there"):  # fmt: skip
        assert words in differ
