"""A tiny real model, trained by nobody: what save_pretrained and peft write, and its original base."""

from __future__ import annotations

import io
import json
import os
import textwrap
from dataclasses import dataclass
from pathlib import Path

import pytest

from hfft_widgets.core.export.plan import ExportPlan
from hfft_widgets.core.export.trained import Trained, make_export_plan
from tests.export.running import MARKERS, TEMPLATE


@dataclass(frozen=True)
class Models:
    """Folders: the base as its makers publish it, the full model and the adapter as transformers and peft save them."""

    base: Path
    full: Path
    adapter: Path

    def plan(self, kind: str, quantization: str, **changes) -> ExportPlan:
        """The plan for the adapter or the full model."""
        trained = self.adapter if kind == "adapter" else self.full
        adapter_config = trained / "adapter_config.json"
        given = {
            "name": "Tiny",
            "prompt": 'Say "hi" to Ü & 模型',
            "quantizer_available": True,
            "supported": None,
            **changes,
        }
        facts = Trained(
            model=str(trained),
            config=json.loads((self.base / "config.json").read_text("utf-8")),
            adapter_config=json.loads(adapter_config.read_text("utf-8")) if adapter_config.exists() else None,
            base=str(self.base),
            parameters=1_573_120,
            files={file.name for file in trained.iterdir()},
            base_files={file.name for file in self.base.iterdir()},
        )
        return make_export_plan(facts, quantization=quantization, **given)


@pytest.fixture(scope="session")
def models(tmp_path_factory) -> Models:
    """Built once; the folder's name holds what paths may hold."""
    quote = "" if os.name == "nt" else '"'
    root = tmp_path_factory.mktemp("models") / f"it's a {quote}tiny{quote} Modell für 模型"
    made = Models(root / "base", root / "full", root / "adapter")
    for folder in (made.base, made.full, made.adapter):
        folder.mkdir(parents=True)
    write_tokenizer(made.base)
    write_weights(made)
    return made


def write_tokenizer(folder: Path) -> None:
    """SentencePiece without dummy prefix, as its makers publish it: tokenizer.model and tokenizer_config.json."""
    import sentencepiece

    words = (
        Path(textwrap.__file__).read_text("utf-8").splitlines() + Path(json.__file__).read_text("utf-8").splitlines()
    )
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter([line for line in words if line.strip()]), model_writer=model, model_type="bpe",
        vocab_size=640, byte_fallback=True, unk_id=0, bos_id=1, eos_id=2, pad_id=-1, control_symbols=MARKERS,
        add_dummy_prefix=False, normalization_rule_name="identity", remove_extra_whitespaces=False, num_threads=1,
        minloglevel=2,
    )  # fmt: skip
    (folder / "tokenizer.model").write_bytes(model.getvalue())
    flags = {"special": True, "lstrip": False, "rstrip": False, "normalized": False, "single_word": False}
    tokens = ["<unk>", "<s>", "</s>", *MARKERS]
    settings = {
        "tokenizer_class": "LlamaTokenizer", "bos_token": "<s>", "eos_token": MARKERS[1], "unk_token": "<unk>",
        "pad_token": "</s>", "add_bos_token": True, "legacy": False, "add_prefix_space": False,
        "added_tokens_decoder": {str(i): {"content": token, **flags} for i, token in enumerate(tokens)},
        "chat_template": TEMPLATE,
    }  # fmt: skip
    (folder / "tokenizer_config.json").write_text(json.dumps(settings), "utf-8")


def write_weights(models: Models) -> None:
    """Random weights, and an adapter whose change is not zero, as it would be before training."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM

    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=640, hidden_size=256, intermediate_size=512, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, max_position_embeddings=512, bos_token_id=1, eos_token_id=4,
    )  # fmt: skip
    model = LlamaForCausalLM(config).to(torch.bfloat16)
    tokenizer = AutoTokenizer.from_pretrained(models.base)
    model.save_pretrained(models.base)
    lora = LoraConfig(r=4, lora_alpha=8, target_modules="all-linear", init_lora_weights=False, task_type="CAUSAL_LM")
    tuned = get_peft_model(model, lora)
    tuned.save_pretrained(models.adapter)
    tokenizer.save_pretrained(models.adapter)
    torch.manual_seed(1)
    other = LlamaForCausalLM(config)  # another model than the base, in which a lost norm shows
    with torch.no_grad():
        for name, weight in other.named_parameters():
            if "norm" in name:
                weight.add_(torch.randn_like(weight) * 0.1)
    other.to(torch.bfloat16).save_pretrained(models.full)
    tokenizer.save_pretrained(models.full)
    assert not (models.full / "tokenizer.model").exists()  # what transformers 5 leaves out


@pytest.fixture(autouse=True)
def own_home(tmp_path, monkeypatch):
    """Nothing here touches the user's folders or the network."""
    monkeypatch.setenv("HFFT_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
