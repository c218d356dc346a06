"""Seconds of one optimizer step: matrix products, bytes moved by element-wise work, and the launching of kernels.

A micro step takes the slower of what the device computes and what the host launches; small models wait for the
host. The few constants are fitted by `python -m tests.bench.estimator --fit`, which scores them on sources left out.
"""

from __future__ import annotations

from dataclasses import dataclass

from hfft_widgets.core.plan.flavors import Flavor
from hfft_widgets.core.plan.model import ModelFacts
from hfft_widgets.core.plan.work import Work


@dataclass(frozen=True)
class Speed:
    """What is fitted rather than derived.

    Attributes:
        matmul: Share of a card's attainable TFLOP/s that the products reach.
        elementwise: Bytes moved by element-wise work, times the ideal.
        layer_seconds: The host's time to launch one layer's kernels in one pass.
        adapter_seconds: The same for one adapter.
        quantized_seconds: The same for unpacking a layer's 4-bit weights.
    """

    matmul: float = 0.65
    elementwise: float = 2.5
    layer_seconds: float = 0.6e-3
    adapter_seconds: float = 0.10e-3
    quantized_seconds: float = 0.5e-3


SPEED = Speed()
# backward passes launch about this many times as much as forward ones
_BACKWARD = 1.6
# compiled or hand-fused kernels, against eager ones: bytes moved, kernels launched, share of the peak reached
_FUSED_BYTES, _FUSED_LAUNCHES, _FUSED_MATMUL = 0.55, 0.35, 1.15
# a CPU reaches about half of what one large product measures, and pays less per layer
_CPU_SHARE, _CPU_LAYER_SECONDS, _CPU_OPTIMIZER_BYTES = 0.5, 0.4e-3, 28
# share of the bandwidth that a stream of weights or moments reaches
_STREAM_SHARE = 0.6
_DECODE_SHARE, _DECODE_LAYER_SECONDS, _VLLM_LAYER_SECONDS, _CPU_DECODE_SECONDS = 0.75, 1.4e-3, 0.08e-3, 0.5e-3
# bfloat16 emulated on a T4: from one published run (TRL's notebook of Qwen3-14B, 30 steps in 4,250 s)
_EMULATED_FLOPS = 2.6e12
# what an optimizer step launches and waits for, whatever the model
_STEP_SECONDS = 0.01


def step_seconds(model: ModelFacts, work: Work, flavor: Flavor, speed: Speed = SPEED) -> float:
    """Seconds of one optimizer step, generation and the exchange of gradients included."""
    generation = _generation(model, work, flavor)
    if not flavor.gpu:
        return work.accumulation * _cpu_micro(model, work, flavor) + _cpu_update(model, work, flavor) + generation
    busy = _products(model, work, flavor, speed) + _moved(model, work, flavor, speed)
    busy = max(busy, _weights_read(model, work, flavor))
    launch = _launch(model, work, speed)
    micro: float = (busy**4 + launch**4) ** 0.25
    return work.accumulation * micro + _update(model, work, flavor) + generation


def flops_per_token(model: ModelFacts, work: Work) -> float:
    """2 per weight and pass: forward, gradient of the input, of the weight if trained, and recomputation.

    Attention is causal: half of the products of queries and keys. TRL's fused head computes the logits once more.
    """
    passes = 2 + work.full + work.checkpointing
    head = 2 * model.head_parameters * (2 + work.full + (not work.full_logits))
    attention = 2 * work.tokens_per_row * model.heads * model.head_dim * model.layers
    adapters = 0 if work.full else 6 * work.trained(model)
    forward = 2 * (model.linear_parameters + model.head_parameters) + attention
    second = work.method in {"DPO", "KTO"} or work.holds_reference
    reference = forward if second else 0
    return 2 * model.linear_parameters * passes + attention * (3.5 + work.checkpointing) + head + adapters + reference


