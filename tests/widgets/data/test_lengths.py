"""What a limit on tokens costs."""

from __future__ import annotations

import hfft_widgets as hfft
from hfft_widgets.core.units import duration_text
from tests.widgets.data.panels import PAIRS, checked, turns
from tests.widgets.html import fill, page, press

LONG = [turns(f"Why {n}?", "because " * (n + 1)) for n in range(40)]


def drawn(panel: hfft.DatasetValidator) -> tuple[int, int]:
    """Where the line of the live histogram stands, and how many rows its bars show as cut."""
    page(panel)
    chart = panel.lengths.chart
    _, cut = chart.figure["data"]
    return chart.line, sum(cut["y"])


def test_max_length_answers_with_what_it_costs(sample_folders) -> None:
    panel = checked(LONG, model="sample:model")
    lengths = panel.result.lengths["SFT"]
    slider = page(panel).field("Cut rows after (max_length)").controls[0]
    assert slider["max"] == str(lengths.quantile(1.0))
    panel._act({"typed": slider["data-field"], "value": "60"})  # while it is dragged
    assert lengths.at(60).rows_cut > 5
    shown = page(panel)
    assert lengths.at(60).words in shown.text
    assert drawn(panel) == (60, lengths.at(60).rows_cut)
    assert shown.field("Tokens").value == "60"
    assert shown.field("Cut rows after").controls[0]["aria-valuetext"] == "60"
    panel.show_method("GRPO")
    assert "Tokens per row for SFT" in page(panel).text
    press(panel, "Plan with this limit")
    assert panel.result.max_length == 60
    assert "Rows are cut after 60 tokens" in page(panel).text
    press(panel, "Take back")
    assert panel.result.max_length is None
    panel.limit_length(50)
    panel.apply_mapping("GRPO")
    press(panel, "Take everything back")
    assert (panel.result.max_length, panel.result.mappings) == (None, {})


def test_the_limit_can_be_typed(sample_folders) -> None:
    panel = checked(LONG, model="sample:model")
    fill(panel, "Tokens", "50")
    assert panel.result.lengths["SFT"].at(50).words in page(panel).text
    assert drawn(panel)[0] == 50
    fill(panel, "Tokens", "many")
    assert "whole number of tokens" in page(panel).field("Tokens").error
    fill(panel, "Tokens", "40")
    assert page(panel).field("Tokens").error == ""
    assert drawn(panel)[0] == 40


def test_the_line_can_be_dragged_and_a_bar_clicked(sample_folders) -> None:
    panel = checked(LONG, model="sample:model")
    lengths = panel.result.lengths["SFT"]
    assert page(panel).field("Tokens").value == str(lengths.quantile(1.0))
    for message, limit in (({"line": 70}, 70), ({"click": 55}, 55), ({"line": 10**6}, lengths.quantile(1.0)),
                           ({"line": -3}, 1)):  # fmt: skip
        panel.lengths.chart._handle_custom_msg(message, [])
        assert drawn(panel) == (limit, lengths.at(limit).rows_cut)
        shown = page(panel)
        assert shown.field("Tokens").value == str(limit)
        assert shown.field("Cut rows after").controls[0]["value"] == str(limit)
    assert panel.result.max_length is None  # before a person says so, nothing is planned with it


def test_where_a_plan_is_made_a_limit_has_a_time_and_a_price(sample_folders) -> None:
    tuner = hfft.FineTuner(LONG, "sample:model")
    tuner.data.validate()
    assert "would take" not in page(tuner.data).text
    plan = tuner.planner.plan()
    tuner.data.lengths.chart._handle_custom_msg({"line": 20}, [])
    seconds = plan.replace(max_length=20).estimate.seconds.mid
    assert seconds < plan.estimate.seconds.mid
    now = duration_text(plan.estimate.seconds.mid)
    assert f"would take about {duration_text(seconds)} instead of {now}." in page(tuner.data).text
    tuner.planner.edit_script(plan.script + "\n# mine\n")  # its limit is the script's
    assert "would take" not in page(tuner.data).text


def test_the_histogram_is_there_once(sample_folders) -> None:
    panel = checked(LONG, model="sample:model")
    panel.show_row(0)
    assert [one["data-widget"] for one in page(panel).all(class_="plot-slot")] == [panel.lengths.chart.model_id]
    assert page(panel).all(class_="hist") == []
    assert len(page(panel.report()).all(class_="hist")) == 1  # the saved copy's picture needs no script


def test_rows_that_are_all_alike_are_a_sentence(sample_folders) -> None:
    panel = checked([{"prompt": "say it", "completion": "it"}] * 9, model="sample:model")
    shown = page(panel)
    assert shown.all(class_="hist") + shown.all(class_="plot-slot") == []
    assert "every row has 7." in shown.text
    assert not shown.has_field("Cut rows after")


def test_without_a_model_lengths_say_what_they_need() -> None:
    assert "name a model above" in page(checked(PAIRS)).text


def test_what_is_learned_is_switched_and_taken_back(sample_folders) -> None:
    panel = checked(LONG, model="sample:model")
    learned = panel.result.lengths["SFT"].trained_tokens
    assert "learns the answers of the assistant alone" in page(panel).text
    fill(panel, "Learned", "all")
    assert panel.result.learned == "all"
    assert panel.result.lengths["SFT"].trained_tokens > learned
    assert "the questions too" in page(panel).text
    press(panel, "Take back")
    assert (panel.result.learned, panel.values["learned"]) == ("answers", "answers")
