"""Every method's script is Python with the lesson first, uses arguments that TRL has, and holds values as values."""

from __future__ import annotations

import ast
import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hfft_widgets.core.plan.lesson import lesson, modules, pins, rewards
from hfft_widgets.core.plan.marking import marks_answers
from hfft_widgets.core.plan.settings import REWARDS, SCHEDULES, SETTING_NAMES, Settings, usual_rewards
from hfft_widgets.core.plan.training import METHODS, TrainingPlan
from hfft_widgets.core.script import LESSON_END, read_plan
from hfft_widgets.errors import PlanError

HOSTILE = "x\"; __import__('os').system('touch pwned')  #\n'''\"\"\"\u202e</script>\\"
COLUMNS = {
    "SFT": ("messages",),
    "DPO": ("prompt", "chosen", "rejected"),
    "KTO": ("prompt", "completion", "label"),
    "Reward": ("chosen", "rejected"),
    "GRPO": ("prompt", "answer"),
    "RLOO": ("prompt", "answer"),
}
# every setting away from its default, so that every line of every script is written
UNUSUAL = {
    "packing": True, "weight_decay": 0.01, "max_steps": 7, "assistant_only_loss": True, "answers_only": True,
    "beta": 0.3, "num_iterations": 2, "trackio": True, "private": False, "activation_checkpointing": False,
}  # fmt: skip


def variants(plan: TrainingPlan) -> list[TrainingPlan]:
    """Every method, LoRA and full, with few and with all arguments, to the Hub and not; SFT and DPO with pictures."""
    made = []
    for method in METHODS:
        data = dataclasses.replace(plan.data, columns=COLUMNS[method])
        own = dataclasses.replace(plan, method=method, data=data)
        made += [own, dataclasses.replace(own.replace(**UNUSUAL), push_to="me/it")]
        if method in {"SFT", "DPO"}:
            shown = dataclasses.replace(data, columns=(*data.columns, "image"))
            sees = dataclasses.replace(plan.facts, vision=True)
            made.append(dataclasses.replace(own, data=shown, facts=sees))
    return [dataclasses.replace(variant, peft=peft) for variant in made for peft in ("lora", "none")]


def call_of(script: str, name: str) -> ast.Call:
    calls = [node for node in ast.walk(ast.parse(script)) if isinstance(node, ast.Call)]
    return next(call for call in calls if isinstance(call.func, ast.Name) and call.func.id == name)


def test_the_methods_are_those_the_scripts_know():
    assert set(METHODS) == set(COLUMNS)


def test_every_script_has_its_lesson_first_and_machinery_last(plan):
    for variant in variants(plan):
        script = variant.script
        compile(script, "script.py", "exec")
        shown, machinery = script.split(LESSON_END)
        assert "def main():" in shown
        assert len([line for line in shown.split(chr(34) * 3, 2)[2].splitlines() if line.strip()]) <= 56
        assert max(map(len, shown.splitlines())) <= 130
        assert "def train(" in machinery
        assert "from hfft_widgets" not in script
        assert read_plan(script)["method"] == variant.method
        assert script.isascii()


def test_every_name_a_script_uses_is_defined_in_it(plan, tmp_path):
    import subprocess
    import sys

    for number, variant in enumerate(variants(plan)):
        (tmp_path / f"{number}.py").write_text(variant.script, "utf-8")
    checked = [sys.executable, "-m", "ruff", "check", "--isolated", "--select", "F821,F811,F63,F7", "--ignore", "F811"]
    told = subprocess.run([*checked, str(tmp_path)], capture_output=True, text=True, timeout=60)
    assert told.returncode == 0, told.stdout


def test_arguments_exist_in_the_installed_trl(plan):
    import trl

    from hfft_widgets.scripts.publishing import to_hub
    from hfft_widgets.scripts.training import watched

    steps = {"logging_steps": 1, "eval_steps": 1, "save_steps": 1}
    for variant in variants(plan):
        config = getattr(trl, f"{variant.method}Config")
        fields = {field.name for field in dataclasses.fields(config)}
        call = call_of(variant.script, config.__name__)
        given_ = [keyword.arg for keyword in call.keywords if keyword.arg]
        assert set(given_) | set(watched(1, **steps)) | set(to_hub("me/it")) <= fields
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


