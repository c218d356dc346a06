"""Published measurements as works: a row of a calibration file -> (model, work, hardware, what was measured).

Only what the row says is used: its columns and notes. A few stacks differ from TRL 1 in ways that the notes name
(DeepSpeed's float32 copies, compiled kernels, old quantisation); each difference is one entry in `_stack`.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from hfft_widgets.core.estimate.time import flops_per_token
from hfft_widgets.core.estimate.work import Work
from hfft_widgets.core.plan.hardware import Flavor, gpu_flavor, gpu_name
from hfft_widgets.core.plan.model import ModelFacts, model_facts

_KEYS = ("hidden_size", "num_hidden_layers", "num_attention_heads", "num_key_value_heads", "intermediate_size",
         "vocab_size", "tie_word_embeddings", "head_dim")  # fmt: skip
# ZeRO calls Python for every trained tensor that gets its gradient, in each micro step. Set from five full trainings
# of Qwen-1.8B (2.1 s for 8 micro steps, whatever the length up to 1,024), which therefore are no test of it
_ZERO_LAYER_SECONDS = 2.4e-3
_METRICS = ("mem_device", "mem_alloc", "mem_reserved", "tok_s", "samples_s", "time_step", "time_total")
# name: type, then the values of _KEYS, from the models' config.json
_CONFIGS: Mapping[str, tuple[Any, ...]] = {
    "qwen-1.8b": ("qwen", 2048, 24, 16, 16, 11008, 151936, False),
    "qwen-7b": ("qwen", 4096, 32, 32, 32, 22016, 151936, False),
    "qwen-14b": ("qwen", 5120, 40, 40, 40, 27392, 152064, False),
    "qwen-72b": ("qwen", 8192, 80, 64, 64, 49152, 152064, False),
    "qwen1.5-0.5b": ("qwen2", 1024, 24, 16, 16, 2816, 151936, True),
    "qwen1.5-1.8b": ("qwen2", 2048, 24, 16, 16, 5504, 151936, False),
    "qwen1.5-7b": ("qwen2", 4096, 32, 32, 32, 11008, 151936, False),
    "qwen2.5-0.5b": ("qwen2", 896, 24, 14, 2, 4864, 151936, True),
    "qwen2.5-1.5b": ("qwen2", 1536, 28, 12, 2, 8960, 151936, True),
    "qwen2.5-3b": ("qwen2", 2048, 36, 16, 2, 11008, 151936, True),
    "qwen2.5-7b": ("qwen2", 3584, 28, 28, 4, 18944, 152064, False),
    "qwen2.5-14b": ("qwen2", 5120, 48, 40, 8, 13824, 152064, False),
    "qwen3-0.6b": ("qwen3", 1024, 28, 16, 8, 3072, 151936, True, 128),
    "qwen3-1.7b": ("qwen3", 2048, 28, 16, 8, 6144, 151936, True, 128),
    "qwen3-4b": ("qwen3", 2560, 36, 32, 8, 9728, 151936, True, 128),
    "qwen3-8b": ("qwen3", 4096, 36, 32, 8, 12288, 151936, False, 128),
    "qwen3-14b": ("qwen3", 5120, 40, 40, 8, 17408, 151936, False, 128),
    "llama-2-7b": ("llama", 4096, 32, 32, 32, 11008, 32000, False),
    "llama-2-13b": ("llama", 5120, 40, 40, 40, 13824, 32000, False),
    "llama-3.2-1b": ("llama", 2048, 16, 32, 8, 8192, 128256, True),
    "llama-3.2-3b": ("llama", 3072, 28, 24, 8, 8192, 128256, True),
    "llama-3.1-8b": ("llama", 4096, 32, 32, 8, 14336, 128256, False),
    "llama-3-8b": ("llama", 4096, 32, 32, 8, 14336, 128256, False),
    "tinyllama-1.1b": ("llama", 2048, 22, 32, 4, 5632, 32000, False),
    "mistral-7b": ("mistral", 4096, 32, 32, 8, 14336, 32000, False),
    "smollm2-135m": ("llama", 576, 30, 9, 3, 1536, 49152, True),
    "smollm2-360m": ("llama", 960, 32, 15, 5, 2560, 49152, True),
    "smollm2-1.7b": ("llama", 2048, 24, 32, 32, 8192, 49152, True),
    "smollm3-3b": ("smollm3", 2048, 36, 16, 4, 11008, 128256, True),
    "phi-3-mini": ("phi3", 3072, 32, 32, 32, 8192, 32064, False),
    "gemma-2b": ("gemma", 2048, 18, 8, 1, 16384, 256000, True, 256),
    "gemma-7b": ("gemma", 3072, 28, 16, 16, 24576, 256000, True, 256),
    "gemma-2-2b": ("gemma2", 2304, 26, 8, 4, 9216, 256000, True, 256),
    "gemma-3-270m": ("gemma3_text", 640, 18, 4, 1, 2048, 262144, True, 256),
    "gemma-3-1b": ("gemma3_text", 1152, 26, 4, 1, 6912, 262144, True, 256),
    "starcoderbase-1b": ("gpt_bigcode", 2048, 24, 16, 1, 8192, 49152, True),
    "mpt-125m": ("mpt", 768, 12, 12, 12, 3072, 50368, True),
    "mpt-350m": ("mpt", 1024, 24, 16, 16, 4096, 50368, True),
    "mpt-760m": ("mpt", 1536, 24, 12, 12, 6144, 50368, True),
    "mpt-1b": ("mpt", 2048, 24, 16, 16, 8192, 50368, True),
    "mpt-3b": ("mpt", 2560, 32, 20, 20, 10240, 50368, True),
    "mpt-7b": ("mpt", 4096, 32, 32, 32, 16384, 50368, True),
    "mpt-13b": ("mpt", 5120, 40, 40, 40, 20480, 50368, True),
}


@dataclass(frozen=True)
class Measured:
    """One published figure.

    Attributes:
        point: The row's id.
        source: Where it is from, up to the first blank: rows of one source share its peculiarities.
        model: The model in numbers.
        work: What was trained.
        flavor: On what.
        kind: "memory" or "time".
        metric: As the row names it.
        truth: Bytes, or seconds of one optimizer step.
        row: The row itself.
        reserved: Whether memory is the allocator's (no CUDA context).
        skipped: Why it cannot be scored, or "".
        doubt: How it contradicts its own hardware, or "": scored apart.
        extra_bytes_per_parameter: What another stack holds for each trained parameter beyond the work's.
        extra_bytes: What it holds besides.
        layer_seconds: What the host of another stack does for each layer in one pass beyond transformers' own work.
        other_stack: Whether DeepSpeed or another library than transformers trained.
    """

    point: str
    source: str
    model: ModelFacts
    work: Work
    flavor: Flavor
    kind: str
    metric: str
    truth: float
    row: Mapping[str, str]
    reserved: bool = False
    skipped: str = ""
    doubt: str = ""
    extra_bytes_per_parameter: float = 0.0
    extra_bytes: float = 0.0
    layer_seconds: float = 0.0
    other_stack: bool = False


def read(path: Path) -> list[Measured]:
    """The measurements in a calibration file."""
    with path.open(encoding="utf-8", newline="") as stream:
        return [measured(row) for row in csv.DictReader(stream)]


def measured(row: Mapping[str, str]) -> Measured:
    """One row as a measurement."""
    model, work = _model(row["model"], float(row["params_b"] or 7)), _work(row)
    gpus = int(row["gpus"] or 1)
    unknown = row["metric"] not in _METRICS or gpu_name(row["hardware"]) is None
    found = Measured(
        point=row["id"],
        source=row["source"].split("#")[0].split(" ")[0] + _document(row["source"]),
        model=model,
        work=work,
        flavor=gpu_flavor("A100" if unknown else row["hardware"], gpus),
        kind="memory" if row["metric"].startswith("mem") else "time",
        metric=row["metric"],
        truth=_truth(row, work),
        row=row,
        reserved="reserved" in row["notes"] + row["metric"],
        skipped=f"unknown metric or hardware: {row['metric']}, {row['hardware']}" if unknown else "",
    )
    found = _stack(found)
    return replace(found, doubt=_impossible(found))


def _document(source: str) -> str:
    """A second document of one repository is another source: another machine and stack."""
    path = source.partition(" ")[2].partition("#")[0]
    return "" if "method_comparison" in path else f" {path}"


def _truth(row: Mapping[str, str], work: Work) -> float:
    value, tokens = float(row["value"]), work.batch_size * work.accumulation * work.tokens_per_row
    if row["metric"].startswith("mem"):
        return value * (2**30 if row["unit"] == "GiB" else 1e9)
    cards = 1 if "per GPU" in row["unit"] else int(row["gpus"] or 1)
    if row["metric"] == "tok_s":
        return tokens * cards / value
    if row["metric"] == "samples_s":
        return work.batch_size * work.accumulation * cards / value
    return value if row["metric"] == "time_step" else value / max(1, work.max_steps)


def _work(row: Mapping[str, str]) -> Work:
    peft, length, batch = row["peft"], int(float(row["seq_len"] or 1024)), int(float(row["batch"] or 1))
    rank = re.match(r"q?lora(\d+)", peft)
    lora_r = 0 if peft in {"full", "none", ""} else int(rank[1]) if rank else 16
    targets = {"qv": ("q_proj", "v_proj"), "mlp": ("gate_proj", "up_proj", "down_proj"),
               "cattn": ("q_proj", "k_proj", "v_proj")}  # fmt: skip
    steps = re.search(r"(\d+) steps", row["notes"])
    return Work(
        method={"dpo": "DPO", "grpo": "GRPO"}.get(row["method"], "SFT"),
        lora_r=lora_r,
        batch_size=batch,
        accumulation=int(row["accumulation"] or 1),
        tokens_per_row=length * _mean_share(row),
        max_length=length,
        rows=1,
        epochs=1,
        checkpointing=row["grad_ckpt"] == "1",
        logit_bytes=14 if "transformers 5" in row["notes"] else 16,
        max_steps=int(steps[1]) if steps and row["metric"] == "time_total" else 1,
        quantized=peft.startswith("qlora"),
        dtype="float32" if re.match(r"fp32|float32|.*(mixed|amp)", row["precision"]) else "bfloat16",
        optimizer=_optimizer(row["optimizer"].lower()),
        full_logits=row["full_logits"] != "0",
        targets=next((names for end, names in targets.items() if peft.endswith(end)), ()),
    )


def _optimizer(name: str) -> str:
    if "paged" in name:
        return "paged_adamw_8bit"
    known = ("adafactor", "sgd")
    return "adamw_8bit" if "8bit" in name else next((other for other in known if other in name), "adamw")


def _mean_share(row: Mapping[str, str]) -> float:
    """ms-swift's rows say how the mean length relates to the cut."""
    mean = re.search(r"mean (\d+) tok/sample", row["notes"])
    if mean and row["metric"].startswith("mem"):
        return min(1.0, int(mean[1]) / int(row["seq_len"]))
    if "truncated at max_length" not in row["notes"]:
        return 1.0
    return {512: 0.97, 1024: 0.90, 2048: 0.76}.get(int(row["seq_len"]), 0.55)


