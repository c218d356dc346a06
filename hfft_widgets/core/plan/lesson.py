"""The part of a training script that a person reads: what is trained on what, and with which settings."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from hfft_widgets.core.plan.lesson_arguments import argument_lines, packs
from hfft_widgets.core.plan.settings import REWARDS, usual_rewards
from hfft_widgets.core.script import assemble, comment, literal
from hfft_widgets.errors import PlanError

if TYPE_CHECKING:
    from hfft_widgets.core.plan.training import TrainingPlan

# The versions these scripts were run with.
PINS = ("torch==2.13.0", "transformers==5.23.0", "trl==1.16.0", "datasets==5.2.0", "accelerate==1.15.0")
PEFT_PIN = "peft==0.21.2"
VISION_PINS = ("torchvision==0.28.0", "pillow==13.0.0")
TRACKIO_PIN = "trackio==0.43.0"
PACKING_PIN = "kernels==0.17.2"

# method -> how it teaches, and what it optimises
_TEACHES = {
    "SFT": ("by example", "The model sees prompts with the answers it should give, and learns to give them."),
    "DPO": ("by preference", "Of two answers to a prompt, the model learns to make the chosen one more likely."),
    "KTO": ("by good and bad examples", "Answers marked good become more likely, answers marked bad less likely."),
    "Reward": ("to judge", "The model gets a new head that scores an answer: the chosen one above the rejected one."),
    "GRPO": ("by reward", "The model answers, the answers are scored, and what scored above average becomes likelier."),
    "RLOO": ("by reward", "The model answers several times; what scored above the other answers becomes likelier."),
}
ONLINE = ("GRPO", "RLOO")  # methods in which the model answers and is scored
# The language part of a vision model, by the names transformers gives it.
_LANGUAGE_LINEARS = r".*\b(language_model|text_model)\b.*_proj"


def training_script(plan: TrainingPlan) -> str:
    """The complete script of a training plan."""
    return assemble(dependencies=pins(plan), lesson=lesson(plan), modules=modules(plan), plan=plan.to_dict())


def pins(plan: TrainingPlan) -> list[str]:
    """The packages the script needs, each with its version."""
    wanted = [(plan.peft == "lora", PEFT_PIN), *((sees(plan), pin) for pin in VISION_PINS)]
    wanted += [(plan.settings.trackio, TRACKIO_PIN), (packs(plan), PACKING_PIN)]
    return [*PINS, *(pin for needed, pin in wanted if needed)]


def modules(plan: TrainingPlan) -> list[str]:
    """Modules of `hfft_widgets.scripts` that the script holds, in the order in which they need each other."""
    template = ["templating"] if needs_template(plan) else []
    judges = dict.fromkeys(REWARDS[name].module for name in rewards(plan))
    return ["telling", "hardware", "resuming", "publishing", "asking", "training", *template, *judges]


def sees(plan: TrainingPlan) -> bool:
    """Whether pictures are part of the training."""
    return plan.facts.vision and plan.data.pictures is not None


def needs_template(plan: TrainingPlan) -> bool:
    """Whether the script must give the model a chat template: a base model that is to read conversations."""
    return plan.data.conversational and not plan.facts.chat_template and not sees(plan)


def rewards(plan: TrainingPlan) -> tuple[str, ...]:
    """Names of the reward functions that judge the answers; none for methods without.

    Raises:
        PlanError: Nothing in the data can judge an answer, or a reward reads a column that the data has not.
    """
    if plan.method not in ONLINE:
        return ()
    columns = plan.data.columns
    names = plan.settings.rewards or usual_rewards(columns)
    if not names:
        raise PlanError(
            f"There is nothing that could score an answer: {plan.data.name} has neither 'answer' nor 'tests'.",
            why=f"Its columns are {', '.join(columns)}.",
            remedy="Map the column with the right answers to 'answer', or choose rewards that need no column.",
        )
    for name in names:
        column = REWARDS[name].column
        if column and column not in columns:
            raise PlanError(
                f"The reward {name} compares with the column {column!r}, which {plan.data.name} has not.",
                why=f"Its columns are {', '.join(columns)}.",
                remedy=f"Map a column to {column!r}, or choose other rewards.",
            )
    return names


def lesson(plan: TrainingPlan) -> str:
    """Docstring, imports, settings and `main()`, about 50 lines."""
    parts = [_data(plan), _rewards(plan), _config(plan), _lora(plan), _trainer(plan)]
    body = textwrap.indent("\n\n".join(part for part in parts if part), "    ")
    return "\n\n".join([_docstring(plan), _imports(plan), _constants(plan) + "\n", _start(plan) + body])


def _docstring(plan: TrainingPlan) -> str:
    how, what = _TEACHES[plan.method]
    trained = "LoRA" if plan.peft == "lora" else "all weights"
    return f'''"""Teach {comment(plan.facts.name)} {how} ({plan.method}, {trained}).

