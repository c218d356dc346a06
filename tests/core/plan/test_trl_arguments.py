"""TRL has every argument that a script sets, and takes every value."""

from __future__ import annotations

import ast
import dataclasses

import pytest

from hfft_widgets.core.method import METHODS
from hfft_widgets.core.plan.plan import TrainingPlan
from hfft_widgets.core.plan.recipe import pins, recipe
from hfft_widgets.core.plan.settings import REWARDS, SCHEDULES
from hfft_widgets.core.plan.trl_arguments import ARGUMENTS
from tests.core.plan.variants import COLUMNS, call_of, online, variants


def test_every_method_has_its_arguments():
    assert list(ARGUMENTS) == list(METHODS)


def test_arguments_exist_in_the_installed_trl(plan):
    import trl

    for variant in variants(plan):
        config = getattr(trl, f"{variant.method}Config")
        fields = {field.name for field in dataclasses.fields(config)}
        call = call_of(variant.script, config.__name__)
        given_ = [keyword.arg for keyword in call.keywords if keyword.arg]
        assert set(given_) <= fields
        assert len(given_) == len(set(given_))


def test_the_memory_of_a_run_is_the_plan_and_nothing_else(plan):
    """What TRL would choose by itself and what costs most is always said."""
    said = {
        "bf16", "fp16", "model_init_kwargs", "per_device_train_batch_size", "gradient_accumulation_steps",
        "per_device_eval_batch_size", "activation_checkpointing", "learning_rate", "report_to",
    }  # fmt: skip
    for variant in variants(plan):
        call = call_of(variant.script, f"{variant.method}Config")
        assert said <= {keyword.arg for keyword in call.keywords}


def test_kto_never_gets_a_batch_of_one(plan):
    kto = next(variant for variant in variants(plan) if variant.method == "KTO").replace(batch_size=1)
    call = call_of(kto.script, "KTOConfig")
    sizes = {k.arg: ast.literal_eval(k.value) for k in call.keywords if k.arg and k.arg.endswith("batch_size")}
    assert set(sizes.values()) == {2}


PICKY = ("answers_only", "assistant_only_loss", "packing")


@pytest.mark.parametrize(
    ("columns", "conversational", "said"),
    [
        (("messages",), True, {"answers_only", "assistant_only_loss", "packing"}),
        (("messages", "image"), True, {"answers_only", "assistant_only_loss"}),
        (("prompt", "completion"), True, {"assistant_only_loss", "packing"}),
        (("prompt", "completion"), False, {"packing"}),
        (("text",), False, {"packing"}),
    ],
)
def test_what_the_data_has_no_room_for_is_not_asked_of_trl(plan, columns, conversational, said):
    """TRL refuses such arguments at the start of a run, and there are no 'messages' to split."""
    data = dataclasses.replace(plan.data, columns=columns, conversational=conversational)
    facts = dataclasses.replace(plan.facts, vision="image" in columns)
    asked = dataclasses.replace(plan, data=data, facts=facts).replace(**dict.fromkeys(PICKY, True))
    script = recipe(asked)
    arguments = {keyword.arg for keyword in call_of(script, "SFTConfig").keywords}
    assert arguments & set(PICKY) | ({"answers_only"} if 'row["messages"]' in script else set()) == said
    assert ("attention_for_packing" in script) is ("packing" in said)
    assert any(pin.startswith("kernels") for pin in pins(asked)) is ("packing" in said)


