"""What a person may type: a plan, an estimate, or a clear answer, and never another error."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

import hfft_widgets as hfft
from hfft_widgets import inputs
from hfft_widgets.core.estimate.estimate import Estimate
from hfft_widgets.core.plan.settings import SETTINGS, Settings
from hfft_widgets.core.plan.workload import Training
from hfft_widgets.errors import HfftError, ModelError, PlanError
from tests.core.plan.reports import PLANS
from tests.core.plan.test_model import LLAMA_3_2_3B

WORDS = ["", "true", "false", "yes", "no slash here", "x\ny/z", "nan", "1e308", "LoRA", "sft", [], {}, (1,)]
ANYTHING = (
    st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.floats(allow_nan=True, allow_infinity=True)
    | st.sampled_from([*WORDS, 1e308, 1e99, 50, 5, 2, 0, -1, 2.5])
)
ESTIMATED = (
    "method", "peft", "lora_r", "dtype", "mixed_precision", "max_length", "batch_size", "accumulation", "checkpointing",
    "optimizer", "full_logits", "tokens", "rows", "tokens_per_row", "epochs", "completion_tokens", "generations",
    "vllm", "gpu", "gpus", "flavor",
)  # fmt: skip


def made(call: Callable[[], object], kind: type) -> bool:
    """Whether it was made; else the answer says what happened, and what to do."""
    try:
        found = call()
    except HfftError as error:
        found = error
    assert isinstance(found, kind) or (isinstance(found, HfftError) and found.what and found.remedy)
    return isinstance(found, kind)


@given(st.sampled_from(ESTIMATED), ANYTHING)
def test_an_estimate_or_a_clear_answer(name, value):
    made(lambda: hfft.estimate(LLAMA_3_2_3B, **{"gpu": "A100", name: value}), Estimate)


@given(st.sampled_from(sorted(SETTINGS)), ANYTHING)
def test_a_setting_or_a_clear_answer(name, value):
    if made(lambda: Settings(**{name: value}), Settings):
        own = {"settings": Settings(**{name: value})}
        made(lambda: dataclasses.replace(PLANS["SFT"], **own).estimate, Estimate)


@given(st.sampled_from(["method", "peft", "flavor", "push_to"]), ANYTHING)
def test_a_plan_or_a_clear_answer(name, value):
    made(lambda: dataclasses.replace(PLANS["SFT"], **{name: value}), Training)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"learning_rate": 50}, "above 0 to 1"), ({"learning_rate": float("nan")}, "above 0"),
        ({"max_length": 5}, "from 16"), ({"warmup": 2.0}, "to 0.9"), ({"max_steps": 0}, "not 0"),
        ({"lora_r": 100_000}, "to 1,024"), ({"weight_decay": 1e5}, "to 1"), ({"num_train_epochs": 1e308}, "to 1,000"),
        ({"activation_checkpointing": "false"}, "True or False"),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_answered_with_what_can(wrong, words):
    with pytest.raises(PlanError) as caught:
        Settings(**wrong)
    assert words in caught.value.remedy


@pytest.mark.parametrize("name", ["no slash here", "x\ny/z", "me/", "/it", "me/it/too", "me/a--b", "", 5])
def test_a_repository_has_an_owner_and_a_name(name):
    with pytest.raises(PlanError, match="push_to is"):
        dataclasses.replace(PLANS["SFT"], push_to=name)


def test_what_was_nearly_right_is_guessed():
    for name, value, meant in (("method", "sft", "SFT"), ("peft", "LoRA", "lora")):
        with pytest.raises(PlanError) as caught:
            dataclasses.replace(PLANS["SFT"], **{name: value})
        assert f"Did you mean {meant!r}?" in caught.value.remedy


@pytest.mark.parametrize("model", [None, 5, b"x", ["a"]])
def test_no_model_is_no_crash(model):
    with pytest.raises(ModelError, match="The model is"):
        hfft.estimate(model)


@pytest.mark.parametrize("key", ["num_hidden_layers", "hidden_size", "vocab_size"])
@pytest.mark.parametrize("size", [1e99, float("inf"), float("nan"), "many", -1])
def test_a_model_that_cannot_be_is_refused(key, size):
    with pytest.raises(ModelError):
        hfft.estimate({**LLAMA_3_2_3B, key: size}, gpu="A100")


def test_the_page_of_a_model_is_its_name(monkeypatch):
    asked = []

    def fetch(model, *, weights):
        asked.append(model)
        raise ModelError("not here", remedy="none")

    monkeypatch.setattr("hfft_widgets.hub.models.fetch_model", fetch)
    for typed in ("https://huggingface.co/Qwen/Qwen3-0.6B", "hf.co/Qwen/Qwen3-0.6B/tree/main", " Qwen/Qwen3-0.6B "):
        with pytest.raises(ModelError, match="not here"):
            inputs.model_folder(typed)
    assert set(asked) == {"Qwen/Qwen3-0.6B"}


def test_machines_without_a_gpu_have_a_price_offline():
    assert inputs.machine("cpu-basic").usd_per_hour == pytest.approx(0.01)
