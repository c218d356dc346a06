"""What is measured: shapes of real models, rows with lengths as chats have them, and the settings of each side."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib.util import find_spec
from itertools import product
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from hfft_widgets.core.data.report import validate_rows
from hfft_widgets.core.plan.choose import PlanRequest, recommend
from hfft_widgets.core.plan.data_stats import data_stats
from hfft_widgets.core.plan.hardware import Flavor
from hfft_widgets.core.plan.model import model_facts
from hfft_widgets.core.plan.plan import TrainingPlan
from hfft_widgets.core.plan.trl_arguments import argument_lines

_REAL = Path(__file__).parents[1] / "data" / "decoders.json"
TOY = "toy"
_TOY_CONFIG = {"model_type": "llama", "hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4,
               "num_key_value_heads": 2, "intermediate_size": 128, "vocab_size": 512,
               "tie_word_embeddings": True}  # fmt: skip
USUAL = ("Qwen3-0.6B", "Llama-3.2-1B", "SmolLM3-3B")
# huggingface/trl-jobs, trl_jobs/configs: one row of so many tokens a step
_PACKED_TOKENS = {TOY: 128, "Qwen3-0.6B": 32_768, "SmolLM3-3B": 28_672, "Qwen3-4B": 20_480, "Llama-3.1-8B": 24_576}
_MEAN_TOKENS, _SPREAD = 320, 0.95  # of a lognormal whose 99th percentile is about 4.7 times its mean: chats
_LONGEST = 4_096
# what an assistant's words are marked by, for a plan that learns them alone
_TEMPLATE = "{% for m in messages %}{% generation %}{{ m.content }}{% endgeneration %}{% endfor %}"


@dataclass(frozen=True)
class Setup:
    """The settings of one side.

    Attributes:
        name: Whose they are, or what they change.
        arguments: Of `trl.SFTConfig`.
        lora: Of `peft.LoraConfig`; None: all weights are trained.
        dtype: Of the weights.
        attention: As `transformers` calls it.
        expected: (seconds of a step, bytes) as the plan says; None: there is no plan.
    """

    name: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    lora: Mapping[str, Any] | None = None
    dtype: str = "float32"
    attention: str = "sdpa"
    expected: tuple[float, float] | None = None


def shapes() -> dict[str, dict[str, Any]]:
    """The configurations by name; the toy's too."""
    real = json.loads(_REAL.read_text("utf-8"))["decoders"]
    return {TOY: _TOY_CONFIG, **{name: known["config"] for name, known in real.items()}}


def lengths(count: int, *, mean: float = _MEAN_TOKENS) -> list[int]:
    """Tokens of rows, as chats have them: many short ones, a few very long ones."""
    chance = random.Random(0)
    middle = mean / 2.718281828 ** (_SPREAD**2 / 2)
    return [max(4, min(_LONGEST, round(middle * chance.lognormvariate(0, _SPREAD)))) for _ in range(count)]


def rivals(shape: str, machine: Flavor, rows: Sequence[int]) -> Iterator[Setup]:
    """Our settings for this shape on this machine, and those of others."""
    yield ours(shape, machine, rows)
    yield Setup("plain TRL")
    yield Setup("plain TRL, adapters", lora={"r": 16, "lora_alpha": 32, "target_modules": "all-linear"})
    # huggingface/skills, huggingface-llm-trainer/SKILL.md: its first example; the modules are peft's own choice
    yield Setup("llm-trainer skill", {"num_train_epochs": 3}, {"r": 16, "lora_alpha": 32})
    packed = {"packing": True, "max_length": _PACKED_TOKENS.get(shape, 16_384), "per_device_train_batch_size": 1,
              "gradient_accumulation_steps": 4, "max_grad_norm": 0.2, "use_liger_kernel": has_liger()}  # fmt: skip
    yield Setup("trl-jobs", packed, dtype="bfloat16", attention=fast_attention(machine))


def ours(shape: str, machine: Flavor, rows: Sequence[int]) -> Setup:
    """What the plan sets for these rows, word by word as its script has it."""
    plan = planned(shape, machine, rows)
    precision = SimpleNamespace(bf16=machine.bf16 and bool(machine.gpu), fp16=bool(machine.gpu) and not machine.bf16,
                                dtype="bfloat16" if plan.settings.bf16_weights else "float32")  # fmt: skip
    known = {"OUTPUT_DIR": "", "SEED": 0, "precision": precision, "attention": fast_attention(machine)}
    written = "\n".join(argument_lines(plan, ()))
    arguments = eval(f"dict(\n{written}\n)", known)
    made = arguments.pop("model_init_kwargs")
    lora = {"r": plan.settings.lora_r, "lora_alpha": plan.settings.lora_alpha, "target_modules": "all-linear"}
    e = plan.estimate
    return Setup("ours", arguments, lora if plan.adapts else None, made["dtype"],
                 made.get("attn_implementation", "sdpa"), (e.step_seconds, e.memory_bytes.mid))  # fmt: skip


def planned(shape: str, machine: Flavor, rows: Sequence[int]) -> TrainingPlan:
    """The plan for a shape, on rows of these lengths: a word is a token."""
    talks = [{"messages": [_said("user", "why"), _said("assistant", "so " * (count - 1))]} for count in rows]
    report = validate_rows(
        talks, name="rows", reference={"path": "rows", "split": "train"}, model=shape, template=_TEMPLATE,
        counter=lambda texts: [len(text.split()) for text in texts], vision=False,
    )  # fmt: skip
    facts = model_facts(
        {"max_position_embeddings": 32_768, **shapes()[shape]}, reference=shape, local=False, licence="apache-2.0",
        gated=False, chat_template=_TEMPLATE,
    )  # fmt: skip
    request = PlanRequest(flavor=machine.name, method="SFT", allow_large=True)
    return recommend(facts, report, data_stats(report, "SFT"), (machine,), request)


def _said(role: str, content: str) -> dict[str, str]:
    return {"role": role, "content": content}


def variations(own: Setup, machine: Flavor, batches: Sequence[int]) -> Iterator[Setup]:
    """Our settings with other choices of packing, kernels, attention and batch: what a measurement may choose."""
    attentions = dict.fromkeys(("sdpa", fast_attention(machine)))
    for attention, packing, liger in product(attentions, (False, True), dict.fromkeys((False, has_liger()))):
        words = [attention, *["packing"] * packing, *["Liger"] * liger]
        changed = {**own.arguments, "packing": packing, "use_liger_kernel": liger}
        yield replace(own, name=f"ours: {', '.join(words)}", arguments=changed, attention=attention, expected=None)
    for batch in batches:
        changed = {**own.arguments, "per_device_train_batch_size": batch, "gradient_accumulation_steps": 1}
        yield replace(own, name=f"ours: {batch} rows at once", arguments=changed, expected=None)


def has_liger() -> bool:
    """Whether Liger's kernels are installed; they need a GPU."""
    return find_spec("liger_kernel") is not None


def fast_attention(machine: Flavor) -> str:
    """FlashAttention where it is installed and the card computes bfloat16."""
    fast = machine.gpu and machine.bf16 and find_spec("flash_attn") is not None
    return "flash_attention_2" if fast else "sdpa"
