"""A LLaVA with random weights, small enough to train in a second, and pictures to show it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

TEMPLATE = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{% if m.content is string %}{{ m.content }}{% else %}"
    "{% for p in m.content %}{% if p.type == 'image' %}<image>\n{% else %}{{ p.text }}{% endif %}{% endfor %}"
    "{% endif %}<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def make(folder: Path, tokenizer_folder: Path) -> Path:
    """Save model and processor. Its processor of pictures needs Pillow alone; most others need torchvision."""
    import torch
    from transformers import (
        AutoTokenizer,
        CLIPImageProcessorPil,
        CLIPVisionConfig,
        LlamaConfig,
        LlavaConfig,
        LlavaForConditionalGeneration,
        LlavaProcessor,
    )

    tokenizer = AutoTokenizer.from_pretrained(tokenizer_folder)
    tokenizer.add_tokens(["<image>"], special_tokens=True)
    text = LlamaConfig(
        vocab_size=len(tokenizer), hidden_size=16, intermediate_size=32, num_hidden_layers=2, num_attention_heads=2,
        eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.pad_token_id, bos_token_id=tokenizer.bos_token_id,
    )  # fmt: skip
    vision = CLIPVisionConfig(
        hidden_size=16, intermediate_size=32, num_hidden_layers=3, num_attention_heads=2, image_size=28, patch_size=14
    )
    image = tokenizer.convert_tokens_to_ids("<image>")
    torch.manual_seed(0)
    config = LlavaConfig(vision_config=vision, text_config=text, image_token_index=image, vision_feature_layer=-2)
    LlavaForConditionalGeneration(config).save_pretrained(folder)
    pictures = CLIPImageProcessorPil(size={"shortest_edge": 28}, crop_size={"height": 28, "width": 28})
    LlavaProcessor(
        pictures, tokenizer, patch_size=14, vision_feature_select_strategy="default", chat_template=TEMPLATE,
        num_additional_image_tokens=1,
    ).save_pretrained(folder)  # fmt: skip
    return folder


def rows(folder: Path, method: str, column: str, count: int = 16) -> Iterator[dict[str, Any]]:
    """Rows about squares of one colour, each with the path of its picture."""
    from PIL import Image

    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        path = folder / f"{number}.png"
        colour = ("red", "green", "blue")[number % 3]
        Image.new("RGB", (40, 30), colour).save(path)
        prompt = [{"role": "user", "content": "Which colour is this?"}]
        right, wrong = ([{"role": "assistant", "content": word}] for word in (colour, "none"))
        picture: dict[str, Any] = {"images": [str(path)]} if column == "images" else {"image": str(path)}
        if method == "SFT":
            yield {**picture, "messages": prompt + right}
        else:
            yield {**picture, "prompt": prompt, "chosen": right, "rejected": wrong}
