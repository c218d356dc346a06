"""TRL's real trainers on a two-layer random model: the judge of what a dataset does to a training."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

CHATML = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
ENDS = {"bos_token": "<|endoftext|>", "eos_token": "<|im_end|>", "pad_token": "<|endoftext|>"}
SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]


@cache
def tokenizer() -> Any:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    inner = Tokenizer(models.BPE({token: n for n, token in enumerate(SPECIAL + letters)}, []))
    inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    inner.decoder = decoders.ByteLevel()
    inner.add_special_tokens(SPECIAL)
    fast = PreTrainedTokenizerFast(tokenizer_object=inner, **ENDS)
    fast.chat_template = CHATML
    return fast


def save_model(folder: Path) -> None:
    """The model as a folder: DPO loads its reference model from there a second time."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(0)
    config = LlamaConfig(
        hidden_size=32, intermediate_size=32, num_hidden_layers=2, num_attention_heads=2, num_key_value_heads=2,
        vocab_size=len(tokenizer()), max_position_embeddings=512, eos_token_id=2, pad_token_id=0, bos_token_id=None,
    )  # fmt: skip
    LlamaForCausalLM(config).save_pretrained(folder)


def train(method: str, dataset: Any, model: Path, output: Path, batch: int = 2) -> str | None:
    """One epoch; None, or what the trainer raised."""
    try:
        _trainer(method, dataset, str(model), str(output), batch).train()
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return None


def _trainer(method: str, dataset: Any, model: str, output: str, batch: int) -> Any:
    import trl

    trainer, config, own = {
        "SFT": (trl.SFTTrainer, trl.SFTConfig, {"max_length": 256}),
        "DPO": (trl.DPOTrainer, trl.DPOConfig, {"max_length": 256}),
        "GRPO": (trl.GRPOTrainer, trl.GRPOConfig, {"num_generations": 2, "max_completion_length": 2}),
    }[method]
    arguments = config(
        output_dir=output, per_device_train_batch_size=batch, num_train_epochs=1, report_to="none", save_strategy="no",
        disable_tqdm=True, use_cpu=True, bf16=False, logging_strategy="no", activation_checkpointing=False,
        model_init_kwargs={"dtype": "float32"}, **own,
    )  # fmt: skip
    rewards = {"reward_funcs": _reward} if method == "GRPO" else {}
    return trainer(model, args=arguments, train_dataset=dataset, processing_class=tokenizer(), **rewards)


def _reward(completions: list[Any], **_: Any) -> list[float]:
    return [float(len(str(completion))) for completion in completions]
