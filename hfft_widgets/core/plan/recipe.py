"""The part of a training script that a person reads: what is trained on what, and with which settings."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from typing import Any

from hfft_widgets.core.pins import pins as tested
from hfft_widgets.core.plan.model import LANGUAGE_PART
from hfft_widgets.core.plan.settings import EIGHT_BITS, REWARDS, usual_rewards
from hfft_widgets.core.plan.settings.adapters import peft_names
from hfft_widgets.core.plan.settings.setting import PEFT
from hfft_widgets.core.plan.trl_arguments import argument_lines
from hfft_widgets.core.plan.workload import Training
from hfft_widgets.core.script import assemble, assemble_short, calls, comment, literal, parts_of, reads_json, runtime
from hfft_widgets.errors import PlanError

SMALL_ROWS = 1000
PACKAGES = ("torch", "transformers", "trl", "datasets", "accelerate")
# it installs beside the tested versions, and TRL 1.16 takes 0.22 to 0.31; it needs a GPU, so it is in no constraints
VLLM = "vllm==0.30.0"


def training_script(training: Training, plan: Mapping[str, Any]) -> str:
    """The complete script of a training, with the plan it is made from as JSON values: it runs by itself anywhere."""
    return assemble(dependencies=pins(training), recipe=recipe(training), modules=modules(training), plan=plan)


def short_script(training: Training) -> str:
    """The script for this machine: TRL alone, and whatever functions of ours it calls.

    It neither resumes nor compares answers, and tells of itself only where this package is installed.
    """
    code = recipe(training, short=True)
    parts = [
        parts_of(code, name) for name in ("arguments", "rows", "leakage", "templating", "machine.precision", "rewards")
    ]
    runs_code = _runs_code(training)
    whole = [
        *(["events"] if runs_code or training.data.apart else []),
        *(["held", "code_rewards"] if runs_code else []),
    ]
    parts += [runtime(name) for name in whole]
    return assemble_short(dependencies=pins(training), recipe=code, parts=parts)


def pins(training: Training) -> list[str]:
    """The packages the script needs, each with its version."""
    shown = ((training.trains_on_images, name) for name in ("torchvision", "pillow"))
    eight = training.settings.optim in EIGHT_BITS
    wanted = [(training.adapts, "peft"), (training.quantized or eight, "bitsandbytes"), *shown]
    wanted += [(training.settings.trackio, "trackio"), (training.packs, "kernels")]
    vllm = [VLLM] if training.uses_vllm else []
    return [*tested(*PACKAGES, *(name for needed, name in wanted if needed)), *vllm]


def modules(training: Training) -> list[str]:
    """Modules of `hfft_widgets.scripts` that the script holds, in the order in which they need each other."""
    template = ["templating"] if needs_template(training) else []
    judges = dict.fromkeys(REWARDS[name].module for name in rewards(training))
    held = ["held"] if _runs_code(training) else []
    trial = ["reward_trial"] if training.trainer.generates else []
    rows = ["rows"] if calls(training.data.code, "rows") else []
    proof = ["proof.held_out", "proof.suite", "proof.measures", "proof.samples", "proof.early_stop"]
    machine = [f"machine.{name}" for name in ("threads", "hardware", "precision", "disk", "stalling")]
    always = ["masking", "events", "arguments", *machine, "resuming", "publishing"]
    always += ["sample_questions", *proof, *(["machine.peak"] if training.longest_first else []), "training"]
    apart = ["leakage"] if training.data.apart else []
    return [*always, *rows, *apart, *template, *held, *judges, *trial]


def needs_template(training: Training) -> bool:
    """Whether the script must give the model a chat template: a base model that is to read conversations."""
    return training.data.conversational and not training.facts.chat_template and not training.trains_on_images


def rewards(training: Training) -> tuple[str, ...]:
    """Names of the reward functions that judge the answers; none for methods without.

    Raises:
        PlanError: Nothing in the data can judge an answer, or a reward reads a column that the data has not.
    """
    if not training.trainer.generates:
        return ()
    columns = training.data.columns
    names = training.settings.rewards or usual_rewards(columns)
    if not names:
        raise PlanError(
            f"There is nothing that could score an answer: {training.data.name} has neither 'answer' nor 'tests'.",
            why=f"Its columns are {', '.join(columns)}.",
            remedy="Map the column with the right answers to 'answer', or choose rewards that need no column.",
        )
    for name in names:
        column = REWARDS[name].column
        if column and column not in columns:
            raise PlanError(
                f"The reward {name} compares with the column {column!r}, which {training.data.name} has not.",
                why=f"Its columns are {', '.join(columns)}.",
                remedy=f"Map a column to {column!r}, or choose other rewards.",
            )
    return names


def _runs_code(training: Training) -> bool:
    return any(REWARDS[name].module == "code_rewards" for name in rewards(training))


def recipe(training: Training, *, short: bool = False) -> str:
    """Docstring, imports, settings and `main()`, about 70 lines; `short`: with TRL alone."""
    parts = [
        _data(training, short=short), _rewards(training), _adapters(training, short=short),
        _config(training, short=short),
        _trainer_short(training) if short else _trainer(training),
    ]  # fmt: skip
    body = textwrap.indent("\n\n".join(part for part in parts if part), "    ")
    start = _start(training, short=short)
    head = [_docstring(training, short=short), _imports(training, short=short), _constants(training) + "\n"]
    return "\n\n".join([*head, start + body])


def _docstring(training: Training, *, short: bool) -> str:
    how, what = training.trainer.teaches
    trained = PEFT[training.peft]
    again = (
        "It writes to OUTPUT_DIR; to go on from a checkpoint: trainer.train(resume_from_checkpoint=True)."
        if short
        else "Run it again and it goes on from its last checkpoint; changed, it begins anew. It uses all GPUs."
    )
    return f'''"""Teach {comment(training.facts.name)} {how} ({training.method}, {trained}).

