"""Who wrote which words, and what is learned where answers alone are: held against TRL's own templates."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hfft_widgets.core.data.report import validate_rows
from hfft_widgets.core.data.templates import ChatTemplate
from hfft_widgets.core.data.templates.authors import answers, authored, can_learn_answers
from hfft_widgets.errors import DataError
from tests.core.data.small import CHATML, assistant, user

trl = pytest.importorskip("trl")
FOLDER = Path(trl.__file__).parent / "chat_templates"
CHAT = [user("Hi there?"), assistant("Yo man"), user("More?"), assistant("The end")]
# those whose marked twin takes the words before the answer, or its end, otherwise: the answers' own words are the same
AROUND = {"deepseek_r1_distill", "deepseekv3", "glm4moe", "gptoss", "muse_glimmer", "phi3", "phi3_5", "qwen2_5"}
# the twin renders thinking in every turn; Idefics and SmolVLM read lists of parts alone
OTHERWISE = {"qwen3", "qwen3_5_nothink", "qwen3_5_think", "qwen3_6", "idefics3", "smolvlm", "llava_next"}
TWINS = sorted(file.stem.removesuffix("_training") for file in FOLDER.glob("*_training.jinja"))


def template(name: str) -> ChatTemplate:
    return ChatTemplate((FOLDER / f"{name}.jinja").read_text("utf-8"), {"bos_token": "<s>", "eos_token": "</s>"})


def learned(one: ChatTemplate, turns: list[dict[str, Any]]) -> tuple[str, str]:
    text = one.render(turns)
    pieces = answers(one, authored(one, turns, text), turns)
    assert "".join(piece.text for piece in pieces) == text
    return text, "".join(piece.text for piece in pieces if piece.learned)


@pytest.mark.parametrize("name", [name for name in TWINS if name not in OTHERWISE])
def test_what_is_learned_is_what_trls_marked_twin_says(name):
    ours, twins = template(name), template(f"{name}_training")
    assert can_learn_answers(ours)
    (text, mine), (twin_text, wanted) = learned(ours, CHAT), learned(twins, CHAT)
    assert text == twin_text or name in AROUND
    assert mine == wanted or (name in AROUND and "Yo man" in mine and "Hi" not in mine and "More" not in mine)


@given(st.lists(st.text(max_size=12), min_size=4, max_size=4))
def test_pieces_are_the_text_whatever_is_said(words):
    turns = [user(words[0]), assistant(words[1]), {"role": "tool", "content": words[2]}, assistant(words[3])]
    for name in ("qwen3", "gemma3", "llama3"):
        one = template(name)
        try:
            text = one.render(turns)
        except Exception:
            continue
        pieces = authored(one, turns, text)
        assert "".join(piece.text for piece in pieces) == text
        assert {piece.author for piece in pieces} <= {"template", "user", "assistant", "tool"}


def test_one_judgement_and_a_switch_that_moves_it():
    rows = [{"messages": CHAT} for _ in range(3)]
    report = validate_rows(rows, name="x", template=template("llama3").source, counter=lambda ts: [*map(len, ts)])
    assert (report.learned, report.learns("SFT")) == ("answers", "marked")
    only = report.lengths["SFT"]
    whole = report.with_learned("all")
    assert whole.learns("SFT") == "all"
    assert whole.lengths["SFT"].trained_tokens == whole.lengths["SFT"].tokens > only.trained_tokens
    assert "the questions too" in str(whole)
    assert "answers of the assistant alone" in str(report)
    assert [p.learned for p in report.reading("SFT", 0).passages] == ["Yo man<|eot_id|>The end<|eot_id|>"]
    last = validate_rows(rows, name="x", template=CHATML)
    assert last.learns("SFT") == "last"
    assert "Yo man" not in last.reading("SFT", 0).passages[0].learned
    assert not report.chooses_learned("DPO")
    with pytest.raises(DataError, match="learned is 'some'"):
        report.with_learned("some")


def test_a_conversation_without_an_answer_stops_a_training_on_answers_and_no_other():
    rows = [{"messages": CHAT}] * 9 + [{"messages": [user("Hello?")]}]
    for source in (template("llama3").source, CHATML):
        report = validate_rows(rows, name="x", template=source)
        assert report.verdicts["SFT"].status == "BLOCKED BY ROWS"
        [found] = [found for found in report.findings if found.rule == "no_answer"]
        assert (found.effects["SFT"], found.rows) == ("crash", (9,))
        assert report.with_fixes(found.fix).verdicts["SFT"].status == "READY"
        assert report.with_learned("all").verdicts["SFT"].status == "READY"


def test_thinking_stays_where_trls_marked_version_keeps_it():
    """Qwen 3's own template takes earlier thinking out; the version that TRL learns answers with does not."""
    thought = [user("Why?"), assistant("<think>\nHm.\n</think>\n\nSo."), user("And?"), assistant("Thus.")]
    rows, own = [{"messages": thought} for _ in range(3)], template("qwen3").source
    report = validate_rows(rows, name="x", template=own, training_template=template("qwen3_training").source)
    assert "Hm." in report.reading("SFT", 0).passages[0].learned
    assert "thinking_removed" not in [found.rule for found in report.findings]
    whole = report.with_learned("all")
    assert "Hm." not in whole.reading("SFT", 0).passages[0].text
    assert "thinking_removed" in [found.rule for found in whole.findings]
