"""Plans of every method and kind, and the calls in their scripts."""

from __future__ import annotations

import ast
import dataclasses

from hfft_widgets.core.method import METHODS
from hfft_widgets.core.plan.plan import TrainingPlan

COLUMNS = {
    "SFT": ("messages",),
    "DPO": ("prompt", "chosen", "rejected"),
    "KTO": ("prompt", "completion", "label"),
    "Reward": ("chosen", "rejected"),
    "GRPO": ("prompt", "answer"),
    "RLOO": ("prompt", "answer"),
}


# every setting away from its default, so that every line of every script is written
UNUSUAL = {
    "packing": True, "weight_decay": 0.01, "max_steps": 7, "assistant_only_loss": True, "answers_only": True,
    "lora_dropout": 0.1, "use_rslora": True, "use_dora": True, "lora_targets": ("attention",), "optim": "adamw_8bit",
    "mask_truncated_completions": True, "beta": 0.3, "num_iterations": 2, "trackio": True, "rows": 300,
    "private": False, "activation_checkpointing": False,
}  # fmt: skip


def variants(plan: TrainingPlan) -> list[TrainingPlan]:
    """Every method, LoRA and full, with few and with all arguments, to the Hub and not; SFT and DPO with pictures."""
    made = []
    for method in METHODS:
        data = dataclasses.replace(plan.data, columns=COLUMNS[method])
        own = dataclasses.replace(plan, method=method, data=data)
        made += [own, dataclasses.replace(own.replace(**UNUSUAL), push_to="me/it")]
        if method in {"SFT", "DPO"}:
            shown = dataclasses.replace(data, columns=(*data.columns, "image"))
            sees = dataclasses.replace(plan.facts, vision=True)
            made.append(dataclasses.replace(own, data=shown, facts=sees))
    return [dataclasses.replace(variant, peft=peft) for variant in made for peft in ("lora", "qlora", "none")]


def call_of(script: str, name: str) -> ast.Call:
    """A call of a name; of a config, the call that also looks at the command line."""
    calls = [node for node in ast.walk(ast.parse(script)) if isinstance(node, ast.Call)]
    named = [(call.func, *call.args[:1]) for call in calls]
    return next(
        call for call, names in zip(calls, named, strict=True) if name in [getattr(one, "id", "") for one in names]
    )


def online(plan: TrainingPlan, *columns: str, **settings) -> TrainingPlan:
    data = dataclasses.replace(plan.data, columns=("prompt", *columns))
    return dataclasses.replace(plan, method="GRPO", data=data).replace(**settings)


def assigned_in(tree: ast.Module) -> dict[str, ast.expr]:
    """What is assigned to each name on the script's outer level."""
    named = [node for node in tree.body if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)]
    return {node.targets[0].id: node.value for node in named}
