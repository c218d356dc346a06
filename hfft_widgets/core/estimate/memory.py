"""Peak memory of one device, from the tensors that transformers 5 and TRL 1.16 keep.

The peak is the largest of three moments: the loss (all activations and the logits), the backward pass of the first
layer (all gradients and one layer in flight), and that of the last one. What is held then adds up to the estimate.

Sources: bytes saved per layer were counted on transformers 5 (a test counts them again); the phases follow PyTorch's
order of freeing; TRL's fused head is trl/kernels/chunked_logprob.py. Only three figures are measured, not derived:
`FRAGMENTATION`, the CUDA context and the layer in flight.
"""

from __future__ import annotations

from math import fsum  # unlike `sum`, the same in every Python

from hfft_widgets.core.estimate.work import NF4_BYTES, NF4_DOUBLE_BYTES, OPTIMIZERS, Work, scores_formed
from hfft_widgets.core.plan.hardware import Flavor
from hfft_widgets.core.plan.model import ModelFacts

GIB = 2**30
# what the caching allocator reserves beyond what is allocated
FRAGMENTATION = 1.05
# CUDA context and libraries' kernels, outside of the allocator: they grow with the card's multiprocessors, of which
# those before Ampere that are rented here have few (T4: 40, A100: 108)
_CONTEXT_BYTES, _SMALL_CONTEXT_BYTES = 0.45 * GIB, 0.15 * GIB
# Python, torch and its libraries in a process without GPU
_PROCESS_BYTES = 0.55 * GIB
# TRL's fused head: so many tokens and vocabulary entries at once
_TILE_TOKENS, _TILE_VOCABULARY = 4096, 32768
# scores, their softmax and its gradient are alive at once
_SCORES_ALIVE = 3
# a logit whose head is in float32: itself, its copy, its log-softmax and its gradient
_WIDE_LOGIT = 16
# share of the card that vLLM takes beside the training (TRL's vllm_gpu_memory_utilization)
VLLM_SHARE = 0.3
VLLM = "vLLM"
"""Name of that part."""


def memory_parts(model: ModelFacts, work: Work, flavor: Flavor) -> dict[str, float]:
    """Peak memory of one device by what it holds, in bytes."""
    scores = _scores(model, work) if scores_formed(model, work, flavor) else 0.0
    allocated = peak_allocation(model, work, gpu=bool(flavor.gpu), scores=scores)
    peak = {name: float(size) for name, size in allocated.items() if size}
    if not flavor.gpu:
        return {**peak, "runtime": _PROCESS_BYTES}
    vllm = {VLLM: VLLM_SHARE * flavor.memory_bytes} if work.vllm and work.generates else {}
    return {**peak, **vllm, "runtime": fsum(peak.values()) * (FRAGMENTATION - 1) + context_bytes(flavor)}


def context_bytes(flavor: Flavor) -> float:
    """What a card holds outside of torch's allocator."""
    return _CONTEXT_BYTES if flavor.bf16 else _SMALL_CONTEXT_BYTES


def peak_allocation(model: ModelFacts, work: Work, *, gpu: bool = True, scores: float = 0.0) -> dict[str, float]:
    """What torch's allocator holds at the worst moment, in bytes, by what it is for.

    Args:
        model: The model.
        work: What is trained.
        gpu: Whether on a card.
        scores: Bytes of one layer's attention scores where all of them are formed.
    """
    size = work.weight_bytes(gpu=gpu)
    trained, trained_size = work.trained(model), size if work.full else 4
    times, fixed = OPTIMIZERS[work.optimizer]
    held = {
        "weights": _weights(model, work, size),
        "adapters": 0 if work.full else trained * trained_size,
        "optimizer": trained * (times * trained_size + fixed),
        "reference model": model.parameters * size if work.holds_reference else 0,
        "KV cache": _kv_cache(model, work) if work.generates and not work.vllm else 0,
    }
    gradients = trained * trained_size
    # accumulated gradients are there from the second micro step on
    kept = gradients if work.accumulation > 1 else 0
    stream = model.hidden_size * work.peak_tokens * _stream_bytes(work, size)
    saved = saved_per_layer_token(model, work, gpu=gpu) * work.peak_tokens
    flight = _in_flight(model) * work.peak_tokens * (2 if work.wide_stream else 1)
    activations = model.layers * (stream if work.checkpointing else saved + scores)
    merged = 0.0 if work.full else size * model.layout.merged_parameters / model.layers
    activations += merged * (1 if work.checkpointing else model.layers)
    flight += _SCORES_ALIVE * scores + merged
    layer = (saved if work.checkpointing else 0) + flight
    if work.dora:
        # the norm of the sum of weight and adapter is taken of the whole matrix, in float32 (PEFT, tuners/lora/dora.py)
        layer += 3 * 4 * model.layout.largest_adapted(work.targets)
    head_gradient = model.head_parameters * trained_size if work.full else 0
    moments: tuple[dict[str, float], ...] = (
        {"gradients": kept, "activations": activations, "logits": _head(model, work, size),
         "16-bit copies": _copies(model, work, size, gpu=gpu)},
        {"gradients": max(kept, head_gradient), "activations": activations + layer},
        {"gradients": gradients, "activations": stream + saved + flight},
    )  # fmt: skip
    peak = max(moments, key=lambda parts: fsum(parts.values()))
    return {**held, **peak}


