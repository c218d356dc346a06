"""The sliders move the memory and the rank; the picture says the same in words."""

from __future__ import annotations

import hfft_widgets as hfft

CONFIG = {
    "model_type": "llama", "hidden_size": 1024, "num_hidden_layers": 16, "num_attention_heads": 16,
    "vocab_size": 32000, "intermediate_size": 4096,
}  # fmt: skip


def test_what_is_moved_is_what_is_estimated():
    panel = hfft.MemoryPicture(CONFIG)
    before = panel.result
    panel._act({"typed": f"{panel._prefix}batch_size", "value": "32"})
    assert panel.values["batch_size"] == 32
    assert panel.result.parts["activations"] > before.parts["activations"]
    whole = panel.set(lora_r=0)
    assert whole == hfft.estimate(CONFIG, peft="none", batch_size=32, max_length=1024, flavor="t4-small")
    assert "gradients" in whole.parts
    panel._act({"set": f"{panel._prefix}checkpointing", "value": False})
    assert panel.result.memory_bytes.mid > whole.memory_bytes.mid
    panel._act({"typed": f"{panel._prefix}batch_size", "value": "4000"})
    assert panel.values["batch_size"] == 32  # the slider ends there


def test_the_rank_is_a_picture_and_words():
    panel = hfft.MemoryPicture(CONFIG)
    panel.set(lora_r=16)
    assert panel.body().count("32,768 numbers, 3.1 % of it") == 2
    panel.set(lora_r=0)
    assert "strips" not in panel.body()
    assert "Does not fit" in hfft.MemoryPicture({**CONFIG, "hidden_size": 8192, "num_hidden_layers": 80}).html()
    assert repr(panel).startswith(tuple("123456789"))