{what}
Run it with `python script.py`, or with `uv run script.py`, which installs what it needs.
What stands in {training.method}Config can be given too: `python script.py --learning_rate 1e-4 --max_steps 20`.
{again}
"""'''


def _imports(training: Training, *, short: bool) -> str:
    kinds = {"image": ["Image"], "images": ["Image", "List"]}[training.data.pictures or "image"]
    kinds = kinds if training.trains_on_images else []
    kinds = sorted([*kinds, "Json"]) if reads_json(training.data.code) else kinds
    own = ["from importlib.util import find_spec"] if short else []
    lines = [
        "import os",
        *own,
        "",
        *(["import torch"] if short else []),
        f"from datasets import {', '.join([*kinds, 'load_dataset'])}",
    ]
    if training.adapts:
        lines.append("from peft import LoraConfig")
    packing = ["BitsAndBytesConfig"] if training.quantized else []
    lines.append(f"from transformers import {', '.join(sorted([_reader(training)[1], *packing]))}, set_seed")
    return "\n".join([*lines, f"from trl import {training.method}Config, {training.method}Trainer"])


def _reader(training: Training) -> tuple[str, str]:
    """What turns rows into numbers: its name in the script, and its class."""
    return ("processor", "AutoProcessor") if training.trains_on_images else ("tokenizer", "AutoTokenizer")


def _constants(training: Training) -> str:
    private = "private" if training.settings.private else "public"
    push = (
        [f"PUSH_TO = {literal(training.push_to)}  # repository on the Hub, {private} if it is new"]
        if training.push_to
        else []
    )
    lines = [
        f"MODEL = {literal(training.model)}",
        f"DATASET = {literal(dict(training.data.reference))}  # {comment(training.data.name)}",
        *push,
        'OUTPUT_DIR = os.environ.get("HFFT_OUTPUT_DIR", "trained")',
        f"SEED = {literal(training.settings.seed)}",
    ]
    return "\n".join(lines)


def _start(training: Training, *, short: bool) -> str:
    name, kind = _reader(training)
    full, half = not training.adapts, training.settings.bf16_weights and not training.adapts
    frozen = "torch.float32" if full else "torch.bfloat16 if bf16 else torch.float16 if fp16 else torch.float32"
    why = "trained weights stay in float32; autocast does the 16-bit maths" if full else "of the frozen weights"
    if half:
        frozen, why = "torch.float32 if fp16 else torch.bfloat16", "float16 is too coarse to learn in"
    precision = [
        "    bf16 = torch.cuda.is_available() and torch.cuda.get_device_capability() >= (8, 0)",
        "    fp16 = torch.cuda.is_available() and not bf16  # older cards only emulate bfloat16",
        f"    dtype = {frozen}  # {why}",
    ]
    if not short:
        asked = f"trains_all_weights={full}{', in_16_bits=True' if half else ''}"
        precision = [f"    precision = choose_precision({asked})  # by the hardware it finds"]
    lines = [
        "def main():",
        *(["    hold_code()  # answers are code: they run apart, or not at all"] if _runs_code(training) else []),
        "    set_seed(SEED)",
        *precision,
        f"    {name} = {kind}.from_pretrained(MODEL)",
    ]
    if needs_template(training):
        lines.append("    give_chat_template(tokenizer)  # a base model has none; without it, it reads no conversation")
    return "\n".join(lines) + "\n\n"


def _data(training: Training, *, short: bool) -> str:
    lines = [
        "# The data. Some rows are held out: they show whether it learned or only memorised.",
        "dataset = load_dataset(**DATASET)",
    ]
    if training.data.code:
        lines += training.data.code.strip().splitlines()
    if training.trains_on_images:
        kind = {"image": "Image()", "images": "List(Image())"}[training.data.pictures or "image"]
        lines.append(f'dataset = dataset.cast_column("{training.data.pictures}", {kind})  # paths become pictures')
    if training.splits_conversations:
        lines += [
            "# Only the last answer is learned, not the questions.",
            "dataset = dataset.map(",
            '    lambda row: {"prompt": row["messages"][:-1], "completion": row["messages"][-1:]},',
            '    remove_columns=["messages"],',
            ")",
        ]
    if training.rows < training.data.rows:
        lines.append(f"dataset = dataset.select(range(min({training.rows}, len(dataset))))  # the first rows only")
    held = literal(training.settings.eval_rows)
    parts = f"dataset.train_test_split(test_size={held}, seed=SEED)" if short else f"hold_out(dataset, {held}, MODEL)"
    lines.append(f"parts = {parts}")
    if training.longest_first:
        step = training.effective_batch_size * training.hardware.gpus
        lines += [
            "# A pilot: its first step takes the longest rows, and as much memory as any step will.",
            f'parts["train"] = longest_first(parts["train"], {step}, SEED)',
        ]
    if training.data.apart:
        columns = ["prompt", "completion"] if training.splits_conversations else list(training.data.apart)
        lines.append(f'parts["test"] = apart(parts["train"], parts["test"], {literal(columns)})')
    return "\n".join(lines)


def _rewards(training: Training) -> str:
    names = rewards(training)
    if not training.trainer.generates:
        return ""
    return "\n".join(
        [
            "# What answers are scored by; the functions stand below. Room for your own, for instance:",
            "#     def polite(completions, **kwargs):  # the dataset's columns arrive by name, as lists",
            '#         return [float("please" in str(completion)) for completion in completions]',
            f"rewards = [{', '.join(names)}]",
        ]
    )


def _config(training: Training, *, short: bool) -> str:
    weights = [REWARDS[name].weight for name in rewards(training)]
    rows = [f"    {line}" for line in argument_lines(training, weights)]
    made = "\n".join([f"config = from_command_line(\n    {training.method}Config,", *rows, ")"])
    if short:
        made = made.replace("precision.", "")
        flash = f"{literal(FLASH_ATTENTION)} if bf16 and find_spec('kernels') else None"
    else:
        flash = "attention_for_packing(precision)"
    return f"attention = {flash}  # keeps packed rows apart\n{made}" if training.packs else made


FLASH_ATTENTION = "kernels-community/flash-attn2"


def _adapters(training: Training, *, short: bool) -> str:
    return _lora(training).replace("precision.", "") if short else _lora(training)


def _lora(training: Training) -> str:
    if not training.adapts:
        return ""
    s, names = training.settings, peft_names(training.facts, training.settings.lora_targets)
    where, which = _adapted(training, names)
    scale = "alpha / root of r" if s.use_rslora else "alpha / r"
    options = {
        f"    lora_dropout={literal(s.lora_dropout)},  # of their inputs, left out at random": s.lora_dropout,
        "    use_rslora=True,": s.use_rslora,
        "    use_dora=True,  # direction and size of each weight learn apart": s.use_dora,
    }
    lines = [
        f"# LoRA: the model stays as it is; small adapters beside {which} learn.",
        "lora = from_command_line(",
        "    LoraConfig,",
        f"    r={literal(s.lora_r)}, lora_alpha={literal(s.lora_alpha)},  # their size, and their scale: {scale}",
        *(line for line, wanted in options.items() if wanted),
        f'    target_modules={where},{_between(where)}task_type="{training.trainer.task_type}",',
        ")",
    ]
    return "\n".join([*(_FOUR_BITS if training.quantized else []), *lines])


_FOUR_BITS = (
    "# QLoRA: the weights of linear layers are packed into 4 bits each (nf4), and unpacked for each product.",
    "in_4_bits = BitsAndBytesConfig(",
    '    load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_use_double_quant=True,',
    "    bnb_4bit_compute_dtype=precision.dtype,",
    ")",
)


def _between(where: str) -> str:
    """A pattern has a line of its own."""
    return "\n    " if len(where) > _LONG else " "


_LONG = 50


def _adapted(training: Training, names: list[str]) -> tuple[str, str]:
    """Which layers get adapters: as code, and in words."""
    facts, targets = training.facts, training.facts.lora_targets
    if names and facts.vision:
        pattern = "|".join(name.replace(".", "[.]") for name in names)
        return f'r"{LANGUAGE_PART}[.]({pattern})"', f"{', '.join(names)} of the language part"
    if names:
        return literal(names), ", ".join(names)
    if isinstance(targets, tuple):  # PEFT refuses the others of this model
        return literal(list(targets)), "these layers"
    if facts.vision:
        return f'r"{targets}"', "every linear layer of the language part"
    return literal(targets), "every linear layer"


def _trainer(training: Training) -> str:
    tried = 'check_rewards(rewards, config.reward_weights, parts["train"])  # do they tell right from wrong?\n'
    tried = tried if training.trainer.generates else ""
    given = f"trainer, PLAN, DATASET{_questions(training)},\n    held_out=parts['held_out'],"
    if training.rows < SMALL_ROWS and not training.trainer.generates:  # little data is soon known by heart
        given += " stop_early=True,"
    return f"{tried}{_made(training)}\nreturn train(\n    {given}\n)"


def _trainer_short(training: Training) -> str:
    widened = ["keep_adapters_in_float32(trainer.model)", "keep_gradients_through_4_bits(trainer.model)"]
    lines = [
        _made(training),
        *(widened if training.quantized else []),
        'if find_spec("hfft_widgets"):  # curves, health and a verdict, in hfft.runs() and TrainingMonitor',
        '    trainer.add_callback(__import__("hfft_widgets").TrainerCallback())',
        "trainer.train()",
        "trainer.save_model()",
        *(["trainer.push_to_hub()"] if training.push_to else []),
    ]
    return "\n".join(lines)


def _made(training: Training) -> str:
    """The trainer's making."""
    rows = [
        "model=MODEL,",
        *(["reward_funcs=rewards,"] if training.trainer.generates else []),
        "args=config,",
        'train_dataset=parts["train"],',
        'eval_dataset=parts["test"],',
        f"processing_class={_reader(training)[0]},",
        *(["peft_config=lora,"] if training.adapts else []),
        *(["quantization_config=in_4_bits,"] if training.quantized else []),
    ]
    inner = textwrap.indent("\n".join(rows), "    ")
    return f"trainer = {training.method}Trainer(\n{inner}\n)"


def _questions(training: Training) -> str:
    """Questions before and after: a reward model answers none, and pictures cannot be shown in a line of text."""
    if not training.settings.questions or not training.trainer.answers or training.trains_on_images:
        return ""
    marked = "label" in training.trainer.columns.intersection(training.data.columns)
    wanted = '.filter(lambda row: row["label"])' if marked else ""
    return f', held_out_questions(parts["test"]{wanted}, {literal(training.settings.questions)})'
