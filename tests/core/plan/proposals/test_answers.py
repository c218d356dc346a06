"""Answers that a model generates: long enough, with or without thoughts on purpose, and clipped ones warned of."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hfft_widgets.core.estimate.padding import RowLengths
from hfft_widgets.core.plan.proposals.answers import answers
from tests.core.plan.reports import MARKED, plan, words_of

SWITCH = MARKED + "{% if enable_thinking is defined and not enable_thinking %}<think></think>{% endif %}"
ALWAYS = MARKED + "{% if add_generation_prompt %}<think>\n{% endif %}"


def grpo(**changes):
    return plan(kind="verifiable", method="GRPO", flavor="a100-large", **changes)


def test_answers_are_never_256_tokens_by_default():
    made = grpo()
    assert made.settings.max_completion_length == 512
    assert "Answers of up to 512 tokens" in words_of(made)
    assert "A step looks at 2 prompts, with 8 answers to each." in words_of(made)


def test_long_reference_answers_make_long_answers():
    found = answers(RowLengths.of([600] * 50), 30_000, thinks=False, tiny=False)
    assert found.tokens == 1216
    assert "twice the 600 tokens" in found.words


def test_thinking_is_switched_off_on_purpose_and_can_be_switched_on():
    made = grpo(template=SWITCH)
    assert 'chat_template_kwargs={"enable_thinking": False}' in made.recipe.replace("'", '"')
    assert "Thinking off" in words_of(made)
    thoughtful = grpo(template=SWITCH, thinking=True)
    assert thoughtful.settings.max_completion_length == 2048
    assert '"enable_thinking": True' in thoughtful.recipe.replace("'", '"')
    assert "chat_template_kwargs" not in grpo().recipe


def test_a_model_that_always_thinks_gets_room_for_it():
    assert grpo(template=ALWAYS).settings.max_completion_length == 2048
    cut = grpo(template=ALWAYS, max_completion_length=512)
    assert any("thinks before it answers" in words for words in cut.warnings)


def test_clipped_answers_are_warned_of():
    short = grpo(max_completion_length=200)
    assert any("cut at 200 tokens" in words for words in short.warnings)
    data = dataclasses.replace(short.data, answers=RowLengths.of([100] * 8 + [900] * 2))
    worked = dataclasses.replace(short, data=data)
    assert any("20% of the reference answers" in words for words in worked.warnings)
    assert not any("cut" in words for words in grpo().warnings)


def test_generation_in_evaluations_is_counted():
    few, many = (grpo(eval_rows=rows, questions=0).estimate for rows in (2, 60))
    assert many.check_seconds > 3 * few.check_seconds
    assert many.seconds.mid > few.seconds.mid


def test_what_vllm_would_take_is_said():
    assert "vLLM writes the answers, on the same card" in words_of(grpo())
    assert not grpo(use_vllm=False).uses_vllm


LENGTHS = st.none() | st.lists(st.integers(1, 9000), min_size=1, max_size=20).map(RowLengths.of)


@given(LENGTHS, st.integers(1, 10**6), st.booleans(), st.booleans())
def test_answers_fit_the_context(references, room, thinks, tiny):
    found = answers(references, room, thinks=thinks, tiny=tiny)
    assert 1 <= found.tokens <= min(room, 8192)
    assert f"{found.tokens:,}" in found.words


@pytest.mark.parametrize("tiny", [True, False])
def test_a_toy_answers_briefly(tiny):
    assert answers(None, 4096, thinks=False, tiny=tiny).tokens == (32 if tiny else 512)
