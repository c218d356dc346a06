"""Three machines as rows: cheapest, fastest, here."""

from __future__ import annotations

import re

import pytest

from hfft_widgets.core.units import bytes_text, duration_text, usd_text
from hfft_widgets.widgets.plan.hardware import sensible
from tests.widgets.html import fill, page, press


def rows(planner):
    return {one["data-value"]: one for one in page(planner).all(tag="button", class_="choice")}


def choose(planner, name):
    press(planner, rows(planner)[name].words)


def test_a_machine_is_chosen_by_what_it_costs_in_all(rented):
    press(rented, "Make a plan")
    options = {option.flavor.name: option for option in rented.result.options}
    rent = [o for o in options.values() if o.estimate.fits and o.estimate.usd_per_hour]
    cheapest = min(rent, key=lambda option: option.estimate.usd.mid).flavor.name
    shortest = min(option.estimate.seconds.mid for option in rent)
    assert "cheapest" in rows(rented)[cheapest].text
    fastest = next(name for name, row in rows(rented).items() if "fastest" in row.text)
    assert options[fastest].estimate.seconds.mid <= 1.05 * shortest
    assert rows(rented)[rented.result.flavor]["aria-pressed"] == "true"
    other = next(name for name, row in rows(rented).items() if name not in {rented.result.flavor, "local"})
    choose(rented, other)
    assert rented.result.flavor == other
    assert rows(rented)[other]["aria-pressed"] == "true"
    assert page(rented).field("Where").value == "jobs"
    assert f"flavor {other}: you chose it." in page(rented).one(class_="why").text
    fill(rented, "Method", "SFT")  # another plan, on the machine that was chosen
    assert rented.result.flavor == other


def test_the_chosen_machine_put_back_brings_the_reasons_back(rented):
    press(rented, "Make a plan")
    made = rented.result
    other = next(name for name, row in rows(rented).items() if row["aria-pressed"] == "false" and not row.off)
    choose(rented, other)
    assert rented.result.reasons != made.reasons
    choose(rented, made.flavor)
    assert rented.result == made


def drawn(planner):
    """The live picture's points: name -> (kind, what the page tells of a click)."""
    chart = planner._hardware.chart
    assert page(planner).one(class_="plot-slot")["data-widget"] == chart.model_id
    points = [
        (name, (trace["name"], told))
        for trace in chart.figure["data"]
        for name, told in zip(trace["text"], trace["customdata"], strict=True)
    ]
    return dict(points)


def click(planner, told):
    """What a page sends when a point is clicked."""
    planner._hardware.chart._handle_custom_msg({"click": told}, [])


def test_a_dot_and_a_line_of_the_table_choose_a_machine_too(rented):
    press(rented, "Make a plan")
    chart, made = rented._hardware.chart, rented.result
    assert drawn(rented)[made.flavor] == ("chosen", made.flavor)
    click(rented, drawn(rented)["l4x1"][1])
    assert rented.result.flavor == "l4x1"
    assert rows(rented)["l4x1"]["aria-pressed"] == "true"
    assert drawn(rented)["l4x1"][0] == "chosen"
    assert rented._hardware.chart is chart  # the same, drawn again
    assert page(rented).all(tag="svg", class_="flavors") == []  # it stays in the saved copy
    assert "flavors" in rented.report()
    press(rented, made.flavor)
    assert rented.result == made
    assert rows(rented)[made.flavor].text.count("recommended") == 1
    assert "data-do" not in rented.report()  # a saved card has nothing to click


def test_a_dot_says_its_time_price_and_memory(rented):
    press(rented, "Make a plan")
    assert drawn(rented)
    figure = rented._hardware.chart.figure
    option = next(one.to_dict() for one in rented.result.options if one.flavor.name == "l4x1")
    hovered = next(words for trace in figure["data"] for words in trace["hovertext"] if "l4x1" in words)
    assert hovered.startswith("<b>l4x1 (L4)</b><br>")
    for words in (duration_text(option["seconds"]), usd_text(option["usd"]), bytes_text(option["memory_bytes"])):
        assert words in hovered
    assert "Not beaten by another" in rented._hardware.chart.label


def test_bars_are_measured_by_the_longest_and_the_dearest(rented):
    press(rented, "Make a plan")
    for column in (0, 1):
        bars = [row.all(class_="measure")[column].all(tag="i") for row in rows(rented).values()]
        widths = [float(re.findall(r"[\d.]+", bar[0]["style"])[0]) for bar in bars if bar]
        assert max(widths) == 100
    days = rows(rented)["local"].all(class_="far")  # it takes days here: such a bar has no end
    assert len(days) == 1


def test_a_machine_that_no_job_could_use_is_grey_with_the_reason(planner):
    made = planner.result
    assert not rows(planner)["local"].off
    assert "free" in rows(planner)["local"].text
    other = [row for name, row in rows(planner).items() if name != "local"]
    assert other
    assert all(row.off for row in other)
    reason = page(planner).one(id=other[0]["aria-describedby"])
    assert "a job reaches them once they are on the Hub" in reason.text
    points = drawn(planner)
    assert points.pop("this machine") == ("chosen", "local")
    assert set(points.values()) == {("no job reaches it", None)}
    assert planner.result is made


OPTION = {"name": "", "where": "", "note": "", "fits": True, "seconds": 100.0, "usd": 1.0, "usd_per_hour": 1.0}


@pytest.mark.parametrize(
    ("dear_seconds", "said"),
    [(50.0, {"here": "", "cheap": "cheapest to rent", "dear": "fastest to rent"}),
     (99.0, {"here": "", "cheap": "cheapest and fastest to rent"})],
)  # fmt: skip
def test_nobody_is_offered_a_machine_that_is_dearer_for_nothing(dear_seconds, said):
    here = {**OPTION, "name": "local", "usd": 0.0, "usd_per_hour": 0.0}
    small = {**OPTION, "name": "small", "fits": False, "usd": 0.1}
    options = [
        here,
        small,
        {**OPTION, "name": "cheap"},
        {**OPTION, "name": "dear", "usd": 9.0, "seconds": dear_seconds},
    ]
    found = {option["name"].replace("local", "here"): words for option, words in sensible(options)}
    assert found == said
