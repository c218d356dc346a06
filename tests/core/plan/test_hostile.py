"""Whatever is legal gives a plan with sound figures; whatever is not is refused in words; nothing becomes code."""

from __future__ import annotations

import ast
import dataclasses
import json
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hfft_widgets.core.plan.flavors import FLAVORS, gpu_name, local_flavor
from hfft_widgets.core.plan.measure import data_facts
from hfft_widgets.core.plan.model import model_facts
from hfft_widgets.core.plan.recommend import Wishes, recommend
from hfft_widgets.core.plan.settings import SCHEDULES, SETTING_NAMES, DataFacts
from hfft_widgets.core.plan.training import METHODS, TrainingPlan
from hfft_widgets.errors import DataError, ModelError, PlanError
from tests.core.plan.reports import CONFIGS, MACHINES, model, plan, report

KINDS = {"SFT": "messages", "DPO": "preference", "KTO": "marked", "Reward": "preference",
         "GRPO": "verifiable", "RLOO": "verifiable"}  # fmt: skip
PLANS = {method: plan(kind=kind, method=method) for method, kind in KINDS.items()}
LEGAL = {
    "learning_rate": st.floats(1e-9, 1), "num_train_epochs": st.floats(1e-3, 1e3), "max_steps": st.integers(-1, 10**6),
    "batch_size": st.integers(1, 512), "accumulation": st.integers(1, 512), "max_length": st.integers(1, 2**17),
    "packing": st.booleans(), "warmup": st.floats(0, 1), "lr_scheduler_type": st.sampled_from(SCHEDULES),
    "weight_decay": st.floats(0, 1), "lora_r": st.integers(1, 512), "lora_alpha": st.integers(1, 1024),
    "assistant_only_loss": st.booleans(), "answers_only": st.booleans(), "beta": st.none() | st.floats(0, 10),
    "rewards": st.lists(st.sampled_from(["correct", "brief"]), unique=True), "num_generations": st.integers(2, 16),
    "num_iterations": st.integers(1, 4), "temperature": st.floats(0.01, 5),
    "max_completion_length": st.integers(1, 10**5), "activation_checkpointing": st.booleans(),
    "eval_rows": st.integers(1, 599), "questions": st.integers(0, 100), "logging_steps": st.integers(1, 10**6),
    "eval_steps": st.integers(1, 10**6), "save_steps": st.integers(1, 10**6), "private": st.booleans(),
    "trackio": st.booleans(), "seed": st.integers(0, 2**31 - 1),
}  # fmt: skip
ATTACKS = [
    'x"; import os #', "'''\n\"\"\"", "{0}%s\\", "\u202e", "</script><img src=x onerror=alert(1)>", "a\r\nPLAN = 1",
]  # fmt: skip
HOSTILE = st.text(min_size=1, max_size=40) | st.sampled_from(ATTACKS)


def check(made: TrainingPlan) -> None:
    e = made.estimate
    for span in (e.memory_bytes, e.seconds, e.usd):
        assert all(math.isfinite(value) for value in (span.low, span.mid, span.high))
        assert 0 <= span.low <= span.mid <= span.high
    assert e.steps >= 1
    assert made.effective_batch_size >= 1
    assert str(made)
    json.dumps(made.to_dict())


def test_every_setting_has_legal_values_here():
    assert set(LEGAL) == SETTING_NAMES


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(METHODS), st.sampled_from(MACHINES), st.sampled_from(["none", "lora"]),
    st.fixed_dictionaries({}, optional=LEGAL),
)  # fmt: skip
def test_every_legal_setting_on_every_flavor_gives_a_plan(method, flavor, peft, values):
    """Or what TRL would refuse about a step of answers, with what to choose instead."""
    try:
        made = PLANS[method].replace(flavor=flavor.name, peft=peft, **values)
    except PlanError:
        if method not in {"GRPO", "RLOO"}:
            raise
        return
    check(made)
    compile(made.script, "script.py", "exec")


@settings(max_examples=25, deadline=None)
@given(HOSTILE, HOSTILE, HOSTILE)
def test_names_never_become_code_or_markup(name, dataset, goal):
    made = PLANS["SFT"]
    data = dataclasses.replace(made.data, name=dataset, reference={"path": dataset, "split": name})
    facts = dataclasses.replace(made.facts, reference=name, licence=name, architecture=name, gated=True)
    evil = dataclasses.replace(made, model=name, data=data, facts=facts, goal=goal, push_to=name)
    tree = ast.parse(evil.script)
    assigned = {node.targets[0].id: node.value for node in tree.body if isinstance(node, ast.Assign)}
    assert ast.literal_eval(assigned["MODEL"]) == name
    assert ast.literal_eval(assigned["DATASET"])["path"] == dataset
    usual = ast.parse(made.replace(push_to="me/it").script)
    kinds = [[type(node) for node in ast.walk(one) if isinstance(node, ast.stmt)] for one in (tree, usual)]
    assert kinds[0] == kinds[1]
    html = evil._repr_html_()
    assert "<img" not in html
    assert "</script>" not in html
    assert 'href="javascript' not in html


