"""The cards as a chat shows them: light and dark, wide and narrow, nothing asked for; a plan changed on its card."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import axe_playwright_python
import pytest
from playwright.sync_api import Browser, expect

from hfft_widgets import verbs
from hfft_widgets.verbs import reports
from tests.browser.chat import CAN, Chat
from tests.browser.harness import SCREENSHOTS
from tests.verbs.conftest import finished, home, kept, sample_folders

__all__ = ["home", "sample_folders"]

pytestmark = pytest.mark.browser

AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text("utf-8")
PLAN = {"model": "sample:model", "data": "sample:messages", "minutes": 1}
RUN = "".join(f"tell('log', step={n}, total_steps=8, metrics={{'loss': {4 - n / 3:.3f}}})\n" for n in range(1, 9))
LOOKS = {
    "light": {"width": 900, "theme": "light"},
    "dark": {"width": 900, "theme": "dark"},
    "narrow": {"width": 700, "theme": None},  # a host that says nothing: the system is dark
}


@pytest.fixture(autouse=True)
def no_report() -> None:
    reports._kept.clear()


def inputs(tool: str) -> dict[str, object]:
    return {
        "validate": lambda: {"data": "sample:preference", "model": "sample:model"},
        "plan": lambda: PLAN,
        "run": lambda: {"run_id": finished(body=RUN + "tell('end')")},
        "export": lambda: {"source": "sample:model", "quantization": "Q8_0"},
    }[tool]()


@pytest.fixture
def chat(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Chat]:
    one = Chat(browser, **getattr(request, "param", {}))
    yield one
    one.close()


def as_high_as_its_card(chat: Chat) -> None:
    height = chat.page.frames[-1].evaluate("() => Math.ceil(document.body.getBoundingClientRect().height)")
    expect(chat.page.locator("iframe")).to_have_css("height", f"{height}px")


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("tool", ["validate", "plan", "run", "export"])
def test_a_card_in_a_chat(browser: Browser, home: Path, sample_folders: None, tool: str, look: str) -> None:
    width, theme = LOOKS[look]["width"], LOOKS[look]["theme"]
    chat = Chat(browser, width=width, dark=theme is None)
    try:
        chat.show(tool, inputs(tool), theme=theme)
        expect(chat.card.locator("main > article.hfft")).to_be_visible()
        SCREENSHOTS.mkdir(exist_ok=True)
        frame = chat.page.frames[-1]
        assert frame.evaluate("() => document.documentElement.scrollWidth <= innerWidth")
        as_high_as_its_card(chat)
        chat.page.screenshot(path=SCREENSHOTS / f"chat_{tool}_{look}.png", full_page=True)
        frame.evaluate("() => {" + AXE + "}")
        found = frame.evaluate("async () => (await axe.run({ resultTypes: ['violations'] })).violations")
        grave = [(one["id"], [node["html"][:160] for node in one["nodes"]]) for one in found
                 if one["impact"] in {"serious", "critical"}]  # fmt: skip
        assert not grave
        assert chat.requests == []
        assert chat.problems == []
    finally:
        chat.close()


def test_the_slider_plans_again_through_the_host(chat: Chat, sample_folders: None) -> None:
    chat.show("plan", PLAN | {"settings": {"max_steps": 9, "learning_rate": 1e-4}}, theme="light")
    slider = chat.card.get_by_label("Train for")
    before = chat.calls[-1]
    expect(chat.card.locator("article")).to_contain_text("9")
    chat.card.get_by_text("The script that runs").click()
    slider.focus()
    slider.press("End")
    expect(chat.card.locator("article")).to_contain_text("8 epochs", timeout=20_000)
    name, values = chat.calls[-1]
    assert (before[0], name) == ("plan", "plan")
    assert values["settings"] == {"learning_rate": 1e-4, "num_train_epochs": 8}
    assert "minutes" not in values
    expect(slider).to_be_focused()
    expect(chat.card.locator("details", has_text="The script that runs")).to_have_attribute("open", "")
    status = chat.card.get_by_role("status")
    expect(status).to_have_text(re.compile(r"This is plan \w{16}\. The agent knows of it\."))
    as_high_as_its_card(chat)
    SCREENSHOTS.mkdir(exist_ok=True)
    chat.page.screenshot(path=SCREENSHOTS / "chat_planned_again.png", full_page=True)
    (told,) = chat.heard("ui/update-model-context")
    assert "This one counts now" in told["params"]["content"][0]["text"]
    assert re.search(r"\w{16}", status.inner_text())[0] in told["params"]["content"][0]["text"]
    assert {call["params"]["name"] for call in chat.heard("tools/call")} == {"plan"}
    assert chat.requests == []


def test_a_host_that_passes_nothing_on(chat: Chat, sample_folders: None) -> None:
    chat.show("plan", PLAN, theme="light", can={"serverTools": {}})
    chat.card.get_by_label("Train for").press("End")
    expect(chat.card.get_by_role("status")).to_contain_text("Tell the agent to launch this one")
    chat.show("plan", PLAN, theme="light", can={})
    expect(chat.card.locator("article")).to_be_visible()
    expect(chat.card.get_by_label("Train for")).to_have_count(0)


def test_what_is_refused_is_said_and_the_card_stays(chat: Chat, sample_folders: None) -> None:
    chat.show("plan", PLAN, theme="light")
    expect(chat.card.locator("article")).to_be_visible()
    chat.tell("tool-input", {"arguments": PLAN | {"settings": {"lr": 1}}})
    slider = chat.card.get_by_label("Train for")
    before = slider.input_value()
    slider.press("End")
    expect(chat.card.get_by_role("status")).to_contain_text("Unknown setting lr.")
    expect(chat.card.locator("article")).to_be_visible()
    expect(slider).to_have_value(before)  # it stands where the plan is that is shown


def test_a_limit_holds_and_what_is_in_the_way_is_said(chat: Chat, home: Path, sample_folders: None) -> None:
    path = home.parent / "rows.jsonl"
    row = json.dumps({"prompt": "why " * 40, "completion": "so " * 200})
    path.write_text("\n".join([row] * 60_000))
    chat.show("plan", {"model": "sample:model", "data": str(path), "flavor": "t4-small", "max_usd": 0.2}, theme="light")
    status, slider = chat.card.get_by_role("status"), chat.card.get_by_label("Train for")
    expect(status).to_contain_text("It cannot be launched as it is: The model")
    slider.press("End")
    expect(status).to_contain_text("A limit that was given ends it earlier. This is plan", timeout=20_000)
    expect(status).to_contain_text("It cannot be launched as it is: The model")
    expect(slider).not_to_have_attribute("aria-valuetext", "8 epochs")
    assert chat.calls[-1][1]["max_usd"] == 0.2
    as_high_as_its_card(chat)
    chat.page.screenshot(path=SCREENSHOTS / "chat_limited.png", full_page=True)


@pytest.mark.ci
def test_a_run_that_goes_on_is_looked_at_again(chat: Chat, home: Path) -> None:
    body = "for n in range(1, 9):\n    tell('log', step=n, total_steps=8, metrics={'loss': 1})\n    time.sleep(0.7)\n"
    run = verbs.launch(kept("a" * 16, body=body + "tell('end')")).values["run"]
    chat.show("run", {"run_id": run}, theme="light")
    expect(chat.card.locator("article")).to_contain_text("Completed", timeout=40_000)
    names = [name for name, _ in chat.calls]
    assert names[0] == "run"
    assert set(names[1:]) == {"wait"}
    asked = len(names)
    chat.page.wait_for_timeout(2500)
    assert len(chat.calls) == asked  # it has ended


@pytest.mark.parametrize("chat", [{"wraps": False}, {"wraps": True}], ids=["page", "wrapped"], indirect=True)
def test_what_data_says_runs_nowhere(chat: Chat, home: Path, tmp_path: Path) -> None:
    evil = "<img src=x onerror=\"parent.postMessage('evil','*')\"><script>parent.postMessage('evil','*')</script>"
    path = tmp_path / "rows.jsonl"
    path.write_text("\n".join(json.dumps({"prompt": f"{evil} {n}", "completion": evil}) for n in range(9)))
    chat.show("validate", {"data": str(path)}, theme="light")
    expect(chat.card.locator("article")).to_be_visible()
    # and were a card ever to hold markup of others, the page would not run it
    result = chat.call("validate", {"data": str(path)})
    result["_meta"]["hfft/card"] = f"<article>{evil}</article>"
    chat.tell("tool-result", result)
    expect(chat.card.locator("article img")).to_have_count(1)
    chat.page.wait_for_timeout(500)  # a picture that is not there calls its handler a little later
    assert chat.page.evaluate("() => heard.includes('evil')") is False
    assert any("Executing inline event handler violates" in one for one in chat.problems)
    assert chat.requests == []


def test_an_error_and_an_end_are_said(chat: Chat, home: Path) -> None:
    chat.show("run", {"run_id": "local:nothing"}, theme="light", can=CAN)
    expect(chat.card.get_by_role("status")).to_contain_text("What:")
    chat.tell("tool-cancelled", {"reason": "closed"})
    expect(chat.card.get_by_role("status")).to_have_text("It was cancelled.")
