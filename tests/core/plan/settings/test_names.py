"""TRL's names are taken for the settings they mean; what is near or means something else gets an answer."""

from __future__ import annotations

import dataclasses

import pytest

from hfft_widgets.core.plan.settings import SETTINGS
from hfft_widgets.core.plan.settings.names import TRL, understood
from hfft_widgets.errors import PlanError
from tests.core.plan.reports import plan


def test_exact_names_of_trl_are_understood_everywhere():
    said = {"per_device_train_batch_size": 2, "gradient_accumulation_steps": 3, "gradient_checkpointing": False}
    made = plan(peft="lora", lora_r=8, target_modules=["q_proj"], hub_model_id="me/it", **said)
    assert (made.settings.batch_size, made.settings.accumulation, made.push_to) == (2, 3, "me/it")
    assert not made.settings.activation_checkpointing
    assert made.settings.lora_targets == ("q_proj",)
    changed = made.replace(per_device_train_batch_size=4, optim="adafactor", target_modules="all-linear")
    assert (changed.settings.batch_size, changed.settings.optim, changed.settings.lora_targets) == (4, "adafactor", ())
    assert set(TRL.values()) - {"push_to"} <= set(SETTINGS)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("lr", "Did you mean learning_rate?"),
        ("epochs", "Did you mean num_train_epochs?"),
        ("max_seq_length", "Did you mean max_length?"),
        ("learning_rat", "Did you mean learning_rate?"),
        ("per_device_batch_size", "Did you mean batch_size?"),
        ("load_in_4bit", 'Give peft="qlora".'),
        ("bf16", "Leave it away"),
        ("chat_template_kwargs", "thinking"),
        ("xyzzy", "Settings: accumulation"),
    ],
)
def test_other_names_are_answered(name, words):
    with pytest.raises(PlanError) as refused:
        plan(**{name: 1})
    assert words in refused.value.remedy
    with pytest.raises(PlanError, match=name):
        plan().replace(**{name: 1})


def test_several_are_answered_each():
    with pytest.raises(PlanError, match="Unknown setting epochs, lr") as refused:
        plan(lr=1, epochs=2)
    assert "learning_rate, for lr?" in refused.value.remedy


def test_one_value_is_given_once():
    with pytest.raises(PlanError, match="batch_size is given twice"):
        understood({"batch_size": 1, "per_device_train_batch_size": 1})


def test_every_name_is_one_of_todays_config_classes():
    import peft
    import trl

    known = {
        field.name for one in (trl.SFTConfig, trl.GRPOConfig, peft.LoraConfig) for field in dataclasses.fields(one)
    }
    assert set(TRL) - known <= {"train_batch_size", "gradient_checkpointing"}
