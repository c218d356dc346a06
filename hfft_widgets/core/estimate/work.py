"""What is to be trained, in the terms that memory and time depend on."""

from __future__ import annotations

import math
from dataclasses import dataclass

from hfft_widgets.core.method import METHODS, Method
from hfft_widgets.core.plan.hardware import Flavor
from hfft_widgets.core.plan.model import ModelFacts
from hfft_widgets.errors import PlanError

# bytes of optimizer state per trained parameter: (times its own bytes, fixed); Adam keeps two moments in the
# parameter's format, bitsandbytes' 8-bit Adam one byte each, its paged variant keeps them in the host's memory
OPTIMIZERS = {
    "adamw": (2.0, 0.0),
    "adamw_8bit": (0.0, 2.0),
    "paged_adamw_8bit": (0.0, 0.0),
    "adafactor": (0.0, 0.02),
    "sgd": (0.0, 0.0),
}
DTYPES = {"float32": 4, "bfloat16": 2, "float16": 2}
# 4-bit NormalFloat: half a byte, and one float32 scale for 64 weights (QLoRA, arXiv 2305.14314, section 3)
NF4_BYTES = 0.5 + 4 / 64
# with double quantization: the scales in one byte, and one float32 for 256 of them (the same section: 0.127 bits a
# weight instead of 0.5)
NF4_DOUBLE_BYTES = 0.5 + 1 / 64 + 4 / (64 * 256)