def _stack(found: Measured) -> Measured:
    """What the row's notes say about a stack other than transformers with TRL."""
    notes, work = found.row["notes"].lower(), found.work
    if "deepspeed" in notes or "gptq" in found.row["peft"]:
        # QwenLM/Qwen finetune/*.sh: ZeRO 2 for full training and Q-LoRA. float32 weights, moments and gradient beside
        # 16-bit ones: 2 + 2 + 4 + 8 + 4; finetune/ds_config_zero2.json: three buckets of 2e8 16-bit values; no autocast
        trained_bytes = 8 if work.full else 16
        found = replace(found, extra_bytes_per_parameter=20 - trained_bytes, extra_bytes=3 * 2e8 * 2)
        work = replace(work, logit_bytes=8, mixed_precision=work.full)
        found = replace(found, other_stack=True, layer_seconds=_ZERO_LAYER_SECONDS)
    if "not stated" in notes:
        found = replace(found, skipped="the number of tokens is not stated")
    if "data shorter" in notes:
        found = replace(found, skipped="the rows are shorter than the stated length")
    if "compile" in notes or "fused ops" in notes:
        work = replace(work, fused=True)
    if "bf16-true" in notes or "torchtune" in notes:
        work = replace(work, mixed_precision=False)
    if work.quantized and "gptq" not in found.row["peft"]:
        work = replace(work, upcast=True)  # before TRL 1
    if work.max_length != work.tokens_per_row and found.kind == "time":
        work = replace(work, max_length=round(work.tokens_per_row))
    if "emulated" in found.row["precision"]:
        work = replace(work, emulated=True)
    return replace(found, work=work)


