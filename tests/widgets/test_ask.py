"""A sentence fills in the page; a person goes on from there. Real data and plans; nothing is ever started."""

from __future__ import annotations

import pytest
from IPython.core.interactiveshell import InteractiveShell

import hfft_widgets as hfft
from hfft_widgets.sentence import EXAMPLES, read
from hfft_widgets.widgets.ask.fill import fill
from hfft_widgets.widgets.studio import DATA, EXPORT, PLAN
from tests.sentence.test_phrasings import PHRASINGS
from tests.widgets.html import fill as type_in
from tests.widgets.html import page, press


def said(tuner):
    return page(tuner).one(data_key="said").words


def say(tuner, sentence):
    type_in(tuner, "Say what you want", sentence)
    press(tuner, "Fill in")


def test_a_sentence_leads_to_a_plan_that_is_what_it_says(sample_folders):
    tuner = hfft.FineTuner("", model="")
    say(tuner, "Train sample:model on sample:messages on this machine with SFT, 2 epochs, LoRA rank 4, at most $7.")
    assert tuner.open == DATA
    assert page(tuner).primary == ["Check dataset"]
    press(tuner, "Check dataset")
    press(tuner, "Make a plan")
    plan = tuner.planner.result
    assert (plan.method, plan.flavor, plan.peft, plan.max_usd) == ("SFT", "local", "lora", 7)
    assert (plan.settings.num_train_epochs, plan.settings.lora_r) == (2, 4)
    assert page(tuner).primary == ["Train on this machine"]  # for the person to press
    assert hfft.runs() == []
    say(tuner, "Train sample:model on sample:messages, 1 epoch")
    assert tuner.planner.result is None  # another wish, another plan
    assert tuner.data.result is not None  # of the same data
    press(tuner, "To plan" if page(tuner).has_button("To plan") else "Make a plan")
    assert tuner.planner.result.settings.num_train_epochs == 1
    assert tuner.planner.result.max_usd is None


def test_a_check_opens_the_method_that_was_asked_about(sample_folders):
    tuner = hfft.FineTuner("", model="")
    say(tuner, "Does sample:preference work for KTO?")
    press(tuner, "Check dataset")
    assert tuner.data.method == "KTO"
    assert tuner.planner.values["method"] == ""  # nobody asked for a plan


def test_another_dataset_is_another_wish(sample_folders):
    tuner = hfft.FineTuner("", model="sample:model")
    say(tuner, "Train sample:model on sample:messages with DPO on a10g-small")
    type_in(tuner, "Dataset", "sample:prompt_completion")
    press(tuner, "Check dataset")
    assert tuner.planner.values["flavor"] == ""


@pytest.mark.parametrize(
    ("sentence", "values"),
    [
        ("on HF Jobs", {"where": "jobs", "flavor": ""}),
        ("on an L4", {"where": "jobs", "flavor": "l4x1"}),
        ("locally", {"where": "local"}),
        ("for at most $5", {"max_usd": "5"}),
        ("for at most $2.50", {"max_usd": "2.5"}),
        ("with DPO", {"method": "DPO"}),
        ("to follow instructions", {"goal": "instruction following"}),
        ("with LoRA", {"peft": "lora"}),
        ("without LoRA", {"peft": "none"}),
        ("and push it to me/x", {"push_to": "me/x"}),
        ("", {"where": "", "flavor": "", "max_usd": "", "method": "", "goal": "", "peft": "", "push_to": ""}),
    ],
)
def test_what_a_plan_is_asked_for_stands_in_its_fields(sentence, values):
    tuner = hfft.FineTuner()
    fill(tuner, read(f"Fine-tune Qwen/Qwen3-0.6B on my-org/faq {sentence}"))
    assert {name: tuner.planner.values[name] for name in values} == values
    assert tuner.data.values["dataset"] == "my-org/faq"
    assert tuner.data.values["model"] == tuner.planner.values["model"] == "Qwen/Qwen3-0.6B"


def test_configuration_and_split_are_chosen_and_go_with_their_dataset():
    tuner = hfft.FineTuner()
    fill(tuner, read("Check the test split of openai/gsm8k, config socratic"))
    assert [tuner.data.values[name] for name in ("dataset", "config", "split")] == ["openai/gsm8k", "socratic", "test"]
    fill(tuner, read("Check my-org/faq"))
    assert [tuner.data.values[name] for name in ("dataset", "config", "split")] == ["my-org/faq", None, None]


def test_an_export_is_filled_in_and_opened():
    tuner = hfft.FineTuner()
    say(tuner, "Convert me/tuned to GGUF as Q8_0 and Q6_K on cpu-upgrade, push it to me/tuned-gguf")
    exporter = tuner.exporter
    assert exporter.source == "me/tuned"
    values = {name: exporter.values[name] for name in ("model", "quantization", "where", "push_to")}
    assert values == {
        "model": "me/tuned", "quantization": "Q8_0", "where": "cpu-upgrade", "push_to": "me/tuned-gguf",
    }  # fmt: skip
    assert tuner.open == EXPORT
    assert "Q6_K too (no field takes it: export once for each)" in said(tuner)
    assert page(tuner).primary == ["Look at the price"]


