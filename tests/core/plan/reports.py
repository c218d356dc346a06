"""Reports and models to recommend for: real validations of small data, real configurations of public models."""

from __future__ import annotations

from typing import Any

from hfft_widgets.core.data.report import ValidationReport, validate_rows
from hfft_widgets.core.plan.flavors import FLAVORS, Flavor, local_flavor, local_gpu
from hfft_widgets.core.plan.measure import data_facts
from hfft_widgets.core.plan.model import ModelFacts, model_facts
from hfft_widgets.core.plan.recommend import Wishes, choose_method, recommend
from hfft_widgets.core.plan.training import TrainingPlan

MACHINES: tuple[Flavor, ...] = (local_flavor(16 * 2**30, 0.1), *FLAVORS)
WITH_GPU: tuple[Flavor, ...] = (local_gpu("NVIDIA GeForce RTX 4090", 24 * 2**30), *FLAVORS)
MARKED = "{% for m in messages %}{% generation %}{{ m.content }}{% endgeneration %}{% endfor %}"

_QWEN3 = {"model_type": "qwen3", "head_dim": 128, "num_key_value_heads": 8, "vocab_size": 151936}
CONFIGS: dict[str, dict[str, Any]] = {
    "Qwen3-0.6B": {**_QWEN3, "hidden_size": 1024, "num_hidden_layers": 28, "num_attention_heads": 16,
                   "intermediate_size": 3072, "tie_word_embeddings": True},
    "Qwen3-1.7B": {**_QWEN3, "hidden_size": 2048, "num_hidden_layers": 28, "num_attention_heads": 16,
                   "intermediate_size": 6144, "tie_word_embeddings": True},
    "Llama-3.2-3B": {"model_type": "llama", "hidden_size": 3072, "num_hidden_layers": 28, "num_attention_heads": 24,
                     "num_key_value_heads": 8, "head_dim": 128, "intermediate_size": 8192, "vocab_size": 128256,
                     "tie_word_embeddings": True},
    "Qwen3-4B": {**_QWEN3, "hidden_size": 2560, "num_hidden_layers": 36, "num_attention_heads": 32,
                 "intermediate_size": 9728, "tie_word_embeddings": True},
    "Qwen2.5-7B": {"model_type": "qwen2", "hidden_size": 3584, "num_hidden_layers": 28, "num_attention_heads": 28,
                   "num_key_value_heads": 4, "intermediate_size": 18944, "vocab_size": 152064,
                   "tie_word_embeddings": False},
    "Qwen3-14B": {**_QWEN3, "hidden_size": 5120, "num_hidden_layers": 40, "num_attention_heads": 40,
                  "intermediate_size": 17408, "tie_word_embeddings": False},
}  # fmt: skip


def model(name: str, template: str | None = MARKED, **changes: Any) -> ModelFacts:
    config = {"max_position_embeddings": 32768, **CONFIGS[name], **changes}
    known = {"licence": "apache-2.0", "gated": False, "chat_template": template}
    return model_facts(config, reference=f"org/{name}", local=False, **known)


def words(texts: Any) -> list[int]:
    """A tokenizer that anybody can check: a word is a token."""
    return [len(text.split()) for text in texts]


def turns(*contents: str) -> list[dict[str, str]]:
    return [{"role": ("user", "assistant")[n % 2], "content": content} for n, content in enumerate(contents)]


ROWS = {
    "messages": lambda n: {"messages": turns(f"what comes after {n} ?", f"it is {n + 1} " * (1 + n % 40))},
    "preference": lambda n: {"prompt": turns(f"say {n}"), "chosen": [turns("", f"yes {n}")[1]],
                             "rejected": [turns("", f"no {n}")[1]]},
    "marked": lambda n: {"prompt": f"say {n}", "completion": f" {n}", "label": bool(n % 2)},
    "verifiable": lambda n: {"prompt": turns(f"what comes after {n} ?"), "answer": str(n + 1)},
    "tests": lambda n: {"prompt": f"write f with f() == {n}", "tests": f"assert f() == {n}"},
    "text": lambda n: {"text": f"{n} is a number and {n + 1} another"},
}  # fmt: skip


def report(kind: str, count: int = 600, template: str | None = MARKED, **more: Any) -> ValidationReport:
    rows = [ROWS[kind](n) for n in range(count)]
    name = f"org/{kind}"
    known = {"model": "org/model", "template": template or "", "counter": words, "vision": False, **more}
    return validate_rows(rows, name=name, reference={"path": name, "split": "train"}, **known)


def plan(
    name: str = "Qwen3-0.6B", kind: str = "messages", *, template: str | None = MARKED,
    machines: tuple[Flavor, ...] = MACHINES, count: int = 600, **wishes: Any,
) -> TrainingPlan:  # fmt: skip
    own = {key: wishes.pop(key) for key in list(wishes) if key in Wishes.__dataclass_fields__}
    found = report(kind, count, template)
    chosen, _ = choose_method(found, own.get("goal"), own.get("method"))
    return recommend(model(name, template), found, data_facts(found, chosen), machines, Wishes(**own, settings=wishes))
