"""Memory, time and price of a training from plain figures, without a plan."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

from hfft_widgets.inputs import Model, cards, machine, model_folder

if TYPE_CHECKING:
    from hfft_widgets.core.estimate.estimate import Estimate
    from hfft_widgets.core.method import MethodName


def estimate(  # noqa: PLR0913 - a training as plain figures, each by its name
    model: Model | Mapping[str, Any],
    *,
    method: MethodName = "SFT",
    peft: Literal["none", "lora", "qlora"] = "lora",
    lora_r: int = 16,
    dtype: Literal["float32", "bfloat16", "float16"] | None = None,
    mixed_precision: Literal["auto", "bf16", "fp16", "no"] = "auto",
    max_length: int = 1024,
    batch_size: int = 8,
    accumulation: int = 1,
    checkpointing: bool = True,
    optimizer: Literal["adamw", "adamw_8bit", "paged_adamw_8bit", "adafactor", "sgd"] = "adamw",
    full_logits: bool = False,
    tokens: float | None = None,
    rows: int = 1000,
    tokens_per_row: float | None = None,
    epochs: float = 1,
    completion_tokens: int | None = None,
    generations: int | None = None,
    vllm: bool = False,
    gpu: str | None = None,
    gpus: int = 1,
    flavor: str = "t4-small",
) -> Estimate:
    """Memory, time and price of a training, without a plan.

    >>> config = {"model_type": "llama", "hidden_size": 2048, "num_hidden_layers": 16, "num_attention_heads": 32,
    ...           "vocab_size": 128256, "intermediate_size": 8192}
    >>> found = estimate(config, method="SFT", peft="lora", gpu="L4", rows=1000, tokens_per_row=500)
    >>> found.memory_bytes.low < found.memory_bytes.mid < found.capacity_bytes
    True

    Args:
        model: Hub id, folder, or a config.json as a mapping.
        method: "SFT", "DPO", "KTO", "Reward", "GRPO" or "RLOO".
        peft: "none", "lora" or "qlora" (adapters on 4-bit weights).
        lora_r: Rank of the adapters, which all linear layers get.
        dtype: Format of the weights: "float32", "bfloat16" or "float16"; None: what the scripts do, float32 where
            all weights are trained and 16 bits where they are frozen.
        mixed_precision: "auto" (what the card computes), "bf16", "fp16" or "no".
        max_length: Longest row in tokens.
        batch_size: Rows per device and micro step.
        accumulation: Micro steps per optimizer step.
        checkpointing: Whether activations are recomputed.
        optimizer: "adamw", "adamw_8bit", "paged_adamw_8bit", "adafactor" or "sgd".
        full_logits: Whether the loss holds all logits at once; TRL's own does not.
        tokens: Tokens of the whole training; overrides `rows` and `epochs`.
        rows: Rows in one epoch.
        tokens_per_row: Mean tokens of a row; `max_length` if not given.
        epochs: Passes over the data.
        completion_tokens: Tokens generated per answer (GRPO, RLOO); 512 if not given.
        generations: Answers per prompt (GRPO, RLOO); 8 if not given.
        vllm: Whether vLLM generates them on the same card.
        gpu: Kind of card, e.g. "A100" or "L4"; overrides `flavor`.
        gpus: Number of cards, with `gpu`.
        flavor: "local" or a flavor of Hugging Face Jobs.

    Returns:
        Bytes, seconds and dollars, each with a low, a likely and a high value, and what they are made of.

    Raises:
        PlanError: A value that is not allowed, with those that are.
        ModelError: The model cannot be read.
    """
    from hfft_widgets.core.estimate.estimate import estimate_work
    from hfft_widgets.core.estimate.quick_work import quick_work
    from hfft_widgets.core.plan.model import closed_form_known, model_facts
    from hfft_widgets.hub.models import known_by_hub
    from hfft_widgets.sources.probe import probed

    if isinstance(model, Mapping):
        asked = "" if closed_form_known(model) else probed(model)
        facts = model_facts(model, reference=str(model.get("_name_or_path", "model")), probe=asked)
    else:
        folder, reference, local = model_folder(model)
        facts = folder.facts(reference, local=local, **({} if local else known_by_hub(reference)))
    card = cards(gpu, gpus) if gpu or gpus != 1 else machine(flavor)
    work = quick_work(
        card, method=method, peft=peft, lora_r=lora_r, dtype=dtype, mixed_precision=mixed_precision,
        max_length=max_length, batch_size=batch_size, accumulation=accumulation, tokens=tokens, rows=rows,
        tokens_per_row=tokens_per_row, epochs=epochs, checkpointing=checkpointing, optimizer=optimizer,
        full_logits=full_logits, completion_tokens=completion_tokens, generations=generations, vllm=vllm,
    )  # fmt: skip
    return estimate_work(facts, work, card)