def _impossible(found: Measured) -> str:
    """A row that contradicts the hardware: states that the card cannot hold, or more FLOP/s than it has."""
    trained = found.work.trained(found.model)
    if found.kind == "memory":
        states = found.model.parameters * 2 + trained * 6 if found.work.full else 0
        held = states > 1.1 * found.truth and found.work.optimizer == "adamw"
        return "16-bit weights, gradients and both moments alone are larger than this" if held else ""
    tokens = found.work.accumulation * found.work.mean_tokens
    rate = tokens * flops_per_token(found.model, found.work) / found.truth
    share = rate / (found.flavor.tflops * 1e12)
    return f"it implies {share:.0%} of the card's peak: the rows must be shorter" if share > 0.75 else ""


def _model(name: str, billions: float) -> ModelFacts:
    known = next((key for key in _CONFIGS if re.sub(r"[-_]", "", key) == _plain(name)), None)
    return _of_size(name, billions) if known is None else config_facts(known, name)


def config_facts(known: str, name: str = "") -> ModelFacts:
    """The model of this name in the table."""
    values = _CONFIGS[known]
    config = {"model_type": values[0], **dict(zip(_KEYS, values[1:], strict=False))}
    return model_facts(config, reference=name or known)


def _plain(name: str) -> str:
    name = name.rsplit("/", 1)[-1].lower()
    name = re.sub(r"-?(instruct|chat|base|hf|it|v0\.\d|alpha)\b", "", name)
    return re.sub(r"[-_]", "", name)


def _of_size(name: str, billions: float) -> ModelFacts:
    """A Llama of that size where the configuration is not known: 128 hidden units per layer (GPT-3's table)."""
    hidden = 64 * max(1, round((billions * 1e9 / 12 * 128) ** (1 / 3) / 64))
    config = {"model_type": "llama", "hidden_size": hidden, "num_hidden_layers": max(1, round(hidden / 128)),
              "num_attention_heads": max(1, hidden // 128), "intermediate_size": int(hidden * 8 / 3),
              "vocab_size": 128000}  # fmt: skip
    return model_facts(config, reference=name, parameters=int(billions * 1e9))
