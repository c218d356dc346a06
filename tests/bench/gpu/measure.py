"""One cell of the grid: a setup trains a shape of random weights for some seconds, in a process of its own."""

from __future__ import annotations

import multiprocessing
import random
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from statistics import fmean
from tempfile import TemporaryDirectory
from typing import Any

from tests.bench.gpu.setups import Setup

WARM = 3  # steps before the clock: kernels are chosen, memory is asked for
FIRST_IDS = 5  # special tokens of the tokenizer that is at hand


@dataclass(frozen=True)
class Measured:
    """What a cell took.

    Attributes:
        tokens_per_second: Of the rows' own tokens: padding is work, and no token.
        step_seconds: The mean of an optimizer step.
        peak_bytes: The most that torch had reserved on the card; 0 without one.
        loss: Mean over all steps: the same for all setups but for noise, as random weights know nothing.
    """

    tokens_per_second: float
    step_seconds: float
    peak_bytes: int
    loss: float


def measure(config: Mapping[str, Any], setup: Setup, rows: Sequence[int], seconds: float) -> Measured | str:
    """What a setup takes, or in words why it did not run."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["torch", "datasets", "peft", "trl.trainer.sft_trainer"])
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        try:
            return pool.submit(_measured, dict(config), setup, list(rows), seconds).result()
        except Exception as error:
            out = type(error).__name__ == "OutOfMemoryError"
            return "out of memory" if out else f"{type(error).__name__}: {str(error).splitlines()[0]:.80}"


def _measured(config: dict[str, Any], setup: Setup, rows: list[int], seconds: float) -> Measured:
    import torch
    from datasets import Dataset
    from transformers import AutoTokenizer

    from hfft_widgets import samples

    chance = random.Random(0)
    ids = range(FIRST_IDS, config["vocab_size"])
    dataset = Dataset.from_dict({"input_ids": [chance.choices(ids, k=count) for count in rows]})
    tokenizer = AutoTokenizer.from_pretrained(samples.model())
    on_card = torch.cuda.is_available()
    if on_card:
        torch.cuda.reset_peak_memory_stats()
    with TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        clock = _trained(config, setup, dataset, tokenizer, seconds, folder)
    (begun, before), (ended, after) = clock.points[WARM - 1], clock.points[-1]
    return Measured(
        tokens_per_second=(after - before) / (ended - begun),
        step_seconds=(ended - begun) / (len(clock.points) - WARM),
        peak_bytes=torch.cuda.max_memory_reserved() if on_card else 0,
        loss=fmean(clock.losses),
    )


def _trained(config: dict[str, Any], setup: Setup, dataset: Any, tokenizer: Any, seconds: float, folder: str) -> Any:
    import torch
    from peft import LoraConfig
    from transformers import AutoConfig, AutoModelForCausalLM, PrinterCallback, TrainerCallback
    from trl import SFTConfig, SFTTrainer

    class Clock(TrainerCallback):  # type: ignore[misc]
        """When each step was told, with the tokens until then; each telling waits for the card."""

        def __init__(self) -> None:
            self.points: list[tuple[float, float]] = []
            self.losses: list[float] = []

        def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, float], **_: Any) -> None:
            if "loss" in logs:
                self.points.append((time.perf_counter(), logs["num_tokens"]))
                self.losses.append(logs["loss"])
            over = len(self.points) > WARM and self.points[-1][0] - self.points[WARM - 1][0] > seconds
            control.should_training_stop = control.should_training_stop or over

    torch.manual_seed(0)
    shape = AutoConfig.for_model(**config)
    model = AutoModelForCausalLM.from_config(
        shape, dtype=getattr(torch, setup.dtype), attn_implementation=setup.attention
    )
    quiet = {"logging_steps": 1, "eval_strategy": "no", "eval_on_start": False, "save_strategy": "no",
             "report_to": "none", "disable_tqdm": True, "assistant_only_loss": False, "output_dir": folder,
             "learning_rate": 1e-6, "dataloader_pin_memory": torch.cuda.is_available()}  # fmt: skip
    clock = Clock()
    trainer = SFTTrainer(
        model=model,
        args=SFTConfig(**{"bf16": torch.cuda.is_available(), **setup.arguments, **quiet}),
        train_dataset=dataset,
        processing_class=tokenizer,
        peft_config=LoraConfig(task_type="CAUSAL_LM", **setup.lora) if setup.lora else None,
        callbacks=[clock],
    )
    trainer.remove_callback(PrinterCallback)
    trainer.train()
    assert len(clock.points) > WARM, f"{len(clock.points)} steps are too few to time"
    return clock