def test_hostile_names_stay_values(plan):
    for variant in variants(plan):
        reference = {"path": HOSTILE, "split": "train", "data_files": {HOSTILE: [HOSTILE]}}
        data = dataclasses.replace(variant.data, name=HOSTILE, reference=reference)
        facts = dataclasses.replace(variant.facts, reference=HOSTILE)
        evil = dataclasses.replace(variant, model=HOSTILE, data=data, goal=HOSTILE, facts=facts, push_to=HOSTILE)
        tree = ast.parse(evil.script)
        assigned = {node.targets[0].id: node.value for node in tree.body if isinstance(node, ast.Assign)}
        assert ast.literal_eval(assigned["MODEL"]) == HOSTILE
        assert ast.literal_eval(assigned["PUSH_TO"]) == HOSTILE
        assert ast.literal_eval(assigned["DATASET"]) == reference
        names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
        assert "__import__" not in names
        assert names - {node.id for node in ast.walk(ast.parse(variant.script)) if isinstance(node, ast.Name)} <= {
            "PUSH_TO", "to_hub",
        }  # fmt: skip


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


# ---- rewards -----------------------------------------------------------------------------------


def online(plan: TrainingPlan, *columns: str, **settings) -> TrainingPlan:
    data = dataclasses.replace(plan.data, columns=("prompt", *columns))
    return dataclasses.replace(plan, method="GRPO", data=data).replace(**settings)


def test_rewards_follow_the_columns_unless_chosen(plan):
    assert rewards(online(plan, "answer")) == ("correct", "close")
    assert rewards(online(plan, "tests")) == ("passes_tests",)
    chosen = online(plan, "answer", rewards=["correct", "brief"])
    assert rewards(chosen) == ("correct", "brief")
    call = call_of(chosen.script, "GRPOConfig")
    weights = next(keyword.value for keyword in call.keywords if keyword.arg == "reward_weights")
    assert ast.literal_eval(weights) == [1.0, 0.2]
    assert usual_rewards(["prompt"]) == ()
    assert rewards(plan) == ()


def test_code_runs_only_in_scripts_that_reward_it(plan):
    assert "code_rewards" in modules(online(plan, "tests"))
    assert "subprocess.Popen" in online(plan, "tests").script
    assert "code_rewards" not in modules(online(plan, "answer"))


@pytest.mark.parametrize(
    ("columns", "chosen", "word"),
    [((), (), "nothing"), (("answer",), ("passes_tests",), "'tests'"), ((), ("correct",), "'answer'")],
)
def test_a_reward_without_its_column_is_refused(plan, columns, chosen, word):
    with pytest.raises(PlanError, match=word) as caught:
        _ = online(plan, *columns, rewards=chosen).script
    assert caught.value.remedy


def test_every_reward_is_a_function_of_its_module():
    import importlib

    for name, reward in REWARDS.items():
        assert callable(getattr(importlib.import_module(f"hfft_widgets.scripts.{reward.module}"), name))


# ---- what depends on the model -----------------------------------------------------------------


def test_a_base_model_gets_a_template_where_it_reads_conversations(plan):
    base = dataclasses.replace(plan, facts=dataclasses.replace(plan.facts, chat_template=None))
    assert "give_chat_template(tokenizer)" in base.script.split(LESSON_END)[0]
    text = dataclasses.replace(base, data=dataclasses.replace(base.data, columns=("text",), conversational=False))
    assert "give_chat_template" not in text.script
    assert "give_chat_template" not in plan.script


def test_pins_follow_what_is_used(plan):
    assert not [pin for pin in pins(plan) if pin.startswith(("torchvision", "trackio", "kernels"))]
    sees = next(variant for variant in variants(plan) if variant.facts.vision)
    assert any(pin.startswith("torchvision==") for pin in pins(sees))
    assert not [pin for pin in pins(plan.replace(peft="none")) if pin.startswith("peft")]
    assert any(pin.startswith("trackio==") for pin in pins(plan.replace(trackio=True)))


def test_pins_are_what_is_installed_here(plan):
    from importlib.metadata import version

    for pin in pins(plan):
        name, _, wanted = pin.partition("==")
        assert version(name).partition("+")[0] == wanted


def test_kto_never_gets_a_batch_of_one(plan):
    kto = next(variant for variant in variants(plan) if variant.method == "KTO").replace(batch_size=1)
    call = call_of(kto.script, "KTOConfig")
    sizes = {k.arg: ast.literal_eval(k.value) for k in call.keywords if k.arg and k.arg.endswith("batch_size")}
    assert set(sizes.values()) == {2}


