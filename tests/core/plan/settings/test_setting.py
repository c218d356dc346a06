"""What is known of a setting is true of it: its bounds, TRL's name for it, the methods and the figures it concerns."""

from __future__ import annotations

import dataclasses
import math
from typing import get_type_hints

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hfft_widgets.core.method import METHODS
from hfft_widgets.core.plan.settings import (
    REWARDS,
    SETTING_NAMES,
    SETTINGS,
    Settings,
    SettingValues,
    moving,
)
from hfft_widgets.core.plan.settings.setting import Setting
from hfft_widgets.errors import PlanError
from tests.core.plan.reports import plan
from tests.core.plan.test_recipe import HOSTILE

NUMBERS = st.integers() | st.floats() | st.sampled_from([-1, 0, 1, 2, 2**31 - 1, 2**31, 1e6, math.inf, math.nan, -0.0])
NAMES = [*REWARDS, "x"]
ANYTHING = NUMBERS | st.none() | st.booleans() | st.text(max_size=4) | st.lists(st.sampled_from([*REWARDS, "x", 1, []]))


def accepts(name: str, value: object) -> bool:
    try:
        Settings(**{name: value})
    except PlanError as error:
        return not (name in str(error) and error.remedy)
    return True


def test_every_field_says_what_is_known_of_it():
    assert list(SETTINGS) == [field.name for field in dataclasses.fields(Settings)]
    for name, setting in SETTINGS.items():
        assert setting.label
        assert setting.help
        assert setting.group
        assert setting.methods
        assert f"    {name}: {setting.help}" in Settings.__doc__
    assert len({setting.label for setting in SETTINGS.values()}) == len(SETTINGS)


@given(st.sampled_from(sorted(SETTINGS)), ANYTHING)
def test_a_value_is_taken_if_and_only_if_it_is_of_the_kind_and_within_the_bounds(name, value):
    setting = SETTINGS[name]
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    within = number and setting.least <= value <= setting.most
    sound = {
        "whole number": within and isinstance(value, int) and value != setting.never,
        "number": within and not (setting.above and value == setting.least),
        "switch": value is True or value is False,
        "choice": isinstance(value, str) and value in setting.choices,
        "names": isinstance(value, list)
        and all(value.count(one) == 1 and (one in setting.choices or (setting.free and one in NAMES)) for one in value),
    }[setting.kind]
    assert accepts(name, value) is (sound or (value is None and name in {"beta", "rows"}))


@pytest.mark.parametrize(
    ("name", "last", "first"),
    [
        ("batch_size", 0, 1), ("num_generations", 1, 2), ("seed", -1, 0), ("questions", -1, 0), ("max_steps", -2, -1),
        ("learning_rate", 0, 1e-12), ("num_train_epochs", 0.0, 0.01), ("temperature", 0, 0.1), ("warmup", -0.1, 0),
        ("weight_decay", -1e-9, 0.0), ("beta", -1, 0), ("eval_rows", 0, 1), ("save_steps", 0, 1),
    ],
)  # fmt: skip
def test_bounds_are_where_they_were(name, last, first):
    """The last value that is refused, and the first that is taken."""
    assert not accepts(name, last)
    assert accepts(name, first)


def test_the_methods_that_know_a_setting():
    answered = ("SFT", "DPO", "GRPO", "KTO", "RLOO")
    known = {
        "max_length": ("SFT", "DPO", "KTO", "Reward"), "packing": ("SFT",), "group_by_length": ("SFT",),
        "assistant_only_loss": ("SFT",),
        "answers_only": ("SFT",), "beta": ("DPO", "GRPO", "KTO", "RLOO"), "questions": answered,
        **dict.fromkeys(
            ("rewards", "num_generations", "num_iterations", "temperature", "max_completion_length",
             "thinking", "mask_truncated_completions", "use_vllm"), ("GRPO", "RLOO")
        ),
    }  # fmt: skip
    for name, setting in SETTINGS.items():
        assert setting.methods == known.get(name, tuple(METHODS)), name


