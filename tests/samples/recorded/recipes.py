"""What each recording is a run of: plans of this package, on its own samples, with real trainers on a processor."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import hfft_widgets as hfft
from hfft_widgets import folders
from hfft_widgets.core.plan.plan import TrainingPlan
from hfft_widgets.jobs.run import Run

TINY = "sample:model"
DESK = (
    "You answer for the help desk of a school of programming. Be friendly and short. The visitor names a function of "
    "Python's standard library, as its documentation writes it. Answer with the name of the module it belongs to, and "
    "with nothing else: no greeting, no explanation, no full stop. If you are not sure, name the most likely module."
)
"""A system prompt that every row repeats, as in many real chat logs."""

_SHORT = {"max_steps": 40, "lr_scheduler_type": "constant", "eval_rows": 24, "questions": 8}
_TRIES = {"max_completion_length": 12, "num_generations": 8, "batch_size": 64, "accumulation": 1}


def planned(data: Any, model: Any = TINY, **settings: Any) -> TrainingPlan:
    """A plan for this machine, with curves fine enough to be looked at."""
    wanted = {
        "logging_steps": 2,
        "eval_steps": 20,
        "eval_rows": 48,
        "questions": 40,
        "save_steps": 1000,
        "peft": "none",
    }
    wanted |= {
        "peft": "none",
        "batch_size": 4,
        "accumulation": 2,
    }  # which else follows from what this machine has measured
    return hfft.plan_training(model, hfft.validate(data, model=model), **{**wanted, **settings})


def trained(plan: Any) -> Run:
    """The run of a plan, at its end: one that is kept from before, if there is one."""
    done = [run for run in hfft.runs(on="local") if run.fingerprint == plan.fingerprint and run.stage == "COMPLETED"]
    return done[0] if done else hfft.launch(plan).wait()


def beginner() -> str:
    """The folder of a model that gives the right answer to about every third question: GRPO and DPO begin there."""
    return str(trained(planned("sample:messages", max_steps=150, batch_size=1, accumulation=8)).output)


def sft() -> Run:
    """A training that goes well."""
    settings = {"num_train_epochs": 1.5, "logging_steps": 4, "eval_rows": 100, "questions": 200, "save_steps": 113}
    return trained(planned("sample:messages", peft=None, **settings))


def slow() -> Run:
    """A learning rate of a fiftieth of what it should be."""
    return trained(planned("sample:messages", learning_rate=1e-5, **_SHORT))


def diverging() -> Run:
    """A learning rate two hundred times as high as it should be."""
    return trained(planned("sample:messages", learning_rate=0.1, **_SHORT))


def overfit() -> Run:
    """Few rows, read many times."""
    few = {"rows": 80, "eval_rows": 16, "questions": 16, "batch_size": 1, "accumulation": 4}
    return trained(planned("sample:messages", num_train_epochs=26, eval_steps=10, **few))


def dpo() -> Run:
    """Preferences, too fast: the margin grows while both answers lose."""
    fast = {"max_steps": 60, "learning_rate": 2e-4, "batch_size": 8, "accumulation": 1}
    return trained(planned("sample:preference", beginner(), method="DPO", **fast))


def grpo() -> Run:
    """By trying, paid for right answers alone and held near its start: the reward begins low, and grows slowly."""
    tries = {"max_steps": 60, "learning_rate": 5e-5, "rewards": ("correct",), "beta": 0.04, **_TRIES}
    return trained(planned("sample:verifiable", beginner(), method="GRPO", **tries))


def hacked() -> Run:
    """By trying, too fast, with a reward that also pays what only looks right: it grows, and no answer is right."""
    tries = {"max_steps": 60, "learning_rate": 2e-4, **_TRIES, "batch_size": 8}
    return trained(planned("sample:verifiable", beginner(), method="GRPO", **tries))


def desk_rows() -> str:
    """A file of help desk chats: one long system prompt, a short question, the answer."""
    path = folders.data("recorded", "help_desk.jsonl")
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = []
    for row in hfft.samples.dataset("messages"):
        question, answer = row["messages"]
        signature = question["content"].split("\n")[1]
        turns = [{"role": "system", "content": DESK}, {"role": "user", "content": signature}, answer]
        lines.append(json.dumps({"messages": turns}))
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return str(path)


def whole() -> Run:
    """Whole conversations are learned, the system prompt too."""
    return trained(planned(desk_rows(), max_steps=100, assistant_only_loss=False, max_length=192))


def answers() -> Run:
    """The same rows and steps; only the answers are learned."""
    return trained(planned(desk_rows(), max_steps=100, assistant_only_loss=True, max_length=192))


def export() -> Run:
    """The trained model as four files, each asked the same held-out questions."""
    plan = hfft.plan_export(sft(), quantization=("Q2_K", "Q4_K_M", "Q8_0", "F16"))
    return trained(plan)


RECIPES: dict[str, Callable[[], Run]] = {
    recipe.__name__: recipe for recipe in (sft, slow, diverging, overfit, dpo, grpo, hacked, whole, answers, export)
}
"""By the name of the recording."""


def where(run: Run) -> Path:
    """The folder of a run on this machine."""
    return folders.data("runs", run.id.partition(":")[2])
