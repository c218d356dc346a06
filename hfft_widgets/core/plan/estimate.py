"""Memory, time and money of a training, from first principles, as ranges.

Memory follows the tensors that transformers 5 and TRL 1.16 really keep: weights, gradients, Adam's two moments, a
reference model (DPO without LoRA), the residual stream at every checkpoint, one layer in flight, and TRL's fused
head, which works in tiles of 4,096 tokens x 32,768 vocabulary entries. Time counts matrix FLOPs, bytes moved by
element-wise work and the launching of layers, which is what small models wait for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from hfft_widgets.core.plan.flavors import PRICES_DATE, PRICES_SOURCE, Flavor
from hfft_widgets.core.plan.model import ModelFacts

GIB = 2**30
# device memory = allocated x fragmentation + CUDA context
_FRAGMENTATION, _CONTEXT = 1.05, 0.45 * GIB
# share of the peak that matrix products reach, and how much element-wise traffic exceeds the ideal; fitted on
# public A100 and L40S points
_MATMUL_SHARE, _ELEMENTWISE = 0.60, 2.0
_SECONDS_PER_LAYER, _SECONDS_PER_ADAPTER = 0.6e-3, 0.10e-3
# a CPU reaches about half of what one large product measures, and pays less per layer
_CPU_SHARE, _CPU_SECONDS_PER_LAYER = 0.5, 0.4e-3
# image pull, installation, model and data, push: billed, and not measured by anybody yet
STARTUP_SECONDS = (180.0, 240.0, 360.0)
_LOCAL_STARTUP_SECONDS = (8.0, 15.0, 40.0)


@dataclass(frozen=True)
class Range:
    """A figure with its honest bounds."""

    low: float
    mid: float
    high: float

    def scaled(self, factor: float) -> Range:
        """All three times a factor."""
        return Range(self.low * factor, self.mid * factor, self.high * factor)


@dataclass(frozen=True)
class Estimate:
    """What a training takes on one flavor.

    Attributes:
        flavor: The hardware.
        memory_bytes: Peak memory of one device.
        seconds: From the start of billing to the end.
        usd: Price of those seconds.
        steps: Optimizer steps.
        parts: Memory by what it holds, in bytes; adds up to the middle of `memory_bytes`.
        capacity_bytes: Memory of one device.
        prices_source: Where the price is from.
        prices_date: The day of that price, ISO.
    """

    flavor: str
    memory_bytes: Range
    seconds: Range
    usd: Range
    steps: int
    capacity_bytes: int
    parts: Mapping[str, float] = field(default_factory=dict)
    prices_source: str = PRICES_SOURCE
    prices_date: str = PRICES_DATE

    @property
    def fits(self) -> bool:
        """Whether even the high end fits the device."""
        return self.memory_bytes.high <= self.capacity_bytes

    def to_dict(self) -> dict[str, Any]:
        """JSON values."""
        spans = {k: vars(getattr(self, k)) for k in ("memory_bytes", "seconds", "usd")}
        return {
            "flavor": self.flavor,
            **{k: dict(v) for k, v in spans.items()},
            "steps": self.steps,
            "capacity_bytes": self.capacity_bytes,
            "parts": dict(self.parts),
            "prices_source": self.prices_source,
            "prices_date": self.prices_date,
        }


@dataclass(frozen=True)
class Work:
    """What is to be trained, in the terms memory and time depend on.

    Attributes:
        method: "SFT", "DPO" or "GRPO".
        lora_r: Rank of the adapters; 0 trains all weights.
        batch_size: Rows per device and micro step.
        accumulation: Micro steps per optimizer step.
        tokens_per_row: Mean tokens a row takes in the model.
        max_length: Longest row in tokens: what the peak is made of.
        rows: Rows seen in one epoch.
        epochs: Passes over the data.
        checkpointing: Whether activations are recomputed.
        completion_tokens: Tokens generated per answer (GRPO).
        generations: Answers per prompt (GRPO).
        max_steps: Ends earlier; -1 does not.
    """

    method: str
    lora_r: int
    batch_size: int
    accumulation: int
    tokens_per_row: float
    max_length: int
    rows: int
    epochs: float
    checkpointing: bool = True
    completion_tokens: int = 0
    generations: int = 1
    max_steps: int = -1

    @property
    def sequences_per_row(self) -> int:
        """DPO computes chosen and rejected together."""
        return 2 if self.method == "DPO" else 1

    @property
    def steps(self) -> int:
        """Optimizer steps of the whole training."""
        if self.max_steps > 0:
            return self.max_steps
        rows = self.rows * (self.generations if self.method == "GRPO" else 1)
        per_epoch = -(-rows // (self.batch_size * self.accumulation))
        return max(1, round(per_epoch * self.epochs))


def memory_parts(model: ModelFacts, work: Work, flavor: Flavor) -> dict[str, float]:
    """Peak memory of one device by what it holds, in bytes."""
    gpu = bool(flavor.gpu)
    weight_bytes = 2 if work.lora_r and gpu else 4
    trained = model.lora_parameters(work.lora_r) if work.lora_r else model.parameters
    tokens = work.batch_size * work.sequences_per_row * (work.max_length + work.completion_tokens)
    parts = {
        "weights": model.parameters * weight_bytes,
        "adapters": trained * 4 if work.lora_r else 0,
        "gradients": trained * 4,
        "optimizer": trained * 8,
        "reference model": model.parameters * weight_bytes if work.method == "DPO" and not work.lora_r else 0,
        "activations": _activations(model, work, tokens, full=not work.lora_r),
        "logits": _head(model, tokens, trains=not work.lora_r),
        "KV cache": _kv_cache(model, work) if work.method == "GRPO" else 0,
    }
    allocated = sum(parts.values())
    runtime = allocated * (_FRAGMENTATION - 1) + _CONTEXT if gpu else 0.55 * GIB
    return {**{name: float(size) for name, size in parts.items() if size}, "runtime": runtime}


def _activations(model: ModelFacts, work: Work, tokens: int, *, full: bool) -> float:
    saved = _saved_per_layer_token(model, full=full)
    stream = 4 * model.hidden_size
    in_flight = 6 * model.intermediate_size + 4 * model.hidden_size
    if work.checkpointing:
        return tokens * (model.layers * stream + saved + in_flight)
    return tokens * (model.layers * saved + in_flight)


def _saved_per_layer_token(model: ModelFacts, *, full: bool) -> float:
    """Bytes autograd keeps per layer and token: exact for transformers 5 Llama and Qwen3 under autocast."""
    hidden, width, inner = model.hidden_size, model.heads * model.head_dim, model.intermediate_size
    keys = model.kv_heads * model.head_dim
    attention = 2 * (width + 2 * keys) + 2 * width + 4 * model.heads
    if model.model_type.startswith(("qwen3", "gemma3")):
        attention += (6 if full else 4) * (width + keys) + 4 * (model.heads + model.kv_heads)
    if full:
        return attention + 6 * inner + 26 * hidden + 2 * inner
    inputs = sum(rows for rows, _ in model.linears.values())
    return attention + 6 * inner + 8 * hidden + 2 * inputs


def _head(model: ModelFacts, tokens: int, *, trains: bool) -> float:
    vocabulary = min(model.vocabulary_size, 32768)
    tile = min(tokens, 4096) * vocabulary * 2
    return tile + tokens * model.hidden_size * 4 + (model.vocabulary_size * model.hidden_size * 4 if trains else 0)


def _kv_cache(model: ModelFacts, work: Work) -> float:
    sequences = work.batch_size * work.accumulation
    return 4.0 * model.layers * model.kv_heads * model.head_dim * (work.max_length + work.completion_tokens) * sequences


def step_seconds(model: ModelFacts, work: Work, flavor: Flavor) -> float:
    """Seconds of one optimizer step, generation included."""
    tokens = work.batch_size * work.sequences_per_row * (work.tokens_per_row + work.completion_tokens)
    flops = tokens * _flops_per_token(model, work)
    passes = 2.6 + (1 if work.checkpointing else 0)
    if not flavor.gpu:
        products = flops / (flavor.tflops * 1e12 * _CPU_SHARE)
        micro = products + model.layers * _CPU_SECONDS_PER_LAYER * passes
        trained = model.lora_parameters(work.lora_r) if work.lora_r else model.parameters
        return (
            work.accumulation * micro
            + trained * 28 / (flavor.gigabytes_per_second * 1e9)
            + _generation(model, work, flavor)
        )
    products = flops / (flavor.gpus * flavor.tflops * 1e12 * _MATMUL_SHARE)
    moved = tokens * model.layers * (70 * model.hidden_size + 18 * model.intermediate_size) * passes * _ELEMENTWISE
    launch = model.layers * (_SECONDS_PER_LAYER + (7 * _SECONDS_PER_ADAPTER if work.lora_r else 0)) * passes
    busy = products + moved / (flavor.gigabytes_per_second * 1e9 * flavor.gpus)
    slowest: float = (busy**4 + launch**4) ** 0.25
    return work.accumulation * slowest + _generation(model, work, flavor)


def _flops_per_token(model: ModelFacts, work: Work) -> float:
    """2 per linear weight and pass: forward, gradient of the input, of the weight (full), and recomputation."""
    head = model.vocabulary_size * model.hidden_size
    passes = 2 + (0 if work.lora_r else 1) + (1 if work.checkpointing else 0)
    attention = 2 * work.tokens_per_row * model.heads * model.head_dim * model.layers
    reference = 2 * (model.linear_parameters + head) if work.method == "DPO" else 0
    return 2 * model.linear_parameters * passes + attention * 3.5 + 2 * head * 4 + reference


def _generation(model: ModelFacts, work: Work, flavor: Flavor) -> float:
    """Decoding token by token: weights are read once per token, or the layers' launches are waited for."""
    if work.method != "GRPO":
        return 0.0
    per_layer = 1.4e-3 if flavor.gpu else 0.5e-3
    read = model.parameters * 2 / (flavor.gigabytes_per_second * 1e9 * 0.75)
    return work.completion_tokens * max(read, model.layers * per_layer)


def estimate_work(model: ModelFacts, work: Work, flavor: Flavor) -> Estimate:
    """Memory, time and price of the work on a flavor."""
    parts = memory_parts(model, work, flavor)
    peak = sum(parts.values())
    training = step_seconds(model, work, flavor) * work.steps
    low, high = (0.75, 1.35) if flavor.gpu in {"A100", "L40S"} else (0.5, 2.5)
    startup = STARTUP_SECONDS if flavor.usd_per_hour else _LOCAL_STARTUP_SECONDS
    seconds = Range(training * low + startup[0], training + startup[1], training * high + startup[2])
    return Estimate(
        flavor=flavor.name,
        memory_bytes=Range(peak * 0.95, peak, peak * 1.12),
        seconds=seconds,
        usd=seconds.scaled(flavor.usd_per_hour / 3600),
        steps=work.steps,
        capacity_bytes=flavor.memory_bytes,
        parts=parts,
    )
