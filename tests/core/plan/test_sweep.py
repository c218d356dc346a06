"""A sweep is one plan with several values of a setting: priced together, refused where scores could not be compared."""

from __future__ import annotations

import pytest

from hfft_widgets import cards
from hfft_widgets.core.plan.sweep import Sweep
from hfft_widgets.errors import PlanError
from tests.core.plan.reports import plan


def test_each_value_has_a_plan_that_differs_in_nothing_else():
    made = plan(push_to="me/it", flavor="t4-small")
    sweep = made.sweep("learning_rate", [1e-5, 1e-4, 1e-3])
    assert isinstance(sweep, Sweep)
    assert [one.settings.learning_rate for one in sweep.plans] == [1e-5, 1e-4, 1e-3]
    assert [one.push_to for one in sweep.plans] == [
        f"me/it-learning-rate-{end}" for end in ("1e-05", "0.0001", "0.001")
    ]
    assert sweep.ceiling_usd == pytest.approx(3 * made.estimate.ceiling_usd)
    assert sweep.seconds == pytest.approx(made.estimate.seconds.mid)  # beside each other
    assert len({one.fingerprint for one in sweep.plans}) == 3
    assert sweep.metric == "eval_loss"


def test_trls_name_is_understood():
    assert plan().sweep("per_device_train_batch_size", [2, 4]).setting == "batch_size"


@pytest.mark.parametrize(
    ("setting", "values", "words"),
    [
        ("learning_rate", [1e-4], "from 2 to 6 values"),
        ("learning_rate", [10.0**-n for n in range(2, 9)], "from 2 to 6 values"),
        ("learning_rate", [1e-4, 0.0001], "twice"),
        ("learning_rate", 1e-4, "from 2 to 6 values"),
        ("learning_rate", [1e-4, 50], "learning_rate is 50"),
        ("lr", [1e-4, 1e-3], "Did you mean learning_rate?"),
        ("max_length", [64, 128], "cannot be swept"),
        ("lora_r", [8, 16], "changes nothing"),
        ("save_steps", [8, 16], "changes nothing"),
    ],
)
def test_what_cannot_be_swept_says_why(setting, values, words):
    with pytest.raises(PlanError) as refused:
        plan(peft="none").sweep(setting, values)
    assert words in f"{refused.value} {refused.value.remedy}"
    assert refused.value.remedy


def test_its_card_says_price_and_rule():
    sweep = plan(flavor="t4-small", push_to="me/it").sweep("num_train_epochs", [1, 2])
    for text in (str(sweep), sweep.to_markdown(), sweep.to_html()):
        assert "third of its steps" in text
    assert "at most" in str(sweep)
    assert cards.show(sweep.to_dict()).to_html()
