"""Eight questions: their key, and what changed between the two times."""

from __future__ import annotations

from hfft_widgets.teaching.before_after import gain, questions_of
from hfft_widgets.teaching.progress import Answered

# by hand, and not from the questions: who changes one says it in both places
KEY = {
    "template": "b",
    "loss mask": "a",
    "LoRA rank": "c",
    "effective batch": "c",
    "overfitting": "b",
    "DPO/SFT/GRPO": "a",
    "quantization": "b",
    "cost": "b",
}


def test_the_key():
    assert {one.concepts[0]: one.right for one in questions_of("before")} == KEY
    assert [one.name for one in questions_of("after")] == [f"after-{n}" for n in range(1, 9)]


def test_what_can_be_counted_is_as_the_key_says():
    says = {one.concepts[0]: {answer.letter: answer.says for answer in one.answers} for one in questions_of("before")}
    assert int(says["effective batch"]["c"]) == 2 * 8
    assert "10" in says["loss mask"]["a"]  # the answer's tokens
    assert 4 / 8 < 1  # four times the price, an eighth of the time: B is cheaper, as says["cost"]["b"] has it
    assert says["cost"]["b"] == "That on B."


def test_the_gain_counts_first_answers():
    state = Answered()
    for one in questions_of("before"):
        state = state.with_answer(one.name, "a").with_answer(one.name, one.right)
    assert (gain(state).before, gain(state).after) == (2, None)
    for one in questions_of("after"):
        state = state.with_answer(one.name, one.right)
    assert str(gain(state)) == "2 of 8 right before, 8 of 8 right after"
    assert str(gain(Answered())) == "not answered yet"