# ---- data ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", METHODS)
def test_hardly_any_rows(method):
    made = PLANS[method].replace(eval_rows=1)
    few = dataclasses.replace(made.data, rows=2)
    for name in ("local", "t4-small", "h200x8"):
        there = dataclasses.replace(made, data=few).replace(flavor=name)
        check(there)
        assert "very few" in " ".join(there.warnings)


@pytest.mark.parametrize(("count", "words"), [(0, "0 usable rows"), (1, "1 usable row:")])
def test_one_row_is_too_few_for_training_and_holding_out(count, words):
    found = report("messages")
    few = dataclasses.replace(data_facts(found, "SFT"), rows=count)
    with pytest.raises(PlanError, match=words) as caught:
        recommend(model("Qwen3-0.6B"), found, few, MACHINES, Wishes())
    assert "more rows" in caught.value.remedy
    check(plan(count=2))


def test_more_rows_cannot_be_held_out_than_there_are():
    made = PLANS["SFT"]
    assert made.replace(eval_rows=599).estimate.steps >= 1
    with pytest.raises(PlanError, match="none would be left") as caught:
        made.replace(eval_rows=600)
    assert "at most 599" in caught.value.remedy


def long_rows(**changes) -> DataFacts:
    return dataclasses.replace(PLANS["SFT"].data, **{"longest_tokens": 3000, "tokens_per_row": 900.0, **changes})


def test_a_context_shorter_than_the_rows_is_the_limit_and_is_said():
    short = model("Qwen3-0.6B", max_position_embeddings=1000)
    made = recommend(short, report("messages"), long_rows(), MACHINES, Wishes())
    assert made.settings.max_length == 1000
    assert made.work.max_length == 1000
    assert "was made for no more" in str(made)
    longer = made.replace(max_length=2000)
    assert "more than the 1,000 tokens" in " ".join(longer.warnings)
    assert "more than the" not in " ".join(made.warnings)


def test_the_limit_chosen_with_the_data_is_the_plans_with_a_reason():
    found = report("messages")
    chosen = long_rows(max_length=777)
    made = recommend(model("Qwen3-0.6B"), found, chosen, MACHINES, Wishes())
    assert made.settings.max_length == 777
    words = "max_length 777: the limit you chose with the data."
    assert words in str(made)
    assert words in made._repr_html_()
    assert "max_length=777" in made.script
    mine = recommend(model("Qwen3-0.6B"), found, chosen, MACHINES, Wishes(settings={"max_length": 512}))
    assert mine.settings.max_length == 512
    assert "you chose with the data" not in str(mine)
    short = recommend(model("Qwen3-0.6B", max_position_embeddings=500), found, chosen, MACHINES, Wishes())
    assert short.settings.max_length == 500


# ---- models --------------------------------------------------------------------------------------

CONFIG_VALUES = st.none() | st.booleans() | st.integers(-5, 10**6) | st.floats() | st.text(max_size=5) | st.just([1])
CONFIG_KEYS = ["model_type", "architectures", "text_config", "vision_config", "quantization_config", "num_experts",
               "num_key_value_heads", "tie_word_embeddings", "max_position_embeddings", "attention_bias", "head_dim",
               "hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size",
               "vocab_size"]  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(st.sampled_from(CONFIG_KEYS), CONFIG_VALUES, max_size=4))
def test_any_configuration_is_read_or_refused(changes):
    config = {**CONFIGS["Qwen3-0.6B"], **changes}
    try:
        facts = model_facts(json.loads(json.dumps(config)), reference="org/x", local=False)
    except ModelError:
        return
    assert facts.parameters > 0
    json.dumps(facts.to_dict())


def test_a_packed_copy_is_refused_with_what_to_take():
    packed = model("Qwen3-0.6B", quantization_config={"quant_method": "awq"})
    found = report("messages")
    with pytest.raises(PlanError, match="packed into few bits") as caught:
        recommend(packed, found, data_facts(found, "SFT"), MACHINES, Wishes())
    assert "made from" in caught.value.remedy


@pytest.mark.parametrize(
    ("changes", "words"),
    [({"num_experts": 8}, "architecture"), ({"vision_config": {}, "image_token_id": 5}, "pictures")],
)
def test_experts_and_pictures_are_planned_with_what_is_unknown(changes, words):
    found = report("messages")
    made = recommend(model("Qwen3-0.6B", **changes), found, data_facts(found, "SFT"), MACHINES, Wishes())
    check(made)
    assert words in " ".join(made.facts.unknown)
    assert words in made._repr_html_()