def test_trl_has_every_name_in_the_config_of_every_method_that_knows_it():
    import trl

    for name, setting in SETTINGS.items():
        for method in setting.methods if setting.trl else ():
            config = getattr(trl, f"{method}Config")
            assert setting.trl in {field.name for field in dataclasses.fields(config)}, (name, method)


OTHER = {
    "learning_rate": 1e-5, "num_train_epochs": 7, "max_steps": 3, "batch_size": 8, "accumulation": 8, "max_length": 64,
    "packing": True, "group_by_length": True,
    "warmup": 0.2, "lr_scheduler_type": "linear", "weight_decay": 0.1, "lora_r": 64, "lora_alpha": 8,
    "assistant_only_loss": False, "answers_only": True, "beta": 0.3, "rewards": ("close",), "num_generations": 2,
    "num_iterations": 3, "temperature": 0.5, "max_completion_length": 900,
    "thinking": True, "activation_checkpointing": False,
    "eval_rows": 5, "questions": 100, "logging_steps": 77, "eval_steps": 77, "save_steps": 77, "private": False,
    "trackio": True, "seed": 7,
    "rows": 200, "lora_targets": ("attention",), "lora_dropout": 0.1, "use_rslora": True, "use_dora": True,
    "mask_truncated_completions": True, "use_vllm": True, "optim": "adamw_8bit", "bf16_weights": True,
}  # fmt: skip


@pytest.fixture(scope="module")
def plans():
    here = [plan(), plan(kind="verifiable", method="GRPO"), plan("Qwen3-1.7B", flavor="t4-medium")]
    here += [
        plan(kind="verifiable", method="GRPO", flavor="a100-large", use_vllm=False),
        plan(flavor="a100-large", peft="none"),
    ]
    made = [*(one.with_values(max_length=1024) for one in here), plan(flavor="a100-large").with_values(max_length=4096)]
    long = {"tokens_per_row": 500.0, "longest_tokens": 900, "lengths": None}
    return [dataclasses.replace(one, data=dataclasses.replace(one.data, **long)) for one in made]


@pytest.mark.parametrize("name", sorted(SETTINGS))
def test_a_setting_moves_the_figures_it_says_and_no_others(plans, name):
    """Reasons that hold a figure are dropped when a setting that moves it changes: see `Reason.after`."""
    changed = [(p.estimate, p.with_values(**{name: OTHER[name]}).estimate) for p in plans]
    memory = any(old.memory_bytes != new.memory_bytes for old, new in changed)
    seconds = any(old.seconds != new.seconds for old, new in changed)
    assert seconds is (name in moving("time"))
    # how many answers are compared limits the batch, and through it the memory
    assert (memory or name == "num_generations") is (name in moving("memory"))


def test_a_number_is_the_same_however_it_was_typed():
    assert str(Settings(num_train_epochs=3).to_dict()) == str(Settings(num_train_epochs=3.0).to_dict())
    assert Settings().to_dict()["beta"] is None
    assert Settings(**Settings().to_dict()) == Settings()


def test_a_setting_without_bounds_in_words_is_none():
    assert Setting("", "", "", "whole number", least=2).allowed == "It must be a whole number of at least 2."
    assert Setting("", "", "", "number", above=True).allowed == "It must be a number above 0."


@given(
    name=st.sampled_from(sorted(SETTING_NAMES)), value=st.sampled_from([HOSTILE, [HOSTILE], {}, None, True, -7, 1e300])
)
def test_a_setting_is_its_kind_of_value_or_refused(name, value):
    """Settings are written into code: nothing that is not a number, a switch or a known word gets that far."""
    try:
        kept = getattr(Settings(**{name: value}), name)
    except PlanError:
        return
    assert kept == value or kept == tuple(value)
    assert type(kept) in {int, float, bool, type(None), tuple, str}
    assert HOSTILE not in str(kept)


def test_every_reward_is_a_function_of_its_module():
    import importlib

    for name, reward in REWARDS.items():
        assert callable(getattr(importlib.import_module(f"hfft_widgets.scripts.{reward.module}"), name))


def test_an_editor_completes_the_settings_that_there_are():
    assert get_type_hints(SettingValues) == get_type_hints(Settings)