def _products(model: ModelFacts, work: Work, flavor: Flavor, speed: Speed) -> float:
    share = speed.matmul * (_FUSED_MATMUL if work.fused else 1)
    native = work.weight_bytes(gpu=True) == 2 or work.mixed_precision
    # float32 products run on the ordinary cores, or as TF32 at a quarter of the 16-bit rate
    if work.emulated:
        return work.mean_tokens * flops_per_token(model, work) / _EMULATED_FLOPS
    rate = flavor.attainable_tflops * 1e12 * share * (1 if native else 0.25)
    return work.mean_tokens * flops_per_token(model, work) / rate


def _moved(model: ModelFacts, work: Work, flavor: Flavor, speed: Speed) -> float:
    layer = 70 * model.hidden_size + 18 * model.intermediate_size + 12 * model.heads * model.head_dim
    if not work.full:
        layer += 18 * sum(inputs for inputs, _ in model.lora_linears(work.targets))
    logits = (46 if work.full_logits else 20) * model.vocabulary_size
    moved = model.layers * layer * _passes(work) + logits
    share = speed.elementwise * (_FUSED_BYTES if work.fused else 1)
    unpacked = 2.6 * model.linear_parameters * (2 + work.checkpointing) if work.quantized else 0
    # what one layer writes and the next reads stays in the cache if it is small
    cached = 1 + 1.5 * min(1.0, flavor.cache_bytes / (6 * work.mean_tokens * model.hidden_size))
    return (work.mean_tokens * moved * share / cached + unpacked) / (flavor.gigabytes_per_second * 1e9)


def _weights_read(model: ModelFacts, work: Work, flavor: Flavor) -> float:
    size = 0.56 if work.quantized else work.weight_bytes(gpu=True)
    return model.parameters * size * (2 + work.checkpointing) / (flavor.gigabytes_per_second * 1e9)


def _passes(work: Work) -> float:
    return 1 + _BACKWARD + work.checkpointing


def _launch(model: ModelFacts, work: Work, speed: Speed) -> float:
    adapters = 0 if work.full else len(model.lora_linears(work.targets)) * speed.adapter_seconds
    unpacking = speed.quantized_seconds if work.quantized else 0
    share = _FUSED_LAUNCHES if work.fused else 1
    return model.layers * (speed.layer_seconds + adapters + unpacking) * _passes(work) * share


def _update(model: ModelFacts, work: Work, flavor: Flavor) -> float:
    """The optimizer reads and writes weight, gradient and moments; several cards exchange gradients first.

    Fused Adam reads four values and writes three; the gradient's norm and clipping read it twice and write it once.
    """
    size = work.weight_bytes(gpu=True) if work.full else 4
    per_parameter = 10 * size if work.optimizer == "adamw" else 4 * size + 4
    seconds = work.trained(model) * per_parameter / (flavor.gigabytes_per_second * 1e9 * _STREAM_SHARE)
    # a ring sends every gradient twice, less one share
    exchanged = 2 * work.trained(model) * size * (flavor.gpus - 1) / flavor.gpus
    return _STEP_SECONDS + seconds + exchanged / (flavor.link_gigabytes_per_second * 1e9)


def _generation(model: ModelFacts, work: Work, flavor: Flavor) -> float:
    """Decoding token by token: weights are read once per token, or the layers' launches are waited for.

    Answers serve several steps where there are iterations on them.
    """
    if not work.generates:
        return 0.0
    layer = (_VLLM_LAYER_SECONDS if work.vllm else _DECODE_LAYER_SECONDS) if flavor.gpu else _CPU_DECODE_SECONDS
    read = model.parameters * 2 / (flavor.gigabytes_per_second * 1e9 * _DECODE_SHARE)
    return work.completion_tokens * max(read, model.layers * layer) / work.iterations


def _cpu_micro(model: ModelFacts, work: Work, flavor: Flavor) -> float:
    products = work.mean_tokens * flops_per_token(model, work) / (flavor.tflops * 1e12 * _CPU_SHARE)
    return products + model.layers * _CPU_LAYER_SECONDS * _passes(work)


def _cpu_update(model: ModelFacts, work: Work, flavor: Flavor) -> float:
    return work.trained(model) * _CPU_OPTIMIZER_BYTES / (flavor.gigabytes_per_second * 1e9)
