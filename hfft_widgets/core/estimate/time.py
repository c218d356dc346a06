"""Seconds of one optimizer step: matrix products, bytes moved by element-wise work, and the launching of kernels.

A micro step takes the slower of what the device computes and what the host launches; small models wait for the
host. The few constants are fitted by `python -m tests.bench.estimator --fit`, which scores them on sources left out.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from hfft_widgets.core.estimate.work import Work, scores_formed
from hfft_widgets.core.plan.hardware import Flavor
from hfft_widgets.core.plan.model import ModelFacts


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
# float32 products of a T4, which has no TF32, against its 16-bit ones: 8.1 of 65 TFLOP/s; a stream in float32 moves
# so much more; and the bytes that each score is written and read in one pass where all of them are formed
_T4_FLOAT32, _WIDE_STREAM, _SCORE_BYTES = 0.125, 1.3, 24
# bytes for each adapted weight that DoRA computes the size of: read, its adapter's written, added, squared, in 16 bits
_DORA_BYTES = 16
# of an answer to a question before and after: at most 128, and few are so long
_QUESTION_TOKENS = 64
# what the trainer does around each micro step: next rows, collation, accumulation, the loss as a number. Of a CPU: from
# one tiny model in pieces of 8 x 1, 2 x 4 and 1 x 8
_MICRO_SECONDS, _CPU_MICRO_SECONDS = 4e-3, 2e-2
# what an optimizer step launches and waits for, whatever the model
_STEP_SECONDS = 0.01


def step_seconds(model: ModelFacts, work: Work, flavor: Flavor, speed: Speed = SPEED) -> float:
    """Seconds of one optimizer step, generation and the exchange of gradients included."""
    generation = _generation(model, work, flavor) / work.iterations  # answers serve so many steps
    update = _update if flavor.gpu else _cpu_update
    return work.accumulation * _micro(model, work, flavor, speed) + update(model, work, flavor) + generation


def _micro(model: ModelFacts, work: Work, flavor: Flavor, speed: Speed) -> float:
    """Seconds of one micro step, forward and backward."""
    if not flavor.gpu:
        return _cpu_micro(model, work, flavor)
    busy = _products(model, work, flavor, speed) + _moved(model, work, flavor, speed)
    busy = max(busy, _weights_read(model, work, flavor))
    launch = _launch(model, work, speed)
    # the fourth root of the sum of fourth powers, by what every system rounds alike: powers differ in the last bit
    squares = busy * busy, launch * launch
    return math.sqrt(math.sqrt(squares[0] * squares[0] + squares[1] * squares[1])) + _MICRO_SECONDS


def check_seconds(model: ModelFacts, work: Work, flavor: Flavor) -> float:
    """Seconds of all evaluations: forward passes over the held-out rows, and the answers to them where it generates.

    TRL 1.16's online trainers write `num_generations_eval` answers to each held-out prompt, in each evaluation.
    """
    if not work.check_every:
        return 0.0
    batches = math.ceil(work.check_rows / (work.check_batch * flavor.devices))
    tokens = work.check_tokens / max(1, work.check_rows) * work.check_batch / work.sequences_per_row
    batch = replace(work, batch_size=1, tokens_per_row=tokens, completion_tokens=0, answer_tokens=None,
                    attended_tokens=work.attention_tokens)  # fmt: skip
    each = _micro(model, batch, flavor, SPEED) / _passes(work) + _generation(model, work, flavor)
    return (1 + work.steps_on(flavor.gpus) // work.check_every) * batches * each


def question_seconds(model: ModelFacts, work: Work, flavor: Flavor) -> float:
    """Seconds of the questions before and after, each batch answered greedily."""
    return 2 * work.questions * _QUESTION_TOKENS * _token_seconds(model, work, flavor)


def flops_per_token(model: ModelFacts, work: Work) -> float:
    """2 per weight and pass: forward, gradient of the input, of the weight if trained, and recomputation.

    Attention is causal: half of the products of queries and keys. TRL's fused head computes the logits once more.
    """
    passes = 2 + work.full + work.checkpointing
    adapters = 0 if work.full else 6 * work.trained(model) * model.layout.share
    forward = 2 * (model.layout.active_parameters + model.head_parameters) + _attended_flops(model, work)
    reference = forward if work.trainer.second_pass or work.holds_reference else 0
    reference += 2 * forward if work.trainer.mismatched else 0  # TRL 1.16: no gradients, the policy and the reference
    products = 2 * model.layout.active_parameters * passes + adapters + reference
    return products + _attention_flops(model, work) + _head_flops(model, work)


def _attended_flops(model: ModelFacts, work: Work) -> float:
    """Of one token's attention, forward."""
    return 2 * work.attention_tokens * model.heads * model.head_dim * model.layers