{what}
Run it with `python script.py`, or with `uv run script.py`, which installs what it needs; with several GPUs it uses all.
Run it again and it goes on from its last checkpoint.
"""'''


def _imports(plan: TrainingPlan) -> str:
    pictures = {"image": "Image, ", "images": "Image, List, "}[plan.data.pictures or "image"] if sees(plan) else ""
    lines = ["import os", "", f"from datasets import {pictures}load_dataset"]
    if plan.peft == "lora":
        lines.append("from peft import LoraConfig")
    lines.append(f"from transformers import {_reader(plan)[1]}, set_seed")
    return "\n".join([*lines, f"from trl import {plan.method}Config, {plan.method}Trainer"])


def _reader(plan: TrainingPlan) -> tuple[str, str]:
    """What turns rows into numbers: its name in the script, and its class."""
    return ("processor", "AutoProcessor") if sees(plan) else ("tokenizer", "AutoTokenizer")


def _constants(plan: TrainingPlan) -> str:
    private = "private" if plan.settings.private else "public"
    push = (
        [f"PUSH_TO = {literal(plan.push_to)}  # repository on the Hub, {private} if it is new"] if plan.push_to else []
    )
    lines = [
        f"MODEL = {literal(plan.model)}",
        f"DATASET = {literal(dict(plan.data.reference))}  # {comment(plan.data.name)}",
        *push,
        'OUTPUT_DIR = os.environ.get("HFFT_OUTPUT_DIR", "trained")',
        f"SEED = {literal(plan.settings.seed)}",
    ]
    return "\n".join(lines)


def _start(plan: TrainingPlan) -> str:
    name, kind = _reader(plan)
    lines = [
        "def main():",
        "    set_seed(SEED)",
        f"    precision = choose_precision(trains_all_weights={plan.peft != 'lora'})",
        f"    {name} = {kind}.from_pretrained(MODEL)",
    ]
    if needs_template(plan):
        lines.append("    give_chat_template(tokenizer)  # a base model has none; without it, it reads no conversation")
    return "\n".join(lines) + "\n\n"


def _data(plan: TrainingPlan) -> str:
    lines = [
        "# The data. Some rows are held out: they show whether it learned or only memorised.",
        "dataset = load_dataset(**DATASET)",
    ]
    if plan.data.code:
        lines += plan.data.code.strip().splitlines()
    if sees(plan):
        kind = {"image": "Image()", "images": "List(Image())"}[plan.data.pictures or "image"]
        lines.append(f'dataset = dataset.cast_column("{plan.data.pictures}", {kind})  # paths become pictures')
    if plan.settings.answers_only and plan.method == "SFT" and "messages" in plan.data.columns:
        lines += [
            "# Only the last answer is learned, not the questions.",
            "dataset = dataset.map(",
            '    lambda row: {"prompt": row["messages"][:-1], "completion": row["messages"][-1:]},',
            '    remove_columns=["messages"],',
            ")",
        ]
    lines.append(f"parts = dataset.train_test_split(test_size={literal(plan.settings.eval_rows)}, seed=SEED)")
    return "\n".join(lines)


def _rewards(plan: TrainingPlan) -> str:
    names = rewards(plan)
    if plan.method not in ONLINE:
        return ""
    return "\n".join(
        [
            "# What answers are scored by; the functions stand below. Room for your own, for instance:",
            "#     def polite(completions, **kwargs):  # the dataset's columns arrive by name, as lists",
            '#         return [float("please" in str(completion)) for completion in completions]',
            f"rewards = [{', '.join(names)}]",
        ]
    )


def _config(plan: TrainingPlan) -> str:
    s = plan.settings
    weights = [REWARDS[name].weight for name in rewards(plan)]
    rows = [f"    {line}" for line in argument_lines(plan, vision=sees(plan), reward_weights=weights)]
    steps = f"logging_steps={literal(s.logging_steps)}, eval_steps={literal(s.eval_steps)}"
    rows.append(
        f"    **watched(SEED, {steps}, save_steps={_save_steps(plan)}),  # curves, held-out checks, checkpoints"
    )
    if plan.push_to:
        rows.append(f"    **to_hub(PUSH_TO, private={s.private}),  # the newest checkpoint too, until it is done")
    before = ["attention = attention_for_packing(precision)"] if packs(plan) else []
    return "\n".join([*before, f"config = {plan.method}Config(", *rows, ")"])


def _save_steps(plan: TrainingPlan) -> str:
    """Steps between checkpoints, so that a resumed run repeats the unbroken one.

    GRPO and RLOO make new answers only every `num_iterations` steps; resumed in between they would make other ones.
    """
    s = plan.settings
    cycle = s.num_iterations if plan.method in ONLINE else 1
    return literal(-(-s.save_steps // cycle) * cycle)


def _lora(plan: TrainingPlan) -> str:
    if plan.peft != "lora":
        return ""
    s = plan.settings
    size = f"r={literal(s.lora_r)}, lora_alpha={literal(s.lora_alpha)}"
    task = "SEQ_CLS" if plan.method == "Reward" else "CAUSAL_LM"
    where = f'r"{_LANGUAGE_LINEARS}"' if sees(plan) else '"all-linear"'
    part = "of the language part " if sees(plan) else ""
    return (
        f"# LoRA: the model stays as it is; small adapters beside every linear layer {part}learn.\n"
        f'lora = LoraConfig({size}, target_modules={where}, task_type="{task}")'
    )


def _trainer(plan: TrainingPlan) -> str:
    rows = [
        "model=MODEL,",
        *(["reward_funcs=rewards,"] if plan.method in ONLINE else []),
        "args=config,",
        'train_dataset=parts["train"],',
        'eval_dataset=parts["test"],',
        f"processing_class={_reader(plan)[0]},",
        *(["peft_config=lora,"] if plan.peft == "lora" else []),
    ]
    inner = textwrap.indent("\n".join(rows), "    ")
    return f"trainer = {plan.method}Trainer(\n{inner}\n)\nreturn train(trainer, PLAN{_questions(plan)})"


def _questions(plan: TrainingPlan) -> str:
    """Questions before and after: a reward model answers none, and pictures cannot be shown in a line of text."""
    if not plan.settings.questions or plan.method == "Reward" or sees(plan):
        return ""
    wanted = '.filter(lambda row: row["label"])' if plan.method == "KTO" and "label" in plan.data.columns else ""
    return f', held_out_questions(parts["test"]{wanted}, {literal(plan.settings.questions)})'
