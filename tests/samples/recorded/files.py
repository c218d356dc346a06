"""The table of lesson 4, made anew by `python -m tests.samples.recorded.files FILE`: four real GGUF files of one model,
asked the same held-out questions in llama.cpp, with the chat template that it was trained with, without one, and with
another model's."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from hfft_widgets import samples
from hfft_widgets.jobs.asking.answers import ask_models
from hfft_widgets.jobs.trained_model import trained_model
from hfft_widgets.scripts.gguf.loading import Loaded
from hfft_widgets.scripts.proof.held_out import hold_out
from tests.samples.recorded.recipes import export, sft

LONGEST = 24
COUNT = 100
FORMS = {
    "its own template": "",
    "no template": "{question}",
    "another model's template": "<start_of_turn>user\n{question}<end_of_turn>\n<start_of_turn>model\n",
}
OTHERS = (
    *(f"What is {n} + {n + 3}?" for n in range(1, 8)),
    *(f"What is the capital of {land}?" for land in ("France", "Japan", "Egypt", "Peru", "Norway", "Kenya")),
    *(f"Say the word {word}." for word in ("hello", "tree", "water", "seven")),
    *("What colour is the sky?", "How many days has a week?", "Is ice cold?"),
)
"""Twenty questions of another kind: what became of the rest?"""
FEW = 8  # answers that are shown of each form


def table() -> dict[str, Any]:
    """What the lesson shows, as JSON values."""
    from cyllama.llama import llama_cpp

    training, made = sft(), export()
    rows = hold_out(samples.dataset("messages"), COUNT)["test"]
    questions = [row["messages"][0]["content"] for row in rows]
    expected = [row["messages"][1]["content"] for row in rows]
    own = own_template(training)
    first = made.journal.data("verified")
    files = []
    for one in sorted([first, *first["others"]], key=lambda one: -one["bytes"]):
        loaded = Loaded(llama_cpp, Path(one["file"]))
        answers = [loaded.answer(own.replace("{question}", asked), LONGEST)[0] for asked in questions]
        name = Path(one["file"]).stem.rpartition("-")[2]
        files.append({"quantization": name, "bytes": one["bytes"], "answers": answers})
        if name == "F16":
            forms = {form: asked(loaded, shape or own, questions, expected) for form, shape in FORMS.items()}
    about = (
        f"A real export of the run sft to four files, asked {COUNT} held-out questions in llama.cpp, on a processor "
        f"({datetime.fromtimestamp(made.status.created, UTC).date()}, llama.cpp by cyllama {version('cyllama')})."
    )
    return {
        "about": about,
        "questions": questions,
        "expected": expected,
        "files": files,
        "forms": forms,
        "others": others(training),
    }


def others(training: Any) -> list[dict[str, Any]]:
    """What the model says to questions of another kind, before its training and after it."""
    told = ask_models(str(trained_model(training)), training.plan["model"], OTHERS, "both", longest=12, temperature=0.0)
    return [{"question": one.prompt, "before": one.untrained, "after": one.trained} for one in told]


def own_template(training: Any) -> str:
    """The text that the trained model's chat template makes of a question."""
    row = training.journal.data("answers")["rows"][0]
    assert row["prompt"] in row["asked"]
    return str(row["asked"].replace(row["prompt"], "{question}"))


def asked(loaded: Loaded, shape: str, questions: list[str], expected: list[str]) -> dict[str, Any]:
    """How many answers are right, how many come to their own end, and the first few of them."""
    told = [loaded.answer(shape.replace("{question}", question), LONGEST) for question in questions]
    return {
        "template": shape,
        "right": sum(answer.strip() == wanted for (answer, _), wanted in zip(told, expected, strict=True)),
        "ended": sum(stopped for _, stopped in told),
        "answers": [answer for answer, _ in told[:FEW]],
    }


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(json.dumps(table(), indent=1) + "\n", "utf-8")