def _attention_flops(model: ModelFacts, work: Work) -> float:
    return _attended_flops(model, work) * (3.5 + work.checkpointing)


def _head_flops(model: ModelFacts, work: Work) -> float:
    return 2 * model.head_parameters * (2 + work.full + (not work.full_logits))


def _products(model: ModelFacts, work: Work, flavor: Flavor, speed: Speed) -> float:
    if work.emulated:
        return work.mean_tokens * flops_per_token(model, work) / _EMULATED_FLOPS
    share = speed.matmul * (_FUSED_MATMUL if work.fused else 1)
    rate = flavor.attainable_tflops * 1e12 * share
    whole, slow = flops_per_token(model, work), _float32_flops(model, work, flavor)
    # float32 products run on the ordinary cores, or as TF32 at a quarter of the 16-bit rate
    return work.mean_tokens * (whole - slow + slow / (0.25 if flavor.bf16 else _T4_FLOAT32)) / rate


def _float32_flops(model: ModelFacts, work: Work, flavor: Flavor) -> float:
    """What of a token's products is computed in float32: all without 16 bits anywhere, else parts of it.

    Where k-bit preparation keeps the stream between the layers in float32 and nothing casts it down, attention and
    head are computed so; and attention where only the kernel for it is left that forms all scores.
    """
    if work.weight_bytes(gpu=True) != 2 and not work.mixed_precision:
        return flops_per_token(model, work)
    wide = work.wide_stream
    attention = wide or scores_formed(model, work, flavor)
    return attention * _attention_flops(model, work) + wide * _head_flops(model, work)


def _moved(model: ModelFacts, work: Work, flavor: Flavor, speed: Speed) -> float:
    layer: float = 70 * model.hidden_size + 18 * model.intermediate_size + 12 * model.heads * model.head_dim
    if not work.full:
        layer += 18 * model.layout.adapter_inputs(0, work.targets) / model.layers
    logits = (46 if work.full_logits else 20) * model.vocabulary_size
    moved = model.layers * layer * _passes(work) + logits
    share = speed.elementwise * (_FUSED_BYTES if work.fused else 1)
    unpacked = 2.6 * model.linear_parameters * (2 + work.checkpointing) if work.quantized else 0
    if work.wide_stream:
        moved *= _WIDE_STREAM
    if scores_formed(model, work, flavor):
        moved += model.layers * model.heads * work.attention_tokens * _SCORE_BYTES * _passes(work)
    whole = _dora_bytes(model, work) * (1 + work.checkpointing)
    # what one layer writes and the next reads stays in the cache if it is small
    cached = 1 + 1.5 * min(1.0, flavor.cache_bytes / (6 * work.mean_tokens * model.hidden_size))
    return (work.mean_tokens * moved * share / cached + unpacked + whole) / (flavor.gigabytes_per_second * 1e9)


def _dora_bytes(model: ModelFacts, work: Work) -> float:
    """What DoRA moves in each forward pass, however few the tokens: each matrix, its adapter's, their sum, its norm."""
    return _DORA_BYTES * model.layout.adapted_parameters(work.targets) if work.dora else 0.0


def _weights_read(model: ModelFacts, work: Work, flavor: Flavor) -> float:
    size = 0.56 if work.quantized else work.weight_bytes(gpu=True)
    return model.parameters * size * (2 + work.checkpointing) / (flavor.gigabytes_per_second * 1e9)


def _passes(work: Work) -> float:
    return 1 + _BACKWARD + work.checkpointing


def _launch(model: ModelFacts, work: Work, speed: Speed) -> float:
    each = speed.adapter_seconds * (2 if work.dora else 1)
    adapters = 0 if work.full else model.layout.adapters(work.targets) / model.layers * each
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
    """Decoding a batch token by token: weights are read once per token, or the layers' launches are waited for."""
    if not work.generates:
        return 0.0
    return work.written_tokens * _token_seconds(model, work, flavor)


def _token_seconds(model: ModelFacts, work: Work, flavor: Flavor) -> float:
    layer = (_VLLM_LAYER_SECONDS if work.vllm else _DECODE_LAYER_SECONDS) if flavor.gpu else _CPU_DECODE_SECONDS
    read = model.parameters * 2 / (flavor.gigabytes_per_second * 1e9 * _DECODE_SHARE)
    return float(max(read, model.layers * layer))


def _cpu_micro(model: ModelFacts, work: Work, flavor: Flavor) -> float:
    products = work.mean_tokens * flops_per_token(model, work) / (flavor.tflops * 1e12 * _CPU_SHARE)
    return products + model.layers * _CPU_LAYER_SECONDS * _passes(work) + _CPU_MICRO_SECONDS


def _cpu_update(model: ModelFacts, work: Work, flavor: Flavor) -> float:
    return work.trained(model) * _CPU_OPTIMIZER_BYTES / (flavor.gigabytes_per_second * 1e9)
