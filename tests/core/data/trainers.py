"""TRL's real trainers on a two-layer random model: the judge of what a dataset does to a training."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

CHATML = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
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
    fast = PreTrainedTokenizerFast(tokenizer_object=inner, eos_token="<|im_end|>", pad_token="<|endoftext|>")
    fast.chat_template = CHATML
    return fast


def model() -> Any:
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(0)
    config = LlamaConfig(
        hidden_size=32, intermediate_size=32, num_hidden_layers=2, num_attention_heads=2, num_key_value_heads=2,
        vocab_size=len(tokenizer()), max_position_embeddings=512, eos_token_id=2, pad_token_id=0, bos_token_id=None,
    )  # fmt: skip
    return LlamaForCausalLM(config)


def train(method: str, dataset: Any, folder: Path) -> str | None:
    """One epoch; None, or what the trainer raised."""
    try:
        _trainer(method, dataset, folder).train()
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return None


def _trainer(method: str, dataset: Any, folder: Path) -> Any:
    import trl

    common = dict(
        output_dir=str(folder), per_device_train_batch_size=2, num_train_epochs=1, report_to="none", save_strategy="no",
        disable_tqdm=True, use_cpu=True, bf16=False, logging_strategy="no", gradient_checkpointing=False,
    )  # fmt: skip
    if method == "GRPO":
        config = trl.GRPOConfig(num_generations=2, max_completion_length=2, **common)
        return trl.GRPOTrainer(model(), _reward, config, train_dataset=dataset, processing_class=tokenizer())
    kind = {"SFT": (trl.SFTTrainer, trl.SFTConfig), "DPO": (trl.DPOTrainer, trl.DPOConfig)}[method]
    return kind[0](model(), args=kind[1](max_length=256, **common), train_dataset=dataset, processing_class=tokenizer())


def _reward(completions: list[Any], **_: Any) -> list[float]:
    return [float(len(str(completion))) for completion in completions]
