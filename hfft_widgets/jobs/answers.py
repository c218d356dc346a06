"""Asking a trained model, and the one it was trained from, the same."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, Literal

from hfft_widgets.errors import RunError
from hfft_widgets.hub.token import own_mask

Which = Literal["both", "trained", "untrained"]
_ANSWER_SECONDS = 600.0


@dataclass(frozen=True)
class ModelAnswer:
    """What a model answers, and what the one that it was trained from answers to the same, asked the same way.

    Attributes:
        prompt: What was asked.
        trained: The answer of the trained model; None: it was not asked.
        untrained: That of the model before.
    """

    prompt: str
    trained: str | None = None
    untrained: str | None = None

    def __str__(self) -> str:
        said = (("untrained", self.untrained), ("trained", self.trained))
        return "\n".join([f"asked: {self.prompt}", *(f"{name}: {text}" for name, text in said if text is not None)])


def ask_models(
    trained: str, untrained: str, prompts: Sequence[str], which: Which = "both", *, longest: int, temperature: float
) -> list[ModelAnswer]:
    """Ask one model, the other, or both, in a process of its own that ends with the last answer.

    Args:
        trained: Folder or Hub id of the trained model, whose tokenizer and chat template both are asked with.
        untrained: The model that it was trained from.
        prompts: What is asked, each for itself.
        which: Who is asked.
        longest: Tokens an answer may have.
        temperature: 0: always the likeliest next word; else the same chance for both.

    Raises:
        RunError: No answer came.
    """
    if which not in {"both", "trained", "untrained"}:
        raise RunError(f"which is {which!r}.", remedy="Choose one of: both, trained, untrained.")
    sources = {"untrained": untrained, "trained": trained}
    told = _asked({
        "models": {name: source for name, source in sources.items() if which in {"both", name}},
        "tokenizer": trained, "prompts": list(prompts), "longest": longest, "temperature": temperature, "seed": 0,
    })  # fmt: skip
    return [
        ModelAnswer(prompt, **{name: answers[number] for name, answers in told.items()})
        for number, prompt in enumerate(prompts)
    ]


def _asked(asked: Mapping[str, Any]) -> dict[str, list[str]]:
    script = str(files("hfft_widgets.scripts.proof").joinpath("answering.py"))
    try:
        done = subprocess.run(
            [sys.executable, script], input=json.dumps(asked), capture_output=True, text=True, errors="replace",
            timeout=_ANSWER_SECONDS, check=False,
        )  # fmt: skip
        told = json.loads(done.stdout.strip().rpartition("\n")[2] or "{}")
        told = told or {"error": done.stderr.strip()[-500:]}
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:
        told = {"error": f"{type(error).__name__}: {error}"[:500]}
    if "error" in told:
        why = own_mask().hide(str(told["error"]))
        raise RunError("The model could not be asked.", why=why, remedy="It needs pip install 'hfft-widgets[train]'.")
    return {name: [str(one) for one in answers] for name, answers in told.items()}
