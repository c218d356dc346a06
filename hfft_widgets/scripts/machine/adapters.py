"""What learns beside frozen weights, and frozen weights in 4 bits."""

import torch


def keep_adapters_in_float32(model):
    """What learns beside frozen weights is kept in float32.

    Beside 4-bit ones TRL makes it bfloat16, where most of its small steps are rounded away, and which a gradient scaler
    (float16) refuses.
    """
    if not getattr(model, "peft_config", None):
        return
    for weight in model.parameters():
        if weight.requires_grad and weight.dtype in {torch.float16, torch.bfloat16}:
            weight.data = weight.data.float()


def keep_gradients_through_4_bits(model):
    """Keep bitsandbytes from packing weights for inference on processors with AVX512-BF16.

    It does so at the first evaluation, for good, and no gradient passes what is packed so: all layers but the last
    would stop to learn, without a word (bitsandbytes 0.50, nn/modules.py, Linear4bit.forward).
    """
    for module in model.modules():
        if hasattr(module, "support_avx512bf16_for_cpu"):
            module.support_avx512bf16_for_cpu = False