@dataclass(frozen=True)
class Work:
    """A training as arithmetic.

    Attributes:
        method: A name in `METHODS`.
        lora_r: Rank of the adapters; 0 trains all weights.
        batch_size: Rows per device and micro step.
        accumulation: Micro steps per optimizer step.
        tokens_per_row: Mean tokens a row takes in the model, padding included: what time is made of.
        max_length: Longest row in tokens: what the memory's peak is made of.
        rows: Rows seen in one epoch; sequences, where rows are packed.
        epochs: Passes over the data.
        checkpointing: Whether activations are recomputed.
        completion_tokens: Tokens generated per answer, where the method generates.
        generations: Answers per prompt, likewise.
        iterations: Optimizer steps on the same answers, likewise.
        max_steps: Ends earlier; -1 does not.
        quantized: Whether the frozen weights of linear layers are in 4 bits (QLoRA).
        double_quantized: Whether their scales are quantized too.
        dtype: Format of the weights: "float32", "bfloat16", "float16"; "": what the scripts do, float32 for all
            weights and on a CPU, else 16 bits.
        mixed_precision: Whether products are computed in 16 bits by autocast.
        optimizer: One of `OPTIMIZERS`.
        full_logits: Whether the loss holds all logits at once; TRL's own does not.
        logit_bytes: What one full logit takes until its gradient is there: in 16 bits, its float32 copy, its
            log-softmax and its gradient, 2 + 4 + 4 + 4; older versions of transformers held 16, DeepSpeed 8.
        targets: Names of the adapted layers; none: all linear layers.
        dropout: Whether inputs of adapters are left out at random.
        dora: Whether direction and size of the adapted weights learn apart.
        reference: Whether a second model is held; None: as TRL does by default.
        vllm: Whether vLLM generates on the same card, with the share of it that TRL reserves.
        fused: Whether element-wise work is compiled or done by fused kernels.
        emulated: Whether bfloat16 is computed on a card that has none of it; the scripts never do that.
        upcast: Whether what 4 bits leave out (norms, embedding, head) is kept in float32, as PEFT's
            `prepare_model_for_kbit_training` does; TRL 1 does not call it.
        answer_tokens: Tokens until the longest answer of a batch ends: what generation takes; None: as long as it may
            be, `completion_tokens`.
        attended_tokens: Mean length of the row that a token attends to, where that is not `tokens_per_row`: rows that
            share a sequence do not see each other.
        unmasked: Whether batches have no padding, and attention gets no mask: rows of one length, or one row at once.
        tokens_error: Half the width of an interval around the tokens, as a share of them: rows that were not counted.
        check_every: Steps between two evaluations, the first of which is before all steps; 0: there is none.
        check_rows: Held-out rows, or answers to them, that an evaluation computes.
        check_batch: Of them at once on a device.
        check_tokens: Of all of them, padding included.
        questions: Batches of questions that the model answers beside its training, before and after.
        pushed: Whether the result goes to the Hub.
        pilot: Whether it is only a pilot, which is stopped sooner.
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
    iterations: int = 1
    max_steps: int = -1
    quantized: bool = False
    double_quantized: bool = False
    dtype: str = ""
    mixed_precision: bool = True
    optimizer: str = "adamw"
    full_logits: bool = False
    logit_bytes: int = 14
    targets: tuple[str, ...] = ()
    dropout: bool = False
    dora: bool = False
    reference: bool | None = None
    vllm: bool = False
    fused: bool = False
    emulated: bool = False
    upcast: bool = False
    answer_tokens: float | None = None
    attended_tokens: float | None = None
    unmasked: bool = False
    tokens_error: float = 0.0
    check_every: int = 0
    check_rows: int = 0
    check_batch: int = 1
    check_tokens: float = 0.0
    questions: int = 0
    pushed: bool = False
    pilot: bool = False

    def __post_init__(self) -> None:
        if not isinstance(self.optimizer, str) or self.optimizer not in OPTIMIZERS:
            raise PlanError(f"Unknown optimizer {self.optimizer!r}.", remedy=f"Choose one of {', '.join(OPTIMIZERS)}.")
        if not isinstance(self.dtype, str) or (self.dtype and self.dtype not in DTYPES):
            raise PlanError(f"Unknown dtype {self.dtype!r}.", remedy=f"Choose one of {', '.join(DTYPES)}.")
        if self.quantized and not self.lora_r:
            raise PlanError(
                "4-bit weights cannot be trained.", remedy="Train adapters on them: a lora_r of at least 1."
            )

    @property
    def full(self) -> bool:
        """Whether all weights are trained."""
        return not self.lora_r

    @property
    def trainer(self) -> Method:
        """What is known of the method."""
        return METHODS[self.method]

    @property
    def sequences_per_row(self) -> int:
        """Where a row is a pair, both answers are computed together."""
        return 2 if self.trainer.paired else 1

    @property
    def generates(self) -> bool:
        """Whether the model writes the answers it learns from."""
        return self.trainer.generates

    @property
    def holds_reference(self) -> bool:
        """Whether a second model is held: with adapters, the base without them is the reference."""
        return self.full and (self.trainer.holds_reference if self.reference is None else self.reference)

    @property
    def wide_stream(self) -> bool:
        """Whether all between the products is in float32: k-bit preparation widens it, and nothing casts it down."""
        return self.quantized and self.upcast and not self.mixed_precision

    @property
    def peak_tokens(self) -> int:
        """Tokens of the largest micro step."""
        return self.batch_size * self.sequences_per_row * (self.max_length + self.completion_tokens)

    @property
    def mean_tokens(self) -> float:
        """Tokens of the usual micro step."""
        return self.batch_size * self.sequences_per_row * (self.tokens_per_row + self.written_tokens)

    @property
    def written_tokens(self) -> float:
        """Tokens that a generated answer takes in its batch: as many as the longest of them."""
        return self.completion_tokens if self.answer_tokens is None else self.answer_tokens

    @property
    def attention_tokens(self) -> float:
        """Tokens that each token may attend to, the later half of which it does not."""
        return self.tokens_per_row + self.written_tokens if self.attended_tokens is None else self.attended_tokens

    @property
    def steps(self) -> int:
        """Optimizer steps of the whole training on one device."""
        return self.steps_on(1)

    def steps_on(self, gpus: int) -> int:
        """Optimizer steps where each of so many devices takes a batch."""
        if self.max_steps > 0:
            return self.max_steps
        batch = self.batch_size * self.accumulation * max(1, gpus)
        if self.generates:  # TRL's RepeatSampler leaves out the prompts that fill no batch
            per_epoch = self.rows // max(1, batch // self.generations) * self.iterations
        else:
            per_epoch = -(-self.rows // batch)
        return max(1, math.ceil(per_epoch * self.epochs))

    def weight_bytes(self, *, gpu: bool) -> int:
        """Bytes of one unquantized weight."""
        if self.dtype:
            return DTYPES[self.dtype]
        return 2 if gpu and not self.full else 4

    def trained(self, model: ModelFacts) -> int:
        """Parameters that are trained."""
        if self.full:
            return model.parameters
        magnitudes = model.layout.magnitudes(self.targets) if self.dora else 0
        return model.lora_parameters(self.lora_r, self.targets) + magnitudes


def scores_formed(model: ModelFacts, work: Work, flavor: Flavor) -> bool:
    """Whether attention forms all scores in float32: nothing fused is left for it on cards before Ampere.

    Without a mask transformers asks for grouped keys (`enable_gqa`, integrations/sdpa_attention.py), which of torch's
    kernels only flash attention and the plain one know; flash attention begins with Ampere.
    """
    return bool(flavor.gpu) and not flavor.bf16 and work.unmasked and model.kv_heads < model.heads