def test_gated_terms_are_said_wherever_the_plan_is_shown():
    gated = dataclasses.replace(PLANS["SFT"].facts, gated=True)
    made = dataclasses.replace(PLANS["SFT"], facts=gated)
    for rendered in (str(made), made.to_markdown(), made._repr_html_()):
        assert "accepted its terms" in rendered
        assert gated.page in rendered
    assert f'href="{gated.page}"' in made._repr_html_()
    assert made.to_dict()["facts"]["gated"] is True
    assert "accepted its terms" not in str(PLANS["SFT"])


# ---- machines ------------------------------------------------------------------------------------

CPU = dataclasses.replace(FLAVORS[0], gpu="", gpus=0, name="cpu-basic", usd_per_hour=0.01, tflops=0.06)


@pytest.mark.parametrize(
    "machines",
    [
        (local_flavor(2**30, 0.01),),
        (local_flavor(2**34, 0.1), *(m for m in FLAVORS if m.gpus > 1)),
        tuple(dataclasses.replace(m, gpu="Rubin R9", measured=False) for m in FLAVORS),
        (local_flavor(2**34, 0.1), CPU),
    ],
    ids=["local", "several cards", "unknown cards", "no GPU"],
)
@pytest.mark.parametrize("name", ["Qwen3-0.6B", "Qwen2.5-7B"])
def test_whatever_is_offered_there_is_a_plan(machines, name):
    made = plan(name, machines=machines)
    check(made)
    assert {option.flavor.name for option in made.options} == {machine.name for machine in machines}
    assert made._repr_html_()


@pytest.mark.parametrize(
    ("spelled", "card"),
    [
        ("Tesla T4", "T4"), ("NVIDIA T400 4GB", None), ("NVIDIA L4", "L4"), ("NVIDIA L40", None),
        ("NVIDIA L40S", "L40S"), ("NVIDIA A10", "A10G"), ("NVIDIA A10G", "A10G"), ("NVIDIA RTX A1000", None),
        ("NVIDIA A100-SXM4-40GB", "A100-40GB"), ("NVIDIA H100 80GB HBM3", "H100"), ("H100SXM5", "H100"),
        ("NVIDIA GH200 480GB", "H200"), ("NVIDIA GeForce RTX 4090", None), ("Rubin\x00R9", None), ("", None),
        ("NVIDIA RTX PRO 6000 Blackwell Server Edition", "RTX PRO 6000"),
    ],
)  # fmt: skip
def test_a_card_is_known_by_its_whole_name(spelled, card):
    assert gpu_name(spelled) == card


def test_a_card_that_is_not_known_is_said_wherever_it_is_chosen():
    new = dataclasses.replace(FLAVORS[5], name="rubin", gpu="Rubin R9", measured=False)
    made = plan(machines=(*MACHINES, new))
    assert "Rubin" not in " ".join(made.warnings)
    assert "How fast a Rubin R9 is, is not known here" in " ".join(made.replace(flavor="rubin").warnings)
    assert "not known here" not in " ".join(w for m in FLAVORS for w in made.replace(flavor=m.name).warnings)


def test_old_prices_carry_their_date_in_every_view():
    old = tuple(m.priced(m.usd_per_hour, source="a table", date="2019-01-01") for m in MACHINES)
    made = plan(machines=old)
    for rendered in (str(made), made.to_markdown(), made._repr_html_()):
        assert "a table, 2019-01-01" in rendered
    assert made.to_dict()["estimate"]["prices_date"] == "2019-01-01"


# ---- changes -------------------------------------------------------------------------------------


@pytest.mark.parametrize("image", ["python:3.12", "ghcr.io/astral-sh/uv:python3.12-bookworm", "x/y@sha256:abc"])
def test_an_image_can_be_chosen_and_is_in_the_fingerprint(image):
    made = PLANS["SFT"]
    other = made.replace(image=image)
    assert other.image == other.to_dict()["image"] == image
    assert other.fingerprint != made.fingerprint
    assert other.replace(image="").fingerprint == made.fingerprint


@pytest.mark.parametrize("image", [None, 3, "a b", "x\n--privileged", "caf\u00e9"])
def test_what_names_no_image_is_refused(image):
    with pytest.raises(PlanError, match="image"):
        PLANS["SFT"].replace(image=image)


def test_a_limit_chosen_in_the_report_reaches_the_plan():
    found = report("messages").with_max_length(48)
    assert found.to_dict()["max_length"] == 48
    made = recommend(model("Qwen3-0.6B"), found, data_facts(found, "SFT"), MACHINES, Wishes())
    assert made.settings.max_length == 48
    assert "the limit you chose with the data" in str(made)
    assert found.with_max_length(None).max_length is None
    with pytest.raises(DataError, match="whole number"):
        found.with_max_length(0)
