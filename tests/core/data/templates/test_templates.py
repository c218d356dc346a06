"""The sandboxed template against transformers' own rendering, with the chat templates TRL ships."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hfft_widgets.core.data.report import Status, validate_rows
from hfft_widgets.core.data.templates import ChatTemplate
from hfft_widgets.errors import ModelError
from tests.core.data.small import assistant, chat, user

FAMILIES = ["qwen3", "qwen2_5", "gemma", "llama3"]
CONVERSATIONS = {
    "plain": chat(1),
    "system": [{"role": "system", "content": "Be brief."}, *chat(1)],
    "two users": [user("Why?"), user("Why?"), assistant("So.")],
    "starts with assistant": [assistant("Hello"), user("Hi")],
    "null content": [user("Why?"), assistant(None)],
    "no role": [{"content": "Why?"}],
    "null role": [{"role": None, "content": "Why?"}, assistant("So.")],
    "unknown role": [{"role": "human", "content": "Why?"}, assistant("So.")],
    "number": [user(5), assistant("So.")],
    "parts": [user([{"type": "text", "text": "Why?"}]), assistant("So.")],
    "empty": [],
}


def source(family: str) -> str:
    spec = find_spec("trl")
    if spec is None or spec.origin is None:
        pytest.skip("trl is not installed")
    return (Path(spec.origin).parent / "chat_templates" / f"{family}.jinja").read_text("utf-8")


@pytest.mark.parametrize("conversation", CONVERSATIONS)
@pytest.mark.parametrize("family", FAMILIES)
def test_refusals_are_those_of_transformers(family: str, conversation: str) -> None:
    pytest.importorskip("torch")
    from tests.core.data.oracle.tiny import tokenizer

    turns: list[dict[str, Any]] = CONVERSATIONS[conversation]
    template = ChatTemplate(source(family), {"bos_token": tokenizer(family).bos_token or ""})
    try:
        rendered = tokenizer(family).apply_chat_template(turns, tokenize=False)
    except Exception:
        with pytest.raises(Exception):  # noqa: B017 - whatever it is there, it is something here
            template.render(turns)
    else:
        assert template.render(turns) == rendered


@pytest.mark.parametrize(("family", "left_out"), [("qwen3", (0,)), ("qwen2_5", (0,)), ("llama3", ()), (None, ())])
def test_turns_that_are_left_out(family: str | None, left_out: tuple[int, ...]) -> None:
    template = ChatTemplate(source(family) if family else None)
    assert template.left_out(CONVERSATIONS["unknown role"]) == left_out
    assert template.left_out(CONVERSATIONS["plain"]) == ()


def test_control_tokens_of_a_template_are_its_own() -> None:
    assert [ChatTemplate(source("qwen3")).owns(token) for token in ("<|im_start|>", "<|eot_id|>")] == [True, False]
    assert ChatTemplate(None).owns("<|eot_id|>")


@pytest.mark.parametrize(("family", "keeps"), [("qwen3", False), ("qwen2_5", True), ("gemma", True)])
def test_earlier_thinking(family: str, keeps: bool) -> None:
    assert ChatTemplate(source(family)).keeps_thinking is keeps


def test_rows_the_template_refuses_block_the_training() -> None:
    rows = [{"messages": chat(n)} for n in range(4)] + [{"messages": CONVERSATIONS["system"]}]
    blocked = validate_rows(rows, name="x", model="gemma", template=source("gemma"))
    assert blocked.verdicts["SFT"].status is Status.BLOCKED_BY_ROWS
    assert [(f.rule, f.rows) for f in blocked.findings if f.severity == "crash"] == [("template_refuses", (4,))]
    assert validate_rows(rows, name="x", template=source("qwen3")).verdicts["SFT"].status is Status.READY


def test_without_a_template_what_depends_on_it_is_said() -> None:
    report = validate_rows([{"messages": chat(1)}], name="x")
    assert any("not known until a model is chosen" in line for line in report.verdicts["SFT"].details)


def test_a_model_without_a_template_cannot_read_conversations() -> None:
    report = validate_rows([{"messages": chat(1)}], name="x", model="base", template="")
    assert report.verdicts["SFT"].status is Status.INCOMPATIBLE
    assert "no chat template" in report.verdicts["SFT"].reason
    asked = validate_rows([{"question": "Why?", "answer": "So."}], name="x", model="base", template="")
    mapping = asked.verdicts["SFT"].mapping
    assert mapping is not None
    assert mapping.apply({"question": "Why?", "answer": "So."}) == {"prompt": "Why?", "completion": "So."}


def test_a_template_cannot_reach_out() -> None:
    escape = "{{ messages.__class__.__mro__[1].__subclasses__() }}"
    with pytest.raises(Exception, match="unsafe"):
        ChatTemplate(escape).render(chat(1))


def test_a_broken_template_is_said() -> None:
    with pytest.raises(ModelError, match="cannot be read"):
        ChatTemplate("{% for %}")


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text("ab <é\"'\n", max_size=6),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["a", "b"]), inner, max_size=2),
    max_leaves=4,
)
CALLS = st.lists(
    st.fixed_dictionaries(
        {"type": st.just("function"), "function": st.fixed_dictionaries({"name": st.just("f"), "arguments": VALUES})}
    ),
    max_size=2,
)
KEYS = {
    "thinking": VALUES, "reasoning": VALUES, "reasoning_content": VALUES, "tool_calls": CALLS, "name": VALUES,
    "note": VALUES,
}  # fmt: skip
TURNS = st.lists(
    st.fixed_dictionaries(
        {"role": st.sampled_from(["user", "assistant", "system", "tool", "human"]), "content": VALUES}, optional=KEYS
    ),
    min_size=1, max_size=3,
)  # fmt: skip


@given(TURNS, st.sampled_from(["qwen3", "qwen2_5", "gemma", "llama3"]), st.booleans())
@settings(max_examples=150, deadline=None)
def test_any_turns_are_rendered_as_transformers_renders_them(turns: list[Any], family: str, prompt: bool) -> None:
    pytest.importorskip("trl")
    from tests.core.data.oracle.tiny import template_source, tokenizer

    tokens = {name: str(value) for name, value in tokenizer(family).special_tokens_map.items()}
    mine = ChatTemplate(template_source(family), tokens)
    assert _outcome(lambda: mine.render(turns, generation_prompt=prompt)) == _outcome(
        lambda: tokenizer(family).apply_chat_template(turns, tokenize=False, add_generation_prompt=prompt)
    )


def _outcome(render: Any) -> Any:
    try:
        return render()
    except Exception:
        return "refused"
