"""The pages that a chat shows: the notebook's cards, for hosts that say they show them, and nothing from elsewhere."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from html.parser import HTMLParser

import pytest
from mcp.server.apps import APP_MIME_TYPE, EXTENSION_ID

import hfft_widgets as hfft
from hfft_widgets import verbs
from hfft_widgets.agent import apps
from hfft_widgets.core.html import text
from hfft_widgets.verbs.table import verb
from tests.agent.conftest import ERAS, SHOWS_CARDS, said, talk
from tests.verbs.conftest import finished

PLAN = {"model": "sample:model", "data": "sample:messages"}
TOKEN = "hf_" + "x" * 34


class Tags(HTMLParser):
    """The elements of a page: (name, attributes, text)."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None], str]] = []
        self.inside = False
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs), ""))
        self.inside = True

    def handle_endtag(self, tag):
        self.inside = False

    def handle_data(self, data):
        if self.inside:
            tag, attributes, before = self.found[-1]
            self.found[-1] = (tag, attributes, before + data)

    def named(self, name: str) -> list[tuple[str, dict[str, str | None], str]]:
        return [one for one in self.found if one[0] == name]


def result(tool: str, values: dict, *, shows: bool = True, era: str = "auto"):
    return talk(lambda client: client.call_tool(tool, values), era=era, extensions=SHOWS_CARDS if shows else [])


# ---- the pages -------------------------------------------------------------------------------


@pytest.mark.parametrize("era", ERAS)
def test_the_tools_name_their_pages_and_the_pages_can_be_read(era):
    async def look(client):
        tools = {tool.name: (tool.meta or {}).get("ui") for tool in (await client.list_tools()).tools}
        pages = {tool: (await client.read_resource(ui["resourceUri"])).contents[0] for tool, ui in tools.items() if ui}
        return pages, client.server_capabilities.extensions

    pages, extensions = talk(look, era=era)
    assert list(pages) == ["validate", "plan", "run", "export"]
    assert extensions is None if era == "legacy" else EXTENSION_ID in extensions  # servers could not say it before
    for page in pages.values():
        assert page.mime_type == APP_MIME_TYPE
        allowed = page.meta["ui"]["csp"]
        assert len(allowed) == 4
        assert not any(allowed.values())


@pytest.mark.parametrize("page", apps.PAGES.values(), ids=apps.PAGES)
def test_a_page_runs_one_script_and_asks_for_nothing(page):
    tags = Tags(page.html())
    ((_, attributes, script),) = tags.named("script")
    assert attributes == {}
    (policy,) = [
        found["content"] for _, found, _ in tags.named("meta") if found.get("http-equiv") == "Content-Security-Policy"
    ]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert policy.split("; ")[:2] == ["default-src 'none'", f"script-src 'sha256-{digest}'"]
    assert not {"link", "img", "iframe", "base"} & {name for name, _, _ in tags.found}
    for way in ("fetch(", "XMLHttpRequest", "WebSocket", "import(", "@import", "url(", "eval(", "localStorage"):
        assert way not in page.html()
    assert not re.search(r"https?://", page.html())
    assert tags.named("title")[0][2].startswith(page.title)
    assert len(page.html()) < 48_000


def test_a_card_can_call_what_changes_nothing_alone():
    """From a card nothing is started or ended: it plans again, and waits."""
    called = set(re.findall(r'call\("(\w+)"', apps._part("bridge.js")))
    assert called == {"plan", "wait"}
    assert not any(verb(name).changes for name in called)


# ---- the cards -------------------------------------------------------------------------------


def test_the_card_is_the_notebooks(sample_folders):
    found = result("plan", PLAN)
    plan = hfft.plan_training("sample:model", hfft.validate("sample:messages", model="sample:model"))
    assert found.meta[apps.CARD] == plan.to_html()
    report = result("validate", {"data": "sample:messages"})
    assert report.meta[apps.CARD] == hfft.validate("sample:messages").to_html()
    assert apps.CONTROL not in report.meta
    run = finished()
    for tool, values in (("run", {"run_id": run}), ("wait", {"run_id": run, "seconds": 0})):
        assert "Completed" in result(tool, values).meta[apps.CARD]
    assert "GGUF" in result("export", {"source": "sample:model", "quantization": "Q8_0"}).meta[apps.CARD]


@pytest.mark.parametrize("era", ERAS)
def test_who_shows_no_pages_gets_none_and_the_same_answer(era, sample_folders):
    plain, shown = (result("plan", PLAN, shows=shows, era=era) for shows in (False, True))
    assert not {apps.CARD, apps.CONTROL} & set(plain.meta or {})
    assert {apps.CARD, apps.CONTROL} <= set(shown.meta)
    assert (said(plain), plain.structured_content) == (said(shown), shown.structured_content)
    assert "<article" not in plain.model_dump_json()


def test_no_token_and_no_markup_of_data_is_in_a_card(home, tmp_path):
    path = tmp_path / "rows.jsonl"
    evil = f"<script>x</script>\u202e {TOKEN}"
    path.write_text("\n".join(json.dumps({"prompt": f"{evil} {n}", "completion": evil}) for n in range(9)))
    card = result("validate", {"data": str(path)}).meta[apps.CARD]
    assert "[hidden]" in card
    assert str(text("<script>x</script>\ufffd")) in card
    for hidden in (TOKEN, "<script", "\u202e"):
        assert hidden not in card


# ---- the slider ------------------------------------------------------------------------------


def slider(values: dict) -> tuple[list[tuple[float, str]], int]:
    """Its choices and where it stands."""
    control = Tags(result("plan", PLAN | values).meta[apps.CONTROL])
    ((_, found, _),) = control.named("input")
    assert (found["type"], found["name"]) == ("range", "num_train_epochs")
    assert found["max"] == str(len(json.loads(found["data-values"])) - 1)
    assert control.named("span")[0][2] == found["aria-valuetext"]
    return json.loads(found["data-values"]), int(found["value"])


@pytest.mark.parametrize(
    ("values", "stands"),
    [
        ({}, "2 epochs"),
        ({"settings": {"num_train_epochs": 4.5}}, "4.5 epochs"),
        ({"settings": {"num_train_epochs": 1}}, "1 epoch"),
        ({"settings": {"max_steps": 31}}, "0.099 epochs"),  # 248 of 2,511 rows
    ],
)
def test_the_slider_stands_where_the_plan_is(sample_folders, values, stands):
    choices, at = slider(values)
    assert choices[at][1] == stands
    assert choices == sorted(choices)
    assert {value for value, _ in choices} >= set(apps.EPOCHS)


def test_each_choice_can_be_planned(sample_folders):
    """What the page sends is what the tool takes, and the time grows with it."""
    choices, _ = slider({})
    steps = [
        verbs.plan(**PLAN, settings={"num_train_epochs": value}).values["estimate"]["steps"] for value, _ in choices
    ]
    assert steps == sorted(set(steps))


def test_of_a_plan_of_another_version_there_is_a_card_without_a_slider():
    class Old:
        def to_dict(self, detail):
            return {"kind": "training", "title": "SFT of a-model"}

    meta = apps.result_meta(verbs.Reply({}, "", shows=Old()))
    assert set(meta) == {apps.CARD}
    assert "SFT of a-model" in meta[apps.CARD]