def test_templates_that_mark_answers_are_those_trl_can_train_with():
    """The list of templates that TRL replaces by a marked twin is that of the installed TRL."""
    from pathlib import Path

    import trl
    from transformers import PreTrainedTokenizerFast
    from trl.chat_template_utils import get_training_chat_template

    folder = Path(trl.__file__).parent / "chat_templates"
    from tokenizers import Tokenizer, models

    tokenizer = PreTrainedTokenizerFast(tokenizer_object=Tokenizer(models.BPE()), eos_token="</s>")
    for file in sorted(folder.glob("*.jinja")):
        tokenizer.chat_template = file.read_text("utf-8")
        try:
            twin = get_training_chat_template(tokenizer)
        except Exception:
            twin = ""
        assert marks_answers(tokenizer.chat_template) is (twin != ""), file.name
    assert not marks_answers("{{ messages }}")
    assert not marks_answers(None)


# ---- settings that mean nothing for some data ---------------------------------------------------


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
    script = lesson(asked)
    arguments = {keyword.arg for keyword in call_of(script, "SFTConfig").keywords}
    assert arguments & set(PICKY) | ({"answers_only"} if 'row["messages"]' in script else set()) == said
    assert ("attention_for_packing" in script) is ("packing" in said)
    assert any(pin.startswith("kernels") for pin in pins(asked)) is ("packing" in said)


PICKY = ("answers_only", "assistant_only_loss", "packing")


# ---- what TRL itself says of the arguments ---------------------------------------------------------


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


@pytest.mark.parametrize("format_", ["float32", "bf16", "fp16"])
def test_trl_takes_every_value(plan, format_, tmp_path, monkeypatch):
    """TRL's own checks of each config, in each precision; those that ask for a GPU are told that there is one."""
    import warnings

    import torch
    import trl

    from hfft_widgets.scripts.hardware import FLASH_ATTENTION, Precision
    from hfft_widgets.scripts.publishing import to_hub
    from hfft_widgets.scripts.training import watched

    monkeypatch.setattr("transformers.training_args.is_torch_bf16_gpu_available", lambda: True)
    cards = 1
    monkeypatch.setattr("transformers.TrainingArguments.world_size", property(lambda _: cards))
    precision = Precision(torch.float32, bf16=format_ == "bf16", fp16=format_ == "fp16")
    given_ = {
        "OUTPUT_DIR": str(tmp_path), "PUSH_TO": "me/it", "SEED": 1, "precision": precision, "watched": watched,
        "to_hub": to_hub, "attention": FLASH_ATTENTION if precision.bf16 else None,
    }  # fmt: skip
    for variant in [*variants(plan), *(corners(plan) if format_ == "float32" else [])]:
        arguments = named_by(call_of(lesson(variant), f"{variant.method}Config"), **given_)
        cards = variant.hardware.gpus
        with warnings.catch_warnings():
            warnings.simplefilter("error", FutureWarning)  # what goes away in the next version
            warnings.simplefilter("error", DeprecationWarning)
            config = getattr(trl, f"{variant.method}Config")(**arguments)
        assert (config.bf16, config.fp16) == (precision.bf16, precision.fp16)
        for name, value in arguments.items():
            assert getattr(config, name) == value or name in _TURNED


# transformers makes enumerations or folders of these
_TURNED = {"eval_strategy", "save_strategy", "hub_strategy", "lr_scheduler_type", "report_to"}


def test_peft_takes_every_lora_and_the_trainers_their_arguments(plan):
    import inspect

    import trl
    from peft import LoraConfig, TaskType

    for variant in [*variants(plan), *corners(plan)]:
        script = lesson(variant)
        if variant.peft == "lora":
            lora = LoraConfig(**named_by(call_of(script, "LoraConfig")))
            assert lora.task_type == (TaskType.SEQ_CLS if variant.method == "Reward" else TaskType.CAUSAL_LM)
        trainer = f"{variant.method}Trainer"
        names = {keyword.arg for keyword in call_of(script, trainer).keywords}
        assert names <= set(inspect.signature(getattr(trl, trainer).__init__).parameters)
        assert ("peft_config" in names) is (variant.peft == "lora")
        assert ("reward_funcs" in names) is (variant.method in {"GRPO", "RLOO"})
