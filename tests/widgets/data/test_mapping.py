"""A mapping, by clicking."""

from __future__ import annotations

import pytest

from hfft_widgets.core.data.report import Status
from hfft_widgets.errors import DataError
from tests.widgets.data.panels import BROKEN, PAIRS, checked, opened, turns
from tests.widgets.html import fill, page, press


def choose(panel, target: str, words: str) -> None:
    choices = opened(panel).field(target).choices
    fill(panel, target, next(value for label, value in choices.items() if label.startswith(words)))


def chosen(panel, target: str) -> str:
    field = opened(panel).field(target)
    return next(words for words, value in field.choices.items() if value == field.value)


def test_a_mapping_is_clicked_together_previewed_and_validated_at_once() -> None:
    rows = [{"a": f"Why {n}?", "b": "So.", "c": "No."} for n in range(5)]
    panel = checked(rows)
    panel.show_method("DPO")
    assert panel.result.verdicts["DPO"].status is Status.INCOMPATIBLE
    assert page(panel).button("Use this mapping for DPO").off
    for target, source in (("prompt", "'a'"), ("chosen", "'b'"), ("rejected", "'c'")):
        choose(panel, target, source)
    assert "Why 2?" in opened(panel).words
    assert "Why 3?" not in opened(panel).words
    press(panel, "Use this mapping for DPO")
    assert panel.result.verdicts["DPO"].status is Status.READY
    assert panel.result.rows_for("DPO", 1) == [{"prompt": "Why 0?", "chosen": "So.", "rejected": "No."}]
    assert not opened(panel).has_button("Use this mapping for DPO")
    press(panel, "Read the columns as they are")
    assert panel.result.mappings == {}
    assert not page(panel).has_button("Read the columns as they are")


def test_the_proposal_is_chosen_already_and_says_how_sure_it_is() -> None:
    panel = checked(PAIRS)
    assert chosen(panel, "chosen") == "'good_response' as one assistant turn (likely)"
    assert panel.mapping.mapping == panel.result.verdicts["DPO"].mapping


def test_one_source_is_never_chosen_for_two_opposite_targets() -> None:
    panel = checked([turns(f"Why {n}?", f"So {n}.") for n in range(5)])
    panel.show_method("DPO")
    assert chosen(panel, "chosen") == chosen(panel, "rejected") == "choose a column"
    assert page(panel).button("Use this mapping for DPO").off
    assert "Choose where 'chosen' and 'rejected' come from." in opened(panel).words
    choose(panel, "chosen", "the last turn of 'messages'")
    assert "Choose where 'rejected' comes from." in opened(panel).words
    choose(panel, "rejected", "the last turn of 'messages'")
    assert "'chosen' and 'rejected' read the same" in opened(panel).words
    assert page(panel).button("Use this mapping for DPO").off
    with pytest.raises(DataError, match="read the same"):
        panel.use_mapping()
    assert panel.result.mappings == {}


def test_a_prompt_is_not_the_answer() -> None:
    panel = checked(PAIRS)
    choose(panel, "prompt", "'good_response'")
    assert "'prompt' and 'chosen' read the same" in opened(panel).words
    assert page(panel).button("Use this mapping for DPO").off


def test_another_layout_asks_for_other_columns() -> None:
    panel = checked(PAIRS)
    fill(panel, "Columns to fill", opened(panel).field("Columns to fill").choices["chosen + rejected"])
    assert opened(panel).labels[1:] == ["Columns to fill", "chosen", "rejected"]
    press(panel, "Use this mapping for DPO")
    assert set(panel.result.mappings["DPO"].targets) == {"chosen", "rejected"}


def test_a_column_that_nothing_can_fill_cannot_be_chosen() -> None:
    panel = checked([{"text": "a"}, {"text": "b"}])
    panel.show_method("KTO")
    layouts = opened(panel).field("Columns to fill").choices
    fill(panel, "Columns to fill", next(value for label, value in layouts.items() if "nothing for label" in label))
    assert list(opened(panel).field("label").choices) == ["no column fits"]
    assert page(panel).button("Use this mapping for KTO").off
    assert "'label'" in opened(panel).words


def test_columns_that_fit_as_they_are_need_no_mapping() -> None:
    panel = checked(BROKEN[:3])
    panel.show_method("SFT")
    assert not page(panel).has_button("Use this mapping for SFT")
    assert "Nothing to do" in opened(panel).words


def test_no_line_of_python_is_asked_of_who_clicks() -> None:
    panel = checked(PAIRS)
    for method in panel.result.verdicts:
        panel.show_method(method)
        visible = (
            str(panel.html()).replace(panel.mapping.mapping.code(panel.result.columns), "")
            if (panel.mapping.mapping)
            else str(panel.html())
        )
        assert "with_mapping" not in visible
        assert "report." not in visible


def test_which_score_is_better_is_asked_beside_rows_and_answered_by_a_click():
    rows = [
        {
            "prompt": f"Why {n}?",
            "response_a": f"rude {n}",
            "response_b": f"kind {n}",
            "toxicity_a": 0.9,
            "toxicity_b": 0.1,
        }
        for n in range(30)
    ]
    panel = checked(rows)
    panel.show_method("DPO")
    question = page(panel).one(data_key="question")
    assert page(panel).text.count("the highest or the lowest") == 1
    assert "the highest or the lowest" in question["aria-label"]
    assert "rude 0" in question.text
    assert "rude 1" in question.text
    assert "rude 2" not in question.text
    assert panel.result.recommended != "DPO"  # nothing rests on a guess
    press(panel, "The lowest is better")
    assert panel.result.verdicts["DPO"].status == "READY"
    assert panel.result.rows_for("DPO", 1)[0]["chosen"] == "kind 0"
    assert not page(panel).all(data_key="question")
