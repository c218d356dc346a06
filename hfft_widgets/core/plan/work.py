"""What is to be trained, in the terms that memory and time depend on."""

from __future__ import annotations

import math
from dataclasses import dataclass

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
PAIRED = frozenset({"DPO", "Reward"})
GENERATING = frozenset({"GRPO", "RLOO"})
# 4-bit NormalFloat: half a byte, and one float32 scale for 64 weights (QLoRA, arXiv 2305.14314, section 3)
NF4_BYTES = 0.5 + 4 / 64


@dataclass(frozen=True)
class Work:
    """A training as arithmetic.

    Attributes:
        method: "SFT", "DPO", "KTO", "Reward", "GRPO" or "RLOO".
        lora_r: Rank of the adapters; 0 trains all weights.
        batch_size: Rows per device and micro step.
        accumulation: Micro steps per optimizer step.
        tokens_per_row: Mean tokens a row takes in the model: what time is made of.
        max_length: Longest row in tokens: what the memory's peak is made of.
        rows: Rows seen in one epoch.
        epochs: Passes over the data.
        checkpointing: Whether activations are recomputed.
        completion_tokens: Tokens generated per answer (GRPO, RLOO).
        generations: Answers per prompt (GRPO, RLOO).
        iterations: Optimizer steps on the same answers (GRPO, RLOO).
        max_steps: Ends earlier; -1 does not.
        quantized: Whether the frozen weights of linear layers are in 4 bits (QLoRA).
        dtype: Format of the weights: "float32", "bfloat16", "float16"; "": what the scripts do, float32 for all
            weights and on a CPU, else 16 bits.
        mixed_precision: Whether products are computed in 16 bits by autocast.
        optimizer: One of `OPTIMIZERS`.
        full_logits: Whether the loss holds all logits at once; TRL's own does not.
        logit_bytes: What one full logit takes until its gradient is there: in 16 bits, its float32 copy, its
            log-softmax and its gradient, 2 + 4 + 4 + 4; older versions of transformers held 16, DeepSpeed 8.
        targets: Names of the adapted layers; none: all linear layers.
        reference: Whether DPO, KTO, GRPO or RLOO holds a second model; None: as TRL does by default.
        vllm: Whether vLLM generates on the same card, with the share of it that TRL reserves.
        fused: Whether element-wise work is compiled or done by fused kernels.
        emulated: Whether bfloat16 is computed on a card that has none of it; the scripts never do that.
        upcast: Whether what 4 bits leave out (norms, embedding, head) is kept in float32, as PEFT's
            `prepare_model_for_kbit_training` does; TRL 1 does not call it.
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
    dtype: str = ""
    mixed_precision: bool = True
    optimizer: str = "adamw"
    full_logits: bool = False
    logit_bytes: int = 14
    targets: tuple[str, ...] = ()
    reference: bool | None = None
    vllm: bool = False
    fused: bool = False
    emulated: bool = False
    upcast: bool = False

    def __post_init__(self) -> None:
        if self.optimizer not in OPTIMIZERS:
            raise PlanError(f"Unknown optimizer {self.optimizer!r}.", remedy=f"Choose one of {', '.join(OPTIMIZERS)}.")
        if self.dtype and self.dtype not in DTYPES:
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
    def sequences_per_row(self) -> int:
        """DPO and reward models compute chosen and rejected together."""
        return 2 if self.method in PAIRED else 1

    @property
    def generates(self) -> bool:
        """Whether the model writes the answers it learns from."""
        return self.method in GENERATING

    @property
    def holds_reference(self) -> bool:
        """Whether a second model is held: with adapters, the base without them is the reference."""
        default = self.method in {"DPO", "KTO", "RLOO"}  # GRPO's beta is 0 in TRL
        return self.full and (default if self.reference is None else self.reference)

    @property
    def peak_tokens(self) -> int:
        """Tokens of the largest micro step."""
        return self.batch_size * self.sequences_per_row * (self.max_length + self.completion_tokens)

    @property
    def mean_tokens(self) -> float:
        """Tokens of the usual micro step."""
        return self.batch_size * self.sequences_per_row * (self.tokens_per_row + self.completion_tokens)

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
        return model.parameters if self.full else model.lora_parameters(self.lora_r, self.targets)
