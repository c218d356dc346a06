"""The part of a training script that a person reads: what is trained on what, and with which settings."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING

from hfft_widgets.core.script import assemble, comment, literal

if TYPE_CHECKING:
    from hfft_widgets.core.plan.training import TrainingPlan

# The versions these scripts were run with.
PINS = ("torch==2.13.0", "transformers==5.23.0", "trl==1.16.0", "datasets==5.2.0", "accelerate==1.15.0")
PEFT_PIN = "peft==0.21.2"

_TEACHES = {
    "SFT": ("by example", "The model sees prompts with the answers it should give, and learns to give them."),
    "DPO": ("by preference", "Of two answers to a prompt, the model learns to make the chosen one more likely."),
    "GRPO": ("by reward", "The model answers, the answers are scored, and what scored above average becomes likelier."),
}

Argument = tuple[str, str, str]  # name, value as code, why


def training_script(plan: TrainingPlan) -> str:
    """The complete script of a training plan."""
    modules = ["telling", "training", *(["rewards"] if plan.method == "GRPO" else [])]
    pins = [*PINS, *([PEFT_PIN] if plan.peft == "lora" else [])]
    return assemble(dependencies=pins, lesson=lesson(plan), modules=modules, plan=plan.to_dict())


def lesson(plan: TrainingPlan) -> str:
    """Docstring, imports, settings and `main()`, about 45 lines."""
    how, what = _TEACHES[plan.method]
    title = (
        f"Teach {comment(plan.facts.name)} {how} ({plan.method}, {'LoRA' if plan.peft == 'lora' else 'all weights'})."
    )
    head = f'''"""{title}

