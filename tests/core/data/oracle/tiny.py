"""Tiny random models on disk, with tokenizers that carry TRL's own chat templates. No network."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

# family -> (bos, eos): what the templates print and what the trainers append
ENDS = {
    "qwen3": (None, "<|im_end|>"),
    "qwen2_5": (None, "<|im_end|>"),
    "gemma": ("<bos>", "<eos>"),
    "llama3": ("<|begin_of_text|>", "<|eot_id|>"),
}
VISION = "llava"
TEMPLATES = tuple(ENDS)
PAD, IMAGE = "<|endoftext|>", "<image>"
SPECIAL = [
    PAD, "<|im_start|>", "<|im_end|>", "<bos>", "<eos>", "<start_of_turn>", "<end_of_turn>", "<|begin_of_text|>",
    "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>", IMAGE,
]  # fmt: skip
# LLaVA's checkpoints bring no template with parts that would fit Qwen's tokens; this one renders strings and parts.
VISION_TEMPLATE = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{% if m.content is string %}{{ m.content }}{% else %}"
    "{% for p in m.content %}{% if p.type == 'image' %}<image>\n{% else %}{{ p.text }}{% endif %}{% endfor %}"
    "{% endif %}<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
_WORDS = (
    "the of and to in is that it was for on are with as his they at be this from have or by one had not but what all "
    "were when we there can an your which their said if do will each about how up out them then she many some so these "
    "would other into has more her two like him see time could no make than first been its who now people my made over "
    "did down only way find use may water long little very after words called just where most know assistant user"
)


@cache
def _vocabulary() -> Any:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.decoder = decoders.ByteLevel()
    bpe.train_from_iterator(
        [_WORDS] * 2,
        trainers.BpeTrainer(
            vocab_size=600,
            initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
            special_tokens=SPECIAL,
            show_progress=False,
        ),
    )
    return bpe


def template_source(family: str) -> str:
    """TRL's own chat template of this family."""
    import trl

    if family == VISION:
        return VISION_TEMPLATE
    return (Path(trl.__file__).parent / "chat_templates" / f"{family}.jinja").read_text(encoding="utf-8")


@cache
def tokenizer(family: str) -> Any:
    from transformers import PreTrainedTokenizerFast

    bos, eos = ENDS.get(family, ENDS["qwen3"])
    fast = PreTrainedTokenizerFast(tokenizer_object=_vocabulary(), bos_token=bos, eos_token=eos, pad_token=PAD)
    fast.chat_template = template_source(family)
    return fast


@cache
def processor() -> Any:
    """LLaVA's processor with the image part that needs no torchvision."""
    from transformers import LlavaProcessor
    from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

    pictures = CLIPImageProcessorPil(size={"shortest_edge": 28}, crop_size={"height": 28, "width": 28})
    return LlavaProcessor(
        pictures, tokenizer(VISION), patch_size=14, vision_feature_select_strategy="default",
        chat_template=VISION_TEMPLATE, num_additional_image_tokens=1,
    )  # fmt: skip


def _text_sizes() -> dict[str, Any]:
    return {
        "hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2,
        "num_key_value_heads": 1, "max_position_embeddings": 16384, "vocab_size": len(_vocabulary().get_vocab()),
    }  # fmt: skip


def save_models(folder: Path) -> None:
    """Write a model with its tokenizer to `folder/<template>` for every template, and a vision model to `llava`."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(0)
    for family in TEMPLATES:
        config = LlamaConfig(**_text_sizes(), **_ends(family))
        LlamaForCausalLM(config).save_pretrained(folder / family)
        tokenizer(family).save_pretrained(folder / family)
    _vision_model().save_pretrained(folder / VISION)
    processor().save_pretrained(folder / VISION)


def _ends(family: str) -> dict[str, Any]:
    ids = tokenizer(family)
    return {"pad_token_id": ids.pad_token_id, "bos_token_id": ids.bos_token_id, "eos_token_id": ids.eos_token_id}


def _vision_model() -> Any:
    from transformers import CLIPVisionConfig, LlavaConfig, LlavaForConditionalGeneration, Qwen2Config

    tower = CLIPVisionConfig(
        hidden_size=16, intermediate_size=32, num_hidden_layers=3, num_attention_heads=2, image_size=28, patch_size=14
    )
    image = tokenizer(VISION).convert_tokens_to_ids(IMAGE)
    text = Qwen2Config(**_text_sizes(), **_ends(VISION))
    config = LlavaConfig(vision_config=tower, text_config=text, image_token_index=image, vision_feature_layer=-2)
    return LlavaForConditionalGeneration(config)
