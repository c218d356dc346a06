"""TRL's real trainers, one epoch on a tiny random model: what a dataset does to a training, and what it teaches."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tests.core.data.oracle.tiny import VISION, processor, tokenizer

ROW = "row_of_the_oracle"  # a column of our own: every trainer but the online ones carries extra columns along
METHODS = ("SFT", "DPO", "GRPO", "KTO", "Reward", "RLOO")
ONLINE = ("GRPO", "RLOO")


@dataclass(frozen=True)
class Outcome:
    """What one training did.

    Attributes:
        raised: The first exception's type and text; None: the whole epoch ran.
        stage: Where: "load" (the rows are no dataset), "prepare" (the trainer's constructor), "train"; "" for none.
        kept: Numbers of the rows that were trained on, once for every time; None where that is not known.
        trained: Per trained row what the loss saw, as text.
    """

    raised: str | None
    stage: str = ""
    kept: tuple[int, ...] | None = None
    trained: tuple[dict[str, Any], ...] = ()

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def as_dataset(rows: list[dict[str, Any]]) -> Any:
    """A `datasets.Dataset` of these rows; cells of several types become its Json type, as they do from a file."""
    from datasets import Dataset

    columns = dict.fromkeys(name for row in rows for name in row)
    return Dataset.from_list([{name: row.get(name) for name in columns} for row in rows], on_mixed_types="use_json")


def train(method: str, rows: Any, template: str, models: Path) -> Outcome:
    """One epoch of this trainer on these rows.

    Online methods draw one prompt per batch by default and mix prompts with larger batches: both are run, because
    rows may only clash in one batch, or only fail alone.

    Args:
        method: One of METHODS.
        rows: A `datasets.Dataset` or a list of rows.
        template: One of `tiny.TEMPLATES`, or `tiny.VISION` for the vision model.
        models: The folder that `tiny.save_models` filled.
    """
    import torch

    torch.set_num_threads(1)  # more cost more than these models' arithmetic
    try:
        dataset = as_dataset(rows) if isinstance(rows, list) else rows
        if ROW not in dataset.column_names and len(dataset):
            dataset = dataset.add_column(ROW, list(range(len(dataset))))
    except Exception as error:
        return Outcome(_told(error), "load")
    outcome = Outcome(None)
    for batch in _batches(method, len(dataset)):
        outcome = _one(method, dataset, template, models, batch)
        if outcome.raised:
            break
    return outcome


def _batches(method: str, rows: int) -> list[int]:
    if method not in ONLINE:
        return [2]
    return [2, 2 * rows] if rows > 1 else [2]  # two generations per prompt: one prompt a batch, all in one batch


def _one(method: str, dataset: Any, template: str, models: Path, batch: int) -> Outcome:
    seen: list[str] = []
    try:
        trainer = _trainer(method, dataset, template, models, batch)
    except Exception as error:
        return Outcome(_told(error), "prepare")
    if method in ONLINE:
        _listen(trainer, seen)
    kept, trained = None, ()
    if method not in ONLINE:
        with contextlib.suppress(TypeError):  # token ids that are no numbers: what comes of them, the training shows
            kept, trained = _learnt(trainer, template)
    try:
        trainer.train()
    except Exception as error:
        return Outcome(_told(error), "train", kept, trained)
    if method in ONLINE:
        trained = tuple({"prompt": text} for text in dict.fromkeys(seen))
    return Outcome(None, "", kept, trained)


def _told(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"


def _trainer(method: str, dataset: Any, template: str, models: Path, batch: int) -> Any:
    import trl

    online = {"num_generations": 2, "max_completion_length": 2}
    trainer, config, own = {
        "SFT": (trl.SFTTrainer, trl.SFTConfig, {}),
        "DPO": (trl.DPOTrainer, trl.DPOConfig, {}),
        "GRPO": (trl.GRPOTrainer, trl.GRPOConfig, online),
        "KTO": (trl.KTOTrainer, trl.KTOConfig, {}),
        "Reward": (trl.RewardTrainer, trl.RewardConfig, {}),
        "RLOO": (trl.RLOOTrainer, trl.RLOOConfig, online),
    }[method]
    vision = template == VISION
    arguments = config(
        output_dir=str(Path(tempfile.gettempdir()) / "oracle"), per_device_train_batch_size=batch, num_train_epochs=1,
        report_to="none", save_strategy="no", disable_tqdm=True, use_cpu=True, bf16=False, logging_strategy="no",
        gradient_checkpointing=False, model_init_kwargs={"dtype": "float32"}, **own,
    )  # fmt: skip
    rewards = {"reward_funcs": _reward} if method in ONLINE else {}
    return trainer(
        str(models / template), args=arguments, train_dataset=dataset,
        processing_class=processor() if vision else tokenizer(template), **rewards,
    )  # fmt: skip


def _reward(completions: list[Any], **_: Any) -> list[float]:
    return [float(len(str(completion))) for completion in completions]


def _listen(trainer: Any, seen: list[str]) -> None:
    """Write down every prompt as the model gets it."""
    tokenize = trainer._tokenize_prompts

    def listening(prompts: list[Any]) -> Any:
        result = tokenize(prompts)
        seen.extend(trainer.processing_class.decode(ids) for ids in result[0])
        return result

    trainer._tokenize_prompts = listening


def _learnt(trainer: Any, template: str) -> tuple[tuple[int, ...] | None, tuple[dict[str, Any], ...]]:
    """Which rows are left after preparation, and the text of their token columns."""
    rows = trainer.train_dataset
    if ROW not in rows.column_names or template == VISION:
        return None, ()  # vision rows are only tokenised batch by batch
    decode = tokenizer(template).decode
    return tuple(rows[ROW]), tuple(dict(_texts(row, decode)) for row in rows)


def _texts(row: dict[str, Any], decode: Any) -> Iterator[tuple[str, Any]]:
    yield "row", row[ROW]
    if row.get("labels") is not None and row.get("input_ids") is not None:
        yield "trained", decode([token for token in row["labels"] if token != -100])
        yield "read", decode(row["input_ids"])
    for name in ("prompt", "chosen", "rejected", "completion"):
        if row.get(f"{name}_ids") is not None:
            yield name, decode(row[f"{name}_ids"])
    if row.get("label") is not None:
        yield "label", row["label"]
