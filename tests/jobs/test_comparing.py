"""Runs beside each other: what differs, what they came to, and their curves in one figure."""

from __future__ import annotations

import pytest

import hfft_widgets as hfft
from hfft_widgets.core.run.comparison import Compared, RunComparison
from hfft_widgets.core.run.events import Event
from hfft_widgets.core.run.history import MetricHistory
from hfft_widgets.errors import RunError

PLAN = {"model": "m", "method": "SFT", "peft": "lora", "data": {"name": "rows"}, "edited": False,
        "settings": {"learning_rate": 2e-4, "lora_r": 16}}  # fmt: skip


def history(*values):
    made = MetricHistory()
    for step, value in enumerate(values, 1):
        made.add(Event(step, float(step), "log", step, metrics={"loss": value}))
    return made


def compared(name, rate, *values):
    plan = {**PLAN, "settings": {**PLAN["settings"], "learning_rate": rate}}
    return Compared(f"local:{name}", name, "COMPLETED", "learned", plan, history(*values))


def test_three_are_a_table_and_one_figure():
    found = RunComparison((compared("a", 1e-4, 3.0, 2.0), compared("b", 2e-4, 3.0, 1.5), compared("<c>", 1e-4, 2.9)))
    assert found.differences == (("learning rate", ("0.0001", "0.0002", "0.0001")),)
    assert found.ends == (("loss", (2.0, 1.5, 2.9)),)
    lines = str(found).splitlines()
    assert lines[0].split() == ["a", "b", "<c>"]
    assert lines[-1].split() == ["learning", "rate", "0.0001", "0.0002", "0.0001"]
    assert "&lt;c&gt;" in found.to_html()
    assert "| loss | 2 | 1.5 | 2.9 |" in found.to_markdown()
    traces = found.figure().data
    assert [(one.name, one.line.dash) for one in traces] == [
        ("loss", None), ("loss (b)", "dash"), ("loss (&lt;c&gt;)", "dot"),
    ]  # fmt: skip
    assert len({one.line.color for one in traces}) == 1


def test_a_plan_that_is_gone_and_the_same_plan_are_said():
    one = compared("a", 1e-4)
    assert "not known" in str(RunComparison((one, Compared("local:b", "b"))))
    assert "are the same" in RunComparison((one, one)).to_html()


def test_runs_are_named_apart(start):
    one, other = start("tell('end')").wait(30), start("tell('end')").wait(30)
    found = hfft.compare(one, other)
    assert [run.name for run in found.runs] == [f"{one.title} (1)", f"{one.title} (2)"]
    assert found.to_dict()["kind"] == "run_comparison"
    with pytest.raises(RunError, match="two runs"):
        hfft.compare(one)
