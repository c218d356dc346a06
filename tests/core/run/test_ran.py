"""What is said of a run with an edited script is what that script trained."""

from __future__ import annotations

import pytest

from hfft_widgets.core.run.ran import as_it_ran

PLAN = {
    "title": "SFT of a", "model": "org/a", "method": "SFT", "peft": "lora", "edited": True,
    "data": {"name": "org/d", "rows": 9},
    "settings": {"learning_rate": 1e-4, "batch_size": 8, "rewards": []},
}  # fmt: skip
TOLD = {
    "title": "DPO of b", "model": "org/b", "method": "DPO", "peft": "none", "data": "other.jsonl",
    "arguments": {"learning_rate": 1e-3, "per_device_train_batch_size": 2, "optim": "adamw"},
}  # fmt: skip


def test_an_edited_script_speaks_for_itself():
    found = as_it_ran(PLAN, TOLD)
    assert (found["title"], found["model"], found["method"], found["peft"]) == ("DPO of b", "org/b", "DPO", "none")
    assert found["data"] == {"name": "other.jsonl", "rows": 9}
    assert found["settings"] == {"learning_rate": 1e-3, "batch_size": 2, "rewards": [], "optim": "adamw"}


@pytest.mark.parametrize("told", [{}, {"arguments": 3, "model": None}, {"title": 7}])
def test_what_it_does_not_tell_stays(told):
    assert as_it_ran(PLAN, told) == PLAN


def test_a_script_that_was_not_edited_is_its_plan():
    plan = {**PLAN, "edited": False}
    assert as_it_ran(plan, TOLD) is plan
