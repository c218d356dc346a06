"""The card of a finished export."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from hfft_widgets.cards.export import result_html
from tests.core.export.test_plan import plan_of, text_of

TOLD = {
    "prompt": "Which module?",
    "answer": "json",
    "stopped": True,
    "verified": True,
    "reason": "",
    "strings": 18,
    "bytes": 397_000_000,
    "eos": "<|im_end|>",
    "warnings": [],
}
PATH = "/models/Tuned-Q4_K_M.gguf"


def shown(**changes) -> str:
    return text_of(result_html(plan_of(name="Tuned").finished({**TOLD, **changes}, PATH)))[0]


def test_verified():
    text = shown()
    for words in ("Tuned-Q4_K_M.gguf", "Verified in llama.cpp", "Which module?", "json", "It stopped by itself.",
                  "18 texts", "<|im_end|>", "397 MB", f"llama-server -m {PATH}", "ollama run tuned-q4_k_m",
                  f"lms import --copy {PATH}", PATH):  # fmt: skip
        assert words in text
    assert "Not " not in text


def test_cut_answer_and_warnings_are_shown():
    text = shown(stopped=False, warnings=["llama.cpp puts <s> before a conversation."])
    assert "It was cut at the length limit." in text
    assert "llama.cpp puts <s> before a conversation." in text


def test_blank_answers_are_not_called_verified():
    asked = {"count": 41, "alike": 41, "same": 41, "right": 0, "trained_right": 0, "telling": 0, "answers": []}
    text = shown(questions=asked)
    assert "Its answers are blank: they prove nothing" in text
    assert "Verified in" not in text
    assert "41 of 41" not in text
    some = shown(questions={**asked, "telling": 30})
    assert "Verified in llama.cpp" in some
    assert "11 answers of both blank" in some


def test_empty_answer_is_not_hidden():
    assert "(an empty answer)" in shown(answer="")


def test_not_verified_says_why_and_claims_nothing():
    text = shown(verified=False, reason="cyllama could not be imported", answer=None, stopped=None, strings=0)
    assert "Not verified in llama.cpp" in text
    assert "cyllama could not be imported" in text
    assert "Verified in llama.cpp" not in text.replace("Not verified in llama.cpp", "")
    assert "Same tokens" not in text
    assert "stopped by itself" not in text
    assert "llama-server" in text  # offered all the same


@given(st.text(), st.text())
def test_hostile_words_stay_words(prompt, answer):
    html = result_html(plan_of().finished({**TOLD, "prompt": prompt + "<script>", "answer": answer + "</div>"}, PATH))
    assert "script" not in text_of(html)[1]
    assert html.count("<div") == html.count("</div>")


def test_each_of_several_files_stands_with_its_own_answers():
    asked = {"count": 41, "alike": 41, "same": 40, "right": 33, "trained_right": 34, "answers": []}
    other = {**TOLD, "bytes": 640_000_000, "questions": {**asked, "same": 41, "right": 34}}
    plan = plan_of(name="Tuned", quantization=["Q4_K_M", "Q8_0"])
    text = text_of(result_html(plan.finished({**TOLD, "questions": asked, "others": [other]}, PATH)))[0]
    for words in ("All files of this export", "(trained: 34)", "40 of 41", "33 of 41", "640 MB", "34 of 41"):
        assert words in text
    assert "All files" not in shown(questions=asked)
