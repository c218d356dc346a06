"""`hfft.replay`: a run like any other, in every place that takes one."""

from __future__ import annotations

import math
import subprocess
import sys

import pytest

import hfft_widgets as hfft
from hfft_widgets.jobs.replay import recorded

SIGNS = {
    "overfit": "overfitting", "diverging": "diverging", "slow": None, "dpo": "both answers lose",
    "hacked": "reward hacking", "grpo": None, "sft": None, "answers": None,
}  # fmt: skip
LEAN = """
import sys, psutil
import hfft_widgets as hfft
for name in hfft.recordings():
    run = hfft.replay(name, speed=float("inf")).wait()
    run.to_dict("card"), run._repr_html_(), run.verdict, run.health, run.diagnosis, run.figure(), run.log
    hfft.TrainingMonitor(run).html()
heavy = {"torch", "transformers", "datasets", "trl", "pandas"} & set(sys.modules)
print(sorted(heavy), psutil.Process().memory_info().rss // 10**6)
"""


def whole(name: str) -> hfft.Run:
    return hfft.replay(name, speed=math.inf).wait()


@pytest.mark.parametrize(("name", "sign"), SIGNS.items())
def test_what_a_recording_is_for_is_seen_in_it(name, sign):
    run = whole(name)
    assert run.stage == "COMPLETED"
    assert next((found.name for found in run.health), None) == sign, [found.words for found in run.health]


def test_out_of_memory_is_known():
    run = whole("memory")
    assert run.stage == "ERROR"
    assert run.diagnosis.cause.startswith("Out of memory")
    assert run.diagnosis.change == {"batch_size": 1200, "accumulation": 4}


def test_a_reward_grows():
    run = whole("grpo")
    reward = [point.value for point in run.history["reward"]]
    third = len(reward) // 3
    assert sum(reward[-third:]) > 1.3 * sum(reward[:third])
    assert run.verdict.outcome == "same"  # on held-out prompts


def test_steps_that_are_too_large_leave_a_worse_model():
    run = whole("diverging")
    assert run.history.last("eval_loss").value > 2 * run.history["eval_loss"][0].value
    assert run.verdict.outcome == "worse"


def test_a_reward_is_hacked():
    run = whole("hacked")
    last = {name: [point.value for point in run.history[name][-5:]] for name in ("reward", "rewards/correct/mean")}
    assert min(last["reward"]) > 0.3
    assert max(last["rewards/correct/mean"]) == 0
    assert run.verdict.outcome == "worse"


def test_the_lower_loss_is_no_better_model():
    """Learned whole, a long system prompt that every row repeats makes the loss low; the answers are as often wrong."""
    whole_rows, answers = whole("whole"), whole("answers")
    assert whole_rows.history.last("loss").value < 0.4 * answers.history.last("loss").value
    shares = [run.journal.data("answers")["score"]["after"] for run in (whole_rows, answers)]
    assert abs(shares[0] - shares[1]) <= 0.05, "of 40 questions a difference of two is none"


def test_it_says_that_it_is_one_wherever_it_is_shown():
    run = whole("sft")
    about = hfft.recordings()["sft"]
    for text in (str(run), run.to_markdown(), run._repr_html_(), hfft.TrainingMonitor(run).html()):
        assert "A recording." in text
        assert about.split(".")[0] in text
    assert "Delete this run" not in hfft.TrainingMonitor(run).html()


def test_an_id_is_enough():
    run = hfft.replay("overfit", speed=500)
    again = hfft.attach(run.id)
    assert (again.id, again.title, again.plan["recorded"]) == (run.id, run.title, hfft.recordings()["overfit"])
    assert hfft.attach("replay:overfit").wait().stage == "COMPLETED"
    with pytest.raises(hfft.errors.RunNotFoundError, match=r"Choose one of: .*overfit"):
        hfft.attach("replay:nothing")


def test_what_needs_its_model_says_that_it_was_not_kept():
    run = whole("sft")
    for act in (lambda: hfft.plan_export(run), lambda: run.answer("Which module?")):
        with pytest.raises(hfft.errors.ExportError, match="is a recording: its model was not kept"):
            act()


@pytest.mark.parametrize("speed", [0, -1, math.nan, 1e9])
def test_a_speed_that_shows_nothing_is_refused(speed):
    with pytest.raises(hfft.errors.RunError, match="shows nothing"):
        hfft.replay("sft", speed=speed)


@pytest.mark.ci
def test_every_recording_is_seen_with_little_memory_and_without_torch():
    done = subprocess.run([sys.executable, "-c", LEAN], capture_output=True, text=True, timeout=200, check=False)
    assert done.returncode == 0, done.stderr
    heavy, megabytes = done.stdout.split("] ")
    assert heavy == "["
    assert int(megabytes) < 300


def test_the_names_are_those_of_the_files():
    assert tuple(hfft.recordings()) == recorded.names()
