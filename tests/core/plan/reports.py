"""Reports and models to recommend for: real validations of small data, real configurations of public models."""

from __future__ import annotations

import json
import math
from functools import cache
from typing import Any

from hfft_widgets.core.data.report import ValidationReport, validate_rows
from hfft_widgets.core.plan.choose import PlanRequest, choose_method, recommend
from hfft_widgets.core.plan.data_stats import data_stats
from hfft_widgets.core.plan.hardware import FLAVORS, Flavor, local_flavor, local_gpu
from hfft_widgets.core.plan.model import ModelFacts, model_facts
from hfft_widgets.core.plan.plan import TrainingPlan
from hfft_widgets.core.script import RECIPE_END, read_plan
from tests.core.plan.configs import CONFIGS

MACHINES: tuple[Flavor, ...] = (local_flavor(16 * 2**30, 0.1), *FLAVORS)
WITH_GPU: tuple[Flavor, ...] = (local_gpu("NVIDIA GeForce RTX 4090", 24 * 2**30), *FLAVORS)
MARKED = "{% for m in messages %}{% generation %}{{ m.content }}{% endgeneration %}{% endfor %}"


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


@cache  # a report never changes
def report(kind: str, count: int = 600, template: str | None = MARKED, **more: Any) -> ValidationReport:
    rows = [ROWS[kind](n) for n in range(count)]
    name = f"org/{kind}"
    known = {"model": "org/model", "template": template or "", "counter": words, "vision": False, **more}
    return validate_rows(rows, name=name, reference={"path": name, "split": "train"}, **known)


def plan(
    name: str = "Qwen3-0.6B", kind: str = "messages", *, template: str | None = MARKED,
    machines: tuple[Flavor, ...] = MACHINES, count: int = 600, **request: Any,
) -> TrainingPlan:  # fmt: skip
    own = {key: request.pop(key) for key in list(request) if key in PlanRequest.__dataclass_fields__}
    found = report(kind, count, template)
    chosen, _ = choose_method(found, own.get("goal"), own.get("method"))
    return recommend(
        model(name, template), found, data_stats(found, chosen), machines, PlanRequest(**own, settings=request)
    )


def words_of(made) -> str:
    return " ".join(f"{reason.words} {reason.alternative}" for reason in made.reasons)


KINDS = {"SFT": "messages", "DPO": "preference", "KTO": "marked", "Reward": "preference",
         "GRPO": "verifiable", "RLOO": "verifiable"}  # fmt: skip


def check(made: TrainingPlan) -> None:
    e = made.estimate
    for span in (e.memory_bytes, e.seconds, e.usd):
        assert all(math.isfinite(value) for value in (span.low, span.mid, span.high))
        assert 0 <= span.low <= span.mid <= span.high
    assert e.steps >= 1
    assert made.effective_batch_size >= 1
    assert str(made)
    json.dumps(made.to_dict())


def check_script(made: TrainingPlan, most_lines: int) -> str:
    """The recipe of a plan's script, which stands alone: Python and ASCII, the recipe short and the runtime last."""
    script = made.script
    compile(script, "script.py", "exec")
    recipe, runtime = script.split(RECIPE_END)
    assert "def main():" in recipe
    assert len([line for line in recipe.split(chr(34) * 3, 2)[2].splitlines() if line.strip()]) <= most_lines
    assert "def train(" in runtime
    assert "from hfft_widgets" not in script
    assert read_plan(script)["method"] == made.method
    assert script.isascii()
    return recipe


PLANS = {method: plan(kind=kind, method=method) for method, kind in KINDS.items()}