def _scores(model: ModelFacts, work: Work) -> float:
    """One layer's attention scores in float32."""
    return 4.0 * model.heads * (work.max_length + work.completion_tokens) * work.peak_tokens


def _weights(model: ModelFacts, work: Work, size: int) -> float:
    if not work.quantized:
        return model.parameters * size
    rest = model.parameters - model.linear_parameters
    # one layer at a time is unpacked for its product (bitsandbytes, autograd/_functions.py: MatMul4Bit)
    unpacked = 2 * model.layout.largest
    packed = NF4_DOUBLE_BYTES if work.double_quantized else NF4_BYTES
    return model.linear_parameters * packed + rest * (4 if work.upcast else size) + unpacked


def _stream_bytes(work: Work, size: int) -> int:
    """Bytes per number between layers: the format of the embedding's and the norms' weights."""
    return 4 if size == 4 or (work.quantized and work.upcast) else 2


def saved_per_layer_token(model: ModelFacts, work: Work, *, gpu: bool = True) -> float:
    """Bytes that autograd keeps per layer and token until its backward pass.

    Exact for transformers 5's Llama, Qwen 2 and 3, within 1 % for Gemma 3.
    """
    size = work.weight_bytes(gpu=gpu)
    computed = 2 if work.mixed_precision and gpu else 4 if work.wide_stream else size
    return (
        _attention(model, work, computed)
        + (3 if model.gated_mlp else 2) * computed * model.intermediate_size
        + _norms(model, work, size)
        + (_inputs_full(model, size, computed) if work.full else _inputs_lora(model, work, computed))
    )


def _attention(model: ModelFacts, work: Work, computed: int) -> float:
    """Queries, keys, values, the result and its log-sum-exp (fused attention), and what their norms keep."""
    queries, keys = model.heads * model.head_dim, model.kv_heads * model.head_dim
    kept = computed * (2 * queries + 2 * keys) + 4 * model.heads
    if model.qk_norm:
        centred = model.norms == 4  # Gemma's norm multiplies by 1 + weight, in float32
        per_number = 4 if not work.full else 8 if centred else 4 + computed
        kept += per_number * (queries + keys) + 4 * (model.heads + model.kv_heads)
    return kept


def _norms(model: ModelFacts, work: Work, size: int) -> float:
    """Root-mean-square norms compute in float32: a copy of the input and, if their weight is trained, the result."""
    if work.fused:
        return 2 * model.norms * model.hidden_size  # compiled, the float32 chain is computed again
    per_number = 4 if not work.full else 8 if model.norms == 4 else 4 + size
    return per_number * model.norms * model.hidden_size + 4 * model.norms


def _inputs_full(model: ModelFacts, size: int, computed: int) -> float:
    """Inputs of the products, for the weights' gradients: autocast copies a float32 input once per product."""
    hidden, copies = model.hidden_size, 1 if size == computed else 3 + (2 if model.gated_mlp else 1)
    shared = 2 if size == computed else copies
    return computed * (shared * hidden + model.intermediate_size)


def _inputs_lora(model: ModelFacts, work: Work, computed: int) -> float:
    """Each adapter's own copy of its input, in its float32 unless autocast makes it 16 bits, and its inner result."""
    per_number = computed if work.mixed_precision or work.quantized else 4
    layout, targets = model.layout, work.targets
    kept = per_number * layout.adapter_inputs(work.lora_r, targets) + work.dropout * layout.adapter_inputs(0, targets)
    # DoRA scales what a layer gives by a factor that learns: it is kept for that factor's gradient
    scaled = per_number * layout.adapter_outputs(targets) if work.dora else 0
    return (kept + scaled) / model.layers


def _in_flight(model: ModelFacts) -> float:
    """Gradients inside one layer: of the three MLP products and of the stream, in 16 bits (an estimate)."""
    return 6 * model.intermediate_size + 4 * model.hidden_size


def _copies(model: ModelFacts, work: Work, size: int, *, gpu: bool) -> float:
    """Autocast keeps 16-bit copies of float32 weights that are trained until the forward pass ends."""
    if not (work.mixed_precision and gpu):
        return 0.0
    if work.full:
        return 2 * (model.linear_parameters + model.head_parameters) if size == 4 else 0
    return 2 * work.trained(model)


def _head(model: ModelFacts, work: Work, size: int) -> float:
    tokens = work.peak_tokens
    if not work.trainer.answers:
        return 0.0  # one score instead of logits
    if work.full_logits:
        # the allocator keeps blocks of the usual length beside those of the longest row
        usual = work.mean_tokens if work.mean_tokens < tokens else 0
        each = max(work.logit_bytes, _WIDE_LOGIT) if work.quantized and work.upcast else work.logit_bytes
        return each * model.vocabulary_size * (tokens + usual)
    vocabulary = min(model.vocabulary_size, _TILE_VOCABULARY)
    tile = min(tokens, _TILE_TOKENS) * vocabulary * 2
    weight_gradient = model.head_parameters * (4 + (size if size == 2 else 0)) if work.full else 0
    return tile + tokens * model.hidden_size * 4 + weight_gradient


def _kv_cache(model: ModelFacts, work: Work) -> float:
    """Keys and values of every answer that is generated at once: those of one optimizer step, in 16 bits."""
    sequences = work.batch_size * work.accumulation
    per_token = 4.0 * model.layers * model.kv_heads * model.head_dim
    return per_token * (work.max_length + work.completion_tokens) * sequences
