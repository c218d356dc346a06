"""The field in which both models are asked, and the answers while it trains."""

from __future__ import annotations

import pytest

import hfft_widgets as hfft
from hfft_widgets.jobs.asking.answers import ModelAnswer
from hfft_widgets.jobs.run import Run
from tests.jobs.conftest import home, local, start, until
from tests.widgets.html import fill, page, press

__all__ = ["home", "local", "start"]
pytestmark = pytest.mark.usefixtures("jobs")

STEPS = """
for step, said in ((0, "the the"), (2, "json?"), (4, "json?"), (6, "<b>json</b>")):
    tell("samples", step=step, prompts=["Which module?"], answers=[said])
tell("answers", count=1, rows=[{"prompt": "Which module?", "expected": "json", "before": "the", "after": "json"}])
tell("end")
"""


def test_the_answers_show_as_they_change(start):
    monitor = hfft.TrainingMonitor(start(STEPS + "\ntime.sleep(60)", kind="training").id)
    until(lambda: "step 6" in page(monitor).words)
    shown = page(monitor).words
    assert "the the" in shown
    assert "<b>json</b>" in shown  # as text
    assert "step 4" not in shown  # the same as before
    monitor.run.cancel()


def test_both_are_asked_by_a_click(start, monkeypatch):
    asked = []

    def answer(self, prompt):
        asked.append(prompt)
        return ModelAnswer(prompt, "json", "the the")

    monkeypatch.setattr(Run, "answer", answer)
    monitor = hfft.TrainingMonitor(start(STEPS).wait(30).id)
    until(lambda: monitor.result is not None)
    press(monitor, "Ask both")
    until(lambda: monitor.error is not None)
    assert "no question" in str(monitor.error)
    fill(monitor, "Ask it", "Which module?")
    press(monitor, "Ask both")
    until(lambda: "Untrained" in page(monitor).words)
    assert asked == ["Which module?"]
    assert "the the" in page(monitor).words


def test_a_run_is_deleted_by_two_clicks(start):
    run = start("tell('end')").wait(30)
    monitor = hfft.TrainingMonitor(run.id)
    until(lambda: monitor.result is not None)
    press(monitor, "Delete this run")
    press(monitor, "Keep it")
    assert "Delete it" not in page(monitor).buttons
    press(monitor, "Delete this run")
    press(monitor, "Delete it")
    assert monitor.run is None
    assert run.id not in [one.id for one in hfft.runs(on="local")]
