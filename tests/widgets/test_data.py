"""The data panel, headless: what a person clicks, and what becomes of it."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from datasets import DatasetDict

import hfft_widgets as hfft
from hfft_widgets.core.data.report import Status, validate_rows
from hfft_widgets.errors import DataError
from tests.hub.fixtures import hub  # noqa: F401 - a fixture

PAIRS = [{"id": n, "question": f"Why {n}?", "good_response": f"So {n}.", "bad_response": f"No {n}."} for n in range(12)]


def turns(*contents: Any) -> dict[str, Any]:
    roles = ("user", "assistant") * len(contents)
    return {"messages": [{"role": role, "content": text} for role, text in zip(roles, contents, strict=False)]}


BROKEN = [turns(f"Why {n}?", f"So {n}.") for n in range(12)]
BROKEN[3], BROKEN[5], BROKEN[8] = turns("Why?", None), turns("Why not?", None), BROKEN[0]


def checked(data: Any, **options: Any) -> hfft.DatasetValidator:
    panel = hfft.DatasetValidator(data, **options)
    panel.validate()
    return panel


def words(html: str) -> str:
    return re.sub(r"<[^>]+>", "", html).replace("&#x27;", "'").replace("&quot;", '"')


def fields(panel: hfft.DatasetValidator) -> dict[str, Any]:
    return {picker.description: picker for picker in panel.details.mapping.fields.children}


# ---- what is shown -----------------------------------------------------------------------------


def test_before_a_dataset_is_checked_there_is_nothing_to_click() -> None:
    panel = hfft.DatasetValidator()
    assert {part.layout.display for part in panel.bottom.children} == {"none"}
    for method in (panel.validate_all, panel.apply_fixes, panel.undo_all, panel.next_row):
        with pytest.raises(DataError, match="Check one first"):
            method()
    assert "Check one first" in panel.status.value


def test_each_method_is_a_toggle_with_its_verdict() -> None:
    panel = checked(PAIRS)
    assert panel.details.toggle.value == "DPO"
    assert ("! DPO", "DPO") in panel.details.toggle.options
    assert "NEEDS MAPPING" in panel.details.reason.value
    panel.details.toggle.value = "SFT"
    assert "SFT: NEEDS MAPPING" in panel.details.reason.value
    assert "prompt" in fields(panel)
    with pytest.raises(DataError, match="Choose one of SFT"):
        panel.show_method("PPO")


def test_the_method_on_show_stays_until_another_dataset_is_checked() -> None:
    panel = checked(PAIRS)
    panel.show_method("SFT")
    panel.apply_mapping("SFT")
    assert panel.details.toggle.value == "SFT"
    assert ("✓ SFT", "SFT") in panel.details.toggle.options
    panel.validate()
    assert panel.details.toggle.value == "DPO"


# ---- mapping -----------------------------------------------------------------------------------


def test_a_mapping_is_clicked_together_previewed_and_validated_at_once() -> None:
    rows = [{"a": f"Why {n}?", "b": "So.", "c": "No."} for n in range(5)]
    panel = checked(rows)
    panel.show_method("DPO")
    assert panel.result.verdicts["DPO"].status is Status.INCOMPATIBLE
    for target, source in (("prompt", "a"), ("chosen", "b"), ("rejected", "c")):
        picker = fields(panel)[target]
        picker.value = next(
            pick for _, pick in picker.options if pick.columns == (source,) and pick.turn == "" and pick.how == "column"
        )
    assert "Why 2?" in panel.details.mapping.preview.value
    assert "Why 3?" not in panel.details.mapping.preview.value
    assert not panel.details.mapping.apply_button.disabled
    panel.start(panel.details.mapping._apply, doing="x").join(20)
    assert panel.result.verdicts["DPO"].status is Status.READY
    assert panel.result.rows_for("DPO", 1) == [{"prompt": "Why 0?", "chosen": "So.", "rejected": "No."}]
    assert panel.details.mapping.apply_button.disabled
    assert not panel.details.mapping.reset_button.disabled
    panel.details.mapping._reset()
    assert panel.result.mappings == {}
    assert panel.details.mapping.reset_button.disabled


def test_the_proposal_is_chosen_already_and_says_how_sure_it_is() -> None:
    panel = checked(PAIRS)
    assert fields(panel)["chosen"].value.columns == ("good_response",)
    assert "(likely)" in {pick: label for label, pick in fields(panel)["chosen"].options}[fields(panel)["chosen"].value]
    assert panel.details.mapping.mapping == panel.result.verdicts["DPO"].mapping


def test_another_layout_asks_for_other_columns() -> None:
    panel = checked(PAIRS)
    label = next(number for label, number in panel.details.mapping.columns.options if label == "chosen + rejected")
    panel.details.mapping.columns.value = label
    assert list(fields(panel)) == ["chosen", "rejected"]
    panel.apply_mapping("DPO", panel.details.mapping.mapping)
    assert set(panel.result.mappings["DPO"].targets) == {"chosen", "rejected"}


def test_a_column_that_nothing_can_fill_cannot_be_chosen() -> None:
    panel = checked([{"text": "a"}, {"text": "b"}])
    panel.show_method("KTO")
    unusable = next(number for label, number in panel.details.mapping.columns.options if "nothing for label" in label)
    panel.details.mapping.columns.value = unusable
    assert fields(panel)["label"].disabled
    assert panel.details.mapping.apply_button.disabled
    assert "nothing here can fill" in panel.details.mapping.preview.value


def test_columns_that_fit_as_they_are_need_no_mapping() -> None:
    panel = checked(BROKEN[:3])
    assert panel.details.mapping.apply_button.disabled
    assert "Nothing to do" in panel.details.mapping.preview.value


# ---- fixes -------------------------------------------------------------------------------------


def index_of(panel: hfft.DatasetValidator, rule: str) -> int:
    return next(n for n, finding in enumerate(panel.result.findings) if finding.rule == rule)


def test_a_fix_shows_what_it_does_and_folds_it_away_again() -> None:
    panel = checked(BROKEN)
    index = next(n for n, finding in enumerate(panel.result.findings) if finding.rows == (3, 5))
    made = panel.preview_fix(index)
    assert [(change.number, change.after) for change in made] == [(3, None), (5, None)]
    assert "Row 3 is left out" in words(panel.details.fixes.previews[index].value)
    panel.preview_fix(index)
    assert panel.details.fixes.previews[index].value == ""


def test_every_fix_can_be_taken_back_alone() -> None:
    panel = checked(BROKEN)
    first = panel.result
    assert [button.description for button in panel.offers.buttons] == ["Apply all 2 fixes"]
    panel.apply_fixes()
    assert panel.result.verdicts["SFT"].status is Status.READY
    assert len(panel.agreed.entries.children) == 2
    both = panel.result.fixes
    panel.remove_fix(0)
    assert panel.result.fixes == both[1:]
    panel.undo()
    assert panel.result.fixes == both
    panel.undo_all()
    assert panel.result.fixes == ()
    assert panel.result.findings == first.findings
    assert panel.agreed.undo_all_button.disabled
    panel.undo()
    assert panel.result.fixes == both


def test_buttons_that_are_gone_are_forgotten() -> None:
    panel = checked(BROKEN)
    before = len(panel._buttons)
    for _ in range(3):
        panel.apply_fixes()
        panel.undo_all()
    assert len(panel._buttons) == before


# ---- rows --------------------------------------------------------------------------------------


def test_flagged_rows_are_walked_through() -> None:
    panel = checked(BROKEN)
    panel.details.tabs.selected_index = 2
    assert panel.details.rows.number.value == 3
    assert "Row 3 as it is" in words(panel.details.rows.content.value)
    assert '<pre dir="auto" class="seen">' in panel.details.rows.content.value
    assert panel.details.rows.previous_button.disabled
    assert panel.details.rows.place.value == "1 of 2"
    panel.next_row()
    assert panel.details.rows.number.value == 5
    assert panel.details.rows.next_button.disabled
    panel.details.rows.number.value = 4
    assert "Why 4?" in panel.details.rows.content.value
    panel.previous_row()
    assert panel.details.rows.number.value == 3
    panel.details.rows.finding.value = -1
    assert panel.details.rows.place.value == "1 of 12"
    with pytest.raises(DataError, match="Rows go from 0 to 11"):
        panel.show_row(12)


def test_a_row_is_shown_as_each_methods_model_sees_it() -> None:
    panel = checked(PAIRS)
    panel.show_row(2)
    assert '<mark class="learned">So 2.' in panel.details.rows.content.value
    assert "rejected" in panel.details.rows.content.value
    panel.details.toggle.value = "GRPO"
    assert "What the model sees with GRPO" in words(panel.details.rows.content.value)
    assert "Why 2?" in panel.details.rows.content.value
    assert "writes its own answers" in panel.details.rows.content.value


# ---- lengths -----------------------------------------------------------------------------------


def test_max_length_answers_with_what_it_costs(sample_folders) -> None:
    rows = [turns(f"Why {n}?", "because " * (n + 1)) for n in range(40)]
    panel = checked(rows, model="sample:model")
    lengths = panel.result.lengths["SFT"]
    assert panel.details.lengths.max_length.max == lengths.quantile(1.0)
    panel.details.lengths.max_length.value = 60
    assert lengths.at(60).words in words(panel.details.lengths.words.value)
    assert lengths.at(60).rows_cut > 5
    assert "max_length 60" in words(panel.details.lengths.words.value)
    panel.show_method("GRPO")
    assert panel.details.lengths.max_length.layout.display == "none"
    assert "counted for SFT" in panel.details.lengths.words.value


def test_without_a_model_lengths_say_what_they_need() -> None:
    panel = checked(PAIRS)
    assert "name a model above" in panel.details.lengths.words.value


# ---- sources -----------------------------------------------------------------------------------


def test_splits_are_offered_when_there_are_several() -> None:
    from datasets import Dataset

    data = DatasetDict(train=Dataset.from_list(PAIRS), test=Dataset.from_list(PAIRS[:4]))
    panel = checked(data)
    assert panel.split.layout.display == ""
    assert panel.config.layout.display == "none"
    assert (panel.split.value, panel.result.total) == ("train", 12)
    panel.split.value = "test"
    assert panel.validate().total == 4
    panel.dataset.value = "sample:preference"
    assert panel.split.layout.display == "none"


@pytest.fixture
def hub_rows(hub: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:  # noqa: F811
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    for name, value in hub.settings().items():
        monkeypatch.setenv(name, value)
    hub.add_dataset("acme/talk", rows={"train": [turns(f"Why {n}?", f"So {n}.") for n in range(250)]})
    two = "---\nconfigs:\n- config_name: a\n  data_files: a.jsonl\n- config_name: b\n  data_files: b.jsonl\n---\n"
    hub.add_dataset("acme/two", files={"README.md": two, "a.jsonl": '{"text": "x"}\n', "b.jsonl": '{"text": "y"}\n'})
    return hub


def test_of_a_hub_dataset_the_first_rows_then_all(hub_rows: Any) -> None:
    panel = checked("acme/talk")
    assert panel.result.total == 100
    assert panel.all_button.layout.display == ""
    assert "the first 100 rows of 250" in panel.card.html
    panel.apply_mapping("GRPO")
    panel.validate_all()
    assert panel.result.total == 250
    assert set(panel.result.mappings) == {"GRPO"}
    assert panel.all_button.layout.display == "none"
    assert not panel.changed


def test_a_configuration_must_be_chosen_where_there_are_several(hub_rows: Any) -> None:
    panel = hfft.DatasetValidator("acme/two")
    with pytest.raises(DataError, match="'a'"):
        panel.validate()
    assert panel.config.layout.display == ""
    panel.config.value = "b"
    assert panel.validate().rows_for("SFT") == [{"text": "y"}]


def test_a_sample_can_be_made_whole() -> None:
    def whole(progress: Any) -> Any:
        return validate_rows(BROKEN, name="x", progress=progress)

    coverage = "a sample: the first 3 rows of 12"
    sample = validate_rows(BROKEN[:3], name="x", coverage=coverage, all_rows=12, whole=whole)
    panel = hfft.DatasetValidator()
    panel._start_again(sample)
    assert panel.all_button.layout.display == ""
    thread = panel.start(panel.validate_all, doing="x")
    thread.join(20)
    assert panel.result.total == 12
    assert panel.all_button.layout.display == "none"


def test_a_check_of_all_rows_can_be_stopped_and_loses_nothing() -> None:
    started = threading.Event()

    def whole(progress: Any) -> Any:
        for done in range(1000):
            progress(done, 1000)
            started.set()
            time.sleep(0.01)
        raise AssertionError("was not stopped")

    coverage = "a sample: the first 3 rows of 12"
    sample = validate_rows(BROKEN[:3], name="x", coverage=coverage, all_rows=12, whole=whole)
    panel = hfft.DatasetValidator()
    panel._start_again(sample)
    thread = panel.start(panel.validate_all, doing="Reading all rows")
    assert started.wait(10)
    assert panel.cancel_button.layout.display == ""
    panel.cancel_button.click()
    thread.join(10)
    assert not panel.busy
    assert "Stopped" in panel.status.value
    assert panel.result is sample
    assert panel.cancel_button.layout.display == "none"


# ---- hostile rows ------------------------------------------------------------------------------

HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)>\u202e\x1b[2J"


def test_hostile_content_is_text_in_every_part() -> None:
    rows = [{"q": HOSTILE + str(n), "good_response": HOSTILE, "bad_response": str(n), HOSTILE: n} for n in range(3)]
    rows[1]["good_response"] = rows[1]["bad_response"]
    rows.append(rows[0])
    panel = checked(rows)
    panel.show_row(0)
    previews = [panel.preview_fix(n) for n, finding in enumerate(panel.result.findings) if finding.fix]
    assert previews
    panel.apply_mapping("DPO")
    panel.apply_fixes()
    shown = [
        panel.card.html,
        panel.details.rows.content.value,
        panel.details.mapping.preview.value,
        panel.details.reason.value,
    ]
    shown += [slot.value for slot in panel.details.fixes.previews.values()]
    shown += [
        line.value for entry in panel.agreed.entries.children for line in entry.children if hasattr(line, "value")
    ]
    assert any("&lt;script" in html for html in shown)
    for html in shown:
        assert "<script" not in html
        assert "<img" not in html
        assert "\u202e" not in html
        assert "\x1b" not in html