{what}
Run it with `python script.py`, or with `uv run script.py`, which installs what it needs.
Run it again and it goes on from its last checkpoint.
"""

import os

from datasets import load_dataset
{"from peft import LoraConfig" + chr(10) if plan.peft == "lora" else ""}from transformers import AutoTokenizer, set_seed
from trl import {plan.method}Config, {plan.method}Trainer

MODEL = {literal(plan.model)}
DATASET = {literal(dict(plan.data.reference))}  # {comment(plan.data.name)}
OUTPUT_DIR = os.environ.get("HFFT_OUTPUT_DIR", "trained")
SEED = {plan.settings.seed}


def main():
    set_seed(SEED)
    precision = choose_precision(trains_all_weights={plan.peft != "lora"})
    tokenizer = AutoTokenizer.from_pretrained(MODEL)
'''
    body = [_data(plan), _config(plan), _lora(plan) if plan.peft == "lora" else "", _trainer(plan)]
    return head + textwrap.indent("\n\n".join(part for part in body if part), "    ")


def _data(plan: TrainingPlan) -> str:
    lines = [
        "# The data. Some rows are held out: they show whether it learned or only memorised.",
        "dataset = load_dataset(**DATASET)",
    ]
    if plan.data.code:
        lines += plan.data.code.strip().splitlines()
    if plan.settings.answers_only:
        lines += [
            "# Only the last answer is learned, not the questions.",
            "dataset = dataset.map(",
            '    lambda row: {"prompt": row["messages"][:-1], "completion": row["messages"][-1:]},',
            '    remove_columns=["messages"],',
            ")",
        ]
    lines.append(f"parts = dataset.train_test_split(test_size={plan.settings.eval_rows}, seed=SEED)")
    return "\n".join(lines)


def _config(plan: TrainingPlan) -> str:
    rows = [_line(*argument) for argument in [*_shared(plan), *_METHOD_ARGUMENTS[plan.method](plan)]]
    return f"config = {plan.method}Config(\n" + "\n".join([*rows, _watching(plan)]) + "\n)"


def _line(name: str, value: str, why: str) -> str:
    code = f"    {name}={value},"
    return f"{code}  # {why}" if why else code


def _shared(plan: TrainingPlan) -> list[Argument]:
    s = plan.settings
    length = (
        ("max_steps", str(s.max_steps), "") if s.max_steps > 0 else ("num_train_epochs", f"{s.num_train_epochs:g}", "")
    )
    rate = "adapters bear about ten times the rate of full training" if plan.peft == "lora" else ""
    return [
        ("output_dir", "OUTPUT_DIR", ""),
        ("model_init_kwargs", '{"dtype": precision.dtype}', "without it, weights load in float32"),
        ("bf16", "precision.bf16", ""),
        ("fp16", "precision.fp16", ""),
        (*length[:2], "passes over the data" if s.max_steps <= 0 else "optimizer steps"),
        ("learning_rate", f"{s.learning_rate:g}", rate),
        ("lr_scheduler_type", literal(s.lr_scheduler_type), ""),
        ("warmup_steps", f"{s.warmup:g}", "below 1: a share of all steps"),
        ("per_device_train_batch_size", str(s.batch_size), ""),
        (
            "gradient_accumulation_steps",
            str(s.accumulation),
            f"effective batch size {s.effective_batch_size} per device",
        ),
        *([("weight_decay", f"{s.weight_decay:g}", "")] if s.weight_decay else []),
        (
            "activation_checkpointing",
            str(s.activation_checkpointing),
            "recompute instead of remember: slower, far less memory"
            if s.activation_checkpointing
            else "there is memory enough to remember",
        ),
    ]


def _sft(plan: TrainingPlan) -> list[Argument]:
    arguments: list[Argument] = [
        ("max_length", str(plan.settings.max_length), "tokens; longer rows are cut at the end")
    ]
    if plan.settings.assistant_only_loss:
        arguments.append(("assistant_only_loss", "True", "learn the answers, not the questions"))
    return arguments


def _dpo(plan: TrainingPlan) -> list[Argument]:
    return [
        ("max_length", str(plan.settings.max_length), "tokens of prompt and answer together"),
        ("beta", f"{plan.settings.beta:g}", "higher: stay closer to the model it was"),
    ]


def _grpo(plan: TrainingPlan) -> list[Argument]:
    s = plan.settings
    return [
        ("num_generations", str(s.num_generations), "answers per prompt that are compared with each other"),
        ("max_completion_length", str(s.max_completion_length), "tokens"),
        ("temperature", "1.0", "answers must differ, or there is nothing to compare"),
        ("per_device_eval_batch_size", str(max(1, s.batch_size // s.num_generations) * s.num_generations), ""),
    ]


_METHOD_ARGUMENTS = {"SFT": _sft, "DPO": _dpo, "GRPO": _grpo}


def _watching(plan: TrainingPlan) -> str:
    s = plan.settings
    steps = f"logging_steps={s.logging_steps}, eval_steps={s.eval_steps}, save_steps={s.save_steps}"
    return f"    **watched(SEED, {steps}),  # curves, held-out checks, checkpoints"


def _lora(plan: TrainingPlan) -> str:
    s = plan.settings
    size = f"r={s.lora_r}, lora_alpha={s.lora_alpha}"
    return (
        "# LoRA: the model stays as it is; small adapters beside every linear layer learn.\n"
        f'lora = LoraConfig({size}, target_modules="all-linear", task_type="CAUSAL_LM")'
    )


def _trainer(plan: TrainingPlan) -> str:
    arguments: Sequence[str] = [
        "model=MODEL,",
        *(
            ["reward_funcs=[correct, close],  # below: 1 for the exact answer, and a grade for coming close"]
            if plan.method == "GRPO"
            else []
        ),
        "args=config,",
        'train_dataset=parts["train"],',
        'eval_dataset=parts["test"],',
        "processing_class=tokenizer,",
        *(["peft_config=lora,"] if plan.peft == "lora" else []),
    ]
    rows = textwrap.indent("\n".join(arguments), "    ")
    questions = f', held_out_questions(parts["test"], {plan.settings.questions})' if plan.settings.questions else ""
    return f"trainer = {plan.method}Trainer(\n{rows}\n)\nreturn train(trainer{questions})"