def test_what_is_asked_of_an_export_waits_for_the_model(sample_folders):
    tuner = hfft.FineTuner()
    say(tuner, "Fine-tune sample:model on sample:messages and make a Q6_K gguf, push it to me/x-gguf")
    tuner.exporter.put("quantization", "F16")
    tuner.exporter.source = str(hfft.samples.model())  # as the page does with a run that has ended
    assert (tuner.exporter.values["quantization"], tuner.exporter.values["push_to"]) == ("Q6_K", "me/x-gguf")


def test_a_model_that_was_assumed_can_be_another():
    tuner = hfft.FineTuner()
    say(tuner, "Fine-tune Qwen3-0.6B on my-org/faq with DPO")
    assert "“Qwen3-0.6B” names no owner" in said(tuner)
    press(tuner, "Qwen/Qwen3-0.6B-Base instead")
    assert tuner.data.values["model"] == tuner.planner.values["model"] == "Qwen/Qwen3-0.6B-Base"
    assert tuner.planner.values["method"] == "DPO"
    assert "names no owner" not in said(tuner)


def test_a_plan_that_takes_longer_than_was_said_can_be_cut(sample_folders):
    tuner = hfft.FineTuner("", model="")
    say(tuner, "Train sample:model on sample:messages on this machine within 2 minutes, 9 epochs")
    press(tuner, "Check dataset")
    press(tuner, "Make a plan")
    before = tuner.planner.result
    press(tuner, "Cut the plan to 2 min")
    after = tuner.planner.result
    assert after.estimate.seconds.mid <= 120 < before.estimate.seconds.mid
    assert not page(tuner).has_button("Cut the plan to 2 min")
    assert tuner.planner.undo() == before
    assert tuner.open in {DATA, PLAN}


@pytest.mark.parametrize(
    ("part", "rows"), [("500 rows of", 500), ("the first 100 rows of", 100), ("only 10% of", 0.1), ("", None)]
)
def test_a_part_of_the_rows_is_planned_with(part, rows, sample_folders):
    tuner = hfft.FineTuner("", model="")
    say(tuner, f"Train sample:model on {part} sample:messages on this machine")
    assert "no field takes it" not in said(tuner)
    press(tuner, "Check dataset")
    rows = round(rows * tuner.data.result.total) if rows == 0.1 else rows
    assert tuner.planner.values["rows"] == ("" if rows is None else str(rows))
    assert (f"the first {rows} rows" in page(tuner.planner).text) is (rows is not None)
    press(tuner, "Make a plan")
    plan = tuner.planner.result
    assert plan.settings.rows == rows
    assert plan.rows == (rows or plan.data.rows)
    assert ("dataset.select(" in plan.recipe) is (rows is not None)


def test_what_no_field_takes_and_what_is_missing_is_said():
    tuner = hfft.FineTuner()
    say(tuner, "Check the first 500 rows of my-org/faq")
    assert "Only so many rows: 500 (no field takes it: choose a split" in said(tuner)
    say(tuner, "Fine-tune mymodel with PPO")
    words = said(tuner)
    assert "Which dataset?" in words
    assert "Which model?" in words
    assert "Not understood: “PPO” (the methods here are SFT" in words
    press(tuner, "Clear")
    assert page(tuner).all(data_key="said") == []


def test_what_is_not_understood_changes_no_field_and_shows_examples():
    tuner = hfft.FineTuner()
    before = [dict(panel.values) for panel in tuner.panels]
    say(tuner, "Don't train <script>alert(1)</script> my-org/faq")
    assert [dict(panel.values) for panel in tuner.panels] == before
    assert "Nothing was understood" in said(tuner)
    assert "<script>" not in str(tuner.html())
    assert "open" in page(tuner).one(data_key="ask").one(tag="details").attributes
    press(tuner, EXAMPLES[1])
    assert tuner.data.values["dataset"] == "my-org/conversation-data"


def test_no_sentence_starts_anything(home):
    tuner = hfft.FineTuner()
    for phrasing in PHRASINGS:
        tuner.ask.fill_in(phrasing["says"])
        assert not any(panel.busy for panel in (tuner, *tuner.panels))
    assert [panel.result for panel in tuner.panels] == [None] * 4
    assert tuner.monitor.run is None
    assert list(home.iterdir()) == []


def test_one_line_shows_a_page_that_is_filled_in():
    shell = InteractiveShell()
    shell.run_line_magic("load_ext", "hfft_widgets")
    done = shell.run_cell("tuner = %hfft Fine-tune Qwen/Qwen3-0.6B on my-org/faq, at most $5, {x} $HOME")
    done.raise_error()
    tuner = shell.user_ns["tuner"]
    assert isinstance(tuner, hfft.FineTuner)
    assert tuner.planner.values["max_usd"] == "5"
    assert "$HOME" in said(tuner)
    assert shell.run_line_magic("hfft", "").ask.request is None
    assert "| `t4-small` |" in shell.run_line_magic("hfft", "hardware").data
    assert shell.run_line_magic("hfft", "methods").data.startswith("# Training methods")
