"""In what two runs differ, in words."""

from __future__ import annotations

import pytest

from hfft_widgets.core.run.comparison import told_differences

PLAN = {
    "model": "m", "method": "SFT", "peft": "lora", "data": {"name": "rows"}, "edited": False,
    "settings": {"learning_rate": 2e-4, "lora_r": 16, "max_steps": -1, "packing": False, "num_generations": 8},
}  # fmt: skip


@pytest.mark.parametrize(
    ("other", "words"),
    [
        ({}, "Model, data and settings are the same."),
        ({"model": "other"}, "It had model other instead of m."),
        ({"data": {"name": "more"}, "edited": True},
         "It had data more instead of rows, script edited by hand on instead of off."),
        ({"settings": {**PLAN["settings"], "max_steps": 7, "packing": True}},
         "It had max steps 7 instead of none, packing on instead of off."),
        ({"settings": {"learning_rate": 2e-4}}, "Model, data and settings are the same."),  # of an older version
        ({"settings": {**PLAN["settings"], "num_generations": 2}}, "Model, data and settings are the same."),
        ({"method": "GRPO", "settings": {**PLAN["settings"], "num_generations": 2}},
         "It had method GRPO instead of SFT, answers 2 instead of 8."),
    ],
)  # fmt: skip
def test_what_differs_and_says_something_is_told(other, words):
    assert told_differences(PLAN, {**PLAN, **other}) == words


def test_many_differences_are_counted():
    other = {**PLAN, "model": "a", "method": "DPO", "peft": "none", "data": {"name": "b"}, "edited": True,
             "settings": {**PLAN["settings"], "learning_rate": 1e-5, "packing": True, "lora_r": 4}}  # fmt: skip
    words = told_differences(PLAN, other)
    assert words.count("instead of") == 6
    assert words.endswith(", and 2 more differences.")


def test_a_plan_that_is_gone_is_said():
    assert "not known" in told_differences(PLAN, {})