def corners(plan: TrainingPlan) -> list[TrainingPlan]:
    """Plans in which one more branch is taken: schedules, lengths, several cards, rewards, a base model, plain text."""
    made = []
    for method in METHODS:
        own = dataclasses.replace(plan, method=method, data=dataclasses.replace(plan.data, columns=COLUMNS[method]))
        made += [own.replace(lr_scheduler_type=name) for name in SCHEDULES]
        made += [own.replace(num_train_epochs=0.5), own.replace(warmup=0.0), own.replace(max_steps=1, save_steps=3)]
        made += [own.replace(flavor=flavor) for flavor in ("t4-medium", "a10g-largex2", "a100x8")]
        made.append(dataclasses.replace(own, facts=dataclasses.replace(own.facts, chat_template=None)))
        made.append(own.replace(trackio=True))
    packed = dataclasses.replace(plan, facts=dataclasses.replace(plan.facts, vision=True)).replace(packing=True)
    text = dataclasses.replace(plan.data, columns=("text",), conversational=False)
    made += [packed, dataclasses.replace(plan, data=text), dataclasses.replace(plan, data=text).replace(packing=True)]
    made += [online(plan, "answer", "tests", rewards=[name]) for name in REWARDS]
    for generations, batch, accumulation in ((2, 1, 2), (4, 2, 2), (8, 1, 8), (3, 3, 1), (6, 2, 3)):
        sizes = {"num_generations": generations, "batch_size": batch, "accumulation": accumulation}
        made += [online(plan, "answer", **sizes).replace(num_iterations=n) for n in (1, 3)]
    return [dataclasses.replace(variant, peft=peft) for variant in made for peft in ("lora", "none")]


def named_by(call: ast.Call, **names: object) -> dict[str, object]:
    """The keyword arguments of a call, worked out with these names."""
    code = ast.Expression(ast.Call(ast.Name("dict", ast.Load()), [], call.keywords))
    return eval(compile(ast.fix_missing_locations(code), "call", "eval"), names)


# transformers makes enumerations or folders of these
_TURNED = {"eval_strategy", "save_strategy", "hub_strategy", "lr_scheduler_type", "report_to"}


@pytest.mark.parametrize("format_", ["float32", "bf16", "fp16"])
def test_trl_takes_every_value(plan, format_, tmp_path, monkeypatch):
    """TRL's own checks of each config, in each precision; those that ask for a GPU are told that there is one."""
    import warnings

    import torch
    import trl

    from hfft_widgets.scripts.machine.hardware import FLASH_ATTENTION, Precision

    monkeypatch.setattr("transformers.training_args.is_torch_bf16_gpu_available", lambda: True)
    cards = 1
    monkeypatch.setattr("transformers.TrainingArguments.world_size", property(lambda _: cards))
    precision = Precision(torch.float32, bf16=format_ == "bf16", fp16=format_ == "fp16")
    given_ = {
        "OUTPUT_DIR": str(tmp_path), "PUSH_TO": "me/it", "SEED": 1, "precision": precision,
        "attention": FLASH_ATTENTION if precision.bf16 else None,
    }  # fmt: skip
    for variant in [*variants(plan), *(corners(plan) if format_ == "float32" else [])]:
        arguments = named_by(call_of(recipe(variant), f"{variant.method}Config"), **given_)
        cards = variant.hardware.gpus
        with warnings.catch_warnings():
            warnings.simplefilter("error", FutureWarning)  # what goes away in the next version
            warnings.simplefilter("error", DeprecationWarning)
            config = getattr(trl, f"{variant.method}Config")(**arguments)
        assert (config.bf16, config.fp16) == (precision.bf16, precision.fp16)
        for name, value in arguments.items():
            assert getattr(config, name) == value or name in _TURNED


def test_peft_takes_every_lora_and_the_trainers_their_arguments(plan):
    import inspect

    import trl
    from peft import LoraConfig, TaskType

    for variant in [*variants(plan), *corners(plan)]:
        script = recipe(variant)
        if variant.adapts:
            lora = LoraConfig(**named_by(call_of(script, "LoraConfig")))
            assert lora.task_type == (TaskType.SEQ_CLS if variant.method == "Reward" else TaskType.CAUSAL_LM)
        trainer = f"{variant.method}Trainer"
        names = {keyword.arg for keyword in call_of(script, trainer).keywords}
        assert names <= set(inspect.signature(getattr(trl, trainer).__init__).parameters)
        assert ("peft_config" in names) is variant.adapts
        assert ("reward_funcs" in names) is (variant.method in {"GRPO", "RLOO"})
