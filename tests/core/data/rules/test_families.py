from __future__ import annotations

from typing import Any

import pytest

from hfft_widgets.core.data.report import Status, validate_rows
from hfft_widgets.core.data.rules.families import families
from hfft_widgets.core.data.templates import ChatTemplate
from tests.core.data.small import assistant, chat, chats, user
from tests.core.data.templates.test_templates import CONVERSATIONS, source

MORE = {
    "later system": [*chat(1), {"role": "system", "content": "Be brief."}, *chat(2)],
    "tool": [
        user("Why?"),
        {"role": "assistant", "tool_calls": [{"name": "f", "arguments": {}}]},
        {"role": "tool", "content": "5"},
    ],
    "two assistants": [user("Why?"), assistant("So."), assistant("Or so.")],
    "blank": [user(" "), assistant("So.")],
    "system without content": [{"role": "system", "content": None}, *chat(1)],
}


def outcome(template: ChatTemplate, turns: list[dict[str, Any]]) -> object:
    try:
        template.render(turns)
    except Exception:
        return "refused"
    return template.left_out(turns)


@pytest.mark.parametrize("conversation", [*CONVERSATIONS, *MORE])
@pytest.mark.parametrize(
    ("family", "file"), [("Qwen 3", "qwen3"), ("Qwen 2.5", "qwen2_5"), ("Gemma", "gemma"), ("Llama 3", "llama3")]
)
def test_a_family_refuses_what_its_template_refuses(family: str, file: str, conversation: str) -> None:
    turns: list[dict[str, Any]] = {**CONVERSATIONS, **MORE}[conversation]
    assert outcome(families()[family], turns) == outcome(ChatTemplate(source(file)), turns)


def test_without_a_model_the_families_that_would_refuse_are_named() -> None:
    rows = chats([{"role": "system", "content": "Be brief."}, *chat(7)])
    report = validate_rows(rows, name="x")
    assert report.verdicts["SFT"].status is Status.READY
    finding = next(finding for finding in report.findings if finding.rule == "families_refuse")
    assert (finding.rows, finding.effects) == ((3,), {"SFT": "warn"})
    assert finding.message == "Chat templates like those of Gemma refuse the conversation (as of 2026-11-22, TRL 1.16)"
    with_model = validate_rows(rows, name="x", template=source("qwen3"))
    assert not [finding for finding in with_model.findings if finding.rule == "families_refuse"]
